"""Configuration that is complete and wrong: variables set twice, changes that brought a fault, refused Services."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.rootcause import diagnose
from chalicelib.state.meta import Ref
from chalicelib.state.world import World
from tests.unit.rootcause.builders import Cluster, a_cluster, ago, only, sure

CART = Ref("Deployment", "shop", "cart")
LOST = "dial tcp: lookup apix on 10.96.0.10:53: no such host\n"
TWICE = [{"name": "API_HOST", "value": "api"}, {"name": "API_HOST", "value": "apix"}]


def test_a_variable_that_is_set_twice_hides_the_value_that_is_right():
    cluster = a_cluster()
    cluster.deployment("shop/cart", env=TWICE).crashing(1, log=LOST)
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CART, "env_shadowed")


@pytest.mark.parametrize(
    ("env", "log"),
    [
        pytest.param([TWICE[0], TWICE[0]], "panic: boom", id="twice the same"),
        pytest.param([TWICE[1], TWICE[0]], "panic: boom", id="the right value wins"),
        pytest.param(TWICE[1:], LOST, id="once, and wrong"),
    ],
)
def test_a_variable_that_hides_nothing_is_not_blamed(env: list[dict[str, Any]], log: str):
    cluster = a_cluster()
    cluster.deployment("shop/cart", env=env).crashing(1, log=log)
    assert "env_shadowed" not in [m for _, m in sure(cluster.diagnosis())]


def changed(**settings: Any) -> Cluster:
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", env=[{"name": "POOL", "value": "5"}])
    cart.changed(minutes=15, **settings).crashing(1, log="ValueError: POOL must be below 100")
    return cluster


def test_a_setting_that_a_rollout_changed_and_the_log_names_is_the_drift():
    problem = only(changed(env=[{"name": "POOL", "value": "500"}]).diagnosis())
    assert (problem.resource, problem.mode) == (CART, "config_drift_after_deploy")
    assert problem.remedy.change is not None
    assert problem.remedy.change.arguments["revision"] == 1


def test_a_new_image_is_no_drift_of_settings():
    found = changed(env=[{"name": "POOL", "value": "500"}], image="registry.local/cart:2").diagnosis()
    assert "config_drift_after_deploy" not in [m for _, m in sure(found)]


def test_a_config_map_that_changed_since_the_last_snapshot_is_the_drift():
    def shop(value: str, *, sick: bool) -> Cluster:
        cluster = a_cluster()
        config = cluster.add("ConfigMap", "shop/settings", {"data": {"pool": value}})
        config["metadata"]["resourceVersion"] = value
        source = {"name": "POOL", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "pool"}}}
        cart = cluster.deployment("shop/cart", env=[source])
        if sick:
            cart.crashing(1, log="panic: pool too large")
        return cluster

    now = World(shop("500", sick=True).snapshot())
    found = diagnose(now, previous=shop("5", sick=False).snapshot())
    assert [(p.resource, p.mode) for p in found.problems if p.probability > 0.5] == [
        (CART, "config_drift_after_deploy")
    ]
    same = diagnose(now, previous=shop("500", sick=False).snapshot())
    assert "config_drift_after_deploy" not in [p.mode for p in same.problems]


def refused(used: str = "3", *, absent: bool = True, minutes: float = 5) -> Cluster:
    cluster = a_cluster()
    limits = {"hard": {"services": "3"}, "used": {"services": used}}
    quota = cluster.add("ResourceQuota", "shop/limits", {"spec": {"hard": limits["hard"]}, "status": limits})
    quota["metadata"]["creationTimestamp"] = ago(minutes)
    name = "pay" if absent else "api"
    cluster.deployment("shop/pay")
    cluster.deployment("shop/cart", env=[{"name": "PAY_URL", "value": f"http://{name}:80"}])
    return cluster


def test_a_needed_service_that_the_quota_does_not_allow_is_named():
    problem = only(refused().diagnosis())
    assert (problem.resource, problem.mode) == (Ref("Service", "shop", "pay"), "quota_services")


@pytest.mark.parametrize("cluster", [refused("2"), refused(absent=False)])
def test_a_quota_with_room_or_without_an_absent_service_is_no_fault(cluster: Cluster):
    assert sure(cluster.diagnosis()) == []
