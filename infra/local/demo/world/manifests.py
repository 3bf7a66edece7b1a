"""From a short description of an application to the objects a team would have in its repository."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from infra.local.demo.controllers.programs import Program
from infra.local.demo.server.store import Object

REGISTRY = "registry.harborline.example"


@dataclass(frozen=True)
class App:
    """One workload. What its image does is declared beside it."""

    namespace: str
    name: str
    image: str
    tag: str
    program: Program
    kind: str = "Deployment"
    replicas: int = 2
    port: int = 8080
    port_name: str = "http"
    service_port: int | None = 80
    """None: no Service."""
    headless: bool = False
    cpu: str = "100m"
    memory: str = "128Mi"
    memory_limit: str = "256Mi"
    cpu_limit: str = ""
    env: dict[str, Any] = field(default_factory=dict)
    """Plain values, or (`Secret`|`ConfigMap`, object, key)."""
    config: str = ""
    """A ConfigMap mounted at /etc/<name>."""
    claim: str = ""
    """Size of the volume of each pod (StatefulSet)."""
    claim_path: str = "/data"
    probes: str = "http"
    """http, tcp or none."""
    account: str = ""
    node_selector: dict[str, str] = field(default_factory=dict)
    tolerations: tuple[Object, ...] = ()
    schedule: str = ""
    pod_extra: Object = field(default_factory=dict)
    container_extra: Object = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    spec_extra: Object = field(default_factory=dict)
    priority: str = ""
    shape: str = "office"
    """The daily and weekly form of its load, see curves."""
    team: str = ""

    @property
    def full_image(self) -> str:
        return f"{self.image}:{self.tag}"


def _env(values: dict[str, Any]) -> list[Object]:
    made = []
    for name, value in values.items():
        if isinstance(value, tuple):
            kind, source, key = value
            reference = "secretKeyRef" if kind == "Secret" else "configMapKeyRef"
            made.append({"name": name, "valueFrom": {reference: {"name": source, "key": key}}})
        else:
            made.append({"name": name, "value": str(value)})
    return made


def container_of(app: App) -> Object:
    """The container of an application's pods."""
    limits = {"memory": app.memory_limit} | ({"cpu": app.cpu_limit} if app.cpu_limit else {})
    made: Object = {"name": app.name, "image": app.full_image}
    made["resources"] = {"requests": {"cpu": app.cpu, "memory": app.memory}, "limits": limits}
    if app.port and app.kind not in ("CronJob", "Job"):
        made["ports"] = [{"name": app.port_name, "containerPort": app.port}]
    if app.env:
        made["env"] = _env(app.env)
    mounts = []
    if app.config:
        mounts.append({"name": "config", "mountPath": f"/etc/{app.name}", "readOnly": True})
    if app.claim:
        mounts.append({"name": "data", "mountPath": app.claim_path})
    if mounts:
        made["volumeMounts"] = mounts
    if app.kind in ("CronJob", "Job"):
        return made | app.container_extra
    if app.probes == "http":
        made["livenessProbe"] = {
            "httpGet": {"path": "/healthz", "port": app.port},
            "initialDelaySeconds": 10,
            "periodSeconds": 10,
        }
        made["readinessProbe"] = {"httpGet": {"path": "/ready", "port": app.port}, "periodSeconds": 10}
    elif app.probes == "tcp":
        made["readinessProbe"] = {"tcpSocket": {"port": app.port}, "periodSeconds": 10}
    return made | app.container_extra


def _pod_spec(app: App) -> Object:
    spec: Object = {"containers": [container_of(app)]}
    if app.config:
        spec["volumes"] = [{"name": "config", "configMap": {"name": app.config}}]
    if app.account:
        spec["serviceAccountName"] = app.account
    if app.node_selector:
        spec["nodeSelector"] = dict(app.node_selector)
    if app.tolerations:
        spec["tolerations"] = list(app.tolerations)
    if app.priority:
        spec["priorityClassName"] = app.priority
    return {**spec, **app.pod_extra}


def workload(app: App) -> Object:
    """The workload object itself."""
    labels = {"app.kubernetes.io/name": app.name, "app.kubernetes.io/part-of": app.namespace}
    if app.team:
        labels["team"] = app.team
    select = {"app.kubernetes.io/name": app.name}
    meta: Object = {"name": app.name, "namespace": app.namespace, "labels": labels}
    if app.annotations:
        meta["annotations"] = dict(app.annotations)
    template = {"metadata": {"labels": dict(labels)}, "spec": _pod_spec(app)}
    if app.kind == "CronJob":
        template["spec"]["restartPolicy"] = "Never"
        job = {"spec": {"backoffLimit": 2, "template": template}}
        spec: Object = {"schedule": app.schedule, "concurrencyPolicy": "Forbid", "jobTemplate": job}
        spec |= {"successfulJobsHistoryLimit": 2, "failedJobsHistoryLimit": 1}
        return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta, "spec": spec | app.spec_extra}
    spec = {"selector": {"matchLabels": select}, "template": template}
    if app.kind != "DaemonSet":
        spec["replicas"] = app.replicas
    if app.kind == "StatefulSet":
        spec["serviceName"] = app.name
        if app.claim:
            claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": "gp3"}
            claim["resources"] = {"requests": {"storage": app.claim}}  # type: ignore[assignment]
            spec["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": claim}]
    return {"apiVersion": "apps/v1", "kind": app.kind, "metadata": meta, "spec": spec | app.spec_extra}


def service(app: App) -> Object | None:
    """The Service in front of an application, if it has one."""
    if app.service_port is None or app.kind == "CronJob":
        return None
    spec: Object = {"selector": {"app.kubernetes.io/name": app.name}}
    spec["ports"] = [{"name": app.port_name, "port": app.service_port, "targetPort": app.port_name}]
    if app.headless:
        spec["clusterIP"] = "None"
    labels = {"app.kubernetes.io/name": app.name}
    meta = {"name": app.name, "namespace": app.namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


def obj(kind: str, name: str, namespace: str = "", *, api: str = "v1", **fields: Any) -> Object:
    """Any object, in one line."""
    meta: Object = {"name": name} | ({"namespace": namespace} if namespace else {})
    for key in ("labels", "annotations"):
        if key in fields:
            meta[key] = fields.pop(key)
    return {"apiVersion": api, "kind": kind, "metadata": meta, **fields}
