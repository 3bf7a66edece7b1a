"""Why a pod gets no node: resources, selectors, affinity, taints, cordons, absent nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chalicelib.rootcause.admitted import preemption, rewritten_requests
from chalicelib.rootcause.case import DECISIVE, GOOD, LIKELY, STRONG, WEAK, Case, Finding, blame
from chalicelib.rootcause.look import Look, condition_pointer, escape
from chalicelib.rootcause.placement import HOSTNAME, Placement, Refusal, hosts_wanted, parse_refusal, place, untolerated
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.symptoms import pod_pending
from chalicelib.state.evidence import Evidence
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.meta import Ref, condition
from chalicelib.state.quantity import format_bytes, format_cores, quantity
from chalicelib.state.world import pod_requests

UNDECIDED = 0.48
"""A selector and a taint fit the same message; only the nodes could tell."""
SAME = {"selection": {"selector", "affinity", "node_absent"}, "anti_affinity": {"anti_affinity"}}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The deciding reason, how sure it is, and what was read to reach it."""

    obstacle: str
    strength: float
    placement: Placement
    refusal: Refusal
    message: str


def verdict(pod: Pod, look: Look) -> Verdict:
    """Own evaluation of the scheduler's filters, checked against the scheduler's message where there is one."""
    return look.once("scheduling", look.world.ref_of(pod), lambda: _judge(pod, look))


def _judge(pod: Pod, look: Look) -> Verdict:
    message = scheduler_message(pod, look)
    refusal = parse_refusal(message)
    if refusal.about_claims or waits_for_claim(pod, look):
        return Verdict("claim", 0.0, Placement(), refusal, message)
    if not look.snapshot.was_read("Node") or not look.snapshot.of("Node"):
        obstacle = _from_message(pod, refusal)
        both = obstacle in SAME["selection"] and bool(pod.spec.node_selector) and _required_affinity(pod)
        return Verdict("selector_or_affinity" if both else obstacle, GOOD, Placement(), refusal, message)
    placement = place(pod, look)
    if not refusal.counts:
        return Verdict(placement.obstacle, STRONG, placement, refusal, message)
    said = {name for reason in refusal.counts for name in SAME.get(reason, {reason})}
    own = placement.obstacle.split(":")[0]
    if own in said:
        return Verdict(placement.obstacle, DECISIVE, placement, refusal, message)
    return Verdict(_from_message(pod, refusal), GOOD if not own else LIKELY, placement, refusal, message)


def _required_affinity(pod: Pod) -> bool:
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity else None
    return affinity is not None and affinity.required is not None


def scheduler_message(pod: Pod, look: Look) -> str:
    """What the scheduler last said: the PodScheduled condition outlives the event."""
    scheduled = condition(pod.status.conditions, "PodScheduled")
    if scheduled and scheduled.false and scheduled.message:
        return scheduled.message
    events = look.events(look.world.ref_of(pod), "FailedScheduling")
    return events[0].message if events else ""


def waits_for_claim(pod: Pod, look: Look) -> bool:
    """Whether a claim the pod mounts is absent, or Pending with nothing that a first consumer would change."""
    for name in claims_of(pod):
        claim = look.snapshot.get("PersistentVolumeClaim", pod.metadata.namespace, name)
        if claim is None:
            if look.missing("PersistentVolumeClaim", pod.metadata.namespace, name):
                return True
        elif claim.status.phase == "Pending":
            class_ = look.snapshot.get("StorageClass", "", claim.spec.storage_class_name or "")
            if class_ is None or class_.volume_binding_mode != "WaitForFirstConsumer":
                return True
    return False


def claims_of(pod: Pod) -> list[str]:
    """Names of the claims a pod mounts, ephemeral ones included."""
    names = []
    for volume in pod.spec.volumes:
        if volume.persistent_volume_claim:
            names.append(volume.persistent_volume_claim.claim_name)
        elif volume.ephemeral:
            names.append(f"{pod.metadata.name}-{volume.name}")
    return names


