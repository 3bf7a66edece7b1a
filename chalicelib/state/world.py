"""A snapshot with its relations and indexes: what detectors, columns and answers ask questions of.

Everything is computed on first use and kept; a World lives as long as its snapshot.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from chalicelib.state.graph import Graph
from chalicelib.state.kinds import KINDS, Status
from chalicelib.state.kinds.cluster import Event
from chalicelib.state.kinds.network import Service
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.kinds.pod_spec import PodSpec
from chalicelib.state.kinds.storage import PersistentVolumeClaim
from chalicelib.state.kinds.workloads import ReplicaSet
from chalicelib.state.meta import LabelSelector, Ref
from chalicelib.state.quantity import quantity
from chalicelib.state.snapshot import Discovered, Snapshot, Usage


class World:
    """Questions about one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._statuses: dict[Ref, Status] = {}

    @cached_property
    def graph(self) -> Graph:
        return Graph.of(self.snapshot)

    @property
    def now(self) -> datetime:
        return self.snapshot.now

    # Pods and their owners

    @cached_property
    def pods_by_namespace(self) -> dict[str, list[Pod]]:
        found: dict[str, list[Pod]] = defaultdict(list)
        for pod in self.snapshot.of("Pod"):
            found[pod.metadata.namespace].append(pod)
        return found

    @cached_property
    def pods_by_node(self) -> dict[str, list[Pod]]:
        found: dict[str, list[Pod]] = defaultdict(list)
        for pod in self.snapshot.of("Pod"):
            if pod.spec.node_name:
                found[pod.spec.node_name].append(pod)
        return found

    def pods_in(self, namespace: str) -> Sequence[Pod]:
        return self.pods_by_namespace.get(namespace, ())

    def pods_on(self, node: str) -> int:
        return sum(not p.finished for p in self.pods_by_node.get(node, ()))

    def pods_of(self, ref: Ref) -> list[Pod]:
        """Pods below an owner, in name order; the pod itself for a Pod."""
        refs = [ref] if ref.kind == "Pod" else self.graph.owned_by(ref, "Pod")
        return [pod for pod in (self.snapshot.find(r) for r in refs) if pod is not None]

    def pods_selected_by(self, namespace: str, selector: LabelSelector) -> list[Pod]:
        found = (self.snapshot.find(r) for r in self.graph.pods.matching(namespace, selector))
        return [pod for pod in found if pod is not None]

    def owner_text(self, obj: Any) -> str | None:
        owner = obj.metadata.controller
        return f"{owner.kind}/{owner.name}" if owner else None

    def restarts_of(self, obj: Any) -> int:
        return sum(p.restarts for p in self.pods_of(self.ref_of(obj)))

    @cached_property
    def _kind_of_type(self) -> dict[type, str]:
        return {entry.struct: entry.kind for entry in KINDS}

    def ref_of(self, obj: Any) -> Ref:
        """The ref of a decoded object of a known kind."""
        return KINDS[self._kind_of_type[type(obj)]].ref(obj)

    # Revisions

    def replica_sets_of(self, deployment: Any) -> list[ReplicaSet]:
        """Revisions of a Deployment, newest first."""
        ref = Ref("Deployment", deployment.metadata.namespace, deployment.metadata.name)
        found = (self.snapshot.find(r) for r in self.graph.owned_by(ref, "ReplicaSet"))
        return sorted((rs for rs in found if rs is not None), key=lambda rs: (-rs.revision, rs.metadata.name))

    def last_rollout(self, deployment: Any) -> datetime | None:
        sets = self.replica_sets_of(deployment)
        return sets[0].metadata.creation_timestamp if sets else None

    def scaled_by(self, obj: Any) -> str | None:
        into = self.graph.into(self.ref_of(obj), "scales")
        return into[0].source.name if into else None

    # Events

    @cached_property
    def _events(self) -> dict[Ref, list[Event]]:
        found: dict[Ref, list[Event]] = defaultdict(list)
        for event in self.snapshot.of("Event"):
            found[event.ref].append(event)
        for events in found.values():
            events.sort(key=lambda e: (_order(e.last_seen), e.metadata.name), reverse=True)
        return found

    def events_of(self, ref: Ref, *, reason: str | None = None) -> Sequence[Event]:
        """Events about exactly this object, newest first. For cluster-scoped objects events live in any namespace."""
        found = self._events.get(ref, ())
        return found if reason is None else [e for e in found if e.reason == reason]

    # Services

    @cached_property
    def _endpoints(self) -> dict[tuple[str, str], tuple[int, int]]:
        found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
        for item in self.snapshot.of("EndpointSlice"):
            counts = found[item.metadata.namespace, item.service]
            counts[0] += sum(e.ready for e in item.endpoints)
            counts[1] += len(item.endpoints)
        return {key: (ready, total) for key, (ready, total) in found.items()}

    def endpoint_counts(self, namespace: str, service: str) -> tuple[int, int] | None:
        """(ready, all) endpoints of a Service; None when EndpointSlices were not read."""
        if not self.snapshot.was_read("EndpointSlice", namespace):
            return None
        return self._endpoints.get((namespace, service), (0, 0))

    def selected_scaled_to_zero(self, service: Service) -> bool:
        """Whether the workload a Service selects exists and is scaled to zero on purpose."""
        selector = LabelSelector(match_labels=service.spec.selector)
        for kind in ("Deployment", "StatefulSet"):
            for workload in self.snapshot.of(kind):
                same = workload.metadata.namespace == service.metadata.namespace
                if same and selector.matches(workload.spec.template.metadata.labels) and workload.spec.replicas == 0:
                    return True
        return False

    # Storage

    def waits_for_first_consumer(self, claim: PersistentVolumeClaim) -> bool:
        """Whether a Pending claim is well: its class binds on first use and no pod uses it."""
        name = claim.spec.storage_class_name
        found = self.snapshot.get("StorageClass", "", name) if name else None
        if found is None or found.volume_binding_mode != "WaitForFirstConsumer":
            return False
        ref = Ref("PersistentVolumeClaim", claim.metadata.namespace, claim.metadata.name)
        return not any(e.source.kind == "Pod" for e in self.graph.into(ref, "mounts"))

    def fullest_quota(self, namespace: str) -> float | None:
        ratios = [
            ratio
            for quota in self.snapshot.of("ResourceQuota")
            if quota.metadata.namespace == namespace
            for ratio in quota.ratios.values()
        ]
        return max(ratios, default=None)

    # Resources

    def requests_of(self, pod: Pod) -> tuple[float, float]:
        """(cpu cores, memory bytes) that the scheduler counts for a pod."""
        return pod_requests(pod.spec)

    @cached_property
    def _requested(self) -> dict[str, tuple[float, float]]:
        found: dict[str, tuple[float, float]] = {}
        for node, pods in self.pods_by_node.items():
            requests = [pod_requests(p.spec) for p in pods if not p.finished]
            found[node] = (sum(r[0] for r in requests), sum(r[1] for r in requests))
        return found

    def requested_on(self, node: str) -> tuple[float, float]:
        """(cpu cores, memory bytes) requested by the pods of a node."""
        return self._requested.get(node, (0.0, 0.0))

    def pod_usage(self, namespace: str, name: str) -> Usage | None:
        return self.snapshot.pod_usage.get((namespace, name)) if self.snapshot.pod_usage is not None else None

    def node_usage(self, name: str) -> Usage | None:
        return self.snapshot.node_usage.get(name) if self.snapshot.node_usage is not None else None

    # Status

    def status(self, kind: str, obj: Any) -> Status:
        """The status of an object by its kind's rule; of a discovered kind by its conditions."""
        entry = KINDS.get(kind)
        if entry is None:
            return discovered_status(obj)
        ref = entry.ref(obj)
        found = self._statuses.get(ref)
        if found is None:
            found = self._statuses[ref] = entry.status(obj, self)
        return found

    @cached_property
    def _unhealthy(self) -> dict[str, int]:
        found: dict[str, int] = defaultdict(int)
        for pod in self.snapshot.of("Pod"):
            if self.status("Pod", pod).level in ("warn", "crit"):
                found[pod.metadata.namespace] += 1
        return found

    def unhealthy_in(self, namespace: str) -> int:
        return self._unhealthy.get(namespace, 0)


