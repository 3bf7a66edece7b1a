"""Endpoints, EndpointSlices, disruption budgets, autoscalers, quotas and the network between pods."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.demo.controllers.network import Network
from infra.local.demo.server.errors import ApiError
from tests.unit.demo.controllers.builders import SPACE, Sim, condition

LATE = {"readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "initialDelaySeconds": 15}}
TRIGGER = "endpoints.kubernetes.io/last-change-trigger-time"


def addresses(sim: Sim, side: str = "addresses") -> list[str]:
    subsets = sim.get("Endpoints").get("subsets") or ()
    return [one["ip"] for subset in subsets for one in subset.get(side) or ()]


def slice_of(sim: Sim) -> dict[str, Any]:
    return sim.api.list("EndpointSlice", SPACE, labels={"kubernetes.io/service-name": "cart"})[0]


# -- endpoints --------------------------------------------------------------------------------------------------------


def test_endpoints_follow_readiness() -> None:
    sim = Sim()
    sim.deployment(replicas=2, container=LATE)
    sim.service()
    sim.run(5)
    assert (len(addresses(sim)), len(addresses(sim, "notReadyAddresses"))) == (0, 2)
    sim.run(30)
    assert sorted(addresses(sim)) == sorted(pod["status"]["podIP"] for pod in sim.pods())
    assert [one["conditions"]["ready"] for one in slice_of(sim)["endpoints"]] == [True, True]


def test_a_slice_names_zone_node_and_pod_and_says_when_it_was_triggered() -> None:
    sim = Sim()
    sim.deployment(replicas=1)
    sim.service()
    sim.run(20)
    pod, found = sim.pods()[0], slice_of(sim)
    one = found["endpoints"][0]
    assert (one["targetRef"]["name"], one["nodeName"]) == (pod["metadata"]["name"], pod["spec"]["nodeName"])
    assert one["zone"].startswith("us-west-2")
    assert found["metadata"]["annotations"][TRIGGER] == condition(pod, "Ready", "lastTransitionTime")


def test_a_change_without_a_time_of_its_own_clears_the_trigger_time() -> None:
    sim = Sim()
    sim.deployment(replicas=2)
    sim.service()
    sim.run(30)
    sim.scale("Deployment", "cart", 1)
    sim.run(10)
    assert TRIGGER not in (slice_of(sim)["metadata"].get("annotations") or {})


def test_a_selector_without_pods_leaves_empty_endpoints() -> None:
    sim = Sim()
    sim.deployment(replicas=1)
    sim.service("cart", {"app": "carts"})
    sim.run(20)
    assert sim.get("Endpoints").get("subsets") is None
    assert slice_of(sim)["endpoints"] == []


def test_a_load_balancer_gets_its_address() -> None:
    sim = Sim()
    sim.service(type="LoadBalancer")
    found = sim.get("Service")["status"]["loadBalancer"]["ingress"][0]["hostname"]
    assert found.endswith(".elb.us-west-2.amazonaws.com")


# -- what a client sees -----------------------------------------------------------------------------------------------


def connect(sim: Sim, host: str = "cart.shop.svc", port: int = 80, client: str = "client") -> str:
    return Network(sim.plane).connect(sim.pods(client)[0], host, port).error


def two(sim: Sim, **service: Any) -> None:
    sim.deployment(replicas=1)
    sim.deployment("client", replicas=1)
    sim.service(**service)
    sim.run(20)


def test_a_connection_fails_in_as_many_ways_as_there_are_faults() -> None:
    sim = Sim()
    two(sim)
    address = sim.get("Service")["spec"]["clusterIP"]
    assert connect(sim) == ""
    assert connect(sim, port=81) == f"dial tcp {address}:81: i/o timeout"
    assert connect(sim, "carts") == "dial tcp: lookup carts on 10.96.0.10:53: no such host"
    ports = [{"name": "http", "port": 80, "targetPort": 8090}]
    sim.patch("Service", "cart", {"spec": {"ports": ports}})
    assert connect(sim) == f"dial tcp {address}:80: connect: connection refused"
    sim.scale("Deployment", "cart", 0)
    sim.run(10)
    assert connect(sim) == f"dial tcp {address}:80: connect: connection refused"


@pytest.mark.parametrize(
    ("rule", "error"),
    [
        ({"from": [{"podSelector": {"matchLabels": {"app": "client"}}}]}, ""),
        ({"from": [{"podSelector": {"matchLabels": {"app": "other"}}}]}, "i/o timeout"),
        ({"ports": [{"port": 8000, "endPort": 8100}]}, ""),
        ({"ports": [{"port": 9090}]}, "i/o timeout"),
        ({"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}, ""),
        ({"from": [{"ipBlock": {"cidr": "192.168.0.0/16"}}]}, "i/o timeout"),
        ({"from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}]}, ""),
    ],
)
def test_a_network_policy_swallows_what_no_rule_lets_in(rule: dict[str, Any], error: str) -> None:
    sim = Sim()
    two(sim)
    spec = {"podSelector": {"matchLabels": {"app": "cart"}}, "policyTypes": ["Ingress"], "ingress": [rule]}
    sim.create("NetworkPolicy", "cart", spec)
    assert connect(sim).endswith(error)
    assert bool(connect(sim)) == bool(error)


# -- budgets ----------------------------------------------------------------------------------------------------------


def budget(sim: Sim, **spec: Any) -> dict[str, Any]:
    sim.create("PodDisruptionBudget", "cart", {"selector": {"matchLabels": {"app": "cart"}}, **spec})
    sim.run(1)
    return sim.status("PodDisruptionBudget")


@pytest.mark.parametrize(
    ("spec", "allowed", "desired"),
    [
        ({"minAvailable": 2}, 1, 2),
        ({"maxUnavailable": 1}, 1, 2),
        ({"minAvailable": "100%"}, 0, 3),
        ({"maxUnavailable": "34%"}, 2, 1),
    ],
)
def test_a_budgets_status_says_how_many_pods_may_go(spec: dict[str, Any], allowed: int, desired: int) -> None:
    sim = Sim()
    sim.deployment(replicas=3)
    sim.run(20)
    status = budget(sim, **spec)
    assert (status["disruptionsAllowed"], status["desiredHealthy"], status["currentHealthy"]) == (allowed, desired, 3)
    assert condition({"status": status}, "DisruptionAllowed") == ("True" if allowed else "False")


def test_evictions_stop_when_the_budget_is_used_up_and_go_on_later() -> None:
    sim = Sim()
    sim.deployment(replicas=3)
    sim.run(20)
    budget(sim, minAvailable=2)
    first, second = (pod["metadata"]["name"] for pod in sim.pods()[:2])
    sim.api.evict(SPACE, first)
    with pytest.raises(ApiError) as refused:
        sim.api.evict(SPACE, second)
    assert refused.value.code == 429
    sim.run(30)
    sim.api.evict(SPACE, second)


# -- autoscalers ------------------------------------------------------------------------------------------------------


def autoscaler(sim: Sim, target: str = "cart", low: int = 1, high: int = 5) -> None:
    metric = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    spec = {"scaleTargetRef": reference, "minReplicas": low, "maxReplicas": high}
    sim.create("HorizontalPodAutoscaler", "cart", spec | {"metrics": [{"type": "Resource", "resource": metric}]})


def test_an_autoscaler_scales_up_at_once_and_down_after_its_window() -> None:
    sim = Sim()
    sim.deployment(replicas=1)
    sim.metrics.cpu = 0.15
    autoscaler(sim)
    sim.run(60)
    assert sim.get("Deployment")["spec"]["replicas"] == 5
    assert sim.status("HorizontalPodAutoscaler")["desiredReplicas"] == 5
    assert condition(sim.get("HorizontalPodAutoscaler"), "ScalingLimited", "reason") == "TooManyReplicas"
    sim.metrics.cpu = 0.01
    sim.run(120)
    assert sim.get("Deployment")["spec"]["replicas"] == 5
    sim.run(360)
    assert sim.get("Deployment")["spec"]["replicas"] == 1


def test_an_autoscaler_near_its_target_leaves_things_as_they_are() -> None:
    sim = Sim()
    sim.deployment(replicas=2)
    sim.metrics.cpu = 0.053
    autoscaler(sim)
    sim.run(120)
    assert sim.get("Deployment")["spec"]["replicas"] == 2
    assert sim.events("SuccessfulRescale") == []


def test_an_autoscaler_says_that_a_request_is_missing() -> None:
    sim = Sim()
    sim.deployment(replicas=1, container={"resources": {"requests": {"memory": "64Mi"}}})
    autoscaler(sim)
    sim.run(60)
    found = sim.get("HorizontalPodAutoscaler")
    assert condition(found, "ScalingActive", "reason") == "FailedGetResourceMetric"
    assert "missing request for cpu in container app of Pod cart-" in condition(found, "ScalingActive", "message")


def test_an_autoscaler_of_nothing_says_so() -> None:
    sim = Sim()
    autoscaler(sim, "gone")
    sim.run(20)
    assert condition(sim.get("HorizontalPodAutoscaler"), "AbleToScale", "reason") == "FailedGetScale"
    assert sim.events("FailedGetScale") == ['deployments.apps "gone" not found']


def test_an_autoscaler_rests_while_its_target_is_at_zero() -> None:
    sim = Sim()
    sim.deployment(replicas=0)
    autoscaler(sim)
    sim.run(60)
    assert condition(sim.get("HorizontalPodAutoscaler"), "ScalingActive", "reason") == "ScalingDisabled"
    assert sim.get("Deployment")["spec"]["replicas"] == 0


# -- quotas -----------------------------------------------------------------------------------------------------------


def test_a_quotas_usage_goes_down_with_the_pods() -> None:
    sim = Sim()
    sim.create("ResourceQuota", "team", {"hard": {"pods": "5", "requests.cpu": "2"}})
    sim.deployment(replicas=3)
    sim.run(20)
    assert sim.status("ResourceQuota", "team")["used"] == {"pods": "3", "requests.cpu": "300m"}
    sim.scale("Deployment", "cart", 1)
    sim.run(20)
    assert sim.status("ResourceQuota", "team")["used"] == {"pods": "1", "requests.cpu": "100m"}
