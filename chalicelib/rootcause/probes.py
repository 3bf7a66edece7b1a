"""Probes that fail although the application is well, and readiness that is refused by the application.

A probe is judged against what the container declares, what its other probes use, what its log says it listens on, and
the kubelet's Unhealthy event where there is one. A status code in that event proves that something listens.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib.rootcause import logs
from chalicelib.rootcause.case import DECISIVE, GOOD, HINT, LIKELY, STRONG, WEAK, Case, Finding, blame
from chalicelib.rootcause.configuration import exit_code
from chalicelib.rootcause.crashes import STOPPED, called_services, end_evidence, ended_reason
from chalicelib.rootcause.logs import Line, quoted
from chalicelib.rootcause.look import Look, container_pointer
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.symptoms import container_crashing, pod_not_ready
from chalicelib.state.evidence import Evidence
from chalicelib.state.kinds.cluster import Event
from chalicelib.state.kinds.pod_spec import Probe
from chalicelib.state.meta import Ref, condition

_REFUSED = re.compile(r"connection refused|refused|no such host|actively refused", re.I)
_NO_LISTENER = re.compile(r"refused|failed to connect|couldn't connect|no response", re.I)
_STATUS = re.compile(r"statuscode: (\d{3})", re.I)
_PROTOCOL = re.compile(
    r"HTTP response to HTTPS client|malformed HTTP|transport connection broken|first record does not look like a TLS|"
    r"frame too large|server preface|HTTP/1\.x transport|authentication handshake failed|wrong version number|"
    r"unexpected EOF|: EOF\b|http2: |tls: |bad record|protocol error|connection closed before",
    re.I,
)
_SLOW = re.compile(r"deadline exceeded|Client\.Timeout|timeout|timed out|awaiting headers", re.I)
_PLAIN_TO_TLS = 400
_NOT_FOUND = 404
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Probed:
    """One probe of the case's container and what is known about its failures."""

    kind: str
    probe: Probe
    pointer: str
    port: int | None
    event: Event | None
    declared: frozenset[int]
    siblings: tuple[Probe, ...]
    listening: dict[int, Line]

    @property
    def said(self) -> str:
        return self.event.message[:2000] if self.event else ""

    @property
    def answered(self) -> bool:
        """Whether the failure itself shows that something listens there."""
        return bool(_STATUS.search(self.said) or _PROTOCOL.search(self.said))


def probed(case: Case, look: Look, kind: str) -> Probed | None:
    """The `liveness`, `readiness` or `startup` probe of the container; None when it has none."""
    probe: Probe | None = getattr(case.spec, f"{kind}_probe")
    if probe is None:
        return None
    declared = frozenset(p.container_port for c in case.pod.spec.containers for p in c.ports if p.protocol != "UDP")
    others = (case.spec.liveness_probe, case.spec.readiness_probe, case.spec.startup_probe)
    lines = (look.log(case.ref, case.container) or []) + (look.log(case.ref, case.container, previous=True) or [])
    return Probed(
        kind,
        probe,
        container_pointer(case.pod.spec, case.container, f"/{kind}Probe"),
        case.spec.port_number(probe.port) if probe.port is not None else _asked_by(probe),
        _unhealthy(case, look, kind),
        declared,
        tuple(p for p in others if p is not None and p is not probe),
        logs.listening_ports(lines),
    )


_COMMAND_PORT = re.compile(
    r"://[\w.\[\]-]{1,253}:(\d{2,5})|(?:^| )(?:-p|--port|-port)[ =](\d{2,5})|[\w\]]:(\d{2,5})(?:$| |/)"
)


def _asked_by(probe: Probe) -> int | None:
    """The port of this pod that a probe's command asks, when it names one."""
    command = " ".join(probe.exec.command)[:2000] if probe.exec is not None else ""
    match = _COMMAND_PORT.search(command)
    return int(next(g for g in match.groups() if g)) if match else None


