"""Every cause that was weighed for the live symptoms, with what became of it."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.rootcause.model import Hypothesis, HypothesisStatus
from chalicelib.rootcause.modes import modes
from chalicelib.rootcause.ranking import CLEAR, EVIDENCE_LIMIT, EXPLAINS_LIMIT, Candidate, calibrated
from chalicelib.state.meta import Ref

CONTRADICTING = 3
STATUSES: tuple[HypothesisStatus, ...] = ("supported", "proposed", "refuted")


def hypotheses(kept: Iterable[Candidate], refuted: Iterable[tuple[Candidate, Candidate]]) -> tuple[Hypothesis, ...]:
    """Hypotheses, one per resource and mode: supported first, then by probability.

    `refuted` are pairs (candidate, the one that accounts for its symptom).
    """
    found: dict[tuple[Ref, str], Hypothesis] = {}
    for candidate in kept:
        found[candidate.key] = _open(candidate)
    for candidate, cause in refuted:
        if candidate.key not in found:
            found[candidate.key] = _refuted(candidate, cause)
    return tuple(sorted(found.values(), key=_rank))


def _rank(hypothesis: Hypothesis) -> tuple[int, float, Ref, str]:
    return STATUSES.index(hypothesis.status), -hypothesis.probability, hypothesis.resource, hypothesis.mode


def _open(candidate: Candidate) -> Hypothesis:
    probability = calibrated(candidate.probability)
    clear = probability >= CLEAR
    why = candidate.finding.summary if clear else f"Possible, not shown: {candidate.finding.summary}"
    return _hypothesis(candidate, "supported" if clear else "proposed", round(probability, 3), why)


def _refuted(candidate: Candidate, cause: Candidate) -> Hypothesis:
    finding = cause.finding
    title = modes()[cause.mode].title
    if finding.resource != candidate.finding.resource:
        why = f"Explained by {title.lower()} of {finding.resource}: {finding.summary}"
    else:
        why = f"{title} is the deeper reading of the same symptom: {finding.summary}"
    return _hypothesis(candidate, "refuted", 0.0, why, cause)


def _hypothesis(
    candidate: Candidate, status: HypothesisStatus, probability: float, why: str, cause: Candidate | None = None
) -> Hypothesis:
    finding = candidate.finding
    touched = {*finding.explains, *(case.resource for case in candidate.cases)} - {finding.resource}
    return Hypothesis(
        resource=finding.resource,
        mode=candidate.mode,
        title=modes()[candidate.mode].title,
        status=status,
        probability=probability,
        supporting=tuple({e.id: e for e in finding.evidence}.values())[:EVIDENCE_LIMIT],
        contradicting=cause.finding.evidence[:CONTRADICTING] if cause else (),
        missing=finding.missing,
        why=why,
        explains=tuple(sorted(touched))[:EXPLAINS_LIMIT],
    )
