"""Nodes: one that stopped reporting, one whose runtime is down, one under pressure."""

from __future__ import annotations

import re
from datetime import timedelta

from chalicelib.rootcause.case import DECISIVE, GOOD, LIKELY, STRONG, WEAK, Case, Finding, blame
from chalicelib.rootcause.logs import quoted
from chalicelib.rootcause.look import Look, condition_pointer
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.sightings import node_not_ready, node_pressured
from chalicelib.rootcause.symptoms import pod_evicted
from chalicelib.state.evidence import Evidence, metric_evidence
from chalicelib.state.kinds.cluster import PRESSURES
from chalicelib.state.meta import Ref, condition

LEASE_NAMESPACE = "kube-node-lease"
LEASE_STALE = timedelta(seconds=60)
MANY = 3
"""Evictions of one workload that count although it has recovered."""
_RUNTIME = re.compile(
    r"container runtime is down|PLEG is not healthy|runtime network not ready|"
    r"container runtime not ready|\b(?:cri|containerd|dockerd?)\b",
    re.I,
)
_NETWORK = re.compile(r"network plugin|cni (?:config|plugin)|NetworkPluginNotReady|networkReady", re.I)
_OWN_LIMIT = re.compile(
    r"exceeds the total limit of containers|"
    r"exceeded its local ephemeral storage limit|EmptyDir volume .{0,300} exceeds the limit",
    re.I,
)
_LOW = {"MemoryPressure": "memory", "DiskPressure": "disk", "PIDPressure": "process ids"}


def pods_hit(node: str, look: Look) -> list[Ref]:
    """Workloads with a pod on a node that is not ready there."""
    pods = look.world.pods_by_node.get(node, ())
    return sorted({look.owner(look.world.ref_of(p)) for p in pods if not p.finished and not p.ready})


def stale_lease(node: str, look: Look) -> Evidence | None:
    """The node's lease, when it was not renewed in time."""
    lease = look.snapshot.get("Lease", LEASE_NAMESPACE, node)
    if lease is None or lease.spec.renew_time is None or look.age(lease.spec.renew_time) < LEASE_STALE:
        return None
    return look.at(
        lease,
        "/spec/renewTime",
        f"The lease of node {node} was last renewed {int(look.age(lease.spec.renew_time).total_seconds())} s ago",
    )


def service_evidence(node: str, word: str, look: Look) -> tuple[bool | None, Evidence | None]:
    """(is it active, citation) of a service of the node, where such status was given."""
    for found in look.snapshot.extras.node_services or ():
        if found.node == node and word in found.service:
            active = found.active in (True, "active", "true", "running") and found.state not in (
                "failed",
                "dead",
                "inactive",
            )
            text = f"On node {node} {found.service} is {found.state or found.active}"
            return active, metric_evidence(
                look.snapshot.cluster,
                Ref("Node", "", node),
                found.service,
                str(found.state or found.active),
                text,
                at=found.since,
            )
    return None, None


@detector("kubelet_down", symptom=node_not_ready)
def kubelet_down(case: Case, look: Look) -> Finding | None:
    """The kubelet stopped reporting: the node's Ready condition is Unknown and its lease is stale."""
    name = case.ref.name
    ready = condition(case.subject.status.conditions, "Ready")
    active, service = service_evidence(name, "kubelet", look)
    lease = stale_lease(name, look)
    silent = ready is not None and (ready.status == "Unknown" or "stopped posting" in ready.message)
    if active is True or not (silent or active is False or lease):
        return None
    strength = DECISIVE if active is False or (silent and lease) else STRONG if silent else LIKELY
    hit = pods_hit(name, look)
    since = f" since {ready.last_transition_time:%Y-%m-%d %H:%M}" if ready and ready.last_transition_time else ""
    on_it = f"; {len(hit)} workload{'s' if len(hit) != 1 else ''} lost a pod" if hit else ""
    return blame(
        case.ref,
        f"node {name} is NotReady{since}: its kubelet stopped reporting{on_it}",
        strength=strength,
        because=[
            look.at(case.subject, condition_pointer(case.subject, "Ready")) if ready else None,
            lease,
            service,
            look.event(next(iter(look.events(case.ref, "NodeNotReady")), None)),
        ],
        chain=(
            "the kubelet does not report",
            f"the node controller marks {name} NotReady",
            *(f"pods of {h.namespace}/{h.name} on it are not ready" for h in hit[:3]),
        ),
        explains=hit,
        since=case.since,
        critical=True,
    )


