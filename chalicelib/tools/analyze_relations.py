"""Tools that reason over one reading: health with its reasons, dependency chains, blast radius."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chalicelib.safety.blast import Hit, blast_radius
from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref
from chalicelib.tools.citing import state_evidence
from chalicelib.tools.context import ToolContext
from chalicelib.tools.detail import locate
from chalicelib.tools.entry import Answer, ObjectArgs, PageArgs, Result, Row, tool
from chalicelib.tools.gaps import gaps_of
from chalicelib.tools.listing import checked_namespace
from chalicelib.tools.ranking import rank
from chalicelib.tools.related import status_of
from chalicelib.tools.rows import entry_of, ref_json
from chalicelib.tools.topology import Link, dependencies, dependents, walk
from chalicelib.tools.wording import counted, listed

SCORED = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "Service", "Node", "PersistentVolumeClaim")
"""Kinds that are scored when none is named."""
RELATION_KINDS = ("Pod", "Service", "Ingress", "Deployment")
MAX_LINKS = 150


class HealthArgs(PageArgs):
    kind: str = Field("", max_length=100, description="all main kinds when empty")
    name: str = Field("", max_length=253)


class Scored(Result, frozen=True, kw_only=True):
    kind: str
    namespace: str = ""
    name: str = ""
    score: int | None = None
    level: str = ""
    reasons: list[str] = []


class HealthFound(Result, frozen=True, kw_only=True):
    checked: int = 0
    levels: dict[str, int] = {}
    items: list[Scored] = []


@tool("analyze_resource_health", args=HealthArgs, result=HealthFound, title="Resource health")
def resource_health(args: HealthArgs, context: ToolContext) -> Answer:
    """Health scores from 0 to 100 with reasons, lowest first; what is not well, or one named object. Use to rank. Not
    for causes: observe_cluster_overview. Example: {"kind":"Deployment"}."""
    view = context.view
    kinds = (entry_of(view.snapshot, args.kind).kind,) if args.kind else SCORED
    namespace = checked_namespace(view, KINDS.get(args.kind) if args.kind else None, args.namespace)
    if args.name:
        entry, ref, obj = locate(view, kinds[0] if args.kind else "Pod", namespace, args.name)
        found = [_scored(context, entry.kind, ref, obj)]
    else:
        found = [_scored(context, k, _ref(k, o), o) for k in kinds for o in view.snapshot.of(k)
                 if namespace in ("", o.metadata.namespace)]  # fmt: skip
    levels: dict[str, int] = {}
    for one in sorted(found, key=lambda s: rank(s.level)):
        levels[one.level] = levels.get(one.level, 0) + 1
    items = found if args.name else [s for s in found if s.level != "ok"]
    items.sort(key=lambda s: (s.score if s.score is not None else 101, s.kind, s.namespace, s.name))
    said = [f"{s.kind} {s.name} {_score_text(s)}" for s in items]
    summary = f"{counted(len(found), 'object')} scored: {listed([f'{n} {w}' for w, n in levels.items()])}." + (
        f" Lowest: {listed(said, 4)}." if said else ""
    )
    world = context.world
    return Answer(
        HealthFound(checked=len(found), levels=levels, items=items), summary,
        gaps=list(gaps_of(view.snapshot, *kinds, namespace=namespace)),
        cite=lambda s: state_evidence(world, Ref(s.kind, s.namespace, s.name)),
    )  # fmt: skip


def _ref(kind: str, obj: object) -> Ref:
    entry, meta = KINDS.get(kind), obj.metadata  # type: ignore[attr-defined]
    return Ref(kind, meta.namespace if entry is None or entry.namespaced else "", meta.name)


def _score_text(scored: Scored) -> str:
    score = "unknown" if scored.score is None else str(scored.score)
    return f"{score} ({scored.reasons[0][:80] if scored.reasons else 'well'})"


def _scored(context: ToolContext, kind: str, ref: Ref, obj: object) -> Scored:
    health = context.view.health_of(kind, obj)
    reasons = [r[:200] for r in health.reasons[:4]]
    return Scored(
        kind=kind, namespace=ref.namespace, name=ref.name, score=health.score, level=health.level, reasons=reasons
    )


class ChainArgs(ObjectArgs):
    direction: Literal["both", "needs", "needed_by"] = "both"
    depth: int = Field(4, ge=1, le=8)


class ChainLink(Result, frozen=True, kw_only=True):
    direction: str
    depth: int
    relation: str
    via: str = ""
    resource: Row = {}
    status: Row = {}


class Chains(Result, frozen=True, kw_only=True):
    resource: Row
    chains: list[str] = []
    items: list[ChainLink] = []


@tool("analyze_dependency_chains", args=ChainArgs, result=Chains, title="Dependency chains")
def dependency_chains(args: ChainArgs, context: ToolContext) -> Answer:
    """What an object needs and what needs it, step by step: ingress, service, workload, node, claim. Use to find where
    a chain breaks. Not for impact: analyze_blast_radius. Example: {"kind":"Ingress","name":"shop"}."""
    view, world = context.view, context.world
    _, ref, _ = locate(view, args.kind, args.namespace, args.name)
    links: list[tuple[str, Link]] = []
    cut = False
    for direction, step in (("needs", dependencies), ("needed_by", dependents)):
        if args.direction in ("both", direction):
            found, more = walk(world, ref, step, depth=args.depth, most=MAX_LINKS)
            links += [(direction, link) for link in found]
            cut = cut or more
    items = []
    for direction, link in links:
        status = status_of(world, link.ref)
        items.append(
            ChainLink(
                direction=direction, depth=link.depth, relation=link.relation, via=f"{link.via.kind}/{link.via.name}",
                resource=ref_json(link.ref), status={"level": status["level"], "word": status["word"]},
            )
        )  # fmt: skip
    broken = [i for i in items if i.status["level"] in ("crit", "warn")]
    items.sort(key=lambda i: (i.direction, i.depth, rank(i.status["level"]), i.resource["kind"], i.resource["name"]))
    chains = _chains(ref, [link for d, link in links if d == "needed_by"], [link for d, link in links if d == "needs"])
    said = [f"{i.resource['kind']} {i.resource['name']} {i.status['word']}" for i in broken]
    needs = sum(i.direction == "needs" for i in items)
    state = status_of(world, ref)["word"]
    summary = (
        f"{ref} ({state}) needs {counted(needs, 'object')} and is needed by {len(items) - needs}. "
        f"{'Not well: ' + listed(said, 6) if said else 'Everything on its chains is well'}."
        + (f" For example {chains[0]}." if chains else "")
    )
    own = state_evidence(world, ref)
    return Answer(
        Chains(resource=ref_json(ref), chains=chains, items=items), summary,
        evidence=[own] if own else [], clipped=[f"more than {MAX_LINKS} objects: the walk was cut"] if cut else [],
        gaps=list(gaps_of(view.snapshot, *RELATION_KINDS, namespace=ref.namespace)),
        cite=lambda i: state_evidence(world, Ref(**i.resource)) if i.status["level"] in ("crit", "warn") else None,
    )  # fmt: skip


def _chains(ref: Ref, upstream: list[Link], downstream: list[Link]) -> list[str]:
    """Up to five readable chains, one of a shape: `Ingress a -> Service b -> Deployment c -> Node d`."""
    ups = _paths(ref, upstream) or [[ref]]
    downs = _paths(ref, downstream) or [[ref]]
    longest_up = max(ups, key=len)
    by_shape: dict[tuple[str, ...], list[Ref]] = {}
    for down in sorted(downs, key=lambda p: (-len(p), [str(r) for r in p])):
        by_shape.setdefault(tuple(r.kind for r in down), down)
    paths = [[*reversed(longest_up[1:]), *down] for down in list(by_shape.values())[:5]]
    return [" -> ".join(f"{r.kind} {r.name}" for r in path) for path in paths if len(path) > 1]


def _paths(start: Ref, links: list[Link]) -> list[list[Ref]]:
    """A path from the start to every link's object, along the way it was reached."""
    paths: dict[Ref, list[Ref]] = {start: [start]}
    for link in links:
        before = paths.get(link.via) or [start]
        paths.setdefault(link.ref, [*before, link.ref])
    return [p for p in paths.values() if len(p) > 1]