def _from_message(pod: Pod, refusal: Refusal) -> str:
    counts = refusal.counts
    if counts.get("selection"):
        hosts_only = set(pod.spec.node_selector) == {HOSTNAME}
        own = "node_absent" if hosts_only else "selector" if pod.spec.node_selector else "affinity"
        if not any(counts.get(r) for r in ("cpu", "memory", "extended")):
            return own
    inner = [(n, r) for r, n in counts.items() if r not in ("taint", "cordoned", "sick", "selection")]
    if inner:
        name = max(inner)[1]
        return f"extended:{refusal.resource}" if name == "extended" else name
    return next((r for r in ("cordoned", "sick", "taint") if counts.get(r)), "")


def _said(case: Case, look: Look) -> list[Evidence | None]:
    """The scheduler's message as a condition and as an event."""
    found: list[Evidence | None] = []
    scheduled = condition(case.pod.status.conditions, "PodScheduled")
    if scheduled and scheduled.false:
        found.append(look.at(case.pod, condition_pointer(case.pod, "PodScheduled", "/message")))
    found.append(look.event(next(iter(look.events(case.ref, "FailedScheduling")), None)))
    return found


def _count(case: Case) -> str:
    return f"{len(case.members)} pod{'s' if len(case.members) > 1 else ''} of {case.where}"


def _insufficient(case: Case, look: Look, resource: str) -> Finding | None:
    found = verdict(case.pod, look)
    if found.obstacle != resource:
        return None
    cpu, memory = pod_requests(case.pod.spec)
    request = format_cores(cpu) if resource == "cpu" else format_bytes(memory)
    rooms = [(quantity(n.status.allocatable.get(resource)), n) for n in look.snapshot.of("Node")]
    largest = max((room for room, _ in rooms), default=0.0)
    wanted = cpu if resource == "cpu" else memory
    shown = format_cores(largest) if resource == "cpu" else format_bytes(largest)
    too_large = largest and wanted > largest
    why = f"no node is that large (largest: {shown})" if too_large else "no node that may run it has that much free"
    biggest = next((n for room, n in rooms if room == largest), None)
    key = "cpu" if resource == "cpu" else "memory"
    return blame(
        case.resource,
        f"{_count(case)} cannot be scheduled: each requests {request} of {resource} and {why}",
        strength=WEAK if _others_doing(case, look) else found.strength,
        because=[
            *_said(case, look),
            *_requests(case, look, key),
            look.at(biggest, f"/status/allocatable/{key}", f"The largest node offers {shown} of {resource}")
            if biggest
            else None,
        ],
        request=request,
        since=case.since,
    )


def _others_doing(case: Case, look: Look) -> bool:
    """Whether the pod had room and lost it, or asks for more than its template does."""
    lost = preemption(case.resource, case.ref.namespace, look) is not None
    return lost or rewritten_requests(case.pod, look) is not None


def _requests(case: Case, look: Look, key: str) -> list[Evidence]:
    return [
        look.at(case.pod, f"/spec/containers/{index}/resources/requests/{escape(key)}")
        for index, container in enumerate(case.pod.spec.containers)
        if key in container.resources.requests
    ]


@detector("insufficient_cpu", symptom=pod_pending)
def insufficient_cpu(case: Case, look: Look) -> Finding | None:
    """Every node that the pod accepts has less CPU left than it requests."""
    return _insufficient(case, look, "cpu")


@detector("insufficient_memory", symptom=pod_pending)
def insufficient_memory(case: Case, look: Look) -> Finding | None:
    """Every node that the pod accepts has less memory left than it requests."""
    return _insufficient(case, look, "memory")


@detector("insufficient_gpu_or_extended", symptom=pod_pending)
def insufficient_extended(case: Case, look: Look) -> Finding | None:
    """The pod asks for a device or other extended resource that no acceptable node has left."""
    found = verdict(case.pod, look)
    if not found.obstacle.startswith("extended"):
        return None
    name = found.obstacle.partition(":")[2]
    offered = [n for n in look.snapshot.of("Node") if quantity(n.status.allocatable.get(name)) > 0]
    why = "no node offers any" if look.snapshot.of("Node") and not offered else "none is free on a node that may run it"
    requests = [
        look.at(case.pod, f"/spec/containers/{index}/resources/{part}/{escape(name)}")
        for index, c in enumerate(case.pod.spec.containers)
        for part, values in (("requests", c.resources.requests), ("limits", c.resources.limits))
        if name in values
    ]
    return blame(
        case.resource,
        f"{_count(case)} cannot be scheduled: it needs {name} and {why}",
        strength=found.strength,
        because=[*_said(case, look), *requests],
        resource_name=name,
        since=case.since,
    )


