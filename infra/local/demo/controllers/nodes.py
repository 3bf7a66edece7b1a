"""Nodes: heartbeats of their kubelets, and what follows when a heartbeat stops or a node runs short."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import cast

from infra.local.demo.controllers.fitting import tolerates
from infra.local.demo.controllers.kubelet import Kubelet
from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.status import condition_of, set_condition, write_object, write_status
from infra.local.demo.server.clock import micro_timestamp, parse_time
from infra.local.demo.server.store import Change, Object

_GRACE_S, _RENEW_S, _STATUS_S = 50.0, 10.0, 300.0

_UNREACHABLE = "node.kubernetes.io/unreachable"
_NOT_READY = "node.kubernetes.io/not-ready"
_PRESSURE = "node.kubernetes.io/disk-pressure"
LEASES = ("coordination.k8s.io", "leases")
_HEALTHY = {
    "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    "Ready": ("True", "KubeletReady", "kubelet is posting ready status"),
}


class Nodes(Controller):
    """Kubelet heartbeats and the node lifecycle controller."""

    name = "node-controller"
    kinds = ("Node",)

    def __init__(self, plane: object) -> None:
        super().__init__(plane)  # type: ignore[arg-type]
        self.renew_s, self.look_s = _RENEW_S, 10.0

    def concerned(self, change: Change) -> Iterable[Key]:
        return (("", change.name),)

    def reconcile(self, key: Key) -> None:
        node = self.api.find("Node", "", key[1])
        if node is None:
            return
        environment, name = self.plane.environment, key[1]
        if name in environment.stopped_kubelets:
            self._miss(node)
        else:
            self._beat(node)
        self._cordon_taint(name)
        self._evict_tainted(name)
        self.wake(key, self.look_s)

    # -- a kubelet that lives ---------------------------------------------------------------------------------------

    def _beat(self, node: Object) -> None:
        name = node["metadata"]["name"]
        lease = self.api.store.get(LEASES, "kube-node-lease", name)
        now = self.now()
        if lease is None:
            owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": node["metadata"]["uid"]}
            spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": micro_timestamp(now)}
            meta = {"name": name, "namespace": "kube-node-lease", "ownerReferences": [owner]}
            self.api.load([{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}])
        elif (now - parse_time(lease.object["spec"]["renewTime"])).total_seconds() >= self.renew_s:
            spec = {**lease.object["spec"], "renewTime": micro_timestamp(now)}
            self.api.store.put(LEASES, {**lease.object, "metadata": dict(lease.object["metadata"]), "spec": spec})
        self._write_conditions(node)

    def _write_conditions(self, node: Object) -> None:
        name, now, environment = node["metadata"]["name"], self.api.now(), self.plane.environment
        wanted = dict(_HEALTHY)
        if name in environment.full_disks:
            wanted["DiskPressure"] = ("True", "KubeletHasDiskPressure", "kubelet has disk pressure")
        if name in environment.broken_runtimes and self._since(environment.broken_runtimes[name]) > 30:
            text = (
                "container runtime is down, PLEG is not healthy: pleg was last seen active 3m12s ago; threshold is 3m0s"
            )
            wanted["Ready"] = ("False", "KubeletNotReady", text)
        status = node.get("status") or {}
        conditions = list(status.get("conditions") or [])
        changed = False
        for kind, (word, reason, message) in wanted.items():
            old = next((one for one in conditions if one["type"] == kind), None)
            same = old and (old["status"], old["reason"]) == (word, reason)
            changed = changed or not same
            condition = {"type": kind, "status": word, "reason": reason, "message": message}
            conditions = set_condition(conditions, condition, now)
            if not same:
                self._say(node, kind, word)
        beat = condition_of(node, "Ready")
        stale = (
            not beat
            or "lastHeartbeatTime" not in beat
            or self._since(parse_time(beat["lastHeartbeatTime"])) >= _STATUS_S
        )
        if changed or stale:
            conditions = [{**one, "lastHeartbeatTime": now} for one in conditions]
            node = write_status(self.api, node, {**status, "conditions": conditions})
        self._evict_for_disk(name)

    def _since(self, moment: object) -> float:
        return (self.now() - moment).total_seconds()  # type: ignore[operator,no-any-return]

    def _say(self, node: Object, kind: str, word: str) -> None:
        name = node["metadata"]["name"]
        told = {
            ("DiskPressure", "True"): "NodeHasDiskPressure",
            ("DiskPressure", "False"): "NodeHasNoDiskPressure",
            ("Ready", "True"): "NodeReady",
            ("Ready", "False"): "NodeNotReady",
        }
        reason = told.get((kind, word))
        if reason and (node.get("status") or {}).get("conditions"):
            kind_of = "Warning" if reason in ("NodeHasDiskPressure", "NodeNotReady") else "Normal"
            self.plane.events.record(
                "kubelet", node, kind_of, reason, f"Node {name} status is now: {reason}", host=name
            )

    def _evict_for_disk(self, name: str) -> None:
        """Under disk pressure the kubelet evicts what fills the disk."""
        since = self.plane.environment.full_disks.get(name)
        if since is None:
            return
        kubelet = cast(Kubelet, self.plane.find(Kubelet))
        for pod in self.plane.cache.pods_on(name):
            guilty = any(
                self.plane.programs.of(one).disk_full_after_s is not None
                and (record := kubelet.record(pod).containers.get(one["name"])) is not None
                and record.running
                and self._since(record.started_at) >= (self.plane.programs.of(one).disk_full_after_s or 0)
                for one in pod["spec"]["containers"]
            )
            if guilty:
                container = pod["spec"]["containers"][0]["name"]
                kubelet.evict(
                    pod,
                    (
                        "The node was low on resource: ephemeral-storage. Threshold quantity: "
                        "8574481203, available: 3912044Ki. "
                        f"Container {container} was using 61820152Ki, request is 0, has larger "
                        "consumption of ephemeral-storage. "
                    ),
                )
        text = "Attempting to reclaim ephemeral-storage"
        node = self.api.get("Node", "", name)
        self.plane.events.record("kubelet", node, "Warning", "EvictionThresholdMet", text, host=name)
        if self._since(since) > 360:
            del self.plane.environment.full_disks[name]

    # -- a kubelet that is silent -----------------------------------------------------------------------------------

    def _miss(self, node: Object) -> None:
        name = node["metadata"]["name"]
        lease = self.api.store.get(LEASES, "kube-node-lease", name)
        seen = parse_time(lease.object["spec"]["renewTime"]) if lease else self.plane.environment.stopped_kubelets[name]
        if self._since(seen) < _GRACE_S:
            return
        ready = condition_of(node, "Ready")
        if ready and ready["status"] == "Unknown":
            return
        status, now = dict(node.get("status") or {}), self.api.now()
        conditions = []
        for one in status.get("conditions") or []:
            told = {
                "status": "Unknown",
                "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
            }
            conditions.append({**one, **told, "lastTransitionTime": now})
        node = write_status(self.api, node, {**status, "conditions": conditions})
        self.event(node, "Normal", "NodeNotReady", f"Node {name} status is now: NodeNotReady")
        for pod in self.plane.cache.pods_on(name):
            self._mark_unready(pod)

    def _mark_unready(self, pod: Object) -> None:
        ready = condition_of(pod, "Ready")
        if ready is None or ready["status"] != "True":
            return
        conditions = set_condition(pod["status"]["conditions"], {**ready, "status": "False"}, self.api.now())
        pod = write_status(self.api, pod, {**pod["status"], "conditions": conditions})
        self.event(pod, "Warning", "NodeNotReady", "Node is not ready")

    # -- taints -----------------------------------------------------------------------------------------------------

    def _cordon_taint(self, name: str) -> None:
        node = self.api.get("Node", "", name)
        ready = condition_of(node, "Ready")
        pressure = condition_of(node, "DiskPressure")
        wanted: list[tuple[str, str]] = []
        if ready and ready["status"] == "Unknown":
            wanted += [(_UNREACHABLE, "NoSchedule"), (_UNREACHABLE, "NoExecute")]
        elif ready and ready["status"] == "False":
            wanted += [(_NOT_READY, "NoSchedule"), (_NOT_READY, "NoExecute")]
        if pressure and pressure["status"] == "True":
            wanted.append((_PRESSURE, "NoSchedule"))
        if node["spec"].get("unschedulable"):
            wanted.append(("node.kubernetes.io/unschedulable", "NoSchedule"))
        mine = (_UNREACHABLE, _NOT_READY, _PRESSURE, "node.kubernetes.io/unschedulable")
        old = node["spec"].get("taints") or []
        kept = [one for one in old if one["key"] not in mine or (one["key"], one["effect"]) in wanted]
        have = {(one["key"], one["effect"]) for one in kept}
        taints = kept + [
            {"key": key, "effect": effect, "timeAdded": self.api.now()}
            for key, effect in wanted
            if (key, effect) not in have
        ]
        if taints != old:
            spec = {key: value for key, value in node["spec"].items() if key != "taints"}
            write_object(
                self.api,
                {
                    **node,
                    "metadata": dict(node["metadata"]),
                    "spec": {**spec, "taints": taints} if taints else spec,
                },
            )

    def _evict_tainted(self, name: str) -> None:
        node = self.api.get("Node", "", name)
        taints = [one for one in node["spec"].get("taints") or () if one["effect"] == "NoExecute"]
        if not taints:
            return
        for pod in self.plane.cache.pods_on(name):
            if pod["metadata"].get("deletionTimestamp"):
                continue
            limits = (self._stay(pod, taint) for taint in taints)
            due = min((limit for limit in limits if limit is not None), default=None)
            if due is not None and self.now() >= due:
                meta = pod["metadata"]
                text = f"Marking for deletion Pod {meta['namespace']}/{meta['name']}"
                self.plane.events.record("taint-eviction-controller", pod, "Normal", "TaintManagerEviction", text)
                self.api.delete("Pod", meta["namespace"], meta["name"])

    def _stay(self, pod: Object, taint: Object) -> object:
        """Until when a pod may stay; None for ever."""
        added = parse_time(taint.get("timeAdded") or self.api.now())
        for one in pod["spec"].get("tolerations") or ():
            if tolerates(one, taint):
                seconds = one.get("tolerationSeconds")
                return None if seconds is None else added + timedelta(seconds=seconds)
        return added