def _unhealthy(case: Case, look: Look, kind: str) -> Event | None:
    word = f"{kind} probe"
    for member in case.members[:5]:
        for event in look.events(member, "Unhealthy", "ProbeWarning"):
            about = event.involved_object.field_path
            if event.message.lower().startswith(word) and (not about or f"{{{case.container}}}" in about):
                return event
    return None


def wrong_port(found: Probed) -> float:
    """How surely the probe asks a port on which nothing listens; 0 when it does not look so."""
    named = isinstance(found.probe.port, str) and not found.probe.port.isdigit()
    if (found.port is None and not named) or found.answered:
        return 0.0
    if named and found.port is None:
        return DECISIVE
    refused = bool(_NO_LISTENER.search(found.said))
    if found.port in found.listening:
        return 0.0
    undeclared = bool(found.declared) and found.port not in found.declared
    elsewhere = bool(found.listening)
    if found.event is not None and not refused:
        return 0.0
    if undeclared or elsewhere:
        if refused:
            return DECISIVE if undeclared and elsewhere else 0.94 if undeclared else STRONG
        return STRONG if undeclared and elsewhere else GOOD if undeclared else LIKELY
    other_port = any(p.port is not None and p.port != found.probe.port for p in found.siblings)
    return GOOD if refused and other_port and not found.declared else 0.0


def right_port(found: Probed) -> str:
    """The port the application seems to listen on."""
    if found.listening:
        return str(min(found.listening))
    others = [p.port for p in found.siblings if p.port is not None and p.port != found.probe.port]
    return str(others[0]) if others else str(min(found.declared)) if found.declared else "its real port"


def wrong_protocol(found: Probed) -> float:
    """How surely the probe speaks another protocol than the listener; 0 when it does not look so."""
    if found.probe.port is None:
        return 0.0
    twins = [p for p in found.siblings if p.port == found.probe.port and p.protocol != found.probe.protocol]
    status = _STATUS.search(found.said)
    if _PROTOCOL.search(found.said):
        return DECISIVE if twins else STRONG
    if status and int(status.group(1)) == _PLAIN_TO_TLS and found.probe.protocol == "http":
        return STRONG if twins else LIKELY
    if status or _REFUSED.search(found.said) or found.port not in (found.declared or {found.port}):
        return 0.0
    return LIKELY if twins and all(p.protocol in ("http", "https", "tcp", "grpc") for p in twins) else 0.0


def _evidence(case: Case, look: Look, found: Probed) -> list[Evidence | None]:
    pointer = container_pointer(case.pod.spec, case.container, "/ports")
    ports = ", ".join(str(p) for p in sorted(found.declared)) or "no ports"
    line = next(iter(found.listening.values()), None)
    return [
        look.at(
            case.pod,
            found.pointer,
            f"The {found.kind} probe of container {case.container} asks {found.probe.protocol} port {found.probe.port}",
        ),
        look.event(found.event),
        look.at(case.pod, pointer, f"Container {case.container} declares {ports}") if case.spec.ports else None,
        look.lines(case.ref, case.container, [line], f"Container {case.container} logs: {quoted(line.text)}")
        if line
        else None,
    ]


def _port(case: Case, look: Look, kind: str, effect: str) -> Finding | None:
    found = probed(case, look, kind)
    strength = wrong_port(found) if found else 0.0
    if found is None or not strength:
        return None
    right = right_port(found)
    return blame(
        case.resource,
        f"{case.where} {effect}: its {kind} probe asks port {found.probe.port or found.port}, but the application "
        f"listens on {right}",
        strength=strength,
        because=[*_evidence(case, look, found), *end_evidence(case, look)],
        container=case.container,
        right_port=right,
        since=case.since,
        missing=() if found.event else (f"Unhealthy events of {case.ref.namespace}/{case.ref.name}",),
    )


def _protocol(case: Case, look: Look, kind: str, effect: str) -> Finding | None:
    found = probed(case, look, kind)
    strength = wrong_protocol(found) if found else 0.0
    if found is None or not strength:
        return None
    return blame(
        case.resource,
        f"{case.where} {effect}: its {kind} probe speaks {found.probe.protocol} to "
        f"port {found.probe.port}, which expects another protocol",
        strength=strength,
        because=[*_evidence(case, look, found), *end_evidence(case, look)],
        container=case.container,
        since=case.since,
    )


