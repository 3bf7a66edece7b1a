"""Services that send a part of their traffic astray."""

from __future__ import annotations

import pytest

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import Cluster, a_cluster, only, sure

WEB = Ref("Service", "shop", "web")
ASTRAY = "\n".join(
    f"2026-03-04T11:59:{s}Z ERROR dial tcp 10.96.0.7:80: connect: connection refused (http://web/)"
    for s in range(10, 20)
)


def labelled(cluster: Cluster, workload, **labels: str) -> None:
    for obj in [workload.object["spec"]["template"], *workload.pods]:
        obj["metadata"].setdefault("labels", {}).update(labels)


def mixed(port: int = 9100, image: str = "registry.local/exporter:1", *, foreign: bool = True) -> Cluster:
    """A Service by `tier=front`, which the pods of a second workload carry too."""
    cluster = a_cluster()
    web = cluster.deployment("shop/web2", 2)
    other = cluster.deployment("shop/exporter", image=image, ports=[{"containerPort": port}])
    labelled(cluster, web, tier="front")
    if foreign:
        labelled(cluster, other, tier="front")
    cluster.service("shop/front", {"tier": "front"})
    return cluster


def test_a_selector_that_also_fits_pods_of_another_application_is_too_broad():
    problem = only(mixed().diagnosis())
    assert (problem.resource, problem.mode) == (Ref("Service", "shop", "front"), "selector_too_broad")
    assert "shop/exporter" in problem.summary


@pytest.mark.parametrize(
    "cluster",
    [
        pytest.param(mixed(8080), id="both serve the port and neither has a Service of its own: two versions"),
        pytest.param(mixed(9100, "registry.local/web2:2.0"), id="the same image: a canary with another port"),
        pytest.param(mixed(foreign=False), id="the other does not carry the label any more"),
    ],
)
def test_what_shares_a_service_on_purpose_is_no_fault(cluster: Cluster):
    assert sure(cluster.diagnosis()) == []


def test_a_service_that_forwards_udp_to_a_tcp_port_has_the_wrong_protocol():
    cluster = a_cluster()
    cluster.deployment("shop/dns2")
    service = cluster.service("shop/dns2")
    service["spec"]["ports"][0]["protocol"] = "UDP"
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (Ref("Service", "shop", "dns2"), "service_protocol_mismatch")


def test_a_service_with_both_protocols_is_well_where_the_container_declares_one():
    cluster = a_cluster()
    cluster.deployment("shop/dns2")
    service = cluster.service("shop/dns2")
    service["spec"]["ports"].append({"name": "udp", "port": 80, "targetPort": 8080, "protocol": "UDP"})
    assert sure(cluster.diagnosis()) == []


def local(*, log: str | None = ASTRAY, policy: str = "Local") -> Cluster:
    cluster = a_cluster()
    cluster.objects["Service"][0]["spec"]["internalTrafficPolicy"] = policy
    caller = cluster.deployment("shop/caller", env=[{"name": "WEB_URL", "value": "http://web:80"}])
    for pod in caller.pods:
        pod["spec"]["nodeName"] = "node-2"
    if log:
        caller.says(log)
    return cluster


def test_a_local_traffic_policy_leaves_callers_on_other_nodes_without_an_answer():
    problem = only(local().diagnosis())
    assert (problem.resource, problem.mode) == (WEB, "internal_traffic_policy_local")


def test_a_cluster_wide_policy_does_not():
    assert "internal_traffic_policy_local" not in [p.mode for p in local(policy="Cluster").diagnosis().problems]


def test_a_caller_beside_an_endpoint_is_well():
    cluster = local(log=None)
    for pod in cluster.objects["Pod"]:
        if pod["metadata"]["name"].startswith("caller"):
            pod["spec"]["nodeName"] = "node-0"
    assert sure(cluster.diagnosis()) == []
