# ruff: noqa: E501  (messages stand as proxies, resolvers and clients write them)
"""Services and their endpoints: modes 96 to 102."""

from __future__ import annotations

from typing import Any

from tests.bench.heldout.dump import cond
from tests.bench.heldout.props import http
from tests.bench.rootcause_scenarios.case import Scene, incident
from tests.bench.rootcause_scenarios.estate import DAY, at

SVC_REFUSED = "dial tcp 172.20.9.10:80: connect: connection refused\n"


def healthy(s: Scene, **made: Any) -> Any:
    app = s.victim(age=20 * DAY, **made)
    app.log(f"listening on :{s.port}\nhealth ok\n")
    return app


def service_fault(mode: str, s: Scene, *more: str, near: tuple[str, ...] = ()) -> Any:
    return s.fault(mode, f"Service {s.name}", f"Deployment {s.name}", *more, near=near)


# Selectors


def _selector(selector: dict[str, str], log: str) -> Any:
    def build(s: Scene) -> Any:
        healthy(s, service=False)
        chosen = {k: v.format(name=s.name) for k, v in selector.items()}
        s.serve(selector={**({} if s.topology.label in chosen else s.labels(s.name)), **chosen})
        s.caller(log.format(name=s.name, ns=s.space) * 6)
        return service_fault("service_selector_mismatch", s)

    return build


incident("service_selector_mismatch", name="label_added_to_the_service_only")(
    _selector({"release": "blue"}, SVC_REFUSED)
)
incident("service_selector_mismatch", name="label_with_a_typo")(
    _selector({"app": "{name}-api", "app.kubernetes.io/name": "{name}-api"}, SVC_REFUSED)
)
incident(
    "service_selector_mismatch",
    name="pods_got_new_labels",
    words="no healthy upstream",
    source="envoyproxy/envoy source/common/router",
)(_selector({"version": "v1"}, "GET http://{name}/v1/plan 503 no healthy upstream\n"))


def _broad(key: str, log: str) -> Any:
    def build(s: Scene) -> Any:
        shared = {key: "harbour-suite"}
        s.app = s.d.app(
            s.space,
            s.name,
            replicas=2,
            age=20 * DAY,
            labels={**s.labels(s.name), **shared},
            c={"image": s.image(), "ports": [{"name": "http", "containerPort": s.port}]},
        )
        stranger = s.d.app(
            s.space,
            "fuel-meter",
            replicas=2,
            age=30,
            labels={**s.labels("fuel-meter"), **shared},
            c={"ports": [{"name": "http", "containerPort": s.port}]},
        )
        s.app.log('"GET /v1/plan" 200\n' * 4)
        stranger.log('"GET /v1/plan" 404\n' * 6)
        s.d.service(s.space, s.name, selector=shared, ports=[{"name": "http", "port": 80, "targetPort": s.port}])
        s.d.service(
            s.space,
            "fuel-meter",
            selector=s.labels("fuel-meter"),
            ports=[{"name": "http", "port": 80, "targetPort": s.port}],
        )
        s.caller(log.format(name=s.name) * 6)
        return service_fault("selector_too_broad", s, "Deployment fuel-meter")

    return build


incident("selector_too_broad", name="selector_by_the_suite_label")(
    _broad("app.kubernetes.io/part-of", "GET http://{name}/v1/plan 404, next try 200\n")
)
incident(
    "selector_too_broad",
    name="selector_by_the_team",
    words="answered by a server that does not know",
    source="an application's own log",
)(_broad("team", "WARN {name}: every second request is answered by a server that does not know /v1/plan (404)\n"))
incident(
    "selector_too_broad",
    name="selector_by_the_tier",
    words="unexpected service identity",
    source="an application's own check",
)(_broad("tier", "ERROR unexpected service identity 'fuel-meter' behind {name}\n"))

# Ports and protocols


