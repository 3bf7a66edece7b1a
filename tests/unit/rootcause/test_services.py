"""Services and Ingresses that lead nowhere."""

from __future__ import annotations

import pytest

from chalicelib.rootcause import diagnose
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Connectivity, Extras
from chalicelib.state.world import World
from tests.unit.rootcause.builders import a_cluster, only, sure

SERVICE = Ref("Service", "shop", "cart")
REFUSED = 'level=error err="Post \\"http://cart.shop.svc/add\\": dial tcp 10.96.1.1:80: connect: connection refused"'
UNRESOLVED = {
    "Go": 'level=error err="dial tcp: lookup cart.shop.svc.cluster.local on 10.96.0.10:53: no such host"',
    "Python": (
        "requests.exceptions.ConnectionError: HTTPConnectionPool(host='cart', port=80): Max retries exceeded "
        'with url: / (Caused by NameResolutionError("Failed to resolve '
        "'cart' ([Errno -2] Name or service not known)\"))"
    ),
    "Java": "java.net.UnknownHostException: cart",
    "Node": "Error: getaddrinfo ENOTFOUND cart.shop",
    "curl": "curl: (6) Could not resolve host: cart",
    "psql": 'could not translate host name "cart" to address: Name or service not known',
}


def ingress(cluster, *, service="web", number=80, class_name="public", **spec):
    backend = {"service": {"name": service, "port": {"number": number}}}
    rules = [{"host": "shop.example", "http": {"paths": [{"path": "/", "backend": backend}]}}]
    fields = {"rules": rules, **({"ingressClassName": class_name} if class_name else {}), **spec}
    return cluster.add("Ingress", "shop/front", {"spec": fields, "status": {}})


def test_a_service_whose_workload_may_not_create_pods_has_the_right_selector():
    cluster = a_cluster()
    cluster.deployment("shop/cart").not_created(
        'pods "cart-1" is forbidden: exceeded quota: team, requested: pods=1, used: pods=10, limited: pods=10'
    )
    cluster.service("shop/cart")
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (Ref("Deployment", "shop", "cart"), "quota_pods")
    assert SERVICE in problem.explains


def test_a_selector_that_matches_no_pod_is_named_with_the_right_labels():
    cluster = a_cluster()
    cluster.deployment("shop/cart")
    cluster.service("shop/cart", {"app": "cart-v2"})
    cluster.deployment("shop/front").says(REFUSED)
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (SERVICE, "service_selector_mismatch")
    assert "app=cart" in problem.remedy.text
    assert Ref("Deployment", "shop", "front") in problem.explains


def test_the_selector_is_found_without_any_callers_log():
    cluster = a_cluster()
    cluster.deployment("shop/cart")
    cluster.service("shop/cart", {"app": "cart", "tier": "gold"})
    assert sure(cluster.diagnosis()) == [(SERVICE, "service_selector_mismatch")]


def test_a_left_over_service_that_nobody_uses_is_no_alarm():
    cluster = a_cluster()
    cluster.service("shop/leftover", {"app": "gone"}, target=9999)
    found = cluster.diagnosis()
    assert [p.severity for p in found.problems] == ["info"]
    assert found.outcome == "no_fault"


def test_where_logs_were_read_a_left_over_service_is_no_problem_at_all():
    cluster = a_cluster()
    cluster.service("shop/leftover", {"app": "gone"}, target=9999)
    cluster.deployment("shop/front").says("GET / 200 in 3 ms\n")
    assert cluster.diagnosis().problems == ()


@pytest.mark.parametrize("host", ["leftover", "http://leftover:9999/x", "leftover.shop.svc.cluster.local:9999"])
def test_a_service_without_pods_that_a_template_names_may_be_needed(host):
    cluster = a_cluster()
    cluster.service("shop/leftover", {"app": "gone"}, target=9999)
    cluster.deployment("shop/front", env=[{"name": "BACKEND", "value": host}]).says("GET / 200 in 3 ms\n")
    assert [(p.resource.name, p.severity) for p in cluster.diagnosis().problems] == [("leftover", "info")]


@pytest.mark.parametrize("log", [None, REFUSED])
def test_a_target_port_without_a_listener_is_named(log):
    cluster = a_cluster()
    cluster.deployment("shop/cart", readinessProbe={"httpGet": {"path": "/", "port": 8080}})
    cluster.service("shop/cart", target=9000)
    if log:
        cluster.deployment("shop/front").says(log)
    assert sure(cluster.diagnosis()) == [(SERVICE, "target_port_mismatch")]


