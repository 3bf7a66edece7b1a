"""Names that are right and cannot be resolved, and routes and gateways that lead nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import Cluster, a_cluster, condition, only, sure

CART = Ref("Deployment", "shop", "cart")
DNS = Ref("Deployment", "kube-system", "coredns")
LOST = "\n".join(f"2026-03-04T11:59:{s}Z ERROR getaddrinfo ENOTFOUND api" for s in range(10, 20))
GOOD_FILE = ".:53 {\n  errors\n  kubernetes cluster.local in-addr.arpa\n  forward . /etc/resolv.conf\n}\n"


def cluster_dns(corefile: str = GOOD_FILE) -> Cluster:
    cluster = a_cluster()
    cluster.deployment("kube-system/coredns", ports=[{"containerPort": 53, "protocol": "UDP"}])
    service = cluster.service("kube-system/kube-dns", {"app": "coredns"}, port=53, target=53)
    service["spec"]["ports"][0]["protocol"] = "UDP"
    service["spec"]["clusterIP"] = "10.96.0.10"
    cluster.add("ConfigMap", "kube-system/coredns", {"data": {"Corefile": corefile}})
    return cluster


def asking(log: str = LOST, corefile: str = GOOD_FILE, **spec: Any) -> Cluster:
    cluster = cluster_dns(corefile)
    cluster.deployment("shop/cart", env=[{"name": "API_URL", "value": "http://api"}]).having(**spec).says(log)
    return cluster


@pytest.mark.parametrize(
    "spec",
    [
        {"dnsPolicy": "Default"},
        {"dnsPolicy": "ClusterFirst", "hostNetwork": True},
        {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["192.0.2.1"], "searches": ["shop.svc.cluster.local"]}},
    ],
)
def test_a_pod_that_does_not_ask_the_clusters_dns_has_the_wrong_policy(spec: dict[str, Any]):
    problem = only(asking(**spec).diagnosis())
    assert (problem.resource, problem.mode) == (CART, "pod_dns_policy_wrong")


@pytest.mark.parametrize(
    "cluster",
    [
        pytest.param(asking("served\n" * 9, dnsPolicy="Default"), id="no name fails"),
        pytest.param(asking(LOST.replace("11:59", "10:01"), dnsPolicy="Default"), id="long over"),
    ],
)
def test_a_policy_that_hurts_nobody_is_no_fault(cluster: Cluster):
    assert sure(cluster.diagnosis()) == []


@pytest.mark.parametrize(
    "corefile",
    [
        GOOD_FILE.replace("  kubernetes cluster.local in-addr.arpa\n", ""),
        GOOD_FILE.replace("  errors\n", "  template ANY ANY {\n    rcode NXDOMAIN\n  }\n"),
    ],
)
def test_a_corefile_that_cannot_answer_is_blamed(corefile: str):
    problem = only(asking(corefile=corefile).diagnosis())
    assert (problem.resource, problem.mode) == (DNS, "coredns_misconfigured_or_stale")
    assert CART in problem.explains


def test_a_dns_server_that_crashes_over_its_configuration_is_blamed():
    cluster = cluster_dns()
    pods = next(p for p in cluster.objects["Pod"] if p["metadata"]["name"].startswith("coredns"))
    status = pods["status"]["containerStatuses"][0]
    ended = {"exitCode": 1, "reason": "Error"}
    status.update(
        ready=False, restartCount=8, state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState={"terminated": ended}
    )
    pods["status"]["conditions"] = [condition("Ready", "False")]
    cluster.log(
        pods, "coredns", "/etc/coredns/Corefile:4 - Error during parsing: Unknown directive 'kubernets'", previous=True
    )
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (DNS, "coredns_misconfigured_or_stale")


def test_a_corefile_without_a_failing_caller_is_left_alone():
    assert cluster_dns(GOOD_FILE.replace("kubernetes", "file")).diagnosis().outcome == "no_fault"


# Gateways and routes


def gateway(**conditions: str) -> Cluster:
    cluster = a_cluster()
    found = [
        condition(type_, status, "Invalid" if status == "False" else "Ok", "x") for type_, status in conditions.items()
    ]
    cluster.add("Gateway", "shop/edge", {"spec": {"gatewayClassName": "x"}, "status": {"conditions": found}})
    return cluster


def test_a_gateway_that_its_controller_refuses_is_named():
    problem = only(gateway(Accepted="True", Programmed="False").diagnosis())
    assert (problem.resource, problem.mode) == (Ref("Gateway", "shop", "edge"), "gateway_api_condition_false")


@pytest.mark.parametrize("conditions", [{"Accepted": "True", "Programmed": "True"}, {"Accepted": "Unknown"}, {}])
def test_a_gateway_that_is_well_or_not_yet_judged_is_left_alone(conditions: dict[str, str]):
    assert gateway(**conditions).diagnosis().outcome == "no_fault"


def test_a_route_to_an_absent_backend_is_named():
    cluster = a_cluster()
    refused = {"conditions": [condition("ResolvedRefs", "False", "BackendNotFound", "Service shop/gone not found")]}
    rules = [{"backendRefs": [{"name": "gone", "port": 80}]}]
    cluster.add("HTTPRoute", "shop/front", {"spec": {"rules": rules}, "status": {"parents": [refused]}})
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (Ref("HTTPRoute", "shop", "front"), "gateway_api_condition_false")


def routed(backend: str, log: str) -> Cluster:
    cluster = a_cluster()
    path = {"path": "/api", "pathType": "Prefix", "backend": {"service": {"name": backend, "port": {"number": 80}}}}
    rules = [{"host": "shop.example", "http": {"paths": [path]}}]
    cluster.add("Ingress", "shop/front", {"spec": {"ingressClassName": "public", "rules": rules}})
    for pod in cluster.objects["Pod"]:
        if pod["metadata"]["name"].startswith(backend):
            cluster.log(pod, backend, log)
    return cluster


MISSED = '10.1.0.1 - - [04/Mar/2026:11:59:00 +0000] "GET /api/v1/items HTTP/1.1" 404 153\n' * 5


def test_a_path_that_ends_at_the_wrong_service_is_a_misroute():
    problem = only(routed("web", MISSED).diagnosis())
    assert (problem.resource, problem.mode) == (Ref("Ingress", "shop", "front"), "ingress_or_gateway_misroute")


@pytest.mark.parametrize(
    "cluster",
    [
        pytest.param(routed("api", MISSED), id="the right Service answers 404: its own affair"),
        pytest.param(routed("web", MISSED.replace("404", "200")), id="served"),
        pytest.param(routed("web", MISSED + "GET / 200\n" * 60), id="over"),
    ],
)
def test_a_404_alone_is_no_misroute(cluster: Cluster):
    assert sure(cluster.diagnosis()) == []
