"""Investigations as the API's JSON. Names and shapes are those of `api.models.investigations`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from chalicelib.investigations.frames import hypothesis_json, remedy_json, step_json
from chalicelib.store.investigation_records import Conclusion, Investigation, InvestigationStep, StoredHypothesis

Json = dict[str, Any]
plain = msgspec.to_builtins


def summary_out(session: Investigation) -> Json:
    return {
        "id": session.id,
        "status": session.status,
        "outcome": session.outcome,
        "question": session.question,
        "cluster": session.cluster,
        "cluster_name": session.cluster_name,
        "namespace": session.namespace,
        "target": plain(session.target),
        "template": session.template,
        "creator": session.creator,
        "trigger": session.trigger,
        "message": session.message,
        "cause": plain(session.cause),
        "causes": session.causes,
        "resolution": session.resolution,
        "steps_done": session.steps,
        "failed_steps": session.failed_steps,
        "created_at": session.created_at,
        "updated_at": session.updated_at,
        "concluded_at": session.concluded_at,
    }


def investigation_out(
    session: Investigation,
    steps: Sequence[InvestigationStep],
    conclusion: Conclusion | None,
    hypotheses: Sequence[StoredHypothesis],
    *,
    kept: bool,
) -> Json:
    """A session in full. `kept` says whether the reading that it judged can still be looked at."""
    held = conclusion or Conclusion(outcome=session.outcome, message=session.message)
    first = next((h for h in hypotheses if h.status != "refuted"), None) if session.cause else None
    mark = session.snapshot
    return {
        **summary_out(session),
        "hypotheses": [hypothesis_json(h) for h in hypotheses],
        "remedy": remedy_json(first) if first is not None else None,
        "steps": [step_json(step) for step in steps],
        "symptoms": plain(held.symptoms),
        "nearest": plain(held.nearest),
        "similar": plain(held.alike),
        "gaps": plain(held.gaps),
        "outside_of_template": held.outside,
        "snapshot": {"as_of": mark.as_of, "recorded": mark.recorded, "kept": kept} if mark else None,
        "feedback": plain(session.feedback),
        "follow_up": plain(session.follow_up),
        "links": plain(session.links),
    }
