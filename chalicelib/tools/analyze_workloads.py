"""Tools that look at workloads before and beside a fault: where pods fit, what a rollout risks, what drifted."""

from __future__ import annotations

from pydantic import Field

from chalicelib.errors import InvalidRequest
from chalicelib.rootcause.look import Look
from chalicelib.rootcause.placement import Placement, place
from chalicelib.state.evidence import Evidence
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.meta import Ref
from chalicelib.tools.citing import field_evidence, state_evidence
from chalicelib.tools.context import ToolContext
from chalicelib.tools.detail import locate
from chalicelib.tools.drift import Difference, drifts
from chalicelib.tools.entry import Answer, PageArgs, Result, Row, tool
from chalicelib.tools.gaps import gaps_of
from chalicelib.tools.listing import checked_namespace
from chalicelib.tools.moments import moment, rfc3339
from chalicelib.tools.observe_history import reading_before
from chalicelib.tools.rollouts import Risk, risks_of
from chalicelib.tools.rows import ref_json
from chalicelib.tools.wording import counted, listed, phrases

ROLLED_OUT = ("Deployment", "StatefulSet", "DaemonSet")
NODES_SHOWN = 6
OBSTACLES = {
    "": "fits",
    "taint": "the node's taint is not tolerated",
    "cordoned": "the node is cordoned",
    "sick": "the node is not ready",
    "selector": "the node lacks labels of the nodeSelector",
    "affinity": "the node affinity excludes it",
    "node_absent": "the node that is named does not exist",
    "cpu": "not enough CPU is free",
    "memory": "not enough memory is free",
    "pods": "no more pods fit on it",
    "ports": "the host port is taken",
    "anti_affinity": "pod anti-affinity excludes it",
}


class SchedulingArgs(PageArgs):
    name: str = Field("", max_length=253, description="all pending ones when empty")
    kind: str = Field("Pod", max_length=100)


class Scheduling(Result, frozen=True, kw_only=True):
    namespace: str
    pod: str
    node: str = ""
    reason: str = ""
    fits: bool = False
    counts: Row = {}
    nodes: Row = {}


class Schedulings(Result, frozen=True, kw_only=True):
    nodes: int = 0
    pending: int = 0
    items: list[Scheduling] = []


@tool("analyze_pod_scheduling", args=SchedulingArgs, result=Schedulings, title="Pod scheduling")
def pod_scheduling(args: SchedulingArgs, context: ToolContext) -> Answer:
    """Where a pod fits, node by node, and what keeps it off: taints, selectors, affinity, CPU, memory. Use for
    Pending pods. Not for quota: observe_namespace_quotas. Example: {"name":"web","kind":"Deployment"}."""
    view, world = context.view, context.world
    namespace = checked_namespace(view, None, args.namespace)
    look = Look(world)
    pods = _pods(args, context, namespace)
    pending = [p for p in view.snapshot.of("Pod") if _waits(p) and namespace in ("", p.metadata.namespace)]
    found = [(pod, place(pod, look)) for pod in pods]
    items = [_scheduling(pod, verdict) for pod, verdict in found]
    items.sort(key=lambda i: (i.fits, i.namespace, i.pod))
    stuck = [i for i in items if not i.fits]
    said = [f"{i.namespace}/{i.pod}: {i.reason} ({_counts_text(i.counts)})" for i in stuck]
    nodes = len(view.snapshot.of("Node"))
    summary = f"{len(stuck)} of {counted(len(items), 'pod')} fit on none of {counted(nodes, 'node')}." + (
        f" {phrases(said, 3)}." if said else ""
    )
    return Answer(
        Schedulings(nodes=nodes, pending=len(pending), items=items), summary,
        gaps=list(gaps_of(view.snapshot, "Node", "Pod", namespace=namespace)),
        cite=lambda i: state_evidence(world, Ref("Pod", i.namespace, i.pod)),
    )  # fmt: skip


def _pods(args: SchedulingArgs, context: ToolContext, namespace: str) -> list[Pod]:
    view = context.view
    if not args.name:
        return [p for p in view.snapshot.of("Pod") if _waits(p) and namespace in ("", p.metadata.namespace)]
    _, ref, _ = locate(view, args.kind, namespace, args.name)
    pods = context.world.pods_of(ref)
    if not pods:
        raise InvalidRequest(
            f"{ref} has no pods.", remedy="Name a Pod, or a workload that has made some.", details={"field": "name"}
        )
    # Replicas of one workload differ only in where they are: the one that waits, else the first, stands for them.
    return sorted(pods, key=lambda p: (not _waits(p), p.metadata.name))[: 1 if ref.kind != "Pod" else None]


def _waits(pod: Pod) -> bool:
    return pod.status.phase == "Pending" and not pod.spec.node_name and not pod.metadata.deletion_timestamp


def _scheduling(pod: Pod, verdict: Placement) -> Scheduling:
    return Scheduling(
        namespace=pod.metadata.namespace,
        pod=pod.metadata.name,
        node=pod.spec.node_name,
        reason=_reason(verdict),
        fits=verdict.fits_somewhere,
        counts=dict(verdict.counts.most_common()),
        nodes={reason: names[:NODES_SHOWN] for reason, names in sorted(verdict.nodes.items())},
    )


def _reason(verdict: Placement) -> str:
    if verdict.fits_somewhere:
        return "by what was read, a node has room for it"
    return OBSTACLES.get(verdict.obstacle, verdict.obstacle.replace("_", " ")) or "no node was read"


def _counts_text(counts: Row) -> str:
    return ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in counts.items()) or "no nodes"


