"""Drains that a budget holds up, and deletions that wait for a finalizer."""

from __future__ import annotations

import re

from chalicelib.rootcause.case import DECISIVE, GOOD, LIKELY, STRONG, Case, Finding, blame
from chalicelib.rootcause.logs import quoted
from chalicelib.rootcause.look import Look
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.sightings import deletion_stuck, drain_blocked
from chalicelib.rootcause.symptoms import pod_terminating
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Discovered

_FINALIZER = re.compile(r"remaining: ([\w./-]{1,200}) in (\d{1,9}) resource", re.I)
_CONTENT = re.compile(r"remaining: ([\w./-]{1,200}) has (\d{1,9}) resource", re.I)
PROTECTION = "kubernetes.io/pv"


@detector("pdb_blocks_drain", symptom=drain_blocked)
def pdb_blocks_drain(case: Case, look: Look) -> Finding | None:
    """A node is being drained, and a budget that allows no disruption keeps its pods there."""
    pdb = case.subject
    cordoned = {n.metadata.name: n for n in look.snapshot.of("Node") if n.spec.unschedulable}
    pods = [
        p
        for p in look.world.pods_selected_by(pdb.metadata.namespace, pdb.spec.selector)
        if p.spec.node_name in cordoned and not p.finished and not _of_daemon_set(p)
    ]
    if not pods:
        return None
    node = cordoned[pods[0].spec.node_name]
    owners = sorted({look.owner(look.world.ref_of(p)) for p in pods})
    unhealthy = pdb.status.current_healthy < pdb.status.desired_healthy
    limit = (
        f"maxUnavailable {pdb.spec.max_unavailable}"
        if pdb.spec.max_unavailable is not None
        else f"minAvailable {pdb.spec.min_available}"
    )
    pointer = "/spec/maxUnavailable" if pdb.spec.max_unavailable is not None else "/spec/minAvailable"
    return blame(
        case.ref,
        f"disruption budget {case.where} blocks the drain of node {node.metadata.name}: {limit} allows no "
        f"disruption ({pdb.status.current_healthy} healthy, {pdb.status.desired_healthy} needed)",
        strength=GOOD if unhealthy else STRONG,
        because=[
            look.at(pdb, pointer),
            look.at(pdb, "/status/disruptionsAllowed"),
            look.at(node, "/spec/unschedulable"),
            look.at(pods[0], "/spec/nodeName"),
        ],
        chain=(
            f"node {node.metadata.name} is cordoned",
            f"pod {pods[0].metadata.name} on it may not be evicted",
            "the drain waits",
        ),
        upstream=owners if unhealthy else (),
        explains=[Ref("Node", "", node.metadata.name)],
        since=None,
        critical=False,
    )


def _of_daemon_set(pod: Pod) -> bool:
    """A drain leaves them where they are, whatever a budget says."""
    owner = pod.metadata.controller
    return owner is not None and owner.kind == "DaemonSet"


@detector("finalizer_deadlock", symptom=deletion_stuck)
def finalizer_deadlock(case: Case, look: Look) -> Finding | None:
    """An object is being deleted and a finalizer that nobody removes keeps it."""
    if case.ref.kind == "Namespace":
        return _namespace(case, look)
    finalizers = case.subject.metadata.finalizers
    in_use = [f for f in finalizers if f.startswith(PROTECTION)]
    users = [
        e.source
        for e in look.graph.into(case.ref)
        if e.relation in ("mounts", "bound_to") and look.snapshot.find(e.source) is not None
    ]
    why = f"; {users[0].kind} {users[0].name} still uses it" if in_use and users else ""
    ref = case.ref if isinstance(case.subject, Discovered) else None
    return blame(
        case.ref,
        f"{case.ref.kind} {case.where} is being deleted and waits for finalizer {quoted(finalizers[0], 120)}{why}",
        strength=LIKELY if why else STRONG,
        because=[
            look.at(case.subject, "/metadata/finalizers", ref=ref),
            look.at(case.subject, "/metadata/deletionTimestamp", ref=ref),
        ],
        finalizer=quoted(finalizers[0], 120),
        since=case.since,
        critical=False,
    )


def _namespace(case: Case, look: Look) -> Finding | None:
    """A namespace that does not go: its conditions say which finalizers, content or API are in the way."""
    reasons = []
    finalizer = ""
    for index, found in enumerate(case.subject.status.conditions):
        stuck = ("Remaining" in found.type or "Failure" in found.type) and found.true
        if not stuck:
            continue
        reasons.append((found, look.at(case.subject, f"/status/conditions/{index}/message")))
        match = _FINALIZER.search(found.message[:2000])
        finalizer = match.group(1) if match else finalizer
    leftovers = [
        Ref(kind, o.metadata.namespace, o.metadata.name)
        for kind, o in look.snapshot.all()
        if kind not in ("Pod", "Event")
        and o.metadata.namespace == case.ref.name
        and o.metadata.finalizers
        and o.metadata.deletion_timestamp
    ]
    held = next((look.snapshot.find(r) for r in sorted(leftovers)), None)
    if not finalizer and held is not None:
        finalizer = held.metadata.finalizers[0]
    if not finalizer and case.subject.metadata.finalizers:
        finalizer = case.subject.metadata.finalizers[0]
    if not reasons and not finalizer:
        return None
    text = f"finalizer {finalizer}" if finalizer else quoted(reasons[0][0].message, 140)
    what = f" of {leftovers[0].kind} {leftovers[0].name}" if leftovers else ""
    cited = [e for _, e in reasons]
    if held is not None:
        cited.append(look.at(held, "/metadata/finalizers", ref=sorted(leftovers)[0]))
    return blame(
        case.ref,
        f"namespace {case.ref.name} has been Terminating since "
        f"{case.subject.metadata.deletion_timestamp:%Y-%m-%d %H:%M} and waits for {quoted(text, 140)}{what}",
        strength=DECISIVE if finalizer else GOOD,
        because=[look.at(case.subject, "/status/phase"), *cited],
        finalizer=finalizer or "NAME",
        explains=sorted(leftovers),
        since=case.since,
        critical=False,
    )


@detector("finalizer_deadlock", symptom=pod_terminating)
def pod_keeps_finalizer(case: Case, look: Look) -> Finding | None:
    """A pod is gone for its node, and a finalizer keeps the object."""
    if not case.pod.metadata.finalizers or case.pod.spec.node_name in look.sick_nodes:
        return None
    finalizer = quoted(case.pod.metadata.finalizers[0], 120)
    return blame(
        case.resource,
        f"pods of {case.where} are being deleted and wait for finalizer {finalizer}",
        strength=GOOD,
        because=[look.at(case.pod, "/metadata/finalizers"), look.at(case.pod, "/metadata/deletionTimestamp")],
        finalizer=finalizer,
        since=case.pod.metadata.deletion_timestamp,
    )
