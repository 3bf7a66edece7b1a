"""What a change is prepared against: the cluster as it is this moment, and who asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import msgspec

from chalicelib.clusters.operations import Operation, ResourceType
from chalicelib.errors import Conflict, Forbidden, KubiliticsError, NotFound
from chalicelib.safety.canonical import fingerprint
from chalicelib.safety.model import Target
from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref
from chalicelib.state.world import World
from chalicelib.store.records import ClusterRecord

Json = dict[str, Any]


class Cluster(Protocol):
    """A cluster that can be read object by object and written to. Implemented by `LiveCluster`."""

    def raw(self, resource: str, namespace: str, name: str) -> Json: ...

    def perform(self, operation: Operation, *, dry_run: bool) -> Json: ...

    def may(self, operation: Operation) -> bool | None: ...

    def resource_type(self, resource: str) -> ResourceType: ...

    def count(self, resource: str) -> int: ...


@dataclass
class Scene:
    """A fresh reading of the cluster, and single objects as the API gives them, each read once."""

    world: World
    cluster: Cluster
    record: ClusterRecord
    now: datetime
    _read: dict[Ref, Json | None] = field(default_factory=dict)

    def type_of(self, kind: str) -> ResourceType:
        """Where a kind is served. Raises NotFound `unknown_kind`."""
        return self.cluster.resource_type(kind)

    def raw(self, kind: str, namespace: str, name: str) -> Json:
        """One object, whole. Raises NotFound, ClusterError."""
        found = self.find(kind, namespace, name)
        if found is None:
            where = f"{namespace}/{name}" if namespace else name
            raise NotFound(
                f"{kind} {where} does not exist in {self.record.name}.", code="object_not_found",
                remedy="List its kind to see the names; it may have been deleted meanwhile.",
            )  # fmt: skip
        return found

    def find(self, kind: str, namespace: str, name: str) -> Json | None:
        """One object, whole; None when it does not exist. Raises ClusterError when it cannot be read."""
        if kind == "Secret":
            raise Forbidden(
                "Secrets are neither read nor written.", code="no_secrets", remedy="Change Secrets by hand.",
            )  # fmt: skip
        ref = Ref(kind, namespace, name)
        if ref not in self._read:
            try:
                self._read[ref] = self.cluster.raw(kind, namespace, name)
            except NotFound:
                self._read[ref] = None
        return self._read[ref]

    def assume(self, kind: str, obj: Json) -> None:
        """Go on as if an object were so: for the later steps of a plan whose earlier ones are not done yet."""
        meta = obj["metadata"]
        ref = Ref(kind, meta.get("namespace", ""), meta["name"])
        self._read[ref] = obj
        entry = KINDS.get(kind)
        snapshot = self.world.snapshot
        if entry is None or not snapshot.was_read(kind, ref.namespace):
            return
        changed = msgspec.convert(obj, entry.struct, strict=False)
        others = [one for one in snapshot.of(kind) if entry.ref(one) != ref]
        objects = sorted([*others, changed], key=lambda one: (one.metadata.namespace, one.metadata.name))
        self.world = World(snapshot.replace(objects={**snapshot.objects, kind: tuple(objects)}))

    def instances(self, definition: str) -> int | None:
        """How many objects of a kind (`plural.group`) there are; None when they cannot be counted."""
        try:
            return self.cluster.count(definition)
        except KubiliticsError:
            return None

    def not_owned(self, kind: str, obj: Json) -> None:
        """Raises Conflict `has_owner`: what a controller owns is changed through the controller."""
        for owner in obj["metadata"].get("ownerReferences") or ():
            if owner.get("controller"):
                raise Conflict(
                    f"{kind} {obj['metadata']['name']} belongs to {owner['kind']} {owner['name']}, which undoes it.",
                    code="has_owner", remedy=f"Change {owner['kind']} {owner['name']} instead.",
                )  # fmt: skip


def target_of(kind: str, obj: Json) -> Target:
    """An object pinned as it is."""
    meta = obj["metadata"]
    return Target(
        kind=kind, namespace=meta.get("namespace", ""), name=meta["name"], uid=meta.get("uid", ""),
        resource_version=meta.get("resourceVersion", ""), fingerprint=fingerprint(obj),
    )  # fmt: skip
