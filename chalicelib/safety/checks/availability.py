"""Disruption budgets, and what stays available while the change goes on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from chalicelib.safety.checks.registry import Proposal, check, say, unread, where
from chalicelib.safety.effects import WORKLOADS, share
from chalicelib.safety.model import Check
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.kinds.scaling import PodDisruptionBudget
from chalicelib.state.meta import LabelSelector, Ref


@check("disruption_budgets")
def disruption_budgets(proposal: Proposal) -> Iterator[Check]:
    """Do the PodDisruptionBudgets allow what goes missing? Only evictions ask them; this asks for every change."""
    gone = [*proposal.all.lost, *proposal.all.replaced]
    yield from _held_on_node(proposal)
    if not gone:
        return
    spaces = sorted({ref.namespace for ref in gone})
    for namespace in spaces:
        if gap := unread(proposal, "disruption_budgets", "PodDisruptionBudget", namespace=namespace):
            yield gap
    evicted = {effect.ref for effect in proposal.effects if effect.operation.verb == "evict"}
    covered = 0
    budgets: dict[Ref, list[Ref]] = defaultdict(list)
    for ref in gone:
        for edge in proposal.world.graph.into(ref, "protects"):
            budgets[edge.source].append(ref)
    for budget_ref, pods in sorted(budgets.items()):
        budget = proposal.world.snapshot.find(budget_ref)
        if budget is None:
            continue
        covered += 1
        yield from _judged(proposal, budget, budget_ref, pods, evicted)
    for ref in evicted:
        if len(list(proposal.world.graph.into(ref, "protects"))) > 1:
            text = f"Pod {where(ref)} has more than one budget: the API server refuses every eviction of it."
            yield say("disruption_budgets", "block", text, "Leave one budget for each pod.")
    if not covered:
        yield say("disruption_budgets", "ok", "No disruption budget covers what goes.")


def _held_on_node(proposal: Proposal) -> Iterator[Check]:
    """Budgets that would hold up a drain of a node that is only cordoned now."""
    world = proposal.world
    for effect in proposal.effects:
        unschedulable = ((effect.after or {}).get("spec") or {}).get("unschedulable")
        if effect.ref.kind != "Node" or not unschedulable or proposal.all.replaced:
            continue
        held: dict[Ref, int] = defaultdict(int)
        for pod in world.pods_by_node.get(effect.ref.name, ()):
            owner = pod.metadata.controller
            if pod.finished or (owner is not None and owner.kind == "DaemonSet"):
                continue
            for edge in world.graph.into(Ref("Pod", pod.metadata.namespace, pod.metadata.name), "protects"):
                budget = world.snapshot.find(edge.source)
                if budget is not None and budget.status.disruptions_allowed <= 0:
                    held[edge.source] += 1
        for budget_ref, count in sorted(held.items()):
            text = f"Budget {where(budget_ref)} allows no disruption now: a drain would wait for {count} pods here."
            yield say("disruption_budgets", "warn", text, budget=where(budget_ref))


def _judged(
    proposal: Proposal, budget: PodDisruptionBudget, ref: Ref, pods: list[Ref], evicted: set[Ref]
) -> Iterator[Check]:
    name, world = where(ref), proposal.world
    selector = budget.spec.selector or LabelSelector()
    selected = [p for p in world.pods_selected_by(ref.namespace, selector) if not p.finished]
    healthy = [p for p in selected if p.ready]
    lost = [p for p in pods if p in proposal.all.lost]
    needed = _needed(budget, max(0, len(selected) - len(lost)))
    leaving = [p for p in pods if p in evicted]
    if leaving:
        yield from _evictions(budget, name, leaving, healthy, needed)
        return
    missing = len(lost) + min(proposal.all.at_once, len(pods) - len(lost))
    left = len(healthy) - sum(_is_ready(proposal, p) for p in pods[:missing])
    if left < needed:
        text = f"{left} of the {needed} pods that budget {name} wants would be available meanwhile."
        yield say("disruption_budgets", "warn", text, "Scale up first, or lower maxUnavailable.", budget=name)
    else:
        yield say("disruption_budgets", "ok", f"Budget {name} is kept: {left} stay available, {needed} are wanted.")


def _evictions(
    budget: PodDisruptionBudget, name: str, leaving: list[Ref], healthy: list[Pod], needed: int
) -> Iterator[Check]:
    """Evictions go one by one: each needs one disruption, given back when the pod's successor is ready."""
    ready = {Ref("Pod", p.metadata.namespace, p.metadata.name) for p in healthy}
    room = len(healthy) - needed
    told = budget.status.disruptions_allowed
    hurt = [p for p in leaving if p in ready]
    if not hurt and budget.spec.unhealthy_pod_eviction_policy == "AlwaysAllow":
        yield say("disruption_budgets", "ok", f"Budget {name} lets unhealthy pods go.")
    elif room <= 0 or told <= 0:
        yield say(
            "disruption_budgets", "block",
            f"Budget {name} allows no disruption ({len(healthy)} healthy, {needed} wanted): the drain would wait for "
            f"ever for {', '.join(p.name for p in leaving[:3])}.",
            "Scale the workload up, or change the budget, before draining.", budget=name, allowed=told,
        )  # fmt: skip
    elif len(leaving) > room:
        text = f"Budget {name} allows {room} at a time of {len(leaving)} that leave: the drain waits for successors."
        yield say("disruption_budgets", "warn", text, budget=name)
    else:
        yield say("disruption_budgets", "ok", f"Budget {name} allows all {len(leaving)} evictions.")


