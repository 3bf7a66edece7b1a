"""What a probe sees when it asks a container, in the words of the kubelet."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from infra.local.demo.controllers.containers import ContainerRecord
from infra.local.demo.controllers.network import Network
from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.controllers.plane import ControlPlane

PROBES = ("startup", "liveness", "readiness")


def failure(
    plane: ControlPlane,
    pod: Object,
    container: Object,
    record: ContainerRecord,
    kind: str,
    ip: str,
    now: datetime,
) -> str:
    """Why a probe fails now; empty when it succeeds."""
    probe = container[f"{kind}Probe"]
    program = plane.programs.of(container)
    action = probe.get("httpGet") or probe.get("tcpSocket") or probe.get("grpc")
    if action is None:
        return "" if now >= record.listens_at() else "command exited with 1"
    port = _port(container, action.get("port"))
    listens = program.listens
    if listens is None:
        listens = tuple(one["containerPort"] for one in container.get("ports") or ())
    up = now >= record.listens_at() and port in listens
    if "tcpSocket" in probe:
        return "" if up else f"dial tcp {ip}:{port}: connect: connection refused"
    if "grpc" in probe:
        if up and program.style == "grpc":
            return ""
        return (
            f'timeout: failed to connect service "{ip}:{port}" within '
            f"{probe.get('timeoutSeconds', 1)}s: context deadline exceeded"
        )
    scheme, path = action.get("scheme", "HTTP").lower(), action.get("path", "/")
    url = f'Get "{scheme}://{ip}:{port}{path}"'
    if not up:
        return f"{url}: dial tcp {ip}:{port}: connect: connection refused"
    if scheme == "https" and port not in program.tls:
        return f"{url}: http: server gave HTTP response to HTTPS client"
    if scheme == "http" and port in program.tls:
        return "HTTP probe failed with statuscode: 400"
    if path in program.not_found:
        return "HTTP probe failed with statuscode: 404"
    if kind == "readiness" and (program.stuck_ready or not gates_open(plane, pod, container)):
        return "HTTP probe failed with statuscode: 503"
    return ""


def _port(container: Object, port: object) -> int:
    if isinstance(port, int):
        return port
    for one in container.get("ports") or ():
        if one.get("name") == port:
            return int(one["containerPort"])
    return 0


def gates_open(plane: ControlPlane, pod: Object, container: Object) -> bool:
    """Whether every server that readiness depends on answers."""
    from infra.local.demo.controllers.mounts import ConfigError, environment_of

    program = plane.programs.of(container)
    calls = [call for call in program.calls if call.gates_ready]
    if not calls:
        return True
    try:
        env = environment_of(plane, pod, container)
    except ConfigError:
        env = {}
    return all(Network(plane).connect(pod, *call.target(env)).ok for call in calls)
