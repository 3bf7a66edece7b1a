"""Tools that look at the cluster as a whole: overview, nodes, quotas, and the kinds it offers."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from chalicelib.analytics.health import cluster_health
from chalicelib.errors import unknown
from chalicelib.state.evidence import Evidence
from chalicelib.state.kinds import KINDS
from chalicelib.state.kinds.cluster import Node
from chalicelib.state.meta import Ref
from chalicelib.state.quantity import format_bytes, format_cores, quantity
from chalicelib.state.snapshot import Gap
from chalicelib.tools import overview as page
from chalicelib.tools.citing import state_evidence
from chalicelib.tools.context import ToolContext
from chalicelib.tools.detail import conditions
from chalicelib.tools.entry import Answer, ClusterArgs, PageArgs, Result, Row, tool
from chalicelib.tools.gaps import gaps_of
from chalicelib.tools.listing import checked_namespace
from chalicelib.tools.ranking import rank
from chalicelib.tools.rows import problem_json
from chalicelib.tools.wording import counted, listed, phrases, plural


class ClusterOverview(Result, frozen=True, kw_only=True):
    health: Row
    version: str = ""
    counts: dict[str, int] = {}
    nodes: Row = {}
    pods: dict[str, int] = {}
    usage: Row = {}
    problems: Row = {}
    namespaces: list[Row] = []
    warnings: list[Row] = []


@tool("observe_cluster_overview", args=ClusterArgs, result=ClusterOverview, title="Cluster overview")
def cluster_overview(args: ClusterArgs, context: ToolContext) -> Answer:
    """Health, counts, node and pod states, use, top problems and warnings of a cluster. Start here when no object is
    named. Not for one object: use observe_resource. Example: {"cluster":"prod"}."""
    view, world = context.view, context.world
    problems = view.diagnosis.problems
    health = cluster_health(world, problems)
    top = problems[: page.TOP_PROBLEMS]
    evidence: dict[str, Evidence] = {e.id: e for p in top for e in p.evidence[:3]}
    states = page.pods_by_status(world)
    nodes = page.nodes(world)
    data = ClusterOverview(
        health=page.cluster_health_json(health),
        version=view.snapshot.version,
        counts=page.counts(world),
        nodes=nodes,
        pods=states,
        usage=page.usage(world),
        problems={
            "critical": sum(p.severity == "critical" for p in problems),
            "warning": sum(p.severity == "warning" for p in problems),
            "top": [_brief(problem_json(p)) for p in top],
        },
        namespaces=page.namespaces(view)[:10],
        warnings=page.warnings(view.snapshot.of("Event"))[:5],
    )
    score = "unknown" if health.score is None else f"{health.score} of 100"
    summary = (
        f"Health {score}. {nodes['ready']} of {nodes['total']} nodes ready. "
        f"{sum(states.values())} pods: {listed([f'{n} {w}' for w, n in states.items()], 5)}. "
        + (
            f"{counted(len(problems), 'problem')}: {phrases([p.summary for p in problems], 3)}"
            if problems
            else "No problem found."
        )
    )
    return Answer(data, summary, evidence=list(evidence.values()), gaps=list(view.snapshot.gaps))


def _brief(problem: Row) -> Row:
    return {k: problem[k] for k in ("resource", "mode", "probability", "severity", "summary", "evidence")}


class NodeArgs(ClusterArgs):
    name: str = Field("", max_length=253, description="one node; all when empty")
    limit: int = Field(25, ge=1, le=200)
    cursor: str = Field("", max_length=400)


class NodeState(Result, frozen=True, kw_only=True):
    name: str
    status: Row
    reasons: list[str] = []
    pods: int = 0
    unhealthy_pods: int = 0
    cpu: str = ""
    memory: str = ""
    taints: list[str] = []
    machine: str = ""
    """Instance type, zone and kubelet version."""
    conditions: list[Row] = []


class NodeStates(Result, frozen=True, kw_only=True):
    ready: int = 0
    total: int = 0
    items: list[NodeState] = []


@tool("observe_node_status", args=NodeArgs, result=NodeStates, title="Node status")
def node_status(args: NodeArgs, context: ToolContext) -> Answer:
    """Conditions, pressure, taints, cordon, pods and requested against allocatable of nodes, worst first. Use for
    NotReady or full nodes. Not for pod metrics: observe_metrics. Example: {"name":"node-3"}."""
    world = context.world
    nodes = list(context.snapshot.of("Node"))
    if args.name:
        nodes = [n for n in nodes if n.metadata.name == args.name]
        if not nodes:
            raise unknown("node", args.name, (n.metadata.name for n in context.snapshot.of("Node")))
    nodes.sort(key=lambda n: (rank(world.status("Node", n).level), n.metadata.name))
    bad = [(n.metadata.name, world.status("Node", n)) for n in nodes if world.status("Node", n).level != "ok"]
    ready = sum(n.ready for n in nodes)
    summary = f"{ready} of {counted(len(nodes), 'node')} ready."
    if bad:
        said = [" ".join(filter(None, (name, status.word, status.reason))) for name, status in bad]
        summary += f" Not well: {listed(said, 5)}."
    return Answer(
        NodeStates(ready=ready, total=len(nodes)),
        summary,
        gaps=list(gaps_of(context.snapshot, "Node", "Pod")),
        rows=nodes,
        show=lambda node: _node(context, node),
        cite=lambda node: state_evidence(world, Ref("Node", "", node.metadata.name)),
    )


def _node(context: ToolContext, node: Node) -> NodeState:
    world, name = context.world, node.metadata.name
    status = world.status("Node", node)
    cpu, memory = world.requested_on(name)
    pods = world.pods_by_node.get(name, [])
    return NodeState(
        name=name,
        status={"level": status.level, "word": status.word, "reason": status.reason},
        reasons=context.view.health_of("Node", node).reasons[:3],
        pods=world.pods_on(name),
        unhealthy_pods=sum(world.status("Pod", p).level in ("crit", "warn") for p in pods),
        cpu=f"{format_cores(cpu)} of {format_cores(quantity(node.status.allocatable.get('cpu')))} requested",
        memory=f"{format_bytes(memory)} of {format_bytes(quantity(node.status.allocatable.get('memory')))} requested",
        taints=[f"{t.key}={t.value}:{t.effect}" if t.value else f"{t.key}:{t.effect}" for t in node.spec.taints],
        machine=" ".join(filter(None, (node.instance_type, node.zone, node.status.node_info.kubelet_version))),
        conditions=[c for c in conditions(node) if c["level"] != "ok"],
    )


class Quota(Result, frozen=True, kw_only=True):
    namespace: str
    name: str
    level: str
    resources: dict[str, Row] = {}
    """`{used, hard, ratio}` by resource."""


class Quotas(Result, frozen=True, kw_only=True):
    limit_ranges: list[Row] = []
    unlimited: int = 0
    items: list[Quota] = []


@tool("observe_namespace_quotas", args=PageArgs, result=Quotas, title="Namespace quotas")
def namespace_quotas(args: PageArgs, context: ToolContext) -> Answer:
    """Used against hard limits of ResourceQuotas, fullest first, with LimitRanges. Use when pods are not created or
    "exceeded quota" appears. Not for node capacity: observe_node_status. Example: {"namespace":"dev"}."""
    namespace = checked_namespace(context.view, KINDS["ResourceQuota"], args.namespace)
    wanted = [q for q in context.snapshot.of("ResourceQuota") if namespace in ("", q.metadata.namespace)]
    items = sorted((_quota(q) for q in wanted), key=lambda i: (rank(i.level), -_fullest(i), i.namespace, i.name))
    ranges = [r for r in context.snapshot.of("LimitRange") if namespace in ("", r.metadata.namespace)]
    limited = {q.metadata.namespace for q in wanted}
    places = [namespace] if namespace else context.snapshot.namespaces()
    tight = [f"{i.namespace}/{i.name} {_fullest(i):.0%}" for i in items if i.level != "ok"]
    summary = f"{counted(len(items), 'quota')}; " + (
        f"tight: {listed(tight, 5)}." if tight else "none is nearly used up."
    )
    data = Quotas(
        limit_ranges=[
            {"namespace": r.metadata.namespace, "name": r.metadata.name, "type": i.type, "max": i.max, "min": i.min,
             "default": i.default, "default_request": i.default_request}
            for r in ranges[:5] for i in r.spec.limits
        ],
        unlimited=sum(p not in limited for p in places),
        items=items,
    )  # fmt: skip
    world = context.world
    return Answer(
        data, summary, gaps=list(gaps_of(context.snapshot, "ResourceQuota", "LimitRange", namespace=namespace)),
        cite=lambda item: state_evidence(world, Ref("ResourceQuota", item.namespace, item.name)),
    )  # fmt: skip


def _quota(quota: Any) -> Quota:
    hard = quota.status.hard or quota.spec.hard
    ratios = quota.ratios
    fullest = max(ratios.values(), default=0.0)
    return Quota(
        namespace=quota.metadata.namespace,
        name=quota.metadata.name,
        level="crit" if fullest >= 1 else "warn" if fullest >= 0.9 else "ok",
        resources={
            n: {"used": quota.status.used.get(n, "0"), "hard": hard[n], "ratio": round(ratio, 3)}
            for n, ratio in sorted(ratios.items(), key=lambda item: -item[1])
        },
    )


def _fullest(quota: Quota) -> float:
    return max((r["ratio"] for r in quota.resources.values()), default=0.0)


class SearchArgs(ClusterArgs):
    search: str = Field("", max_length=100, description="part of a name")
    limit: int = Field(25, ge=1, le=200)
    cursor: str = Field("", max_length=400)


class ApiKind(Result, frozen=True, kw_only=True):
    kind: str
    plural: str = ""
    group: str = ""
    version: str = ""
    namespaced: bool = False
    short_names: list[str] = []
    objects: int | None = None
    """None: not read."""


class ApiKinds(Result, frozen=True, kw_only=True):
    items: list[ApiKind] = []


@tool("observe_api_resources", args=SearchArgs, result=ApiKinds, title="API resources")
def api_resources(args: SearchArgs, context: ToolContext) -> Answer:
    """Kinds that the cluster offers, with group, version, scope, short names and how many objects were read. Use to
    learn what a kind is called. Not to list objects: observe_resources. Example: {"search":"cert"}."""
    snapshot = context.snapshot
    found = {
        e.kind: ApiKind(
            kind=e.kind, plural=e.plural, group=e.group, version=e.version, namespaced=e.namespaced,
            short_names=list(e.short_names), objects=_count(context, e.kind),
        )
        for e in KINDS
        if not e.optional or e.kind in snapshot.objects
    }  # fmt: skip
    for r in snapshot.discovered:
        found.setdefault(
            r.name,
            ApiKind(kind=r.kind, plural=r.plural, group=r.group, version=r.version, namespaced=r.namespaced,
                    short_names=r.short_names, objects=_count(context, r.name)),
        )  # fmt: skip
    word = args.search.lower()
    items = [k for k in found.values() if word in f"{k.kind} {k.plural}.{k.group} {' '.join(k.short_names)}".lower()]
    read = sum(k.objects is not None for k in items)
    missing = "discovery was not read: only kinds that the product knows are listed"
    gaps = [] if snapshot.discovered else [Gap(kind="APIResource", reason="not_recorded", message=missing)]
    summary = f"{counted(len(items), 'kind')}{f' like {args.search!r}' if word else ''}, objects of {read} were read."
    return Answer(ApiKinds(items=items), summary, gaps=gaps)


def _count(context: ToolContext, kind: str) -> int | None:
    return len(context.snapshot.of(kind)) if kind in context.snapshot.objects else None


class CustomArgs(PageArgs):
    kind: str = Field("", max_length=200, description="a custom kind; empty lists the definitions")


class CustomResources(Result, frozen=True, kw_only=True):
    kinds: list[Row] = []
    items: list[Row] = []


@tool("observe_custom_resources", args=CustomArgs, result=CustomResources, title="Custom resources")
def custom_resources(args: CustomArgs, context: ToolContext) -> Answer:
    """CustomResourceDefinitions, or with kind the custom objects with their Ready conditions, worst first. Use for
    operators such as cert-manager or Argo. Not for built-in kinds. Example: {"kind":"Certificate"}."""
    from chalicelib.tools.listing import list_rows
    from chalicelib.tools.rows import entry_of

    view, world = context.view, context.world
    gaps = list(gaps_of(context.snapshot, "CustomResourceDefinition"))
    if not args.kind:
        crds = context.snapshot.of("CustomResourceDefinition")
        kinds = [
            {"kind": c.spec.names.kind, "group": c.spec.group, "scope": c.spec.scope,
             "versions": [v.name for v in c.spec.versions if v.served], "objects": _count(context, c.metadata.name),
             "status": world.status("CustomResourceDefinition", c).word, "name": c.metadata.name}
            for c in crds
        ]  # fmt: skip
        summary = f"{counted(len(crds), 'custom resource definition')}: {listed([k['kind'] for k in kinds], 10)}."
        return Answer(
            CustomResources(items=kinds), summary, gaps=gaps,
            cite=lambda r: state_evidence(world, Ref("CustomResourceDefinition", "", r["name"])),
        )  # fmt: skip
    entry = entry_of(context.snapshot, args.kind)
    listing = list_rows(view, entry.kind, namespace=args.namespace, limit=1000)
    items = [{"namespace": r["namespace"], "name": r["name"], "status": r["status"], "created_at": r["created_at"]}
             for r in listing.items]  # fmt: skip
    bad = [r for r in items if r["status"]["level"] in ("crit", "warn")]
    said = [f"{r['namespace']}/{r['name']} {r['status']['word']}" for r in bad]
    summary = f"{counted(len(items), entry.title)}, {len(bad)} not well{f': {listed(said, 5)}' if bad else ''}."
    if listing.total is None:
        summary = f"{plural(entry.title)} were not read, so nothing is known about them."
    return Answer(
        CustomResources(items=items), summary, gaps=[*gaps, *listing.gaps],
        cite=lambda r: state_evidence(world, Ref(entry.kind, r["namespace"], r["name"])),
    )  # fmt: skip
