"""The diagnosis: symptoms, detectors, explaining-away, outcome. Pure: same world, byte-identical answer."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from chalicelib.rootcause import changes, ranking
from chalicelib.rootcause import hypotheses as weighed
from chalicelib.rootcause.case import Case, Finding
from chalicelib.rootcause.look import Look
from chalicelib.rootcause.model import Diagnosis, Hypothesis, Outcome, Problem, Symptom
from chalicelib.rootcause.ranking import Candidate
from chalicelib.rootcause.registry import Detector, detectors
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Gap, Snapshot
from chalicelib.state.world import World

ESSENTIAL = ("Pod",)


@functools.cache
def sources() -> tuple[Callable[[Look], Iterable[Case]], ...]:
    """What finds symptoms. Imported at the first diagnosis: a request that asks for none does not wait for them."""
    from chalicelib.rootcause.complaining import complaining, failing
    from chalicelib.rootcause.degraded import degraded
    from chalicelib.rootcause.drift import refused_services
    from chalicelib.rootcause.exposure import astray
    from chalicelib.rootcause.gateways import not_found, refused, routeless
    from chalicelib.rootcause.infrastructure import beneath
    from chalicelib.rootcause.lifecycle import unfinished
    from chalicelib.rootcause.outside import outside_calls
    from chalicelib.rootcause.performance import climbing, lagging
    from chalicelib.rootcause.rejected import rejected
    from chalicelib.rootcause.sightings import object_cases
    from chalicelib.rootcause.symptoms import pod_cases
    from chalicelib.rootcause.volumes import lost_claims

    return (
        pod_cases, object_cases, outside_calls, complaining, failing, astray, lost_claims, unfinished, refused,
        not_found, routeless, degraded, climbing, lagging, beneath, refused_services, rejected,
    )  # fmt: skip


SEVERITIES = ("critical", "warning", "info")
NEAREST = 3


def diagnose(
    world: World, *, previous: Snapshot | None = None, target: Ref | None = None, namespace: str = ""
) -> Diagnosis:
    """What is wrong with a cluster, a namespace or one object, most probable and severe first.

    `previous` is an earlier snapshot of the same cluster: what changed since is weighed higher. A target or namespace
    that does not exist gives `object_not_found` with the nearest names.
    """
    look = Look(world, previous)
    gaps = list(world.snapshot.gaps)
    cases = list(_cases(look, gaps))
    changed = changes.recently_changed(look)
    candidates: list[Candidate] = []
    vague: list[tuple[Candidate, Candidate]] = []
    for case in cases:
        found = list(_findings(case, look, gaps))
        own = ranking.weigh(case, found, changed)
        candidates += own
        vague += [(c, max(own, key=lambda o: o.probability)) for c in ranking.silenced(case, found)]
    explained = ranking.explain_away(ranking.merge(ranking.lift_to_cron_jobs(candidates, look)))
    told = _worth_telling(explained.kept)
    problems = [ranking.problem(c, look) for c in told]
    problems.sort(key=_rank)
    whole = Diagnosis(
        outcome="no_fault",
        problems=tuple(problems),
        symptoms=tuple(_seen(c) for c in cases),
        hypotheses=weighed.hypotheses(explained.kept, [*explained.dropped, *vague]),
        gaps=tuple(gaps),
    )
    return scoped(whole, world, target=target, namespace=namespace)


def scoped(whole: Diagnosis, world: World, *, target: Ref | None = None, namespace: str = "") -> Diagnosis:
    """The part of a whole cluster's diagnosis that concerns a namespace or an object, with its outcome."""
    lost = _not_found(world, target, namespace)
    if lost is not None:
        message, nearest = lost
        return Diagnosis(outcome="object_not_found", gaps=whole.gaps, message=message, nearest=nearest)
    problems, symptoms, hypotheses = whole.problems, whole.symptoms, whole.hypotheses
    if namespace:
        problems = tuple(p for p in problems if _touches(p, namespace))
        symptoms = tuple(s for s in symptoms if s.resource.namespace == namespace)
        hypotheses = tuple(h for h in hypotheses if _touches(h, namespace))
    if target is not None:
        refs = _relatives(target, world)
        problems = tuple(p for p in problems if p.resource in refs or refs.intersection(p.explains))
        symptoms = tuple(s for s in symptoms if s.resource in refs or s.subject in refs)
        hypotheses = tuple(h for h in hypotheses if h.resource in refs or refs.intersection(h.explains))
    outcome, message = _outcome(problems, world, target.namespace if target else namespace)
    return Diagnosis(
        outcome=outcome,
        problems=problems,
        symptoms=symptoms,
        hypotheses=hypotheses,
        gaps=whole.gaps,
        message=message,
    )


def _cases(look: Look, gaps: list[Gap]) -> Iterator[Case]:
    """All live symptoms; a collector that fails leaves a gap, not a failed diagnosis."""
    for source in sources():
        try:
            yield from source(look)
        except Exception as error:
            gaps.append(_gap(f"reading symptoms ({source.__name__})", error))


