"""ReplicaSets: as many pods of a template as asked for."""

from __future__ import annotations

from collections.abc import Iterable

from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.status import (
    condition_of,
    controller_key,
    is_active,
    is_ready,
    is_terminating,
    owner_reference,
    set_condition,
    write_status,
)
from infra.local.demo.server.clock import parse_time
from infra.local.demo.server.errors import ApiError
from infra.local.demo.server.store import Change, Object, copy_of

_RETRIES_S = (1, 2, 4, 8, 15, 30, 60)  # the real controller waits up to 16 minutes; a demo should heal sooner


def pod_from(template: Object, owner: Object, prefix: str) -> Object:
    """A pod of a workload's template."""
    meta = copy_of(template.get("metadata") or {})
    meta.pop("creationTimestamp", None)
    meta["generateName"] = prefix
    meta["ownerReferences"] = [owner_reference(owner)]
    return {"metadata": meta, "spec": copy_of(template["spec"])}


class ReplicaSets(Controller):
    name = "replicaset-controller"
    kinds = ("ReplicaSet", "Pod", "ResourceQuota", "LimitRange", "ServiceAccount")

    def __init__(self, plane: object) -> None:
        super().__init__(plane)  # type: ignore[arg-type]
        self._failures: dict[str, int] = {}
        self._refused: dict[Key, str] = {}

    def concerned(self, change: Change) -> Iterable[Key]:
        if change.key[1] == "replicasets":
            return ((change.namespace, change.name),)
        if change.key[1] != "pods":
            return [key for key in self._refused if key[0] == change.namespace and change.key[1] != "resourcequotas"]
        owner = controller_key(change.object, "ReplicaSet")
        return (owner,) if owner else ()

    def reconcile(self, key: Key) -> None:
        found = self.api.find("ReplicaSet", *key)
        if found is None or found["metadata"].get("deletionTimestamp"):
            self._refused.pop(key, None)
            return
        uid = found["metadata"]["uid"]
        pods = [pod for pod in self.plane.cache.pods_of(uid) if is_active(pod)]
        wanted = found["spec"].get("replicas", 1)
        problem = self._refused.get(key, "")
        if len(pods) < wanted:
            problem = self._create(key, found, wanted - len(pods))
        else:
            self._refused.pop(key, None)
            self._failures.pop(uid, None)
            problem = ""
            for pod in _surplus(pods, len(pods) - wanted):
                self.api.delete("Pod", key[0], pod["metadata"]["name"])
                self.event(found, "Normal", "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")
        self._write_status(found, problem)

    def _create(self, key: Key, owner: Object, count: int) -> str:
        name, uid = owner["metadata"]["name"], owner["metadata"]["uid"]
        for _ in range(count):
            body = pod_from(owner["spec"]["template"], owner, f"{name}-")
            try:
                pod = self.api.create("Pod", body, namespace=key[0], manager="kube-controller-manager")
            except ApiError as error:
                tries = self._failures[uid] = self._failures.get(uid, 0) + 1
                self.event(owner, "Warning", "FailedCreate", f"Error creating: {error.message}")
                self._refused[key] = error.message
                self.wake(key, _RETRIES_S[min(tries, len(_RETRIES_S)) - 1])
                return error.message
            self.event(owner, "Normal", "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")
        self._refused.pop(key, None)
        self._failures.pop(uid, None)
        return ""

    def _write_status(self, found: Object, problem: str) -> None:
        owned = self.plane.cache.pods_of(found["metadata"]["uid"])
        pods = [pod for pod in owned if is_active(pod)]
        ready = [pod for pod in pods if is_ready(pod)]
        available = [pod for pod in ready if self._available(found, pod)]
        status: Object = {"replicas": len(pods)}
        if pods:
            status["fullyLabeledReplicas"] = len(pods)
        if ready:
            status["readyReplicas"] = len(ready)
        if available:
            status["availableReplicas"] = len(available)
        status["terminatingReplicas"] = sum(1 for pod in owned if is_terminating(pod))
        status["observedGeneration"] = found["metadata"].get("generation", 1)
        old = (found.get("status") or {}).get("conditions") or []
        if problem:
            condition = {
                "type": "ReplicaFailure",
                "status": "True",
                "reason": "FailedCreate",
                "message": problem,
            }
            if not condition_of(found, "ReplicaFailure"):
                old = set_condition(old, condition, self.api.now())
            status["conditions"] = old
        elif rest := [entry for entry in old if entry["type"] != "ReplicaFailure"]:
            status["conditions"] = rest
        write_status(self.api, found, status)

    def _available(self, owner: Object, pod: Object) -> bool:
        needed = owner["spec"].get("minReadySeconds", 0)
        if not needed:
            return True
        ready = condition_of(pod, "Ready")
        assert ready is not None
        left = needed - (self.now() - parse_time(ready["lastTransitionTime"])).total_seconds()
        if left > 0:
            self.wake((owner["metadata"]["namespace"], owner["metadata"]["name"]), left)
        return left <= 0


def _surplus(pods: list[Object], count: int) -> list[Object]:
    """Which pods go first: those on no node, not ready, with more restarts, younger."""

    def rank(pod: Object) -> tuple[bool, bool, bool, int, str]:
        status = pod.get("status") or {}
        restarts = max((c.get("restartCount", 0) for c in status.get("containerStatuses") or ()), default=0)
        on_node = bool(pod["spec"].get("nodeName"))
        return (
            on_node,
            status.get("phase") == "Running",
            is_ready(pod),
            -restarts,
            pod["metadata"]["creationTimestamp"],
        )

    young_first = sorted(pods, key=lambda pod: pod["metadata"]["creationTimestamp"], reverse=True)
    return sorted(young_first, key=lambda pod: rank(pod)[:4])[:count] if count > 0 else []
