"""Tools that look at objects of any kind: lists, one object, events, logs, use, relations."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chalicelib.errors import InvalidRequest
from chalicelib.state.evidence import Evidence, event_evidence, log_evidence, metric_evidence
from chalicelib.state.kinds.cluster import Event
from chalicelib.state.meta import Ref
from chalicelib.state.quantity import format_bytes, format_cores
from chalicelib.tools import events as event_lists
from chalicelib.tools import logs as log_reading
from chalicelib.tools import metrics, topology
from chalicelib.tools.citing import state_evidence
from chalicelib.tools.context import ToolContext
from chalicelib.tools.detail import conditions, containers, locate, shown_annotations
from chalicelib.tools.entry import Answer, ClusterArgs, NamespaceArgs, ObjectArgs, PageArgs, Result, Row, tool
from chalicelib.tools.gaps import gaps_of
from chalicelib.tools.listing import checked_namespace, level_counts, matching, ordered
from chalicelib.tools.moments import rfc3339, span
from chalicelib.tools.related import related, status_of
from chalicelib.tools.rows import entry_of, noun, problem_json, ref_json, row
from chalicelib.tools.wording import counted, listed, plural


class ResourcesArgs(PageArgs):
    kind: str = Field(max_length=100, description="Pod, svc, ...")
    labels: str = Field("", max_length=1000, description="selector")
    fields: str = Field("", max_length=1000, description="status.phase=Running")
    sort: str = Field("", max_length=60, description="-restarts")
    columns: list[str] = Field([], max_length=30)


class Resources(Result, frozen=True, kw_only=True):
    kind: str
    total: int | None = None
    levels: dict[str, int] = {}
    items: list[Row] = []


@tool("observe_resources", args=ResourcesArgs, result=Resources, title="List resources")
def resources(args: ResourcesArgs, context: ToolContext) -> Answer:
    """List objects of a kind, worst first, with exact counts. Use to find, filter, count. Not for one known object:
    observe_resource. Example: {"kind":"Pod","sort":"-restarts"}."""
    view, world = context.view, context.world
    entry = entry_of(view.snapshot, args.kind)
    namespace = checked_namespace(view, entry, args.namespace)
    rows = ordered(entry, args.sort)(matching(view, entry, namespace, None, args.labels, args.fields))
    levels = level_counts(rows)
    visible = args.columns or [c.key for c in entry.columns if not c.hidden]
    keep = ("namespace", "name", "status", "problem", "created_at", *visible)
    unknown_columns = (
        set(visible) - {c.key for c in entry.columns} - {"labels", "health", "uid", "created_at", "problem"}
    )
    if unknown_columns:
        raise InvalidRequest(
            f"columns: a {entry.kind} has no column {sorted(unknown_columns)[0][:60]!r}.",
            remedy=f"Choose from: {', '.join(c.key for c in entry.columns)}.",
            details={"field": "columns"},
        )
    known = entry.kind in view.snapshot.objects
    bad = [r for r in rows if r["status"]["level"] in ("crit", "warn")]
    said = [f"{_name(r)} {r['status']['word']}" for r in bad]
    where = f" in {namespace}" if namespace else ""
    summary = f"{counted(len(rows), noun(entry))}{where}, {len(bad)} not well" + (
        f": {listed(said, 6)}." if bad else "."
    )
    if not rows and known:
        summary = f"No {noun(entry)}{where} matches."
    elif not known:
        summary = f"{plural(noun(entry))} were not read, so nothing is known about them."
    return Answer(
        Resources(kind=entry.kind, total=len(rows) if known else None, levels=levels),
        summary,
        gaps=list(gaps_of(view.snapshot, entry.kind, namespace=namespace)),
        rows=rows,
        show=lambda r: {k: r[k] for k in keep if r[k] not in (None, "", [])},
        cite=lambda r: state_evidence(world, Ref(entry.kind, r["namespace"], r["name"])),
    )


def _name(found: Row) -> str:
    return f"{found['namespace']}/{found['name']}" if found.get("namespace") else str(found["name"])


class Resource(Result, frozen=True, kw_only=True):
    resource: Row
    row: Row = {}
    conditions: list[Row] = []
    problems: list[Row] = []
    containers: list[Row] = []
    events: list[Row] = []
    related: list[Row] = []
    annotations: dict[str, str] = {}


@tool("observe_resource", args=ObjectArgs, result=Resource, title="One resource")
def resource(args: ObjectArgs, context: ToolContext) -> Answer:
    """Everything about one object: status, conditions, problems, containers, events, related objects. Use when kind and
    name are known. Not to search: observe_resources. Example: {"kind":"Deployment","name":"web"}."""
    view, world = context.view, context.world
    entry, ref, obj = locate(view, args.kind, args.namespace, args.name)
    whole = row(entry, obj, view)
    problems = view.problems_of(ref)
    events = event_lists.about(view, ref)
    neighbours = related(view, ref)
    bad = [n for n in neighbours if n["status"]["level"] in ("crit", "warn")]
    found: list[Evidence | None] = [state_evidence(world, ref)]
    found += [e for p in problems[:3] for e in p.evidence[:4]]
    found += [event_evidence(view.snapshot.cluster, e) for e in events[:5] if e.type == "Warning"]
    data = Resource(
        resource=ref_json(ref),
        row={k: v for k, v in whole.items() if v not in (None, "", []) and k not in ("kind", "namespace", "name")},
        conditions=conditions(obj),
        problems=[problem_json(p) for p in problems[:3]],
        containers=containers(obj) or [],
        events=[event_lists.event_json(e) for e in events[:8]],
        related=neighbours[:15],
        annotations=shown_annotations(obj),
    )
    status = world.status(entry.kind, obj)
    parts = [f"{ref} is {status.word}{f' ({status.reason})' if status.reason else ''}."]
    parts += [f"{p.summary}." for p in problems[:2]]
    if events and events[0].type == "Warning":
        parts.append(f"Last event {events[0].reason}: {events[0].message}")
    if bad:
        parts.append(f"Related and not well: {listed([_related_text(n) for n in bad], 4)}.")
    clipped = [f"related: {len(neighbours) - 15} more"] if len(neighbours) > 15 else []
    clipped += [f"events: {len(events) - 8} more, see observe_events"] if len(events) > 8 else []
    return Answer(
        data, " ".join(parts), evidence=[e for e in found if e is not None], clipped=clipped,
        gaps=list(gaps_of(view.snapshot, entry.kind, "Event", namespace=ref.namespace)),
    )  # fmt: skip


def _related_text(item: Row) -> str:
    at = item["resource"]
    return f"{at['kind']} {at['name']} {item['status']['word']}"


class EventsArgs(PageArgs):
    kind: str = Field("", max_length=100)
    name: str = Field("", max_length=253, description="of the object")
    type: Literal["", "Warning", "Normal"] = ""
    reason: str = Field("", max_length=100)
    since: str = Field("", max_length=20, description="2h")


class EventsFound(Result, frozen=True, kw_only=True):
    reasons: dict[str, int] = {}
    items: list[Row] = []


@tool("observe_events", args=EventsArgs, result=EventsFound, title="Events")
def events(args: EventsArgs, context: ToolContext) -> Answer:
    """Events, newest first, of an object with what it owns, a namespace or all. Use to see what the cluster reported.
    Not for program output: observe_pod_logs. Example: {"namespace":"shop","type":"Warning"}."""
    view = context.view
    if bool(args.kind) != bool(args.name):
        raise InvalidRequest(
            "kind: kind and name go together.", remedy="Give both or neither.", details={"field": "kind"}
        )
    namespace = checked_namespace(view, None, args.namespace)
    since = context.snapshot.now - span(args.since) if args.since else None
    candidates = event_lists.newest_first(view.snapshot.of("Event"))
    about = ""
    if args.name:
        _, ref, _ = locate(view, args.kind, namespace, args.name)
        candidates, about, namespace = event_lists.about(view, ref), f" about {ref}", ""
    found = event_lists.select(candidates, namespace=namespace, type_=args.type, reason=args.reason, since=since)
    reasons: dict[str, int] = {}
    for event in found:
        reasons[event.reason] = reasons.get(event.reason, 0) + event.count
    reasons = dict(sorted(reasons.items(), key=lambda i: (-i[1], i[0]))[:12])
    warnings = [e for e in found if e.type == "Warning"]
    summary = f"{counted(len(found), 'event')}{about}, {len(warnings)} of them warnings."
    if warnings:
        summary += f" Newest warning: {_event_text(warnings[0])}"
    items = [event_lists.event_json(e) for e in found]
    sources = {id(item): event for item, event in zip(items, found, strict=True)}
    return Answer(
        EventsFound(reasons=reasons, items=items), summary,
        gaps=list(gaps_of(view.snapshot, "Event", namespace=namespace)),
        cite=lambda item: event_evidence(view.snapshot.cluster, sources[id(item)]),
    )  # fmt: skip


def _event_text(event: Event) -> str:
    return f"{event.reason} of {event.ref} at {rfc3339(event.last_seen)}: {event.message}"


class LogsArgs(ClusterArgs):
    name: str = Field(max_length=253)
    namespace: str = Field("", max_length=63)
    kind: str = Field("Pod", max_length=100, description="or a workload")
    container: str = Field("", max_length=63)
    previous: bool = Field(False, description="before the restart")
    since: str = Field("", max_length=20, description="15m")
    grep: str = Field("", max_length=200, description="text|text")
    tail: int = Field(200, ge=1, le=log_reading.MAX_TAIL)


class LogLines(Result, frozen=True, kw_only=True):
    container: str = ""
    containers: list[str] = []
    pods: list[str] = []
    total_lines: int = 0
    lines: list[str] = []
    """`number pod/container: text (+repeats)`"""


LOG_BUDGET_BYTES = 5200
LOG_LINE_CHARS = 500


@tool("observe_pod_logs", args=LogsArgs, result=LogLines, title="Pod logs", cost="cluster_read")
def pod_logs(args: LogsArgs, context: ToolContext) -> Answer:
    """Logs of a pod, or merged over a workload's pods; repeats folded, long logs keep head and tail. Use previous for
    crashes. Not for events: observe_events. Example: {"kind":"Deployment","name":"web","previous":true}."""
    view = context.view
    since = span(args.since) if args.since else None
    log = log_reading.collect(
        context.source(), view, args.kind, args.namespace, args.name,
        container=args.container, previous=args.previous, tail=args.tail, since=since, grep=args.grep,
    )  # fmt: skip
    folded = log_reading.fold(log.lines)
    texts = [_log_text(f, merged=log.merged) for f in folded]
    count = _fitting(texts)
    shown, left_out = log_reading.head_and_tail(folded, count)
    bad = [f.line for f in folded if f.line.level in ("crit", "error")]
    evidence = _log_evidence(context, args, log, [f.line for f in shown], bad)
    data = LogLines(
        container=log.container,
        containers=log.containers,
        pods=log.pods,
        total_lines=log.total,
        lines=[_log_text(f, merged=log.merged) for f in shown],
    )
    which = f"{'previous ' if args.previous else ''}log of {args.kind} {args.name}, container {log.container}"
    summary = f"{counted(log.total, 'line')} of the {which}; {len(bad)} look like errors."
    if bad:
        summary += f" Last of them: {bad[-1].text[:300]}"
    clipped = [f"lines: {left_out} lines between head and tail; narrow with grep or since"] if left_out else []
    if log.total > len(log.lines):
        clipped.append(f"lines: {log.total - len(log.lines)} older lines; ask for a longer tail")
    return Answer(data, summary, evidence=evidence, gaps=log.gaps, clipped=clipped)


def _log_text(folded: log_reading.Folded, *, merged: bool) -> str:
    line = folded.line
    where = f"{line.pod}: " if merged else ""
    repeats = f" (and {folded.repeats} more like it)" if folded.repeats else ""
    cut = len(line.text) - LOG_LINE_CHARS
    text = f"{line.text[:LOG_LINE_CHARS]}...({cut} characters left out)" if cut > 0 else line.text
    return f"{line.n} {where}{text}{repeats}"


def _fitting(texts: list[str]) -> int:
    """How many lines of average length fit into the budget."""
    size = sum(len(t.encode()) + 3 for t in texts)
    if size <= LOG_BUDGET_BYTES:
        return len(texts)
    largest = sorted((len(t.encode()) + 3 for t in texts), reverse=True)
    used = count = 0
    for one in largest:
        if used + one > LOG_BUDGET_BYTES:
            break
        used, count = used + one, count + 1
    return max(1, count)


def _log_evidence(
    context: ToolContext,
    args: LogsArgs,
    log: log_reading.Log,
    shown: list[log_reading.Line],
    bad: list[log_reading.Line],
) -> list[Evidence]:
    """One slice for each pod: its last error lines, else its last lines."""
    found = []
    namespace = args.namespace or _namespace_of(context, args)
    for pod in log.pods[:5]:
        mine = [x for x in bad if x.pod == pod][-5:] or [x for x in shown if x.pod == pod][-5:]
        if mine:
            lines = [(x.n, x.text[:LOG_LINE_CHARS]) for x in mine]
            text = f"log of {mine[-1].container} in {pod}: {mine[-1].text[:200]}"
            ref, cluster = Ref("Pod", namespace, pod), context.snapshot.cluster
            found.append(log_evidence(cluster, ref, mine[-1].container, lines, text, previous=log.previous))
    return found


def _namespace_of(context: ToolContext, args: LogsArgs) -> str:
    return locate(context.view, args.kind, args.namespace, args.name)[1].namespace


class MetricsArgs(PageArgs):
    by: Literal["pod", "workload", "node", "namespace"] = "pod"


class MetricsFound(Result, frozen=True, kw_only=True):
    """`kind` of an item says what it is the use of."""

    items: list[metrics.Use] = []


@tool("observe_metrics", args=MetricsArgs, result=MetricsFound, title="Resource use")
def resource_metrics(args: MetricsArgs, context: ToolContext) -> Answer:
    """CPU (cores) and memory (bytes) used now against requests and limits, fullest first. Use for OOM and full nodes.
    Not for history. Example: {"by":"node"}."""
    world = context.world
    namespace = checked_namespace(context.view, None, args.namespace)
    items = metrics.usage_by(world, args.by, namespace)
    gap = metrics.metrics_gap(context.snapshot)
    said = [f"{_where(u)} {_use_text(u)}" for u in items[:3] if u.cpu_ratio is not None or u.memory_ratio is not None]
    summary = f"Use of {counted(len(items), args.by)}" + (f"; fullest: {'; '.join(said)}." if said else ".")
    if gap is not None:
        summary = (
            f"No use was measured ({gap.message}); requests and limits of {counted(len(items), args.by)} are shown."
        )
    kinds = ("Node", "Pod") if args.by == "node" else ("Pod",)
    cluster, at = context.snapshot.cluster, context.snapshot.now

    def cite(use: metrics.Use) -> Evidence | None:
        if use.cpu is None and use.memory is None:
            return None
        ref = Ref(use.kind, use.namespace, use.name)
        return metric_evidence(cluster, ref, "metrics.k8s.io", {"cpu": use.cpu, "memory": use.memory},
                               f"{ref} uses {_use_text(use)}", at=at)  # fmt: skip

    return Answer(
        MetricsFound(items=items), summary, cite=cite,
        gaps=[*gaps_of(context.snapshot, *kinds, namespace=namespace), *([gap] if gap else [])],
    )  # fmt: skip


def _where(use: metrics.Use) -> str:
    return f"{use.namespace}/{use.name}" if use.namespace else use.name


def _use_text(use: metrics.Use) -> str:
    parts = []
    if use.cpu is not None:
        share = f" ({use.cpu_ratio:.0%})" if use.cpu_ratio is not None else ""
        parts.append(f"{format_cores(use.cpu)} cores{share}")
    if use.memory is not None:
        share = f" ({use.memory_ratio:.0%})" if use.memory_ratio is not None else ""
        parts.append(f"{format_bytes(use.memory)}{share}")
    return ", ".join(parts)


class TopologyArgs(NamespaceArgs):
    kind: str = Field("", max_length=100, description="with name: around it")
    name: str = Field("", max_length=253)
    depth: int = Field(1, ge=1, le=3)


class TopologyFound(Result, frozen=True, kw_only=True):
    nodes: list[Row] = []
    edges: list[Row] = []


@tool("observe_topology_graph", args=TopologyArgs, result=TopologyFound, title="Topology graph")
def topology_graph(args: TopologyArgs, context: ToolContext) -> Answer:
    """Nodes and edges around an object or of a namespace: owners, selectors, mounts, routes. Use to draw relations. Not
    for impact: analyze_blast_radius. Example: {"namespace":"shop"}."""
    view, world = context.view, context.world
    if bool(args.kind) != bool(args.name):
        raise InvalidRequest(
            "kind: kind and name go together.", remedy="Give both or neither.", details={"field": "kind"}
        )
    if args.name:
        _, ref, _ = locate(view, args.kind, args.namespace, args.name)
        found, where = topology.around(world, ref, args.depth), str(ref)
    else:
        namespace = checked_namespace(view, None, args.namespace)
        if not namespace:
            raise InvalidRequest(
                "namespace: name one namespace, or an object by kind and name.",
                remedy=f"Choose one of: {listed(view.snapshot.namespaces(), 20)}.",
                details={"field": "namespace"},
            )
        found, where = topology.of_namespace(world, namespace), f"namespace {namespace}"
    numbers = {ref: i for i, ref in enumerate(found.nodes)}
    nodes = []
    for ref, number in numbers.items():
        status = status_of(world, ref)
        nodes.append({"id": number, **ref_json(ref), "status": status["word"], "level": status["level"]})
    edges = [{"from": numbers[e.source], "to": numbers[e.target], "relation": e.relation} for e in found.edges]
    bad = [f"{n['kind']} {n['name']} {n['status']}" for n in nodes if n["level"] in ("crit", "warn")]
    size = f"{counted(len(nodes), 'object')} and {counted(len(edges), 'relation')}"
    summary = f"{size} around {where}; not well: {listed(bad, 6)}."
    clipped = [f"nodes: {found.omitted} more objects"] if found.omitted else []
    evidence = [
        e
        for r in list(numbers)[:10]
        if (e := state_evidence(world, r)) is not None and status_of(world, r)["level"] in ("crit", "warn")
    ]
    return Answer(
        TopologyFound(nodes=nodes, edges=edges), summary, evidence=evidence, clipped=clipped,
        gaps=list(gaps_of(view.snapshot, "Pod", "Service")),
    )  # fmt: skip
