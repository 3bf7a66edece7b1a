from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from a_store import a_cluster, a_conversation, a_finding, a_piece_of_evidence, an_event

from chalicelib.errors import Conflict, NotFound, Unavailable
from chalicelib.state.ids import TenantId
from chalicelib.store import Store, memory_store
from chalicelib.store.backup import export_all, newest_backup, restore_all
from chalicelib.store.records import SocketConnection

NOW = datetime.now(UTC)
LATER = NOW + timedelta(minutes=5)


def fill(store: Store, tenant: TenantId) -> None:
    """A little of everything that is kept."""
    store.clusters.add(tenant, a_cluster(id="cl_1"))
    store.conversations.create(tenant, a_conversation(id="co_1"))
    # Beyond what an item may hold: its body is an object.
    store.conversations.append_frame(tenant, "co_1", "tu", "block", {"text": "".join(map(str, range(200_000)))})
    store.findings.upsert_many(tenant, "cl_1", [a_finding()], NOW)
    store.evidence.put_many(tenant, [a_piece_of_evidence(id="ev_1")], NOW)
    store.audit.append(tenant, [an_event() for _ in range(30)])
    store.cache.put(tenant, "key", b"value", 3600, NOW)
    store.objects.put(tenant, "cl_1/snapshots/1", b"snapshot" * 1000)
    store.secrets.put(tenant, "cl_1", "kubeconfig", "very secret")
    store.connections.add(tenant, SocketConnection(id="s", user="ada", created_at=NOW))


def contents(store: Store) -> dict[str, object]:
    """All that a backup should bring back."""
    return {
        "items": {
            (group, tenant, item.partition, item.sort): item
            for group in ("core", "audit", "cache")
            for tenant, item in store.tables[group].scan()
        },
        "objects": {(t, info.key): store.objects.get(t, info.key) for t, info in store.objects.all()},
        "secrets": {(t, scope, name): store.secrets.get(t, scope, name) for t, scope, name in store.secrets.all()},
    }


def test_what_was_exported_is_restored_equal_and_its_chains_verify(
    store: Store, empty_store: Store, tenant: TenantId, other_tenant: TenantId, tmp_path: Path
) -> None:
    for owner in (tenant, other_tenant):
        fill(store, owner)
    exported = export_all(store, tmp_path / "backup", now=NOW)

    restored = restore_all(tmp_path / "backup", empty_store)

    assert contents(empty_store) == contents(store)
    assert restored.items == exported.items
    assert (restored.taken_at, restored.skipped, restored.intact) == (NOW, (), True)
    assert {restored.chains[owner].events for owner in (tenant, other_tenant)} == {30}
    assert len(empty_store.conversations.frames(tenant, "co_1")[0].body["text"]) > 900_000
    assert empty_store.connections.find(tenant, "s") is None


@pytest.fixture
def filled() -> Store:
    made = memory_store()
    fill(made, TenantId("acme"))
    return made


def test_a_broken_chain_is_restored_as_it_is_and_reported(filled: Store, tmp_path: Path) -> None:
    filled.tables["audit"].delete(TenantId("acme"), "", "EVENT#000000000007")
    export_all(filled, tmp_path / "backup", now=NOW)

    restored = restore_all(tmp_path / "backup", memory_store())

    assert not restored.intact
    assert restored.chains[TenantId("acme")].broken_at == 7


def test_objects_that_did_not_change_are_not_copied_again(filled: Store, tmp_path: Path) -> None:
    first = export_all(filled, tmp_path / "backup", now=NOW)
    filled.objects.put(TenantId("acme"), "cl_1/snapshots/2", b"new")
    second = export_all(filled, tmp_path / "backup", now=LATER)

    assert (first.objects_copied, second.objects_copied) == (first.objects, 1)
    assert second.objects == first.objects + 1
    fresh = memory_store()
    restore_all(tmp_path / "backup", fresh)
    assert contents(fresh) == contents(filled)


def test_the_newest_three_backups_are_kept_and_other_folders_left_alone(filled: Store, tmp_path: Path) -> None:
    (tmp_path / "backup" / "mine").mkdir(parents=True)
    made = [export_all(filled, tmp_path / "backup", now=NOW + timedelta(minutes=n)).path.name for n in range(5)]

    assert sorted(path.name for path in (tmp_path / "backup").iterdir()) == [*made[2:], "mine"]
    assert newest_backup(tmp_path / "backup") == NOW + timedelta(minutes=4)


def test_a_damaged_backup_is_passed_over_for_the_one_before_and_named(filled: Store, tmp_path: Path) -> None:
    export_all(filled, tmp_path / "backup", now=NOW)
    damaged = export_all(filled, tmp_path / "backup", now=LATER).path
    table = damaged / "tables" / "core.jsonl.zst"
    table.write_bytes(table.read_bytes()[:-10])

    restored = restore_all(tmp_path / "backup", memory_store())

    assert (restored.taken_at, restored.skipped) == (NOW, (damaged.name,))


def test_an_export_that_was_killed_leaves_no_half_backup(filled: Store, tmp_path: Path) -> None:
    export_all(filled, tmp_path / "backup", now=NOW)
    leftover = tmp_path / ".backup.partial" / "tables"
    leftover.mkdir(parents=True)
    (leftover / "core.jsonl.zst").write_bytes(b"half")

    assert newest_backup(tmp_path / "backup") == NOW
    export_all(filled, tmp_path / "backup", now=LATER)
    assert newest_backup(tmp_path / "backup") == LATER


def test_without_a_whole_backup_nothing_is_restored(tmp_path: Path) -> None:
    for source in (tmp_path / "none", tmp_path):
        with pytest.raises(NotFound) as refused:
            restore_all(source, memory_store())
        assert refused.value.code == "no_backup"
        assert newest_backup(source) is None


def test_a_store_that_holds_something_is_not_restored_over(filled: Store, tmp_path: Path) -> None:
    export_all(filled, tmp_path / "backup", now=NOW)

    with pytest.raises(Conflict) as refused:
        restore_all(tmp_path / "backup", filled)
    assert refused.value.code == "store_not_empty"


def test_secrets_are_in_a_backup_only_encrypted_and_lost_without_the_key(filled: Store, tmp_path: Path) -> None:
    exported = export_all(filled, tmp_path / "backup", now=NOW)

    assert not any(b"very secret" in file.read_bytes() for file in exported.path.rglob("*") if file.is_file())
    (tmp_path / "backup.key").write_bytes(b"k" * 32)
    with pytest.raises(Unavailable) as refused:
        restore_all(tmp_path / "backup", memory_store())
    assert "backup.key" in refused.value.remedy


def test_only_the_owner_can_read_a_backup_and_its_key(filled: Store, tmp_path: Path) -> None:
    exported = export_all(filled, tmp_path / "backup", now=NOW)

    files = [tmp_path / "backup.key", exported.path, *exported.path.rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files} == {0}


def test_a_destination_that_cannot_be_written_is_a_clear_error(filled: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Unavailable) as refused:
        export_all(filled, tmp_path / "file" / "backup", now=NOW)
    assert (refused.value.code, "disk" in refused.value.remedy) == ("backup_failed", True)
