"""Pods: their status, and how a list shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from chalicelib.state.kinds.pod_spec import PodSpec, pod_references
from chalicelib.state.kinds.registry import KINDS, Column, KindEntry, Related, Status
from chalicelib.state.meta import (
    Api,
    Condition,
    Object,
    Ref,
    condition,
)
from chalicelib.state.quantity import quantity

if TYPE_CHECKING:
    from chalicelib.state.world import World


class StateWaiting(Api):
    reason: str = ""
    message: str = ""


class StateRunning(Api):
    started_at: datetime | None = None


class StateTerminated(Api):
    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ContainerState(Api):
    waiting: StateWaiting | None = None
    running: StateRunning | None = None
    terminated: StateTerminated | None = None


class ContainerStatus(Api):
    name: str = ""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    image: str = ""
    image_id: str = msgspec.field(name="imageID", default="")
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()


class PodStatus(Api):
    phase: str = ""
    reason: str = ""
    message: str = ""
    pod_ip: str = msgspec.field(name="podIP", default="")
    host_ip: str = msgspec.field(name="hostIP", default="")
    start_time: datetime | None = None
    qos_class: str = ""
    nominated_node_name: str = ""
    conditions: list[Condition] = []
    container_statuses: list[ContainerStatus] = []
    init_container_statuses: list[ContainerStatus] = []

    @property
    def all_statuses(self) -> Iterator[ContainerStatus]:
        yield from self.init_container_statuses
        yield from self.container_statuses


class Pod(Object):
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def ready(self) -> bool:
        found = condition(self.status.conditions, "Ready")
        return bool(found and found.true)

    @property
    def restarts(self) -> int:
        return sum(s.restart_count for s in self.status.all_statuses)

    @property
    def finished(self) -> bool:
        return self.status.phase in ("Succeeded", "Failed")


def _refs(pod: Pod) -> Iterable[Related]:
    namespace = pod.metadata.namespace
    for relation, kind, name, detail, _ in pod_references(pod.spec):
        yield relation, Ref(kind, namespace, name), detail
    if pod.spec.node_name:
        yield "scheduled_on", Ref("Node", "", pod.spec.node_name), ""
    if pod.spec.service_account_name:
        yield "runs_as", Ref("ServiceAccount", namespace, pod.spec.service_account_name), ""
    if pod.spec.priority_class_name:
        yield "has_priority", Ref("PriorityClass", "", pod.spec.priority_class_name), ""


def pod_status(pod: Pod, world: World | None = None) -> Status:
    """The word `kubectl get pods` shows, with a level (rules of kubectl's printPod)."""
    status = pod.status
    if pod.metadata.deletion_timestamp:
        return Status("progress", "Terminating")
    if status.phase == "Succeeded":
        return Status("ok", "Completed")
    if status.reason in ("Evicted", "NodeLost", "Shutdown", "NodeShutdown"):
        return Status("warn", status.reason, status.message)
    for index, init in enumerate(status.init_container_statuses):
        found = _init_status(pod, index, init.state)
        if found:
            return found
    for container in status.container_statuses:
        if container.state.waiting and container.state.waiting.reason:
            word = container.state.waiting.reason
            level = "progress" if word in ("ContainerCreating", "PodInitializing") else "crit"
            return Status(level, word, container.state.waiting.message)  # type: ignore[arg-type]
    for container in status.container_statuses:
        ended = container.state.terminated
        if ended and (ended.exit_code or ended.reason != "Completed"):
            return Status("crit", ended.reason or f"ExitCode:{ended.exit_code}", ended.message)
    if status.phase == "Failed":
        return Status("crit", status.reason or "Failed", status.message)
    if status.phase == "Pending":
        scheduled = condition(status.conditions, "PodScheduled")
        if scheduled and scheduled.false:
            return Status("warn", "Pending", scheduled.message)
        return Status("progress", "Pending")
    if status.phase == "Running" and not pod.ready:
        return Status("warn", "NotReady", _not_ready_reason(pod))
    if status.phase == "Running":
        return Status("ok", "Running")
    return Status("unknown", status.phase or "Unknown", status.message)


def _init_status(pod: Pod, index: int, state: ContainerState) -> Status | None:
    spec = pod.spec.init_containers[index] if index < len(pod.spec.init_containers) else None
    if spec is not None and spec.restart_policy == "Always":
        return None
    if state.terminated and state.terminated.exit_code == 0:
        return None
    if state.terminated:
        return Status("crit", f"Init:{state.terminated.reason or 'Error'}", state.terminated.message)
    if state.waiting and state.waiting.reason and state.waiting.reason != "PodInitializing":
        return Status("crit", f"Init:{state.waiting.reason}", state.waiting.message)
    return Status("progress", f"Init:{index}/{len(pod.spec.init_containers)}")


def _not_ready_reason(pod: Pod) -> str:
    found = condition(pod.status.conditions, "Ready")
    return found.message if found else ""


def _usage(pod: Pod, world: World, resource: str) -> float | None:
    usage = world.pod_usage(pod.metadata.namespace, pod.metadata.name)
    return usage.get(resource) if usage else None


def _last_restart(pod: Pod) -> datetime | None:
    ends = [s.last_state.terminated.finished_at for s in pod.status.all_statuses if s.last_state.terminated]
    return max((e for e in ends if e), default=None)


def _limit(pod: Pod, resource: str) -> float | None:
    """The pod's limit; None when a container has none, because then the pod has none."""
    limits = [c.resources.limits.get(resource) for c in pod.spec.containers]
    return None if None in limits or not limits else sum(quantity(limit) for limit in limits)


def _last_reason(pod: Pod) -> str | None:
    ends = [s.last_state.terminated for s in pod.status.all_statuses if s.last_state.terminated]
    newest = max(ends, key=lambda e: e.finished_at.timestamp() if e.finished_at else 0.0, default=None)
    return (newest.reason or f"ExitCode:{newest.exit_code}") if newest else None


def ready_containers(pod: Pod) -> str:
    return f"{sum(s.ready for s in pod.status.container_statuses)}/{len(pod.spec.containers)}"


POD = KINDS.add(
    KindEntry(
        kind="Pod",
        plural="pods",
        group="",
        version="v1",
        category="Workloads",
        title="Pods",
        struct=Pod,
        status=pod_status,
        short_names=("po",),
        has_logs=True,
        refs=_refs,
        columns=(
            Column("ready", "Ready", "text", lambda p, w: ready_containers(p), description="Ready containers of all."),
            Column("restarts", "Restarts", "number", lambda p, w: p.restarts),
            Column("last_restart", "Last restart", "age", lambda p, w: _last_restart(p)),
            Column("cpu", "CPU used", "cpu", lambda p, w: _usage(p, w, "cpu"), description="metrics.k8s.io, cores."),
            Column("memory", "Memory used", "bytes", lambda p, w: _usage(p, w, "memory")),
            Column("cpu_request", "CPU request", "cpu", lambda p, w: w.requests_of(p)[0], hidden=True),
            Column("memory_request", "Memory request", "bytes", lambda p, w: w.requests_of(p)[1], hidden=True),
            Column("cpu_limit", "CPU limit", "cpu", lambda p, w: _limit(p, "cpu"), hidden=True),
            Column("memory_limit", "Memory limit", "bytes", lambda p, w: _limit(p, "memory"), hidden=True),
            Column(
                "last_reason",
                "Last end",
                "text",
                lambda p, w: _last_reason(p),
                hidden=True,
                description="Why the last ended container ended, e.g. OOMKilled.",
            ),
            Column("node", "Node", "text", lambda p, w: p.spec.node_name or None),
            Column("owner", "Owner", "ref", lambda p, w: w.owner_text(p)),
            Column("qos", "QoS", "text", lambda p, w: p.status.qos_class or None, hidden=True),
            Column("ip", "IP", "text", lambda p, w: p.status.pod_ip or None, hidden=True),
            Column("images", "Images", "list", lambda p, w: [c.image for c in p.spec.containers], hidden=True),
        ),
        words=("pod", "container"),
    )
)
