"""The preview of a change: dry runs, effects, checks, blast radius, undo, and what they add up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from chalicelib.clusters.operations import Operation
from chalicelib.errors import KubiliticsError
from chalicelib.safety.actions.registry import Draft
from chalicelib.safety.blast import Blast, blast_of_pods, blast_radius
from chalicelib.safety.canonical import changes_between, substance
from chalicelib.safety.checks.registry import Proposal, run_checks
from chalicelib.safety.cost import cost_of
from chalicelib.safety.effects import Effect, Effects, effect_of, together
from chalicelib.safety.model import (
    LEVELS,
    BlastRadius,
    Check,
    Hit,
    Level,
    ObjectDiff,
    Preview,
    Target,
    Verdict,
)
from chalicelib.safety.production import Words, is_production
from chalicelib.safety.rules import UNDO
from chalicelib.safety.scene import Json, Scene, target_of
from chalicelib.safety.undoing import undo_plan
from chalicelib.state.meta import Ref
from chalicelib.state.world import World

MOST_HITS = 50


def propose(scene: Scene, action: str, draft: Draft, words: Words) -> Proposal:
    """The draft with what the server's dry run says to each operation, and what follows from it."""
    effects: list[Effect] = []
    refusals: dict[int, KubiliticsError] = {}
    for index, operation in enumerate(draft.operations):
        before = _before(scene, operation)
        try:
            told = scene.cluster.perform(operation, dry_run=True)
        except KubiliticsError as error:
            refusals[index] = error
            told = {}
        after = _after(operation, before, told)
        effects.append(_followed(scene, operation, before, after, refused=index in refusals))
    everything = together([effect.effects for effect in effects])
    refs = [effect.ref for effect in effects] + list(everything.lost) + list(everything.replaced)
    production = is_production(scene.world, scene.record, refs, words)
    return Proposal(scene, action, effects, everything, refusals, production)


def _followed(scene: Scene, operation: Operation, before: Json | None, after: Json | None, *, refused: bool) -> Effect:
    """The effect of an operation; what the server refuses may make no sense, and then has none."""
    try:
        return effect_of(scene.world, operation, before, after)
    except (KeyError, TypeError, ValueError, AttributeError):
        if not refused:
            raise
        return Effect(operation, before, after)


def _before(scene: Scene, operation: Operation) -> Json | None:
    if operation.verb == "evict":
        return None  # the pods of a drain come from the reading; each by itself would be hundreds of requests
    return scene.find(operation.resource.kind, operation.namespace, operation.name)


def _after(operation: Operation, before: Json | None, told: Json) -> Json | None:
    """The object as it would be; when the dry run was refused, what a merge patch alone tells."""
    if operation.verb in ("delete", "evict"):
        return None
    if told:
        return told
    if before is not None and operation.patch_type == "merge":
        made: Json = merged(before, operation.body)
        return made
    return dict(operation.body) if operation.verb in ("apply", "create") and before is None else before