class RolloutRiskArgs(PageArgs):
    name: str = Field("", max_length=253, description="all workloads when empty")
    kind: str = Field("Deployment", max_length=100)


class RiskRow(Result, frozen=True, kw_only=True):
    kind: str
    namespace: str
    name: str
    risk: str
    score: int
    reasons: list[str] = []
    pointers: list[str] = []


class Risks(Result, frozen=True, kw_only=True):
    levels: dict[str, int] = {}
    items: list[RiskRow] = []


@tool("analyze_rollout_risk", args=RolloutRiskArgs, result=Risks, title="Rollout risk")
def rollout_risk(args: RolloutRiskArgs, context: ToolContext) -> Answer:
    """What could go wrong when a workload is rolled out now: probes, strategy, room, quota, image tag, way back. Use
    before a deploy. Not for running faults. Example: {"name":"web"}."""
    view, world = context.view, context.world
    namespace = checked_namespace(view, None, args.namespace)
    if args.name:
        entry, ref, obj = locate(view, args.kind, namespace, args.name)
        if entry.kind not in ROLLED_OUT:
            raise InvalidRequest(
                f"kind: a {entry.kind} has no rollouts.", remedy=f"Choose one of: {', '.join(ROLLED_OUT)}.",
                details={"field": "kind"},
            )  # fmt: skip
        subjects = [(ref, obj)]
    else:
        subjects = [
            (Ref(kind, o.metadata.namespace, o.metadata.name), o)
            for kind in ROLLED_OUT for o in view.snapshot.of(kind) if namespace in ("", o.metadata.namespace)
        ]  # fmt: skip
    look = Look(world)
    found = [(ref, risks_of(ref, obj, look, view)) for ref, obj in subjects]
    items = [_risk_row(ref, risks) for ref, risks in found]
    items.sort(key=lambda i: (-i.score, i.kind, i.namespace, i.name))
    levels = {level: sum(i.risk == level for i in items) for level in ("high", "medium", "low")}
    said = [f"{i.namespace}/{i.name} {i.risk} ({i.reasons[0]})" for i in items if i.reasons]
    summary = (
        f"{counted(len(items), 'workload')}: {listed([f'{n} {level}' for level, n in levels.items() if n])} risk."
        + (f" {phrases(said, 3)}." if said else "")
    )
    return Answer(
        Risks(levels=levels, items=items), summary, cite=lambda i: _risk_evidence(context, i),
        gaps=list(gaps_of(view.snapshot, *ROLLED_OUT, "Node", "ResourceQuota", namespace=namespace)),
    )  # fmt: skip


def _risk_row(ref: Ref, risks: list[Risk]) -> RiskRow:
    score = min(100, sum(r.weight for r in risks))
    return RiskRow(
        kind=ref.kind, namespace=ref.namespace, name=ref.name, score=score,
        risk="high" if score >= 50 else "medium" if score >= 20 else "low",
        reasons=[r.text for r in risks], pointers=list(dict.fromkeys(r.pointer for r in risks if r.pointer)),
    )  # fmt: skip


def _risk_evidence(context: ToolContext, row: RiskRow) -> Evidence | None:
    ref = Ref(row.kind, row.namespace, row.name)
    if not row.pointers:
        return state_evidence(context.world, ref)
    return field_evidence(context.world, ref, row.pointers[0], None, f"{ref}: {row.reasons[0]}")


class DriftArgs(PageArgs):
    since: str = Field("24h", max_length=40)


class DriftRow(Result, frozen=True, kw_only=True):
    type: str
    """pod_vs_template, environments, stale_config or edited."""
    resource: Row
    other: Row | None = None
    text: str = ""
    fields: list[Row] = []


class Drifts(Result, frozen=True, kw_only=True):
    compared_with: str | None = None
    types: dict[str, int] = {}
    items: list[DriftRow] = []


@tool("analyze_configuration_drift", args=DriftArgs, result=Drifts, title="Configuration drift")
def configuration_drift(args: DriftArgs, context: ToolContext) -> Answer:
    """Where configuration differs: pods from their template, pods older than the config they read, one workload between
    namespaces, edits. Use to find silent differences. Not for rollouts: observe_rollout_history.
    Example: {"namespace":"shop"}."""
    view, world = context.view, context.world
    namespace = checked_namespace(view, None, args.namespace)
    since = moment(args.since, view.snapshot.now, "since")
    earlier = reading_before(context, since)
    found = [d for d in drifts(world, earlier) if not namespace or namespace in (d.ref.namespace, d.other_namespace)]
    types: dict[str, int] = {}
    for difference in found:
        types[difference.type] = types.get(difference.type, 0) + 1
    said = [f"{d.ref}: {d.text}" for d in found]
    summary = f"{counted(len(found), 'difference')}" + (f": {phrases(said, 3)}." if said else ".")
    gaps = list(gaps_of(view.snapshot, *ROLLED_OUT, "Pod", "ConfigMap", namespace=namespace))
    return Answer(
        Drifts(compared_with=rfc3339(earlier.taken_at) if earlier else None, types=types), summary, gaps=gaps,
        rows=found, show=_drift_row, cite=lambda d: _drift_evidence(context, d),
    )  # fmt: skip


def _drift_row(difference: Difference) -> DriftRow:
    return DriftRow(
        type=difference.type,
        resource=ref_json(difference.ref),
        other=ref_json(difference.other) if difference.other else None,
        text=difference.text,
        fields=[{"field": f, "here": a, "there": b} for f, a, b in difference.fields[:8]],
    )


def _drift_evidence(context: ToolContext, difference: Difference) -> Evidence | None:
    return state_evidence(context.world, difference.ref)
