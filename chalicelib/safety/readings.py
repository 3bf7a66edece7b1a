"""The cluster as it is this moment: the last reading with what a change needs read anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, cast

from chalicelib.clusters.source import ClusterSource
from chalicelib.errors import Conflict
from chalicelib.safety.scene import Cluster, Scene
from chalicelib.state.ids import TenantId
from chalicelib.state.snapshot import Snapshot, decode_snapshot, laid_over
from chalicelib.state.world import World
from chalicelib.store.facade import Store
from chalicelib.store.records import ClusterRecord

EVERYWHERE = ("Pod", "Node")
"""Read in the whole cluster: where new pods find room hangs on all of them."""
AROUND = (
    "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Service", "EndpointSlice",
    "ResourceQuota", "LimitRange", "PodDisruptionBudget", "HorizontalPodAutoscaler", "PersistentVolumeClaim",
    "ConfigMap", "ServiceAccount", "Ingress", "Event",
)  # fmt: skip
"""Read in the namespace that the change is about."""
DEADLINE_S = 12.0


class Reader(Protocol):
    def __call__(self, tenant: TenantId, record: ClusterRecord, namespace: str) -> Scene: ...


class Readings:
    """Makes scenes. `open_source` opens a cluster; a recording cannot be changed."""

    def __init__(
        self,
        store: Store,
        open_source: Callable[[TenantId, ClusterRecord], ClusterSource],
        collect: Callable[[TenantId, ClusterRecord], ClusterRecord],
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._open = open_source
        self._collect = collect
        self._clock = clock
        self._last: tuple[str, Snapshot] | None = None

    def __call__(self, tenant: TenantId, record: ClusterRecord, namespace: str) -> Scene:
        """A scene for a change in a namespace ("": cluster-wide). Raises Conflict for a recording, ClusterError."""
        if record.source == "recorded":
            raise Conflict(
                f"{record.name} is a recording: it can be read, not changed.", code="recorded_cluster",
                remedy="Connect the live cluster.",
            )  # fmt: skip
        if not record.snapshot_key:
            record = self._collect(tenant, record)
        source = self._open(tenant, record)
        snapshot = self._stored(tenant, record)
        now = self._clock()
        fresh = source.snapshot(kinds=EVERYWHERE, deadline_s=DEADLINE_S, now=now)
        snapshot = laid_over(snapshot, fresh, "")
        if namespace:
            near = source.snapshot(kinds=AROUND, namespace=namespace, deadline_s=DEADLINE_S, now=now)
            snapshot = laid_over(snapshot, near, namespace)
        return Scene(World(snapshot.replace(taken_at=now)), cast(Cluster, _writable(source)), record, now)

    def _stored(self, tenant: TenantId, record: ClusterRecord) -> Snapshot:
        where = f"{tenant}/{record.snapshot_key}"
        if self._last is None or self._last[0] != where:
            self._last = (where, decode_snapshot(self._store.objects.get(tenant, record.snapshot_key)))
        return self._last[1]


def _writable(source: Any) -> Any:
    if not hasattr(source, "perform"):
        raise Conflict("This cluster can be read, not changed.", code="recorded_cluster")
    return source