class BlastArgs(ObjectArgs):
    """The object that fails or is removed."""


class HitRow(Result, frozen=True, kw_only=True):
    how: str
    kind: str
    namespace: str = ""
    name: str = ""
    effect: str = ""
    lost: int = 0
    total: int = 0


class BlastFound(Result, frozen=True, kw_only=True):
    resource: Row
    radius: str
    """low, medium, high or critical."""
    reasons: list[str] = []
    pods: int = 0
    entry_points: list[str] = []
    stateful: list[str] = []
    items: list[HitRow] = []


@tool("analyze_blast_radius", args=BlastArgs, result=BlastFound, title="Blast radius")
def blast(args: BlastArgs, context: ToolContext) -> Answer:
    """What is hit when an object fails or is removed: replicas lost, services, entry points, data; level with reasons.
    Use before a drain or deletion. Not for present faults. Example: {"kind":"Node","name":"node-3"}."""
    view, world = context.view, context.world
    _, ref, _ = locate(view, args.kind, args.namespace, args.name)
    found = blast_radius(world, ref)
    own = state_evidence(world, ref)
    items = [_hit(h) for h in found.hits]
    summary = (
        f"Blast radius of {ref}: {found.level}. {'; '.join(found.reasons[:4])}. "
        f"{counted(found.pods, 'pod')} affected{' when they start again' if found.on_restart else ''}; "
        f"entry points: {listed(found.entry_points, 3)}."
    )
    return Answer(
        BlastFound(
            resource=ref_json(ref), radius=found.level, reasons=found.reasons, pods=found.pods,
            entry_points=found.entry_points[:12], stateful=[f"{d.namespace}/{d.name}" for d in found.stateful[:12]],
            items=items,
        ),
        summary, evidence=[own] if own else [],
        gaps=list(gaps_of(view.snapshot, *RELATION_KINDS, namespace=ref.namespace)),
        cite=lambda h: state_evidence(world, Ref(h.kind, h.namespace, h.name)),
    )  # fmt: skip


def _hit(hit: Hit) -> HitRow:
    return HitRow(
        how=hit.how, kind=hit.ref.kind, namespace=hit.ref.namespace, name=hit.ref.name, effect=hit.effect,
        lost=hit.lost, total=hit.total,
    )  # fmt: skip