def merged(before: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(before) if isinstance(before, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def preview_of(proposal: Proposal, overrides: Sequence[str] = ()) -> Preview:
    """What the change would do. An overridden block counts as a warning, and says so."""
    checks = tuple(_overridden(_as_before(check, proposal), overrides) for check in run_checks(proposal))
    gaps = tuple(dict.fromkeys(f"{gap.kind}: {gap.message}" for gap in proposal.world.snapshot.gaps if _matters(gap)))
    return Preview(
        as_of=proposal.world.now,
        verdict=verdict_of(checks),
        checks=checks,
        diffs=tuple(_diff(effect) for effect in proposal.effects if effect.operation.verb != "evict"),
        blast=blast_of(proposal),
        undo=undo_plan(proposal),
        cost=cost_of(proposal),
        production=proposal.production[0],
        production_why=proposal.production[1],
        gaps=gaps,
    )


def changes_nothing(proposal: Proposal) -> bool:
    """Whether every operation would leave its object as it is."""
    return all(
        effect.before is not None
        and effect.after is not None
        and effect.operation.verb in ("patch", "apply", "replace")
        and index not in proposal.refusals
        and substance(effect.before) == substance(effect.after)
        for index, effect in enumerate(proposal.effects)
    )


def _matters(gap: Any) -> bool:
    return gap.reason not in ("not_installed",)


_OF_PODS = ("placement", "quota", "limit_range", "pod_admission", "references", "image", "volumes", "autoscaler",
            "gitops", "owner")  # fmt: skip


def _as_before(check: Check, proposal: Proposal) -> Check:
    """An undo restores a state, well or not: that its pods may not come up again is said and does not forbid it."""
    if proposal.action == UNDO and check.outcome == "block" and check.name in _OF_PODS:
        text = f"The state from before is put back; its pods may not all come up: {check.text}"
        return msgspec.structs.replace(check, outcome="warn", text=text)
    return check


def _overridden(check: Check, overrides: Sequence[str]) -> Check:
    if check.outcome == "block" and check.overridable and check.name in overrides:
        return msgspec.structs.replace(check, outcome="warn", text=f"{check.text} (Overridden by request.)")
    return check


def verdict_of(checks: Sequence[Check]) -> Verdict:
    """safe only when every question was answered well."""
    outcomes = {check.outcome for check in checks}
    if "block" in outcomes:
        return "unsafe"
    if "unknown" in outcomes:
        return "unknown"
    return "caution" if "warn" in outcomes else "safe"


def _diff(effect: Effect) -> ObjectDiff:
    operation = effect.operation
    target = Target(kind=operation.resource.kind, namespace=operation.namespace, name=operation.name)
    if operation.verb == "delete":
        return ObjectDiff(target=target, how="deleted")
    changes, omitted = changes_between(effect.before, effect.after)
    return ObjectDiff(
        target=target, how="created" if effect.before is None else "changed", changes=changes, omitted=omitted
    )


def targets_of(proposal: Proposal) -> tuple[Target, ...]:
    """Every object that is written to, pinned as it is; one that does not exist yet by its name."""
    found = []
    for effect in proposal.effects:
        operation = effect.operation
        if effect.before is not None:
            found.append(target_of(operation.resource.kind, effect.before))
        else:
            found.append(
                Target(
                    kind=operation.resource.kind, namespace=operation.namespace, name=operation.name, uid=operation.uid
                )
            )
    return tuple(found)


# Blast radius


def blast_of(proposal: Proposal) -> BlastRadius:
    """Of everything that goes missing, for good or for a while, and of what is removed or changed for others."""
    parts = list(_blasts(proposal))
    level: Level = max((part.level for part in parts), key=LEVELS.index, default="low")
    reasons = list(dict.fromkeys(reason for part in _gravest(parts) for reason in part.reasons))
    hits: dict[Ref, Hit] = {}
    for part in parts:
        for hit in part.hits:
            hits.setdefault(
                hit.ref,
                Hit(
                    kind=hit.ref.kind, namespace=hit.ref.namespace, name=hit.ref.name, how=hit.how, effect=hit.effect,
                    lost=hit.lost, total=hit.total,
                ),
            )  # fmt: skip
    listed = list(hits.values())
    return BlastRadius(
        level=level,
        reasons=tuple(reasons) or ("nothing that was read depends on it",),
        hits=tuple(listed[:MOST_HITS]),
        omitted=max(0, len(listed) - MOST_HITS),
        entry_points=tuple(dict.fromkeys(point for part in parts for point in part.entry_points))[:MOST_HITS],
        data=tuple(dict.fromkeys(f"{d.namespace}/{d.name}" for part in parts for d in part.stateful))[:MOST_HITS],
        pods=len({*proposal.all.lost, *proposal.all.replaced}),
        unavailable_at_once=proposal.all.at_once,
    )


def _gravest(parts: list[Blast]) -> list[Blast]:
    return sorted(parts, key=lambda part: -LEVELS.index(part.level))


def _blasts(proposal: Proposal) -> list[Blast]:
    world = proposal.world
    found: list[Blast] = []
    for effect in proposal.effects:
        effects, ref = effect.effects, effect.ref
        if effects.lost:
            found.append(blast_of_pods(world, ref, list(effects.lost), for_a_while=False))
        if effects.replaced:
            away = list(effects.replaced)[: max(effects.at_once - len(effects.lost), 0)]
            found.append(blast_of_pods(world, ref, away, for_a_while=True) if away else _in_turn(world, effects, ref))
        found += [blast_radius(world, gone) for gone in effects.removed if not effects.lost]
        if effect.before is not None and not effects.starts and not effects.lost and not effects.replaced:
            found += [_change_of(blast_radius(world, ref)) for ref in effects.touched if ref.kind not in _ALONE]
    return found


_ALONE = ("Node", "CronJob", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Deployment", "StatefulSet", "DaemonSet",
          "ReplicaSet", "Job", "Pod")  # fmt: skip
"""Kinds whose change by itself (pods are counted apart) takes nothing away from others."""


def _in_turn(world: World, effects: Effects, ref: Ref) -> Blast:
    """Of pods that are replaced without one missing: who depends on them, and that they lose nothing."""
    blast = blast_of_pods(world, ref, list(effects.replaced), for_a_while=True)
    blast.level = "low"
    blast.reasons = ["its pods are replaced in turn, and none is missing meanwhile"]
    blast.hits = [replace(hit, effect="keeps what it has", lost=0) for hit in blast.hits]
    return blast


def _change_of(blast: Blast) -> Blast:
    """A change of an object is at most as bad as its absence: one level less, since it stays."""
    lowered: Level = LEVELS[max(LEVELS.index(blast.level) - 1, 0)]
    blast.level = lowered
    blast.reasons = [f"what depends on it sees the change: {reason}" for reason in blast.reasons[:3]]
    return blast
