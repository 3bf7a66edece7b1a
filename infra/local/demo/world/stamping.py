"""Making thousands of running pods at once.

Deployments, ReplicaSets and DaemonSets are made by the API and their controllers. Of each one's pods only a first is
made by the API, for its defaults and its admission; the others differ from it in name, uid, node and times, and share
everything else. Their status is written by the kubelet's own code, as that of pods that have run for days.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from infra.local.demo.controllers import pod_status
from infra.local.demo.controllers.cache import requests_of
from infra.local.demo.controllers.containers import ContainerRecord, PodRecord
from infra.local.demo.controllers.daemonsets import DaemonSets, daemon_pod
from infra.local.demo.controllers.deployments import Deployments
from infra.local.demo.controllers.plane import Key
from infra.local.demo.controllers.replicasets import pod_from
from infra.local.demo.controllers.revisions import current_revision
from infra.local.demo.server import writing
from infra.local.demo.server.access import Caller
from infra.local.demo.server.clock import timestamp
from infra.local.demo.server.quantities import parse
from infra.local.demo.server.store import Object
from infra.local.demo.world.build import World

_PODS = ("", "pods")
_STARTED_AFTER_S = 14.0
_DRY = Caller(dry_run=True)


class Placement:
    """Gives pods to the nodes of the untainted pools in turn, as long as their requests fit."""

    def __init__(self, nodes: Sequence[Object]) -> None:
        self._nodes = [node for node in nodes if not node["spec"].get("taints")]
        self._room = {
            node["metadata"]["name"]: {kind: float(parse(node["status"]["allocatable"][kind]) or 0) for kind in _KINDS}
            for node in nodes
        }
        self._turn = 0

    def take(self, wanted: dict[str, float]) -> Object:
        """The next node with room; raises RuntimeError when the estate is too large for its machines."""
        for _ in self._nodes:
            node = self._nodes[self._turn % len(self._nodes)]
            self._turn += 1
            room = self._room[node["metadata"]["name"]]
            if all(room[kind] >= wanted.get(kind, 0.0) for kind in _KINDS):
                for kind in _KINDS:
                    room[kind] -= wanted.get(kind, 0.0)
                return node
        raise RuntimeError("no node has room for another pod of the large world")


_KINDS = ("cpu", "memory")


class Stamp:
    """Writes running pods into a world whose controllers are stopped."""

    def __init__(self, world: World, now: datetime, chance: random.Random) -> None:
        self._world = world
        self._api = world.api
        self._now = now
        self._chance = chance
        self._nodes = world.api.list("Node")
        self._placement = Placement(self._nodes)
        self._addresses: dict[str, int] = {}

    def deployment(self, key: Key) -> int:
        """All pods of a Deployment; returns how many."""
        self._world.plane.find(Deployments).reconcile(key)
        found = self._api.get("Deployment", *key)
        owner = self._api.owned_by("ReplicaSet", found)[0]
        prefix = f"{owner['metadata']['name']}-"
        pattern = self._pattern(key[0], pod_from(owner["spec"]["template"], owner, prefix))
        wanted = requests_of(pattern["spec"])
        started = self._now - timedelta(seconds=self._chance.uniform(2 * 3600, 11.5 * 86_400))
        for _ in range(owner["spec"]["replicas"]):
            self._put(pattern, pattern["spec"], self._placement.take(wanted), started)
            started += timedelta(seconds=self._chance.uniform(0, 9))
        return int(owner["spec"]["replicas"])

    def daemon_set(self, key: Key) -> int:
        """One pod for each node; returns how many."""
        found = self._api.get("DaemonSet", *key)
        revision = current_revision(self._api, found)["metadata"]["labels"]["controller-revision-hash"]
        nodes = self._world.plane.find(DaemonSets)
        assert isinstance(nodes, DaemonSets)
        wanted = nodes.nodes_of(found)
        first = self._pattern(key[0], daemon_pod(found, wanted[0]["metadata"]["name"], revision))
        for node in wanted:
            spec = {
                **first["spec"],
                "affinity": daemon_pod(found, node["metadata"]["name"], revision)["spec"]["affinity"],
            }
            self._put(first, spec, node, self._now - timedelta(seconds=self._chance.uniform(9 * 86_400, 11.5 * 86_400)))
        return len(wanted)

    def _pattern(self, namespace: str, body: Object) -> Object:
        """What the API makes of a pod, without storing it."""
        return writing.create(self._api, self._api.resource("Pod"), namespace, body, _DRY)

    def _put(self, pattern: Object, spec: Object, node: Object, created: datetime) -> None:
        meta, identity = pattern["metadata"], self._api.identity
        name = f"{meta['generateName']}{identity.suffix()}"
        own = {**meta, "name": name, "uid": identity.uid(), "creationTimestamp": timestamp(created)}
        scheduled = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
        status = {
            "qosClass": pattern["status"]["qosClass"],
            "conditions": [{**scheduled, "lastTransitionTime": timestamp(created)}],
        }
        pod = {**pattern, "metadata": own, "spec": {**spec, "nodeName": node["metadata"]["name"]}, "status": status}
        started = created + timedelta(seconds=_STARTED_AFTER_S)
        record = PodRecord(own["uid"], created, stage="main", ip=self._address(pod, node))
        record.containers = dict(_running(pod, started))
        pod["status"] = pod_status.render(self._world.plane, pod, record, timestamp(started))
        self._api.store.put(_PODS, pod, tracked=True)

    def _address(self, pod: Object, node: Object) -> str:
        if pod["spec"].get("hostNetwork"):
            return pod_status.host_ip(node)
        name = node["metadata"]["name"]
        used = self._addresses[name] = self._addresses.get(name, 100) + 1
        return f"{node['spec']['podCIDR'].rpartition('.')[0]}.{used}"


def _running(pod: Object, started: datetime) -> Iterator[tuple[str, ContainerRecord]]:
    for container in pod["spec"]["containers"]:
        one = ContainerRecord(container["name"], state="running", started_at=started, starts=1, ready=True)
        one.passed_startup, one.uid = True, pod["metadata"]["uid"]
        yield container["name"], one
