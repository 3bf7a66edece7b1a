"""DaemonSets: one pod on every node that takes it."""

from __future__ import annotations

from collections.abc import Iterable

from infra.local.demo.controllers.deployments import share
from infra.local.demo.controllers.fitting import matches_node_affinity, untolerated
from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.replicasets import pod_from
from infra.local.demo.controllers.revisions import current_revision
from infra.local.demo.controllers.status import controller_key, is_active, is_ready, write_status
from infra.local.demo.server.errors import ApiError
from infra.local.demo.server.store import Change, Object

_HASH = "controller-revision-hash"
_ALWAYS = (
    ("node.kubernetes.io/not-ready", "NoExecute"), ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"), ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"), ("node.kubernetes.io/unschedulable", "NoSchedule"),
)  # fmt: skip


class DaemonSets(Controller):
    name = "daemonset-controller"
    kinds = ("DaemonSet", "Pod", "Node")

    def concerned(self, change: Change) -> Iterable[Key]:
        if change.key[1] == "daemonsets":
            return ((change.namespace, change.name),)
        if change.key[1] == "nodes":
            if change.before and _same_node(change.before.object, change.object) and change.type == "MODIFIED":
                return ()
            return [
                (stored.object["metadata"]["namespace"], stored.object["metadata"]["name"])
                for stored in self.api.store.list(("apps", "daemonsets"))
            ]
        owner = controller_key(change.object, "DaemonSet")
        return (owner,) if owner else ()

    def reconcile(self, key: Key) -> None:
        found = self.api.find("DaemonSet", *key)
        if found is None or found["metadata"].get("deletionTimestamp"):
            return
        revision = current_revision(self.api, found)["metadata"]["labels"][_HASH]
        pods: dict[str, Object] = {}
        for pod in self.plane.cache.pods_of(found["metadata"]["uid"]):
            if (pod.get("status") or {}).get("phase") == "Failed":
                self.api.delete("Pod", key[0], pod["metadata"]["name"], grace_s=0)
            elif is_active(pod):
                pods[_node_of(pod)] = pod
        wanted = [node["metadata"]["name"] for node in self.nodes_of(found)]
        for node in wanted:
            if node not in pods and not self._leaving(found, node):
                self._create(key, found, node, revision)
        for node in set(pods) - set(wanted):
            self.api.delete("Pod", key[0], pods[node]["metadata"]["name"])
        self._roll(key, found, pods, revision, wanted)
        self._write_status(found, wanted, pods, revision)

    def nodes_of(self, found: Object) -> list[Object]:
        """The nodes that are to have a pod."""
        probe = {"spec": {**found["spec"]["template"]["spec"], "tolerations": _tolerations(found)}}
        return [node for node in self.api.list("Node") if _belongs(probe, node)]

    def _leaving(self, found: Object, node: str) -> bool:
        return any(_node_of(pod) == node for pod in self.plane.cache.pods_of(found["metadata"]["uid"]))

    def _create(self, key: Key, found: Object, node: str, revision: str) -> None:
        body = daemon_pod(found, node, revision)
        try:
            pod = self.api.create("Pod", body, namespace=key[0], manager="kube-controller-manager")
        except ApiError as error:
            self.event(found, "Warning", "FailedCreate", f"Error creating: {error.message}")
            self.wake(key, 30)
            return
        self.event(found, "Normal", "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")

    def _roll(self, key: Key, found: Object, pods: dict[str, Object], revision: str, wanted: list[str]) -> None:
        """Replace pods of an old revision while no more nodes than `maxUnavailable` are without a ready pod.

        Old pods that are not ready go at once: nothing is lost with them.
        """
        update = found["spec"].get("updateStrategy") or {}
        if update.get("type") == "OnDelete":
            return
        old = [pod for pod in pods.values() if pod["metadata"]["labels"].get(_HASH) != revision]
        without = sum(1 for node in wanted if node not in pods or not is_ready(pods[node]))
        limit = share((update.get("rollingUpdate") or {}).get("maxUnavailable", 1), len(wanted), up=True)
        broken = [pod for pod in old if not is_ready(pod)]
        whole = [pod for pod in old if is_ready(pod)]
        for pod in broken + whole[: max(0, limit - without)]:
            self.api.delete("Pod", key[0], pod["metadata"]["name"])
            self.event(found, "Normal", "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")

    def _write_status(self, found: Object, wanted: list[str], pods: dict[str, Object], revision: str) -> None:
        here = [pods[node] for node in wanted if node in pods]
        ready = sum(1 for pod in here if is_ready(pod))
        status: Object = {
            "currentNumberScheduled": len(here), "numberMisscheduled": 0, "desiredNumberScheduled": len(wanted),
            "numberReady": ready, "observedGeneration": found["metadata"].get("generation", 1),
            "updatedNumberScheduled": sum(1 for pod in here if pod["metadata"]["labels"].get(_HASH) == revision),
            "numberAvailable": ready, "numberUnavailable": len(wanted) - ready,
        }  # fmt: skip
        optional = ("updatedNumberScheduled", "numberAvailable", "numberUnavailable")
        write_status(self.api, found, {name: value for name, value in status.items() if value or name not in optional})


def daemon_pod(found: Object, node: str, revision: str) -> Object:
    """The pod of a DaemonSet for one node."""
    body = pod_from(found["spec"]["template"], found, f"{found['metadata']['name']}-")
    body["metadata"]["labels"] = dict(body["metadata"].get("labels") or {}) | {
        _HASH: revision,
        "pod-template-generation": "1",
    }
    term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    body["spec"]["affinity"] = {**(body["spec"].get("affinity") or {}), "nodeAffinity": required}
    body["spec"]["tolerations"] = _tolerations(found)
    return body


def _same_node(before: Object, after: Object) -> bool:
    return before["spec"] == after["spec"] and before["metadata"].get("labels") == after["metadata"].get("labels")


def _node_of(pod: Object) -> str:
    terms = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]
    return str(terms[0]["matchFields"][0]["values"][0])


def _tolerations(found: Object) -> list[Object]:
    own = list(found["spec"]["template"]["spec"].get("tolerations") or ())
    return own + [{"key": key, "operator": "Exists", "effect": effect} for key, effect in _ALWAYS]


def _belongs(probe: Object, node: Object) -> bool:
    return matches_node_affinity(probe, node) and not untolerated(probe, node, effects=("NoSchedule", "NoExecute"))
