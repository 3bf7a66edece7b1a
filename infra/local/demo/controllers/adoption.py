"""Who controls what: orphans that a workload selects become its own, and what it no longer selects is let go.

The rules are those of client-go's ControllerRefManager, which each workload controller runs before it counts. Here one
controller does it for all of them, ahead of the others, so that a new Deployment takes over the ReplicaSets that an
orphaning deletion left before it thinks of making one.
"""

from __future__ import annotations

from collections.abc import Iterable

from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.status import is_active, owner_reference, write_object
from infra.local.demo.server.reading import controller_of
from infra.local.demo.server.selectors import selector_matches
from infra.local.demo.server.store import Change, Object

_PARENTS = {"Pod": ("ReplicaSet", "StatefulSet", "DaemonSet"), "ReplicaSet": ("Deployment",)}
_CHILDREN = {"pods": "Pod", "replicasets": "ReplicaSet"}
_ALL = "*"


class Adoption(Controller):
    """Keys are a namespace and `Kind/name` of a child, or a namespace and `*` for its orphans."""

    name = "adoption"
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod")

    def __init__(self, plane: object) -> None:
        super().__init__(plane)  # type: ignore[arg-type]
        self._orphans: dict[str, dict[str, None]] = {}

    def concerned(self, change: Change) -> Iterable[Key]:
        keys: list[Key] = []
        if child := _CHILDREN.get(change.key[1]):
            keys += self._concerned_child(change, f"{child}/{change.name}")
        if change.key[1] != "pods" and change.type != "DELETED" and _selector_changed(change):
            keys.append((change.namespace, _ALL))
        return keys

    def _concerned_child(self, change: Change, name: str) -> Iterable[Key]:
        orphans = self._orphans.setdefault(change.namespace, {})
        if change.type == "DELETED" or not is_active(change.object):
            orphans.pop(name, None)
            return ()
        if controller_of(change.object) is None:
            orphans[name] = None
            return ((change.namespace, name),)
        orphans.pop(name, None)
        before = change.before.object if change.before else None
        return ((change.namespace, name),) if before and _labels(before) != _labels(change.object) else ()

    def reconcile(self, key: Key) -> None:
        names = list(self._orphans.get(key[0], ())) if key[1] == _ALL else [key[1]]
        for name in names:
            kind, _, plain = name.partition("/")
            child = self.api.find(kind, key[0], plain)
            if child is not None and is_active(child):
                self._settle(kind, child)

    def _settle(self, kind: str, child: Object) -> None:
        held = controller_of(child)
        if held is None:
            parent = self._parent(kind, child)
            if parent is not None:
                self._refer(child, [*(child["metadata"].get("ownerReferences") or ()), owner_reference(parent)])
        elif held["kind"] in _PARENTS[kind]:
            parent = self.api.find(held["kind"], child["metadata"]["namespace"], held["name"])
            if parent is None or parent["metadata"]["uid"] != held["uid"] or _selects(parent, child):
                return
            self._refer(child, [one for one in child["metadata"]["ownerReferences"] if one is not held])

    def _parent(self, kind: str, child: Object) -> Object | None:
        """The first workload that selects the child and is there to stay."""
        for owner_kind in _PARENTS[kind]:
            for owner in self.api.list(owner_kind, child["metadata"]["namespace"]):
                if not owner["metadata"].get("deletionTimestamp") and _selects(owner, child):
                    return owner
        return None

    def _refer(self, child: Object, references: list[Object]) -> None:
        meta = {name: value for name, value in child["metadata"].items() if name != "ownerReferences"}
        if references:
            meta["ownerReferences"] = references
        write_object(self.api, {**child, "metadata": meta})


def _labels(obj: Object) -> Object:
    labels: Object = obj["metadata"].get("labels") or {}
    return labels


def _selects(owner: Object, child: Object) -> bool:
    if owner["kind"] == "StatefulSet" and child["metadata"]["name"].rpartition("-")[0] != owner["metadata"]["name"]:
        return False
    return selector_matches(owner["spec"].get("selector"), _labels(child))


def _selector_changed(change: Change) -> bool:
    before = change.before.object if change.before else None
    return before is None or before["spec"].get("selector") != change.object["spec"].get("selector")
