"""Health scores from 0 to 100, each with the factors that made it.

A score is 100 less what its factors take away, so a reader can add it up. What could not be read lowers no score: it
makes the level `unknown` or leaves the factor out, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from chalicelib.state.kinds import KINDS
from chalicelib.state.kinds.registry import Level
from chalicelib.state.meta import Ref
from chalicelib.state.world import World, newest

STATUS_COST = {"crit": 50, "warn": 25, "progress": 5, "unknown": 0, "ok": 0}
SEVERITY_COST = {"critical": 40, "warning": 25, "info": 5}
PROBLEM_COST = {"critical": 12, "warning": 4}
"""What a problem of probability 1 takes from the whole that it is part of: a cluster or a namespace."""
CONSEQUENCE_COST = 15
RECENT_RESTART_COST = 15
OLD_RESTARTS_COST = 5
RECENT = timedelta(hours=1)
OK_ABOVE, WARN_ABOVE = 80, 50


class KnownProblem(Protocol):
    """What a score needs to know of a diagnosed problem."""

    @property
    def resource(self) -> Ref: ...
    @property
    def severity(self) -> str: ...
    @property
    def probability(self) -> float: ...
    @property
    def summary(self) -> str: ...
    @property
    def explains(self) -> Sequence[Ref]: ...


@dataclass(frozen=True, slots=True)
class Factor:
    """One part of a score. For a resource `score` is what it takes away; for a cluster its own 0-100 score."""

    name: str
    score: float
    weight: float
    detail: str


@dataclass(frozen=True, slots=True)
class Health:
    """`score` is None when nothing that could be read says anything about the object."""

    score: int | None
    level: Level
    factors: tuple[Factor, ...] = ()

    @property
    def reasons(self) -> list[str]:
        return [f.detail for f in self.factors if f.detail]


def level_of(score: int) -> Level:
    """The level of a score: above 80 ok, above 50 a warning, else critical."""
    return "ok" if score > OK_ABOVE else "warn" if score > WARN_ABOVE else "crit"


def resource_health(kind: str, obj: Any, world: World, problems: Iterable[KnownProblem] = ()) -> Health:
    """Health of one object: its own status, diagnosed problems of it or explained by others, restarts.

    `problems` are those that name the object as resource or in `explains`, and for a namespace those inside it.
    """
    entry = KINDS.get(kind)
    ref = entry.ref(obj) if entry else Ref(kind, obj.metadata.namespace, obj.metadata.name)
    status = world.status(kind, obj)
    if status.level == "unknown":
        return Health(None, "unknown", (Factor("status", 0, 1, status.reason or f"its status is {status.word}"),))
    factors = []
    if STATUS_COST[status.level]:
        detail = f"{status.word}: {status.reason}" if status.reason else status.word
        factors.append(Factor("status", STATUS_COST[status.level], 1, detail[:300]))
    factors.extend(_problem_factors(ref, problems))
    if kind == "Namespace":
        factors.extend(_namespace_factors(ref, world, problems))
    if kind == "Pod":
        factors.extend(_restart_factors(obj, world))
    score = max(0, 100 - round(sum(f.score * f.weight for f in factors)))
    return Health(score, level_of(score), tuple(factors))


def _problem_factors(ref: Ref, problems: Iterable[KnownProblem]) -> Iterable[Factor]:
    for problem in problems:
        if problem.resource == ref:
            yield Factor("problem", SEVERITY_COST.get(problem.severity, 5), problem.probability, problem.summary)
        elif ref in problem.explains:
            yield Factor("affected", CONSEQUENCE_COST, problem.probability, f"affected by {problem.resource}")


def inside(problem: KnownProblem, ref: Ref) -> bool:
    """Whether the problem is one of a namespace's own: a namespace is as well as what runs in it."""
    return ref.kind == "Namespace" and problem.resource.namespace == ref.name


