"""Calling a tool: arguments, clusters, permissions, budgets, pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.errors import ClusterError, Forbidden, InvalidRequest, NotFound
from chalicelib.tools.budget import MAX_BYTES, clip, fit, shorten, size
from chalicelib.tools.context import ToolContext
from chalicelib.tools.entry import Answer, Items, PageArgs, ToolRegistry, tool
from chalicelib.tools.registry import TOOLS, call
from tests.unit.tools.objects import AT, a_pod, snapshot_of
from tests.unit.tools.recorded_views import RecordedViews, a_context, a_principal, a_view, view_of


def with_rows(rows: list[dict[str, Any]], **facts: Any) -> ToolRegistry:
    """A registry with one tool, `observe_rows`, that answers these rows."""
    registry = ToolRegistry()

    class Found(Items, frozen=True, kw_only=True):
        note: str = ""

    @tool("observe_rows", args=PageArgs, result=Found, registry=registry)
    def observe_rows(args: PageArgs, context: ToolContext) -> Answer:
        """Rows."""
        return Answer(Found(items=rows, **facts), "Rows were found.")

    return registry


def ask(registry: ToolRegistry, context: ToolContext | None = None, **args: Any) -> dict[str, Any]:
    return call("observe_rows", args, context or a_context("incidents"), registry).as_dict()


def test_an_unknown_tool_is_refused_with_the_choices() -> None:
    with pytest.raises(NotFound) as caught:
        call("observe_everything", {}, a_context("incidents"))
    assert caught.value.code == "unknown_tool"
    assert set(caught.value.details["valid"]) == {tool.name for tool in TOOLS}


@pytest.mark.parametrize(
    ("args", "field"),
    [
        ({}, "kind"),
        ({"kind": "Pod", "limit": 0}, "limit"),
        ({"kind": "Pod", "limit": "x"}, "limit"),
        ({"kind": "Pod", "colour": "red"}, "colour"),
        ({"kind": ["Pod"]}, "kind"),
        ({"kind": "Pod", "columns": "name"}, "columns"),
    ],
)
def test_wrong_arguments_name_the_field(args: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        call("observe_resources", args, a_context("incidents"))
    assert caught.value.code == "invalid_arguments"
    assert caught.value.details["field"] == field
    assert "kind" in caught.value.remedy


def test_the_only_cluster_need_not_be_named() -> None:
    assert call("observe_node_status", {}, a_context("incidents")).cluster == "cl_incidents"


@pytest.mark.parametrize("name", ["incidents", "cl_incidents"])
def test_a_cluster_goes_by_id_or_name(name: str) -> None:
    context = a_context("incidents", "healthy")
    assert call("observe_node_status", {"cluster": name}, context).cluster == "cl_incidents"


def test_one_of_several_clusters_must_be_named() -> None:
    with pytest.raises(InvalidRequest) as caught:
        call("observe_node_status", {}, a_context("incidents", "healthy"))
    assert caught.value.details["valid"] == ["healthy", "incidents"]


def test_an_unknown_cluster_is_refused_with_the_choices() -> None:
    with pytest.raises(NotFound) as caught:
        call("observe_node_status", {"cluster": "prod"}, a_context("incidents"))
    assert (caught.value.code, caught.value.details["valid"]) == ("unknown_cluster", ["incidents"])


def test_another_tenant_sees_no_cluster() -> None:
    context = a_context("incidents")
    stranger = ToolContext(a_principal(tenant="other"), context.views, context.store, context.now)
    with pytest.raises(InvalidRequest):
        call("observe_node_status", {}, stranger)


def test_a_tool_needs_its_permission() -> None:
    registry = ToolRegistry()

    @tool("observe_secretly", args=PageArgs, result=Items, permission="users:write", registry=registry)
    def observe_secretly(args: PageArgs, context: ToolContext) -> Answer:
        """Nobody's."""
        return Answer(Items(), "")

    with pytest.raises(Forbidden):
        call("observe_secretly", {}, a_context("incidents"), registry)


def test_one_cluster_that_is_down_is_a_named_gap_beside_the_others() -> None:
    views = RecordedViews({"incidents": [view_of("incidents")], "healthy": [view_of("healthy")]}, down={"prod"})
    result = call("observe_node_status", {"cluster": "*"}, a_context(views=views))
    assert [c["name"] for c in result.data["clusters"]] == ["healthy", "incidents"]
    gap = result.gaps[0]
    assert (gap["cluster"], gap["reason"]) == ("prod", "cluster_unreachable")
    assert "prod: not answered" in result.summary


def test_all_clusters_down_is_an_error() -> None:
    with pytest.raises(ClusterError):
        call("observe_node_status", {"cluster": "*"}, a_context(views=RecordedViews({}, down={"a", "b"})))


def test_rows_of_all_clusters_are_worst_first() -> None:
    result = call("observe_node_status", {"cluster": "*", "limit": 3}, a_context("healthy", "incidents"))
    assert [(r["cluster"], r["status"]["level"]) for r in result.data["items"][:2]] == [
        ("incidents", "crit"), ("incidents", "warn"),
    ]  # fmt: skip


