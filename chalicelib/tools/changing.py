"""What tools ask of the safety room, and how a change request is told to whoever asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.errors import Unavailable
from chalicelib.tools.entry import Result, Row
from chalicelib.tools.wording import counted

if TYPE_CHECKING:
    from chalicelib.safety.model import Change, Requirement
    from chalicelib.safety.runs import Run, Runs
    from chalicelib.safety.schedules import Schedules
    from chalicelib.safety.service import Safety
    from chalicelib.tools.context import ToolContext

TOLD = 12


@dataclass(frozen=True, slots=True)
class Changing:
    """Who takes change requests. None of it changes a cluster: an approval by a person does."""

    safety: Safety
    runs: Runs
    schedules: Schedules


class Asked(Result, frozen=True, kw_only=True):
    """A change request. `needs` says what a person has to do; there is no tool for it."""

    change: str = ""
    status: str = ""
    preview: str = ""
    """The verdict and the level of the blast radius."""
    needs: str = ""
    refused: list[str] = []
    blast: list[str] = []
    checks: list[str] = []
    undo: str = ""
    items: list[Row] = []
    """Fields that would change: {kind, namespace, name, path, before, after}."""


def changing(context: ToolContext) -> Changing:
    """Raises Unavailable where nothing may be asked for, as inside of an investigation."""
    if context.changing is None:
        raise Unavailable("Changes cannot be asked for from here.", remedy="Ask for the change by itself.")
    return context.changing


def asked(change: Change) -> Asked:
    """A change request as a tool's answer."""
    preview, decision = change.preview, change.decision
    return Asked(
        change=change.id, status=change.status, 
        preview=f"{preview.verdict}, blast radius {preview.blast.level}",
        needs=needs(decision.requirement, f"change {change.id}") if decision.allowed else "",
        refused=[f"{one.text} {one.remedy}".strip() for one in decision.violations[:TOLD]],
        blast=list(preview.blast.reasons[:TOLD]),
        checks=[f"{one.outcome}: {one.text}" for one in preview.checks if one.outcome != "ok"][:TOLD],
        undo=preview.undo.how if preview.undo.possible else f"cannot be undone: {preview.undo.how}",
        items=[row for diff in preview.diffs for row in _rows(diff)],
    )  # fmt: skip


def told(change: Change) -> str:
    """One sentence about a change request."""
    if not change.decision.allowed:
        reasons = [one.text.rstrip(".") for one in change.decision.violations[:2]]
        return f"Refused: {change.summary}. {'; '.join(reasons)}. Nothing was changed."
    return (
        f"Change request {change.id}: {change.summary}. The preview says {change.preview.verdict}, blast radius "
        f"{change.preview.blast.level}. Nothing was changed: a person has to approve it."
    )


def needs(requirement: Requirement, what: str) -> str:
    """What a person has to do, in words."""
    how = {
        "simple": "a confirmation", "impact": "a confirmation of its impact",
        "typed": f"the typed confirmation {requirement.phrase!r}",
    }[requirement.method]  # fmt: skip
    who = " by an administrator" if requirement.admin else ""
    second = ", and by somebody else than who asked" if requirement.second_person else ""
    return f"{how} of {what}{who}{second}, in the web interface, the API or the chat"


def run_told(run: Run) -> str:
    """One sentence about a planned run."""
    if run.status == "refused":
        return f"Refused: {run.name}. {'; '.join(run.violations[:2])} Nothing was changed."
    steps = counted(len(run.changes), "step")
    return f"Run {run.id}: {run.name}, {steps}, each previewed. Nothing was changed: a person has to approve it."


def _rows(diff: Any) -> list[Row]:
    named = {"kind": diff.target.kind, "namespace": diff.target.namespace, "name": diff.target.name}
    if not diff.changes:
        return [{**named, "how": diff.how}]
    return [{**named, "path": one.path, "before": one.before, "after": one.after} for one in diff.changes]
