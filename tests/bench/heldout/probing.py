# ruff: noqa: E501  (messages stand as kubelet, scheduler and runtimes write them)
"""Incidents of probes that ask for the wrong thing, too early or too fast."""

from __future__ import annotations

from tests.bench.heldout.case import FIRST, Fault, fault
from tests.bench.heldout.dump import DAY, Dump
from tests.bench.heldout.props import http

case = FIRST.case


@case("incident", "eks", "v1.28.9-eks-036c24b")
def liveness_on_a_port_nobody_opens(d: Dump) -> list[Fault]:
    """HTTP liveness on 8081 while only 8080 is declared and listened on."""
    a = d.app("quote", "engine", c={"livenessProbe": http(8081), "readinessProbe": http(8080)})
    a.killed_by_probe(
        'Liveness probe failed: Get "http://10.244.0.31:8081/healthz": dial tcp 10.244.0.31:8081: connect: connection refused',
        log="INFO listening on :8080\n",
    )
    return [fault("liveness_wrong_port", "Deployment quote/engine")]


@case("incident", "openshift", "v1.27.10+c79e5e2")
def tcp_liveness_on_the_old_port(d: Dump) -> list[Fault]:
    """A tcpSocket liveness by port number after the app moved to another port; DaemonSet."""
    a = d.app(
        "net",
        "relay",
        kind="DaemonSet",
        c={
            "ports": [{"name": "grpc", "containerPort": 9443}],
            "livenessProbe": {"tcpSocket": {"port": 9000}, "periodSeconds": 10, "failureThreshold": 3},
        },
    )
    a.killed_by_probe(
        "Liveness probe failed: dial tcp 10.129.2.15:9000: connect: connection refused",
        log='{"msg":"serving gRPC","addr":"[::]:9443"}\n',
    )
    return [fault("liveness_wrong_port", "DaemonSet net/relay")]


@case("incident", "gke", "v1.30.3-gke.1969001")
def http_liveness_against_tls(d: Dump) -> list[Fault]:
    """Plain HTTP against a TLS port: the Go server answers 400; readiness uses HTTPS and passes."""
    a = d.app(
        "idp",
        "hydra",
        c={
            "ports": [{"name": "https", "containerPort": 4444}],
            "livenessProbe": http(4444, "/health/alive"),
            "readinessProbe": http(4444, "/health/ready", scheme="HTTPS"),
        },
    )
    a.killed_by_probe(
        "Liveness probe failed: HTTP probe failed with statuscode: 400",
        log="http: TLS handshake error from 10.0.1.9:51230: client sent an HTTP request to an HTTPS server\n",
    )
    return [fault("liveness_wrong_protocol", "Deployment idp/hydra")]


@case("incident", "k3s", "v1.31.3+k3s1", 2)
def https_liveness_against_plain_http(d: Dump) -> list[Fault]:
    """scheme HTTPS against a plain server: 'server gave HTTP response to HTTPS client'."""
    a = d.app("wiki", "outline", c={"livenessProbe": http("http", "/", scheme="HTTPS")})
    a.killed_by_probe(
        'Liveness probe failed: Get "https://10.42.0.77:8080/": http: server gave HTTP response to HTTPS client'
    )
    return [fault("liveness_wrong_protocol", "Deployment wiki/outline")]


@case("incident", "eks", "v1.33.2-eks-931bdca")
def grpc_liveness_against_http_server(d: Dump) -> list[Fault]:
    """A native gRPC liveness probe against an HTTP/1 server; readiness is httpGet on the same port."""
    a = d.app(
        "chat",
        "presence",
        c={
            "livenessProbe": {"grpc": {"port": 8080}, "periodSeconds": 10, "failureThreshold": 3},
            "readinessProbe": http(8080),
        },
    )
    a.killed_by_probe(
        'Liveness probe failed: timeout: failed to connect service "10.42.3.18:8080" within 1s: context deadline exceeded',
        log="GET /healthz 200\n",
    )
    return [fault("liveness_wrong_protocol", "Deployment chat/presence")]


