"""Tools that look back: rollout revisions, recent changes, and the cluster as it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import Field

from chalicelib.analytics.health import cluster_health
from chalicelib.errors import InvalidRequest, NotFound
from chalicelib.state.diff import Change, FieldChange, diff
from chalicelib.state.evidence import Evidence
from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Gap, Snapshot
from chalicelib.state.world import World
from chalicelib.tools import overview as page
from chalicelib.tools.citing import field_evidence, state_evidence
from chalicelib.tools.context import ToolContext
from chalicelib.tools.detail import locate
from chalicelib.tools.entry import Answer, ClusterArgs, ObjectArgs, PageArgs, Result, Row, tool
from chalicelib.tools.gaps import gaps_of
from chalicelib.tools.listing import checked_namespace
from chalicelib.tools.moments import length, moment, rfc3339
from chalicelib.tools.ranking import row_rank
from chalicelib.tools.revisions import change_text, field_json, revisions
from chalicelib.tools.rows import entry_of, noun, problem_json, ref_json
from chalicelib.tools.wording import counted, listed, phrases

if TYPE_CHECKING:
    from chalicelib.tools.views import ClusterView

FIELDS_SHOWN = 8
FAR = timedelta(minutes=30)
"""A reading that is farther from the moment asked for is a gap."""
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
QUIET_KINDS = ("Event", "Lease", "EndpointSlice", "ReplicaSet")
"""Kinds whose changes only follow those of others."""


class RolloutArgs(ObjectArgs):
    kind: str = Field("Deployment", max_length=100)


class RevisionRow(Result, frozen=True, kw_only=True):
    revision: int
    name: str = ""
    created_at: str | None = None
    ready: str = ""
    current: bool = False
    images: list[str] = []
    changes: list[Row] = []
    cause: str = ""


class Rollouts(Result, frozen=True, kw_only=True):
    resource: Row
    status: str = ""
    items: list[RevisionRow] = []


@tool("observe_rollout_history", args=RolloutArgs, result=Rollouts, title="Rollout history")
def rollout_history(args: RolloutArgs, context: ToolContext) -> Answer:
    """Revisions of a Deployment, newest first, with images and what each changed. Use to find the change that broke it.
    Not for other objects: observe_recent_changes. Example: {"name":"web"}."""
    view, world = context.view, context.world
    entry, ref, obj = locate(view, args.kind, args.namespace, args.name)
    if entry.kind not in WORKLOADS:
        raise InvalidRequest(
            f"kind: a {entry.kind} has no rollouts.",
            remedy=f"Choose one of: {', '.join(WORKLOADS)}.",
            details={"field": "kind"},
        )
    status = world.status(entry.kind, obj)
    state = f"{status.word}{f': {status.reason}' if status.reason else ''}"
    if entry.kind != "Deployment":
        return _present_revision(context, ref, obj, state)
    found = revisions(world, obj)
    items = [
        RevisionRow(
            revision=r.number, name=r.name, created_at=rfc3339(r.created_at), ready=f"{r.ready}/{r.desired}",
            current=r.current, images=r.images, cause=r.cause,
            changes=[field_json(f) for f in r.changes[:FIELDS_SHOWN]],
        )
        for r in found
    ]  # fmt: skip
    summary = f"{ref} is {state}. {counted(len(found), 'revision')} kept."
    if found:
        age = length((world.now - found[0].created_at).total_seconds()) if found[0].created_at else "unknown time"
        what = change_text(found[0].changes) or (
            "nothing in the template differs" if len(found) > 1 else "no older one to compare"
        )
        summary += f" The newest, {found[0].number}, is {age} old: {what}."
    return Answer(
        Rollouts(resource=ref_json(ref), status=state, items=items), summary,
        gaps=list(gaps_of(view.snapshot, "ReplicaSet", namespace=ref.namespace)),
        cite=lambda r: _image_evidence(world, ref, r),
    )  # fmt: skip


def _image_evidence(world: World, ref: Ref, row: RevisionRow) -> Evidence | None:
    """The image of the first container of a revision."""
    if not row.images:
        return None
    pointer, text = "/spec/template/spec/containers/0/image", f"revision {row.revision} of {ref} runs {row.images[0]}"
    return field_evidence(world, Ref("ReplicaSet", ref.namespace, row.name), pointer, row.images[0], text)


def _present_revision(context: ToolContext, ref: Ref, obj: object, state: str) -> Answer:
    """StatefulSets and DaemonSets keep ControllerRevisions, which are not part of a snapshot."""
    spec, status = obj.spec, obj.status  # type: ignore[attr-defined]
    images = [c.image for c in spec.template.spec.containers]
    updating = getattr(status, "update_revision", "") != getattr(status, "current_revision", "")
    row = RevisionRow(
        revision=obj.metadata.generation, name=getattr(status, "update_revision", ""), current=True, images=images,  # type: ignore[attr-defined]
        ready=f"{getattr(status, 'ready_replicas', None) or getattr(status, 'number_ready', 0)} ready",
    )  # fmt: skip
    gap = Gap(kind="ControllerRevision", reason="not_recorded", message="older revisions are not read for this kind")
    update = "an update is under way" if updating else "no update is under way"
    summary = f"{ref} is {state}; {update}; images {listed(images, 3)}."
    evidence = state_evidence(context.world, ref)
    return Answer(Rollouts(resource=ref_json(ref), status=state, items=[row]), summary, gaps=[gap],
                  evidence=[evidence] if evidence else [])  # fmt: skip


class ChangesArgs(PageArgs):
    since: str = Field("1h", max_length=40, description="2h or RFC 3339")
    include_status: bool = Field(False, description="status-only too")


class ChangeRow(Result, frozen=True, kw_only=True):
    what: str
    resource: Row
    at: str | None = None
    text: str = ""
    fields: list[Row] = []


class Changes(Result, frozen=True, kw_only=True):
    compared_with: str | None = None
    counts: dict[str, int] = {}
    items: list[ChangeRow] = []


@tool("observe_recent_changes", args=ChangesArgs, result=Changes, title="Recent changes")
def recent_changes(args: ChangesArgs, context: ToolContext) -> Answer:
    """What was added, removed or changed since a moment, newest first. Use when something just broke. Not for one
    Deployment: observe_rollout_history. Example: {"since":"2h"}."""
    view, world = context.view, context.world
    now = context.snapshot.now
    since = moment(args.since, now, "since")
    namespace = checked_namespace(view, None, args.namespace)
    earlier = reading_before(context, since)
    gaps: list[Gap] = []
    if earlier is not None:
        changes = list(diff(earlier, view.snapshot))
        compared: str | None = rfc3339(earlier.taken_at)
        intro = f"Compared with the reading of {compared}"
    else:
        changes = sorted(changes_in_one(world, since), key=lambda c: c.ref)
        compared, intro = (
            None,
            f"No reading from {rfc3339(since)} or before is stored: from rollouts and creation times only",
        )
        unseen = "no older reading to compare with: removed objects and edits outside of rollouts are not seen"
        gaps.append(Gap(kind="Snapshot", reason="not_recorded", message=unseen))
    chosen = [c for c in changes if counts_as_change(c, namespace, args.include_status)]
    chosen.sort(key=lambda c: (-(c.at.timestamp() if c.at else 0.0), c.ref))
    counts: dict[str, int] = {}
    for change in chosen:
        counts[change.what] = counts.get(change.what, 0) + 1
    items = [_change_row(c) for c in chosen]
    said = [f"{c.ref} {c.what}{f' ({change_text(c.fields, 1)})' if c.fields else ''}" for c in chosen]
    summary = f"{intro}: {counted(len(chosen), 'change')}" + (f": {phrases(said, 4)}." if said else ".")

    def cite(item: ChangeRow) -> Evidence | None:
        ref = Ref(**item.resource)
        first: Row = item.fields[0] if item.fields else {"pointer": "/metadata/creationTimestamp", "after": item.at}
        return field_evidence(world, ref, first["pointer"], first["after"], item.text or f"{ref} {item.what}")

    return Answer(Changes(compared_with=compared, counts=counts, items=items), summary, gaps=gaps, cite=cite)


def reading_before(context: ToolContext, since: datetime) -> Snapshot | None:
    """The newest stored reading of `since` or before; None when there is none."""
    if not any(m <= since for m in context.views.history(context.principal, context.cluster_id)):
        return None
    return context.views.at(context.principal, context.cluster_id, since).snapshot


def counts_as_change(change: Change, namespace: str, include_status: bool) -> bool:
    if change.ref.kind in QUIET_KINDS or (namespace and change.ref.namespace != namespace):
        return False
    return include_status or change.what != "changed" or change.spec_changed


def changes_in_one(world: World, since: datetime) -> Iterator[Change]:
    """What one reading alone tells: new objects, rollouts, and objects that are being deleted."""
    for kind, obj in world.snapshot.all():
        meta, entry = obj.metadata, KINDS.get(kind)
        ref = Ref(kind, meta.namespace if entry is None or entry.namespaced else "", meta.name)
        if meta.deletion_timestamp and meta.deletion_timestamp >= since:
            yield Change(ref=ref, what="removed", at=meta.deletion_timestamp)
        elif meta.creation_timestamp and meta.creation_timestamp >= since:
            if kind != "Pod" or not meta.controller:
                yield Change(ref=ref, what="added", at=meta.creation_timestamp)
        elif kind == "Deployment":
            kept = revisions(world, obj)
            if len(kept) > 1 and kept[0].created_at and kept[0].created_at >= since and kept[0].changes:
                yield Change(
                    ref=ref, what="changed", at=kept[0].created_at, fields=[_in_template(f) for f in kept[0].changes]
                )


def _in_template(change: FieldChange) -> FieldChange:
    return FieldChange(pointer=f"/spec/template{change.pointer}", before=change.before, after=change.after)


def _change_row(change: Change) -> ChangeRow:
    intent = sorted(change.fields, key=lambda f: f.pointer.startswith("/status"))
    return ChangeRow(
        what=change.what, resource=ref_json(change.ref), at=rfc3339(change.at), text=change_text(intent),
        fields=[field_json(f) for f in intent[:FIELDS_SHOWN]],
    )  # fmt: skip


class AtArgs(ClusterArgs):
    at: str = Field(max_length=40, description="2h or RFC 3339")
    kind: str = Field("", max_length=100, description="list this kind; else problems")
    namespace: str = Field("*", max_length=63)
    limit: int = Field(25, ge=1, le=200)
    cursor: str = Field("", max_length=400)


class ClusterAt(Result, frozen=True, kw_only=True):
    as_of: str = ""
    asked: str = ""
    distance_s: int = 0
    health: Row = {}
    nodes: Row = {}
    pods: dict[str, int] = {}
    readings: int = 0
    items: list[Row] = []


@tool("observe_cluster_at", args=AtArgs, result=ClusterAt, title="The cluster at a moment")
def cluster_at(args: AtArgs, context: ToolContext) -> Answer:
    """The cluster as the nearest stored reading has it: health, pods, and problems or objects of a kind. Use to look
    before an incident. Not for what changed: observe_recent_changes. Example: {"at":"2h"}."""
    asked, known, view = _nearest(args.at, context)
    namespace = checked_namespace(view, None, args.namespace)
    answer = _objects_at(view, args.kind, namespace) if args.kind else _problems_at(view, namespace)
    distance = abs(view.as_of - asked)
    away = length(distance.total_seconds())
    if distance > FAR:
        answer.gaps.insert(0, Gap(kind="Snapshot", reason="stale", message=f"the nearest reading is {away} away"))
    states = page.pods_by_status(view.world)
    health = cluster_health(view.world, view.diagnosis.problems)
    answer.data = ClusterAt(
        as_of=rfc3339(view.as_of) or "", asked=rfc3339(asked) or "", distance_s=int(distance.total_seconds()),
        health={"score": health.score, "level": health.level}, nodes=page.nodes(view.world), pods=states,
        readings=known,
    )  # fmt: skip
    score = health.score if health.score is not None else "unknown"
    pods = listed([f"{n} {w}" for w, n in states.items()], 4)
    taken = f"Reading of {rfc3339(view.as_of)}, {away} from the moment asked for"
    answer.summary = f"{taken}: health {score}, pods {pods}; {answer.summary}."
    return answer


def _nearest(at: str, context: ToolContext) -> tuple[datetime, int, ClusterView]:
    """The moment asked for, how many readings are stored, and the one that is nearest to it."""
    known = list(context.views.history(context.principal, context.cluster_id))
    if not known:
        raise NotFound(
            "No reading of this cluster is stored yet.", code="no_snapshot", remedy="Refresh the cluster first."
        )
    # Time stands still in a recording: "2h" counts from its end.
    recorded = context.record is not None and context.record.source == "recorded"
    asked = moment(at, known[0] if recorded else context.now)
    nearest = min(known, key=lambda m: (abs(m - asked), m))
    return asked, len(known), context.views.at(context.principal, context.cluster_id, nearest)


def _objects_at(view: ClusterView, kind: str, namespace: str) -> Answer:
    """The objects of a kind, worst first."""
    entry = entry_of(view.snapshot, kind)
    rows = sorted((r for r in view.rows(entry.kind) if namespace in ("", r["namespace"])), key=row_rank)
    return Answer(
        ClusterAt(), counted(len(rows), noun(entry)), rows=rows,
        gaps=list(gaps_of(view.snapshot, entry.kind, namespace=namespace)),
        show=lambda r: {k: r[k] for k in ("namespace", "name", "status", "created_at")},
        cite=lambda r: state_evidence(view.world, Ref(entry.kind, r["namespace"], r["name"])),
    )  # fmt: skip


def _problems_at(view: ClusterView, namespace: str) -> Answer:
    """The problems, most probable and severe first."""
    found = [p for p in view.diagnosis.problems if namespace in ("", p.resource.namespace)]
    return Answer(
        ClusterAt(), counted(len(found), "problem"), rows=found, show=problem_json, gaps=list(view.snapshot.gaps),
        cite=lambda p: p.evidence[0] if p.evidence else None,
    )  # fmt: skip
