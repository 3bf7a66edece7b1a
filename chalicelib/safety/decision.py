"""What it takes to approve a change: rules, policies and the preview, each able only to ask for more."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.safety.checks.registry import Proposal
from chalicelib.safety.model import METHODS, Decision, Method, Preview, Requirement, Violation
from chalicelib.safety.policies import Policy, asked
from chalicelib.safety.rules import violations

_BY_LEVEL: dict[str, Method] = {"low": "simple", "medium": "impact", "high": "typed", "critical": "typed"}


def decide(proposal: Proposal, preview: Preview, policies: Sequence[Policy], overrides: Sequence[str] = ()) -> Decision:
    """Allowed or not, and what an approval has to be. Made from the change itself, never from what is said of it."""
    told = asked(policies, proposal)
    broken = (*violations(proposal), *told.violations, *_blocked(preview))
    method, reasons = _method(proposal, preview, overrides)
    if METHODS.index(told.method) > METHODS.index(method):
        method = told.method
    requirement = Requirement(
        method=method,
        phrase=phrase_of(proposal) if method == "typed" else "",
        second_person=told.second_person,
        admin=told.admin or method == "typed",
        reasons=(*reasons, *told.reasons),
    )
    return Decision(allowed=not broken, requirement=requirement, violations=broken)


def _blocked(preview: Preview) -> tuple[Violation, ...]:
    return tuple(
        Violation(rule=f"check:{check.name}", text=check.text, remedy=check.remedy)
        for check in preview.checks
        if check.outcome == "block"
    )


def _method(proposal: Proposal, preview: Preview, overrides: Sequence[str]) -> tuple[Method, tuple[str, ...]]:
    """The weakest approval that would do, with what asks for it."""
    found: list[tuple[Method, str]] = [(_BY_LEVEL[preview.blast.level], f"blast radius is {preview.blast.level}")]
    if preview.verdict in ("caution", "unknown"):
        found.append(("impact", f"the preview says {preview.verdict}"))
    deletes = any(effect.operation.verb == "delete" for effect in proposal.effects)
    if deletes:
        found.append(("typed" if preview.production else "impact", "something is deleted"))
    if preview.production and preview.blast.level == "medium":
        found.append(("typed", preview.production_why))
    if not preview.undo.possible:
        found.append(("impact", "it cannot be taken back whole"))
    if overrides:
        found.append(("typed", f"a check is overridden: {', '.join(overrides)}"))
    method = max((one for one, _ in found), key=METHODS.index)
    return method, tuple(why for one, why in found if one == method)


def phrase_of(proposal: Proposal) -> str:
    """What has to be typed: the name of the object, with its namespace."""
    operation = proposal.effects[-1].operation if proposal.action == "drain" else proposal.effects[0].operation
    if proposal.action == "drain":
        nodes = [effect.operation for effect in proposal.effects if effect.ref.kind == "Node"]
        operation = nodes[0] if nodes else operation
    return f"{operation.namespace}/{operation.name}" if operation.namespace else operation.name
