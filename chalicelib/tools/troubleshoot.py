"""Tools that investigate: each follows a template, keeps its steps, and answers with hypotheses and what to do.

An investigation that takes longer than the caller waits goes on; its id reads what was found by then.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from chalicelib.errors import Unavailable
from chalicelib.state.meta import Ref
from chalicelib.tools.context import ToolContext
from chalicelib.tools.detail import locate
from chalicelib.tools.entry import Answer, NamespaceArgs, Result, Row, ToolFunction, tool
from chalicelib.tools.inquiry import Examined, Inquiry
from chalicelib.tools.listing import checked_namespace
from chalicelib.tools.rows import entry_of
from chalicelib.tools.wording import counted

MAX_WAIT_S = 25.0
STEPS_SHOWN = 12


class TroubleshootArgs(NamespaceArgs):
    name: str = Field("", max_length=253)
    kind: str = Field("", max_length=100)
    question: str = Field("", max_length=500)
    investigation: str = Field("", max_length=40, description="id: read this one")
    wait_s: float = Field(20.0, ge=0, le=MAX_WAIT_S)


class Findings(Result, frozen=True, kw_only=True):
    investigation: str = ""
    status: str = ""
    outcome: str = ""
    scope: str = ""
    remedy: Row | None = None
    similar: list[Row] = []
    steps: list[str] = []
    items: list[Row] = []
    """Hypotheses: {kind, namespace, name, mode, title, status, probability, summary, why, missing}."""


def _troubleshoot(template: str, kind: str, question: str) -> ToolFunction[TroubleshootArgs]:
    def run(args: TroubleshootArgs, context: ToolContext) -> Answer:
        investigator = context.investigator
        if investigator is None:
            raise Unavailable("Investigations cannot be started from here.", remedy="Use the observe tools.")
        if args.investigation:
            return _answer(investigator.told(context.principal, args.investigation))
        namespace = checked_namespace(context.view, None, args.namespace)
        target = _target(args, kind, namespace, context)
        asked = args.question or question.format(
            what=target or (f"namespace {namespace}" if namespace else "the cluster")
        )
        inquiry = Inquiry(
            cluster=context.cluster_id, question=asked, template=template, namespace=namespace, target=target,
            scoped=not args.question, wait_s=args.wait_s, trigger=context.via,
        )  # fmt: skip
        return _answer(investigator.examine(context.principal, inquiry))

    return run


def _target(args: TroubleshootArgs, kind: str, namespace: str, context: ToolContext) -> Ref | None:
    """The object that is named; one that does not exist is an outcome of the investigation, not an error."""
    if not args.name:
        return None
    if args.kind:
        entry = entry_of(context.view.snapshot, args.kind)
        return Ref(entry.kind, namespace if entry.namespaced else "", args.name)
    for candidate in (kind, "Deployment", "StatefulSet", "DaemonSet", "Pod", "Service", "Job", "CronJob"):
        try:
            return locate(context.view, candidate, namespace, args.name)[1]
        except Exception as error:
            if getattr(error, "status", 0) != 404:
                raise
    return Ref(kind, namespace if entry_of(context.view.snapshot, kind).namespaced else "", args.name)


def _answer(found: Examined) -> Answer:
    if found.running:
        summary = f"Still running, at step {len(found.steps)}. Call again with investigation {found.id}."
    else:
        likely = [h for h in found.hypotheses if h["status"] != "refuted"]
        summary = found.message or f"{counted(len(likely), 'hypothesis')}."
    return Answer(
        Findings(
            investigation=found.id,
            status=found.status,
            outcome=found.outcome,
            scope=found.scope,
            remedy=dict(found.remedy) if found.remedy else None,
            similar=[_similar(a) for a in found.alike],
            steps=[f"{s['n']} {s['title']}{' (failed)' if s['failed'] else ''}" for s in found.steps[-STEPS_SHOWN:]],
            items=[_hypothesis(h) for h in found.hypotheses],
        ),
        summary,
        evidence=list(found.evidence),
        gaps=list(found.gaps),
        clipped=[found.unkept] if found.unkept else [],
    )


def _hypothesis(row: Row) -> Row:
    fields = ("kind", "namespace", "name", "mode", "title", "status", "probability", "summary", "why", "missing")
    return {field: row[field] for field in fields if row[field] not in ("", [])}


def _similar(alike: Row) -> dict[str, Any]:
    return {
        "investigation": alike["investigation"],
        "when": alike["concluded_at"],
        "similarity": alike["similarity"],
        "cause": str(alike["cause"])[:200],
        "solved_by": str(alike["solved_by"])[:200],
    }


ENTRIES = (
    ("troubleshoot_pod_failures", "pod_failure", "Pod", "why do pods of {what} fail?", "Pod failures",
     "Why pods do not start, crash or are not ready.", "a Pending or crashing pod", "slowness", '{"name":"web"}'),
    ("troubleshoot_deployment_rollout", "rollout", "Deployment", "why is the rollout of {what} stuck?", "Rollouts",
     "Why a rollout does not finish or broke what worked.", "a bad deploy", "planning: analyze_rollout_risk",
     '{"name":"web"}'),
    ("troubleshoot_network_connectivity", "network", "Service", "why is {what} not reached?", "Network connectivity",
     "Why a service is not reached: endpoints, ports, policies, DNS, ingress.", "refused or timed-out calls",
     "crashes", '{"name":"web","namespace":"shop"}'),
    ("troubleshoot_storage", "storage", "PersistentVolumeClaim", "what is wrong with the storage of {what}?", "Storage",
     "Why a claim is not bound, or a volume is not attached or full.", "volume errors", "capacity planning",
     '{"namespace":"data"}'),
    ("troubleshoot_node", "node", "Node", "what is wrong with {what}?", "Nodes",
     "Why a node does not report, is under pressure, or takes no pods.", "NotReady or evictions",
     "state alone: observe_node_status", '{"name":"node-3"}'),
    ("troubleshoot_resource_exhaustion", "resources", "Deployment", "what runs out in {what}?", "Resource exhaustion",
     "What runs out: memory, CPU, disk, quota, places for pods.", "OOM kills or exceeded quota",
     "forecasts", '{"namespace":"shop"}'),
    ("troubleshoot_performance_degradation", "performance", "Deployment", "why is {what} slow?", "Performance",
     "Why it works but slowly: throttling, saturation, restarts, autoscaling.", "latency", "failures",
     '{"name":"web"}'),
    ("troubleshoot_error_correlation", "errors", "Deployment", "what do the errors of {what} share?", "Common errors",
     "What errors in several places share, and what changed before.", "an outage of many services",
     "one pod: troubleshoot_pod_failures", '{"namespace":"shop"}'),
)  # fmt: skip
"""(name, template, kind of a bare name, question, title, about, use, not for, example)."""


def _register() -> None:
    for name, template, kind, question, title, about, use, other, example in ENTRIES:
        function = _troubleshoot(template, kind, question)
        function.__doc__ = (
            f"{about} Tests hypotheses and keeps every step. Use for {use}. Not for {other}. Example: {example}."
        )
        tool(name, args=TroubleshootArgs, result=Findings, title=title, cost="heavy")(function)


_register()