def _findings(case: Case, look: Look, gaps: list[Gap]) -> Iterator[tuple[str, Finding]]:
    for entry in detectors(case.type):
        try:
            found = entry.look_for(case, look)
            several: Iterable[Finding] = (
                () if found is None else (found,) if isinstance(found, Finding) else list(found)
            )
        except Exception as error:
            gaps.append(_gap(f"{_name(entry)} on {case.ref}", error))
            continue
        for finding in several:
            yield entry.mode, finding


def _name(entry: Detector) -> str:
    return f"detector {entry.mode} ({getattr(entry.look_for, '__name__', 'unnamed')})"


def _gap(what: str, error: Exception) -> Gap:
    return Gap(kind="rootcause", reason="error", message=f"{what} failed: {type(error).__name__}: {str(error)[:200]}")


def _worth_telling(candidates: list[Candidate]) -> list[Candidate]:
    """Per resource the best candidate, and others only where the best leaves real doubt."""
    best: dict[Ref, float] = {}
    for candidate in candidates:
        for case in candidate.cases:
            best[case.ref] = max(best.get(case.ref, 0.0), candidate.probability)
    return [
        c
        for c in candidates
        if c.probability >= ranking.CLEAR
        or any(c.probability == best[case.ref] for case in c.cases)
        or (c.probability >= ranking.ALTERNATIVE_FLOOR and all(best[case.ref] < 0.6 for case in c.cases))
    ]


def _rank(problem: Problem) -> tuple[bool, int, float, Ref, str]:
    return (
        problem.probability < ranking.CLEAR,
        SEVERITIES.index(problem.severity),
        -problem.probability,
        problem.resource,
        problem.mode,
    )


def _seen(case: Case) -> Symptom:
    return Symptom(
        type=case.type.name,
        resource=case.resource,
        subject=case.ref,
        text=case.text,
        count=max(1, len(case.members)),
        since=case.since,
    )


def _outcome(problems: tuple[Problem, ...], world: World, namespace: str) -> tuple[Outcome, str]:
    real = [p for p in problems if p.severity != "info"]
    if real:
        sure = [p for p in real if p.probability >= ranking.CLEAR]
        return ("several_independent_faults" if len(sure) > 1 else "problems"), ""
    for kind in ESSENTIAL:
        gaps = [g for g in world.snapshot.gaps_of(kind) if not g.namespace or not namespace or g.namespace == namespace]
        if any(g.reason == "forbidden" for g in gaps):
            return "insufficient_permission", f"{kind}s may not be read, so nothing can be said about them."
    return "no_fault", ""


def _touches(claim: Problem | Hypothesis, namespace: str) -> bool:
    return (
        claim.resource.namespace == namespace
        or any(r.namespace == namespace for r in claim.explains)
        or (claim.resource == Ref("Namespace", "", namespace))
    )


def _relatives(target: Ref, world: World) -> set[Ref]:
    """An object, its workload, what it owns, what it selects, and the claims and node it depends on."""
    look = Look(world)
    found = {target, look.owner(target)}
    if target.kind in ("CronJob", "Namespace", "Node"):
        found.update(world.graph.owned_by(target))
    if target.kind == "Namespace":
        found.update(
            Ref(k, o.metadata.namespace, o.metadata.name)
            for k, o in world.snapshot.all()
            if o.metadata.namespace == target.name
        )
    owned = world.graph.owned_by(look.owner(target)) if look.owner(target).kind != "Node" else []
    pods = [r for r in owned if r.kind == "Pod"] + ([target] if target.kind == "Pod" else [])
    for ref in chain((target,), pods):
        found.update(
            e.target
            for e in world.graph.out(ref)
            if e.relation in ("mounts", "claims", "routes_to", "scales", "selects")
        )
    found.update(look.owner(r) for r in list(found) if r.kind == "Pod")
    found.update(
        e.target for ref in pods for e in world.graph.out(ref, "scheduled_on") if e.target.name in look.sick_nodes
    )
    return found


def _not_found(world: World, target: Ref | None, namespace: str) -> tuple[str, tuple[Ref, ...]] | None:
    snapshot = world.snapshot
    if namespace and not target and snapshot.was_read("Namespace") and namespace not in snapshot.namespaces():
        names = difflib.get_close_matches(namespace, snapshot.namespaces(), NEAREST, 0.5)
        return f"Namespace {namespace} does not exist.", tuple(Ref("Namespace", "", n) for n in names)
    if target is None or not snapshot.was_read(target.kind, target.namespace) or snapshot.find(target) is not None:
        return None
    refs = [Ref(target.kind, o.metadata.namespace, o.metadata.name) for o in snapshot.of(target.kind)]
    elsewhere = [r for r in refs if r.name == target.name]
    here = [r for r in refs if r.namespace == target.namespace] or refs
    close = difflib.get_close_matches(target.name, sorted({r.name for r in here}), NEAREST, 0.5)
    nearest = elsewhere + [r for n in close for r in here if r.name == n]
    return f"{target} does not exist.", tuple(dict.fromkeys(nearest))[:NEAREST]
