from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chalicelib import wiring
from chalicelib.errors import InvalidRequest
from chalicelib.settings import Settings
from chalicelib.state.ids import TenantId
from chalicelib.store import memory_store
from chalicelib.store.backup import newest_backup
from chalicelib.store.records import User
from jobs import backup

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("KUBILITICS_HOME", raising=False)
    store = memory_store()
    store.users.add(TenantId("acme"), User(id="ada", name="Ada", role="admin"))
    wiring.install(wiring.Services(Settings(), store, clock=lambda: NOW))
    yield
    wiring.install(None)


def test_the_job_writes_a_backup_into_the_installations_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBILITICS_HOME", str(tmp_path))

    counts = backup.run(None, {})

    assert newest_backup(tmp_path / "backup") == NOW
    assert counts["items"]["core"] == 1


def test_a_given_destination_counts_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBILITICS_HOME", str(tmp_path / "home"))
    backup.run(None, {"destination": str(tmp_path / "elsewhere")})

    assert newest_backup(tmp_path / "elsewhere") == NOW


def test_without_a_destination_the_job_says_what_to_set() -> None:
    with pytest.raises(InvalidRequest) as refused:
        backup.run(None, {})
    assert "KUBILITICS_HOME" in refused.value.remedy
