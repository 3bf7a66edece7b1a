"""Faults that only alerts, metrics, node services, connectivity results and call graphs show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.rootcause import Diagnosis, diagnose
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Alert, Call, Connectivity, Extras, NodeService
from chalicelib.state.world import World
from tests.unit.rootcause.builders import NOW, Cluster, a_cluster, only, sure

API, WEB, DB = Ref("Deployment", "shop", "api"), Ref("Deployment", "shop", "web"), Ref("StatefulSet", "shop", "db")
NODE = Ref("Node", "", "node-0")
POINTS = 40


def series(name: str, value: Callable[[int], float], *, ended: int = 0, **labels: str) -> dict[str, Any]:
    """One Prometheus matrix series over 40 minutes, which ended so many minutes ago."""
    end = NOW.timestamp()
    values = [[end - 60 * (POINTS - 1 - i), str(value(i))] for i in range(POINTS - ended)]
    return {"metric": {"__name__": name, **labels}, "values": values}


def of(workload: str, **more: str) -> dict[str, str]:
    return {"namespace": "shop", "workload": workload, **more}


def step(before: float, now: float, at: int = 25) -> Callable[[int], float]:
    return lambda i: before if i < at else now


def counter(before: float, now: float) -> Callable[[int], float]:
    """A counter whose rate per second changes."""
    return lambda i: 60 * (before * min(i, 25) + now * max(0, i - 25))


def alert(name: str, *, minutes: float = 10, over: bool = False, **labels: str) -> Alert:
    start = NOW - timedelta(minutes=minutes)
    return Alert(
        labels={"alertname": name, "namespace": "shop", **labels},
        starts_at=start,
        ends_at=NOW - timedelta(minutes=1) if over else None,
        status={"state": "active"},
    )


def limited(cluster: Cluster, name: str, cpu: str = "500m") -> Cluster:
    for pod in cluster.objects["Pod"]:
        if pod["metadata"]["name"].startswith(name):
            for container in pod["spec"]["containers"]:
                container["resources"] = {"limits": {"cpu": cpu, "memory": "256Mi"}}
    return cluster


def seen(cluster: Cluster, **extras: Any) -> Diagnosis:
    found = diagnose(World(cluster.snapshot().replace(extras=Extras(**extras))))
    assert [g for g in found.gaps if g.kind == "rootcause"] == []
    return found


SLOW = series("latency_p95_seconds", step(0.1, 2.0), **of("api"))
HOT = series("cpu_usage_cores", step(0.2, 0.95), **of("api"))
CASES: dict[str, tuple[Ref, list[dict[str, Any]]]] = {
    "cpu_throttling": (API, [SLOW, series("cpu_throttled_ratio", step(0.01, 0.6), **of("api"))]),
    "cpu_overload": (API, [SLOW, HOT]),
    "memory_leak": (API, [series("memory_working_set_bytes", lambda i: 1e8 + i * 1e7, **of("api"))]),
    "db_slow_query_or_missing_index": (
        DB,
        [
            series("latency_p95_seconds", step(0.01, 1.5), **of("db")),
            series("mysql_global_status_slow_queries", step(1, 90), **of("db")),
        ],
    ),
    "queue_lag_or_poison_message": (API, [series("kafka_consumergroup_lag", lambda i: 10 + 50 * i, **of("api"))]),
    "retry_storm": (
        API,
        [
            series("requests_per_second", step(10, 80), **of("api")),
            series("errors_per_second", step(0.1, 60), **of("api")),
        ],
    ),
    "packet_loss_or_corruption": (
        API,
        [SLOW, series("container_network_receive_packets_dropped_total", counter(0, 40), **of("api"))],
    ),
    "clock_drift": (NODE, [series("node_timex_offset_seconds", step(0.001, 0.4), node="node-0")]),
    "storage_io_errors": (NODE, [series("node_disk_io_errors", step(0, 3), node="node-0")]),
    "apiserver_request_surge": (NODE, [series("apiserver_request_total", counter(10, 90), node="node-0")]),
}


@pytest.mark.parametrize("mode", CASES)
def test_what_is_measured_up_to_now_is_named(mode: str):
    resource, metrics = CASES[mode]
    problem = only(seen(limited(a_cluster(), "api"), metrics=metrics))
    assert (problem.resource, problem.mode) == (resource, mode)
    assert problem.evidence[0].type == "metric"


@pytest.mark.parametrize("mode", CASES)
def test_what_ended_before_the_end_of_the_window_is_over(mode: str):
    _, metrics = CASES[mode]
    stale = [{**m, "values": m["values"][:-10]} for m in metrics]
    other = series("cpu_usage_cores", lambda i: 0.1, **of("web"))
    assert sure(seen(limited(a_cluster(), "api"), metrics=[*stale, other])) == []


@pytest.mark.parametrize("mode", sorted(CASES.keys() - {"clock_drift", "storage_io_errors"}))
def test_a_level_that_was_always_so_is_no_symptom(mode: str):
    _, metrics = CASES[mode]
    calm = [{**m, "values": [[t, m["values"][0][1]] for t, _ in m["values"]]} for m in metrics]
    assert sure(seen(limited(a_cluster(), "api"), metrics=calm)) == []


def test_broken_series_are_left_out_and_the_rest_counts():
    odd = [{"metric": {"__name__": "cpu_usage_cores"}}, {"metric": None, "values": [["x", "NaN"]]}, {"values": 3}, {}]
    nan = series("latency_p95_seconds", lambda i: float("nan"), **of("web"))
    problem = only(seen(limited(a_cluster(), "api"), metrics=[*odd, nan, SLOW, HOT]))
    assert problem.mode == "cpu_overload"


def test_an_answer_of_the_query_api_is_read_like_the_series_in_it():
    answer = {"status": "success", "data": {"resultType": "matrix", "result": [SLOW, HOT]}}
    assert only(seen(limited(a_cluster(), "api"), metrics=[answer])).mode == "cpu_overload"


# Alerts


def test_a_latency_alert_alone_is_a_symptom_below_one_half_with_what_would_decide():
    found = seen(a_cluster(), alerts=[alert("RequestLatencyHigh", deployment="api")])
    assert sure(found) == []
    problem = found.problems[0]
    assert problem.resource == API
    assert problem.missing


@pytest.mark.parametrize(
    "alerts",
    [
        pytest.param([alert("RequestLatencyHigh", deployment="api", over=True)], id="resolved"),
        pytest.param([alert("Watchdog")], id="always fires"),
        pytest.param([alert("RequestLatencyHigh", deployment="absent")], id="about nothing that exists"),
        pytest.param([alert("RequestLatencyHigh", deployment="api", minutes=-30)], id="in the future"),
        pytest.param([], id="none"),
    ],
)
def test_alerts_that_do_not_fire_now_or_about_nothing_say_nothing(alerts: list[Alert]):
    assert seen(a_cluster(), alerts=alerts).outcome == "no_fault"


def test_the_deepest_unhealthy_callee_is_the_cause_and_the_callers_are_explained():
    metrics = [HOT, SLOW, series("latency_p95_seconds", step(0.2, 2.5), **of("web"))]
    calls = [Call(source="shop/web", target="shop/api"), Call(source="shop/api", target="shop/db")]
    problem = only(
        seen(limited(a_cluster(), "api"), metrics=metrics, calls=calls, alerts=[alert("Latency", deployment="web")])
    )
    assert (problem.resource, problem.mode) == (API, "cpu_overload")
    assert WEB in problem.explains


def test_a_caller_with_an_error_alert_is_explained_by_its_crashing_callee():
    cluster = a_cluster()
    cluster.deployment("shop/pay").crashing(137, reason="OOMKilled")
    cluster.service("shop/pay")
    calls = [Call(source="shop/web", target="shop/pay")]
    problem = only(seen(cluster, alerts=[alert("HighErrorRate", deployment="web")], calls=calls))
    assert (problem.resource, problem.mode) == (Ref("Deployment", "shop", "pay"), "oom_killed")
    assert WEB in problem.explains


def test_errors_with_a_log_of_its_own_and_healthy_callees_are_the_applications():
    cluster = a_cluster()
    cluster.deployment("shop/pay").says(
        "ERROR payment failed: invalid token, featureFlag paymentFailure is enabled\n" * 5
    )
    problem = only(seen(cluster, alerts=[alert("HighErrorRate", deployment="pay")]))
    assert (problem.resource, problem.mode) == (Ref("Deployment", "shop", "pay"), "app_feature_flag_or_bug")


def test_errors_that_began_with_a_rollout_are_the_rollouts():
    cluster = a_cluster()
    cluster.deployment("shop/pay").changed(minutes=12, image="registry.local/pay:2")
    problem = only(seen(cluster, alerts=[alert("HighErrorRate", deployment="pay", minutes=10)]))
    assert (problem.resource, problem.mode) == (Ref("Deployment", "shop", "pay"), "config_drift_after_deploy")
    old = seen(cluster, alerts=[alert("HighErrorRate", deployment="pay", minutes=300)])
    assert "config_drift_after_deploy" not in [p.mode for p in old.problems]


def test_three_slow_workloads_on_one_node_point_at_the_node():
    cluster = a_cluster()
    for name in ("a", "b", "c"):
        cluster.deployment(f"shop/{name}")
    metrics = [series("latency_p95_seconds", step(0.1, 2.0), **of(n)) for n in ("a", "b", "c")]
    problem = only(seen(cluster, metrics=metrics))
    assert (problem.resource, problem.mode) == (NODE, "node_network_delay")


# Node services and connectivity


@pytest.mark.parametrize(
    ("service", "mode"),
    [("kube-proxy", "kube_proxy_down"), ("kubelet", "kubelet_down"), ("containerd", "container_runtime_down")],
)
def test_a_node_service_that_does_not_run_is_named_on_a_node_that_seems_ready(service: str, mode: str):
    down = NodeService(node="node-0", service=f"{service}.service", active=False, state="failed")
    problem = only(seen(a_cluster(), node_services=[down]))
    assert (problem.resource, problem.mode) == (NODE, mode)
    up = NodeService(node="node-0", service=f"{service}.service", active=True, state="active")
    assert seen(a_cluster(), node_services=[up]).outcome == "no_fault"


def test_a_connection_that_times_out_at_a_closed_policy_is_the_policys():
    cluster = a_cluster()
    cluster.add(
        "NetworkPolicy",
        "shop/closed",
        {"spec": {"podSelector": {"matchLabels": {"app": "api"}}, "policyTypes": ["Ingress"]}},
    )
    failed = Connectivity(namespace="shop", service="api", port=80, ok=False, error="i/o timeout")
    problem = only(seen(cluster, connectivity=[failed]))
    assert (problem.resource, problem.mode) == (Ref("NetworkPolicy", "shop", "closed"), "networkpolicy_blocks")


def test_an_error_alert_of_a_workload_that_a_policy_keeps_from_its_callee_is_the_policys():
    def shop(label: str) -> Cluster:
        cluster = a_cluster()
        cluster.deployment("shop/cart", env=[{"name": "DB_URL", "value": "postgres://db:5432/x"}])
        rule = {"from": [{"podSelector": {"matchLabels": {"app": label}}}]}
        spec = {"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"], "ingress": [rule]}
        cluster.add("NetworkPolicy", "shop/fence", {"spec": spec})
        return cluster

    alerts = [alert("HighErrorRate", deployment="cart")]
    problem = only(seen(shop("api"), alerts=alerts))
    assert (problem.resource, problem.mode) == (Ref("NetworkPolicy", "shop", "fence"), "networkpolicy_blocks")
    assert "networkpolicy_blocks" not in [p.mode for p in seen(shop("cart"), alerts=alerts).problems]


def test_a_connection_that_fails_without_a_reason_stays_a_symptom():
    failed = Connectivity(namespace="shop", service="api", port=80, ok=False, error="i/o timeout")
    found = seen(a_cluster(), connectivity=[failed])
    assert sure(found) == []
    assert found.problems[0].mode == "cni_route_broken"
    fine = Connectivity(namespace="shop", service="api", port=80, ok=True)
    assert seen(a_cluster(), connectivity=[fine]).outcome == "no_fault"


def test_a_counter_that_was_reset_gives_no_negative_rate():
    from chalicelib.rootcause.vitals import rate

    assert rate(((0, 100.0), (10, 200.0), (20, 50.0))) == ((10, 10.0), (20, 5.0))