def _is_ready(proposal: Proposal, ref: Ref) -> bool:
    pod = proposal.world.snapshot.find(ref)
    return bool(pod and pod.ready)


def _needed(budget: PodDisruptionBudget, expected: int) -> int:
    """Pods that have to stay healthy (kubernetes/pkg/controller/disruption: percentages are rounded up)."""
    if budget.spec.max_unavailable is not None:
        return max(0, expected - share(budget.spec.max_unavailable, expected, up=True))
    return share(budget.spec.min_available, expected, up=True)


@check("availability")
def availability(proposal: Proposal) -> Iterator[Check]:
    """Does anything that serves lose all of its pods, for a while or for good?"""
    found = False
    for service, behind, ready in _served(proposal):
        gone = [p for p in behind if p in proposal.all.lost]
        away = [p for p in behind if p in proposal.all.replaced and p in ready]
        staying = len([p for p in ready if p not in gone])
        emptied = bool(gone) and len(gone) == len(behind)
        if not ready and not emptied:
            continue
        found = True
        if staying == 0 or emptied:
            text = f"Service {where(service)} would have no endpoint left."
            yield say("availability", "warn", text, "Keep at least one replica.", service=where(service), for_good=True)
        elif away and staying - min(_at_once(proposal, away), len(away)) <= 0:
            text = f"Service {where(service)} would have no endpoint for a while: all {staying} go at once."
            yield say(
                "availability", "warn", text, "Run a second replica first, or let new pods come before old ones go.",
                service=where(service), for_good=False,
            )  # fmt: skip
        else:
            yield say("availability", "ok", f"Service {where(service)} keeps endpoints all the time.")
    if not found and (proposal.all.lost or proposal.all.replaced):
        yield say("availability", "ok", "No Service has ready endpoints among the pods that go.")
    yield from _switched_off(proposal)
    yield from _stalled(proposal)
    yield from _unwell(proposal)


def _switched_off(proposal: Proposal) -> Iterator[Check]:
    """A workload that goes to zero although a Service still leads to it."""
    for effect in proposal.effects:
        spec = (effect.after or {}).get("spec") or {}
        if effect.before is None or spec.get("replicas") != 0 or "template" not in spec:
            continue
        labels = (spec["template"].get("metadata") or {}).get("labels") or {}
        for service in proposal.world.snapshot.of("Service"):
            selector = service.spec.selector
            near = service.metadata.namespace == effect.ref.namespace
            if near and selector and all(labels.get(key) == value for key, value in selector.items()):
                text = f"Service {effect.ref.namespace}/{service.metadata.name} leads to what is switched off."
                yield say("availability", "warn", text, "Callers will be refused until it is scaled up again.")


def _unwell(proposal: Proposal) -> Iterator[Check]:
    """Pods that are not ready now will not become so by the change alone, and their successors may not either."""
    for effect in proposal.effects:
        if effect.before is None or effect.operation.verb == "delete" or effect.ref.kind not in WORKLOADS:
            continue
        pods = [p for p in proposal.world.pods_of(effect.ref) if not p.finished and not p.metadata.deletion_timestamp]
        staying = [p for p in pods if Ref("Pod", p.metadata.namespace, p.metadata.name) not in proposal.all.lost]
        unready = sum(not p.ready for p in staying)
        if unready:
            text = f"{unready} of {len(staying)} pods of {where(effect.ref)} are not ready as it is."
            yield say("availability", "warn", text, "Find out why first: ask what is wrong with it.")


def _served(proposal: Proposal) -> Iterator[tuple[Ref, list[Ref], list[Ref]]]:
    """(Service, pods behind it, those that are ready) for every Service with pods that go."""
    graph = proposal.world.graph
    gone = [*proposal.all.lost, *proposal.all.replaced]
    services = sorted({e.source for ref in gone for e in graph.into(ref, "selects") if e.source.kind == "Service"})
    for service in services:
        behind = [edge.target for edge in graph.out(service, "selects")]
        yield service, behind, [ref for ref in behind if _is_ready(proposal, ref)]


def _at_once(proposal: Proposal, away: list[Ref]) -> int:
    """How many of these pods may be missing at the same time."""
    total = 0
    for effect in proposal.effects:
        own = [ref for ref in away if ref in effect.effects.replaced]
        total += min(len(own), max(effect.effects.at_once - len(effect.effects.lost), 0))
    return total


def _stalled(proposal: Proposal) -> Iterator[Check]:
    """A workload whose last rollout is stuck will not become better by replacing the pods that work."""
    for effect in proposal.effects:
        if not effect.effects.replaced or effect.before is None:
            continue
        for condition in (effect.before.get("status") or {}).get("conditions") or ():
            if condition.get("type") == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
                text = f"The last rollout of {where(effect.ref)} is stuck: pods that still work would be replaced too."
                remedy = "Roll back instead, or correct what keeps the new pods from becoming ready."
                yield say("availability", "warn", text, remedy)
