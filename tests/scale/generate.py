"""A made-up estate of any size, the same for the same seed: every kind in believable proportions.

Objects look as an API server gives them (managedFields and all), so that reading them costs what real ones cost.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
Json = dict[str, Any]


class Item(NamedTuple):
    """One object, encoded."""

    namespace: str
    name: str
    body: bytes


class Estate(NamedTuple):
    """Lists by `plural` or `plural.group`."""

    lists: dict[str, list[Item]]

    def count(self, resource: str) -> int:
        return len(self.lists.get(resource, ()))


def generate(nodes: int = 1000, pods: int = 10_000, seed: int = 1) -> Estate:
    """An estate with `nodes` nodes and `pods` pods; the other kinds follow in proportion."""
    return Estate(_Builder(nodes, pods, seed).lists())


class _Builder:
    def __init__(self, nodes: int, pods: int, seed: int) -> None:
        self.random = random.Random(seed)
        self.nodes = [f"ip-10-{i // 250}-{i % 250}-{i % 7 + 4}.ec2.internal" for i in range(nodes)]
        self.namespaces = [f"team-{i:02}" for i in range(max(1, min(40, pods // 20)))]
        daemon = min(2, pods // max(nodes, 1) // 4) if nodes else 0
        left = pods - daemon * nodes
        self.jobs = left // 30
        self.statefulsets = max(1, left // 160) if left >= 20 else 0
        self.stateful_pods = min(10, max(1, left // 20)) * self.statefulsets
        self.daemonsets = daemon
        self.deployment_pods = left - self.jobs - self.stateful_pods
        self.deployments = max(1, self.deployment_pods // 20)
        self.version = 100_000

    # Small parts

    def uid(self) -> str:
        h = f"{self.random.getrandbits(128):032x}"
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"

    def suffix(self, length: int) -> str:
        return "".join(self.random.choices("bcdfghjklmnpqrstvwxz2456789", k=length))

    def at(self, minutes: float) -> str:
        return (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def meta(self, name: str, namespace: str = "", labels: Json | None = None, age: float = 9000, **more: Any) -> Json:
        self.version += 1
        meta: Json = {"name": name, "uid": self.uid(), "resourceVersion": str(self.version), "generation": 1}
        if namespace:
            meta["namespace"] = namespace
        meta["creationTimestamp"] = self.at(age)
        if labels:
            meta["labels"] = labels
        meta.update(more)
        meta["managedFields"] = [
            {"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "time": self.at(age),
             "fieldsType": "FieldsV1", "fieldsV1": {"f:metadata": {"f:labels": {".": {}, "f:app": {}}}, "f:spec": {
                 "f:replicas": {}, "f:selector": {}, "f:template": {}}}},
        ]  # fmt: skip
        return meta

    def owner(self, kind: str, name: str, api: str = "apps/v1") -> list[Json]:
        return [
            {"apiVersion": api, "kind": kind, "name": name, "uid": self.uid(), "controller": True,
             "blockOwnerDeletion": True}
        ]  # fmt: skip

    def team(self, index: int) -> str:
        return self.namespaces[index % len(self.namespaces)]

    # Workloads

    def container(self, app: str, version: int, token: str) -> Json:
        return {
            "name": "app", "image": f"registry.example.com/{app}:1.{version}.0",
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
            "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {
                "name": f"{app}-db", "key": "url"}}}, {"name": "POD_NAME", "valueFrom": {"fieldRef": {
                    "apiVersion": "v1", "fieldPath": "metadata.name"}}}],
            "envFrom": [{"configMapRef": {"name": f"{app}-config"}}],
            "resources": {"limits": {"memory": "512Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}},
            "volumeMounts": [
                {"name": "config", "mountPath": "/etc/app"},
                *([{"name": token, "readOnly": True,
                    "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}] if token else [])],
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"}, "timeoutSeconds": 1,
                              "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
            "readinessProbe": {"httpGet": {"path": "/ready", "port": "http", "scheme": "HTTP"}, "timeoutSeconds": 1,
                               "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            "imagePullPolicy": "IfNotPresent",
            "securityContext": {"capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True,
                                "allowPrivilegeEscalation": False},
        }  # fmt: skip

    def pod_spec(self, app: str, version: int, token: str = "") -> Json:
        """What a controller writes; `token` names the volume that admission adds to a Pod."""
        return {
            "volumes": [
                {"name": "config", "configMap": {"name": f"{app}-config", "defaultMode": 420}},
                *([{"name": token, "projected": {"defaultMode": 420, "sources": [
                    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}]}}]
                  if token else [])],
            "containers": [self.container(app, version, token)],
            "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            "serviceAccountName": app, "serviceAccount": app, "securityContext": {},
            "schedulerName": "default-scheduler", "priority": 0, "enableServiceLinks": True,
            "preemptionPolicy": "PreemptLowerPriority",
            "tolerations": [
                {"key": f"node.kubernetes.io/{t}", "operator": "Exists", "effect": "NoExecute",
                 "tolerationSeconds": 300} for t in ("not-ready", "unreachable")],
        }  # fmt: skip

    def template(self, app: str, version: int) -> Json:
        return {"metadata": {"labels": {"app": app}}, "spec": self.pod_spec(app, version)}

    def pod(self, app: str, namespace: str, owner: list[Json], name: str, version: int, labels: Json) -> Json:
        age = self.random.uniform(60, 9000)
        spec = self.pod_spec(app, version, f"kube-api-access-{self.suffix(5)}")
        spec |= {"nodeName": self.random.choice(self.nodes) if self.nodes else ""}
        fate = self.random.random()
        ready, state, restarts, last = fate > 0.01, {"running": {"startedAt": self.at(age - 0.2)}}, 0, {}
        if fate <= 0.006:
            state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}}
            last = {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": self.at(4), "finishedAt": self.at(3),
                                   "containerID": f"containerd://{self.random.getrandbits(256):064x}"}}  # fmt: skip
            restarts = self.random.randint(5, 90)
        elif fate <= 0.01:
            state = {"waiting": {"reason": "ImagePullBackOff", "message": f"Back-off pulling image {app}"}}
        octets = (self.random.randint(64, 127), self.random.randint(0, 255), self.random.randint(1, 254))
        condition = {"status": "True", "lastProbeTime": None, "lastTransitionTime": self.at(age - 0.2)}
        unready = condition | {"status": "False", "reason": "ContainersNotReady",
                               "message": "containers with unready status: [app]"}  # fmt: skip
        meta = self.meta(name, namespace, labels, age, generateName=name[:-5], ownerReferences=owner)
        meta["managedFields"] = pod_fields(self.at(age))
        return {
            "metadata": meta, "spec": spec,
            "status": {
                "phase": "Running" if ready or restarts else "Pending", "qosClass": "Burstable",
                "conditions": [
                    {"type": t, **(condition if ready or "Ready" not in t or t.startswith("Pod") else unready)}
                    for t in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")],
                "hostIP": f"10.{octets[1]}.{octets[2]}.4", "podIP": "100.{}.{}.{}".format(*octets),
                "podIPs": [{"ip": "100.{}.{}.{}".format(*octets)}], "startTime": self.at(age),
                "containerStatuses": [{
                    "name": "app", "state": state, "lastState": last, "ready": ready, "started": ready,
                    "restartCount": restarts, "image": f"registry.example.com/{app}:1.{version}.0",
                    "imageID": f"registry.example.com/{app}@sha256:{hash_of(app, version)}",
                    "containerID": f"containerd://{self.random.getrandbits(256):064x}"}],
            },
        }  # fmt: skip

    def workloads(self) -> Iterator[tuple[str, Json]]:
        """Controllers and their pods."""
        share, extra = divmod(self.deployment_pods, self.deployments)
        for i in range(self.deployments):
            app, namespace, replicas = f"app-{i:03}", self.team(i), share + (i < extra)
            yield from self.deployment(app, namespace, replicas, i)
        for i in range(self.statefulsets):
            yield from self.statefulset(f"db-{i:03}", self.team(i), self.stateful_pods // self.statefulsets)
        for i in range(self.daemonsets):
            yield from self.daemonset(f"agent-{i}")
        for i in range(self.jobs):
            yield from self.job(i)

    def deployment(self, app: str, namespace: str, replicas: int, index: int) -> Iterator[tuple[str, Json]]:
        labels, selector = {"app": app}, {"matchLabels": {"app": app}}
        version = index % 5 + 2
        revisions = {"deployment.kubernetes.io/revision": str(version)}
        yield "deployments.apps", {
            "metadata": self.meta(app, namespace, labels, annotations=revisions),
            "spec": {"replicas": replicas, "selector": selector, "template": self.template(app, version), "strategy": {
                "type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
                "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600},
            "status": {"observedGeneration": 1, "replicas": replicas, "updatedReplicas": replicas,
                       "readyReplicas": replicas, "availableReplicas": replicas, "conditions": [
                           {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable",
                            "lastUpdateTime": self.at(800), "lastTransitionTime": self.at(800)}]},
        }  # fmt: skip
        for revision in range(version - 2, version + 1):
            hash_, current = self.suffix(10), revision == version
            name, own = f"{app}-{hash_}", replicas if current else 0
            yield "replicasets.apps", {
                "metadata": self.meta(name, namespace, labels | {"pod-template-hash": hash_}, annotations={
                    "deployment.kubernetes.io/revision": str(revision)}, ownerReferences=self.owner("Deployment", app)),
                "spec": {"replicas": own, "selector": {"matchLabels": labels | {"pod-template-hash": hash_}},
                         "template": self.template(app, revision)},
                "status": {"replicas": own, "readyReplicas": own, "availableReplicas": own, "observedGeneration": 1},
            }  # fmt: skip
            owner = self.owner("ReplicaSet", name)
            for _ in range(own):
                pod = f"{name}-{self.suffix(5)}"
                yield "pods", self.pod(app, namespace, owner, pod, revision, labels | {"pod-template-hash": hash_})

    def statefulset(self, app: str, namespace: str, replicas: int) -> Iterator[tuple[str, Json]]:
        labels = {"app": app}
        yield "statefulsets.apps", {
            "metadata": self.meta(app, namespace, labels),
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "serviceName": app,
                     "template": self.template(app, 1), "updateStrategy": {"type": "RollingUpdate"},
                     "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {
                         "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "20Gi"}}}}]},
            "status": {"replicas": replicas, "readyReplicas": replicas, "currentReplicas": replicas,
                       "updatedReplicas": replicas, "currentRevision": f"{app}-1", "updateRevision": f"{app}-1"},
        }  # fmt: skip
        owner = self.owner("StatefulSet", app)
        for i in range(replicas):
            pod = self.pod(app, namespace, owner, f"{app}-{i}", 1, labels)
            pod["spec"] |= {"hostname": f"{app}-{i}", "subdomain": app}
            yield "pods", pod
            yield from self.claim(f"data-{app}-{i}", namespace)

    def claim(self, name: str, namespace: str) -> Iterator[tuple[str, Json]]:
        volume = f"pvc-{self.uid()}"
        size = {"storage": "20Gi"}
        yield "persistentvolumeclaims", {
            "metadata": self.meta(name, namespace),
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": size}, "volumeName": volume,
                     "storageClassName": "gp3", "volumeMode": "Filesystem"},
            "status": {"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": size},
        }  # fmt: skip
        yield "persistentvolumes", {
            "metadata": self.meta(volume),
            "spec": {"capacity": size, "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": f"vol-{self.suffix(17)}"},
                     "accessModes": ["ReadWriteOnce"], "claimRef": {"kind": "PersistentVolumeClaim",
                     "namespace": namespace, "name": name}, "persistentVolumeReclaimPolicy": "Delete",
                     "storageClassName": "gp3", "volumeMode": "Filesystem"},
            "status": {"phase": "Bound"},
        }  # fmt: skip
        yield "volumeattachments.storage.k8s.io", {
            "metadata": self.meta(f"csi-{self.suffix(40)}"),
            "spec": {"attacher": "ebs.csi.aws.com", "nodeName": self.random.choice(self.nodes or [""]),
                     "source": {"persistentVolumeName": volume}},
            "status": {"attached": True},
        }  # fmt: skip

    def daemonset(self, app: str) -> Iterator[tuple[str, Json]]:
        labels, count = {"app": app}, len(self.nodes)
        yield "daemonsets.apps", {
            "metadata": self.meta(app, "kube-system", labels),
            "spec": {"selector": {"matchLabels": labels}, "template": self.template(app, 1)},
            "status": {"desiredNumberScheduled": count, "currentNumberScheduled": count, "numberReady": count,
                       "numberAvailable": count, "updatedNumberScheduled": count, "observedGeneration": 1},
        }  # fmt: skip
        owner = self.owner("DaemonSet", app)
        for node in self.nodes:
            pod = self.pod(app, "kube-system", owner, f"{app}-{self.suffix(5)}", 1, labels)
            pod["spec"]["nodeName"] = node
            field = {"key": "metadata.name", "operator": "In", "values": [node]}
            pod["spec"]["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchFields": [field]}]}}}  # fmt: skip
            yield "pods", pod

    def job(self, index: int) -> Iterator[tuple[str, Json]]:
        app, namespace = f"batch-{index:03}", self.team(index)
        yield "jobs.batch", {
            "metadata": self.meta(app, namespace, {"app": app}),
            "spec": {"parallelism": 1, "completions": 1, "backoffLimit": 6, "template": self.template(app, 1)},
            "status": {"succeeded": 1, "startTime": self.at(90), "completionTime": self.at(80), "conditions": [
                {"type": "Complete", "status": "True", "lastTransitionTime": self.at(80)}]},
        }  # fmt: skip
        pod = self.pod(app, namespace, self.owner("Job", app, "batch/v1"), f"{app}-{self.suffix(5)}", 1, {"app": app})
        pod["status"] |= {"phase": "Succeeded"}
        yield "pods", pod

    def lists(self) -> dict[str, list[Item]]:
        from tests.scale.other_kinds import other_objects

        found: dict[str, list[Item]] = {}
        for source in (self.workloads, lambda: other_objects(self)):
            self._collect(source, found)
        for items in found.values():
            items.sort(key=lambda i: (i.namespace, i.name))
        return found

    @staticmethod
    def _collect(source: Callable[[], Iterator[tuple[str, Json]]], found: dict[str, list[Item]]) -> None:
        encode = msgspec.json.Encoder().encode
        for resource, obj in source():
            meta = obj["metadata"]
            found.setdefault(resource, []).append(Item(meta.get("namespace", ""), meta["name"], encode(obj)))


def hash_of(app: str, version: int) -> str:
    """A stable image digest."""
    return f"{random.Random(f'{app}:{version}').getrandbits(256):064x}"


def pod_fields(time: str) -> list[Json]:
    """managedFields as controller and kubelet leave them: a third of the size of a real pod."""
    container = {f"f:{f}": {} for f in ("env", "envFrom", "image", "imagePullPolicy", "livenessProbe", "name", "ports",
                                        "readinessProbe", "resources", "securityContext", "volumeMounts")}  # fmt: skip
    conditions = {f'k:{{"type":"{t}"}}': {".": {}, "f:lastProbeTime": {}, "f:lastTransitionTime": {}, "f:status": {},
                  "f:type": {}} for t in ("ContainersReady", "Initialized", "Ready")}  # fmt: skip
    return [
        {"manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1", "time": time,
         "fieldsType": "FieldsV1", "fieldsV1": {
             "f:metadata": {"f:generateName": {}, "f:labels": {".": {}, "f:app": {}, "f:pod-template-hash": {}},
                            "f:ownerReferences": {".": {}}},
             "f:spec": {"f:containers": {'k:{"name":"app"}': {".": {}, **container}}, "f:dnsPolicy": {},
                        "f:restartPolicy": {}, "f:schedulerName": {}, "f:volumes": {".": {}}}}},
        {"manager": "kubelet", "operation": "Update", "apiVersion": "v1", "time": time, "fieldsType": "FieldsV1",
         "subresource": "status", "fieldsV1": {"f:status": {"f:conditions": conditions, "f:containerStatuses": {},
                                               "f:phase": {}, "f:podIP": {}, "f:startTime": {}}}},
    ]  # fmt: skip
