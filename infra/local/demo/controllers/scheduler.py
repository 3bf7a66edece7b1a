"""The scheduler: waiting pods go to the node that suits them best, or are told why there is none.

Wording follows kube-scheduler 1.36: reasons are counted by node and sorted as text, taints are not named, and the tail
says whether preemption would help.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from infra.local.demo.controllers import fitting
from infra.local.demo.controllers.cache import requests_of
from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.status import set_condition, write_object, write_status
from infra.local.demo.server.quantities import parse
from infra.local.demo.server.store import Change, Object

_RETRY_S = 300.0
_SELECTED = "volume.kubernetes.io/selected-node"


class Scheduler(Controller):
    name = "default-scheduler"
    kinds = ("Pod", "Node", "PersistentVolumeClaim", "PersistentVolume")

    def __init__(self, plane: object) -> None:
        super().__init__(plane)  # type: ignore[arg-type]
        self.stopped = False
        self._told: dict[Key, str] = {}

    def concerned(self, change: Change) -> Iterable[Key]:
        kind = change.key[1]
        if kind == "pods":
            gone = change.type == "DELETED" or (change.object.get("status") or {}).get("phase") in (
                "Succeeded",
                "Failed",
            )
            if gone and change.object["spec"].get("nodeName"):
                return list(self.plane.cache.unscheduled)
            return () if change.object["spec"].get("nodeName") else ((change.namespace, change.name),)
        if kind == "nodes" and change.before and _same_room(change.before.object, change.object):
            return ()
        return list(self.plane.cache.unscheduled)

    def reconcile(self, key: Key) -> None:
        pod = self.api.find("Pod", *key)
        if self.stopped or pod is None or pod["spec"].get("nodeName") or pod["metadata"].get("deletionTimestamp"):
            self._told.pop(key, None)
            return
        if pod["spec"].get("schedulerName", "default-scheduler") != self.name or pod["spec"].get("schedulingGates"):
            return
        nodes = self.api.list("Node")
        if problem := self._claims_problem(key, pod):
            self._refuse(key, pod, f"0/{len(nodes)} nodes are available: {problem}")
            return
        refused: dict[str, list[str]] = {}
        fitting_nodes = []
        for node in nodes:
            why = fitting.refusals(self.api, self.plane.cache, pod, node)
            if why:
                refused[node["metadata"]["name"]] = why
            else:
                fitting_nodes.append(node)
        if fitting_nodes:
            self._place(key, pod, min(fitting_nodes, key=lambda node: self._cost(pod, node)))
            return
        if victim := self._victim(pod, nodes, refused):
            self._preempt(key, pod, victim)
            return
        self._refuse(key, pod, self._message(pod, nodes, refused))

    # -- placing --------------------------------------------------------------------------------------------------

    def _cost(self, pod: Object, node: Object) -> tuple[float, float, str]:
        """Least allocated, away from pods of the same owner; the name decides between equals."""
        name = node["metadata"]["name"]
        use, room = self.plane.cache.use_of(name), node["status"]["allocatable"]
        wanted = requests_of(pod["spec"])
        load = sum(
            (use.total.get(kind, 0.0) + wanted.get(kind, 0.0)) / float(parse(room[kind]) or 1)
            for kind in ("cpu", "memory")
        )
        owner = next((one["uid"] for one in pod["metadata"].get("ownerReferences") or ()), "")
        labels = node["metadata"].get("labels") or {}
        zone = labels.get("topology.kubernetes.io/zone")
        same_node = same_zone = 0
        for other in self.plane.cache.pods_of(owner):
            place = other["spec"].get("nodeName")
            if place == name:
                same_node += 1
            elif place and zone and (other["metadata"].get("labels") or {}).get("topology.kubernetes.io/zone") == zone:
                same_zone += 1
        preferred = (
            -0.5 if any(taint["effect"] == "PreferNoSchedule" for taint in node["spec"].get("taints") or ()) else 0
        )
        return (same_node * 1.0 + same_zone * 0.4 + load / 2 - preferred, len(use.pods), name)

    def _place(self, key: Key, pod: Object, node: Object) -> None:
        self._told.pop(key, None)
        name = node["metadata"]["name"]
        waiting = self._select_node_for_claims(key, pod, name)
        if waiting:
            self.wake(key, 1.0)
            return
        self.api.bind(*key, name)
        bound = self.api.get("Pod", *key)
        self.event(bound, "Normal", "Scheduled", f"Successfully assigned {key[0]}/{key[1]} to {name}")

    def _select_node_for_claims(self, key: Key, pod: Object, node: str) -> bool:
        """Ask for volumes near the node (WaitForFirstConsumer); True while one is not bound yet."""
        waiting = False
        for claim in self._claims(key, pod):
            if (claim.get("status") or {}).get("phase") == "Bound":
                continue
            waiting = True
            notes = dict(claim["metadata"].get("annotations") or {})
            if notes.get(_SELECTED) is None:
                notes[_SELECTED] = node
                write_object(self.api, {**claim, "metadata": {**claim["metadata"], "annotations": notes}})
        return waiting

    def _claims(self, key: Key, pod: Object) -> list[Object]:
        found = []
        for volume in pod["spec"].get("volumes") or ():
            name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            claim = self.api.find("PersistentVolumeClaim", key[0], name) if name else None
            if claim:
                found.append(claim)
        return found

    def _claims_problem(self, key: Key, pod: Object) -> str:
        for volume in pod["spec"].get("volumes") or ():
            name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if not name:
                continue
            claim = self.api.find("PersistentVolumeClaim", key[0], name)
            if claim is None:
                return f'persistentvolumeclaim "{name}" not found. not found'
            if (claim.get("status") or {}).get("phase") == "Lost":
                return (
                    f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume '
                    f'"{claim["spec"].get("volumeName")}". not found'
                )
            if (claim.get("status") or {}).get("phase") != "Bound" and not self._waits_for_pod(claim):
                return "pod has unbound immediate PersistentVolumeClaims. not found"
        return ""

    def _waits_for_pod(self, claim: Object) -> bool:
        wanted = claim["spec"].get("storageClassName")
        found = self.api.find("StorageClass", "", wanted) if wanted else None
        return bool(found) and found.get("volumeBindingMode") == "WaitForFirstConsumer"

    # -- refusing -------------------------------------------------------------------------------------------------

    def _message(self, pod: Object, nodes: list[Object], refused: dict[str, list[str]]) -> str:
        total = len(nodes)
        counts = Counter(reason for reasons in refused.values() for reason in reasons)
        listed = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
        if not nodes:
            return "no nodes available to schedule pods"
        helpless = victims = 0
        for node in nodes:
            reasons = refused[node["metadata"]["name"]]
            resolvable = all(one in fitting.RESOLVABLE or one.startswith("Insufficient ") for one in reasons)
            if resolvable and fitting.could_ever_fit(pod, node):
                victims += 1
            else:
                helpless += 1
        parts = []
        if victims:
            parts.append(f"{victims} No preemption victims found for incoming pod")
        if helpless:
            parts.append(f"{helpless} Preemption is not helpful for scheduling")
        tail = f"preemption: 0/{total} nodes are available: {', '.join(sorted(parts))}."
        return f"0/{total} nodes are available: {listed}. no new claims to deallocate, {tail}"

    def _refuse(self, key: Key, pod: Object, message: str) -> None:
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        condition["lastProbeTime"] = None
        status = pod.get("status") or {}
        conditions = set_condition(status.get("conditions") or [], condition, self.api.now())
        write_status(self.api, pod, {**status, "conditions": conditions})
        if self._told.get(key) != message:
            self._told[key] = message
        self.event(pod, "Warning", "FailedScheduling", message)
        self.wake(key, _RETRY_S)

    # -- preemption -----------------------------------------------------------------------------------------------

    def _victim(self, pod: Object, nodes: list[Object], refused: dict[str, list[str]]) -> Object | None:
        """A pod of lower priority whose going would make room; only one pod is ever preempted at a time."""
        mine = pod["spec"].get("priority", 0)
        if mine <= 0 or pod["spec"].get("preemptionPolicy") == "Never":
            return None
        wanted = requests_of(pod["spec"])
        for node in nodes:
            name = node["metadata"]["name"]
            if not all(one.startswith("Insufficient ") for one in refused.get(name, ())):
                continue
            use, room = self.plane.cache.use_of(name), node["status"]["allocatable"]
            for other in sorted(self.plane.cache.pods_on(name), key=lambda one: one["spec"].get("priority", 0)):
                if other["spec"].get("priority", 0) >= mine:
                    break
                freed = requests_of(other["spec"])
                if all(
                    use.total.get(kind, 0) - freed.get(kind, 0) + amount <= float(parse(room.get(kind, 0)) or 0)
                    for kind, amount in wanted.items()
                ):
                    return other
        return None

    def _preempt(self, key: Key, pod: Object, victim: Object) -> None:
        meta = victim["metadata"]
        node = victim["spec"]["nodeName"]
        by = f"Preempted by pod {pod['metadata']['uid']} on node {node}"
        self.event(victim, "Normal", "Preempted", by)
        if not meta.get("deletionTimestamp"):
            self.api.delete("Pod", meta["namespace"], meta["name"])
        self.wake(key, 5)


def _same_room(before: Object, after: Object) -> bool:
    return (
        before["spec"] == after["spec"]
        and before["metadata"].get("labels") == after["metadata"].get("labels")
        and (before.get("status") or {}).get("allocatable") == (after.get("status") or {}).get("allocatable")
    )
