"""Indexes over the store that controllers share: pods by node and what they request, objects by owner."""

from __future__ import annotations

from dataclasses import dataclass, field

from infra.local.demo.server.api import Api
from infra.local.demo.server.quantities import parse
from infra.local.demo.server.reading import controller_of
from infra.local.demo.server.store import Change, Object

Key = tuple[str, str]
PODS = ("", "pods")
_ENDED = ("Succeeded", "Failed")


def requests_of(spec: Object) -> dict[str, float]:
    """What the scheduler counts for a pod: the sum of its containers, or the largest init container if more."""
    total: dict[str, float] = {}
    for container in spec.get("containers") or ():
        for name, amount in ((container.get("resources") or {}).get("requests") or {}).items():
            total[name] = total.get(name, 0.0) + float(parse(amount) or 0)
    for container in spec.get("initContainers") or ():
        for name, amount in ((container.get("resources") or {}).get("requests") or {}).items():
            total[name] = max(total.get(name, 0.0), float(parse(amount) or 0))
    return total


def host_ports(spec: Object) -> set[tuple[str, int]]:
    return {
        (port.get("protocol", "TCP"), port["hostPort"])
        for container in spec.get("containers") or ()
        for port in container.get("ports") or ()
        if port.get("hostPort")
    }


@dataclass
class NodeUse:
    """What the pods of one node take from it."""

    pods: dict[Key, dict[str, float]] = field(default_factory=dict)
    total: dict[str, float] = field(default_factory=dict)
    ports: dict[Key, set[tuple[str, int]]] = field(default_factory=dict)


class Cache:
    """Kept up to date by `heard`; read only otherwise."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._nodes: dict[str, NodeUse] = {}
        self._place: dict[Key, str] = {}
        self._owned: dict[str, dict[Key, None]] = {}
        self._owner: dict[Key, str] = {}
        self.unscheduled: dict[Key, None] = {}
        self._room: dict[str, tuple[Object, dict[str, float]]] = {}

    def prime(self) -> None:
        """Read everything that is in the store already."""
        for stored in self._api.store.list(PODS):
            self._put(stored.object)

    def heard(self, change: Change) -> None:
        if change.key != PODS:
            return
        if change.type == "DELETED":
            self._drop((change.namespace, change.name))
        else:
            self._put(change.object)

    def _put(self, pod: Object) -> None:
        meta = pod["metadata"]
        key = (meta.get("namespace", ""), meta["name"])
        self._belongs(key, (controller_of(pod) or {}).get("uid", ""))
        ended = (pod.get("status") or {}).get("phase") in _ENDED
        node = "" if ended else pod["spec"].get("nodeName") or ""
        if not node and not ended and not meta.get("deletionTimestamp"):
            self.unscheduled[key] = None
        else:
            self.unscheduled.pop(key, None)
        if self._place.get(key) == node:
            return
        self._leave(key)
        if node:
            use = self._nodes.setdefault(node, NodeUse())
            wanted = requests_of(pod["spec"])
            use.pods[key] = wanted
            for name, amount in wanted.items():
                use.total[name] = use.total.get(name, 0.0) + amount
            if ports := host_ports(pod["spec"]):
                use.ports[key] = ports
            self._place[key] = node

    def _leave(self, key: Key) -> None:
        node = self._place.pop(key, None)
        if node:
            use = self._nodes[node]
            for name, amount in use.pods.pop(key).items():
                use.total[name] -= amount
            use.ports.pop(key, None)

    def _belongs(self, key: Key, owner: str) -> None:
        known = self._owner.get(key, "")
        if known == owner:
            return
        if known:
            self._owned[known].pop(key, None)
            del self._owner[key]
        if owner:
            self._owned.setdefault(owner, {})[key] = None
            self._owner[key] = owner

    def _drop(self, key: Key) -> None:
        self._leave(key)
        self.unscheduled.pop(key, None)
        self._belongs(key, "")

    def use_of(self, node: str) -> NodeUse:
        """What is taken on a node (pods that have ended take nothing)."""
        return self._nodes.get(node) or NodeUse()

    def room_of(self, node: Object) -> dict[str, float]:
        """What a node has to give, as numbers."""
        name, allocatable = node["metadata"]["name"], (node.get("status") or {}).get("allocatable") or {}
        known = self._room.get(name)
        if known is None or known[0] is not allocatable:
            known = self._room[name] = (
                allocatable,
                {kind: float(parse(one) or 0) for kind, one in allocatable.items()},
            )
        return known[1]

    def pods_on(self, node: str) -> list[Object]:
        found = (self._api.store.get(PODS, *key) for key in self.use_of(node).pods)
        return [stored.object for stored in found if stored]

    def pods_of(self, owner_uid: str) -> list[Object]:
        """Pods whose controller has this uid, by name."""
        keys = sorted(self._owned.get(owner_uid, ()))
        found = (self._api.store.get(PODS, *key) for key in keys)
        return [stored.object for stored in found if stored]
