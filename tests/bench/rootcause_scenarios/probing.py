# ruff: noqa: E501  (messages stand as kubelets and probe tools write them)
"""Probes on the wrong port, in the wrong protocol, or too soon: modes 25 to 30."""

from __future__ import annotations

from typing import Any

from tests.bench.rootcause_scenarios.case import Scene, incident

_UP = "server started in 1.8 s\nlistening on 0.0.0.0:{port}\n"


def _probe(action: dict[str, Any], **times: Any) -> dict[str, Any]:
    return {"periodSeconds": 10, "failureThreshold": 3, "timeoutSeconds": 1, **action, **times}


def _get(port: int, scheme: str = "HTTP") -> dict[str, Any]:
    return {"httpGet": {"path": "/healthz", "port": port, "scheme": scheme}}


def _actions(port: int) -> dict[str, dict[str, Any]]:
    """A probe of each protocol on the port that the server really has."""
    https = _get(port, "HTTPS")
    return {"http": _get(port), "https": https, "grpc": {"grpc": {"port": port}}, "tcp": {"tcpSocket": {"port": port}}}


def _liveness(
    action: dict[str, Any], text: str, *, other: dict[str, Any] | None = None, log: str = _UP, code: int = 137
) -> Any:
    def build(s: Scene) -> None:
        ready = {"readinessProbe": _probe(other)} if other else {}
        s.victim(c={"livenessProbe": _probe(action), **ready})
        s.app.killed_by_probe("Liveness probe failed: " + text, log=log.format(port=s.port), code=code)

    return build


def _readiness(
    action: dict[str, Any], text: str, *, other: dict[str, Any] | None = None, log: str = _UP, kind: str = "Deployment"
) -> Any:
    def build(s: Scene) -> None:
        live = {"livenessProbe": _probe(other)} if other else {}
        s.victim(kind=kind, c={"readinessProbe": _probe(action), **live})
        s.app.unready("Readiness probe failed: " + text, log=log.format(port=s.port))

    return build


incident("liveness_wrong_port", name="http_liveness_on_the_old_port")(
    _liveness(
        _get(8081), 'Get "http://10.244.0.31:8081/healthz": dial tcp 10.244.0.31:8081: connect: connection refused'
    )
)
incident("liveness_wrong_port", name="tcp_liveness_on_another_port")(
    _liveness({"tcpSocket": {"port": 6060}}, "dial tcp 10.244.0.31:6060: connect: connection refused")
)
incident(
    "liveness_wrong_port",
    name="curl_in_the_container_to_another_port",
    words="Couldn't connect to server",
    source="curl lib/strerror.c",
)(
    _liveness(
        {"exec": {"command": ["curl", "-fsS", "http://localhost:8081/healthz"]}},
        "curl: (7) Failed to connect to localhost port 8081 after 0 ms: Couldn't connect to server\n",
    )
)
incident(
    "liveness_wrong_port",
    name="wget_in_the_container_to_another_port",
    words="can't connect to remote host",
    source="busybox networking/wget.c",
)(
    _liveness(
        {"exec": {"command": ["wget", "-qO-", "http://127.0.0.1:8181/healthz"]}},
        "wget: can't connect to remote host (127.0.0.1): Connection refused\n",
    )
)


def _live_protocol(action: str, text: str, readiness: str, words: str) -> None:
    def build(s: Scene) -> None:
        made = _actions(s.port)
        s.victim(c={"livenessProbe": _probe(made[action]), "readinessProbe": _probe(made[readiness])})
        s.app.killed_by_probe("Liveness probe failed: " + text.format(port=s.port), log=_UP.format(port=s.port))
        s.app.not_ready()

    incident(
        "liveness_wrong_protocol",
        name=f"{action}_liveness_of_a_server_that_speaks_{readiness}",
        words=words or (),
        source="Go net/http, crypto/tls; kubernetes pkg/probe",
    )(build)


_live_protocol(
    "http",
    'Get "http://10.244.0.31:{port}/healthz": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x15\\x03\\x01\\x00\\x02\\x02\\x16"',
    "https",
    "malformed HTTP response",
)
_live_protocol(
    "https",
    'Get "https://10.244.0.31:{port}/healthz": tls: first record does not look like a TLS handshake',
    "tcp",
    "first record does not look like a TLS handshake",
)
_live_protocol(
    "grpc",
    "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unexpected HTTP status code received from server: 404 (Not Found)",
    "http",
    "",
)


def _ready_protocol(name: str, action: str, text: str, live: str, words: str) -> None:
    def build(s: Scene) -> None:
        made = _actions(s.port)
        s.victim(c={"readinessProbe": _probe(made[action]), "livenessProbe": _probe(made[live])})
        s.app.unready("Readiness probe failed: " + text.format(port=s.port), log=_UP.format(port=s.port))

    incident(
        "readiness_wrong_protocol", name=name, words=words or (), source="Go net/http, crypto/tls; kubernetes pkg/probe"
    )(build)


_ready_protocol(
    "http_readiness_of_a_grpc_server",
    "http",
    'Get "http://10.244.0.31:{port}/healthz": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x00\\x00\\x06\\x04\\x00\\x00\\x00\\x00\\x00\\x00\\x05\\x00\\x00@\\x00"',
    "grpc",
    "malformed HTTP response",
)
_ready_protocol(
    "https_readiness_of_a_plain_server",
    "https",
    'Get "https://10.244.0.31:{port}/healthz": http: server gave HTTP response to HTTPS client',
    "http",
    "",
)
_ready_protocol("http_readiness_of_a_tls_server", "http", "HTTP probe failed with statuscode: 400", "https", "")