@detector("node_selector_mismatch", symptom=pod_pending)
def node_selector_mismatch(case: Case, look: Look) -> Finding | None:
    """No node carries the labels of the pod's nodeSelector."""
    found = verdict(case.pod, look)
    if found.obstacle not in ("selector", "selector_or_affinity") or not case.pod.spec.node_selector:
        return None
    selector = ", ".join(f"{k}={v}" for k, v in sorted(case.pod.spec.node_selector.items()))
    strength = found.strength
    either = found.obstacle == "selector_or_affinity"
    blind = either or (not look.snapshot.of("Node") and bool(found.refusal.counts.get("taint")))
    if blind:
        strength = UNDECIDED
    return blame(
        case.resource,
        f"{_count(case)} cannot be scheduled: no node has the labels of its nodeSelector ({selector})",
        strength=strength,
        because=[look.at(case.pod, "/spec/nodeSelector"), *_said(case, look)],
        missing=("nodes and their taints",) if blind else (),
        selector=selector,
        since=case.since,
    )


@detector("node_affinity_mismatch", symptom=pod_pending)
def node_affinity_mismatch(case: Case, look: Look) -> Finding | None:
    """No node satisfies the pod's required node affinity."""
    affinity = case.pod.spec.affinity
    found = verdict(case.pod, look)
    either = found.obstacle == "selector_or_affinity"
    if (found.obstacle != "affinity" and not either) or affinity is None or affinity.node_affinity is None:
        return None
    pointer = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution"
    return blame(
        case.resource,
        f"{_count(case)} cannot be scheduled: no node satisfies its required node affinity",
        strength=UNDECIDED if either else found.strength,
        missing=("nodes and their labels",) if either else (),
        because=[look.at(case.pod, pointer), *_said(case, look)],
        since=case.since,
    )


@detector("pod_anti_affinity", symptom=pod_pending)
def pod_anti_affinity(case: Case, look: Look) -> Finding | None:
    """Required anti-affinity leaves no topology domain free for one more pod."""
    affinity = case.pod.spec.affinity
    found = verdict(case.pod, look)
    if found.obstacle != "anti_affinity":
        return None
    own = affinity is not None and affinity.pod_anti_affinity is not None and bool(affinity.pod_anti_affinity.required)
    pointer = "/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution"
    return blame(
        case.resource,
        f"{_count(case)} cannot be scheduled: its required pod anti-affinity leaves no node free",
        strength=found.strength if own else LIKELY,
        because=[look.at(case.pod, pointer) if own else None, *_said(case, look)],
        since=case.since,
    )


@detector("taint_not_tolerated", symptom=pod_pending)
def taint_not_tolerated(case: Case, look: Look) -> Finding | None:
    """The nodes that the pod accepts carry a taint that it does not tolerate."""
    found = verdict(case.pod, look)
    if found.obstacle != "taint":
        return None
    names = found.placement.nodes.get("taint", [])
    node = look.snapshot.get("Node", "", names[0]) if names else None
    taint = untolerated(case.pod, node) if node is not None else None
    label = (
        f"{taint.key}={taint.value}:{taint.effect}"
        if taint and taint.value
        else f"{taint.key}:{taint.effect}"
        if taint
        else "a taint"
    )
    choice = (
        "the nodes it selects"
        if case.pod.spec.node_selector or case.pod.spec.affinity
        else "the nodes that could run it"
    )
    return blame(
        case.resource,
        f"{_count(case)} cannot be scheduled: {choice} carry {label}, which it does not tolerate",
        strength=found.strength,
        because=[
            look.at(node, "/spec/taints") if node is not None else None,
            look.at(case.pod, "/spec/nodeSelector") if case.pod.spec.node_selector else None,
            look.at(case.pod, "/spec/tolerations"),
            *_said(case, look),
        ],
        taint=label,
        since=case.since,
    )


@detector("nodes_cordoned", symptom=pod_pending)
def nodes_cordoned(case: Case, look: Look) -> Finding | None:
    """The only nodes that the pod accepts are cordoned."""
    found = verdict(case.pod, look)
    if found.obstacle != "cordoned":
        return None
    names = found.placement.nodes.get("cordoned", [])
    cited = [look.at(look.snapshot.get("Node", "", n), "/spec/unschedulable") for n in names[:3]]
    what = f"{len(names)} node{'s' if len(names) > 1 else ''}" if names else "the nodes"
    return blame(
        case.resource,
        f"{_count(case)} cannot be scheduled: {what} that could run it {'is' if len(names) == 1 else 'are'} cordoned",
        strength=found.strength,
        because=[*cited, *_said(case, look)],
        node=names[0] if names else "NODE",
        since=case.since,
    )