@detector("container_runtime_down", symptom=node_not_ready)
def container_runtime_down(case: Case, look: Look) -> Finding | None:
    """The kubelet reports, and says that the container runtime does not work."""
    ready = condition(case.subject.status.conditions, "Ready")
    if ready is None or not ready.false or "stopped posting" in ready.message or _NETWORK.search(ready.message[:2000]):
        return None
    runtime = bool(_RUNTIME.search(ready.message[:2000]))
    active, service = service_evidence(case.ref.name, "containerd", look)
    return blame(
        case.ref,
        f"node {case.ref.name} is NotReady: {'its container runtime is down' if runtime else 'it does not say why'}"
        f" ({quoted(ready.message, 120)})",
        strength=STRONG if runtime or active is False else WEAK,
        because=[look.at(case.subject, condition_pointer(case.subject, "Ready")), service],
        explains=pods_hit(case.ref.name, look),
        since=case.since,
        critical=True,
    )


@detector("cni_route_broken", symptom=node_not_ready)
def network_plugin_down(case: Case, look: Look) -> Finding | None:
    """The kubelet reports, and says that the network plugin is not ready."""
    ready = condition(case.subject.status.conditions, "Ready")
    if ready is None or not ready.false or not _NETWORK.search(ready.message[:2000]):
        return None
    return blame(
        case.ref,
        f"node {case.ref.name} is NotReady: its network plugin is not ready ({quoted(ready.message, 120)})",
        strength=GOOD,
        because=[look.at(case.subject, condition_pointer(case.subject, "Ready"))],
        explains=pods_hit(case.ref.name, look),
        since=case.since,
        critical=True,
    )


@detector("node_pressure_eviction", symptom=node_pressured)
def node_pressure(case: Case, look: Look) -> Finding | None:
    """The kubelet reports pressure: it refuses new pods and evicts old ones."""
    found = next(
        (c for t in PRESSURES if (c := condition(case.subject.status.conditions, t)) and c.true and t == case.text),
        None,
    )
    if found is None:
        return None
    evicted = [p for p in look.world.pods_by_node.get(case.ref.name, ()) if p.status.reason == "Evicted"]
    owners = sorted({look.owner(look.world.ref_of(p)) for p in evicted})
    out = f"; {len(evicted)} pod{'s' if len(evicted) != 1 else ''} evicted" if evicted else ""
    return blame(
        case.ref,
        f"node {case.ref.name} is under {_LOW[found.type]} pressure{out}",
        strength=0.94,
        because=[
            look.at(case.subject, condition_pointer(case.subject, found.type)),
            *([look.at(evicted[0], "/status/message")] if evicted else []),
            look.event(
                next(
                    iter(
                        look.events(
                            case.ref,
                            "EvictionThresholdMet",
                            "FreeDiskSpaceFailed",
                            "ImageGCFailed",
                            f"NodeHas{found.type}",
                        )
                    ),
                    None,
                )
            ),
        ],
        explains=owners,
        pressure=_LOW[found.type],
        since=case.since,
        critical=False,
    )


@detector("node_pressure_eviction", symptom=pod_evicted)
def evicted_lately(case: Case, look: Look) -> Finding | None:
    """Pods were evicted within the hour; the node's pressure has gone, or is reported by its own finding."""
    message = case.pod.status.message
    if (
        "The node was low on resource" not in message
        and "ode had condition" not in message
        and "he node had" not in message
    ):
        return None
    nodes = sorted(
        {p.spec.node_name for m in case.members if (p := look.snapshot.find(m)) is not None and p.spec.node_name}
    )
    if not nodes:
        return None
    node = look.snapshot.get("Node", "", nodes[0])
    pressed = node is not None and any((c := condition(node.status.conditions, t)) and c.true for t in PRESSURES)
    healthy = getattr(getattr(case.workload, "status", None), "ready_replicas", 0) >= getattr(
        getattr(case.workload, "spec", None), "replicas", 1
    )
    if healthy and not pressed and len(case.members) < MANY:
        return None
    return blame(
        Ref("Node", "", nodes[0]),
        f"node {nodes[0]} evicted {len(case.members)} "
        f"pod{'s' if len(case.members) > 1 else ''} of {case.where}: {quoted(message, 120)}",
        strength=STRONG if pressed else GOOD,
        because=[look.at(case.pod, "/status/message"), look.at(case.pod, "/spec/nodeName")],
        explains=[case.resource],
        pressure="the resource that ran low",
        since=case.since,
    )


@detector("ephemeral_storage_or_disk_full", symptom=pod_evicted)
def over_own_limit(case: Case, look: Look) -> Finding | None:
    """A pod was evicted for passing its own ephemeral-storage or emptyDir limit."""
    message = case.pod.status.message
    if not _OWN_LIMIT.search(message):
        return None
    return blame(
        case.resource,
        f"{case.where} is evicted because it fills its local disk: {quoted(message, 120)}",
        strength=STRONG,
        because=[look.at(case.pod, "/status/message")],
        since=case.since,
    )