@incident(
    "readiness_wrong_protocol",
    needs="logs",
    near=("rollout_stuck", "endpoints_not_ready"),
    words="client sent an HTTP request to an HTTPS server",
    source="Go net/http/server.go",
)
def plain_request_to_a_tls_server(s: Scene) -> None:
    s.victim(age=9 * 1440, c={"readinessProbe": _probe(_get(s.port))})
    s.app.unready("Readiness probe failed: HTTP probe failed with statuscode: 400",
                  log="2025/03/14 09:29:51 http: TLS handshake error from 10.42.1.11:51512: client sent an HTTP request to an HTTPS server\n" * 6)  # fmt: skip


incident("readiness_wrong_port", name="http_readiness_on_the_debug_port")(
    _readiness(
        _get(6061), 'Get "http://10.244.0.31:6061/healthz": dial tcp 10.244.0.31:6061: connect: connection refused'
    )
)
incident(
    "readiness_wrong_port",
    name="grpc_readiness_on_another_port",
    words="failed to connect service",
    source="kubernetes pkg/probe/grpc/grpc.go",
)(
    _readiness(
        {"grpc": {"port": 50052}},
        'timeout: failed to connect service "10.244.0.31:50052" within 1s: context deadline exceeded',
    )
)
incident(
    "readiness_wrong_port",
    name="pg_isready_on_another_port",
    words="- no response",
    source="postgres src/bin/scripts/pg_isready.c",
)(
    _readiness(
        {"exec": {"command": ["pg_isready", "-h", "127.0.0.1", "-p", "5433"]}},
        "127.0.0.1:5433 - no response\n",
        kind="StatefulSet",
    )
)


def _slow(liveness: dict[str, Any], message: str, log: str, ran: float, code: int = 143) -> Any:
    def build(s: Scene) -> None:
        s.victim(c=liveness)
        s.app.killed_by_probe(message.format(port=s.port), log=log, ran=ran, code=code)

    return build


incident("liveness_too_aggressive", name="loads_a_model_for_minutes", words="loading shard", source="a model server's own log")(
    _slow({"livenessProbe": _probe(_get(9000), initialDelaySeconds=5), "ports": [{"name": "model", "containerPort": 9000}]},
          'Liveness probe failed: Get "http://10.244.0.31:9000/healthz": dial tcp 10.244.0.31:9000: connect: connection refused',
          "INFO loading shard 1/24\nINFO loading shard 2/24\nINFO loading shard 3/24\nINFO received signal 15, stopping\n", 0.6))  # fmt: skip
incident("liveness_too_aggressive", name="answers_later_than_its_timeout", words="Client.Timeout or context cancellation while reading body", source="Go net/http/client.go")(
    _slow({"livenessProbe": _probe(_get(9000), initialDelaySeconds=3, periodSeconds=5, failureThreshold=1), "ports": [{"name": "model", "containerPort": 9000}]},
          'Liveness probe failed: Get "http://10.244.0.31:9000/healthz": context deadline exceeded (Client.Timeout or context cancellation while reading body)',
          "Starting Solver v5.2.0 using Java 21\nTomcat initialized with port 9000 (http)\nHibernate ORM core version 6.5.2\n", 0.2))  # fmt: skip
incident("liveness_too_aggressive", name="spring_boots_slower_than_its_liveness")(
    _slow({"livenessProbe": _probe(_get(9000), initialDelaySeconds=10), "ports": [{"name": "model", "containerPort": 9000}]},
          'Liveness probe failed: Get "http://10.244.0.31:9000/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
          "  .   ____          _\n :: Spring Boot ::                (v3.3.1)\nTomcat initialized with port 9000 (http)\nRoot WebApplicationContext: initialization completed in 21033 ms\n", 0.7))  # fmt: skip


def _startup(action: dict[str, Any], text: str, log: str, ran: float) -> Any:
    return _slow({"startupProbe": _probe(action, periodSeconds=5, failureThreshold=4), "ports": [{"name": "model", "containerPort": 9000}]},
                 "Startup probe failed: " + text, log, ran)  # fmt: skip


incident(
    "startup_probe_too_short",
    name="replays_its_journal_before_it_listens",
    words="replayed",
    source="a store's own log",
)(
    _startup(
        _get(9000),
        'Get "http://10.244.0.31:9000/healthz": dial tcp 10.244.0.31:9000: connect: connection refused',
        "replayed 12 % of 48211 journal entries\nreplayed 19 % of 48211 journal entries\n",
        0.35,
    )
)
incident(
    "startup_probe_too_short",
    name="cassandra_is_still_joining",
    words="Starting up server gossip",
    source="apache/cassandra CassandraDaemon.java",
)(
    _startup(
        {"tcpSocket": {"port": 9000}},
        "dial tcp 10.244.0.31:9000: connect: connection refused",
        "INFO  [main] CassandraDaemon.java:650 - JVM Arguments\nINFO  [main] StorageService.java:800 - Starting up server gossip\n",
        0.35,
    )
)
incident("startup_probe_too_short", name="answers_503_until_it_is_warm")(
    _startup(
        _get(9000),
        "HTTP probe failed with statuscode: 503",
        "warming cache: 8 of 60 segments\nwarming cache: 14 of 60 segments\nshutting down\n",
        0.4,
    )
)