@detector("node_name_absent", symptom=pod_pending)
def node_name_absent(case: Case, look: Look) -> Finding | None:
    """The pod names a node that does not exist, by nodeName or by the hostname label."""
    pod = case.pod
    if pod.spec.node_name:
        name, pointer = pod.spec.node_name, "/spec/nodeName"
        if not look.missing("Node", "", name):
            return None
    else:
        selected = pod.spec.node_selector.get(HOSTNAME, "")
        name = selected or next(iter(hosts_wanted(pod)), "")
        pointer = f"/spec/nodeSelector/{escape(HOSTNAME)}" if selected else "/spec/affinity"
        if not name or verdict(pod, look).obstacle != "node_absent":
            return None
    gone = look.absent("Node", "", name)
    return blame(
        case.resource,
        f"{_count(case)} waits for node {name}, which does not exist",
        strength=DECISIVE if gone else GOOD,
        because=[look.at(pod, pointer), gone, *_said(case, look)],
        node=name,
        since=case.since,
    )


# Reasons that need no more than the scheduler's word or one count


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A filter's reason, its mode, and how people say it."""

    mode: str
    obstacle: str
    says: str
    strength: float


OBSTACLES = (
    Obstacle("too_many_pods_on_node", "pods", "every node that may run it holds as many pods as it can", STRONG),
    Obstacle("hostport_conflict", "ports", "the host port it wants is taken on every node that may run it", STRONG),
    Obstacle("topology_spread", "spread", "its topology spread constraints leave no node", STRONG),
    Obstacle("pv_node_affinity_conflict", "volume", "its volume can be used only where it may not run", GOOD),
)


def _obstacle_detector(known: Obstacle) -> Callable[[Case, Look], Finding | None]:
    def look_for(case: Case, look: Look) -> Finding | None:
        if verdict(case.pod, look).obstacle != known.obstacle:
            return None
        return blame(
            case.resource,
            f"{_count(case)} cannot be scheduled: {known.says}",
            strength=known.strength,
            because=_said(case, look),
            since=case.since,
        )

    look_for.__doc__ = f"A pod cannot be scheduled because {known.says}."
    return look_for


for _known in OBSTACLES:
    detector(_known.mode, symptom=pod_pending)(_obstacle_detector(_known))


@detector("kubelet_down", symptom=pod_pending)
def nodes_that_fit_are_down(case: Case, look: Look) -> Iterator[Finding]:
    """The only nodes that the pod accepts are not ready: their trouble is the cause."""
    found = verdict(case.pod, look)
    if found.obstacle != "sick":
        return
    for name in found.placement.nodes.get("sick", ())[:5]:
        node = look.snapshot.get("Node", "", name)
        if node is not None and not node.ready:
            yield blame(
                Ref("Node", "", name),
                f"node {name} is NotReady, and {case.where} can run nowhere else",
                strength=LIKELY,
                because=[look.at(node, condition_pointer(node, "Ready")), *_said(case, look)],
                explains=[case.resource],
                since=case.since,
                critical=True,
            )


@detector("scheduler_down", symptom=pod_pending)
def nobody_schedules(case: Case, look: Look) -> Finding | None:
    """A pod waits and the scheduler has not said a word about it."""
    scheduled = condition(case.pod.status.conditions, "PodScheduled")
    found = verdict(case.pod, look)
    if scheduled is not None or found.message or found.obstacle or case.pod.spec.node_name:
        return None
    name = case.pod.spec.scheduler_name or "default-scheduler"
    return blame(
        case.resource,
        f"{_count(case)} has waited since its creation and scheduler {name} has said nothing about it",
        strength=LIKELY if found.placement.fits_somewhere and look.snapshot.was_read("Event") else WEAK,
        because=[look.at(case.pod, "/status/phase"), look.at(case.pod, "/spec/schedulerName")],
        missing=(f"state of scheduler {name}",),
        since=case.since,
    )
