"""Mechanical fixes are proposed as changes; what needs a judgement is not."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.rootcause import ProposedChange
from tests.unit.rootcause.builders import Cluster, a_cluster, only

HTTP = {"httpGet": {"path": "/healthz", "port": 9999}}
CART = {"kind": "Deployment", "namespace": "shop", "name": "cart"}


def proposed(cluster: Cluster) -> ProposedChange | None:
    return only(cluster.diagnosis()).remedy.change


def test_a_container_that_is_killed_gets_twice_its_memory():
    cluster = a_cluster()
    limits = {"resources": {"limits": {"memory": "128Mi"}, "requests": {"memory": "128Mi"}}}
    cluster.deployment("shop/cart", **limits).crashing(137, reason="OOMKilled")
    change = proposed(cluster)
    assert change is not None
    assert change.action == "resize"
    wanted = {"container": "cart", "memory_limit": "256Mi", "memory_request": "256Mi"}
    assert change.arguments == {**CART, **wanted}
    assert change.why


@pytest.mark.parametrize("limit", [None, "48Gi"])
def test_memory_without_a_limit_or_beyond_all_measure_needs_a_judgement(limit: str | None):
    cluster = a_cluster()
    resources = {"limits": {"memory": limit}} if limit else {}
    cluster.deployment("shop/cart", resources=resources).crashing(137, reason="OOMKilled")
    assert proposed(cluster) is None


def test_a_probe_is_pointed_at_the_port_that_is_listened_on():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", readinessProbe=HTTP).not_ready(log="listening on 8080\n")
    refused = "dial tcp 10.1.0.9:9999: connect: connection refused"
    said = f'Readiness probe failed: Get "http://10.1.0.9:9999/healthz": {refused}'
    cart.reported("Unhealthy", said)
    change = proposed(cluster)
    assert change is not None
    assert (change.action, change.arguments["type"]) == ("patch", "strategic")
    container = change.arguments["patch"]["spec"]["template"]["spec"]["containers"][0]
    assert container == {"name": "cart", "readinessProbe": {"httpGet": {"port": 8080}}}


def test_a_selector_is_set_to_the_labels_of_the_workload_it_is_meant_for():
    cluster = a_cluster()
    cluster.deployment("shop/cart")
    cluster.service("shop/cart", {"app": "kart", "tier": "x"})
    change = proposed(cluster)
    assert change is not None
    assert change.arguments["patch"] == {"spec": {"selector": {"app": "cart", "tier": None}}}


def test_a_target_port_is_replaced_in_its_place():
    cluster = a_cluster()
    cluster.deployment("shop/cart")
    cluster.service("shop/cart", target="metrics")
    change = proposed(cluster)
    assert change is not None
    operation = {"op": "replace", "path": "/spec/ports/0/targetPort", "value": 8080}
    assert (change.arguments["type"], change.arguments["patch"]) == ("json", [operation])


def test_an_image_that_does_not_exist_is_rolled_back_where_one_ran_before():
    def broken(*, before: bool) -> Cluster:
        cluster = a_cluster()
        cart = cluster.deployment("shop/cart")
        if before:
            cart.changed(image="registry.local/cart:9")
        message = 'failed to pull and unpack image "registry.local/cart:9": not found'
        cart.waiting("ErrImagePull", f"rpc error: code = NotFound desc = {message}")
        return cluster

    change = proposed(broken(before=True))
    assert change is not None
    assert (change.action, change.arguments) == ("rollback", {"namespace": "shop", "name": "cart", "revision": 1})
    assert proposed(broken(before=False)) is None


def test_what_needs_a_judgement_is_a_sentence_only():
    cluster = a_cluster()
    cluster.deployment("shop/cart").crashing(1, log="panic: boom\n\ngoroutine 1 [running]:\n")
    problem = only(cluster.diagnosis())
    assert problem.remedy.change is None
    assert problem.remedy.text


def test_a_cause_that_is_not_sure_proposes_nothing():
    cluster = a_cluster()
    cluster.deployment("shop/cart").crashing(1)
    found = cluster.diagnosis()
    assert [p.remedy.change for p in found.problems] == [None]


REQUIRED: dict[str, set[str]] = {
    "scale": {"kind", "namespace", "name", "replicas"},
    "restart": {"kind", "namespace", "name"},
    "rollback": {"namespace", "name", "revision"},
    "resize": {"kind", "namespace", "name", "container"},
    "suspend": {"namespace", "name", "suspend"},
    "patch": {"kind", "namespace", "name", "patch", "type"},
}


def test_every_change_of_the_recorded_cluster_has_the_arguments_of_its_action():
    from tests.unit.rootcause.test_recorded_clusters import diagnosis

    changes: list[Any] = [p.remedy.change for p in diagnosis("incidents").problems if p.remedy.change]
    assert {c.action for c in changes} >= {"resize", "patch", "rollback", "suspend"}
    for change in changes:
        assert REQUIRED[change.action] <= change.arguments.keys(), change
