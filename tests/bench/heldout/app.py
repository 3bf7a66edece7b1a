"""Workloads of a held-out cluster: controller, ReplicaSet and pods, and the ways in which they break."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from chalicelib.state.snapshot import LogKey
from tests.bench.heldout.dump import DAY, Json, at, cond, is_ready, merge

if TYPE_CHECKING:
    from tests.bench.heldout.dump import Dump

SUFFIXES = ("x2mvq", "9dltp", "hk7wz", "c4ngs", "t8rjb", "zz5fd", "q6vnm", "w3xkc")


class App:
    """A workload with its pods. `c` changes the main container, `sidecars` and `init` add others."""

    def __init__(
        self,
        dump: Dump,
        ns: str,
        name: str,
        *,
        kind: str = "Deployment",
        replicas: int = 2,
        c: Json | None = None,
        sidecars: list[Json] | None = None,
        init: list[Json] | None = None,
        spec: Json | None = None,
        labels: Json | None = None,
        age: float = 40.0,
        pods: int | None = None,
        over: Json | None = None,
        owner: Json | None = None,
        annotations: Json | None = None,
    ) -> None:
        self.dump, self.ns, self.name, self.kind, self.age = dump, ns, name, kind, age
        self.labels = labels or {"app.kubernetes.io/name": name}
        main = {
            "name": name,
            "image": f"quay.io/acme/{name}:2024.11.3",
            "imagePullPolicy": "IfNotPresent",
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        }
        self.spec: Json = {
            "containers": [merge(main, c or {}), *(sidecars or [])],
            "serviceAccountName": "default",
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "schedulerName": "default-scheduler",
            "dnsPolicy": "ClusterFirst",
            **({"initContainers": init} if init else {}),
            **(spec or {}),
        }
        for container in [*self.spec["containers"], *(init or [])]:
            container.setdefault("image", f"docker.io/library/{container['name']}:1.36")
            container.setdefault("resources", {})
        self.replicas, self.settled, self.old_pods = replicas, False, []
        if kind == "DaemonSet":
            self.replicas = replicas = len(dump.nodes)
        template = {"metadata": {"labels": dict(self.labels)}, "spec": copy.deepcopy(self.spec)}
        self.hash = "7f9c5d8b6"
        self.rs: Json | None = None
        if kind == "Pod":
            self.obj = self.pod_object(name, {})
        else:
            body: Json = {
                "spec": {"replicas": replicas, "selector": {"matchLabels": dict(self.labels)}, "template": template},
                "metadata": {"annotations": annotations or {}},
            }
            if kind == "StatefulSet":
                body["spec"]["serviceName"] = name
            if kind in ("Job", "CronJob", "DaemonSet"):
                del body["spec"]["replicas"]
            if kind == "CronJob":
                del body["spec"]["selector"], body["spec"]["template"]
                body["spec"]["jobTemplate"] = {"spec": {"template": template}}
            if owner:
                body["metadata"]["ownerReferences"] = [ref(owner)]
            self.obj = dump.add(kind, ns, name, merge(body, over or {}), age)
        if kind == "Deployment":
            self.obj["metadata"]["annotations"].setdefault("deployment.kubernetes.io/revision", "1")
            self.rs = self.replica_set(self.hash, "1", replicas, template, age)
        count = 0 if kind == "CronJob" else 1 if kind in ("Job", "Pod") else replicas
        wanted = count if pods is None else pods
        self.pods = [self.obj] if kind == "Pod" else [self.make_pod(i) for i in range(wanted)]
        dump.apps.append(self)

    def replica_set(self, hash_: str, revision: str, replicas: int, template: Json, age: float) -> Json:
        made = self.dump.add(
            "ReplicaSet",
            self.ns,
            f"{self.name}-{hash_}",
            {
                "metadata": {
                    "annotations": {"deployment.kubernetes.io/revision": revision},
                    "ownerReferences": [ref(self.obj)],
                    "labels": {**self.labels, "pod-template-hash": hash_},
                },
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": {**self.labels, "pod-template-hash": hash_}},
                    "template": template,
                },
                "status": {"replicas": replicas, "observedGeneration": 1},
            },
            age,
        )
        return made

    def make_pod(self, index: int, rs: Json | None = None, hash_: str = "") -> Json:
        rs, hash_ = rs or self.rs, hash_ or self.hash
        suffix = SUFFIXES[index % len(SUFFIXES)]
        name = f"{self.name}-{index}" if self.kind == "StatefulSet" else f"{self.name}-{suffix}"
        labels: Json = {}
        if rs:
            name, labels = f"{self.name}-{hash_}-{suffix}", {"pod-template-hash": hash_}
        if self.kind == "StatefulSet":
            labels = {"statefulset.kubernetes.io/pod-name": name, "controller-revision-hash": f"{self.name}-5d4"}
        if self.kind == "Job":
            labels = {"batch.kubernetes.io/job-name": self.name, "job-name": self.name}
        return self.pod_object(
            name, {"labels": {**self.labels, **labels}, "ownerReferences": [ref(rs or self.obj)]}, index
        )

    def pod_object(self, name: str, meta: Json, index: int = 0) -> Json:
        self.dump._serial += 1
        number = self.dump._serial
        nodes = self.dump.nodes
        spec = copy.deepcopy(self.spec)
        spec["nodeName"] = nodes[index % len(nodes)]["metadata"]["name"]
        inits = spec.get("initContainers", [])
        status = {
            "phase": "Running",
            "podIP": f"10.244.{number // 250}.{number % 250 + 2}",
            "startTime": at(self.age),
            "qosClass": "Burstable",
            "conditions": [
                cond("PodScheduled", "True", ago=self.age),
                cond("Initialized", "True", ago=self.age),
                cond("ContainersReady", "True", ago=self.age),
                cond("Ready", "True", ago=self.age),
            ],
            "containerStatuses": [self._running(c) for c in spec["containers"]],
            "initContainerStatuses": [
                self._running(c) if c.get("restartPolicy") == "Always" else self._done(c) for c in inits
            ],
        }
        body = {"metadata": {"labels": dict(self.labels), **meta}, "spec": spec, "status": status}
        return self.dump.add("Pod", self.ns, name, body, self.age)

    def _running(self, c: Json) -> Json:
        return {
            "name": c["name"],
            "ready": True,
            "started": True,
            "restartCount": 0,
            "image": c["image"],
            "state": {"running": {"startedAt": at(max(self.age - 0.3, 0))}},
            "lastState": {},
        }

    def _done(self, c: Json) -> Json:
        end = {
            "exitCode": 0,
            "reason": "Completed",
            "startedAt": at(self.age),
            "finishedAt": at(max(self.age - 0.2, 0)),
        }
        return {
            "name": c["name"],
            "ready": True,
            "restartCount": 0,
            "image": c["image"],
            "state": {"terminated": end},
            "lastState": {},
        }

    # How it breaks

    def statuses(self, container: int | str, pods: list[Json] | None = None) -> list[tuple[Json, Json]]:
        """(pod, status) of one container by index; `"init"` means the first init container."""
        field = "initContainerStatuses" if container == "init" else "containerStatuses"
        index = 0 if container == "init" else int(container)
        return [(p, p["status"][field][index]) for p in (self.pods if pods is None else pods)]

    def not_ready(self, pods: list[Json] | None = None, ago: float | None = None) -> App:
        for pod in self.pods if pods is None else pods:
            for c in pod["status"]["conditions"]:
                if c["type"] in ("Ready", "ContainersReady"):
                    c.update(status="False", reason="ContainersNotReady", lastTransitionTime=at(ago or self.age))
        return self

    def waiting(
        self,
        reason: str,
        message: str = "",
        *,
        container: int | str = 0,
        phase: str = "Pending",
        pods: list[Json] | None = None,
    ) -> App:
        for pod, status in self.statuses(container, pods):
            status.update(ready=False, started=False, state={"waiting": {"reason": reason, "message": message}})
            pod["status"]["phase"] = phase
            if container == "init":
                for other in pod["status"]["containerStatuses"]:
                    other.update(ready=False, started=False, state={"waiting": {"reason": "PodInitializing"}})
                _set(pod, "Initialized", "False", "ContainersNotInitialized")
        return self.not_ready(pods)

    def creating(self, pods: list[Json] | None = None) -> App:
        for pod in self.pods if pods is None else pods:
            for status in pod["status"]["containerStatuses"]:
                status.update(ready=False, started=False, state={"waiting": {"reason": "ContainerCreating"}})
            pod["status"].update(phase="Pending", podIP="")
        return self.not_ready(pods)

    def crash(
        self,
        code: int,
        log: str = "",
        *,
        reason: str = "Error",
        restarts: int = 8,
        ran: float = 0.05,
        container: int | str = 0,
        pods: list[Json] | None = None,
        last: float = 1.5,
        back_off: bool = True,
        message: str = "",
    ) -> App:
        """Restarting in a loop; `ran` and `last` are minutes: how long it lived, and when it last ended."""
        end = {
            "exitCode": code,
            "reason": reason,
            "startedAt": at(last + ran),
            "finishedAt": at(last),
            "message": message,
        }
        for pod, status in self.statuses(container, pods):
            name = status["name"]
            text = (
                f"back-off 5m0s restarting failed container={name} "
                f"pod={pod['metadata']['name']}_{self.ns}({pod['metadata']['uid']})"
            )
            now: Json = (
                {"waiting": {"reason": "CrashLoopBackOff", "message": text}} if back_off else {"terminated": end}
            )
            status.update(ready=False, started=False, restartCount=restarts, state=now, lastState={"terminated": end})
            pod["status"]["phase"] = "Pending" if container == "init" else "Running"
            if container == "init":
                for other in pod["status"]["containerStatuses"]:
                    other.update(ready=False, started=False, state={"waiting": {"reason": "PodInitializing"}})
                _set(pod, "Initialized", "False", "ContainersNotInitialized")
            self.dump.event(
                pod,
                "BackOff",
                f"Back-off restarting failed container {name} in pod "
                f"{pod['metadata']['name']}_{self.ns}({pod['metadata']['uid']})",
                count=restarts * 9,
                first=self.age,
            )
            if log:
                self.log(log, pod=pod, container=name)
        return self.not_ready(pods)

    def killed_by_probe(
        self, message: str, *, restarts: int = 6, code: int = 137, log: str = "", ran: float = 1.0
    ) -> App:
        """The kubelet kills it again and again for its liveness (or startup) probe."""
        for pod, status in self.statuses(0):
            end = {
                "exitCode": code,
                "reason": "Error" if code else "Completed",
                "startedAt": at(2 + ran),
                "finishedAt": at(2),
            }
            status.update(
                ready=False,
                started=False,
                restartCount=restarts,
                state={"running": {"startedAt": at(0.4)}},
                lastState={"terminated": end},
            )
            which = "startup" if message.startswith("Startup") else "liveness"
            self.dump.event(pod, "Unhealthy", message, count=restarts * 3, first=self.age)
            self.dump.event(
                pod,
                "Killing",
                f"Container {status['name']} failed {which} probe, will be restarted",
                type_="Normal",
                count=restarts,
                first=self.age,
            )
            if log:
                self.log(log, pod=pod)
        return self.not_ready()

    def unready(self, message: str, *, log: str = "", count: int = 60) -> App:
        """Running, not in service: the readiness probe fails."""
        for pod, status in self.statuses(0):
            status.update(ready=False)
            self.dump.event(pod, "Unhealthy", message, count=count, first=self.age)
            if log:
                self.log(log, pod=pod)
        return self.not_ready()

    def unscheduled(self, message: str, pods: list[Json] | None = None, *, event: bool = True, count: int = 7) -> App:
        for pod in self.pods if pods is None else pods:
            pod["spec"].pop("nodeName", None)
            pod["status"] = {
                "phase": "Pending",
                "qosClass": "Burstable",
                "conditions": [cond("PodScheduled", "False", "Unschedulable", message, self.age)],
            }
            if event:
                self.dump.event(pod, "FailedScheduling", message, count=count, first=self.age, by="default-scheduler")
        return self

    def refused(self, message: str, *, keep: int = 0, by: str = "replicaset-controller") -> App:
        """The API server refuses its new pods; `keep` pods of before go on."""
        for pod in self.pods[keep:]:
            self.dump.objects["Pod"].remove(pod)
        self.pods = self.pods[:keep]
        source = self.rs or self.obj
        who = {
            "Deployment": "replicaset-controller",
            "StatefulSet": "statefulset-controller",
            "DaemonSet": "daemonset-controller",
            "Job": "job-controller",
        }
        self.dump.event(source, "FailedCreate", message, count=17, first=self.age, by=who.get(self.kind, by))
        if self.kind == "Deployment" and self.rs:
            bare = re.sub(r"^Error creating: ", "", message)
            failure = cond("ReplicaFailure", "True", "FailedCreate", bare, self.age)
            self.obj["_conditions"] = [failure]
            self.rs["status"]["conditions"] = [failure]
        return self

    def new_revision(self, change: Json | None = None, pods: int = 1, age: float = 25) -> list[Json]:
        """A rollout: the pods so far belong to the old ReplicaSet; the new pods are returned."""
        assert self.rs is not None
        self.old_pods = self.pods
        old = self.rs
        self.spec["containers"][0] = merge(self.spec["containers"][0], change or {})
        template = {"metadata": {"labels": dict(self.labels)}, "spec": copy.deepcopy(self.spec)}
        self.obj["spec"]["template"] = template
        self.obj["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "2"
        self.obj["metadata"]["generation"] = 2
        self.hash, self.age = "65d9f7c4d4", age
        self.rs = self.replica_set(self.hash, "2", pods, template, age)
        old["status"].update(readyReplicas=len(self.old_pods), availableReplicas=len(self.old_pods))
        self.pods = [self.make_pod(i) for i in range(pods)]
        return self.pods

    def event(self, reason: str, message: str, **how: Any) -> App:
        for pod in self.pods:
            self.dump.event(pod, reason, message, **{"first": self.age, **how})
        return self

    def log(self, text: str, *, pod: Json | None = None, container: str = "", previous: bool = False) -> App:
        for each in [pod] if pod else self.pods:
            name = container or each["spec"]["containers"][0]["name"]
            self.dump.logs[LogKey(self.ns, each["metadata"]["name"], name, previous)] = text
        return self

    def finished(self, ok: bool, ago: float, code: int = 1, log: str = "") -> App:
        """A pod of a Job that has ended."""
        for pod, status in self.statuses(0):
            end = {
                "exitCode": 0 if ok else code,
                "reason": "Completed" if ok else "Error",
                "startedAt": at(ago + 3),
                "finishedAt": at(ago),
            }
            status.update(ready=False, started=False, state={"terminated": end})
            pod["status"]["phase"] = "Succeeded" if ok else "Failed"
            if log:
                self.log(log, pod=pod)
        return self.not_ready()

    # What the controllers write

    def settle(self) -> None:
        """Status of the controller from its pods, unless the case wrote one."""
        if self.settled or self.kind in ("Pod", "Job", "CronJob"):
            return
        self.settled = True
        everyone = [*self.pods, *self.old_pods]
        ready = sum(is_ready(p) for p in everyone)
        desired = self.obj["spec"].get("replicas", self.replicas)
        extra = self.obj.pop("_conditions", [])
        mine: Json = self.obj.setdefault("status", {})
        computed: Json
        if self.kind == "DaemonSet":
            computed = {
                "desiredNumberScheduled": self.replicas,
                "currentNumberScheduled": len(everyone),
                "numberReady": ready,
                "numberAvailable": ready,
                "numberUnavailable": self.replicas - ready,
                "updatedNumberScheduled": len(self.pods),
            }
        else:
            computed = {
                "replicas": len(everyone),
                "readyReplicas": ready,
                "availableReplicas": ready,
                "updatedReplicas": len(self.pods),
                "unavailableReplicas": max(desired - ready, 0),
                "observedGeneration": self.obj["metadata"]["generation"],
            }
        if self.kind == "Deployment":
            well = ready >= max(desired - max(desired // 4, 0), 0) and (ready or not desired)
            available = cond(
                "Available",
                "True" if well else "False",
                "MinimumReplicasAvailable" if well else "MinimumReplicasUnavailable",
                ago=self.age,
            )
            done = ready >= desired and all(is_ready(p) for p in self.pods)
            late = not done and 10 < self.age < DAY
            word = "NewReplicaSetAvailable" if done else "ProgressDeadlineExceeded" if late else "ReplicaSetUpdated"
            rs = self.rs["metadata"]["name"] if self.rs else ""
            text = (
                f'ReplicaSet "{rs}" has timed out progressing.'
                if late
                else f'ReplicaSet "{rs}" has successfully progressed.'
            )
            computed["conditions"] = [
                available,
                cond("Progressing", "False" if late else "True", word, text, max(self.age - 10, 0)),
                *extra,
            ]
            if self.rs:
                fresh = sum(is_ready(p) for p in self.pods)
                self.rs["status"].update(replicas=len(self.pods), readyReplicas=fresh, availableReplicas=fresh)
        for key, value in computed.items():
            mine.setdefault(key, value)


def ref(obj: Json) -> Json:
    """An owner reference to it."""
    meta = obj["metadata"]
    return {"kind": obj["_kind"], "name": meta["name"], "uid": meta["uid"], "controller": True, "apiVersion": "apps/v1"}


def _set(pod: Json, type_: str, status: str, reason: str) -> None:
    for c in pod["status"]["conditions"]:
        if c["type"] == type_:
            c.update(status=status, reason=reason)