def _namespace_factors(ref: Ref, world: World, problems: Iterable[KnownProblem]) -> Iterable[Factor]:
    """The share of its pods that are unwell, and its problems, each at the price it has for the cluster."""
    pods = [p for p in world.pods_in(ref.name) if p.status.phase != "Succeeded"]
    unwell = sum(world.status("Pod", p).level not in ("ok", "progress") for p in pods)
    if unwell:
        yield Factor("pods", 100 * unwell / len(pods), 1, f"{unwell} of {len(pods)} pods are unwell")
    for problem in problems:
        if inside(problem, ref):
            yield Factor("problem", PROBLEM_COST.get(problem.severity, 0), problem.probability, problem.summary)


def _restart_factors(pod: Any, world: World) -> Iterable[Factor]:
    ends = newest(s.last_state.terminated.finished_at for s in pod.status.all_statuses if s.last_state.terminated)
    if not pod.restarts or ends is None:
        return
    if world.now - ends <= RECENT:
        yield Factor("restarts", RECENT_RESTART_COST, 1, f"{pod.restarts} restarts, the last within the hour")
    elif pod.restarts > 3:
        yield Factor("restarts", OLD_RESTARTS_COST, 1, f"{pod.restarts} restarts, none within the hour")


def cluster_health(world: World, problems: Sequence[KnownProblem]) -> Health:
    """Health of a cluster: the weighted mean of what could be read, less what urgent problems take away."""
    factors = [f for f in (_replicas(world), _pods(world), _nodes(world), _services(world)) if f is not None]
    if not factors:
        return Health(None, "unknown", (Factor("read", 0, 1, "no workloads, pods, nodes or services were read"),))
    factors.append(_problems(problems))
    total = sum(f.weight for f in factors)
    score = round(sum(f.score * f.weight for f in factors) / total)
    return Health(score, level_of(score), tuple(factors))


def _share(good: int, all_: int) -> float:
    return round(100 * good / all_, 1) if all_ else 100.0


def _replicas(world: World) -> Factor | None:
    kinds = [k for k in ("Deployment", "StatefulSet", "DaemonSet") if world.snapshot.was_read(k)]
    if not kinds:
        return None
    levels = [world.status(k, o).level for k in kinds for o in world.snapshot.of(k)]
    good = sum(level in ("ok", "progress") for level in levels)
    return Factor("workloads", _share(good, len(levels)), 0.35, f"{good} of {len(levels)} workloads are well")


def _pods(world: World) -> Factor | None:
    if not world.snapshot.was_read("Pod"):
        return None
    pods = [p for p in world.snapshot.of("Pod") if p.status.phase != "Succeeded"]
    good = sum(world.status("Pod", p).level in ("ok", "progress") for p in pods)
    return Factor("pods", _share(good, len(pods)), 0.2, f"{good} of {len(pods)} pods are well")


def _nodes(world: World) -> Factor | None:
    if not world.snapshot.was_read("Node"):
        return None
    nodes = world.snapshot.of("Node")
    good = sum(n.ready for n in nodes)
    return Factor("nodes", _share(good, len(nodes)), 0.2, f"{good} of {len(nodes)} nodes are ready")


def _services(world: World) -> Factor | None:
    if not (world.snapshot.was_read("Service") and world.snapshot.was_read("EndpointSlice")):
        return None
    services = [s for s in world.snapshot.of("Service") if s.spec.selector]
    good = sum(world.status("Service", s).level != "crit" for s in services)
    return Factor("services", _share(good, len(services)), 0.1, f"{good} of {len(services)} services have endpoints")


def _problems(problems: Sequence[KnownProblem]) -> Factor:
    urgent = [p for p in problems if p.severity == "critical"]
    others = [p for p in problems if p.severity == "warning"]
    taken = sum(PROBLEM_COST[p.severity] * p.probability for p in (*urgent, *others))
    return Factor(
        "problems", max(0.0, round(100 - taken, 1)), 0.15, f"{len(urgent)} critical and {len(others)} warning problems"
    )