def pod_requests(spec: PodSpec) -> tuple[float, float]:
    """(cpu cores, memory bytes) a pod reserves: max(sum of containers and sidecars, largest init step) + overhead.

    Formula: kubernetes/component-helpers resource.PodRequests.
    """
    return _reserved(spec, "cpu"), _reserved(spec, "memory")


def _reserved(spec: PodSpec, resource: str) -> float:
    running = sum(quantity(c.resources.requests.get(resource)) for c in spec.containers)
    sidecars = peak = 0.0
    for init in spec.init_containers:
        wanted = quantity(init.resources.requests.get(resource))
        if init.restart_policy == "Always":
            sidecars += wanted
            peak = max(peak, sidecars)
        else:
            peak = max(peak, sidecars + wanted)
    return max(running + sidecars, peak) + quantity(spec.overhead.get(resource))


def discovered_status(obj: Discovered) -> Status:
    """Ready/Available/Synced/Healthy conditions, the shape most operators follow; unknown when there are none."""
    for type_ in ("Ready", "Available", "Healthy", "Synced"):
        for found in obj.status.conditions:
            if found.type == type_:
                if found.true:
                    return Status("ok", type_)
                return Status("warn", found.reason or f"Not{type_}", found.message)
    return Status("unknown", obj.status.phase) if obj.status.phase else Status("unknown", "Present")


def newest(times: Iterable[datetime | None]) -> datetime | None:
    """The latest of the known times."""
    return max((t for t in times if t), default=None)


def _order(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
