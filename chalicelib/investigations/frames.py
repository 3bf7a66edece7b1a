"""Steps and hypotheses as JSON: the same for the API, and for who follows a session over a WebSocket."""

from __future__ import annotations

from typing import Any

import msgspec

from chalicelib.investigations.hypotheses import hypotheses_of
from chalicelib.investigations.report import step_brief
from chalicelib.store.investigation_records import InvestigationStep, StoredHypothesis

ENDING = ("comparison", "cancellation")
"""Steps after which a session is settled. One that was given up ends with a failed conclusion."""


def hypothesis_json(hypothesis: StoredHypothesis) -> dict[str, Any]:
    """A hypothesis with its evidence for and against by id, and what to do about it."""
    found: dict[str, Any] = msgspec.to_builtins(hypothesis)
    found["for"], found["against"] = found.pop("supporting"), found.pop("contradicting")
    found["remedy"] = remedy_json(hypothesis)
    del found["command"], found["change"]
    return found


def remedy_json(hypothesis: StoredHypothesis) -> dict[str, Any]:
    return {"text": hypothesis.remedy, "command": hypothesis.command or None, "change": hypothesis.change}


def step_json(step: InvestigationStep) -> dict[str, Any]:
    """A step with the hypotheses that it proposes or settles."""
    told = hypotheses_of([step], None) if step.kind in ("proposal", "verdict") and not step.failed else []
    return {**step_brief(step), "hypotheses": [hypothesis_json(h) for h in told], "error": step.error}


def frame_of(step: InvestigationStep) -> dict[str, Any]:
    """The frame of a step; its sequence number is the step's."""
    ends = step.kind in ENDING or (step.kind == "conclusion" and step.failed)
    return {"seq": step.n, "investigation": step.investigation, "t": "step", "step": step_json(step), "ends": ends}
