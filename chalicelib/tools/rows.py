"""Flat rows of a kind: what lists, filters, sorts and tables work on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.analytics.health import Health
from chalicelib.errors import unknown
from chalicelib.state.kinds import KINDS, KindEntry, Status
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import ApiResource, Discovered, Gap, Snapshot
from chalicelib.state.world import discovered_status
from chalicelib.tools.budget import shorten
from chalicelib.tools.moments import rfc3339

if TYPE_CHECKING:
    from chalicelib.rootcause import Problem
    from chalicelib.tools.views import ClusterView

Row = dict[str, Any]
REASON_CHARS = 300


def entry_of(snapshot: Snapshot, kind: str) -> KindEntry:
    """The entry of a kind by any of its names: of the registry, or made for one that the cluster offers.

    Raises NotFound `unknown_kind` with the valid kinds.
    """
    entry = KINDS.get(kind)
    if entry is not None:
        return entry
    resource = snapshot.resource(kind)
    if resource is not None:
        return discovered_entry(resource, resource.name if resource.name in snapshot.objects else resource.kind)
    wanted = kind.lower()
    for known in snapshot.objects:
        if wanted in (known.lower(), known.lower().partition(".")[0]):
            return discovered_entry(ApiResource(kind=known, plural=known.partition(".")[0]), known)
    raise unknown("kind", kind, {*(e.kind for e in KINDS), *(r.kind for r in snapshot.discovered)}, limit=60)


def discovered_entry(resource: ApiResource, key: str) -> KindEntry:
    """An entry for a kind that the registry does not know: no columns of its own, status from its conditions.

    `key` is what snapshots and refs call the kind: `certificates.cert-manager.io`.
    """
    return KindEntry(
        kind=key,
        plural=resource.plural,
        group=resource.group,
        version=resource.version,
        category="Cluster",
        title=resource.kind,
        struct=Discovered,
        status=lambda obj, world: discovered_status(obj),
        namespaced=resource.namespaced,
        short_names=tuple(resource.short_names),
        optional=True,
    )


def row(entry: KindEntry, obj: Any, view: ClusterView) -> Row:
    """The flat row of an object: metadata, labels, status, health, its most probable problem, and its columns."""
    meta = obj.metadata
    ref = Ref(entry.kind, meta.namespace if entry.namespaced else "", meta.name)
    world = view.world
    found: Row = {
        "kind": entry.kind,
        "namespace": ref.namespace,
        "name": meta.name,
        "uid": meta.uid,
        "created_at": rfc3339(meta.creation_timestamp),
        "status": status_json(world.status(entry.kind, obj)),
        "health": health_json(view.health_of(entry.kind, obj)),
        "problem": problem_brief(view, ref),
        "labels": meta.labels,
    }
    for column in entry.columns:
        value = column.value(obj, world)
        found[column.key] = rfc3339(value) if isinstance(value, datetime) else value
    return found


def rows_of(view: ClusterView, kind: str) -> list[Row]:
    """Rows of all objects of a kind, in (namespace, name) order."""
    entry = entry_of(view.snapshot, kind)
    return [row(entry, obj, view) for obj in view.snapshot.of(entry.kind)]


def status_json(status: Status) -> Row:
    return {"level": status.level, "word": status.word, "reason": shorten(status.reason, REASON_CHARS)}


def health_json(health: Health) -> Row:
    return {"score": health.score, "level": health.level, "reasons": health.reasons}


def problem_brief(view: ClusterView, ref: Ref) -> Row | None:
    """The problem of exactly this resource, else the one that explains its state."""
    problems = view.problems_of(ref)
    if not problems:
        return None
    found = next((p for p in problems if p.resource == ref), problems[0])
    return {"mode": found.mode, "summary": found.summary, "probability": found.probability}


def problem_json(problem: Problem) -> Row:
    """A problem as the API gives it; evidence by id."""
    return {
        "id": problem.id,
        "resource": ref_json(problem.resource),
        "mode": problem.mode,
        "title": problem.title,
        "probability": problem.probability,
        "severity": problem.severity,
        "summary": problem.summary,
        "evidence": [e.id for e in problem.evidence],
        "since": rfc3339(problem.since),
        "explains": [ref_json(r) for r in problem.explains],
        "remedy": {
            "text": problem.remedy.text,
            "command": problem.remedy.command,
            "change": msgspec.to_builtins(problem.remedy.change),
        },
        "missing": list(problem.missing),
        "chain": list(problem.chain),
    }


def ref_json(ref: Ref) -> Row:
    return {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def gap_json(gap: Gap) -> Row:
    return {"kind": gap.kind, "reason": gap.reason, "message": gap.message, "namespace": gap.namespace}


def noun(entry: KindEntry) -> str:
    """What to call one object of a kind: its kind, also for kinds that are keyed by `plural.group`."""
    return entry.title if "." in entry.kind else entry.kind


def plain(value: Any) -> Any:
    """A JSON value of a struct or a part of one."""
    return msgspec.to_builtins(value, str_keys=True)
