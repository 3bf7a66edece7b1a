"""Builders of small clusters: objects written as the API writes them, decoded by the registry's structs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from chalicelib.state.kinds import KINDS
from chalicelib.state.snapshot import Snapshot
from chalicelib.tools.views import ClusterView
from tests.unit.tools.recorded_views import a_view

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def obj(kind: str, name: str, namespace: str = "shop", labels: dict[str, str] | None = None, **rest: Any) -> Any:
    """An object of a kind; `rest` are its other top-level fields, and `metadata` for more of that."""
    more = rest.pop("metadata", {})
    metadata = {"name": name, "uid": f"uid-{name}", "resourceVersion": "1", "labels": labels or {}, **more}
    metadata.setdefault("creationTimestamp", "2026-02-01T00:00:00Z")
    if KINDS[kind].namespaced:
        metadata["namespace"] = namespace
    return msgspec.convert({"metadata": metadata, **rest}, KINDS[kind].struct)


def owned_by(kind: str, name: str) -> dict[str, Any]:
    """Metadata that makes an object owned."""
    return {"ownerReferences": [{"kind": kind, "name": name, "uid": f"uid-{name}", "controller": True}]}


def a_pod(
    name: str, app: str, *, node: str = "node-a", ready: bool = True, owner: tuple[str, str] | None = None, **spec: Any
) -> Any:
    """A running pod; not ready pods wait in CrashLoopBackOff."""
    state = {"running": {}} if ready else {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    containers = spec.pop("containers", [{"name": "main", "image": "web:1"}])
    status = {"name": "main", "ready": ready, "restartCount": 0 if ready else 7, "state": state}
    return obj(
        "Pod", name, labels={"app": app}, metadata=owned_by(*owner) if owner else {},
        spec={"nodeName": node, "containers": containers, **spec},
        status={
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
            "containerStatuses": [status],
        },
    )  # fmt: skip


def a_deployment(name: str, replicas: int = 2, ready: int | None = None, **template: Any) -> Any:
    good = replicas if ready is None else ready
    pod = {"containers": [{"name": "main", "image": "web:1"}], **template}
    return obj(
        "Deployment", name,
        spec={"replicas": replicas, "template": {"spec": pod}},
        status={"replicas": replicas, "readyReplicas": good, "updatedReplicas": replicas},
    )  # fmt: skip


def a_service(name: str, app: str, **spec: Any) -> Any:
    return obj("Service", name, spec={"selector": {"app": app}, "ports": [{"port": 80, "targetPort": 8080}], **spec})


def endpoints_of(service: str, ready: int, not_ready: int = 0) -> Any:
    points = [{"addresses": ["10.0.0.1"], "conditions": {"ready": i < ready}} for i in range(ready + not_ready)]
    return obj("EndpointSlice", f"{service}-x", labels={"kubernetes.io/service-name": service}, endpoints=points)


def an_ingress(name: str, host: str, service: str, port: int = 80) -> Any:
    backend = {"service": {"name": service, "port": {"number": port}}}
    return obj(
        "Ingress", name, spec={"rules": [{"host": host, "http": {"paths": [{"path": "/", "backend": backend}]}}]}
    )


def a_node(name: str, ready: bool = True) -> Any:
    return obj(
        "Node", name,
        status={
            "allocatable": {"cpu": "4", "memory": "8Gi"},
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    )  # fmt: skip


def snapshot_of(*objects: Any, empty: tuple[str, ...] = (), at: datetime = AT, **parts: Any) -> Snapshot:
    """A snapshot of these objects. Kinds named in `empty` were read and have none; all others were not read."""
    kinds = {entry.struct: entry.kind for entry in KINDS}
    found: dict[str, list[Any]] = {kind: [] for kind in empty}
    for item in objects:
        found.setdefault(kinds[type(item)], []).append(item)
    sorted_kinds = {
        kind: tuple(sorted(items, key=lambda o: (o.metadata.namespace, o.metadata.name)))
        for kind, items in found.items()
    }
    return Snapshot("cl_test", at, sorted_kinds, **parts)


def view_over(*objects: Any, **parts: Any) -> ClusterView:
    return a_view(snapshot_of(*objects, **parts))
