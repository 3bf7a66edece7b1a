"""From findings to problems: what competes, what is a consequence, and how sure the rest is.

Probability. The findings of one case are exclusive hypotheses; each has odds `s / (1 - s)` from its strength `s` (the
share of cases with such evidence in which it was right), times 1.3 when what it blames changed shortly before the
symptom began, and "none of these" has odds 1. A finding's probability is its odds over the sum of its own, its rivals'
and that of none; what lies upstream of a finding, and what names the same mode, is no rival. One strong finding thus
keeps its strength, two equal ones share, and a weak one alone stays below one half: the engine then names the symptom
and the missing evidence. Method: docs/decisions/0051.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import resources

from chalicelib.rootcause.case import DECISIVE, UNKNOWN_ODDS, Case, Finding
from chalicelib.rootcause.look import Look
from chalicelib.rootcause.model import Problem, Remedy, Severity
from chalicelib.rootcause.modes import modes, remedy_text
from chalicelib.state.evidence import Evidence
from chalicelib.state.meta import Ref

CHANGE_FACTOR = 1.3
CHANGE_WINDOW = timedelta(minutes=30)
CEILING = 0.98
CLEAR = 0.5
ALTERNATIVE_FLOOR = 0.15
SYMPTOMATIC = 3
"""From this tier on a finding only restates a symptom, and gives way even to a vague cause."""
EVIDENCE_LIMIT = 12
EXPLAINS_LIMIT = 60


@dataclass(frozen=True, slots=True)
class Candidate:
    """A finding for a mode, with the cases it answers and its probability so far."""

    mode: str
    finding: Finding
    cases: tuple[Case, ...]
    probability: float

    @property
    def key(self) -> tuple[Ref, str]:
        return self.finding.resource, self.mode

    @property
    def tier(self) -> int:
        return modes()[self.mode].tier


def weigh(case: Case, found: list[tuple[str, Finding]], changed: frozenset[Ref]) -> list[Candidate]:
    """Candidates of one case with their probabilities; a clear mechanism silences vaguer readings of the same case."""
    floor = _floor(found)
    kept = [(m, f) for m, f in found if not _vague(m, f, floor)]
    odds = [_odds(f, case, changed) for _, f in kept]
    candidates = []
    for (mode, finding), own in zip(kept, odds, strict=True):
        rivals = sum(
            other
            for (m, f), other in zip(kept, odds, strict=True)
            if (m, f.resource) != (mode, finding.resource) and not _same_chain(finding, f)
        )
        candidates.append(Candidate(mode, finding, (case,), min(CEILING, own / (own + rivals + UNKNOWN_ODDS))))
    return candidates


def _same_chain(one: Finding, other: Finding) -> bool:
    """Whether one of two findings is the cause of the other, or the same; those do not compete."""
    return one is other or (
        one.resource != other.resource and (one.resource in other.upstream or other.resource in one.upstream)
    )


def silenced(case: Case, found: list[tuple[str, Finding]]) -> list[Candidate]:
    """The vaguer readings of a case that `weigh` leaves out."""
    floor = _floor(found)
    return [Candidate(m, f, (case,), 0.0) for m, f in found if _vague(m, f, floor)]


def _floor(found: list[tuple[str, Finding]]) -> int | None:
    """The lowest tier of a clear finding."""
    return min((modes()[mode].tier for mode, finding in found if finding.strength >= CLEAR), default=None)


def _vague(mode: str, finding: Finding, floor: int | None) -> bool:
    return floor is not None and modes()[mode].tier > floor and finding.strength <= 1


def _odds(finding: Finding, case: Case, changed: frozenset[Ref]) -> float:
    strength = min(finding.strength, DECISIVE)
    odds = strength / (1 - strength)
    blamed = {finding.resource, case.resource, *(e.ref for e in finding.evidence)}
    return odds * CHANGE_FACTOR if blamed & changed and strength >= CLEAR else odds


@functools.cache
def _exponents() -> tuple[float, float]:
    """(above, below one half). Fitted by `python -m tests.bench.calibrate --write`."""
    text = (resources.files("chalicelib.rootcause") / "calibration.json").read_text(encoding="utf-8")
    fitted = json.loads(text)
    return float(fitted["above"]), float(fitted["below"])


def calibrated(probability: float) -> float:
    """The stated probability for one that follows from odds alone: its odds to the fitted exponent of its side."""
    return min(CEILING, _to_power(probability, _exponents()[probability < CLEAR]))


def uncalibrated(probability: float) -> float:
    """The inverse, for refitting."""
    return _to_power(probability, 1 / _exponents()[probability < CLEAR])


def _to_power(probability: float, exponent: float) -> float:
    return 0.0 if probability <= 0 else 1 / (1 + ((1 - probability) / probability) ** exponent)


def lift_to_cron_jobs(candidates: list[Candidate], look: Look) -> list[Candidate]:
    """Several Jobs of one CronJob that fail in the same way are one problem: the CronJob's."""
    groups: dict[tuple[Ref, str], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        ref = candidate.finding.resource
        parents = (
            [e.source for e in look.graph.into(ref, "owns") if e.source.kind == "CronJob"] if ref.kind == "Job" else []
        )
        groups[parents[0] if parents else ref, candidate.mode].append(candidate)
    found: list[Candidate] = []
    for (owner, _), group in groups.items():
        jobs = {c.finding.resource for c in group}
        for c in group:
            one = owner.kind != "CronJob" or len(jobs) < 2
            explains = (*c.finding.explains, *sorted(jobs))
            found.append(c if one else replace(c, finding=replace(c.finding, resource=owner, explains=explains)))
    return found


def merge(candidates: Iterable[Candidate]) -> list[Candidate]:
    """One candidate per resource and mode: the most probable one, with what the others saw."""
    groups: dict[tuple[Ref, str], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        groups[candidate.key].append(candidate)
    found = []
    for key in sorted(groups):
        group = sorted(groups[key], key=lambda c: -c.probability)
        best = group[0]
        explains = tuple(dict.fromkeys(ref for c in group for ref in c.finding.explains))
        evidence = tuple({e.id: e for c in group for e in c.finding.evidence}.values())
        upstream = tuple(dict.fromkeys(ref for c in group for ref in c.finding.upstream))
        since = min((c.finding.since for c in group if c.finding.since), default=None)
        finding = replace(best.finding, explains=explains, evidence=evidence, upstream=upstream, since=since)
        cases = tuple(case for c in group for case in c.cases)
        found.append(Candidate(best.mode, finding, cases, best.probability))
    return found


@dataclass(frozen=True, slots=True)
class Explained:
    """What remains after explaining-away, and each candidate that was dropped with the one that accounts for it."""

    kept: list[Candidate]
    dropped: list[tuple[Candidate, Candidate]]


def explain_away(candidates: list[Candidate]) -> Explained:
    """Drop candidates whose symptom another one accounts for; that one then explains their objects.

    A cause accounts for a candidate when it lies on the same object with a lower tier, on an object upstream of it, or
    when it says so itself. Causes of a lower tier come first, so a chain collapses onto its root.
    """
    blamed = {c.finding.resource for c in candidates}
    ordered = sorted(candidates, key=lambda c: (c.tier, _leans(c, blamed), -c.probability, c.key))
    kept: list[Candidate] = []
    dropped: list[tuple[Candidate, int]] = []
    reach: dict[Ref, list[int]] = defaultdict(list)
    for candidate in ordered:
        near = sorted({index for ref in _touched(candidate) for index in reach.get(ref, ())})
        cause = next((index for index in near if _accounts(kept[index], candidate)), None)
        if cause is None:
            cause = len(kept)
            kept.append(candidate)
        else:
            dropped.append((candidate, cause))
            kept[cause] = _absorb(kept[cause], candidate)
        for ref in {candidate.finding.resource, *candidate.finding.explains}:
            reach[ref].append(cause)
    return Explained(kept, [(candidate, kept[cause]) for candidate, cause in dropped])


def _touched(candidate: Candidate) -> set[Ref]:
    """Objects on which a cause would have to lie, or which it would have to explain."""
    finding = candidate.finding
    return {finding.resource, *finding.upstream, *(case.resource for case in candidate.cases)}


def _leans(candidate: Candidate, blamed: set[Ref]) -> bool:
    """Whether another candidate's object lies upstream of this one, so that it has to be judged after that."""
    return not blamed.isdisjoint(set(candidate.finding.upstream) - {candidate.finding.resource})


def _accounts(cause: Candidate, other: Candidate) -> bool:
    mine, theirs = cause.finding, other.finding
    if mine.resource == theirs.resource:
        if cause.mode == other.mode:
            return True
        if cause.tier < other.tier:
            return cause.probability >= CLEAR or other.probability < CLEAR or cause.tier <= 1
        return theirs.resource in theirs.upstream and other.probability <= cause.probability
    if mine.resource in theirs.upstream and (cause.tier <= other.tier or other.probability < CLEAR):
        return True
    clear = cause.probability >= CLEAR or other.tier >= SYMPTOMATIC
    touched = set(theirs.upstream) if _elsewhere(mine.resource, other) else _touched(other)
    return cause.tier < other.tier and clear and not touched.isdisjoint(mine.explains)


def _elsewhere(node: Ref, other: Candidate) -> bool:
    """Whether a candidate is about pods of other nodes: a node explains what its own pods' workloads lack, no more."""
    return node.kind == "Node" and all(
        case.ref.kind == "Pod" and case.pod.spec.node_name not in ("", node.name) for case in other.cases
    )


def _absorb(cause: Candidate, other: Candidate) -> Candidate:
    explained = (other.finding.resource, *other.finding.explains)
    explains = tuple(dict.fromkeys([*cause.finding.explains, *(r for r in explained if r != cause.finding.resource)]))
    return Candidate(cause.mode, replace(cause.finding, explains=explains), cause.cases, cause.probability)


def downstream(candidate: Candidate, look: Look) -> tuple[Ref, ...]:
    """Objects that suffer from a cause along the graph: Services without another backend, routes, callers."""
    found: dict[Ref, None] = dict.fromkeys(candidate.finding.explains)
    for case in candidate.cases:
        if case.resource != candidate.finding.resource:
            found[case.resource] = None
        if case.type.name in (
            "pod_pending",
            "image_not_pulled",
            "container_not_created",
            "pod_creating",
            "container_crashing",
            "pod_not_ready",
        ):
            for edge in look.graph.into(case.ref, "selects"):
                ready = look.world.endpoint_counts(edge.source.namespace, edge.source.name)
                if ready is not None and ready[0] == 0:
                    found[edge.source] = None
                    found.update(dict.fromkeys(e.source for e in look.graph.into(edge.source, "routes_to")))
                    found.update(dict.fromkeys(look.callers(edge.source)))
    found.pop(candidate.finding.resource, None)
    return tuple(sorted(found))[:EXPLAINS_LIMIT]


def severity(candidate: Candidate, look: Look) -> Severity:
    """Critical when nothing of the workload serves any more or the finding says so; an unused Service is a note."""
    if candidate.probability < CLEAR and candidate.finding.resource.kind == "Service":
        return "info"
    if candidate.finding.critical is not None:
        return "critical" if candidate.finding.critical else "warning"
    workload = look.workload(candidate.finding.resource)
    status = getattr(workload, "status", None)
    ready = getattr(status, "ready_replicas", getattr(status, "number_ready", None))
    if ready is None:
        return "warning"
    return "critical" if ready == 0 else "warning"


def problem(candidate: Candidate, look: Look) -> Problem:
    """The problem that a candidate stands for."""
    finding = candidate.finding
    mode = modes()[candidate.mode]
    text, command = remedy_text(mode, finding.resource, finding.facts)
    # At the first diagnosis: what proposes changes knows the detectors' families.
    from chalicelib.rootcause.proposals import change_for

    change = change_for(candidate.mode, finding, look) if candidate.probability >= CLEAR else None
    evidence: dict[str, Evidence] = {e.id: e for e in finding.evidence}
    return Problem(
        id=_identity(look.snapshot.cluster, candidate.mode, finding.resource),
        resource=finding.resource,
        mode=candidate.mode,
        title=mode.title,
        probability=round(calibrated(candidate.probability), 3),
        severity=severity(candidate, look),
        summary=finding.summary,
        evidence=tuple(evidence.values())[:EVIDENCE_LIMIT],
        since=finding.since,
        explains=downstream(candidate, look),
        remedy=Remedy(text=text, command=command, change=change),
        missing=finding.missing,
        chain=finding.chain or (finding.summary,),
    )


def _identity(cluster: str, mode: str, ref: Ref) -> str:
    digest = hashlib.sha256("\x00".join((cluster, mode, *ref)).encode()).digest()
    return "pr_" + base64.b32encode(digest).decode("ascii").lower()[:20]
