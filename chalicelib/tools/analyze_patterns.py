"""Tools that look for what faults have in common: the same mode, place or image, and what happened together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta

from pydantic import Field

from chalicelib.analytics.incidents import Incident, Signal, Trigger, group
from chalicelib.state.diff import Change, diff
from chalicelib.state.evidence import Evidence
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Gap
from chalicelib.state.world import World
from chalicelib.tools.citing import state_evidence
from chalicelib.tools.context import ToolContext
from chalicelib.tools.entry import Answer, PageArgs, Result, Row, tool
from chalicelib.tools.gaps import gaps_of
from chalicelib.tools.listing import checked_namespace
from chalicelib.tools.moments import moment, rfc3339
from chalicelib.tools.observe_history import changes_in_one, counts_as_change, reading_before
from chalicelib.tools.rows import ref_json
from chalicelib.tools.signals import nearness, signals_of
from chalicelib.tools.wording import counted, listed, phrases

MIN_ALIKE = 2
MIN_LIFT = 1.5
"""How much more often pods with a trait fail than all pods, before the trait is told."""
RESOURCES_SHOWN = 8
TIMELINE_SHOWN = 8


class PatternsArgs(PageArgs):
    """Failures of the namespace, or of the whole cluster."""


class Pattern(Result, frozen=True, kw_only=True):
    pattern: str
    """mode, node, image, registry, exit_code or owner."""
    value: str
    failing: int
    of: int = 0
    lift: float | None = None
    resources: list[str] = []
    text: str = ""


class Patterns(Result, frozen=True, kw_only=True):
    failing_pods: int = 0
    pods: int = 0
    modes: dict[str, int] = {}
    items: list[Pattern] = []


@tool("analyze_failure_patterns", args=PatternsArgs, result=Patterns, title="Failure patterns")
def failure_patterns(args: PatternsArgs, context: ToolContext) -> Answer:
    """What failures share: one mode in several objects, or pods that fail more on a node, image, registry or exit code.
    Use when many things fail. Not for times: analyze_correlation_patterns. Example: {"namespace":"shop"}."""
    view, world = context.view, context.world
    namespace = checked_namespace(view, None, args.namespace)
    pods = [p for p in view.snapshot.of("Pod") if not p.finished and namespace in ("", p.metadata.namespace)]
    failing = [p for p in pods if world.status("Pod", p).level in ("crit", "warn")]
    problems = [p for p in view.diagnosis.problems if namespace in ("", p.resource.namespace)]
    modes = Counter(p.mode for p in problems)
    items = [
        Pattern(
            pattern="mode", value=mode, failing=count,
            resources=[str(p.resource) for p in problems if p.mode == mode][:RESOURCES_SHOWN],
            text=f"{count} objects fail in the same way: {next(p.title for p in problems if p.mode == mode)}",
        )
        for mode, count in modes.most_common() if count >= MIN_ALIKE
    ]  # fmt: skip
    items += sorted(_traits(world, pods, failing), key=lambda i: (-(i.lift or 0), -i.failing, i.pattern, i.value))
    said = [f"{i.text}" for i in items]
    summary = f"{len(failing)} of {counted(len(pods), 'pod')} fail, {counted(len(problems), 'problem')}. " + (
        phrases(said, 3) + "." if said else "Nothing is common to them."
    )
    return Answer(
        Patterns(failing_pods=len(failing), pods=len(pods), modes=dict(modes.most_common()), items=items), summary,
        evidence=[e for p in problems[:3] for e in p.evidence[:1]],
        gaps=list(gaps_of(view.snapshot, "Pod", "Event", namespace=namespace)),
    )  # fmt: skip


def _traits(world: World, pods: list[Pod], failing: list[Pod]) -> Iterator[Pattern]:
    """Traits of pods that fail clearly more often than pods in general."""
    if len(failing) < MIN_ALIKE or not pods:
        return
    base = len(failing) / len(pods)
    sick = {p.metadata.uid or f"{p.metadata.namespace}/{p.metadata.name}" for p in failing}
    groups: dict[tuple[str, str], list[Pod]] = defaultdict(list)
    for pod in pods:
        for trait in set(_traits_of(world, pod)):
            groups[trait].append(pod)
    for (pattern, value), members in groups.items():
        bad = [p for p in members if (p.metadata.uid or f"{p.metadata.namespace}/{p.metadata.name}") in sick]
        owners = {world.graph.owner_of(world.ref_of(p)) for p in bad}
        lift = len(bad) / len(members) / base
        # One workload alone is not a pattern: its pods share everything.
        if len(bad) < MIN_ALIKE or len(owners) < MIN_ALIKE or lift < MIN_LIFT:
            continue
        named = sorted(str(o) for o in owners)[:RESOURCES_SHOWN]
        told = f"{pattern.replace('_', ' ')} {value}"
        text = f"{len(bad)} of {len(members)} pods with {told} fail ({lift:.1f} times as often)"
        yield Pattern(
            pattern=pattern, value=value, failing=len(bad), of=len(members), lift=round(lift, 2), resources=named,
            text=text,
        )  # fmt: skip


def _traits_of(world: World, pod: Pod) -> Iterator[tuple[str, str]]:
    if pod.spec.node_name:
        yield "node", pod.spec.node_name
    for container in pod.spec.containers:
        image = container.image.partition("@")[0]
        yield "image", image
        first, slash, _ = image.partition("/")
        yield "registry", first if slash and ("." in first or ":" in first) else "docker.io"
    for status in pod.status.all_statuses:
        ended = status.state.terminated or status.last_state.terminated
        if ended is not None and ended.exit_code:
            yield "exit_code", str(ended.exit_code)


class CorrelationArgs(PageArgs):
    since: str = Field("6h", max_length=40, description="2h or RFC 3339")


class IncidentRow(Result, frozen=True, kw_only=True):
    started: str | None = None
    trigger: Row | None = None
    """{resource, text, at, before_s, confidence}; absent when no change is near enough."""
    symptoms: int = 0
    changes: int = 0
    events: int = 0
    resources: list[str] = []
    timeline: list[Row] = []


class Correlations(Result, frozen=True, kw_only=True):
    since: str = ""
    compared_with: str | None = None
    items: list[IncidentRow] = []


@tool("analyze_correlation_patterns", args=CorrelationArgs, result=Correlations, title="What happened together")
def correlation_patterns(args: CorrelationArgs, context: ToolContext) -> Answer:
    """Symptoms, events and changes grouped into incidents, each with its likely trigger (rollout, config change, node
    event). Use to find what set it off. Not for causes: troubleshoot_*. Example: {"since":"2h"}."""
    view, world = context.view, context.world
    namespace = checked_namespace(view, None, args.namespace)
    since = moment(args.since, view.snapshot.now, "since")
    earlier = reading_before(context, since)
    changes: Iterable[Change] = diff(earlier, view.snapshot) if earlier is not None else changes_in_one(world, since)
    told = [c for c in changes if counts_as_change(c, "", False) and c.ref.kind not in ("Pod", "Job")]
    gaps = list(gaps_of(view.snapshot, "Event", "Pod", namespace=namespace))
    if earlier is None:
        unseen = "no older reading to compare with: only rollouts and new objects are seen as changes"
        gaps.append(Gap(kind="Snapshot", reason="not_recorded", message=unseen))
    found = group(signals_of(world, view.diagnosis, told, since), nearness(world))
    kept = [i for i in found if not namespace or any(r.namespace == namespace for r in i.resources)]
    items = [_incident_row(i) for i in kept]
    triggered = sum(i.trigger is not None for i in items)
    summary = f"{counted(len(items), 'incident')}, {triggered} with a likely trigger." + _told(kept)
    return Answer(
        Correlations(
            since=rfc3339(since) or "", compared_with=rfc3339(earlier.taken_at) if earlier else None, items=items
        ),
        summary, gaps=gaps, rows=kept, show=_incident_row, cite=lambda incident: _cite(world, incident),
    )  # fmt: skip


def _told(incidents: list[Incident]) -> str:
    first = next((i for i in incidents if i.trigger), incidents[0] if incidents else None)
    if first is None:
        return ""
    what = listed(list(first.resources), 3)
    if first.trigger is None:
        return f" Latest: {what}."
    return f" {what}: likely since {first.trigger.signal.text[:160]}{_earlier(first.trigger)}."


def _earlier(trigger: Trigger) -> str:
    return f" ({timedelta(seconds=int(trigger.before_s))} before)" if trigger.before_s and trigger.before_s > 0 else ""


def _incident_row(incident: Incident) -> IncidentRow:
    trigger = incident.trigger
    return IncidentRow(
        started=rfc3339(incident.started),
        trigger={
            "resource": ref_json(trigger.signal.ref), "text": trigger.signal.text, "at": rfc3339(trigger.signal.at),
            "before_s": trigger.before_s, "confidence": trigger.confidence,
        } if trigger else None,
        symptoms=len(incident.symptoms),
        changes=sum(s.type in ("change", "node") for s in incident.signals),
        events=sum(s.type == "event" for s in incident.signals),
        resources=[str(r) for r in incident.resources[:RESOURCES_SHOWN]],
        timeline=[{"at": rfc3339(s.at), "type": s.type, "text": s.text[:200]} for s in _told_signals(incident)],
    )  # fmt: skip


def _told_signals(incident: Incident) -> list[Signal]:
    """The trigger, the symptoms, and other signals as far as there is room, in order of time."""
    ranked = sorted(
        incident.signals,
        key=lambda s: (
            incident.trigger is None or s != incident.trigger.signal,
            s.type != "symptom",
            s.type == "event",
        ),
    )
    chosen = ranked[:TIMELINE_SHOWN]
    return [s for s in incident.signals if s in chosen]


def _cite(world: World, incident: Incident) -> Evidence | None:
    refs: list[Ref] = [*([incident.trigger.signal.ref] if incident.trigger else []), *incident.resources]
    return next((e for r in refs if (e := state_evidence(world, r)) is not None), None)
