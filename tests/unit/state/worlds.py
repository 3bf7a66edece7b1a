"""Small snapshots for tests of the state room: plain manifests in, a World out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chalicelib.state.decode import decode_object, sorted_objects
from chalicelib.state.kinds import KINDS
from chalicelib.state.snapshot import Gap, Snapshot
from chalicelib.state.world import World

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def snapshot_of(*manifests: dict[str, Any], gaps: tuple[Gap, ...] = (), also_read: tuple[str, ...] = ()) -> Snapshot:
    objects: dict[str, list[Any]] = {kind: [] for kind in also_read}
    for manifest in manifests:
        entry = KINDS[manifest["kind"]]
        objects.setdefault(entry.kind, []).append(decode_object(manifest, entry))
    return Snapshot("test", NOW, {k: sorted_objects(v) for k, v in objects.items()}, gaps=gaps)


def world_of(*manifests: dict[str, Any], **options: Any) -> World:
    return World(snapshot_of(*manifests, **options))


def meta(name: str, namespace: str = "shop", **fields: Any) -> dict[str, Any]:
    return {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": "1", **fields}


def owned_by(kind: str, name: str) -> dict[str, Any]:
    return {"ownerReferences": [{"kind": kind, "name": name, "uid": f"uid-{name}", "controller": True}]}


def pod(name: str, *, labels: dict[str, str] | None = None, spec: dict[str, Any] | None = None, **fields: Any) -> dict:
    owner = fields.pop("owner", None)
    status = fields.pop("status", {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})
    return {
        "kind": "Pod",
        "metadata": meta(name, labels=labels or {}, **(owned_by(*owner) if owner else {}), **fields),
        "spec": {"containers": [{"name": "app", "image": "app:1"}], **(spec or {})},
        "status": status,
    }


def deployment(name: str, replicas: int = 1, *, labels: dict[str, str] | None = None, **status: Any) -> dict:
    template = {"metadata": {"labels": labels or {"app": name}}, "spec": {"containers": [{"name": "app"}]}}
    return {
        "kind": "Deployment", "metadata": meta(name), "status": status,
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels or {"app": name}}, "template": template},
    }  # fmt: skip


def replica_set(name: str, of: str, revision: int = 1) -> dict:
    annotations = {"deployment.kubernetes.io/revision": str(revision)}
    return {
        "kind": "ReplicaSet", "metadata": meta(name, annotations=annotations, **owned_by("Deployment", of)),
        "spec": {"replicas": 1},
    }  # fmt: skip


def service(name: str, selector: dict[str, str]) -> dict:
    return {"kind": "Service", "metadata": meta(name), "spec": {"selector": selector, "ports": [{"port": 80}]}}
