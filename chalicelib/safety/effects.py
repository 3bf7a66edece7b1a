"""What an operation makes the controllers do: pods that stop, are replaced, or start.

Worked out from the object before and after, as the API server's dry run gives it, never from what the request is
called. Rolling updates follow kubernetes/pkg/controller/{deployment,statefulset,daemon}: maxSurge is rounded up,
maxUnavailable down, and both zero means one unavailable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chalicelib.clusters.operations import Operation
from chalicelib.safety.scene import Json
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.kinds.pod_spec import PodTemplate
from chalicelib.state.meta import Ref
from chalicelib.state.world import World

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job")


@dataclass(frozen=True, slots=True)
class NewPods:
    """Pods that a controller will create from a template.

    count: how many in all; `replaces` of them take the place of running ones, of which at most `unavailable` may be
    missing meanwhile while at most `surge` more than wanted exist. per_node: one for every node it fits.
    """

    owner: Ref
    raw: Json
    count: int
    replaces: int = 0
    surge: int = 0
    unavailable: int = 0
    per_node: bool = False
    old: tuple[Ref, ...] = ()

    @property
    def template(self) -> PodTemplate:
        return msgspec.convert(self.raw, PodTemplate, strict=False)


@dataclass(frozen=True, slots=True)
class Effects:
    """lost: pods that go for good. replaced: pods that restart elsewhere or anew, `at_once` of them at a time.

    removed: objects that are deleted. touched: objects that others depend on and that change.
    """

    lost: tuple[Ref, ...] = ()
    replaced: tuple[Ref, ...] = ()
    at_once: int = 0
    starts: tuple[NewPods, ...] = ()
    removed: tuple[Ref, ...] = ()
    touched: tuple[Ref, ...] = ()


@dataclass(slots=True)
class Effect:
    """An operation with the object before and after; None where there is none."""

    operation: Operation
    before: Json | None
    after: Json | None
    effects: Effects = field(default_factory=Effects)

    @property
    def ref(self) -> Ref:
        operation = self.operation
        return Ref(operation.resource.kind, operation.namespace, operation.name)


def effect_of(world: World, operation: Operation, before: Json | None, after: Json | None) -> Effect:
    """What one operation sets in motion."""
    found = Effect(operation, before, after)
    ref = found.ref
    if operation.verb == "evict":
        found.effects = _pod_goes(world, ref)
    elif operation.verb == "delete":
        found.effects = _deleted(world, ref, operation.propagation)
    elif after is not None:
        follow = _CHANGED.get(ref.kind)
        found.effects = follow(world, ref, before, after) if follow else Effects(touched=(ref,))
    return found


def together(effects: Iterable[Effects]) -> Effects:
    """The effects of several operations. Evictions and deletions of one request follow each other quickly."""
    each = list(effects)
    return Effects(
        lost=_once(e.lost for e in each),
        replaced=_once(e.replaced for e in each),
        at_once=sum(e.at_once for e in each),
        starts=tuple(start for e in each for start in e.starts),
        removed=_once(e.removed for e in each),
        touched=_once(e.touched for e in each),
    )


def _once(groups: Iterable[Sequence[Ref]]) -> tuple[Ref, ...]:
    return tuple(dict.fromkeys(ref for group in groups for ref in group))


# Deletions


def _deleted(world: World, ref: Ref, propagation: str) -> Effects:
    if ref.kind == "Pod":
        return _pod_goes(world, ref)
    if ref.kind == "Namespace":
        pods = tuple(_ref(pod) for pod in world.pods_in(ref.name) if not pod.finished)
        return Effects(lost=pods, at_once=len(pods), removed=(ref,))
    if ref.kind not in WORKLOADS or propagation == "Orphan":
        return Effects(removed=(ref,))
    pods = _running(world, ref)
    owner = world.graph.owner_of(ref)
    if owner != ref:  # its controller makes a new one
        return Effects(replaced=pods, at_once=len(pods), removed=(ref,))
    return Effects(lost=pods, at_once=len(pods), removed=(ref,))


def _pod_goes(world: World, ref: Ref) -> Effects:
    pod = world.snapshot.find(ref)
    if pod is None:
        return Effects(removed=(ref,))
    if pod.metadata.controller is None:
        return Effects(lost=(ref,), at_once=1, removed=(ref,))
    return Effects(replaced=(ref,), at_once=1)


# Changes


def _deployment(world: World, ref: Ref, before: Json | None, after: Json) -> Effects:
    wanted = _replicas(after)
    surge, unavailable = rolling_limits(after["spec"].get("strategy") or {}, wanted)
    changed = before is not None and before["spec"]["template"] != after["spec"]["template"]
    if changed and after["spec"].get("paused"):
        changed = False
    return _scaled(world, ref, before, after, changed=changed, surge=surge, unavailable=unavailable)


def _stateful_set(world: World, ref: Ref, before: Json | None, after: Json) -> Effects:
    strategy = after["spec"].get("updateStrategy") or {}
    changed = before is not None and before["spec"]["template"] != after["spec"]["template"]
    if strategy.get("type") == "OnDelete":
        changed = False
    partition = (strategy.get("rollingUpdate") or {}).get("partition") or 0
    return _scaled(world, ref, before, after, changed=changed, surge=0, unavailable=1, partition=partition)


def _scaled(
    world: World, ref: Ref, before: Json | None, after: Json, *, changed: bool, surge: int, unavailable: int,
    partition: int = 0,
) -> Effects:  # fmt: skip
    wanted = _replicas(after)
    pods = _running(world, ref)
    lost = going_first(world, pods)[: max(0, len(pods) - wanted)] if before else ()
    stay = [pod for pod in pods if pod not in set(lost)]
    replaced = tuple(pod for pod in stay if changed and _ordinal(pod) >= partition) if changed else ()
    at_once = min(len(replaced), unavailable) + len(lost)
    # Counted from the pods that are there, not from the number that was asked for: some may be missing already.
    count = max(0, wanted - len(stay)) + len(replaced)
    starts: tuple[NewPods, ...] = ()
    if count:
        start = NewPods(
            ref, after["spec"]["template"], count, replaces=len(replaced), surge=surge, unavailable=unavailable,
            old=replaced,
        )  # fmt: skip
        starts = (start,)
    return Effects(lost=tuple(lost), replaced=replaced, at_once=at_once, starts=starts, touched=(ref,))


def _daemon_set(world: World, ref: Ref, before: Json | None, after: Json) -> Effects:
    strategy = after["spec"].get("updateStrategy") or {}
    template = after["spec"]["template"]
    if before is None:
        return Effects(starts=(NewPods(ref, template, 0, per_node=True),), touched=(ref,))
    if before["spec"]["template"] == template or strategy.get("type") == "OnDelete":
        return Effects(touched=(ref,))
    pods = _running(world, ref)
    rolling = strategy.get("rollingUpdate") or {}
    surge = share(rolling.get("maxSurge", 0), len(pods), up=True)
    unavailable = share(rolling.get("maxUnavailable", 1), len(pods), up=True)
    start = NewPods(ref, template, len(pods), len(pods), surge, unavailable or (0 if surge else 1), True, pods)
    return Effects(replaced=pods, at_once=min(len(pods), start.unavailable), starts=(start,), touched=(ref,))


def _job(world: World, ref: Ref, before: Json | None, after: Json) -> Effects:
    if before is not None or after["spec"].get("suspend"):
        return Effects(touched=(ref,))
    spec = after["spec"]
    count = min(spec.get("parallelism", 1), spec.get("completions", spec.get("parallelism", 1)))
    return Effects(starts=(NewPods(ref, spec["template"], count),), touched=(ref,))


def _pod(world: World, ref: Ref, before: Json | None, after: Json) -> Effects:
    if before is not None:
        return Effects(touched=(ref,))
    return Effects(starts=(NewPods(ref, {"metadata": after["metadata"], "spec": after["spec"]}, 1),), touched=(ref,))


_Follow = Callable[[World, Ref, Json | None, Json], Effects]
_CHANGED: dict[str, _Follow] = {
    "Deployment": _deployment,
    "ReplicaSet": lambda world, ref, before, after: _scaled(
        world, ref, before, after, changed=False, surge=0, unavailable=0
    ),
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "Pod": _pod,
}


# Counting


def rolling_limits(strategy: Json, replicas: int) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) of a Deployment in pods. Recreate: all may be missing."""
    if strategy.get("type") == "Recreate":
        return 0, replicas
    rolling = strategy.get("rollingUpdate") or {}
    surge = share(rolling.get("maxSurge", "25%"), replicas, up=True)
    unavailable = share(rolling.get("maxUnavailable", "25%"), replicas, up=False)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def share(value: Any, total: int, *, up: bool) -> int:
    """A count, or a percentage of a total, rounded up or down. Unreadable text counts as zero."""
    if isinstance(value, str):
        number = value.removesuffix("%")
        if not number.isdigit():
            return 0
        product = int(number) * total
        return (-(-product // 100) if up else product // 100) if value.endswith("%") else int(number)
    return int(value or 0)


def _replicas(obj: Json) -> int:
    found = obj["spec"].get("replicas")
    return 1 if found is None else int(found)


def _running(world: World, ref: Ref) -> tuple[Ref, ...]:
    return tuple(_ref(pod) for pod in world.pods_of(ref) if not pod.finished and not pod.metadata.deletion_timestamp)


def _ref(pod: Pod) -> Ref:
    return Ref("Pod", pod.metadata.namespace, pod.metadata.name)


def _ordinal(ref: Ref) -> int:
    tail = ref.name.rpartition("-")[2]
    return int(tail) if tail.isdigit() else 0


def going_first(world: World, pods: Sequence[Ref]) -> tuple[Ref, ...]:
    """Pods in the order in which a controller removes them: not scheduled, not ready, highest ordinal, youngest."""

    def rank(ref: Ref) -> tuple[Any, ...]:
        pod = world.snapshot.find(ref)
        if pod is None:
            return (False, False, 0, 0.0, ref)
        owner = pod.metadata.controller
        ordinal = -_ordinal(ref) if owner and owner.kind == "StatefulSet" else 0
        created = pod.metadata.creation_timestamp
        return (bool(pod.spec.node_name), pod.ready, ordinal, -(created.timestamp() if created else 0.0), ref)

    return tuple(sorted(pods, key=rank))
