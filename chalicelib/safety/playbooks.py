"""Playbooks: declared sequences of actions. Every step is a change request; one approval covers a run of them.

Steps are previewed before anything is done, each on the state that the steps before it would leave. They are executed
one after the other; the first that does not end well stops the run.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from importlib import resources
from typing import Any

import msgspec

from chalicelib.errors import InvalidRequest, TooLarge, unknown
from chalicelib.safety.actions.workloads import BEFORE_SLEEP
from chalicelib.safety.model import Part
from chalicelib.safety.scene import Json, Scene
from chalicelib.state.quantity import quantity

MOST_STEPS = 60
_NAMED = re.compile(r"{(\w+)}")


class Step(Part, frozen=True, kw_only=True):
    """One action, or (`each`) one for each of a set of objects found when the plan is made."""

    action: str
    arguments: Json = {}
    each: str = ""


class Playbook(Part, frozen=True, kw_only=True):
    id: str
    name: str
    description: str
    parameters: dict[str, str]
    steps: tuple[Step, ...]


class Planned(Part, frozen=True, kw_only=True):
    """An action with its arguments, ready to be asked for."""

    action: str
    arguments: Json


@functools.cache
def playbooks() -> tuple[Playbook, ...]:
    """The playbooks that come with the product."""
    text = (resources.files("chalicelib.safety") / "playbooks.json").read_bytes()
    return tuple(msgspec.json.decode(text, type=list[Playbook]))


def find_playbook(name: str) -> Playbook:
    """Raises NotFound `unknown_playbook` with the valid ids."""
    for one in playbooks():
        if one.id == name:
            return one
    raise unknown("playbook", name, (one.id for one in playbooks()))


def planned(playbook: Playbook, given: Mapping[str, str], scene: Scene) -> tuple[Planned, ...]:
    """The actions of a run, in order. Raises InvalidRequest for parameters, TooLarge for too many steps."""
    parameters = _checked(playbook, given)
    found: list[Planned] = []
    for step in playbook.steps:
        if not step.each:
            found.append(Planned(action=step.action, arguments=_filled(step.arguments, parameters)))
            continue
        each = _SETS[step.each](scene, parameters)
        found += [Planned(action=step.action, arguments={**arguments, **step.arguments}) for arguments in each]
    if len(found) > MOST_STEPS:
        raise TooLarge(
            f"The run would have {len(found)} steps.", details={"limit": MOST_STEPS}, remedy="Narrow it down."
        )
    if not found:
        raise InvalidRequest(
            f"{playbook.name}: there is nothing to do.", code="nothing_to_change", remedy="Look at the namespace again."
        )
    return tuple(found)


def _checked(playbook: Playbook, given: Mapping[str, str]) -> dict[str, str]:
    optional = {name for name, text in playbook.parameters.items() if "optional" in text or "default" in text}
    missing = sorted(set(playbook.parameters) - set(given) - optional)
    strange = sorted(set(given) - set(playbook.parameters))
    if missing or strange:
        what = f"lacks {', '.join(missing)}" if missing else f"does not take {', '.join(strange)}"
        raise InvalidRequest(
            f"Playbook {playbook.id} {what}.", code="invalid_arguments",
            remedy=f"It takes: {', '.join(playbook.parameters)}.", details={"valid": sorted(playbook.parameters)},
        )  # fmt: skip
    return {name: str(value) for name, value in given.items()}


def _filled(arguments: Json, parameters: Mapping[str, str]) -> Json:
    def fill(value: Any) -> Any:
        return _NAMED.sub(lambda m: parameters[m[1]], value) if isinstance(value, str) else value

    return {name: fill(value) for name, value in arguments.items()}


# Sets of objects, found when the plan is made


def _left_alone(parameters: Mapping[str, str]) -> set[str]:
    return {name.strip() for name in parameters.get("exclude", "").split(",") if name.strip()}


def _scalable(scene: Scene, parameters: Mapping[str, str]) -> Iterator[Json]:
    """Workloads that run now. What a KEDA or an autoscaler drives is switched off with its workload."""
    namespace, excluded = parameters["namespace"], _left_alone(parameters)
    for kind in ("Deployment", "StatefulSet"):
        for one in scene.world.snapshot.of(kind):
            meta = one.metadata
            if meta.namespace == namespace and one.spec.replicas and meta.name not in excluded:
                yield {"kind": kind, "namespace": namespace, "name": meta.name}


def _asleep(scene: Scene, parameters: Mapping[str, str]) -> Iterator[Json]:
    """Workloads at zero that say how many replicas they had before a shut-down."""
    namespace, excluded = parameters["namespace"], _left_alone(parameters)
    for kind in ("Deployment", "StatefulSet"):
        for one in scene.world.snapshot.of(kind):
            before = one.metadata.annotations.get(BEFORE_SLEEP, "")
            here = one.metadata.namespace == namespace and one.metadata.name not in excluded
            if here and one.spec.replicas == 0 and before.isdigit() and int(before):
                name = one.metadata.name
                yield {"kind": kind, "namespace": namespace, "name": name, "replicas": int(before)}


def _cron_jobs(suspended: bool) -> Callable[[Scene, Mapping[str, str]], Iterator[Json]]:
    def found(scene: Scene, parameters: Mapping[str, str]) -> Iterator[Json]:
        namespace, excluded = parameters["namespace"], _left_alone(parameters)
        for one in scene.world.snapshot.of("CronJob"):
            noted = not suspended or BEFORE_SLEEP in one.metadata.annotations
            here = one.metadata.namespace == namespace and one.metadata.name not in excluded
            if here and bool(one.spec.suspend) == suspended and noted:
                yield {"namespace": namespace, "name": one.metadata.name}

    return found


def _finished_jobs(scene: Scene, parameters: Mapping[str, str]) -> Iterator[Json]:
    days = parameters.get("days") or "7"
    if not days.isdigit():
        raise InvalidRequest("days: a whole number.", code="invalid_arguments", details={"field": "days"})
    oldest = scene.now - timedelta(days=quantity(days))
    for job in scene.world.snapshot.of("Job"):
        ended = job.status.completion_time or next(
            (c.last_transition_time for c in job.status.conditions if c.type == "Failed" and c.true), None
        )
        owned = job.metadata.controller is not None
        if job.metadata.namespace == parameters["namespace"] and ended and ended < oldest and not owned:
            yield {"namespace": parameters["namespace"], "name": job.metadata.name}


_SETS: dict[str, Callable[[Scene, Mapping[str, str]], Iterator[Json]]] = {
    "scalable": _scalable,
    "asleep": _asleep,
    "cronjobs": _cron_jobs(False),
    "suspended": _cron_jobs(True),
    "finished_jobs": _finished_jobs,
}
