"""Lists of any kind: filter, sort, group, page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.errors import InvalidRequest, NotFound
from chalicelib.state.meta import Ref
from chalicelib.tools.listing import Listing, list_rows, sort_keys
from chalicelib.tools.ranking import LEVELS, row_rank
from chalicelib.tools.rows import entry_of
from tests.unit.tools.objects import AT, a_deployment, a_node, a_pod, obj, snapshot_of, view_over
from tests.unit.tools.recorded_views import a_view, view_of


def names(listing: Listing) -> list[str]:
    return [row["name"] for row in listing.items]


def few_pods() -> Any:
    return view_over(
        a_pod("web-a", "web"), a_pod("web-b", "web", node="node-b"), a_pod("db-a", "db", ready=False), a_node("node-a")
    )


@dataclass(frozen=True)
class OnlyNamed:
    """A query over rows, as chalicelib.state.query gives one."""

    text: str
    sort: str = ""
    group: str = ""

    def apply(self, rows: Sequence[dict[str, Any]], now: datetime) -> Sequence[dict[str, Any]]:
        found = [row for row in rows if self.text in row["name"]]
        return sorted(found, key=lambda r: r["name"], reverse=True) if self.sort else found


def test_a_list_is_worst_first_then_by_name() -> None:
    assert names(list_rows(few_pods(), "pods")) == ["db-a", "web-a", "web-b"]


@pytest.mark.parametrize("kind", ["Pod", "pods", "po", "POD"])
def test_a_kind_goes_by_all_its_names(kind: str) -> None:
    assert list_rows(few_pods(), kind).total == 3


def test_an_unknown_kind_is_refused_with_the_choices() -> None:
    with pytest.raises(NotFound) as caught:
        list_rows(few_pods(), "pdos")
    assert caught.value.code == "unknown_kind"
    assert "Pod" in caught.value.details["valid"]


def test_an_unknown_namespace_is_refused_with_the_choices() -> None:
    with pytest.raises(NotFound) as caught:
        list_rows(few_pods(), "pods", namespace="shpo")
    assert caught.value.details["valid"] == ["shop"]


def test_a_namespace_is_no_filter_for_cluster_scoped_kinds() -> None:
    assert names(list_rows(few_pods(), "nodes", namespace="shop")) == ["node-a"]


def test_a_kind_that_was_not_read_has_no_total_and_a_gap() -> None:
    listing = list_rows(few_pods(), "services")
    assert (listing.total, listing.items) == (None, [])
    assert [gap.kind for gap in listing.gaps] == ["Service"]


def test_a_kind_that_was_read_and_is_empty_counts_none() -> None:
    listing = list_rows(view_over(a_pod("a", "a"), empty=("Service",)), "services")
    assert (listing.total, listing.gaps) == (0, ())


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("-restarts", ["db-a", "web-a", "web-b"]),
        ("restarts", ["web-a", "web-b", "db-a"]),
        ("-name", ["web-b", "web-a", "db-a"]),
        ("node", ["db-a", "web-a", "web-b"]),
        ("health", ["db-a", "web-a", "web-b"]),
        ("-ready", ["web-a", "web-b", "db-a"]),
    ],
)
def test_a_list_is_sorted_by_a_column(sort: str, expected: list[str]) -> None:
    assert names(list_rows(few_pods(), "pods", sort=sort)) == expected


def test_age_is_the_reverse_of_the_creation_time() -> None:
    view = view_of("incidents")
    by_age = [row["created_at"] for row in list_rows(view, "pods", sort="age", limit=500).items]
    assert by_age == sorted(by_age, reverse=True)


def test_rows_without_a_value_come_last_in_both_directions() -> None:
    view = view_of("incidents")
    for sort in ("last_restart", "-last_restart"):
        values = [row["last_restart"] for row in list_rows(view, "pods", sort=sort, limit=500).items]
        assert None in values
        first_absent = values.index(None)
        assert set(values[first_absent:]) == {None}


def test_an_unknown_sort_key_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(InvalidRequest) as caught:
        list_rows(few_pods(), "pods", sort="-colour")
    assert caught.value.code == "invalid_sort"
    assert "restarts" in caught.value.details["valid"]


@pytest.mark.parametrize("cluster", ["incidents", "healthy"])
def test_every_kind_can_be_sorted_by_each_of_its_keys(cluster: str) -> None:
    view = view_of(cluster)
    for kind in view.snapshot.objects:
        entry = entry_of(view.snapshot, kind)
        total = len(view.snapshot.of(entry.kind))
        for key in sort_keys(entry):
            assert len(list_rows(view, kind, sort=f"-{key}", limit=1000).items) == total


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_limit_out_of_range_is_refused(limit: int) -> None:
    with pytest.raises(InvalidRequest):
        list_rows(few_pods(), "pods", limit=limit)


@pytest.mark.parametrize("limit", [1, 7, 40, 98])
def test_pages_together_are_the_whole_list_in_order(limit: int) -> None:
    view = view_of("incidents")
    whole = [row["uid"] for row in list_rows(view, "pods", limit=1000).items]
    paged: list[str] = []
    cursor = None
    while True:
        page = list_rows(view, "pods", limit=limit, cursor=cursor)
        paged += [row["uid"] for row in page.items]
        cursor = page.next
        assert page.total == 98
        if cursor is None:
            break
    assert paged == whole


@pytest.mark.parametrize("cursor", ["x", "é", "a" * 300, "bm90IGEgY3Vyc29y"])
def test_a_malformed_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        list_rows(few_pods(), "pods", cursor=cursor)
    assert caught.value.code == "invalid_cursor"


def test_a_cursor_of_another_question_is_refused() -> None:
    cursor = list_rows(few_pods(), "pods", limit=1).next
    with pytest.raises(InvalidRequest):
        list_rows(few_pods(), "pods", limit=1, cursor=cursor, sort="name")


def test_a_cursor_of_an_older_reading_continues_behind_its_last_row() -> None:
    pods = [a_pod(f"p{i}", "web") for i in range(6)]
    cursor = list_rows(a_view(snapshot_of(*pods)), "pods", limit=2).next
    newer = a_view(snapshot_of(a_pod("a-new", "web"), *pods, at=AT + timedelta(minutes=1)))
    assert names(list_rows(newer, "pods", limit=2, cursor=cursor)) == ["p2", "p3"]


def test_a_query_filters_and_binds_the_cursor() -> None:
    listing = list_rows(few_pods(), "pods", query=OnlyNamed("web"), limit=1)
    assert (names(listing), listing.total) == (["web-a"], 2)
    with pytest.raises(InvalidRequest):
        list_rows(few_pods(), "pods", query=OnlyNamed("db"), limit=1, cursor=listing.next)


def test_a_query_that_ranks_by_itself_keeps_its_order_unless_a_sort_is_given() -> None:
    query = OnlyNamed("-", sort="-name")
    assert names(list_rows(few_pods(), "pods", query=query)) == ["web-b", "web-a", "db-a"]
    assert names(list_rows(few_pods(), "pods", query=query, sort="name")) == ["db-a", "web-a", "web-b"]


def test_a_query_that_groups_by_itself_gives_groups() -> None:
    groups = list_rows(few_pods(), "pods", query=OnlyNamed("", group="node")).groups
    assert groups is not None
    assert [g.key for g in groups] == ["node-a", "node-b"]


def test_groups_count_all_rows_worst_first() -> None:
    listing = list_rows(few_pods(), "pods", group="node", limit=1)
    assert listing.groups is not None
    assert [(g.key, g.count, g.worst) for g in listing.groups] == [("node-a", 2, "crit"), ("node-b", 1, "ok")]


def test_rows_follow_the_order_of_their_groups() -> None:
    view = view_of("incidents")
    listing = list_rows(view, "pods", group="namespace", limit=1000)
    order = list(dict.fromkeys(row["namespace"] for row in listing.items))
    assert listing.groups is not None
    assert order == [g.key for g in listing.groups]
    assert sum(g.count for g in listing.groups) == listing.total


def test_an_unknown_group_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        list_rows(few_pods(), "pods", group="colour")
    assert caught.value.code == "invalid_group"


def test_every_row_has_the_keys_of_the_contract() -> None:
    view = view_of("incidents")
    for kind in view.snapshot.objects:
        listing = list_rows(view, kind, limit=1000)
        wanted = {"kind", "namespace", "name", "uid", "created_at", "status", "health", "problem", "labels"}
        wanted |= {c.key for c in listing.columns}
        for row in listing.items:
            assert set(row) == wanted
            assert row["status"]["level"] in LEVELS


def test_levels_count_every_row() -> None:
    listing = list_rows(view_of("scale"), "pods", limit=1)
    assert sum(listing.levels.values()) == listing.total == 10_000
    assert list(listing.levels) == [level for level in LEVELS if level in listing.levels]


def test_a_workload_that_looks_well_but_has_a_problem_is_not_ranked_well() -> None:
    view = view_of("incidents")
    sure = {p.resource for p in view.diagnosis.problems if p.severity == "critical" and p.probability > 0.9}
    rows = [r for r in view.rows("Deployment") if Ref("Deployment", r["namespace"], r["name"]) in sure]
    assert any(row["status"]["level"] == "ok" for row in rows)
    assert all(row_rank(row) < LEVELS.index("ok") for row in rows)


def test_a_deployment_of_an_unknown_kind_of_label_is_found_by_selector() -> None:
    view = view_over(a_pod("web-a", "web"), a_pod("db-a", "db"), a_deployment("web"))
    assert names(list_rows(view, "pods", labels="app in (db, cache)")) == ["db-a"]
    assert names(list_rows(view, "pods", fields="spec.nodeName=node-a,metadata.name!=db-a")) == ["web-a"]


def test_objects_of_a_kind_the_registry_does_not_know_are_listed_too() -> None:
    listing = list_rows(view_of("incidents"), "tenants")
    assert [(r["namespace"], r["name"]) for r in listing.items] == [("legacy", "acme")]


def test_a_time_column_is_written_as_rfc_3339() -> None:
    view = view_over(obj("Event", "e1", reason="Failed", type="Warning", lastTimestamp="2026-03-01T11:00:00Z"))
    assert list_rows(view, "events").items[0]["last"] == "2026-03-01T11:00:00Z"