def _target(
    target: int | str,
    log: str,
    protocol: str = "TCP",
    *,
    containers: list[dict[str, Any]] | None = None,
    mode: str = "target_port_mismatch",
    port: int = 80,
) -> Any:
    def build(s: Scene) -> Any:
        app = healthy(s, service=False)
        if containers:
            for pod in (*app.pods, app.obj["spec"]["template"], app.rs["spec"]["template"]):
                pod["spec"]["containers"][0]["ports"] = containers
        s.serve(ports=[{"name": "main", "port": port, "targetPort": target, "protocol": protocol}])
        s.caller(log.format(name=s.name, ns=s.space) * 6)
        s.d.connect(s.space, s.name, port, "connection refused")
        return service_fault(mode, s)

    return build


incident("target_port_mismatch", name="port_of_the_version_before")(_target(8180, SVC_REFUSED))
incident("target_port_mismatch", name="port_name_that_no_container_has")(_target("grpc-main", SVC_REFUSED))
incident(
    "target_port_mismatch",
    name="nginx_in_front_is_refused",
    words="connect() failed (111: Connection refused) while connecting to upstream",
    source="nginx src/event/ngx_event_connect.c",
)(
    _target(
        3001,
        '2025/03/14 09:28:44 [error] 31#31: *57 connect() failed (111: Connection refused) while connecting to upstream, client: 10.42.1.11, upstream: "http://172.20.9.10:80/v1/plan", host: "{name}"\n',
    )
)
_UDP = [{"name": "stat", "containerPort": 8125, "protocol": "UDP"}]
_TCP = [{"name": "stat", "containerPort": 8125, "protocol": "TCP"}]
incident("service_protocol_mismatch", name="udp_server_behind_a_tcp_service")(
    _target(
        8125,
        "send statsd://{name}:8125: connection refused\n",
        containers=_UDP,
        mode="service_protocol_mismatch",
        port=8125,
    )
)
incident("service_protocol_mismatch", name="tcp_server_behind_a_udp_service")(
    _target(
        8125,
        "dial tcp 172.20.9.10:8125: i/o timeout\n",
        "UDP",
        containers=_TCP,
        mode="service_protocol_mismatch",
        port=8125,
    )
)
incident(
    "service_protocol_mismatch",
    name="syslog_over_the_wrong_transport",
    words="the peer does not accept datagrams",
    source="an application's own log",
)(
    _target(
        1514,
        "WARN syslog {name}:1514: the peer does not accept datagrams\n",
        "UDP",
        containers=[{"name": "syslog", "containerPort": 1514, "protocol": "TCP"}],
        mode="service_protocol_mismatch",
        port=1514,
    )
)


# Absent Services, endpoints that are not ready


def _no_service(log: str, crash: bool) -> Any:
    def build(s: Scene) -> Any:
        healthy(s, service=False)
        app = s.caller("" if crash else log.format(name=s.name, ns=s.space) * 8)
        if crash:
            app.crash(1, log.format(name=s.name, ns=s.space))
        return service_fault(
            "service_missing",
            s,
            f"Deployment {s.cast.caller}",
            near=("dependency_unreachable", "app_exception", "hostname_typo", "env_var_wrong_address"),
        )

    return build


incident("service_missing", needs="logs", name="service_deleted_pods_still_run")(
    _no_service("dial tcp: lookup {name}.{ns}.svc.cluster.local on 10.96.0.10:53: no such host\n", False)
)
incident(
    "service_missing",
    needs="logs",
    name="java_unknown_host",
    words="java.net.UnknownHostException:",
    source="OpenJDK java.net.InetAddress",
)(
    _no_service(
        "Caused by: java.net.UnknownHostException: {name}.{ns}.svc.cluster.local: Name or service not known\n", True
    )
)
incident(
    "service_missing", needs="logs", name="node_enotfound", words="getaddrinfo ENOTFOUND", source="Node.js lib/dns.js"
)(
    _no_service(
        "Error: getaddrinfo ENOTFOUND {name}.{ns}.svc.cluster.local\n    at GetAddrInfoReqWrap.onlookup [as oncomplete] (node:dns:107:26)\n",
        False,
    )
)


