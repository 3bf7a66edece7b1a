"""The columns of every kind, as the printers of a v1.36 server define them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.local.demo.server.printing import cells
from infra.local.demo.server.printing.ages import age
from infra.local.demo.server.store import Object

Reader = Callable[[Object, datetime], Any]
DESCRIPTIONS: dict[str, str] = {
    "Ready": "The aggregate readiness state of this object.",
    "Containers": "Names of each container in the template.",
    "Images": "Images referenced by each container in the template.",
    "Status": "The aggregate status of the object.",
    "Restarts": (
        "The number of times the containers in this pod have been restarted and when the last container in this pod "
        "has restarted."
    ),
}


@dataclass(frozen=True)
class Column:
    """`cell` reads the value; `doc` is the field whose description the column has; priority 1 is for `-o wide`."""

    name: str
    cell: Reader
    type: str = "string"
    format: str = ""
    priority: int = 0
    doc: str = ""
    description: str = ""


def _get(path: str, default: Any = "<none>") -> Reader:
    parts = path.split(".")

    def read(obj: Object, now: datetime) -> Any:
        value: Any = obj
        for part in parts:
            value = value.get(part) if isinstance(value, dict) else None
        return default if value in (None, "") else value

    return read


def _plain(function: Callable[[Object], Any]) -> Reader:
    return lambda obj, now: function(obj)


NAME = Column("Name", lambda obj, now: obj["metadata"]["name"], format="name", doc="metadata.name")
AGE = Column(
    "Age", lambda obj, now: age(now, obj["metadata"].get("creationTimestamp")), doc="metadata.creationTimestamp"
)

CREATED = Column("Created At", _get("metadata.creationTimestamp"), type="date", doc="metadata.creationTimestamp")


def _field(name: str, path: str, *, type: str = "string", wide: bool = False, default: Any = "<none>") -> Column:
    return Column(name, _get(path, default), type=type, priority=int(wide), doc=path)


def _made(
    name: str, function: Callable[[Object], Any], *, type: str = "string", wide: bool = False, doc: str = ""
) -> Column:
    return Column(name, _plain(function), type=type, priority=int(wide), doc=doc)


def _timed(name: str, function: Reader, *, type: str = "string", wide: bool = False, doc: str = "") -> Column:
    return Column(name, function, type=type, priority=int(wide), doc=doc)


_TEMPLATE = [
    _made("Containers", cells.template_names, wide=True),
    _made("Images", cells.template_images, wide=True),
]
_SELECTOR = _made("Selector", cells.selector, wide=True, doc="spec.selector")

COLUMNS: dict[tuple[str, str], list[Column]] = {
    ("", "Pod"): [
        NAME, _made("Ready", cells.pod_ready), _made("Status", cells.pod_status),
        _timed("Restarts", cells.pod_restarts),
        AGE, _made("IP", cells.pod_ip, wide=True, doc="status.podIP"), _field("Node", "spec.nodeName", wide=True),
        _field("Nominated Node", "status.nominatedNodeName", wide=True),
        _made("Readiness Gates", cells.readiness_gates, wide=True, doc="spec.readinessGates"),
    ],
    ("", "Node"): [
        NAME, _made("Status", cells.node_status), _made("Roles", cells.node_roles), AGE,
        _field("Version", "status.nodeInfo.kubeletVersion"),
        _made("Internal-IP", lambda obj: cells.node_address(obj, "InternalIP"), wide=True, doc="status.addresses"),
        _made("External-IP", lambda obj: cells.node_address(obj, "ExternalIP"), wide=True, doc="status.addresses"),
        _field("OS-Image", "status.nodeInfo.osImage", wide=True, default="<unknown>"),
        _made("Kernel-Version", cells.node_kernel, wide=True, doc="status.nodeInfo.kernelVersion"),
        _field("Container-Runtime", "status.nodeInfo.containerRuntimeVersion", wide=True, default="<unknown>"),
    ],
    ("", "Namespace"): [NAME, _field("Status", "status.phase"), AGE],
    ("", "Service"): [
        NAME, _field("Type", "spec.type"), _field("Cluster-IP", "spec.clusterIP"),
        _made("External-IP", cells.service_external, doc="spec.externalIPs"),
        _made("Port(s)", cells.service_ports, doc="spec.ports"), AGE,
        _made("Selector", cells.plain_selector, wide=True, doc="spec.selector"),
    ],
    ("", "ConfigMap"): [NAME, _made("Data", cells.data_count, doc="data"), AGE],
    ("", "Secret"): [NAME, _field("Type", "type"), _made("Data", cells.data_count, type="integer", doc="data"), AGE],
    ("", "ServiceAccount"): [NAME, _made("Secrets", lambda obj: len(obj.get("secrets") or ()), doc="secrets"), AGE],
    ("", "Endpoints"): [NAME, _made("Endpoints", cells.endpoints, doc="subsets"), AGE],
    ("", "Event"): [
        _timed("Last Seen", cells.event_last), _field("Type", "type", default=""),
        _field("Reason", "reason", default=""),
        _made("Object", cells.event_object), _field("Subobject", "involvedObject.fieldPath", wide=True, default=""),
        _made("Source", cells.event_source, wide=True), _made("Message", cells.event_message, doc="message"),
        _timed("First Seen", cells.event_first, wide=True), _made("Count", cells.event_count, wide=True, doc="count"),
        Column("Name", lambda obj, now: obj["metadata"]["name"], format="name", priority=1, doc="metadata.name"),
    ],
    ("", "PersistentVolumeClaim"): [
        NAME, _field("Status", "status.phase"), _field("Volume", "spec.volumeName", default=""),
        _made("Capacity", cells.claim_capacity, doc="status.capacity"),
        _made("Access Modes", cells.claim_modes, doc="status.accessModes"),
        _field("StorageClass", "spec.storageClassName", default=""),
        _field("VolumeAttributesClass", "spec.volumeAttributesClassName", default="<unset>"), AGE,
        _field("VolumeMode", "spec.volumeMode", wide=True, default="<unset>"),
    ],
    ("", "PersistentVolume"): [
        NAME, _field("Capacity", "spec.capacity.storage"),
        _made("Access Modes", cells.volume_modes, doc="spec.accessModes"),
        _field("Reclaim Policy", "spec.persistentVolumeReclaimPolicy"), _field("Status", "status.phase"),
        _made("Claim", cells.volume_claim, doc="spec.claimRef"),
        _field("StorageClass", "spec.storageClassName", default=""),
        _field("VolumeAttributesClass", "spec.volumeAttributesClassName", default="<unset>"),
        _field("Reason", "status.reason", default=""), AGE,
        _field("VolumeMode", "spec.volumeMode", wide=True, default="<unset>"),
    ],
    ("", "ResourceQuota"): [
        NAME, _made("Request", lambda obj: cells.quota(obj, limits=False)),
        _made("Limit", lambda obj: cells.quota(obj, limits=True)), AGE,
    ],
    ("", "LimitRange"): [NAME, CREATED],
    ("", "ReplicationController"): [
        NAME, _field("Desired", "spec.replicas", type="integer", default=0),
        _field("Current", "status.replicas", type="integer", default=0),
        _field("Ready", "status.readyReplicas", type="integer", default=0), AGE, *_TEMPLATE,
        _made("Selector", cells.plain_selector, wide=True, doc="spec.selector"),
    ],
    ("apps", "Deployment"): [
        NAME, _made("Ready", cells.ready_of_replicas), _field("Up-to-date", "status.updatedReplicas", default=0),
        _field("Available", "status.availableReplicas", default=0), AGE, *_TEMPLATE, _SELECTOR,
    ],
    ("apps", "ReplicaSet"): [
        NAME, _field("Desired", "spec.replicas", type="integer", default=0),
        _field("Current", "status.replicas", type="integer", default=0),
        _field("Ready", "status.readyReplicas", type="integer", default=0), AGE, *_TEMPLATE, _SELECTOR,
    ],
    ("apps", "StatefulSet"): [NAME, _made("Ready", cells.ready_of_replicas), AGE, *_TEMPLATE],
    ("apps", "DaemonSet"): [
        NAME, _field("Desired", "status.desiredNumberScheduled", type="integer", default=0),
        _field("Current", "status.currentNumberScheduled", type="integer", default=0),
        _field("Ready", "status.numberReady", type="integer", default=0),
        _field("Up-to-date", "status.updatedNumberScheduled", type="integer", default=0),
        _field("Available", "status.numberAvailable", type="integer", default=0),
        _made("Node Selector", cells.node_selector), AGE, *_TEMPLATE, _SELECTOR,
    ],
    ("apps", "ControllerRevision"): [NAME, _made("Controller", cells.controller), _field("Revision", "revision"),
        AGE],
    ("batch", "Job"): [
        NAME, _made("Status", cells.job_status), _made("Completions", cells.job_completions, doc="status.succeeded"),
        _timed("Duration", cells.job_duration), AGE, *_TEMPLATE, _SELECTOR,
    ],
    ("batch", "CronJob"): [
        NAME, _field("Schedule", "spec.schedule"), _field("Timezone", "spec.timeZone"),
        _made("Suspend", lambda obj: str(bool(obj["spec"].get("suspend"))), type="boolean", doc="spec.suspend"),
        _made("Active", cells.active_jobs, type="integer", doc="status.active"),
        _timed("Last Schedule", cells.last_schedule, doc="status.lastScheduleTime"), AGE, *_TEMPLATE,
        _made("Selector", lambda obj: "<none>", wide=True),
    ],
    ("autoscaling", "HorizontalPodAutoscaler"): [
        NAME, _made("Reference", cells.scale_target, doc="spec.scaleTargetRef"),
        _made("Targets", cells.scaler_targets),
        _made("MinPods", lambda obj: str(obj["spec"].get("minReplicas", "<unset>")), doc="spec.minReplicas"),
        _field("MaxPods", "spec.maxReplicas"), _field("Replicas", "status.currentReplicas", default=0), AGE,
    ],
    ("networking.k8s.io", "Ingress"): [
        NAME, _field("Class", "spec.ingressClassName"), _made("Hosts", cells.ingress_hosts),
        _made("Address", cells.ingress_address), _made("Ports", cells.ingress_ports), AGE,
    ],
    ("networking.k8s.io", "NetworkPolicy"): [
        NAME, _made("Pod-Selector", cells.policy_selector, doc="spec.podSelector"), AGE,
    ],
    ("networking.k8s.io", "IngressClass"): [NAME, _field("Controller", "spec.controller"),
        _made("Parameters", lambda obj: "<none>"), AGE],
    ("policy", "PodDisruptionBudget"): [
        NAME,
        _made("Min Available", lambda obj: str(obj["spec"].get("minAvailable", "N/A")), doc="spec.minAvailable"),
        _made("Max Unavailable", lambda obj: str(obj["spec"].get("maxUnavailable", "N/A")), doc="spec.maxUnavailable"),
        _field("Allowed Disruptions", "status.disruptionsAllowed", type="integer", default=0), AGE,
    ],
    ("rbac.authorization.k8s.io", "Role"): [NAME, CREATED],
    ("rbac.authorization.k8s.io", "ClusterRole"): [NAME, CREATED],
    ("rbac.authorization.k8s.io", "RoleBinding"): [
        NAME, _made("Role", cells.role, doc="roleRef"), AGE,
        _made("Users", lambda o: cells.subjects(o, "User"), wide=True),
        _made("Groups", lambda o: cells.subjects(o, "Group"), wide=True),
        _made("ServiceAccounts", lambda o: cells.subjects(o, "ServiceAccount"), wide=True),
    ],
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): [
        NAME, _made("Role", cells.role, doc="roleRef"), AGE,
        _made("Users", lambda o: cells.subjects(o, "User"), wide=True),
        _made("Groups", lambda o: cells.subjects(o, "Group"), wide=True),
        _made("ServiceAccounts", lambda o: cells.subjects(o, "ServiceAccount"), wide=True),
    ],
    ("storage.k8s.io", "StorageClass"): [
        Column("Name", _plain(cells.class_name), format="name", doc="metadata.name"),
        _field("Provisioner", "provisioner"),
        _field("ReclaimPolicy", "reclaimPolicy", default="Delete"),
        _field("VolumeBindingMode", "volumeBindingMode", default="Immediate"),
        _made("AllowVolumeExpansion", lambda o: bool(o.get("allowVolumeExpansion")), doc="allowVolumeExpansion"), AGE,
    ],
    ("scheduling.k8s.io", "PriorityClass"): [
        NAME, _field("Value", "value", default=0),
        _made("Global-Default", lambda o: bool(o.get("globalDefault")), type="boolean"),
        AGE, _field("PreemptionPolicy", "preemptionPolicy"),
    ],
    ("coordination.k8s.io", "Lease"): [NAME, _field("Holder", "spec.holderIdentity", default=""), AGE],
    ("discovery.k8s.io", "EndpointSlice"): [
        NAME, _field("AddressType", "addressType"), _made("Ports", cells.slice_ports, doc="ports"),
        _made("Endpoints", cells.slice_endpoints, doc="endpoints"), AGE,
    ],
    ("apiextensions.k8s.io", "CustomResourceDefinition"): [
        NAME, CREATED,
    ],
    ("apiregistration.k8s.io", "APIService"): [
        NAME, _made("Service", cells.api_service), _made("Available", cells.api_available), AGE,
    ],
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): [
        NAME, _made("Webhooks", lambda o: len(o.get("webhooks") or ()), doc="webhooks"), AGE,
    ],
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): [
        NAME, _made("Webhooks", lambda o: len(o.get("webhooks") or ()), doc="webhooks"), AGE,
    ],
}  # fmt: skip
