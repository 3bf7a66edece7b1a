"""What people said of conclusions, in the form that probabilities are fitted on: (stated probability, was it right)."""

from __future__ import annotations

from typing import Any

from chalicelib.accounts.identity import Principal, require
from chalicelib.investigations.office import Office
from chalicelib.investigations.sessions import READ
from chalicelib.store.investigation_records import Investigation

MAX_EXPORTED = 1000


def exported(office: Office, principal: Principal) -> dict[str, Any]:
    """Judged sessions, newest first: `{"claims": {id: [[probability, 1 | 0], ...]}, "cases": [...]}`.

    `claims` is what `tests/bench/calibrate.py --feedback` reads. A conclusion that was called partly right claims its
    mode rightly when the true mode that was named is that one.
    """
    require(principal, READ)
    page = office.store.investigations.search(
        principal.tenant, lambda s: s.feedback is not None and s.cause is not None, "calibration", limit=MAX_EXPORTED
    )
    return {
        "claims": {s.id: [claim] for s in page.items if (claim := _claim(s)) is not None},
        "cases": [_case(s) for s in page.items],
    }


def _claim(session: Investigation) -> list[float] | None:
    cause, said = session.cause, session.feedback
    if cause is None or said is None:
        return None
    right = said.verdict == "right" or (said.verdict == "partly" and said.mode == cause.mode)
    return [cause.probability, int(right)]


def _case(session: Investigation) -> dict[str, Any]:
    cause, said = session.cause, session.feedback
    return {
        "investigation": session.id,
        "mode": cause.mode if cause else "",
        "kind": cause.resource.kind if cause else "",
        "probability": cause.probability if cause else 0.0,
        "verdict": said.verdict if said else "",
        "true_mode": said.mode if said else "",
        "true_cause": said.cause if said else "",
    }