def test_a_short_list_is_not_truncated() -> None:
    answer = ask(with_rows([{"name": "a"}]))
    assert (answer["data"]["items"], answer["truncated"]) == ([{"name": "a"}], None)


def test_a_long_list_says_what_is_left_out_and_how_to_go_on() -> None:
    registry = with_rows([{"name": f"p{i}"} for i in range(60)])
    first = ask(registry)
    cut = first["truncated"]
    assert (cut["shown"], cut["total"], cut["omitted"]) == (25, 60, 35)
    second = ask(registry, cursor=cut["next"])
    assert second["data"]["items"][0] == {"name": "p25"}
    third = ask(registry, cursor=second["truncated"]["next"])
    assert (len(third["data"]["items"]), third["truncated"]) == (10, None)


def test_a_cursor_belongs_to_its_arguments() -> None:
    registry = with_rows([{"name": f"p{i}"} for i in range(60)])
    cursor = ask(registry)["truncated"]["next"]
    with pytest.raises(InvalidRequest) as caught:
        ask(registry, cursor=cursor, namespace="shop")
    assert caught.value.code == "invalid_cursor"


@pytest.mark.parametrize("cursor", ["x", "....", "a" * 200])
def test_a_malformed_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(with_rows([]), cursor=cursor)
    assert caught.value.code == "invalid_cursor"


def test_the_next_page_comes_from_the_same_reading_while_it_is_stored() -> None:
    older = a_view(snapshot_of(*[a_pod(f"p{i:02d}", "web") for i in range(30)]))
    newer = a_view(snapshot_of(a_pod("only", "web"), at=AT + timedelta(minutes=1)))
    views = RecordedViews({"test": [older]})
    context = a_context(views=views)
    first = call("observe_resources", {"kind": "Pod", "limit": 20}, context)
    views.readings["test"].append(newer)
    second = call("observe_resources", {"kind": "Pod", "limit": 20, "cursor": first.truncated["next"]}, context)  # type: ignore[index]
    assert [r["name"] for r in second.data["items"]] == [f"p{i}" for i in range(20, 30)]


def test_the_next_page_of_a_reading_that_is_gone_says_so() -> None:
    older = a_view(snapshot_of(*[a_pod(f"p{i:02d}", "web") for i in range(30)]))
    newer = a_view(snapshot_of(*[a_pod(f"p{i:02d}", "web") for i in range(30)], at=AT - timedelta(minutes=1)))
    views = RecordedViews({"test": [older]})
    first = call("observe_resources", {"kind": "Pod", "limit": 20}, a_context(views=views))
    views.readings["test"][:] = [newer]
    args = {"kind": "Pod", "limit": 20, "cursor": first.truncated["next"]}  # type: ignore[index]
    second = call("observe_resources", args, a_context(views=views))
    assert len(second.data["items"]) == 10
    assert second.gaps[0]["reason"] == "stale"


def test_a_stale_view_is_a_gap() -> None:
    views = RecordedViews({"test": [a_view(snapshot_of(a_pod("p", "web")), note="read 90 s before")]})
    assert {"kind": "Cluster", "reason": "stale", "message": "read 90 s before"} in call(
        "observe_resources", {"kind": "Pod"}, a_context(views=views)
    ).gaps


def test_an_empty_list_of_what_was_not_read_does_not_claim_absence() -> None:
    views = RecordedViews({"test": [a_view(snapshot_of(a_pod("p", "web")))]})
    result = call("observe_service_endpoints", {}, a_context(views=views))
    assert result.summary.startswith("Not read: Service")


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["name", "text", "more"]), st.text(max_size=3000), max_size=3), max_size=60
    ),
    st.text(max_size=20_000),
)
@settings(max_examples=60, deadline=None)
def test_any_answer_fits_the_budget_and_accounts_for_every_row(rows: list[dict[str, Any]], note: str) -> None:
    answer = ask(with_rows(rows, note=note))
    assert len(msgspec.json.encode(answer)) <= MAX_BYTES
    shown, cut = len(answer["data"].get("items", [])), answer["truncated"] or {}
    assert shown + cut.get("omitted", 0) == len(rows)
    assert shown or not rows


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=500),
        lambda c: st.lists(c) | st.dictionaries(st.text(max_size=9), c),
        max_leaves=40,
    )
)
@settings(max_examples=80, deadline=None)
def test_what_is_clipped_is_named(value: Any) -> None:
    clipped, names = clip({"value": value}, 400)
    assert size(clipped) <= 400
    assert bool(names) is (clipped != {"value": value})


def test_at_least_one_row_is_always_shown() -> None:
    assert fit(["x" * 500, "y"], 0, 2, 10, cited=False).shown == 1


@given(st.text(max_size=2000))
def test_a_shortened_text_is_never_too_long(text: str) -> None:
    assert len(shorten(text, 100)) <= 100
