"""Fixes that are mechanical, as changes that can be approved and executed: one small function per failure mode.

A change is proposed only where the objects say what is right: the port that is listened on, the labels that the pods
carry, the revision that ran. What needs a judgement (more memory for a leak, whose quota to raise) stays a sentence. A
proposal changes nothing by itself; whoever executes it checks it against the cluster as it is then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalicelib.rootcause.case import Finding
from chalicelib.rootcause.look import Look
from chalicelib.rootcause.model import Action, ProposedChange
from chalicelib.rootcause.modes import modes
from chalicelib.rootcause.services import meant
from chalicelib.state.kinds.pod_spec import Container, PodSpec, Probe
from chalicelib.state.meta import Ref
from chalicelib.state.quantity import format_bytes, quantity

Json = dict[str, Any]
Maker = Callable[[Finding, Look], ProposedChange | None]
TEMPLATED = ("Deployment", "StatefulSet", "DaemonSet")
MOST_MEMORY = 64 * 2**30

_MAKERS: dict[str, Maker] = {}


def proposes(*names: str) -> Callable[[Maker], Maker]:
    """Register a function as the maker of the change that mends these modes."""
    unknown = [name for name in names if name not in modes()]
    if unknown:
        raise ValueError(f"{unknown[0]} is not a failure mode")

    def register(function: Maker) -> Maker:
        for name in names:
            _MAKERS[name] = function
        return function

    return register


def change_for(mode: str, finding: Finding, look: Look) -> ProposedChange | None:
    """The change that mends a cause, when there is one that needs no judgement."""
    make = _MAKERS.get(mode)
    return make(finding, look) if make is not None else None


def _change(action: Action, ref: Ref, why: str, **arguments: Any) -> ProposedChange:
    place: Json = {"namespace": ref.namespace, "name": ref.name}
    if action in ("scale", "restart", "resize", "patch"):
        place = {"kind": ref.kind, **place}
    return ProposedChange(action=action, arguments={**place, **arguments}, why=why)


def _patch(ref: Ref, patch: Any, why: str, type_: str = "merge") -> ProposedChange:
    return _change("patch", ref, why, patch=patch, type=type_)


def _template(finding: Finding, look: Look) -> PodSpec | None:
    ref = finding.resource
    workload = look.snapshot.find(ref) if ref.kind in TEMPLATED else None
    return look.template(workload) if workload is not None else None


def _container(finding: Finding, look: Look) -> Container | None:
    template, name = _template(finding, look), finding.facts.get("container")
    return next((c for c in template.containers if c.name == name), None) if template is not None else None


def _in_container(name: str, body: Json) -> Json:
    """A strategic merge patch of one container of a pod template; containers merge by name."""
    return {"spec": {"template": {"spec": {"containers": [{"name": name, **body}]}}}}


# Resources


@proposes("oom_killed")
def more_memory(finding: Finding, look: Look) -> ProposedChange | None:
    """Twice the memory limit; the request grows with it where both were equal."""
    container = _container(finding, look)
    limit = quantity(container.resources.limits.get("memory")) if container is not None else 0.0
    if container is None or not limit or limit * 2 > MOST_MEMORY:
        return None
    wanted = format_bytes(limit * 2)
    equal = quantity(container.resources.requests.get("memory")) == limit
    more = {"memory_request": wanted} if equal else {}
    return _change(
        "resize",
        finding.resource,
        f"Container {container.name} is killed at its memory limit.",
        container=container.name,
        memory_limit=wanted,
        **more,
    )


@proposes("cpu_throttling")
def more_cpu(finding: Finding, look: Look) -> ProposedChange | None:
    """Twice the CPU limit."""
    container = _container(finding, look)
    limit = quantity(container.resources.limits.get("cpu")) if container is not None else 0.0
    if container is None or not limit:
        return None
    return _change(
        "resize",
        finding.resource,
        f"Container {container.name} uses up its CPU limit in most periods.",
        container=container.name,
        cpu_limit=f"{round(limit * 2000)}m",
    )


@proposes("zero_replicas")
def scale_up(finding: Finding, look: Look) -> ProposedChange | None:
    """The replicas it had, when they are known; else one."""
    before = str(finding.facts.get("replicas", ""))
    replicas = int(before) if before.isdigit() and int(before) else 1
    return _change("scale", finding.resource, "Something still depends on it.", replicas=replicas)


# Revisions, restarts, schedules


@proposes("image_not_found", "config_drift_after_deploy")
def roll_back(finding: Finding, look: Look) -> ProposedChange | None:
    """Back to the revision before, where there is one with another template."""
    ref = finding.resource
    workload = look.snapshot.find(ref) if ref.kind == "Deployment" else None
    sets = look.world.replica_sets_of(workload) if workload is not None else []
    if len(sets) < 2 or sets[0].spec.template.spec == sets[1].spec.template.spec:
        return None
    why = f"Revision {sets[0].revision} fails, and revision {sets[1].revision} ran before it."
    return _change("rollback", ref, why, revision=sets[1].revision)


@proposes("secret_rotated_but_env_stale")
def restart(finding: Finding, look: Look) -> ProposedChange | None:
    """New pods read the new Secret."""
    if finding.resource.kind not in TEMPLATED:
        return None
    return _change("restart", finding.resource, "Environment variables are read when a container starts.")


@proposes("cronjob_suspended_or_bad_schedule")
def resume(finding: Finding, look: Look) -> ProposedChange | None:
    """Resume it, when it is suspended and its schedule is not the fault."""
    cron = look.snapshot.find(finding.resource) if finding.resource.kind == "CronJob" else None
    if cron is None or not cron.spec.suspend:
        return None
    return _change("suspend", finding.resource, "It was suspended after it was in use.", suspend=False)


# Probes


def _probe_fix(finding: Finding, look: Look, kind: str) -> ProposedChange | None:
    container = _container(finding, look)
    probe: Probe | None = getattr(container, f"{kind}_probe") if container is not None else None
    port = str(finding.facts.get("right_port", ""))
    named = container is not None and any(p.name == port for p in container.ports)
    if container is None or probe is None or not (port.isdigit() or named):
        return None
    how = "httpGet" if probe.http_get else "tcpSocket" if probe.tcp_socket else "grpc" if probe.grpc else ""
    if not how:
        return None
    body = {f"{kind}Probe": {how: {"port": int(port) if port.isdigit() else port}}}
    why = f"The application listens on {port}, and the {kind} probe asks {probe.port}."
    return _patch(finding.resource, _in_container(container.name, body), why, "strategic")


@proposes("liveness_wrong_port")
def liveness_port(finding: Finding, look: Look) -> ProposedChange | None:
    """The liveness probe asks the port that is listened on."""
    return _probe_fix(finding, look, "liveness")


@proposes("readiness_wrong_port")
def readiness_port(finding: Finding, look: Look) -> ProposedChange | None:
    """The readiness probe asks the port that is listened on."""
    return _probe_fix(finding, look, "readiness")


# Services


@proposes("service_selector_mismatch")
def selector(finding: Finding, look: Look) -> ProposedChange | None:
    """The selector of the workload that the Service is meant for; keys it has too many are removed."""
    service = look.snapshot.find(finding.resource) if finding.resource.kind == "Service" else None
    found = meant(service, look) if service is not None else None
    own = found[0].spec.selector if found is not None else None
    if service is None or found is None or own is None or not own.match_labels:
        return None
    wrong: Json = dict.fromkeys(sorted(set(service.spec.selector) - set(own.match_labels)))
    why = f"No pod has the labels it selects; those of {look.world.ref_of(found[0])} are meant."
    return _patch(finding.resource, {"spec": {"selector": {**wrong, **own.match_labels}}}, why)


def _port_patch(finding: Finding, look: Look, field: str, value: Any, why: str) -> ProposedChange | None:
    pointers = (
        e.pointer for e in finding.evidence if e.ref == finding.resource and e.pointer.startswith("/spec/ports/")
    )
    pointer = next(pointers, "")
    if not pointer:
        return None
    place = "/".join(pointer.split("/")[:4])
    return _patch(finding.resource, [{"op": "replace", "path": f"{place}/{field}", "value": value}], why, "json")


@proposes("target_port_mismatch")
def target_port(finding: Finding, look: Look) -> ProposedChange | None:
    """The port that the pods declare, when they declare one only."""
    right = str(finding.facts.get("right_port", ""))
    pods = look.selected(service) if (service := look.snapshot.find(finding.resource)) is not None else []
    declared = {p.container_port for pod in pods for c in pod.spec.containers for p in c.ports}
    if not right.isdigit() or len(declared) != 1:
        return None
    return _port_patch(finding, look, "targetPort", int(right), f"Its pods listen on {right}.")


@proposes("service_protocol_mismatch")
def protocol(finding: Finding, look: Look) -> ProposedChange | None:
    """The protocol of the containers' port."""
    right = finding.facts.get("right_protocol")
    return _port_patch(finding, look, "protocol", right, f"Its containers listen to {right}.") if right else None


@proposes("internal_traffic_policy_local")
def cluster_wide(finding: Finding, look: Look) -> ProposedChange | None:
    """Traffic may leave its node."""
    why = "Callers on other nodes reach no endpoint."
    return _patch(finding.resource, {"spec": {"internalTrafficPolicy": "Cluster"}}, why)


@proposes("pod_dns_policy_wrong")
def dns_policy(finding: Finding, look: Look) -> ProposedChange | None:
    """The policy that asks the cluster's DNS; a policy None with settings of its own is somebody's judgement."""
    template = _template(finding, look)
    if template is None or template.dns_policy == "None":
        return None
    right = "ClusterFirstWithHostNet" if template.host_network else "ClusterFirst"
    patch = {"spec": {"template": {"spec": {"dnsPolicy": right}}}}
    return _patch(finding.resource, patch, "Its pods do not ask the cluster's DNS.", "strategic")
