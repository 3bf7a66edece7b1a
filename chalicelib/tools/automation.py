"""Tools for what runs again or later: schedules, playbooks, alert rules, runbooks, looks at old causes.

None changes a cluster: what would is proposed, and waits for a person.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import yaml
from pydantic import Field

from chalicelib.errors import InvalidRequest, NotFound, Unavailable
from chalicelib.rootcause import scoped
from chalicelib.tools.action import OneClusterArgs
from chalicelib.tools.changing import Asked, asked, changing, needs, run_told, told
from chalicelib.tools.context import ToolContext
from chalicelib.tools.detail import locate
from chalicelib.tools.entry import Answer, Args, ClusterArgs, Result, Row, tool
from chalicelib.tools.listing import checked_namespace
from chalicelib.tools.moments import span
from chalicelib.tools.wording import counted

if TYPE_CHECKING:
    from chalicelib.rootcause import Problem

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]


class ScheduleArgs(OneClusterArgs):
    name: str = Field(max_length=80)
    namespaces: list[str] = Field(max_length=20)
    days: list[str] = Field(WEEKDAYS, max_length=7)
    start: str = Field("08:00", max_length=5, description="awake from")
    end: str = Field("19:00", max_length=5)
    timezone: str = Field("UTC", max_length=64)
    exclude: list[str] = Field([], max_length=50, description="workloads left alone")


class Proposed(Result, frozen=True, kw_only=True):
    id: str = ""
    needs: str = ""
    refused: list[str] = []
    items: list[Row] = []


@tool("automation_create_schedule", args=ScheduleArgs, result=Proposed, permission="changes:write", read_only=False,
      idempotent=False, title="Propose a sleep schedule")  # fmt: skip
def create_schedule(args: ScheduleArgs, context: ToolContext) -> Answer:
    """Propose hours in which development namespaces are awake; else they sleep at zero replicas. An administrator
    puts it in force. Use for idle ones. Not for one shutdown now. Example: {"name":"nights","namespaces":["dev"]}."""
    from chalicelib.safety.policies import Window

    if context.record is None:
        raise RuntimeError("this tool was registered without a cluster argument")
    awake = Window(days=tuple(args.days), start=args.start, end=args.end, timezone=args.timezone)
    made = changing(context).schedules.propose(
        context.principal, context.record, args.name, args.namespaces, awake, args.exclude
    )
    wanted = f"the typed confirmation {made.name!r} by an administrator, in the web interface or the API"
    return Answer(
        Proposed(id=made.id, needs=wanted),
        f"Schedule {made.name} is proposed for {counted(len(made.namespaces), 'namespace')} and not in force yet.",
    )


class PlaybookArgs(OneClusterArgs):
    playbook: str = Field(max_length=80)
    arguments: dict[str, str] = Field({}, description="see automation_list")


@tool("automation_run_playbook", args=PlaybookArgs, result=Proposed, permission="changes:write", cost="cluster_read",
      read_only=False, idempotent=False, title="Plan a playbook")  # fmt: skip
def run_playbook(args: PlaybookArgs, context: ToolContext) -> Answer:
    """Plan a playbook: every step previewed, nothing changed until a person approves the run. Use for sequences such as
    draining a node or shutting a namespace down. Not for one action. Example:
    {"playbook":"drain-node","arguments":{"node":"node-1"}}."""
    if context.record is None:
        raise RuntimeError("this tool was registered without a cluster argument")
    room = changing(context)
    run = room.runs.create(context.principal, context.record, args.playbook, args.arguments)
    steps = [room.safety.get(context.principal, change) for change in run.changes]
    rows: list[Row] = [
        {"n": n, "change": step.id, "summary": step.summary, "verdict": step.preview.verdict}
        for n, step in enumerate(steps, 1)
    ]
    waiting = needs(run.requirement, f"run {run.id}") if run.status == "pending" else ""
    return Answer(Proposed(id=run.id, needs=waiting, refused=list(run.violations), items=rows), run_told(run))


class AlertRuleArgs(OneClusterArgs):
    namespace: str = Field(max_length=63)
    name: str = Field(max_length=63, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")
    alert: str = Field(max_length=80, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    expr: str = Field(max_length=2000, description="PromQL")
    for_: str = Field("5m", alias="for", max_length=10)
    severity: str = Field("warning", max_length=20)
    summary: str = Field("", max_length=300)
    labels: dict[str, str] = {}


@tool("automation_create_alert_rule", args=AlertRuleArgs, result=Asked, permission="changes:write",
      cost="cluster_read", read_only=False, idempotent=False, title="Alert rule")  # fmt: skip
def create_alert_rule(args: AlertRuleArgs, context: ToolContext) -> Answer:
    """Ask for a PrometheusRule with one alert; returns a change request. Use when told what shall ring. Not for
    silences. Example: {"namespace":"shop","name":"cart","alert":"CartDown","expr":"absent(up)"}."""
    if context.record is None:
        raise RuntimeError("this tool was registered without a cluster argument")
    rule = {
        "alert": args.alert, "expr": args.expr, "for": args.for_, "labels": {"severity": args.severity},
        "annotations": {"summary": args.summary or args.alert},
    }  # fmt: skip
    manifest: Row = {
        "apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
        "metadata": {"name": args.name, "namespace": args.namespace, "labels": args.labels},
        "spec": {"groups": [{"name": args.name, "rules": [rule]}]},
    }  # fmt: skip
    text = yaml.safe_dump(manifest, sort_keys=False)
    try:
        made = changing(context).safety.create(
            context.principal, context.record, "apply", {"manifest": text}, channel="tool",
            reason=f"alert rule {args.alert}",
        )  # fmt: skip
    except NotFound as error:
        if error.code != "unknown_kind":
            raise
        raise InvalidRequest(
            "This cluster has no PrometheusRule objects: the Prometheus Operator is not installed.",
            code="no_prometheus_operator", remedy="Add the rule to the rule files of your Prometheus.",
            details={"groups": manifest["spec"]["groups"]},
        ) from None  # fmt: skip
    return Answer(asked(made), told(made))


class RunbookArgs(ClusterArgs):
    namespace: str = Field("", max_length=63)
    kind: str = Field("", max_length=100)
    name: str = Field("", max_length=253)


class Runbook(Result, frozen=True, kw_only=True):
    markdown: str = ""
    items: list[Row] = []


@tool("automation_generate_runbook", args=RunbookArgs, result=Runbook, title="Runbook for what is wrong")
def generate_runbook(args: RunbookArgs, context: ToolContext) -> Answer:
    """A runbook in Markdown for present problems: symptom, cause, what to check, remedy, how to verify, how to take it
    back. Use to hand an incident over. Not for a live investigation. Example: {"namespace":"shop"}."""
    view = context.view
    diagnosis = view.diagnosis
    if args.name:
        _, ref, _ = locate(view, args.kind or "Deployment", args.namespace, args.name)
        diagnosis = scoped(diagnosis, view.world, target=ref)
        where = f"{ref.kind} {ref.namespace}/{ref.name}" if ref.namespace else f"{ref.kind} {ref.name}"
    else:
        namespace = checked_namespace(view, None, args.namespace)
        where = f"namespace {namespace}" if namespace else "the cluster"
        diagnosis = scoped(diagnosis, view.world, namespace=namespace) if namespace else diagnosis
    problems = diagnosis.problems[:5]
    title = f"# Runbook: {where} of {context.record.name if context.record else ''}"
    parts = [title, *(_section(n, problem) for n, problem in enumerate(problems, 1))]
    if not problems:
        parts.append("Nothing is wrong that is known, so there is nothing to do.")
    return Answer(
        Runbook(markdown="\n\n".join(parts)), f"A runbook for {counted(len(problems), 'problem')} in {where}.",
        evidence=[e for problem in problems for e in problem.evidence[:3]],
    )  # fmt: skip


def _section(n: int, problem: Problem) -> str:
    ref = problem.resource
    flag = f" -n {ref.namespace}" if ref.namespace else ""
    lines = [f"## {n}. {problem.title}: {ref.kind} {ref.name}", f"**What is wrong.** {problem.summary}"]
    if problem.chain:
        lines.append("**How it shows.** " + " -> ".join(problem.chain))
    lines.append(f"**How sure.** {round(problem.probability * 100)} %" + (
        f"; to be surer: {'; '.join(problem.missing)}" if problem.missing else ""))  # fmt: skip
    checks = [
        f"kubectl describe {ref.kind.lower()} {ref.name}{flag}",
        f"kubectl get events{flag} --sort-by=.lastTimestamp",
    ]
    lines.append("**Check.**\n\n" + "\n".join(f"    {one}" for one in checks))
    remedy = problem.remedy.text or "No remedy is known: gather the evidence named above."
    lines.append(f"**Remedy.** {remedy}" + (f"\n\n    {problem.remedy.command}" if problem.remedy.command else ""))
    lines.append("**Verify.** Ask again what is wrong: this entry is gone, and nothing new has come.")
    return "\n\n".join(lines)


class FollowUpArgs(Args):
    investigation: str = Field(max_length=40)
    after: str = Field("1h", max_length=12)
    every: str = Field("", max_length=12)
    times: int = Field(1, ge=1, le=50)


class Planned(Result, frozen=True, kw_only=True):
    due: datetime


@tool("automation_create_follow_up", args=FollowUpArgs, result=Planned, permission="investigations:write",
      read_only=False, title="Look again later")  # fmt: skip
def create_follow_up(args: FollowUpArgs, context: ToolContext) -> Answer:
    """Plan looks at whether an investigation's cause is still there. Use after a fix. Not for new questions. Example:
    {"investigation":"iv_x","after":"1h"}."""
    if context.investigator is None:
        raise Unavailable("Looks cannot be planned from here.", remedy="Plan it by itself.")
    every = span(args.every, "every") if args.every else None
    due = context.investigator.plan_look(
        context.principal, args.investigation, span(args.after, "after"), every, args.times
    )
    return Answer(Planned(due=due), f"The cause is looked at again at {due:%Y-%m-%d %H:%M} UTC.")


class ListArgs(Args):
    kind: Literal["", "playbook", "schedule", "run"] = ""


class Automations(Result, frozen=True, kw_only=True):
    items: list[Row] = []


@tool("automation_list", args=ListArgs, result=Automations, permission="changes:read", title="Automation")
def list_automation(args: ListArgs, context: ToolContext) -> Answer:
    """Playbooks with their parameters, schedules and runs. Use to see what is automated or can be. Not for
    investigations. Example: {"kind":"playbook"}."""
    from chalicelib.safety.playbooks import playbooks

    room = changing(context)
    rows: list[Row] = [
        {"kind": "playbook", "id": one.id, "name": one.name, "parameters": one.parameters} for one in playbooks()
    ]
    rows += [
        {"kind": "schedule", "id": one.id, "name": one.name, "namespaces": list(one.namespaces),
         "state": one.state or ("proposed" if not one.signature else "in force"), "error": one.last_error}
        for one in room.schedules.all(context.principal.tenant)
    ]  # fmt: skip
    rows += [
        {"kind": "run", "id": one.id, "name": one.name, "state": one.status}
        for one in room.runs.list(context.principal)
    ]
    items = [row for row in rows if args.kind in ("", row["kind"])]
    return Answer(Automations(items=items), f"{counted(len(items), 'entry')} of automation.")