def _unready(kind: str, message: str, log: str, caller: str) -> Any:
    def build(s: Scene) -> Any:
        s.victim(kind=kind, replicas=2, age=20 * DAY, c={"readinessProbe": http(s.port)})
        s.app.unready(message, log=log)
        s.caller(caller.format(name=s.name) * 5)
        return s.fault("endpoints_not_ready", f"Service {s.name}", f"{kind} {s.name}", near=("rollout_stuck",))

    return build


incident("endpoints_not_ready", name="all_answer_503")(
    _unready(
        "StatefulSet",
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
        "INFO leader election has no winner yet\n",
        "503 from {name}\n",
    )
)
incident(
    "endpoints_not_ready",
    name="all_answer_500",
    words="draining, not accepting work",
    source="an application's own log",
)(
    _unready(
        "StatefulSet",
        "Readiness probe failed: HTTP probe failed with statuscode: 500",
        "INFO draining, not accepting work\n",
        "503 from {name}\n",
    )
)


@incident(
    "endpoints_not_ready", words="Target.FailedHealthChecks", source="aws-load-balancer-controller pod readiness gate"
)
def load_balancer_gate_is_false(s: Scene) -> Any:
    s.victim(age=20 * DAY, spec={"readinessGates": [{"conditionType": "target-health.elbv2.k8s.aws/k8s-plan"}]})
    for pod in s.app.pods:
        pod["status"]["conditions"].append(
            cond(
                "target-health.elbv2.k8s.aws/k8s-plan", "False", "Target.FailedHealthChecks", "Health checks failed", 40
            )
        )
        for c in pod["status"]["conditions"]:
            if c["type"] == "Ready":
                c.update(
                    status="False",
                    reason="ReadinessGatesNotReady",
                    message='the status of pod readiness gate "target-health.elbv2.k8s.aws/k8s-plan" is not "True", but False',
                    lastTransitionTime=at(40),
                )
    s.caller("503 no endpoints\n" * 4)
    return s.fault("endpoints_not_ready", f"Service {s.name}", f"Deployment {s.name}")


def _local(log: str, field: str = "internalTrafficPolicy", error: str = "connection refused") -> Any:
    def build(s: Scene) -> Any:
        app = healthy(s, service=False, replicas=1)
        app.pods[0]["spec"]["nodeName"] = s.node(3)
        s.serve(**{field: "Local"})
        far = s.caller(log.format(name=s.name) * 6)
        for index, pod in enumerate(far.pods):
            pod["spec"]["nodeName"] = s.node(index)
        s.d.connect(s.space, s.name, 80, error)
        return service_fault("internal_traffic_policy_local", s, f"Deployment {s.cast.caller}")

    return build


incident("internal_traffic_policy_local", needs="logs", name="endpoint_on_another_node_only")(
    _local("dial tcp 172.20.9.10:80: i/o timeout while calling http://{name}/v1/plan\n", error="i/o timeout")
)
incident(
    "internal_traffic_policy_local",
    needs="logs",
    name="callers_on_two_nodes_are_dropped",
    words="HTTPConnectionPool(host=",
    source="urllib3 exceptions.py",
)(
    _local(
        "requests.exceptions.ConnectTimeout: HTTPConnectionPool(host='{name}', port=80): Max retries exceeded with url: /v1/plan\n",
        error="timeout",
    )
)
incident(
    "internal_traffic_policy_local",
    needs="logs",
    name="refused_where_no_pod_runs",
    words="ECONNREFUSED",
    source="Node.js net",
)(_local("Error: connect ECONNREFUSED 172.20.9.10:80 (http://{name}/v1/plan)\n"))