def test_a_target_port_name_that_no_container_has_is_named():
    cluster = a_cluster()
    cluster.deployment("shop/cart", ports=[{"name": "web", "containerPort": 8080}])
    cluster.service("shop/cart", target="http")
    assert sure(cluster.diagnosis()) == [(SERVICE, "target_port_mismatch")]


def test_a_target_port_on_which_the_program_says_it_listens_is_right():
    cluster = a_cluster()
    cluster.deployment("shop/cart").says("server listening on :9000")
    cluster.service("shop/cart", target=9000)
    assert sure(cluster.diagnosis()) == []


@pytest.mark.parametrize("log", UNRESOLVED.values(), ids=UNRESOLVED.keys())
def test_a_service_that_was_deleted_under_its_callers_is_named(log):
    cluster = a_cluster()
    cluster.deployment("shop/cart")
    cluster.deployment("shop/front").says(log)
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (SERVICE, "service_missing")


def test_a_service_that_was_not_read_is_not_called_missing():
    cluster = a_cluster().without("Service")
    cluster.deployment("shop/cart")
    cluster.deployment("shop/front").says(UNRESOLVED["Go"])
    assert cluster.diagnosis().outcome == "no_fault"


def test_a_name_outside_the_cluster_is_no_missing_service():
    cluster = a_cluster()
    cluster.deployment("shop/front").says(
        'level=error err="dial tcp: lookup api.stripe.com on 10.96.0.10:53: no such host"'
    )
    assert "service_missing" not in [p.mode for p in cluster.diagnosis().problems]


def test_a_service_whose_pods_crash_is_explained_by_the_crash():
    cluster = a_cluster()
    cluster.deployment("shop/cart").crashing(137, "OOMKilled")
    cluster.service("shop/cart")
    ingress(cluster, service="cart")
    problem = only(cluster.diagnosis())
    assert problem.mode == "oom_killed"
    assert {SERVICE, Ref("Ingress", "shop", "front")} <= set(problem.explains)


def test_a_service_whose_pods_are_not_ready_is_one_problem():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", readinessProbe={"httpGet": {"path": "/", "port": 8080}}).not_ready()
    cart.reported("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500")
    cluster.service("shop/cart")
    problem = only(cluster.diagnosis())
    assert problem.mode == "endpoints_not_ready"


def test_an_ingress_to_an_absent_service_is_named():
    cluster = a_cluster()
    ingress(cluster, service="promo")
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (Ref("Ingress", "shop", "front"), "ingress_backend_or_tls_missing")


def test_an_ingress_to_an_absent_port_or_certificate_is_the_same_mode():
    for fields in ({"number": 8443}, {"tls": [{"hosts": ["shop.example"], "secretName": "gone"}]}):
        cluster = a_cluster()
        ingress(cluster, **fields)
        assert [mode for _, mode in sure(cluster.diagnosis())] == ["ingress_backend_or_tls_missing"]


def test_an_ingress_of_an_absent_class_is_named():
    cluster = a_cluster()
    ingress(cluster, class_name="internal")
    assert [mode for _, mode in sure(cluster.diagnosis())] == ["ingress_class_missing"]


def test_an_ingress_without_class_is_named_where_none_is_the_default():
    cluster = a_cluster()
    ingress(cluster, class_name="")
    assert [mode for _, mode in sure(cluster.diagnosis())] == ["ingress_class_missing"]


@pytest.mark.parametrize("annotation", [True, False])
def test_an_ingress_of_the_default_or_a_legacy_class_is_well(annotation):
    cluster = a_cluster()
    made = ingress(cluster, class_name="")
    if annotation:
        made["metadata"]["annotations"] = {"kubernetes.io/ingress.class": "public"}
    else:
        cluster.objects["IngressClass"][0]["metadata"]["annotations"] = {
            "ingressclass.kubernetes.io/is-default-class": "true"
        }
    assert cluster.diagnosis().outcome == "no_fault"


def test_a_failed_connectivity_check_counts_as_a_callers_complaint():
    cluster = a_cluster()
    cluster.deployment("shop/cart")
    cluster.service("shop/cart", target=9000)
    plain = cluster.snapshot()
    check = Connectivity(namespace="shop", service="cart", port=80, ok=False, error="connection refused")
    found = only(diagnose(World(plain.replace(extras=Extras(connectivity=[check])))))
    assert found.mode == "target_port_mismatch"
    assert any(e.type == "metric" for e in found.evidence)
    assert found.probability > only(diagnose(World(plain))).probability
