"""A tool that looks at logs as templates: what is new, what surges, and what only failing pods say."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from chalicelib.analytics.log_templates import Split, Template, continues, templates_of
from chalicelib.state.evidence import Evidence, log_evidence
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Gap
from chalicelib.tools import logs as log_reading
from chalicelib.tools.context import ToolContext
from chalicelib.tools.detail import locate
from chalicelib.tools.entry import Answer, PageArgs, Result, tool
from chalicelib.tools.moments import span
from chalicelib.tools.wording import counted, phrases

TEXT_CHARS = 300


class LogPatternsArgs(PageArgs):
    name: str = Field(max_length=253)
    namespace: str = Field("", max_length=63)
    kind: str = Field("Pod", max_length=100)
    container: str = Field("", max_length=63)
    previous: bool = False
    recent: str = Field("10m", max_length=20)


class LogPattern(Result, frozen=True, kw_only=True):
    template: str
    count: int
    level: str = "info"
    change: str = ""
    """new, surging or vanished in the recent span."""
    only_failing: bool = False
    example: str = ""


class LogPatterns(Result, frozen=True, kw_only=True):
    items: list[LogPattern] = []


@tool("analyze_log_patterns", args=LogPatternsArgs, result=LogPatterns, title="Log patterns", cost="cluster_read")
def log_patterns(args: LogPatternsArgs, context: ToolContext) -> Answer:
    """Templates of log lines: new, surging, vanished (last 10m against before), or only in failing pods.
    Use to find the telling line. Not to read: observe_pod_logs. Example: {"kind":"Deployment","name":"web"}."""
    view, world = context.view, context.world
    _, asked, _ = locate(view, args.kind, args.namespace, args.name)
    owner = world.graph.owner_of(asked) if asked.kind == "Pod" else asked
    log = _read(context, owner, args)
    if asked.kind == "Pod" and asked.name not in log.pods:
        log = _read(context, asked, args)
    heads = [line for line in log.lines if line.text.strip() and not continues(line.text)]
    subjects, others = _sides(context, asked, log.pods)
    recent = span(args.recent, "recent")
    found, split = templates_of(heads, view.as_of, recent, subjects=subjects, others=others)

    def show(template: Template) -> LogPattern:
        return LogPattern(
            template=template.text[:TEXT_CHARS], count=template.count, level=template.level, change=template.change,
            only_failing=template.only_in, example=heads[template.lines[-1]].text[:TEXT_CHARS],
        )  # fmt: skip

    def cite(template: Template) -> Evidence:
        lines = [heads[place] for place in template.lines]
        last = lines[-1]
        quoted = [(line.n, line.text[: log_reading.LINE_CHARS]) for line in lines if line.pod == last.pod]
        text = f"log of {last.container} in {last.pod}: {last.text[:200]}"
        pod = Ref("Pod", owner.namespace, last.pod)
        return log_evidence(context.snapshot.cluster, pod, last.container, quoted, text, previous=args.previous)

    return Answer(
        LogPatterns(),
        _summary(owner, found, len(heads), recent, len(others)), rows=found, show=show, cite=cite,
        gaps=[*log.gaps, *_gaps(heads, split, recent)],
    )  # fmt: skip


def _read(context: ToolContext, ref: Ref, args: LogPatternsArgs) -> log_reading.Log:
    return log_reading.collect(
        context.source(), context.view, ref.kind, ref.namespace, ref.name,
        container=args.container, previous=args.previous, tail=log_reading.MAX_TAIL,
    )  # fmt: skip


def _sides(context: ToolContext, asked: Ref, pods: list[str]) -> tuple[set[str], set[str]]:
    """(the pods asked about, their siblings): one pod and the others, else the failing ones and the well ones."""
    if asked.kind == "Pod":
        return {asked.name}, set(pods) - {asked.name}
    held = [p for name in pods if (p := context.snapshot.find(Ref("Pod", asked.namespace, name))) is not None]
    failing = {p.metadata.name for p in held if context.world.status("Pod", p).level in ("crit", "warn")}
    return failing, {p.metadata.name for p in held} - failing


def _summary(owner: Ref, found: list[Template], lines: int, recent: timedelta, others: int) -> str:
    told = []
    for template in found:
        words = [w for w in (template.change, "only in failing pods" if template.only_in else "") if w]
        if words or template.level in ("crit", "error"):
            said = ", ".join([*words, f"{template.count} times"])
            told.append(f"“{template.text[:120]}” ({said})")
    minutes = int(recent.total_seconds() // 60)
    summary = f"{counted(lines, 'line')} of the log of {owner} in {counted(len(found), 'template')}"
    summary += f", compared with {counted(others, 'other pod')}." if others else "."
    if told:
        return f"{summary} Telling: {phrases(told, 3)}."
    return f"{summary} No errors, and nothing is new or surging in the last {minutes} minutes."


def _gaps(heads: list[log_reading.Line], split: Split, recent: timedelta) -> list[Gap]:
    """Why nothing can be said of change."""
    if not heads:
        return []
    if not split.recent and not split.before:
        return [Gap(kind="Log", reason="partial", message="lines carry no time, so what is new cannot be told")]
    if not split.before:
        message = f"nothing is older than {int(recent.total_seconds() // 60)} minutes, so what is new cannot be told"
        return [Gap(kind="Log", reason="partial", message=message)]
    return []
