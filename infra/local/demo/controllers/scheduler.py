"""The scheduler: waiting pods go to the node that suits them best, or are told why there is none.

Wording follows kube-scheduler 1.36: reasons are counted by node and sorted as text, taints are not named, and the tail
says whether preemption would help.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from infra.local.demo.controllers import fitting, waiting
from infra.local.demo.controllers.cache import requests_of
from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.status import set_condition, write_object, write_status
from infra.local.demo.controllers.waiting import Waiting
from infra.local.demo.server.store import Change, Object

_RETRY_S = 300.0
_SELECTED = "volume.kubernetes.io/selected-node"
_ENOUGH_NODES = 100


class Scheduler(Controller):
    name = "default-scheduler"
    kinds = ("Pod", "Node", "PersistentVolumeClaim", "PersistentVolume", "StorageClass")

    def __init__(self, plane: object) -> None:
        super().__init__(plane)  # type: ignore[arg-type]
        self.stopped = False
        self._waiting = Waiting()
        self._turn = 0
        self._alike: dict[str, tuple[str, set[str]]] = {}
        self._nominated: dict[Key, tuple[str, fitting.Ask]] = {}
        """Room that is being made for a pod: the node, and what it asks."""

    def concerned(self, change: Change) -> Iterable[Key]:
        kind = change.key[1]
        if kind == "pods":
            return self._concerned_pod(change)
        if kind == "nodes":
            if change.before and _same_room(change.before.object, change.object):
                return ()
            self._alike.clear()
            return self._waiting.helped_by(waiting.NODES)
        self._alike.clear()
        return self._waiting.helped_by(waiting.VOLUMES)

    def _concerned_pod(self, change: Change) -> Iterable[Key]:
        pod, key = change.object, (change.namespace, change.name)
        gone = change.type == "DELETED"
        if gone:
            self._waiting.forget(key)
            self._nominated.pop(key, None)
        if pod["spec"].get("nodeName"):
            if not gone and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed"):
                return ()
            self._alike.clear()
            return self._waiting.helped_by(waiting.PODS)
        return () if gone or (change.before and _asks_the_same(change.before.object, pod)) else (key,)

    def look_again(self) -> None:
        """Try every waiting pod (after the scheduler was stopped)."""
        for key in self.plane.cache.unscheduled:
            self.plane.enqueue(self, key)

    def reconcile(self, key: Key) -> None:
        pod = self.api.find("Pod", *key)
        if self.stopped or pod is None or pod["spec"].get("nodeName") or pod["metadata"].get("deletionTimestamp"):
            return
        if pod["spec"].get("schedulerName", "default-scheduler") != self.name or pod["spec"].get("schedulingGates"):
            return
        if left := self._waiting.left_s(key, self.now()):
            self.wake(key, left)
            return
        nodes = self.api.list("Node")
        if problem := self._claims_problem(key, pod):
            self._refuse(key, pod, f"0/{len(nodes)} nodes are available: {problem}", set())
            return
        like = _likeness(pod)
        if like in self._alike:
            self._refuse(key, pod, *self._alike[like])
            return
        ask = fitting.Ask.of(pod)
        fitting_nodes, refused = self._filter(ask, nodes)
        if fitting_nodes:
            self._place(key, pod, self._best(ask, fitting_nodes))
            return
        reasons = {reason for why in refused.values() for reason in why}
        if victim := self._victim(ask, nodes, refused):
            self._preempt(key, ask, victim, reasons)
            return
        refusal = self._message(ask, nodes, refused), reasons
        if like:
            self._alike[like] = refusal
        self._refuse(key, pod, *refusal)

    # -- placing --------------------------------------------------------------------------------------------------

    def _filter(self, ask: fitting.Ask, nodes: list[Object]) -> tuple[list[Object], dict[str, list[str]]]:
        """Nodes that fit, and why others do not.

        In a large cluster the search ends when enough nodes were found to fit, and the next one begins where it ended
        (numFeasibleNodesToFind in pkg/scheduler/schedule_one.go; this scheduler is set to the smallest number).
        """
        count = len(nodes)
        enough = min(count, _ENOUGH_NODES)
        start = self._turn % count if count else 0
        found: list[Object] = []
        refused: dict[str, list[str]] = {}
        for node in nodes[start:] + nodes[:start]:
            why = fitting.refusals(self.api, self.plane.cache, ask, node) or self._kept_free(ask, node)
            if why:
                refused[node["metadata"]["name"]] = why
            else:
                found.append(node)
                if len(found) == enough:
                    break
        if enough < count:
            self._turn = start + len(found) + len(refused)
        return found, refused

    def _kept_free(self, ask: fitting.Ask, node: Object) -> list[str]:
        """What is short on a node once the pods it is being emptied for have come; lesser pods may not take that."""
        name, mine = node["metadata"]["name"], ask.pod["spec"].get("priority", 0)
        coming = [
            other.requests
            for place, other in self._nominated.values()
            if place == name and other.pod["spec"].get("priority", 0) > mine
        ]
        use, room = self.plane.cache.use_of(name), self.plane.cache.room_of(node)
        return [
            f"Insufficient {kind}"
            for kind, amount in ask.requests.items()
            if coming and use.total.get(kind, 0) + sum(one.get(kind, 0) for one in coming) + amount > room.get(kind, 0)
        ]

    def _best(self, ask: fitting.Ask, nodes: list[Object]) -> Object:
        """Least allocated, away from pods of the same owner; the name decides between equals."""
        owner = next((one["uid"] for one in ask.pod["metadata"].get("ownerReferences") or ()), "")
        on_node = Counter(other["spec"].get("nodeName") for other in self.plane.cache.pods_of(owner))
        in_zone: Counter[str | None] = Counter()
        for name, number in on_node.items():
            node = self.api.find("Node", "", name) if name else None
            in_zone[_zone(node)] += number if node else 0

        def cost(node: Object) -> tuple[float, int, str]:
            name, room = node["metadata"]["name"], self.plane.cache.room_of(node)
            use, zone = self.plane.cache.use_of(name), _zone(node)
            load = sum(
                (use.total.get(kind, 0.0) + ask.requests.get(kind, 0.0)) / (room.get(kind) or 1)
                for kind in ("cpu", "memory")
            )
            same_zone = in_zone[zone] - on_node[name] if zone else 0
            shunned = any(taint["effect"] == "PreferNoSchedule" for taint in node["spec"].get("taints") or ())
            return (on_node[name] * 1.0 + same_zone * 0.4 + load / 2 + 0.5 * shunned, len(use.pods), name)

        return min(nodes, key=cost)

    def _place(self, key: Key, pod: Object, node: Object) -> None:
        self._waiting.forget(key)
        self._nominated.pop(key, None)
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

    def _message(self, ask: fitting.Ask, nodes: list[Object], refused: dict[str, list[str]]) -> str:
        total = len(nodes)
        counts = Counter(reason for reasons in refused.values() for reason in reasons)
        listed = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
        if not nodes:
            return "no nodes available to schedule pods"
        helpless = victims = 0
        for node in nodes:
            reasons = refused[node["metadata"]["name"]]
            resolvable = all(one in fitting.RESOLVABLE or one.startswith("Insufficient ") for one in reasons)
            if resolvable and fitting.could_ever_fit(ask, self.plane.cache.room_of(node)):
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

    def _refuse(self, key: Key, pod: Object, message: str, reasons: set[str]) -> None:
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        condition["lastProbeTime"] = None
        status = pod.get("status") or {}
        conditions = set_condition(status.get("conditions") or [], condition, self.api.now())
        write_status(self.api, pod, {**status, "conditions": conditions})
        self._waiting.refused(key, reasons, self.now())
        self.event(pod, "Warning", "FailedScheduling", message)
        self.wake(key, _RETRY_S)

    # -- preemption -----------------------------------------------------------------------------------------------

    def _victim(self, ask: fitting.Ask, nodes: list[Object], refused: dict[str, list[str]]) -> Object | None:
        """A pod of lower priority whose going would make room; only one pod is ever preempted at a time."""
        mine = ask.pod["spec"].get("priority", 0)
        if mine <= 0 or ask.pod["spec"].get("preemptionPolicy") == "Never":
            return None
        for node in nodes:
            name = node["metadata"]["name"]
            if not all(one.startswith("Insufficient ") for one in refused.get(name, ())):
                continue
            use, room = self.plane.cache.use_of(name), self.plane.cache.room_of(node)
            for other in sorted(self.plane.cache.pods_on(name), key=lambda one: one["spec"].get("priority", 0)):
                if other["spec"].get("priority", 0) >= mine:
                    break
                freed = requests_of(other["spec"])
                if all(
                    use.total.get(kind, 0) - freed.get(kind, 0) + amount <= room.get(kind, 0.0)
                    for kind, amount in ask.requests.items()
                ):
                    return other
        return None

    def _preempt(self, key: Key, ask: fitting.Ask, victim: Object, reasons: set[str]) -> None:
        if key in self._nominated:  # room is being made already
            self.wake(key, 5)
            return
        meta, pod = victim["metadata"], ask.pod
        node = victim["spec"]["nodeName"]
        self._nominated[key] = (node, ask)
        self._waiting.refused(key, reasons, self.now())
        write_status(self.api, pod, {**(pod.get("status") or {}), "nominatedNodeName": node})
        by = f"Preempted by pod {pod['metadata']['uid']} on node {node}"
        self.event(victim, "Normal", "Preempted", by)
        if not meta.get("deletionTimestamp"):
            self.api.delete("Pod", meta["namespace"], meta["name"])
        self.wake(key, 5)


def _zone(node: Object | None) -> str | None:
    return ((node or {}).get("metadata", {}).get("labels") or {}).get("topology.kubernetes.io/zone")


def _likeness(pod: Object) -> str:
    """Equal for pods that are refused alike, as long as nothing has changed that could help one of them.

    Those are the pods of one ReplicaSet (kube-scheduler batches them by such a signature); volumes of their own differ.
    """
    owner = next((one for one in pod["metadata"].get("ownerReferences") or () if one["kind"] == "ReplicaSet"), None)
    claims = any(volume.get("persistentVolumeClaim") for volume in pod["spec"].get("volumes") or ())
    return str(owner["uid"]) if owner and not claims else ""


def _asks_the_same(before: Object, after: Object) -> bool:
    return before["spec"] == after["spec"] and before["metadata"].get("labels") == after["metadata"].get("labels")


def _same_room(before: Object, after: Object) -> bool:
    return (
        before["spec"] == after["spec"]
        and before["metadata"].get("labels") == after["metadata"].get("labels")
        and (before.get("status") or {}).get("allocatable") == (after.get("status") or {}).get("allocatable")
    )
