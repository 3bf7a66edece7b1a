"""What changed: between stored readings where there are several, and what the objects themselves date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.assistant import blocks
from chalicelib.assistant.blocks import code, column
from chalicelib.assistant.intents import intent
from chalicelib.assistant.turn import Turn, named, resource_json
from chalicelib.errors import KubiliticsError
from chalicelib.state.diff import Change, diff
from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref
from chalicelib.state.query import Span

DEFAULT = Span(kind="last", seconds=3600)
UNDATED = ("Event", "Lease", "EndpointSlice", "ReplicaSet", "Pod")
"""Kinds whose appearance follows from something else."""
COLUMNS = (
    column("at", "When", "age"),
    column("resource", "Object", "ref"),
    column("what", "Change"),
    column("detail", "Detail"),
)
MAX_CHANGES = 200


@dataclass(frozen=True, slots=True)
class Dated:
    """One change with the best known time of it."""

    at: datetime
    ref: Ref
    what: str
    detail: str
    pointer: str


@intent(
    "changes",
    45,
    r"\bwhat('s| has| have| is| was| were| got)? (changed|new|different|been (changed|deployed|updated|rolled out))\b",
    r"\bchanges?\b",
    r"^whats new\b",
    r"\bwhat happened\b(?!.* to \S)",
    r"\b(recent|latest|last) (rollouts?|deploys?|deployments? (made|done))\b",
    r"\bwho (changed|deployed|updated)\b",
    r"\bwhat (was|got|is) (deployed|updated|rolled out|created|deleted|added|removed)\b",
    r"\btimeline\b",
    r"\bwhat did (we|they|someone|anyone) (change|deploy)\b",
    examples=("what changed in the last hour?",),
)
def changes(turn: Turn) -> None:
    """Changes of a span of time, of the cluster, a namespace or an object."""
    span = turn.query.span or _span_of_conditions(turn) or DEFAULT
    start, end = span.bounds(turn.desk.now)
    ref = turn.one("what changed in {}?") if turn.exact.apps else None
    if turn.asked_back():
        return
    scope = turn.namespaces
    found = [c for c in _dated(turn, start, end) if _inside(turn, c.ref, ref, scope)]
    compared = _compare(turn, start, found, ref, scope)
    found.sort(key=lambda c: (-c.at.timestamp(), c.ref))
    where = (
        f"{named(ref)} and what belongs to it"
        if ref
        else f"namespace {', '.join(code(s) for s in scope)}"
        if scope
        else "the cluster"
    )
    said = f"between {_clock(start)} and {_clock(end)}"
    if not found:
        turn.say(f"I see no change of {where} {said}.")
    else:
        turn.say(f"**{len(found)} changes** of {where} {said}, the newest first.")
        rows = [
            {
                "at": c.at.isoformat().replace("+00:00", "Z"),
                "resource": resource_json(c.ref),
                "what": c.what,
                "detail": blocks.visible(c.detail, 200),
            }
            for c in found
        ]
        turn.add(blocks.table("Changes", COLUMNS, rows))
        turn.listed(c.ref for c in found)
        for c in found[:10]:
            turn.desk.cite_object(c.ref, c.pointer, c.at.isoformat(), f"{c.ref}: {c.what}")
    if not compared:
        turn.say(
            "There is no earlier reading from then to compare with, so this shows what objects date themselves "
            "(creations, "
            "rollouts), not edits or deletions."
        )
    if re.match(r"who\b", turn.text):
        turn.say("Who made a change I can't tell: that needs the API server's audit log.")
    if ref:
        turn.about(ref)
    if scope:
        turn.namespace = scope[0]
    turn.suggest("what is wrong?", "what changed since yesterday?", "warning events in the last hour")


def _span_of_conditions(turn: Turn) -> Span | None:
    return next((c.span for c in turn.query.conditions if c.span is not None), None)


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _inside(turn: Turn, of: Ref, ref: Ref | None, scope: list[str]) -> bool:
    if ref is not None:
        return (
            of == ref or turn.world.graph.owner_of(of) == ref or (ref.kind == "Namespace" and of.namespace == ref.name)
        )
    return not scope or of.namespace in scope or (of.kind == "Namespace" and of.name in scope)


def _dated(turn: Turn, start: datetime, end: datetime) -> Iterator[Dated]:
    """Rollouts, creations and deletions that objects carry the time of."""
    snapshot = turn.view.snapshot
    turn.desk.needs("Deployment", "ReplicaSet")
    for deployment in snapshot.of("Deployment"):
        ref = Ref("Deployment", deployment.metadata.namespace, deployment.metadata.name)
        sets = turn.world.replica_sets_of(deployment)
        if sets and (at := sets[0].metadata.creation_timestamp) and start <= at <= end and len(sets) > 1:
            images = ", ".join(c.image for c in sets[0].spec.template.spec.containers)
            yield Dated(at, ref, f"rolled out revision {sets[0].revision}", images, "/spec/template")
    for kind, obj in snapshot.all():
        entry = KINDS.get(kind)
        if kind in UNDATED or entry is None:
            continue
        meta = obj.metadata
        if meta.creation_timestamp and start <= meta.creation_timestamp <= end:
            yield Dated(meta.creation_timestamp, entry.ref(obj), "created", "", "/metadata/creationTimestamp")
        if meta.deletion_timestamp and start <= meta.deletion_timestamp <= end:
            held = f"held by finalizers {', '.join(meta.finalizers)}" if meta.finalizers else ""
            yield Dated(meta.deletion_timestamp, entry.ref(obj), "deletion asked", held, "/metadata/deletionTimestamp")


def _compare(turn: Turn, start: datetime, found: list[Dated], ref: Ref | None, scope: list[str]) -> bool:
    """Add what differs from the reading at the start of the span; whether there is such a reading."""
    tools = turn.desk.tools
    try:
        earlier = tools.views.at(tools.principal, turn.desk.record.id, start)
    except KubiliticsError:
        return False
    if earlier.as_of == turn.view.as_of:
        return False
    known = {(c.ref, c.what) for c in found}
    for change in diff(earlier.snapshot, turn.view.snapshot)[: MAX_CHANGES * 5]:
        if change.ref.kind in UNDATED or not _inside(turn, change.ref, ref, scope):
            continue
        what = {"added": "created", "removed": "deleted", "changed": "edited"}[change.what]
        if (change.what == "changed" and not change.spec_changed) or (change.ref, what) in known:
            continue
        found.append(Dated(change.at or turn.desk.now, change.ref, what, _fields(change), _pointer(change)))
    return True


def _pointer(change: Change) -> str:
    return change.fields[0].pointer if change.fields else "/metadata"


def _fields(change: Change) -> str:
    shown = [
        f"{f.pointer}: {_short(f.before)} → {_short(f.after)}"
        for f in change.fields
        if not f.pointer.startswith("/status")
    ]
    return "; ".join(shown[:3])


def _short(value: Any) -> str:
    return blocks.visible("none" if value is None else str(value), 60)
