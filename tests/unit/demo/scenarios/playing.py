"""Playing one scenario in a child process that has the healthy world from its parent.

Building the world costs a second and a scenario changes it, so each plays in a fork: nothing it does is seen by others.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.rootcause import Diagnosis
from infra.local.demo.scenarios.catalog import Faults
from infra.local.demo.scenarios.model import Fault
from infra.local.demo.server.store import Object
from infra.local.demo.world.build import World
from tests.unit.demo.scenarios.observed import diagnosis_of

NOW = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)
SURE = 0.5
RECOVERY_S = 400.0
_WORDS = 100_000


@dataclass(frozen=True)
class Claim:
    """One problem of a diagnosis."""

    kind: str
    namespace: str
    name: str
    mode: str
    probability: float
    text: str


@dataclass(frozen=True)
class Course:
    """How a scenario went: claims after 30 s, when all symptoms are there, and after healing; what could be seen."""

    early: list[Claim]
    settled: list[Claim]
    healed: list[Claim]
    before: str
    traces: str
    drift: list[str]


def claims(found: Diagnosis) -> list[Claim]:
    return [Claim(*p.resource, p.mode, p.probability, f"{p.resource} {p.summary}") for p in found.problems]


def sure(found: list[Claim]) -> list[Claim]:
    return [claim for claim in found if claim.probability > SURE]


def in_a_fork(work: Callable[[], Any]) -> Any:
    """The result of work done in a forked child; its exception, with its traceback as text, if it raised one."""
    with multiprocessing.get_context("fork").Pool(1, initializer=_set, initargs=(work,)) as pool:
        return pool.apply(_run)


_work: list[Callable[[], Any]] = []


def _set(work: Callable[[], Any]) -> None:
    _work[:] = [work]


def _run() -> Any:
    return _work[0]()


def play(world: World, faults: Faults, fault: Fault) -> Course:
    """Inject, wait, diagnose, heal, diagnose."""
    before, desired = seen(world), wanted(world)
    faults.inject(fault.name)
    world.run_for(30)
    early = claims(diagnosis_of(world))
    world.run_for(max(0.0, fault.settles_s - 30))
    settled, traces = claims(diagnosis_of(world)), seen(world)
    faults.heal(fault.name)
    world.run_for(RECOVERY_S)
    return Course(early, settled, claims(diagnosis_of(world)), before, traces, sorted(desired ^ wanted(world)))


def seen(world: World) -> str:
    """Everything events, conditions, statuses and logs say, as one text."""
    parts = [f"{one['reason']} {one['message']}" for one in world.api.list("Event")]
    for kind in ("Pod", "Node", "Namespace", "HorizontalPodAutoscaler", "Deployment", "Job", "PersistentVolumeClaim"):
        parts += [str(one.get("status")) for one in world.api.list(kind)]
    for pod in world.api.list("Pod"):
        parts += _logs(world, pod)
    return "\n".join(parts)


def _logs(world: World, pod: Object) -> list[str]:
    assert world.api.logs is not None
    found: list[str] = []
    for container in pod["spec"]["containers"]:
        for previous in (False, True):
            found += [line.text for line in world.api.logs.lines(pod, container["name"], previous) or ()]
    return found


_MADE_BY_CONTROLLERS = (
    "events", "pods", "replicasets", "controllerrevisions", "endpoints", "endpointslices", "leases", "jobs",
    "volumeattachments", "persistentvolumes", "vulnerabilityreports",
)  # fmt: skip


def wanted(world: World) -> set[str]:
    """What people want of the cluster: names and specs of what they make; only autoscaled sizes move by themselves."""
    found = set()
    for key in {one.key for one in world.api.resources if one.stored}:
        if key[1] in _MADE_BY_CONTROLLERS:
            continue
        autoscaled = {one["spec"]["scaleTargetRef"]["name"] for one in world.api.list("HorizontalPodAutoscaler")}
        for row in world.api.store.list(key):
            meta, spec = row.object["metadata"], row.object.get("spec") or {}
            kept = {name: value for name, value in spec.items() if name != "replicas" or meta["name"] not in autoscaled}
            found.add(f"{key[1]} {meta.get('namespace', '')}/{meta['name']} {kept}"[:_WORDS])
    return found
