"""Managers and their fields."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.demo.server.api import ApiError, Caller
from infra.local.demo.server.fieldsets import compare, fields_of, from_v1, to_v1
from infra.local.demo.server.schemas import type_of
from tests.unit.demo.server.builders import Cluster, a_deployment

DEPLOYMENT = type_of("apps", "v1", "Deployment")
data = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["1", "2"]), max_size=4)


def applied(cluster: Cluster, manager: str, values: dict[str, str], *, force: bool = False) -> Any:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": values}
    caller = Caller(manager=manager, force=force)
    return cluster.api.patch("ConfigMap", "shop", "settings", config, how="apply", caller=caller)


def test_a_field_that_another_manager_set_is_a_conflict_that_names_both() -> None:
    cluster = Cluster()
    cluster.api.create("Deployment", a_deployment(), namespace="shop", manager="kubectl-create")
    config = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "cart"}, "spec": {"replicas": 9}}
    with pytest.raises(ApiError) as refused:
        cluster.api.patch("Deployment", "shop", "cart", config, how="apply", manager="robot")
    assert refused.value.code == 409
    assert refused.value.message == (
        'Apply failed with 1 conflict: conflict with "kubectl-create" using apps/v1: .spec.replicas'
    )


def test_with_force_the_field_changes_hands() -> None:
    cluster = Cluster()
    applied(cluster, "one", {"a": "1"})
    changed = applied(cluster, "two", {"a": "2"}, force=True)
    owners = {entry["manager"]: entry["fieldsV1"] for entry in changed["metadata"]["managedFields"]}
    assert owners == {"two": {"f:data": {"f:a": {}}}}


def test_what_a_manager_no_longer_applies_is_removed_unless_somebody_else_has_it() -> None:
    cluster = Cluster()
    applied(cluster, "one", {"a": "1", "b": "1"})
    applied(cluster, "two", {"b": "1"})
    assert applied(cluster, "one", {"c": "1"})["data"] == {"b": "1", "c": "1"}


@given(data, data)
def test_applying_twice_in_a_row_gives_exactly_the_second_configuration(first: Any, second: Any) -> None:
    cluster = Cluster()
    applied(cluster, "one", first)
    assert (applied(cluster, "one", second).get("data") or {}) == second


@given(data)
def test_applying_the_same_again_is_no_write(values: Any) -> None:
    cluster = Cluster()
    before = applied(cluster, "one", values)["metadata"]["resourceVersion"]
    assert applied(cluster, "one", values)["metadata"]["resourceVersion"] == before


def test_field_sets_survive_the_way_through_their_json_form() -> None:
    body = a_deployment()
    fields = fields_of(DEPLOYMENT, body)
    assert from_v1(to_v1(fields)) == fields


def test_an_entry_of_a_keyed_list_is_compared_by_its_key_and_not_by_its_place() -> None:
    one, two = {"name": "a", "image": "1"}, {"name": "b", "image": "1"}
    before = {"spec": {"template": {"spec": {"containers": [one, two]}}}}
    after = {"spec": {"template": {"spec": {"containers": [two, one]}}}}
    assert compare(DEPLOYMENT, before, after).same