def killed_by_probe(case: Case, look: Look) -> bool:
    """Whether it is ended from outside: a Killing event for its probe, or a stop signal and a liveness probe."""
    killing = look.saying(
        case.members[:5],
        "failed liveness probe",
        "failed startup probe",
        "Container failed liveness",
        reasons=("Killing", "Unhealthy"),
    )
    if killing is not None:
        return True
    return exit_code(case) in STOPPED and case.spec.liveness_probe is not None and ended_reason(case) != "OOMKilled"


@detector("liveness_wrong_port", symptom=container_crashing)
def liveness_wrong_port(case: Case, look: Look) -> Finding | None:
    """The liveness probe asks a port on which the application does not listen, so the kubelet restarts it for ever."""
    if ended_reason(case) == "OOMKilled" or not (killed_by_probe(case, look) or _unhealthy(case, look, "liveness")):
        return None
    return _port(case, look, "liveness", "is restarted again and again")


@detector("liveness_wrong_port", symptom=container_crashing)
def liveness_wrong_path(case: Case, look: Look) -> Finding | None:
    """The liveness probe asks a path that the application does not know; the nearest mode is a wrong endpoint."""
    found = probed(case, look, "liveness")
    status = _STATUS.search(found.said) if found else None
    if found is None or status is None or int(status.group(1)) != _NOT_FOUND or not killed_by_probe(case, look):
        return None
    path = quoted(found.probe.http_get.path if found.probe.http_get else "", 80)
    return blame(
        case.resource,
        f"{case.where} is restarted again and again: its liveness probe asks path {path}, which the application lacks",
        strength=0.48,
        because=[*_evidence(case, look, found), *end_evidence(case, look)],
        container=case.container,
        right_port=right_port(found),
        remedy=f"Point the liveness probe of container {case.container} at a path that the application serves.",
        since=case.since,
    )


@detector("app_exception", symptom=container_crashing)
def says_it_is_ill(case: Case, look: Look) -> Finding | None:
    """The application itself answers its liveness probe with an error, and is restarted for it."""
    found = probed(case, look, "liveness")
    status = _STATUS.search(found.said) if found else None
    if found is None or status is None or int(status.group(1)) < _SERVER_ERROR or not killed_by_probe(case, look):
        return None
    return blame(
        case.resource,
        f"{case.where} is restarted because it answers its liveness probe with {status.group(1)}",
        strength=LIKELY,
        because=[*_evidence(case, look, found), *end_evidence(case, look)],
        container=case.container,
        upstream=called_services(case, look),
        since=case.since,
    )


@detector("liveness_wrong_protocol", symptom=container_crashing)
def liveness_wrong_protocol(case: Case, look: Look) -> Finding | None:
    """The liveness probe speaks another protocol than the application."""
    if ended_reason(case) == "OOMKilled" or not (killed_by_probe(case, look) or _unhealthy(case, look, "liveness")):
        return None
    return _protocol(case, look, "liveness", "is restarted again and again")


@detector("liveness_too_aggressive", symptom=container_crashing)
def liveness_too_aggressive(case: Case, look: Look) -> Finding | None:
    """The kubelet ends a container that needs longer to start or to answer than its liveness probe allows."""
    found = probed(case, look, "liveness")
    if (
        found is None
        or not killed_by_probe(case, look)
        or wrong_port(found) >= LIKELY
        or wrong_protocol(found) >= LIKELY
    ):
        return None
    status = _STATUS.search(found.said)
    if status or ended_reason(case) == "OOMKilled":
        return None
    probe = found.probe
    allowed = probe.initial_delay_seconds + probe.period_seconds * probe.failure_threshold
    slow = bool(_SLOW.search(found.said)) and probe.timeout_seconds <= 2
    starting = bool(_REFUSED.search(found.said)) and not found.listening
    late = found.port in found.listening and case.spec.startup_probe is None
    strength = (
        GOOD
        if slow or late
        else 0.75
        if starting and case.spec.startup_probe is None
        else LIKELY
        if found.event
        else WEAK
    )
    return blame(
        case.resource,
        f"{case.where} is restarted before it is up: its liveness probe allows "
        f"{allowed} s and {probe.timeout_seconds} s an answer",
        strength=strength,
        because=[*_evidence(case, look, found), *end_evidence(case, look)],
        container=case.container,
        since=case.since,
        missing=() if found.event else (f"Unhealthy events of {case.ref.namespace}/{case.ref.name}",),
    )


