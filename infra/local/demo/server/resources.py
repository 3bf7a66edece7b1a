"""Which kinds the API serves: the resource table of a v1.36 control plane, plus what CustomResourceDefinitions add."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from infra.local.demo.server.errors import no_such_resource

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
CUSTOM_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
READ_WRITE = ("get", "patch", "update")


@dataclass(frozen=True, slots=True)
class Subresource:
    """A path below an object, such as pods/log; its kind may be of another group (Scale, Eviction)."""

    name: str
    kind: str
    verbs: tuple[str, ...] = READ_WRITE
    group: str | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class Resource:
    """One served (group, version, plural)."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: tuple[Subresource, ...] = ()
    custom: bool = False
    selectable: tuple[str, ...] = ()
    """Field paths a custom resource may be selected by, besides its name and namespace."""
    storage: tuple[str, str] | None = field(default=None, repr=False)
    """(group, plural) under which objects are kept, if another than this resource's own."""

    @property
    def group_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def key(self) -> tuple[str, str]:
        """What the store files objects under: all versions of a resource share it."""
        return self.storage or (self.group, self.plural)

    @property
    def list_kind(self) -> str:
        return f"{self.kind}List"

    @property
    def has_status(self) -> bool:
        return any(sub.name == "status" for sub in self.subresources)

    @property
    def stored(self) -> bool:
        """False for reviews and computed resources, which answer without keeping anything."""
        return "list" in self.verbs and self.group != "metrics.k8s.io" and self.plural != "componentstatuses"

    def subresource(self, name: str) -> Subresource | None:
        return next((sub for sub in self.subresources if sub.name == name), None)

    @property
    def storage_version_hash(self) -> str:
        """As the real server computes it: the start of a SHA-256 over group, version and kind."""
        digest = hashlib.sha256(f"{self.group}/{self.version}/{self.kind}".encode()).digest()
        return base64.b64encode(digest[:8]).decode()

    def path(self, namespace: str = "", name: str = "") -> str:
        """`/api/v1/namespaces/shop/pods/cart`."""
        prefix = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{prefix}{scope}/{self.plural}" + (f"/{name}" if name else "")


_PROXY = ("create", "delete", "get", "patch", "update")
_STREAM = ("create", "get")

# plural kind scope[N|C] short-names categories subresources; a leading group/version line starts a group.
_TABLE = """
v1
bindings Binding N - - - create
componentstatuses ComponentStatus C cs - - get,list
configmaps ConfigMap N cm - -
endpoints Endpoints N ep - -
events Event N ev - -
limitranges LimitRange N limits - -
namespaces Namespace C ns - finalize,status create,delete,get,list,patch,update,watch
nodes Node C no - proxy,status
persistentvolumeclaims PersistentVolumeClaim N pvc - status
persistentvolumes PersistentVolume C pv - status
pods Pod N po all attach,binding,ephemeralcontainers,eviction,exec,log,portforward,proxy,resize,status
podtemplates PodTemplate N - - -
replicationcontrollers ReplicationController N rc all scale,status
resourcequotas ResourceQuota N quota - status
secrets Secret N - - -
serviceaccounts ServiceAccount N sa - token
services Service N svc all proxy,status
apiregistration.k8s.io/v1
apiservices APIService C - api-extensions status
apps/v1
controllerrevisions ControllerRevision N - - -
daemonsets DaemonSet N ds all status
deployments Deployment N deploy all scale,status
replicasets ReplicaSet N rs all scale,status
statefulsets StatefulSet N sts all scale,status
events.k8s.io/v1
events Event N ev - -
authentication.k8s.io/v1
selfsubjectreviews SelfSubjectReview C - - - create
tokenreviews TokenReview C - - - create
authorization.k8s.io/v1
localsubjectaccessreviews LocalSubjectAccessReview N - - - create
selfsubjectaccessreviews SelfSubjectAccessReview C - - - create
selfsubjectrulesreviews SelfSubjectRulesReview C - - - create
subjectaccessreviews SubjectAccessReview C - - - create
autoscaling/v2
horizontalpodautoscalers HorizontalPodAutoscaler N hpa all status
autoscaling/v1
horizontalpodautoscalers HorizontalPodAutoscaler N hpa all status
batch/v1
cronjobs CronJob N cj all status
jobs Job N - all status
certificates.k8s.io/v1
certificatesigningrequests CertificateSigningRequest C csr - approval,status
networking.k8s.io/v1
ingressclasses IngressClass C - - -
ingresses Ingress N ing - status
ipaddresses IPAddress C ip - -
networkpolicies NetworkPolicy N netpol - -
servicecidrs ServiceCIDR C - - status
policy/v1
poddisruptionbudgets PodDisruptionBudget N pdb - status
rbac.authorization.k8s.io/v1
clusterrolebindings ClusterRoleBinding C - - -
clusterroles ClusterRole C - - -
rolebindings RoleBinding N - - -
roles Role N - - -
storage.k8s.io/v1
csidrivers CSIDriver C - - -
csinodes CSINode C - - -
csistoragecapacities CSIStorageCapacity N - - -
storageclasses StorageClass C sc - -
volumeattachments VolumeAttachment C - - status
volumeattributesclasses VolumeAttributesClass C vac - -
admissionregistration.k8s.io/v1
mutatingadmissionpolicies MutatingAdmissionPolicy C - api-extensions -
mutatingadmissionpolicybindings MutatingAdmissionPolicyBinding C - api-extensions -
mutatingwebhookconfigurations MutatingWebhookConfiguration C - api-extensions -
validatingadmissionpolicies ValidatingAdmissionPolicy C - api-extensions status
validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding C - api-extensions -
validatingwebhookconfigurations ValidatingWebhookConfiguration C - api-extensions -
apiextensions.k8s.io/v1
customresourcedefinitions CustomResourceDefinition C crd,crds api-extensions status
scheduling.k8s.io/v1
priorityclasses PriorityClass C pc - -
coordination.k8s.io/v1
leases Lease N - - -
node.k8s.io/v1
runtimeclasses RuntimeClass C - - -
discovery.k8s.io/v1
endpointslices EndpointSlice N - - -
resource.k8s.io/v1
deviceclasses DeviceClass C - - -
resourceclaims ResourceClaim N - - status
resourceclaimtemplates ResourceClaimTemplate N - - -
resourceslices ResourceSlice C - - -
flowcontrol.apiserver.k8s.io/v1
flowschemas FlowSchema C - - status
prioritylevelconfigurations PriorityLevelConfiguration C - - status
"""

