"""Whether the new pods find a node: the rollout played through on the nodes as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from chalicelib.safety.checks.capacity import with_defaults
from chalicelib.safety.checks.registry import Proposal, check, say, unread, where
from chalicelib.safety.effects import Effect, NewPods
from chalicelib.safety.model import Check
from chalicelib.safety.rooms import MOST_CONSTRAINED, Rooms, Wish, gates_of, nodes_of_volumes
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.world import World

_GROW = ("cluster-autoscaler", "karpenter")
REMEDY = "Free room, add nodes, or ask for less."


@check("placement")
def placement(proposal: Proposal) -> Iterator[Check]:
    """Will the scheduler find a node for every pod that will be created?"""
    starts = [*proposal.all.starts, *_replacements(proposal)]
    if not starts:
        return
    if gap := unread(proposal, "placement", "Node", "Pod"):
        yield gap
        return
    grows = _grows(proposal.world)
    emptiest = Rooms(proposal.world)
    fullest = emptiest.fork(packed=True)
    loose = _played(proposal, starts, emptiest)
    tight = {id(outcome.start): outcome for outcome in _played(proposal, starts, fullest)}
    for outcome in loose:
        name = where(outcome.start.owner)
        if outcome.unknown:
            yield say("placement", "unknown", outcome.unknown)
        elif outcome.missing:
            text = f"{outcome.missing} of {outcome.wanted} new pods of {name} would find no node ({outcome.why})."
            if grows:
                yield say("placement", "warn", f"{text} {grows} may add nodes for them.", REMEDY)
            else:
                yield say("placement", "block", text, REMEDY, missing=outcome.missing)
        elif tight[id(outcome.start)].missing:
            yield say("placement", "warn", f"New pods of {name} just fit: which nodes are taken decides.", REMEDY)
        else:
            yield say("placement", "ok", f"All {outcome.wanted} new pods of {name} find a node.")


@dataclass(slots=True)
class Outcome:
    start: NewPods
    wanted: int
    missing: int = 0
    why: str = ""
    unknown: str = ""


def _replacements(proposal: Proposal) -> Iterator[NewPods]:
    """Pods that come back because one was evicted or deleted, as their owners make them again."""
    known = {ref for start in proposal.all.starts for ref in start.old}
    for ref in proposal.all.replaced:
        pod = proposal.world.snapshot.find(ref)
        if ref in known or pod is None:
            continue
        spec = msgspec.structs.replace(pod.spec, node_name="")
        raw = {"metadata": {"labels": dict(pod.metadata.labels)}, "spec": msgspec.to_builtins(spec)}
        yield NewPods(proposal.world.graph.standing_for(ref), raw, 1, 1, 0, 1, old=(ref,))


def _played(proposal: Proposal, starts: list[NewPods], rooms: Rooms) -> list[Outcome]:
    """Each start played to its end on one set of nodes, so that they compete for the same room."""
    world = proposal.world
    for effect in proposal.effects:
        if _cordons(effect):
            rooms.close(effect.ref.name)
    for ref in proposal.all.lost:
        pod = world.snapshot.find(ref)
        if pod is not None:
            rooms.leave(pod)
    rooms.let_others_in()
    return [_play(world, rooms, start) for start in starts]


def _cordons(effect: Effect) -> bool:
    after = effect.after or {}
    return effect.ref.kind == "Node" and bool((after.get("spec") or {}).get("unschedulable"))


def _play(world: World, rooms: Rooms, start: NewPods) -> Outcome:
    pod = _pod_of(world, start)
    wish = Wish.of(pod)
    allowed = nodes_of_volumes(world, pod.metadata.namespace, pod.spec)
    open_rooms = rooms.open_to(wish, allowed)
    if start.per_node:
        return _each_node(world, rooms, start, wish)
    outcome = Outcome(start, start.count)
    if pod.spec.scheduler_name not in ("", "default-scheduler"):
        outcome.unknown = (
            f"Pods of {where(start.owner)} are placed by {pod.spec.scheduler_name}, which is not simulated."
        )
        return outcome
    if wish.about_others and start.count > MOST_CONSTRAINED:
        outcome.unknown = f"More than {MOST_CONSTRAINED} pods with rules about other pods are not simulated."
        return outcome
    if pod.spec.node_name:
        return outcome
    placed, why = _roll(world, rooms, start, wish, open_rooms)
    outcome.missing, outcome.why = start.count - placed, why
    if outcome.missing and not open_rooms:
        gates = gates_of(world, pod, allowed)
        outcome.why = ", ".join(f"{count} {text}" for text, count in gates.most_common())
    return outcome


def _roll(world: World, rooms: Rooms, start: NewPods, wish: Wish, open_rooms: list) -> tuple[int, str]:  # type: ignore[type-arg]
    """(placed, why not more): new pods come as far as maxSurge allows, old ones go as far as maxUnavailable allows."""
    old = [pod for pod in map(world.snapshot.find, start.old) if pod is not None]
    final = len(old) + start.count - start.replaces
    ready = sum(pod.ready for pod in old)
    placed, serial = 0, 0
    while placed < start.count:
        room_for = min(start.count - placed, final + start.surge - len(old) - placed)
        why = ""
        if room_for > 0:
            more, why = rooms.place_many(wish, open_rooms, room_for, serial)
            placed, serial = placed + more, serial + more
            if placed == start.count:
                break
        floor = final - start.unavailable
        unready = next((pod for pod in old if not pod.ready), None)
        if not old or (unready is None and ready + placed - 1 < floor):
            return placed, why or "no old pod may go before a new one is ready"
        gone = unready or old[0]
        old.remove(gone)
        ready -= gone.ready
        rooms.leave(gone)
        rooms.let_others_in()
    for pod in old:
        rooms.leave(pod)
    return placed, ""


def _each_node(world: World, rooms: Rooms, start: NewPods, wish: Wish) -> Outcome:
    """A DaemonSet: one pod on every node that lets it on, its old one gone first."""
    old = {pod.spec.node_name: pod for pod in map(world.snapshot.find, start.old) if pod is not None}
    open_rooms = rooms.open_to(_tolerant(wish), None)
    outcome = Outcome(start, len(open_rooms))
    for room in open_rooms:
        if room.name in old and start.unavailable:
            rooms.leave(old[room.name])
            rooms.let_others_in()
        if why := rooms.fits(wish, room):
            outcome.missing += 1
            outcome.why = outcome.why or f"{room.name}: {why}"
    return outcome


_DAEMONS_TOLERATE = ("not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")


def _tolerant(wish: Wish) -> Wish:
    """The pod with the tolerations that the DaemonSet controller adds."""
    from chalicelib.state.kinds.pod_spec import Toleration

    added = [Toleration(key=f"node.kubernetes.io/{key}", operator="Exists") for key in _DAEMONS_TOLERATE]
    spec = msgspec.structs.replace(wish.pod.spec, tolerations=[*wish.pod.spec.tolerations, *added])
    return Wish.of(msgspec.structs.replace(wish.pod, spec=spec))


def _pod_of(world: World, start: NewPods) -> Pod:
    template = start.template
    spec = with_defaults(world, start.owner.namespace, template.spec)
    meta = msgspec.structs.replace(template.metadata, namespace=start.owner.namespace, name=f"{start.owner.name}-new")
    return Pod(metadata=meta, spec=spec)


def _grows(world: World) -> str:
    """What adds nodes to this cluster by itself, where something does; empty when nothing was seen."""
    for kind in ("Deployment", "DaemonSet"):
        for one in world.snapshot.of(kind):
            images = [c.image for c in one.spec.template.spec.containers]
            for name in _GROW:
                ready = getattr(one.status, "ready_replicas", 0)
                if ready and any(name in image.rpartition("/")[2] for image in images):
                    return f"{name} ({one.metadata.namespace}/{one.metadata.name})"
    if any(
        r.group in ("karpenter.sh", "eks.amazonaws.com") and r.kind == "NodePool" for r in world.snapshot.discovered
    ):
        return "Karpenter"
    return ""
