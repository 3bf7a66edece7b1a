"""The cluster itself: Node, Namespace, Event, CustomResourceDefinition, and the Lease that shows a node is alive."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from chalicelib.state.kinds.registry import KINDS, Column, KindEntry, Related, Status
from chalicelib.state.meta import Api, Condition, Object, ObjectReference, Quantities, Ref, condition
from chalicelib.state.quantity import quantity

if TYPE_CHECKING:
    from chalicelib.state.world import World

PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure")


class Taint(Api):
    key: str = ""
    value: str = ""
    effect: str = ""
    time_added: datetime | None = None


class NodeSpec(Api):
    unschedulable: bool = False
    taints: list[Taint] = []
    provider_id: str = msgspec.field(name="providerID", default="")
    pod_cidr: str = msgspec.field(name="podCIDR", default="")


class NodeInfo(Api):
    kubelet_version: str = ""
    os_image: str = ""
    kernel_version: str = ""
    container_runtime_version: str = ""
    architecture: str = ""
    operating_system: str = ""


class NodeAddress(Api):
    type: str = ""
    address: str = ""


class NodeStatus(Api):
    capacity: Quantities = {}
    allocatable: Quantities = {}
    conditions: list[Condition] = []
    node_info: NodeInfo = NodeInfo()
    addresses: list[NodeAddress] = []


class Node(Object):
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()

    @property
    def ready(self) -> bool:
        found = condition(self.status.conditions, "Ready")
        return bool(found and found.true)

    @property
    def instance_type(self) -> str:
        return self.metadata.labels.get("node.kubernetes.io/instance-type", "")

    @property
    def zone(self) -> str:
        return self.metadata.labels.get("topology.kubernetes.io/zone", "")


class NamespaceSpec(Api):
    finalizers: list[str] = []


class NamespaceStatus(Api):
    phase: str = ""
    conditions: list[Condition] = []


class Namespace(Object):
    spec: NamespaceSpec = NamespaceSpec()
    status: NamespaceStatus = NamespaceStatus()


class EventSource(Api):
    component: str = ""
    host: str = ""


class EventSeries(Api):
    count: int = 0
    last_observed_time: datetime | None = None


class Event(Object):
    """A core/v1 Event. Scheduler events carry only `eventTime` and `series`, so time and count come from properties."""

    involved_object: ObjectReference = ObjectReference()
    related: ObjectReference | None = None
    reason: str = ""
    message: str = ""
    type: str = ""
    action: str = ""
    raw_count: int | None = msgspec.field(name="count", default=None)
    first_timestamp: datetime | None = None
    last_timestamp: datetime | None = None
    event_time: datetime | None = None
    series: EventSeries | None = None
    source: EventSource = EventSource()
    reporting_component: str = ""

    @property
    def count(self) -> int:
        return (self.series.count if self.series else 0) or self.raw_count or 1

    @property
    def first_seen(self) -> datetime | None:
        return self.first_timestamp or self.event_time or self.metadata.creation_timestamp

    @property
    def last_seen(self) -> datetime | None:
        observed = self.series.last_observed_time if self.series else None
        return observed or self.last_timestamp or self.event_time or self.metadata.creation_timestamp

    @property
    def ref(self) -> Ref:
        return Ref(self.involved_object.kind, self.involved_object.namespace, self.involved_object.name)

    @property
    def component(self) -> str:
        return self.reporting_component or self.source.component


class CrdNames(Api):
    kind: str = ""
    plural: str = ""
    short_names: list[str] = []


class CrdVersion(Api):
    name: str = ""
    served: bool = False
    storage: bool = False
    deprecated: bool = False


class CrdSpec(Api):
    group: str = ""
    scope: str = ""
    names: CrdNames = CrdNames()
    versions: list[CrdVersion] = []


class CrdStatus(Api):
    conditions: list[Condition] = []
    stored_versions: list[str] = []


class CustomResourceDefinition(Object):
    spec: CrdSpec = CrdSpec()
    status: CrdStatus = CrdStatus()


class LeaseSpec(Api):
    holder_identity: str = ""
    renew_time: datetime | None = None
    lease_duration_seconds: int | None = None


class Lease(Object):
    spec: LeaseSpec = LeaseSpec()


def _node_status(node: Node, world: World) -> Status:
    ready = condition(node.status.conditions, "Ready")
    if not ready or not ready.true:
        word = "NotReady" if ready else "Unknown"
        return Status("crit", word, ready.message if ready else "no Ready condition")
    for type_ in (*PRESSURES, "NetworkUnavailable"):
        found = condition(node.status.conditions, type_)
        if found and found.true:
            return Status("warn", type_, found.message)
    if node.spec.unschedulable:
        return Status("warn", "Cordoned", "scheduling is disabled")
    return Status("ok", "Ready")


def _namespace_status(namespace: Namespace, world: World) -> Status:
    if namespace.status.phase == "Terminating":
        stuck = [c for c in namespace.status.conditions if c.true and "Remaining" in c.type]
        return Status("warn" if stuck else "progress", "Terminating", stuck[0].message if stuck else "")
    return Status("ok", namespace.status.phase or "Active")


def _crd_status(crd: CustomResourceDefinition, world: World) -> Status:
    established = condition(crd.status.conditions, "Established")
    if established and established.false:
        return Status("warn", "Not established", established.message)
    return Status("ok", "Established")


def _event_refs(event: Event) -> Iterable[Related]:
    if event.involved_object.kind:
        yield "about", event.ref, event.reason


def _usage(node: Node, world: World, resource: str) -> float | None:
    usage = world.node_usage(node.metadata.name)
    return usage.get(resource) if usage else None


def _allocatable(node: Node, resource: str) -> float:
    return quantity(node.status.allocatable.get(resource))


KINDS.add(
    KindEntry(
        kind="Node", plural="nodes", group="", version="v1", category="Cluster", title="Nodes", struct=Node,
        namespaced=False, status=_node_status, short_names=("no",),
        columns=(
            Column("pods", "Pods", "number", lambda n, w: w.pods_on(n.metadata.name)),
            Column("cpu", "CPU used", "cpu", lambda n, w: _usage(n, w, "cpu")),
            Column("cpu_requested", "CPU requested", "cpu", lambda n, w: w.requested_on(n.metadata.name)[0]),
            Column("cpu_allocatable", "CPU allocatable", "cpu", lambda n, w: _allocatable(n, "cpu")),
            Column("memory", "Memory used", "bytes", lambda n, w: _usage(n, w, "memory")),
            Column("memory_requested", "Memory requested", "bytes", lambda n, w: w.requested_on(n.metadata.name)[1]),
            Column("memory_allocatable", "Memory allocatable", "bytes", lambda n, w: _allocatable(n, "memory")),
            Column("type", "Instance type", "text", lambda n, w: n.instance_type or None),
            Column("zone", "Zone", "text", lambda n, w: n.zone or None),
            Column("version", "Kubelet", "text", lambda n, w: n.status.node_info.kubelet_version or None),
            Column("taints", "Taints", "list", hidden=True, value=lambda n, w: [
                f"{t.key}={t.value}:{t.effect}" if t.value else f"{t.key}:{t.effect}" for t in n.spec.taints]),
        ),
        words=("node", "machine"),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="Namespace", plural="namespaces", group="", version="v1", category="Cluster", title="Namespaces",
        struct=Namespace, namespaced=False, status=_namespace_status, short_names=("ns",),
        columns=(
            Column("pods", "Pods", "number", lambda n, w: len(w.pods_in(n.metadata.name))),
            Column("not_ready", "Unhealthy pods", "number", lambda n, w: w.unhealthy_in(n.metadata.name)),
            Column("quota", "Fullest quota", "ratio", lambda n, w: w.fullest_quota(n.metadata.name)),
            Column("psa", "Pod security", "text",
                   lambda n, w: n.metadata.labels.get("pod-security.kubernetes.io/enforce")),
        ),
        words=("namespace",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="Event", plural="events", group="", version="v1", category="Cluster", title="Events", struct=Event,
        status=lambda e, w: Status("warn" if e.type == "Warning" else "ok", e.type or "Normal"),
        short_names=("ev",), refs=_event_refs,
        columns=(
            Column("reason", "Reason", "text", lambda e, w: e.reason),
            Column("object", "Object", "ref", lambda e, w: f"{e.involved_object.kind}/{e.involved_object.name}"),
            Column("message", "Message", "text", lambda e, w: e.message),
            Column("count", "Count", "number", lambda e, w: e.count),
            Column("last", "Last seen", "age", lambda e, w: e.last_seen),
            Column("source", "Source", "text", lambda e, w: e.component or None, hidden=True),
        ),
        words=("event",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="CustomResourceDefinition", plural="customresourcedefinitions", group="apiextensions.k8s.io",
        version="v1", category="Cluster", title="Custom resource definitions", struct=CustomResourceDefinition,
        namespaced=False, status=_crd_status, short_names=("crd", "crds"),
        columns=(
            Column("group", "Group", "text", lambda c, w: c.spec.group),
            Column("names", "Kind", "text", lambda c, w: c.spec.names.kind),
            Column("scope", "Scope", "text", lambda c, w: c.spec.scope),
            Column("versions", "Versions", "list",
                   lambda c, w: [v.name + (" (deprecated)" if v.deprecated else "") for v in c.spec.versions]),
        ),
        words=("custom resource definition",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="Lease", plural="leases", group="coordination.k8s.io", version="v1", category="Cluster", title="Leases",
        struct=Lease, status=lambda x, w: Status("ok", "Held" if x.spec.holder_identity else "Free"), listed=False,
        columns=(
            Column("holder", "Holder", "text", lambda x, w: x.spec.holder_identity or None),
            Column("renewed", "Renewed", "age", lambda x, w: x.spec.renew_time),
        ),
    )
)  # fmt: skip
