"""Workloads with their pods, and the ways in which a test makes them ill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.state.meta import Ref

if TYPE_CHECKING:
    from tests.unit.rootcause.builders import Cluster

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
Plain = dict[str, Any]


def ago(minutes: float) -> str:
    """A time before the snapshot, as the API writes it."""
    return (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def split(where: str) -> tuple[str, str]:
    namespace, _, name = where.rpartition("/")
    return namespace, name


def condition(type_: str, status: str, reason: str = "", message: str = "", minutes: float = 20) -> Plain:
    return {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": ago(minutes)}


class Workload:
    """A Deployment, StatefulSet, DaemonSet or bare pod with its pods; methods make the pods of it ill."""

    def __init__(self, cluster: Cluster, kind: str, namespace: str, name: str, replicas: int, container: Plain) -> None:
        self.cluster, self.kind, self.namespace, self.name = cluster, kind, namespace, name
        self.labels = {"app": name}
        self.container: Plain = {
            "name": name,
            "image": f"registry.local/{name}:1.0",
            "ports": [{"containerPort": 8080}],
            **container,
        }
        self.spec: Plain = {"containers": [self.container], "restartPolicy": "Always", "serviceAccountName": "default"}
        self.object = (
            cluster.add(
                kind,
                f"{namespace}/{name}",
                {
                    "spec": {
                        "replicas": replicas,
                        "selector": {"matchLabels": self.labels},
                        "template": {"metadata": {"labels": self.labels}, "spec": self.spec},
                    },
                    "status": {
                        "replicas": replicas,
                        "readyReplicas": replicas,
                        "updatedReplicas": replicas,
                        "availableReplicas": replicas,
                        "conditions": [condition("Progressing", "True", "NewReplicaSetAvailable", minutes=9000)]
                        if kind == "Deployment"
                        else [],
                    },
                },
            )
            if kind != "Pod"
            else {}
        )
        self.owner = (
            Plain(kind=kind, name=name, uid=self.object["metadata"]["uid"], controller=True) if kind != "Pod" else None
        )
        self.replica_set: Plain = {}
        if kind == "Deployment":
            self.replica_set = self._revision("6d5f7c9b84", 1, replicas)
            self.owner = self._owner_of(self.replica_set)
        self.pods = [self._pod(n) for n in range(replicas)]

    @staticmethod
    def _owner_of(sets: Plain) -> Plain:
        return {
            "kind": "ReplicaSet",
            "name": sets["metadata"]["name"],
            "uid": sets["metadata"]["uid"],
            "controller": True,
        }

    def _revision(self, hash_: str, number: int, replicas: int) -> Plain:
        return self.cluster.add(
            "ReplicaSet",
            f"{self.namespace}/{self.name}-{hash_}",
            {
                "metadata": {
                    "ownerReferences": [
                        {
                            "kind": self.kind,
                            "name": self.name,
                            "uid": self.object["metadata"]["uid"],
                            "controller": True,
                        }
                    ],
                    "annotations": {"deployment.kubernetes.io/revision": str(number)},
                    "labels": {**self.labels, "pod-template-hash": hash_},
                },
                "spec": {
                    "replicas": replicas,
                    "template": {
                        "metadata": {"labels": {**self.labels, "pod-template-hash": hash_}},
                        "spec": self.spec,
                    },
                },
                "status": {"replicas": replicas, "readyReplicas": replicas},
            },
        )

    def _pod(self, number: int) -> Plain:
        hash_ = self.replica_set["metadata"]["labels"]["pod-template-hash"] if self.replica_set else ""
        name = (
            f"{self.replica_set['metadata']['name']}-{number:05d}"
            if hash_
            else self.name
            if self.kind == "Pod"
            else f"{self.name}-{number}"
        )
        labels = {**self.labels, **({"pod-template-hash": hash_} if hash_ else {})}
        nodes = [n["metadata"]["name"] for n in self.cluster.objects["Node"]]
        return self.cluster.add(
            "Pod",
            f"{self.namespace}/{name}",
            {
                "metadata": {"labels": labels, "ownerReferences": [self.owner] if self.owner else []},
                "spec": {**self.spec, "nodeName": nodes[number % len(nodes)]},
                "status": {
                    "phase": "Running",
                    "podIP": f"10.1.0.{len(self.cluster.objects['Pod']) + 10}",
                    "startTime": ago(9000),
                    "conditions": [
                        condition("PodScheduled", "True", minutes=9000),
                        condition("Ready", "True", minutes=9000),
                    ],
                    "containerStatuses": [self._running(self.container["name"], 9000)],
                },
            },
        )

    def _running(self, name: str, minutes: float, *, ready: bool = True, restarts: int = 0) -> Plain:
        return {
            "name": name,
            "ready": ready,
            "restartCount": restarts,
            "state": {"running": {"startedAt": ago(minutes)}},
        }

    # What may be set on the template and its pods alike

    def having(self, **spec: Any) -> Workload:
        """Fields of the pod spec, for the template and for every pod."""
        for target in [self.spec, *(p["spec"] for p in self.pods)]:
            target.update(spec)
        return self

    def changed(self, minutes: float = 30, **container: Any) -> Workload:
        """A rollout: a new revision whose container differs; the pods of this object are those of the new revision."""
        before = {**self.container}
        old = self.replica_set
        old["spec"]["template"] = {
            "metadata": old["spec"]["template"]["metadata"],
            "spec": {**self.spec, "containers": [before]},
        }
        old["spec"]["replicas"] = old["status"]["replicas"] = old["status"]["readyReplicas"] = 0
        self.container.update(container)
        self.replica_set = self._revision("7b9c8d6f55", 2, len(self.pods))
        self.replica_set["metadata"]["creationTimestamp"] = ago(minutes)
        for pod in self.pods:
            self.cluster.objects["Pod"].remove(pod)
        self.owner = self._owner_of(self.replica_set)
        self.pods = [self._pod(n) for n in range(len(self.pods))]
        return self

    # Illnesses

    def _unready(self, pod: Plain, minutes: float) -> None:
        status = pod["status"]
        status["conditions"] = [c for c in status["conditions"] if c["type"] != "Ready"]
        status["conditions"].append(condition("Ready", "False", "ContainersNotReady", minutes=minutes))
        if self.object:
            for obj in (self.object, self.replica_set):
                if obj:
                    obj["status"]["readyReplicas"] = sum(is_ready(p) for p in self.pods)

    def waiting(self, reason: str, message: str = "", *, minutes: float = 20) -> Workload:
        """Containers that wait with a reason of the kubelet's."""
        for pod in self.pods:
            pod["status"]["phase"] = "Pending"
            pod["status"]["startTime"] = pod["metadata"]["creationTimestamp"] = ago(minutes)
            waiting = {"reason": reason, **({"message": message} if message else {})}
            pod["status"]["containerStatuses"] = [
                {"name": self.container["name"], "ready": False, "restartCount": 0, "state": {"waiting": waiting}}
            ]
            self._unready(pod, minutes)
        return self

    def crashing(
        self,
        exit_code: int = 1,
        reason: str = "Error",
        *,
        restarts: int = 9,
        log: str | None = None,
        message: str = "",
        init: str = "",
    ) -> Workload:
        """CrashLoopBackOff, with the last words of the previous container when there is a log."""
        for pod in self.pods:
            name = init or self.container["name"]
            ended = {
                "exitCode": exit_code,
                "reason": reason,
                "startedAt": ago(4),
                "finishedAt": ago(3),
                **({"message": message} if message else {}),
            }
            status = {
                "name": name,
                "ready": False,
                "restartCount": restarts,
                "lastState": {"terminated": ended},
                "state": {
                    "waiting": {
                        "reason": "CrashLoopBackOff",
                        "message": f"back-off 5m0s restarting failed container={name}",
                    }
                },
            }
            if init:
                pod["spec"].setdefault("initContainers", [{"name": init, "image": "registry.local/init:1"}])
                pod["status"]["phase"] = "Pending"
                pod["status"]["initContainerStatuses"] = [status]
                pod["status"]["containerStatuses"] = [
                    {
                        "name": self.container["name"],
                        "ready": False,
                        "restartCount": 0,
                        "state": {"waiting": {"reason": "PodInitializing"}},
                    }
                ]
            else:
                pod["status"]["containerStatuses"] = [status]
            self._unready(pod, 20)
            if log is not None:
                self.cluster.log(pod, name, log, previous=True)
        return self

    def restarted_long_ago(self, exit_code: int = 137, reason: str = "OOMKilled") -> Workload:
        """Healthy now, with old restarts."""
        for pod in self.pods:
            status = self._running(self.container["name"], 9000, restarts=4)
            status["lastState"] = {
                "terminated": {"exitCode": exit_code, "reason": reason, "startedAt": ago(9100), "finishedAt": ago(9050)}
            }
            pod["status"]["containerStatuses"] = [status]
        return self

    def not_ready(self, *, minutes: float = 20, log: str | None = None) -> Workload:
        """Running and never ready."""
        for pod in self.pods:
            pod["status"]["containerStatuses"] = [self._running(self.container["name"], minutes, ready=False)]
            self._unready(pod, minutes)
            if log is not None:
                self.cluster.log(pod, self.container["name"], log)
        return self

    def pending(self, message: str = "", *, minutes: float = 20) -> Workload:
        """Not scheduled; with the scheduler's message when there is one."""
        for pod in self.pods:
            pod["spec"].pop("nodeName", None)
            pod["metadata"]["creationTimestamp"] = ago(minutes)
            scheduled = condition("PodScheduled", "False", "Unschedulable", message, minutes)
            pod["status"] = {"phase": "Pending", "conditions": [scheduled]}
            self._unready(pod, minutes)
            pod["status"]["conditions"] = [scheduled]
        return self

    def not_created(self, message: str = "", *, event: bool = True, condition_too: bool = True) -> Workload:
        """Pods that the API server refuses; a refusal may be gone from events and from the condition."""
        for pod in self.pods:
            self.cluster.objects["Pod"].remove(pod)
        self.pods = []
        owner = self.replica_set or self.object
        owner["status"] = {"replicas": 0}
        owner["metadata"]["creationTimestamp"] = ago(20)
        self.object["status"].update(readyReplicas=0, replicas=0, updatedReplicas=0)
        if message and condition_too:
            failure = condition("ReplicaFailure", "True", "FailedCreate", message)
            owner["status"]["conditions"] = [failure]
            self.object["status"].setdefault("conditions", []).append(failure)
        if message and event:
            self.cluster.event(owner, "FailedCreate", f"Error creating: {message}")
        return self

    def says(self, log: str) -> Workload:
        """The current log of every pod."""
        for pod in self.pods:
            self.cluster.log(pod, self.container["name"], log)
        return self

    def reported(self, reason: str, message: str, *, minutes: float = 2, type_: str = "Warning") -> Workload:
        """An event about every pod."""
        for pod in self.pods:
            self.cluster.event(pod, reason, message, minutes=minutes, type_=type_)
        return self

    @property
    def ref(self) -> Ref:
        return Ref(self.kind, self.namespace, self.name)


def is_ready(pod: Plain) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))
