"""Probes on wrong ports, in wrong protocols, without patience; and applications that refuse to be ready."""

from __future__ import annotations

import pytest

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import a_cluster, ago, only, sure

CART = Ref("Deployment", "shop", "cart")
REFUSED = 'Get "http://10.1.0.9:9090/healthz": dial tcp 10.1.0.9:9090: connect: connection refused'


def http(port, **fields):
    return {"httpGet": {"path": "/healthz", "port": port}, **fields}


def test_a_liveness_probe_on_a_port_nobody_declares_is_named():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", livenessProbe=http(9090), readinessProbe=http(8080)).crashing(143)
    cart.reported("Unhealthy", f"Liveness probe failed: {REFUSED}")
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CART, "liveness_wrong_port")
    assert "8080" in problem.remedy.text


def test_the_same_is_found_when_events_have_expired():
    cluster = a_cluster()
    cluster.deployment("shop/cart", livenessProbe=http(9090), readinessProbe=http(8080)).crashing(137)
    problem = only(cluster.diagnosis())
    assert problem.mode == "liveness_wrong_port"
    assert problem.missing


def test_a_named_port_that_no_container_has_is_decisive():
    cluster = a_cluster()
    cluster.deployment(
        "shop/cart", readinessProbe=http("admin"), ports=[{"name": "http", "containerPort": 8080}]
    ).not_ready()
    problem = only(cluster.diagnosis())
    assert problem.mode == "readiness_wrong_port"
    assert problem.probability > 0.9


def test_a_readiness_probe_on_a_wrong_port_keeps_the_pod_unready():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", readinessProbe=http(9090)).not_ready()
    cart.reported("Unhealthy", f"Readiness probe failed: {REFUSED}")
    assert sure(cluster.diagnosis()) == [(CART, "readiness_wrong_port")]


def test_the_log_decides_where_no_port_is_declared():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", ports=[], readinessProbe=http(9090)).not_ready(
        log='level=info msg="http server listening" addr=:8080'
    )
    cart.reported("Unhealthy", f"Readiness probe failed: {REFUSED}")
    assert sure(cluster.diagnosis()) == [(CART, "readiness_wrong_port")]


def test_a_status_code_proves_that_the_port_is_right():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", readinessProbe=http(9090)).not_ready()
    cart.reported("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
    assert "readiness_wrong_port" not in [p.mode for p in cluster.diagnosis().problems]


PROTOCOL = [
    'Get "https://10.1.0.9:8080/healthz": http: server gave HTTP response to HTTPS client',
    (
        'Get "http://10.1.0.9:8080/healthz": net/http: HTTP/1.x transport '
        'connection broken: malformed HTTP response "\\x00\\x00"'
    ),
    'Get "https://10.1.0.9:8080/healthz": tls: first record does not look like a TLS handshake',
    'error: this protocol is not gRPC: connection error: desc = "error reading server preface: http2: frame too large"',
]


@pytest.mark.parametrize("text", PROTOCOL)
@pytest.mark.parametrize("kind", ["liveness", "readiness"])
def test_a_probe_in_the_wrong_protocol_is_named(kind, text):
    cluster = a_cluster()
    probe = {"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTPS"}}
    cart = cluster.deployment("shop/cart", **{f"{kind}Probe": probe})
    cart = cart.crashing(137) if kind == "liveness" else cart.not_ready()
    cart.reported("Unhealthy", f"{kind.capitalize()} probe failed: {text}")
    assert sure(cluster.diagnosis()) == [(CART, f"{kind}_wrong_protocol")]


def test_probes_of_two_protocols_on_one_port_are_a_hint_by_themselves():
    cluster = a_cluster()
    probe = {"httpGet": {"path": "/", "port": 8080, "scheme": "HTTPS"}}
    cluster.deployment("shop/cart", readinessProbe=probe, livenessProbe=http(8080)).not_ready()
    assert sure(cluster.diagnosis()) == [(CART, "readiness_wrong_protocol")]


def test_a_liveness_probe_without_patience_is_named():
    cluster = a_cluster()
    probe = http(8080, initialDelaySeconds=1, periodSeconds=2, failureThreshold=2)
    cart = cluster.deployment("shop/cart", livenessProbe=probe).crashing(
        143, log="loading caches 40 %\nloading caches 60 %\n"
    )
    cart.reported(
        "Unhealthy",
        (
            'Liveness probe failed: Get "http://10.1.0.9:8080/healthz": dial '
            "tcp 10.1.0.9:8080: connect: connection refused"
        ),
    )
    cart.reported("Killing", "Container cart failed liveness probe, will be restarted", type_="Normal")
    assert sure(cluster.diagnosis()) == [(CART, "liveness_too_aggressive")]


def test_a_slow_answer_is_a_matter_of_patience_too():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", livenessProbe=http(8080, timeoutSeconds=1)).crashing(137)
    cart.reported(
        "Unhealthy",
        (
            'Liveness probe failed: Get "http://10.1.0.9:8080/healthz": context deadline '
            "exceeded (Client.Timeout exceeded while awaiting headers)"
        ),
    )
    assert sure(cluster.diagnosis()) == [(CART, "liveness_too_aggressive")]


def test_a_crash_of_its_own_is_not_blamed_on_the_probe():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", livenessProbe=http(8080)).crashing(1, log="panic: boom")
    cart.reported(
        "Unhealthy",
        'Liveness probe failed: Get "http://10.1.0.9:8080/": dial tcp 10.1.0.9:8080: connect: connection refused',
    )
    assert sure(cluster.diagnosis()) == [(CART, "app_exception")]


def test_an_unready_pod_without_events_and_logs_is_told_as_a_symptom():
    cluster = a_cluster()
    cluster.deployment("shop/cart", readinessProbe=http(8080)).not_ready()
    (problem,) = cluster.diagnosis().problems
    assert (problem.resource, problem.mode) == (CART, "endpoints_not_ready")
    assert problem.probability < 0.5
    assert len(problem.missing) == 2


def test_an_application_that_says_why_it_is_not_ready_is_quoted():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", readinessProbe=http(8080)).not_ready(
        log='level=error msg="index not loaded"'
    )
    cart.reported("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
    problem = only(cluster.diagnosis())
    assert problem.mode == "endpoints_not_ready"
    assert "index not loaded" in problem.summary


def test_a_starting_pod_is_given_time():
    cluster = a_cluster()
    cluster.deployment("shop/cart", readinessProbe=http(8080, initialDelaySeconds=60)).not_ready(minutes=1)
    assert cluster.diagnosis().outcome == "no_fault"


def test_a_ready_pod_that_its_liveness_probe_has_just_ended_once_counts():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", livenessProbe=http(9090), readinessProbe=http(8080)).restarted_long_ago()
    for pod in cart.pods:
        status = pod["status"]["containerStatuses"][0]
        status["restartCount"] = 1
        status["lastState"]["terminated"].update(exitCode=143, reason="Error", startedAt=ago(3), finishedAt=ago(2))
    cart.reported("Unhealthy", f"Liveness probe failed: {REFUSED}", minutes=1)
    assert sure(cluster.diagnosis()) == [(CART, "liveness_wrong_port")]
