"""Hypotheses of a session: proposed by a diagnosis of the reading, settled by one that has all that was read since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from chalicelib.investigations.templates import Template
from chalicelib.rootcause import Diagnosis, Hypothesis, Problem
from chalicelib.state.evidence import Evidence
from chalicelib.state.meta import Ref
from chalicelib.store.investigation_records import Conclusion, HypothesisStatus, InvestigationStep, StoredHypothesis
from chalicelib.store.keys import digest
from chalicelib.store.records import ResourceName

MAX_HYPOTHESES = 8
SUPPORTED_FROM = 0.5
"""Above it a cause is claimed; below it only the symptom is known, and the hypothesis stays a proposal."""
MAX_EXPLAINED = 12


def name_of(ref: Ref) -> ResourceName:
    return ResourceName(kind=ref.kind, namespace=ref.namespace, name=ref.name)


def ref_of(name: ResourceName) -> Ref:
    return Ref(name.kind, name.namespace, name.name)


def hypothesis_id(ref: Ref, mode: str) -> str:
    """The id of a (resource, mode): the same in every session."""
    return f"hy_{digest(mode, *ref)[:12]}"


def proposed(diagnosis: Diagnosis, template: Template) -> list[StoredHypothesis]:
    """What could be the cause, most probable first, before anything more is read. Not yet decided."""
    found = [_stored(p, "proposed") for p in within(diagnosis.problems, template)]
    return found[:MAX_HYPOTHESES]


def within(problems: Iterable[Problem], template: Template) -> list[Problem]:
    """The problems that a template is about; all of them when it is about none of these."""
    every = list(problems)
    return [p for p in every if template.is_about(p.mode)] or every


def settled(diagnosis: Diagnosis, template: Template, before: Sequence[StoredHypothesis]) -> list[StoredHypothesis]:
    """The hypotheses after everything was read: what holds, then what was refuted and why."""
    found = [
        _stored(p, "supported" if p.probability >= SUPPORTED_FROM else "proposed")
        for p in within(diagnosis.problems, template)
    ][:MAX_HYPOTHESES]
    held = {h.id for h in found}
    weighed = {hypothesis_id(h.resource, h.mode): h for h in diagnosis.hypotheses if h.status == "refuted"}
    return [*found, *(_refuted(h, found, weighed.get(h.id)) for h in before if h.id not in held)]


def _refuted(
    before: StoredHypothesis, found: Sequence[StoredHypothesis], weighed: Hypothesis | None
) -> StoredHypothesis:
    """A hypothesis that does not hold, with the engine's reason where it weighed it, else with what holds instead."""
    if weighed is not None:
        contradicting = tuple(e.id for e in weighed.contradicting)
        return msgspec.structs.replace(
            before, status="refuted", probability=0.0, why=weighed.why, contradicting=contradicting, missing=()
        )
    better = next((h for h in found if before.resource in (h.resource, *h.explains)), None)
    why = (
        f"What was read since points to {better.title.lower()} of {ref_of(better.resource)} instead."
        if better
        else "What was read since does not support it."
    )
    contradicting = better.supporting if better else ()
    return msgspec.structs.replace(
        before, status="refuted", probability=0.0, why=why, contradicting=contradicting, missing=()
    )


def evidence_of(diagnosis: Diagnosis, wanted: Iterable[str]) -> list[Evidence]:
    """The slices behind evidence ids."""
    ids = set(wanted)
    known = {e.id: e for h in diagnosis.hypotheses for e in (*h.supporting, *h.contradicting)}
    known |= {e.id: e for p in diagnosis.problems for e in p.evidence}
    return [known[one] for one in sorted(ids & known.keys())]


def _stored(problem: Problem, status: HypothesisStatus) -> StoredHypothesis:
    return StoredHypothesis(
        id=hypothesis_id(problem.resource, problem.mode),
        resource=name_of(problem.resource),
        mode=problem.mode,
        title=problem.title,
        status=status,
        probability=problem.probability,
        severity=problem.severity,
        summary=problem.summary,
        supporting=tuple(e.id for e in problem.evidence),
        missing=problem.missing,
        chain=problem.chain,
        explains=tuple(name_of(r) for r in problem.explains[:MAX_EXPLAINED]),
        since=problem.since,
        remedy=problem.remedy.text,
        command=problem.remedy.command or "",
        change=msgspec.to_builtins(problem.remedy.change),
    )


def hypotheses_of(steps: Iterable[InvestigationStep], conclusion: Conclusion | None) -> list[StoredHypothesis]:
    """The hypotheses of a session: as concluded, else as far as they are settled by now."""
    if conclusion is not None and conclusion.hypotheses:
        return list(conclusion.hypotheses)
    found: dict[str, StoredHypothesis] = {}
    for held in steps:
        if held.kind == "proposal":
            for one in msgspec.convert(held.result.get("hypotheses", []), list[StoredHypothesis]):
                found[one.id] = one
        elif held.kind == "verdict" and held.result:
            one = msgspec.convert(held.result, StoredHypothesis)
            found[one.id] = one
    return list(found.values())
