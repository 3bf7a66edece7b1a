"""Present use from metrics.k8s.io against requests and limits, by pod, workload, node or namespace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

from chalicelib.state.kinds.pod import Pod
from chalicelib.state.meta import Ref
from chalicelib.state.quantity import quantity
from chalicelib.state.snapshot import Gap, Snapshot, Usage
from chalicelib.state.world import World
from chalicelib.tools.entry import Result

By = Literal["pod", "workload", "node", "namespace"]


class Use(Result, frozen=True, kw_only=True):
    """Cores and bytes of one pod, workload, node or namespace. A ratio or use that is absent is not known."""

    name: str
    namespace: str = ""
    kind: str = ""
    cpu: float | None = None
    cpu_request: float = 0.0
    cpu_limit: float = 0.0
    memory: float | None = None
    memory_request: float = 0.0
    memory_limit: float = 0.0
    cpu_ratio: float | None = None
    memory_ratio: float | None = None


def metrics_gap(snapshot: Snapshot) -> Gap | None:
    """The gap to report when there is no use at all."""
    if snapshot.pod_usage is not None or snapshot.node_usage is not None:
        return None
    named = next((g for g in snapshot.gaps if "metrics" in g.kind.lower()), None)
    return named or Gap(
        kind="metrics.k8s.io",
        reason="not_recorded" if snapshot.recorded else "not_installed",
        message="no use was read: metrics-server is not installed, not readable or not recorded",
    )


def usage_by(world: World, by: By, namespace: str) -> list[Use]:
    """Use by pod, workload, node or namespace, the fullest first.

    The ratio of a pod, workload or namespace is use over limit (else request); of a node use over allocatable.
    """
    if by == "node":
        found = [_of_node(world, n) for n in world.snapshot.of("Node")]
    else:
        found = [_of_pods(world, ref, pods) for ref, pods in _groups(world, by, namespace).items()]
    return sorted(found, key=lambda u: (-max(u.cpu_ratio or -1, u.memory_ratio or -1), u.namespace, u.name))


def _groups(world: World, by: By, namespace: str) -> dict[Ref, list[Pod]]:
    found: dict[Ref, list[Pod]] = defaultdict(list)
    for pod in world.snapshot.of("Pod"):
        if pod.finished or (namespace and pod.metadata.namespace != namespace):
            continue
        ref = Ref("Pod", pod.metadata.namespace, pod.metadata.name)
        if by == "namespace":
            ref = Ref("Namespace", "", pod.metadata.namespace)
        elif by == "workload":
            ref = world.graph.standing_for(ref)
        found[ref].append(pod)
    return found


def _of_pods(world: World, ref: Ref, pods: list[Pod]) -> Use:
    measured = [u for p in pods if (u := world.pod_usage(p.metadata.namespace, p.metadata.name)) is not None]
    requests = [world.requests_of(p) for p in pods]
    limits = {r: _limit(pods, r) for r in ("cpu", "memory")}
    cpu, memory = _sums(measured)
    cpu_request, memory_request = sum(r[0] for r in requests), sum(r[1] for r in requests)
    return Use(
        name=ref.name, namespace=ref.namespace, kind=ref.kind,
        cpu=cpu, cpu_request=round(cpu_request, 3), cpu_limit=round(limits["cpu"], 3),
        memory=memory, memory_request=memory_request, memory_limit=limits["memory"],
        cpu_ratio=_ratio(cpu, limits["cpu"] or cpu_request),
        memory_ratio=_ratio(memory, limits["memory"] or memory_request),
    )  # fmt: skip


def _of_node(world: World, node: object) -> Use:
    name: str = node.metadata.name  # type: ignore[attr-defined]
    allocatable = node.status.allocatable  # type: ignore[attr-defined]
    measured = world.node_usage(name)
    cpu, memory = _sums([measured] if measured else [])
    requested = world.requested_on(name)
    cores, size = quantity(allocatable.get("cpu")), quantity(allocatable.get("memory"))
    return Use(
        name=name, kind="Node",
        cpu=cpu, cpu_request=round(requested[0], 3), cpu_limit=cores,
        memory=memory, memory_request=requested[1], memory_limit=size,
        cpu_ratio=_ratio(cpu, cores), memory_ratio=_ratio(memory, size),
    )  # fmt: skip


def _limit(pods: Iterable[Pod], resource: str) -> float:
    """Sum of the limits; 0 when any running container has none, because then there is no limit."""
    total = 0.0
    for pod in pods:
        for container in pod.spec.containers:
            limit = container.resources.limits.get(resource)
            if limit is None:
                return 0.0
            total += quantity(limit)
    return total


def _sums(measured: list[Usage]) -> tuple[float | None, float | None]:
    if not measured:
        return None, None
    return round(sum(u.cpu for u in measured), 4), sum(u.memory for u in measured)


def _ratio(used: float | None, of: float) -> float | None:
    return round(used / of, 3) if used is not None and of else None
