"""Patches: the examples of their specifications, and what must hold for any object."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.demo.server.errors import ApiError
from infra.local.demo.server.patching import json_patch, merge_patch, strategic_merge
from infra.local.demo.server.schemas import type_of
from infra.local.demo.server.store import copy_of

POD = type_of("", "v1", "Pod")
assert POD is not None

scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.text("abc", max_size=3)
json_values = st.recursive(
    scalars,
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=2), below, max_size=3)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.text("abc", min_size=1, max_size=2), json_values, max_size=4)
names = st.sampled_from(["app", "proxy", "init", "log"])
environment = st.lists(st.builds(lambda n, v: {"name": n, "value": v}, names, st.text("xy", max_size=2)), max_size=3,
                       unique_by=lambda entry: entry["name"])  # fmt: skip
containers = st.lists(
    st.builds(lambda n, i, e: {"name": n, "image": i, "env": e}, names, st.sampled_from(["i", "j"]), environment),
    max_size=3, unique_by=lambda entry: entry["name"],
)  # fmt: skip
pods = st.builds(lambda inside, labels: {"metadata": {"labels": labels}, "spec": {"containers": inside}}, containers,
                 st.dictionaries(names, st.text("v", max_size=1), max_size=3))  # fmt: skip


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return value


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch_does_what_the_appendix_of_rfc_7386_shows(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


@given(objects, objects)
def test_a_merge_patch_applied_twice_changes_nothing_more(obj: Any, patch: Any) -> None:
    once = merge_patch(obj, patch)
    assert merge_patch(once, patch) == once


@given(objects, objects)
def test_a_merge_patch_leaves_its_target_and_itself_alone(obj: Any, patch: Any) -> None:
    before = copy_of(obj), copy_of(patch)
    merge_patch(obj, patch)
    assert (obj, patch) == before


@pytest.mark.parametrize(
    ("target", "operations", "result"),
    [
        ({"a": [1, 2]}, [{"op": "add", "path": "/a/1", "value": 9}], {"a": [1, 9, 2]}),
        ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}], {"a": [1, 2]}),
        ({"a": {"x/y": 1}}, [{"op": "remove", "path": "/a/x~1y"}], {"a": {}}),
        ({"a": 1}, [{"op": "move", "from": "/a", "path": "/b"}], {"b": 1}),
        ({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": 1}, "c": {"b": 1}}),
        ({"a": 1}, [{"op": "test", "path": "/a", "value": 1}, {"op": "replace", "path": "/a", "value": 2}], {"a": 2}),
    ],
)
def test_json_patch_does_what_rfc_6902_shows(target: Any, operations: Any, result: Any) -> None:
    assert json_patch(target, operations) == result


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2}, {"op": "remove", "path": "/b"}, {"op": "explode", "path": "/a"},
        {"op": "replace", "path": "/b/c", "value": 1}, {"op": "add", "path": "/l/7", "value": 1},
        {"op": "add", "path": "a", "value": 1},
    ],
)  # fmt: skip
def test_a_json_patch_that_cannot_be_applied_is_refused_as_the_real_server_does(operation: Any) -> None:
    with pytest.raises(ApiError) as refused:
        json_patch({"a": 1, "l": []}, [operation])
    assert (refused.value.code, refused.value.reason) == (422, "Invalid")


@given(pods)
def test_an_object_patched_with_itself_stays_as_it_is(pod: Any) -> None:
    assert strategic_merge(POD, pod, pod) == without_nulls(pod)


@given(pods, pods)
def test_a_strategic_patch_applied_twice_changes_nothing_more(pod: Any, patch: Any) -> None:
    once = strategic_merge(POD, pod, patch)
    assert strategic_merge(POD, once, patch) == once


@given(pods, pods)
def test_containers_merge_by_name_and_none_is_lost_or_doubled(pod: Any, patch: Any) -> None:
    merged = strategic_merge(POD, pod, patch)["spec"]["containers"]
    found = [container["name"] for container in merged]
    wanted = {container["name"] for source in (pod, patch) for container in source["spec"]["containers"]}
    assert len(found) == len(set(found))
    assert set(found) == wanted


@given(pods, pods)
def test_every_value_of_the_patch_is_in_the_result(pod: Any, patch: Any) -> None:
    merged = {container["name"]: container for container in strategic_merge(POD, pod, patch)["spec"]["containers"]}
    for container in patch["spec"]["containers"]:
        assert merged[container["name"]]["image"] == container["image"]
        present = {entry["name"]: entry["value"] for entry in merged[container["name"]]["env"]}
        assert present.items() >= {entry["name"]: entry["value"] for entry in container["env"]}.items()


@settings(max_examples=50)
@given(pods, names)
def test_a_delete_directive_removes_exactly_one_entry(pod: Any, name: str) -> None:
    patch = {"spec": {"containers": [{"name": name, "$patch": "delete"}]}}
    left = [container["name"] for container in strategic_merge(POD, pod, patch)["spec"]["containers"]]
    assert left == [container["name"] for container in pod["spec"]["containers"] if container["name"] != name]


def test_element_order_directives_put_entries_where_the_client_wants_them() -> None:
    pod = {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}
    order = [{"name": "c"}, {"name": "b"}, {"name": "a"}]
    patch = {"spec": {"$setElementOrder/containers": order, "containers": [{"name": "c", "image": "i"}]}}
    merged = strategic_merge(POD, pod, patch)["spec"]["containers"]
    assert [container["name"] for container in merged] == ["c", "b", "a"]


def test_a_list_without_merge_key_is_replaced() -> None:
    pod = {"spec": {"containers": [{"name": "a", "command": ["x", "y"]}]}}
    patch = {"spec": {"containers": [{"name": "a", "command": ["z"]}]}}
    assert strategic_merge(POD, pod, patch)["spec"]["containers"][0]["command"] == ["z"]


def test_retained_keys_drop_what_a_union_had_before() -> None:
    kind = type_of("apps", "v1", "Deployment")
    before = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic_merge(kind, before, patch) == {"spec": {"strategy": {"type": "Recreate"}}}
