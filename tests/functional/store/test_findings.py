from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from a_store import MINUTE, a_finding, a_piece_of_evidence
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import NotFound
from chalicelib.state.ids import TenantId
from chalicelib.store import Store
from chalicelib.store.findings import merge

NOW = datetime.now(UTC).replace(microsecond=0)


def test_a_finding_seen_twice_is_one_finding_with_its_first_sight_kept(store: Store, tenant: TenantId) -> None:
    store.findings.upsert_many(tenant, "cl_1", [a_finding(first_seen=NOW)], NOW)
    store.findings.upsert_many(tenant, "cl_1", [a_finding(first_seen=NOW + MINUTE, summary="new")], NOW + MINUTE)

    (found,) = store.findings.list(tenant, "cl_1").items
    assert (found.first_seen, found.last_seen, found.summary) == (NOW, NOW + MINUTE, "new")


def test_a_finding_that_is_not_seen_any_more_is_resolved_and_comes_back_as_itself(
    store: Store, tenant: TenantId
) -> None:
    store.findings.upsert_many(tenant, "cl_1", [a_finding(first_seen=NOW)], NOW)

    assert store.findings.upsert_many(tenant, "cl_1", [], NOW + MINUTE) == []
    (resolved,) = store.findings.list(tenant, "cl_1", status="resolved").items
    assert (resolved.status, resolved.last_seen) == ("resolved", NOW)
    assert store.findings.list(tenant, "cl_1").items == ()

    again = store.findings.upsert_many(tenant, "cl_1", [a_finding()], NOW + 2 * MINUTE)
    assert [(found.status, found.first_seen) for found in again] == [("open", NOW)]


def test_findings_are_listed_most_severe_and_most_probable_first(store: Store, tenant: TenantId) -> None:
    scanned = [
        a_finding(name="c", severity="info", probability=1.0),
        a_finding(name="b", severity="critical", probability=0.7),
        a_finding(name="a", severity="critical", probability=0.9),
        a_finding(name="d", severity="warning", probability=0.2),
    ]
    store.findings.upsert_many(tenant, "cl_1", scanned, NOW)

    assert _names(store, tenant) == ["a", "b", "d", "c"]
    assert _names(store, tenant, severity="critical") == ["a", "b"]


@pytest.mark.parametrize("limit", [1, 2, 5, 100])
def test_pages_of_one_severity_in_both_states_hold_everything_once(store: Store, tenant: TenantId, limit: int) -> None:
    old = [a_finding(name=f"old-{n}", severity="warning") for n in range(5)]
    new = [a_finding(name=f"new-{n}", severity="warning") for n in range(4)]
    store.findings.upsert_many(tenant, "cl_1", [*old, a_finding(name="x")], NOW)
    store.findings.upsert_many(tenant, "cl_1", new, NOW + MINUTE)

    seen, cursor, first = [], None, True
    while first or cursor:
        first = False
        page = store.findings.list(tenant, "cl_1", status=None, severity="warning", limit=limit, cursor=cursor)
        seen += [(found.status, found.resource.name) for found in page.items]
        cursor = page.next

    assert [state for state, _ in seen] == ["open"] * 4 + ["resolved"] * 5
    assert sorted(name for _, name in seen) == sorted([f"new-{n}" for n in range(4)] + [f"old-{n}" for n in range(5)])


def test_clusters_do_not_resolve_each_others_findings(store: Store, tenant: TenantId) -> None:
    store.findings.upsert_many(tenant, "cl_1", [a_finding("cl_1")], NOW)
    store.findings.upsert_many(tenant, "cl_2", [], NOW)

    assert _names(store, tenant) == ["web"]


def test_a_resolved_finding_is_kept_for_90_days(store: Store, tenant: TenantId) -> None:
    long_ago = NOW - timedelta(days=91)
    store.findings.upsert_many(tenant, "cl_1", [a_finding(first_seen=long_ago)], long_ago)
    store.findings.upsert_many(tenant, "cl_1", [], long_ago)
    store.findings.upsert_many(tenant, "cl_2", [a_finding("cl_2", first_seen=long_ago)], long_ago)
    store.findings.upsert_many(tenant, "cl_2", [], NOW)

    assert store.findings.list(tenant, "cl_1", status="resolved").items == ()
    assert len(store.findings.list(tenant, "cl_2", status="resolved").items) == 1


def test_evidence_resolves_by_id_alone_and_many_at_once_in_order(store: Store, tenant: TenantId) -> None:
    first, second = a_piece_of_evidence(), a_piece_of_evidence(namespace="")
    store.evidence.put_many(tenant, [first, second, first], NOW)

    assert store.evidence.get(tenant, first.id) == first
    found = store.evidence.get_many(tenant, "cl_1", [second.id, "ev_none", first.id])
    assert list(found) == [second, first]
    with pytest.raises(NotFound) as refused:
        store.evidence.get(tenant, "ev_none")
    assert refused.value.code == "unknown_evidence"


def test_evidence_lives_90_days_after_it_was_last_cited(store: Store, tenant: TenantId) -> None:
    cited = a_piece_of_evidence()
    store.evidence.put_many(tenant, [cited], NOW - timedelta(days=91))
    assert list(store.evidence.get_many(tenant, "cl_1", [cited.id])) == []

    store.evidence.put_many(tenant, [cited], NOW)
    assert store.evidence.get(tenant, cited.id) == cited


@given(st.lists(st.sets(st.sampled_from("abcdef")), min_size=1, max_size=8))
def test_after_any_scans_the_open_findings_are_those_of_the_last_one(scans: list[set[str]]) -> None:
    known: dict = {}
    first_sight: dict[str, int] = {}
    for step, seen in enumerate(scans):
        now = NOW + step * MINUTE
        scan = [a_finding(name=name, first_seen=now) for name in sorted(seen)]
        known |= {found.id: found for found in merge(known, scan, "cl_1", now)}
        for name in seen:
            first_sight.setdefault(name, step)

    assert {f.resource.name for f in known.values() if f.status == "open"} == scans[-1]
    assert {f.resource.name: f.first_seen for f in known.values()} == {
        name: NOW + step * MINUTE for name, step in first_sight.items()
    }


def _names(store: Store, tenant: TenantId, **filters: object) -> list[str]:
    return [found.resource.name for found in store.findings.list(tenant, "cl_1", **filters).items]