@case("incident", "eks", "v1.26.15-eks-ae9a62a")
def spring_boot_slower_than_its_liveness(d: Dump) -> list[Fault]:
    """Starts in about 75 s; liveness allows 10 + 3 x 10 s; killed (143) before the port opens, right port declared."""
    a = d.app(
        "claims",
        "adjudicator",
        c={
            "livenessProbe": http(8080, "/actuator/health/liveness", initialDelaySeconds=10),
            "readinessProbe": http(8080, "/actuator/health/readiness"),
        },
    )
    a.killed_by_probe('Liveness probe failed: Get "http://10.42.1.9:8080/actuator/health/liveness": dial tcp 10.42.1.9:8080: connect: connection refused', code=143, ran=0.67,
                      log="2025-03-14 09:28:31 INFO 1 --- [main] c.a.c.Adjudicator : Starting Adjudicator using Java 17.0.9\n2025-03-14 09:28:58 INFO 1 --- [main] o.hibernate.Version : HHH000412: Hibernate ORM core version 6.4.1\n")  # fmt: skip
    return [fault("liveness_too_aggressive", "Deployment claims/adjudicator")]


@case("incident", "gke", "v1.29.9-gke.1541000")
def liveness_times_out_after_one_second(d: Dump) -> list[Fault]:
    """The right endpoint answers in more than timeoutSeconds 1: killed while it works."""
    a = d.app(
        "bi",
        "metabase",
        replicas=1,
        c={"livenessProbe": http(8080, "/api/health", initialDelaySeconds=5, periodSeconds=5, failureThreshold=2)},
        age=3 * DAY,
    )
    a.killed_by_probe('Liveness probe failed: Get "http://10.8.2.5:8080/api/health": context deadline exceeded (Client.Timeout exceeded while awaiting headers)', code=143, ran=2,
                      log="INFO metabase.core :: Metabase Initialization COMPLETE\n")  # fmt: skip
    return [fault("liveness_too_aggressive", "Deployment bi/metabase")]


@case("incident", "openshift", "v1.31.6+f5cc4d1")
def readiness_on_the_admin_port(d: Dump) -> list[Fault]:
    """Readiness asks 9901, the container listens on 8080 only; Running 0/1, never restarted."""
    a = d.app("gw", "edge-proxy", c={"readinessProbe": http(9901, "/ready")})
    a.unready(
        'Readiness probe failed: Get "http://10.128.3.9:9901/ready": dial tcp 10.128.3.9:9901: connect: connection refused',
        log="listener 0.0.0.0:8080 active\n",
    )
    return [fault("readiness_wrong_port", "Deployment gw/edge-proxy")]


@case("incident", "eks", "v1.24.17-eks-c12679a")
def readiness_by_port_name_of_another_port(d: Dump) -> list[Fault]:
    """The probe uses the port name metrics (9102), which is declared but not listened on; the app is on http."""
    a = d.app(
        "media",
        "encoder",
        c={
            "ports": [{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9102}],
            "readinessProbe": http("metrics", "/ready"),
            "livenessProbe": http("http"),
        },
    )
    a.unready(
        'Readiness probe failed: Get "http://10.42.0.50:9102/ready": dial tcp 10.42.0.50:9102: connect: connection refused',
        log="server started on 0.0.0.0:8080\n",
    )
    return [fault("readiness_wrong_port", "Deployment media/encoder")]


@case("incident", "k3s", "v1.28.4+k3s2", 2)
def readiness_speaks_http_to_a_tls_port(d: Dump) -> list[Fault]:
    """HTTP readiness against a TLS server that closes the connection (malformed response)."""
    a = d.app(
        "dir",
        "ldap-api",
        c={"ports": [{"name": "https", "containerPort": 8443}], "readinessProbe": http(8443, "/ready")},
    )
    a.unready(
        'Readiness probe failed: Get "http://10.42.2.4:8443/ready": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x15\\x03\\x01\\x00\\x02\\x02"'
    )
    return [fault("readiness_wrong_protocol", "Deployment dir/ldap-api")]


@case("incident", "gke", "v1.32.2-gke.1182003")
def grpc_readiness_without_health_service(d: Dump) -> list[Fault]:
    """A gRPC readiness probe against a server that does not implement the health protocol."""
    a = d.app(
        "match",
        "router",
        kind="StatefulSet",
        c={
            "ports": [{"name": "http", "containerPort": 8080}],
            "readinessProbe": {"grpc": {"port": 8080}, "periodSeconds": 10},
            "livenessProbe": http(8080),
        },
    )
    a.unready(
        "Readiness probe failed: error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service grpc.health.v1.Health"
    )
    return [fault("readiness_wrong_protocol", "StatefulSet match/router")]