@detector("startup_probe_too_short", symptom=container_crashing)
def startup_probe_fails(case: Case, look: Look) -> Finding | None:
    """The startup probe gives up before the application is up."""
    found = probed(case, look, "startup")
    if found is None or found.event is None or not killed_by_probe(case, look):
        return None
    allowed = found.probe.initial_delay_seconds + found.probe.period_seconds * found.probe.failure_threshold
    return blame(
        case.resource,
        f"{case.where} is restarted before it is up: its startup probe allows {allowed} s",
        strength=LIKELY,
        because=[*_evidence(case, look, found), *end_evidence(case, look)],
        container=case.container,
        since=case.since,
    )


@detector("readiness_wrong_port", symptom=pod_not_ready)
def readiness_wrong_port(case: Case, look: Look) -> Finding | None:
    """The readiness probe asks a port on which the application does not listen."""
    return _port(case, look, "readiness", "runs but is never ready")


@detector("readiness_wrong_protocol", symptom=pod_not_ready)
def readiness_wrong_protocol(case: Case, look: Look) -> Finding | None:
    """The readiness probe speaks another protocol than the application."""
    return _protocol(case, look, "readiness", "runs but is never ready")


@detector("endpoints_not_ready", symptom=pod_not_ready)
def refuses_to_be_ready(case: Case, look: Look) -> Finding | None:
    """The application runs and says by its readiness probe that it cannot serve; why is its own affair."""
    found = probed(case, look, "readiness")
    lines = logs.errors(look.log(case.ref, case.container) or [])
    line = lines[-1] if lines else None
    status = _STATUS.search(found.said) if found else None
    told = f" (it answers {status.group(1)})" if status else ""
    if found and status and int(status.group(1)) == _NOT_FOUND:
        told = f" (its path {quoted(found.probe.http_get.path if found.probe.http_get else '', 60)} is not found)"
    why = f": {quoted(line.text, 140)}" if line else ""
    strength = LIKELY if status and line else 0.6 if status else 0.55 if line and found and found.event else WEAK
    missing = [] if found and found.event else [f"Unhealthy events of {case.ref.namespace}/{case.ref.name}"]
    missing += (
        []
        if look.log(case.ref, case.container)
        else [f"log of container {case.container} of {case.ref.namespace}/{case.ref.name}"]
    )
    return blame(
        case.resource,
        f"{case.where} runs but is not ready: {len(case.members)} pod{'s' if len(case.members) > 1 else ''} "
        f"fail{'' if len(case.members) > 1 else 's'} the readiness probe{told}{why}",
        strength=strength if found else min(strength, HINT),
        because=[
            *([look.event(found.event)] if found else []),
            _not_ready(case, look),
            look.lines(case.ref, case.container, [line], f"Container {case.container} logs: {quoted(line.text)}")
            if line
            else None,
        ],
        upstream=(*called_services(case, look), *_needs(case, look)),
        since=case.since,
        missing=missing,
    )


def _not_ready(case: Case, look: Look) -> Evidence | None:
    for index, found in enumerate(case.pod.status.conditions):
        if found.type == "Ready" and not found.true:
            return look.at(
                case.pod,
                f"/status/conditions/{index}",
                f"Pod {case.ref.name} is not ready: {quoted(found.message) or found.reason}",
            )
    return None


def _needs(case: Case, look: Look) -> tuple[Ref, ...]:
    """The node it runs on, whose trouble would account for all of it."""
    node = case.pod.spec.node_name
    ready = condition(case.pod.status.conditions, "Ready")
    return (Ref("Node", "", node),) if node and ready else ()
