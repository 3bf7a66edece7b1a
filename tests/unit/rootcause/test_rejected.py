"""What kubelets, autoscalers, nodes and probes by command say, live and past."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import Cluster, a_cluster, ago, condition, only, sure

CART = Ref("Deployment", "shop", "cart")


def refused(reason: str, *, minutes: float = 5, replaced: bool = False) -> Cluster:
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", 2 if replaced else 1)
    pod = cart.pods[0]
    pod["metadata"]["creationTimestamp"] = ago(minutes)
    pod["status"] = {"phase": "Failed", "reason": reason, "message": "Pod was rejected: see the reason"}
    if replaced:
        cart.object["spec"]["replicas"] = 1
    return cluster


@pytest.mark.parametrize(
    ("reason", "mode"),
    [
        ("OutOfcpu", "insufficient_cpu"),
        ("OutOfmemory", "insufficient_memory"),
        ("OutOfpods", "too_many_pods_on_node"),
        ("OutOfnvidia.com/gpu", "insufficient_gpu_or_extended"),
        ("NodeAffinity", "node_affinity_mismatch"),
        ("NodePorts", "hostport_conflict"),
    ],
)
def test_a_pod_that_its_kubelet_rejects_is_told_by_the_reason(reason: str, mode: str):
    problem = only(refused(reason).diagnosis())
    assert (problem.resource, problem.mode) == (CART, mode)


@pytest.mark.parametrize("cluster", [refused("OutOfcpu", replaced=True), refused("OutOfcpu", minutes=500)])
def test_a_rejection_that_was_made_good_or_is_old_is_over(cluster: Cluster):
    assert "insufficient_cpu" not in [m for _, m in sure(cluster.diagnosis())]


def autoscaled(now: int, *, replicas: int = 4, limited: str = "TooManyReplicas") -> Cluster:
    cluster = a_cluster()
    target = {"kind": "Deployment", "name": "web", "apiVersion": "apps/v1"}
    metric = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 70}}}
    current = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": now}}}
    conditions = [
        condition("AbleToScale", "True", "ReadyForNewScale"),
        condition("ScalingActive", "True", "ValidMetricFound"),
        condition("ScalingLimited", "True", limited),
    ]
    status = {"currentReplicas": replicas, "currentMetrics": [current], "conditions": conditions}
    spec = {"maxReplicas": 4, "scaleTargetRef": target, "metrics": [metric]}
    cluster.add("HorizontalPodAutoscaler", "shop/web", {"spec": spec, "status": status})
    return cluster


def test_an_autoscaler_at_its_maximum_with_a_metric_far_above_its_target_is_a_symptom():
    problem = only(autoscaled(214).diagnosis())
    assert problem.mode == "hpa_maxed_or_target_missing"


@pytest.mark.parametrize(
    "cluster", [autoscaled(72), autoscaled(214, replicas=3), autoscaled(214, limited="TooFewReplicas")]
)
def test_an_autoscaler_that_copes_or_may_still_grow_is_well(cluster: Cluster):
    assert cluster.diagnosis().outcome == "no_fault"


def test_a_node_without_a_network_says_so_itself():
    def node(status: str) -> Cluster:
        cluster = a_cluster()
        cluster.node("node-9", conditions=[condition("NetworkUnavailable", status, "NoRouteCreated", "no route")])
        return cluster

    problem = only(node("True").diagnosis())
    assert (problem.resource, problem.mode) == (Ref("Node", "", "node-9"), "cni_route_broken")
    assert node("False").diagnosis().outcome == "no_fault"


def probed(command: list[str], said: str) -> Cluster:
    cluster = a_cluster()
    probe: dict[str, Any] = {"exec": {"command": command}}
    cart = cluster.deployment("shop/cart", readinessProbe=probe).not_ready(log="listening on 8080\n")
    cart.reported("Unhealthy", f"Readiness probe failed: {said}")
    return cluster


def test_a_probe_by_command_that_asks_another_port_has_the_wrong_port():
    said = "curl: (7) Failed to connect to localhost port 8081: Couldn't connect to server"
    problem = only(probed(["curl", "-f", "http://localhost:8081/healthz"], said).diagnosis())
    assert (problem.resource, problem.mode) == (CART, "readiness_wrong_port")
    well = probed(["curl", "-f", "http://localhost:8080/healthz"], "curl: (22) The requested URL returned error: 503")
    assert "readiness_wrong_port" not in [m for _, m in sure(well.diagnosis())]


def test_a_proxy_without_a_route_for_a_host_names_the_route_with_a_like_host():
    def proxy(log: str) -> Cluster:
        cluster = a_cluster()
        route = {"hostnames": ["plan.example.com"], "rules": [{"backendRefs": [{"name": "web", "port": 80}]}]}
        cluster.add("HTTPRoute", "shop/plan", {"spec": route})
        cluster.deployment("shop/edge").says(log)
        return cluster

    line = '"GET /v1 HTTP/1.1" 404 NR route_not_found - "-" 0 0 "okhttp/4" "plans.example.com"\n'
    problem = only(proxy(line * 5).diagnosis())
    assert (problem.resource, problem.mode) == (Ref("HTTPRoute", "shop", "plan"), "ingress_or_gateway_misroute")
    assert proxy(line + "served\n" * 60).diagnosis().outcome == "no_fault"
