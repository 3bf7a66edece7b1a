"""What to do first about what is wrong now. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.state.evidence import Evidence
from chalicelib.tools.context import ToolContext
from chalicelib.tools.entry import Answer, PageArgs, Result, tool
from chalicelib.tools.gaps import gaps_of
from chalicelib.tools.listing import checked_namespace
from chalicelib.tools.wording import counted, phrases

if TYPE_CHECKING:
    from chalicelib.rootcause import Problem

SEVERITY = {"critical": 3.0, "warning": 1.5, "info": 0.5}
TOLD_FROM = 0.3
"""Below this probability an action would be a guess: more evidence is asked for instead."""


class ActionsArgs(PageArgs):
    """Of the namespace, or of the whole cluster."""


class Action(Result, frozen=True, kw_only=True):
    rank: int
    action: str
    command: str = ""
    kind: str
    namespace: str = ""
    name: str = ""
    mode: str = ""
    severity: str = ""
    probability: float = 0.0
    why: str = ""
    also_helps: int = 0
    """Further objects whose state this cause explains."""


class Actions(Result, frozen=True, kw_only=True):
    undecided: list[str] = []
    """Symptoms whose cause is too unsure to act on, with the evidence that would decide."""
    items: list[Action] = []


@tool("recommend_immediate_actions", args=ActionsArgs, result=Actions, title="Immediate actions")
def immediate_actions(args: ActionsArgs, context: ToolContext) -> Answer:
    """What to do first about present problems, most urgent first, with the command and why; nothing is executed. Use
    when asked what to fix. Not for tuning or cost. Example: {"namespace":"shop"}."""
    view = context.view
    namespace = checked_namespace(view, None, args.namespace)
    problems = [
        p for p in view.diagnosis.problems
        if not namespace or namespace in (p.resource.namespace, *(r.namespace for r in p.explains))
    ]  # fmt: skip
    sure = sorted((p for p in problems if p.probability >= TOLD_FROM and p.remedy.text), key=_urgency)
    items = [_action(rank, p) for rank, p in enumerate(sure, 1)]
    undecided = [_undecided(p) for p in problems if p.probability < TOLD_FROM]
    said = [f"{i.action} ({i.kind} {i.namespace}/{i.name})" if i.namespace else f"{i.action} ({i.name})" for i in items]
    summary = f"{counted(len(items), 'action')}" + (
        f": {phrases(said, 3)}" if said else ": nothing is wrong that is known"
    )
    by_rank: dict[int, Problem] = dict(enumerate(sure, 1))
    return Answer(
        Actions(undecided=undecided[:5], items=items), f"{summary.rstrip('.')}. Nothing was executed.",
        gaps=list(gaps_of(view.snapshot, "Pod", "Event", namespace=namespace)),
        cite=lambda item: _first(by_rank[item.rank].evidence),
    )  # fmt: skip


def _urgency(problem: Problem) -> tuple[float, str, str]:
    """Severity times probability, and a little for each further object that the cause explains."""
    weight = SEVERITY[problem.severity] * problem.probability * (1 + 0.1 * min(len(problem.explains), 10))
    return (-round(weight, 4), str(problem.resource), problem.mode)


def _action(rank: int, problem: Problem) -> Action:
    return Action(
        rank=rank,
        action=problem.remedy.text,
        command=problem.remedy.command or "",
        kind=problem.resource.kind,
        namespace=problem.resource.namespace,
        name=problem.resource.name,
        mode=problem.mode,
        severity=problem.severity,
        probability=problem.probability,
        why=problem.summary[:300],
        also_helps=len(problem.explains),
    )


def _undecided(problem: Problem) -> str:
    needed = f"; needs {', '.join(problem.missing[:2])}" if problem.missing else ""
    return f"{problem.resource}: {problem.title}{needed}"[:240]


def _first(evidence: Sequence[Evidence]) -> Evidence | None:
    return evidence[0] if evidence else None
