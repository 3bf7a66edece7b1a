from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from a_store import NOW, a_cluster, a_finding, a_piece_of_evidence
from msgspec.structs import replace

from chalicelib.errors import Conflict, InvalidRequest, NotFound
from chalicelib.state.ids import TenantId
from chalicelib.store import Store


def test_a_cluster_reads_back_as_it_was_added(store: Store, tenant: TenantId) -> None:
    added = store.clusters.add(tenant, a_cluster(connection={"region": "eu-west-1"}, problems={"critical": 3}))

    assert store.clusters.get(tenant, added.id) == added
    assert (added.tenant, added.revision) == (tenant, 1)


def test_an_unknown_cluster_is_answered_with_those_that_exist(store: Store, tenant: TenantId) -> None:
    known = store.clusters.add(tenant, a_cluster())

    with pytest.raises(NotFound) as refused:
        store.clusters.get(tenant, "nope")

    assert refused.value.code == "unknown_cluster"
    assert refused.value.details["valid"] == [known.id]


@pytest.mark.parametrize("name", ["x" * 5000, "\ud800", "a#b", "é" * 600, " ", "../up"])
def test_a_name_that_no_key_can_have_is_an_unknown_cluster(store: Store, tenant: TenantId, name: str) -> None:
    with pytest.raises(NotFound):
        store.clusters.get(tenant, name)


def test_clusters_are_listed_oldest_first(store: Store, tenant: TenantId) -> None:
    young = store.clusters.add(tenant, a_cluster(created_at=NOW + timedelta(days=1)))
    old = store.clusters.add(tenant, a_cluster())

    assert list(store.clusters.list(tenant)) == [old, young]


def test_the_second_of_two_updates_of_one_revision_is_refused(store: Store, tenant: TenantId) -> None:
    read = store.clusters.add(tenant, a_cluster())
    store.clusters.update(tenant, replace(read, name="first"))

    with pytest.raises(Conflict):
        store.clusters.update(tenant, replace(read, name="second"))

    assert store.clusters.get(tenant, read.id).name == "first"


def test_an_update_does_not_bring_a_removed_cluster_back(store: Store, tenant: TenantId) -> None:
    removed = store.clusters.add(tenant, a_cluster())
    store.clusters.remove(tenant, removed.id)

    for revision in (None, 0):
        with pytest.raises(Conflict):
            store.clusters.update(tenant, removed, revision)


def test_an_id_is_given_once(store: Store, tenant: TenantId) -> None:
    added = store.clusters.add(tenant, a_cluster())

    with pytest.raises(Conflict):
        store.clusters.add(tenant, added)


def test_removing_a_cluster_removes_its_credentials_objects_findings_and_evidence(
    store: Store, tenant: TenantId
) -> None:
    kept = store.clusters.add(tenant, a_cluster(id="cl-1"))
    doomed = store.clusters.add(tenant, a_cluster(id="cl-11"))
    for cluster in (kept.id, doomed.id):
        store.secrets.put(tenant, cluster, "kubeconfig", "secret")
        store.objects.put(tenant, f"{cluster}/snapshots/1", b"x")
        store.findings.upsert_many(tenant, cluster, [a_finding(cluster)], NOW)
        store.evidence.put_many(tenant, [a_piece_of_evidence(id="ev_same", cluster=cluster)], future())

    store.remove_cluster(tenant, doomed.id)

    left = [
        [record.id for record in store.clusters.list(tenant)],
        [cluster for cluster in (kept.id, doomed.id) if store.secrets.names(tenant, cluster)],
        [info.key for info in store.objects.list(tenant)],
        [cluster for cluster in (kept.id, doomed.id) if store.findings.list(tenant, cluster).items],
        [store.evidence.get(tenant, "ev_same").cluster],
    ]
    assert left == [[kept.id], [kept.id], [f"{kept.id}/snapshots/1"], [kept.id], [kept.id]]


def test_a_tenant_id_that_could_reach_into_another_is_refused(store: Store) -> None:
    for hostile in ("a#S#b", "a/b", "", "A", "_system_", "x" * 64):
        with pytest.raises(InvalidRequest) as refused:
            store.clusters.list(TenantId(hostile))
        assert refused.value.code == "invalid_tenant"


def test_a_lease_has_one_holder_until_it_is_released_or_expires(store: Store, tenant: TenantId) -> None:
    now = future()
    first = store.leases.acquire(tenant, "scan:cl_1", "a", 60, now)
    assert first
    assert store.leases.acquire(tenant, "scan:cl_1", "b", 60, now) is None
    assert store.leases.is_held(tenant, "scan:cl_1", now)
    assert not store.leases.is_held(tenant, "scan:cl_1", now + timedelta(seconds=61))
    assert not store.leases.is_held(tenant, "scan:cl_2", now)
    assert store.leases.acquire(tenant, "scan:cl_2", "b", 60, now)

    taken_over = store.leases.acquire(tenant, "scan:cl_1", "b", 60, now + timedelta(seconds=61))
    assert taken_over
    assert taken_over.revision > first.revision
    assert store.leases.release(tenant, first) is False

    assert store.leases.release(tenant, taken_over) is True
    assert not store.leases.is_held(tenant, "scan:cl_1", now)
    assert store.leases.acquire(tenant, "scan:cl_1", "c", 60, now)


def test_of_many_racing_for_a_lease_one_gets_it(shared_store: Store, tenant: TenantId) -> None:
    now = future()
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda n: shared_store.leases.acquire(tenant, "scan", f"w{n}", 60, now), range(8)))

    assert len([lease for lease in got if lease]) == 1


def future() -> datetime:
    """A time after the machine's own, for what expires by itself."""
    return datetime.now(UTC) + timedelta(hours=1)
