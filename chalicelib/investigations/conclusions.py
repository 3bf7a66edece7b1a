"""From verdicts to an outcome: the sentence an engineer on call would say, or what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from chalicelib.investigations.hypotheses import SUPPORTED_FROM, name_of, ref_of, within
from chalicelib.investigations.office import Done
from chalicelib.investigations.scope import Scope
from chalicelib.investigations.signature import signature_of
from chalicelib.rootcause import Diagnosis
from chalicelib.state.kinds import KINDS
from chalicelib.state.snapshot import Gap
from chalicelib.store.investigation_records import (
    Cause,
    Conclusion,
    InvestigationStep,
    KeptGap,
    SeenSymptom,
    SessionOutcome,
    Signature,
    StoredHypothesis,
)
from chalicelib.tools.views import ClusterView

MAX_SYMPTOMS = 25
MAX_GAPS = 20
ESSENTIAL = "Pod"


def conclude(
    diagnosis: Diagnosis,
    scope: Scope,
    verdicts: Sequence[StoredHypothesis],
    view: ClusterView,
    failed: Sequence[InvestigationStep],
    note: str,
) -> Done:
    """The conclusion of a session. `failed` are steps that could not be done, `note` says why the reading is old."""
    told = [v for v in verdicts if v.status != "refuted"]
    symptoms = [
        SeenSymptom(type=s.type, resource=name_of(s.resource), text=s.text, count=s.count, since=s.since)
        for s in diagnosis.symptoms
    ]
    outcome, message = _outcome(diagnosis, scope, told, view)
    if scope.note and not scope.targets:
        message = f"{scope.note} {message}"
    conclusion = Conclusion(
        outcome=outcome,
        message=message,
        hypotheses=tuple(verdicts),
        symptoms=tuple(symptoms[:MAX_SYMPTOMS]),
        nearest=tuple(name_of(r) for r in diagnosis.nearest),
        gaps=tuple(_gaps(diagnosis, failed, note)),
        evidence=tuple(dict.fromkeys(e for v in verdicts for e in (*v.supporting, *v.contradicting))),
        outside=len(diagnosis.problems) - len(within(diagnosis.problems, scope.template)),
    )
    first = told[0] if told and outcome in ("problems", "several_independent_faults") else None
    changes: dict[str, Any] = {
        "outcome": outcome,
        "message": message,
        "causes": max(1, _clear(diagnosis, scope)) if first else 0,
    }
    if first is not None:
        changes |= {"cause": _cause(first), "signature": _signature(first, symptoms, diagnosis), "resolution": "open"}
    return Done(message, msgspec.to_builtins(conclusion), evidence=conclusion.evidence, changes=changes)


def not_examined(error: dict[str, Any]) -> Done:
    """The conclusion of a session that could not look at its cluster."""
    message = f"{error['message']} {error['remedy']}"
    conclusion = Conclusion(outcome="not_examined", message=message)
    return Done(message, msgspec.to_builtins(conclusion), changes={"outcome": "not_examined", "message": message})


def _outcome(
    diagnosis: Diagnosis, scope: Scope, told: Sequence[StoredHypothesis], view: ClusterView
) -> tuple[SessionOutcome, str]:
    real = [v for v in told if v.severity != "info"]
    if real:
        several = _clear(diagnosis, scope)
        if several > 1:
            return "several_independent_faults", f"{several} independent faults. The most probable: {_said(real[0])}"
        return "problems", _said(real[0])
    if diagnosis.outcome == "object_not_found":
        near = ", ".join(str(ref) for ref in diagnosis.nearest)
        remedy = f"Did you mean: {near}?" if near else "List the objects to see their names."
        return "object_not_found", f"{diagnosis.message} {remedy}"
    unread = _unread(scope, view)
    if unread is not None and unread.reason == "forbidden":
        return "insufficient_permission", (
            f"{unread.kind} objects{_where(scope)} may not be read, so nothing can be said about {scope.text}. "
            "Run the connection check of the cluster: it names the permission that is missing."
        )
    if diagnosis.outcome == "insufficient_permission":
        return "insufficient_permission", (
            f"{diagnosis.message} Run the connection check of the cluster: it names the permission that is missing."
        )
    if unread is not None:
        return "not_examined", (
            f"{unread.kind} objects were not read from {view.record.name}, so nothing can be said about {scope.text}. "
            + ("Record the cluster with them." if view.snapshot.recorded else "Run its connection check.")
        )
    elsewhere = len(view.diagnosis.problems)
    more = f" Elsewhere in the cluster there are {elsewhere} problems." if elsewhere else ""
    return "no_fault", f"No fault was found in {scope.text} as of {view.as_of:%Y-%m-%d %H:%M} UTC.{more}"


def _clear(diagnosis: Diagnosis, scope: Scope) -> int:
    """Problems that are more likely than not, shown and not shown."""
    return sum(
        p.severity != "info" and p.probability >= SUPPORTED_FROM for p in within(diagnosis.problems, scope.template)
    )


def _unread(scope: Scope, view: ClusterView) -> Gap | None:
    """What the answer needs and was not read at all; an absent object in it would prove nothing."""
    for kind in dict.fromkeys((ESSENTIAL, *(t.kind for t in scope.targets if t.kind))):
        entry = KINDS.get(kind)
        if entry is not None and entry.optional:
            continue
        snapshot = view.snapshot
        touching = [g for g in snapshot.gaps_of(kind) if not g.namespace or g.namespace in scope.places]
        forbidden = next((g for g in touching if g.reason == "forbidden"), None)
        if forbidden is not None:
            return forbidden
        if kind not in snapshot.objects:
            return touching[0] if touching else Gap(kind=kind, reason="not_recorded")
    return None


def _where(scope: Scope) -> str:
    return f" in namespace {' and '.join(scope.places)}" if scope.places else ""


def _said(hypothesis: StoredHypothesis) -> str:
    """One sentence on a cause. Below one half only the symptom is claimed."""
    text = hypothesis.summary.rstrip(".")
    if hypothesis.probability >= SUPPORTED_FROM:
        return f"{text}."
    missing = f" To decide, it needs: {'; '.join(hypothesis.missing[:3])}." if hypothesis.missing else ""
    return f"The symptom is certain, its cause is not ({hypothesis.probability:.0%}): {text}.{missing}"


def _cause(first: StoredHypothesis) -> Cause:
    return Cause(
        resource=first.resource,
        mode=first.mode,
        title=first.title,
        probability=first.probability,
        severity=first.severity,
        summary=first.summary,
    )


def _signature(first: StoredHypothesis, symptoms: Sequence[SeenSymptom], diagnosis: Diagnosis) -> Signature:
    touched = {first.resource, *first.explains}
    own = [s for s in symptoms if s.resource in touched] or list(symptoms)
    cause = ref_of(first.resource)
    problem = next((p for p in diagnosis.problems if p.resource == cause and p.mode == first.mode), None)
    messages = [e.text for e in problem.evidence if e.type in ("log", "event")] if problem else []
    return signature_of(first.resource, first.mode, own, messages)


def _gaps(diagnosis: Diagnosis, failed: Sequence[InvestigationStep], note: str) -> list[KeptGap]:
    found = [KeptGap(kind="*", reason="stale", message=note)] if note else []
    found += [
        KeptGap(kind=step.tool or step.kind, reason="error", message=f"{step.title}: {step.summary}"[:400])
        for step in failed
        if step.error
    ]
    found += [
        KeptGap(kind=g.kind, reason=g.reason, message=g.message, namespace=g.namespace)
        for g in dict.fromkeys(diagnosis.gaps)
        if g.reason != "not_installed"
    ]
    return found[:MAX_GAPS]
