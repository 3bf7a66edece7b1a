"""What happened in a cluster, as signals for the grouping of incidents, and which objects are near which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from chalicelib.analytics.incidents import Nearness, Signal
from chalicelib.rootcause import Diagnosis
from chalicelib.state.diff import Change
from chalicelib.state.meta import Ref
from chalicelib.state.world import World
from chalicelib.tools.revisions import change_text

NODE_TROUBLE = frozenset(
    {"NodeNotReady", "Rebooted", "SystemOOM", "EvictionThresholdMet", "NodeHasDiskPressure",
     "NodeHasInsufficientMemory", "KernelDeadlock", "NodeNotSchedulable", "Starting"}
)  # fmt: skip
"""Reasons of node events that begin incidents (kubelet and node controller)."""
DEPENDENCIES = frozenset(
    {"mounts", "reads_env", "claims", "bound_to", "scheduled_on", "routes_to", "selects", "scales", "calls", "owns",
     "terminates_tls_with"}
)  # fmt: skip
"""Relations along which a fault or a change spreads."""
MAX_NEAR = 400


def signals_of(world: World, diagnosis: Diagnosis, changes: Iterable[Change], since: datetime) -> Iterator[Signal]:
    """Symptoms that are there now, warnings and changes since a moment, each named by its workload."""
    causes = {ref: p.resource for p in diagnosis.problems if p.probability > 0.5 for ref in (*p.explains, p.resource)}
    for symptom in diagnosis.symptoms:
        yield Signal("symptom", symptom.resource, symptom.text, symptom.since, cause=causes.get(symptom.resource))
    for change in changes:
        if change.at is None or change.at >= since:
            told = change_text(f for f in change.fields if not f.pointer.startswith("/status"))
            text = f"{change.ref} {change.what}{f': {told}' if told else ''}"
            yield Signal("change", world.graph.owner_of(change.ref), text, change.at, what=change.what)
    for event in world.snapshot.of("Event"):
        at = event.first_seen or event.last_seen
        if at is None or at < since:
            continue
        if event.ref.kind == "Node" and event.reason in NODE_TROUBLE:
            yield Signal("node", event.ref, f"{event.reason} of {event.ref}", at, what="node")
        elif event.type == "Warning":
            text = f"{event.reason}: {event.message}"[:200]
            yield Signal("event", world.graph.owner_of(event.ref), text, at)


def nearness(world: World) -> Nearness:
    """Objects near an object: its workload, what that needs, and what needs it. Remembered for the call."""
    known: dict[Ref, frozenset[Ref]] = {}

    def near(ref: Ref) -> frozenset[Ref]:
        if ref not in known:
            known[ref] = frozenset(_around(world, ref))
        return known[ref]

    return near


def _around(world: World, ref: Ref) -> set[Ref]:
    graph, owner = world.graph, world.graph.owner_of(ref)
    own = [owner, *graph.owned_by(owner)][:MAX_NEAR]
    found = {ref, owner}
    for one in own:
        found.update(graph.owner_of(e.target) for e in graph.out(one) if e.relation in DEPENDENCIES)
        found.update(graph.owner_of(e.source) for e in graph.into(one) if e.relation in DEPENDENCIES)
        if len(found) > MAX_NEAR:
            break
    return found
