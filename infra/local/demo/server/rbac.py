"""Authorization by Roles and bindings, and the roles every cluster starts with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.local.demo.server.access import User
from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

_GROUP = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class Attributes:
    """What somebody wants to do: a verb on a resource, or on a path that is none."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def full_resource(self) -> str:
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass(frozen=True, slots=True)
class Decision:
    allowed: bool
    reason: str = ""


def authorize(api: Api, user: User, wanted: Attributes) -> Decision:
    """Whether the user may; with the binding that says so."""
    if user.is_master:
        return Decision(True)
    for rules, reason in _rules_of(api, user, wanted.namespace):
        if any(_rule_allows(rule, wanted) for rule in rules):
            return Decision(True, f"RBAC: allowed by {reason}")
    return Decision(False)


def rules_for(api: Api, user: User, namespace: str) -> tuple[list[Object], list[Object]]:
    """Resource rules and path rules of a user in a namespace (SelfSubjectRulesReview)."""
    resources: list[Object] = []
    paths: list[Object] = []
    for rules, _ in _rules_of(api, user, namespace):
        for rule in rules:
            if rule.get("nonResourceURLs"):
                paths.append({"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]})
            if rule.get("resources"):
                kept = {key: rule[key] for key in ("verbs", "apiGroups", "resources", "resourceNames") if rule.get(key)}
                resources.append(kept)
    return resources, paths


def _rules_of(api: Api, user: User, namespace: str) -> Iterator[tuple[list[Object], str]]:
    for stored in api.store.list((_GROUP, "clusterrolebindings")):
        binding = stored.object
        subject = _subject(binding, user, "")
        if subject:
            role = binding["roleRef"]["name"]
            name = binding["metadata"]["name"]
            yield _role_rules(api, "", binding), f'ClusterRoleBinding "{name}" of ClusterRole "{role}" to {subject}'
    if not namespace:
        return
    for stored in api.store.list((_GROUP, "rolebindings"), namespace):
        binding = stored.object
        subject = _subject(binding, user, namespace)
        if subject:
            reference = binding["roleRef"]
            where = f'RoleBinding "{binding["metadata"]["name"]}/{namespace}"'
            yield (
                _role_rules(api, namespace, binding),
                f'{where} of {reference["kind"]} "{reference["name"]}" to {subject}',
            )


def _subject(binding: Object, user: User, namespace: str) -> str:
    for subject in binding.get("subjects") or ():
        kind, name = subject.get("kind"), subject.get("name")
        if kind == "User" and name == user.name:
            return f'User "{name}"'
        if kind == "Group" and name in user.groups:
            return f'Group "{name}"'
        if kind == "ServiceAccount":
            where = subject.get("namespace") or namespace
            if user.name == f"system:serviceaccount:{where}:{name}":
                return f'ServiceAccount "{name}/{where}"'
    return ""


def _role_rules(api: Api, namespace: str, binding: Object) -> list[Object]:
    reference = binding["roleRef"]
    if reference["kind"] == "Role":
        stored = api.store.get((_GROUP, "roles"), namespace, reference["name"])
    else:
        stored = api.store.get((_GROUP, "clusterroles"), "", reference["name"])
    return list(stored.object.get("rules") or ()) if stored else []


def _rule_allows(rule: Object, wanted: Attributes) -> bool:
    verbs = rule.get("verbs") or ()
    if "*" not in verbs and wanted.verb not in verbs:
        return False
    if wanted.path:
        return any(_path_matches(pattern, wanted.path) for pattern in rule.get("nonResourceURLs") or ())
    groups, resources = rule.get("apiGroups") or (), rule.get("resources") or ()
    if "*" not in groups and wanted.group not in groups:
        return False
    listed = (wanted.full_resource, f"*/{wanted.subresource}") if wanted.subresource else (wanted.resource,)
    if "*" not in resources and not any(name in resources for name in listed):
        return False
    names = rule.get("resourceNames") or ()
    return not names or wanted.name in names


def _path_matches(pattern: str, path: str) -> bool:
    return pattern == "*" or pattern == path or (pattern.endswith("*") and path.startswith(pattern[:-1]))


# -- what every cluster starts with -----------------------------------------------------------------------------------

_READ = ["get", "list", "watch"]
_WRITE = ["create", "delete", "deletecollection", "patch", "update"]
_PATHS = [
    "/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version",
    "/version/",
]  # fmt: skip
_PUBLIC = ["/healthz", "/livez", "/readyz", "/version", "/version/"]


def _rule(groups: list[str], resources: list[str], verbs: list[str]) -> Object:
    return {"verbs": verbs, "apiGroups": groups, "resources": resources}


_CORE_VIEW = [
    "configmaps", "endpoints", "persistentvolumeclaims", "persistentvolumeclaims/status", "pods", "pods/log",
    "pods/status", "replicationcontrollers", "replicationcontrollers/scale", "serviceaccounts", "services",
    "services/status", "bindings", "events", "limitranges", "namespaces", "namespaces/status",
    "replicationcontrollers/status", "resourcequotas", "resourcequotas/status",
]  # fmt: skip
_APPS_VIEW = [
    "controllerrevisions", "daemonsets", "daemonsets/status", "deployments", "deployments/scale", "deployments/status",
    "replicasets", "replicasets/scale", "replicasets/status", "statefulsets", "statefulsets/scale",
    "statefulsets/status",
]  # fmt: skip
_CORE_EDIT = [
    "configmaps", "endpoints", "persistentvolumeclaims", "pods", "pods/attach", "pods/eviction", "pods/exec",
    "pods/portforward", "pods/proxy", "replicationcontrollers", "replicationcontrollers/scale", "secrets",
    "serviceaccounts", "services", "services/proxy", "events",
]  # fmt: skip
_APPS_EDIT = [
    "daemonsets", "deployments", "deployments/rollback", "deployments/scale", "replicasets", "replicasets/scale",
    "statefulsets", "statefulsets/scale",
]  # fmt: skip
_VIEW = [
    _rule([""], _CORE_VIEW, _READ),
    _rule(["apps"], _APPS_VIEW, _READ),
    _rule(["autoscaling"], ["horizontalpodautoscalers", "horizontalpodautoscalers/status"], _READ),
    _rule(["batch"], ["cronjobs", "cronjobs/status", "jobs", "jobs/status"], _READ),
    _rule(["discovery.k8s.io"], ["endpointslices"], _READ),
    _rule(["networking.k8s.io"], ["ingresses", "ingresses/status", "networkpolicies"], _READ),
    _rule(["policy"], ["poddisruptionbudgets", "poddisruptionbudgets/status"], _READ),
    _rule(["metrics.k8s.io"], ["pods", "nodes"], _READ),
]
_EDIT = [
    *_VIEW,
    _rule([""], ["secrets"], _READ),
    _rule([""], _CORE_EDIT, _WRITE),
    _rule(["apps"], _APPS_EDIT, _WRITE),
    _rule(["autoscaling"], ["horizontalpodautoscalers"], _WRITE),
    _rule(["batch"], ["cronjobs", "jobs"], _WRITE),
    _rule(["networking.k8s.io"], ["ingresses", "networkpolicies"], _WRITE),
    _rule(["policy"], ["poddisruptionbudgets"], _WRITE),
]
_ADMIN = [*_EDIT, _rule([_GROUP], ["rolebindings", "roles"], [*_WRITE, *_READ])]
_BASIC = [
    _rule(["authorization.k8s.io"], ["selfsubjectaccessreviews", "selfsubjectrulesreviews"], ["create"]),
    _rule(["authentication.k8s.io"], ["selfsubjectreviews"], ["create"]),
]
_ROLES: dict[str, list[Object]] = {
    "cluster-admin": [_rule(["*"], ["*"], ["*"]), {"verbs": ["*"], "nonResourceURLs": ["*"]}],
    "admin": _ADMIN,
    "edit": _EDIT,
    "view": _VIEW,
    "system:basic-user": _BASIC,
    "system:discovery": [{"verbs": ["get"], "nonResourceURLs": _PATHS}],
    "system:public-info-viewer": [{"verbs": ["get"], "nonResourceURLs": _PUBLIC}],
}
_BOUND = {
    "cluster-admin": ["system:masters"],
    "system:basic-user": ["system:authenticated"],
    "system:discovery": ["system:authenticated"],
    "system:public-info-viewer": ["system:authenticated", "system:unauthenticated"],
}


def bootstrap_objects() -> Iterator[Object]:
    """The ClusterRoles and bindings that the real server creates when it first starts."""
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    notes = {"rbac.authorization.kubernetes.io/autoupdate": "true"}
    for name, rules in _ROLES.items():
        meta = {"name": name, "labels": labels, "annotations": notes}
        yield {"kind": "ClusterRole", "apiVersion": f"{_GROUP}/v1", "metadata": meta, "rules": rules}
    for name, groups in _BOUND.items():
        yield {
            "kind": "ClusterRoleBinding",
            "apiVersion": f"{_GROUP}/v1",
            "metadata": {"name": name, "labels": labels, "annotations": notes},
            "subjects": [{"kind": "Group", "apiGroup": _GROUP, "name": group} for group in groups],
            "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": name},
        }
