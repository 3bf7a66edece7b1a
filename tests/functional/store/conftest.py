"""The same suite against the in-memory twin and against AWS as moto has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from chalicelib.settings import Settings
from chalicelib.state.ids import TenantId
from chalicelib.store import Store, aws_store, create_resources, memory_store

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ACME = TenantId("acme")
OTHER = TenantId("other")


@pytest.fixture(params=["memory", "moto"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    if request.param == "memory":
        yield memory_store()
        return
    with moto_settings(monkeypatch) as settings:
        create_resources(settings)
        yield aws_store(settings)


class moto_settings:
    """Settings for AWS in this process: moto answers, and no real credentials can be used by accident."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")

    def __enter__(self) -> Settings:
        from moto import mock_aws

        self._mock = mock_aws()
        self._mock.start()
        return Settings(mode="aws")

    def __exit__(self, *_: object) -> None:
        self._mock.stop()