_SPECIAL_SUBRESOURCES = {
    "finalize": ("", ("update",), None, ""),
    "proxy": ("ProxyOptions", _PROXY, None, ""),
    "attach": ("AttachOptions", _STREAM, None, ""),
    "exec": ("ExecOptions", _STREAM, None, ""),
    "portforward": ("PortForwardOptions", _STREAM, None, ""),
    "log": ("", ("get",), None, ""),
    "binding": ("=Binding", ("create",), None, ""),
    "eviction": ("=Eviction", ("create",), "policy", "v1"),
    "token": ("=TokenRequest", ("create",), "authentication.k8s.io", "v1"),
    "scale": ("=Scale", READ_WRITE, "autoscaling", "v1"),
}


def _subresource(name: str, kind: str) -> Subresource:
    suffix, verbs, group, version = _SPECIAL_SUBRESOURCES.get(name, ("", READ_WRITE, None, ""))
    full = suffix[1:] if suffix.startswith("=") else kind + suffix
    return Subresource(name, full, verbs, group, version)


def _names(text: str) -> tuple[str, ...]:
    return () if text == "-" else tuple(text.split(","))


def _built_in() -> Iterator[Resource]:
    group = version = ""
    for line in _TABLE.split("\n"):
        words = line.split()
        if len(words) == 1:
            group, _, version = words[0].rpartition("/")
        elif words:
            plural, kind, scope, short, categories, subs = words[:6]
            yield Resource(
                group, version, plural, kind, scope == "N",
                singular=kind.lower(),
                short_names=_names(short),
                categories=_names(categories),
                verbs=_names(words[6]) if len(words) > 6 else ALL_VERBS,
                subresources=tuple(_subresource(sub, kind) for sub in _names(subs)),
                storage=("", "events") if group == "events.k8s.io" else None,
            )  # fmt: skip


METRICS = (
    Resource("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", False, verbs=("get", "list")),
    Resource("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", True, verbs=("get", "list")),
)


class Resources:
    """All resources served now; custom ones come and go with their definitions."""

    def __init__(self) -> None:
        self._by_path: dict[tuple[str, str, str], Resource] = {}
        self._found: dict[str | tuple[str, str, str], Resource] = {}
        for resource in _built_in():
            self.add(resource)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._by_path.values())

    def add(self, resource: Resource) -> None:
        self._by_path[resource.group, resource.version, resource.plural] = resource
        self._found.clear()

    def remove(self, group: str, plural: str, keep: Iterable[str] = ()) -> None:
        """Stop serving a resource, except in the versions given."""
        kept = set(keep)
        gone = [key for key in self._by_path if key[0] == group and key[2] == plural and key[1] not in kept]
        for key in gone:
            del self._by_path[key]
        self._found.clear()

    def at(self, group: str, version: str, plural: str) -> Resource | None:
        return self._by_path.get((group, version, plural))

    def groups(self) -> dict[str, list[str]]:
        """Versions by group in preference order, core first as the empty name."""
        found: dict[str, list[str]] = {}
        for group, version, _ in self._by_path:
            versions = found.setdefault(group, [])
            if version not in versions:
                versions.append(version)
        return found

    def of_kind(self, group: str, version: str, kind: str) -> Resource | None:
        key = (group, version, kind)
        if key not in self._found:
            for resource in self._by_path.values():
                if (resource.group, resource.version, resource.kind) == key:
                    self._found[key] = resource
                    break
        return self._found.get(key)

    def named(self, name: str | Resource) -> Resource:
        """Find by kind, plural, short name or `plural.group`; the core group wins. Raises ApiError 404."""
        if isinstance(name, Resource):
            return name
        if name not in self._found:
            self._found[name] = self._search(name)
        return self._found[name]

    def _search(self, name: str) -> Resource:
        plural, _, group = name.partition(".")
        for resource in self._by_path.values():
            if group and (resource.group != group or resource.plural != plural):
                continue
            if name == resource.kind or plural in (resource.plural, resource.singular) or name in resource.short_names:
                return resource
        raise no_such_resource()
