"""The connection check: reachable, how fast, which version, and which permission each feature lacks."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import msgspec

from chalicelib.clusters.deadline import Deadline
from chalicelib.clusters.operations import Operation
from chalicelib.clusters.reader import Getter, status_message
from chalicelib.clusters.source import CheckReport, Permission
from chalicelib.clusters.transport import Answer
from chalicelib.errors import ClusterError, KubiliticsError
from chalicelib.state.kinds import KINDS
from chalicelib.state.snapshot import Gap

ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
RULES_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
METRICS_GROUP = "/apis/metrics.k8s.io/v1beta1/nodes"
_WORKERS = 6


class Right(NamedTuple):
    """One thing to be allowed, in the whole cluster."""

    verb: str
    resource: str
    group: str = ""
    subresource: str = ""

    def __str__(self) -> str:
        """As `kubectl auth can-i` takes it: `list deployments.apps`, `get pods/log`."""
        name = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {name}/{self.subresource}" if self.subresource else f"{self.verb} {name}"


class Feature(NamedTuple):
    name: str
    rights: tuple[Right, ...]
    optional: bool = False


def _lists(*kinds: str) -> tuple[Right, ...]:
    return tuple(Right("list", entry.plural, entry.group) for entry in (KINDS[k] for k in kinds))


FEATURES = (
    Feature("workloads", _lists("Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob")),
    Feature("events", _lists("Event")),
    Feature("logs", (Right("get", "pods", "", "log"),)),
    Feature("nodes", _lists("Node", "Namespace")),
    Feature("metrics", (Right("list", "pods", "metrics.k8s.io"), Right("list", "nodes", "metrics.k8s.io"))),
    Feature("network", _lists("Service", "EndpointSlice", "Ingress", "IngressClass", "NetworkPolicy")),
    Feature("storage", _lists("PersistentVolumeClaim", "PersistentVolume", "StorageClass", "VolumeAttachment")),
    Feature("configuration", _lists("ConfigMap", "ResourceQuota", "LimitRange", "ServiceAccount")),
    Feature("scaling", _lists("HorizontalPodAutoscaler", "PodDisruptionBudget")),
    Feature("access", _lists("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")),
    Feature("admission", _lists("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")),
    Feature("custom resources", _lists("CustomResourceDefinition")),
    Feature("secret names", _lists("Secret"), optional=True),
)
"""What the product does, and what it reads for it. Kinds of optional CRDs are left out: they may not exist."""


class Server(Getter, Protocol):
    """The part of `ApiServer` that the check needs."""

    def post(self, path: str, body: bytes, *, deadline: Deadline) -> Answer: ...


def server_version(server: Getter, deadline: Deadline) -> str:
    """The server's `gitVersion`; empty where it may not be asked. Raises ClusterError when there is no API server."""
    answer = server.get("/version", deadline=deadline)
    if answer.status == 403:
        return ""
    try:
        told = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        told = None
    if answer.status != 200 or not isinstance(told, dict) or not isinstance(told.get("gitVersion"), str):
        raise ClusterError(
            f"What answers there ({answer.status}) is not a Kubernetes API server.",
            code="not_kubernetes",
            remedy="Give the address that `kubectl cluster-info` prints.",
        )
    return str(told["gitVersion"])


def check_cluster(server: Server, deadline: Deadline) -> CheckReport:
    """Checks a live cluster. One that cannot be reached is a report that says why, not an error."""
    started = time.monotonic()
    try:
        version = server_version(server, deadline.sooner(10))
    except ClusterError as error:
        gap = Gap(kind="cluster", reason="timeout" if error.status == 504 else "error", message=error.message)
        return CheckReport(reachable=False, gaps=[gap], notes=[error.message, error.remedy])
    latency_ms = round((time.monotonic() - started) * 1000)
    notes: list[str] = []
    gaps: list[Gap] = []
    allowed = _allowed(server, deadline, notes, gaps)
    permissions = [
        Permission(
            feature=feature.name,
            missing=[str(r) for r in feature.rights if not allowed.get(r, False)],
            optional=feature.optional,
        )
        for feature in FEATURES
    ]
    metrics = _metrics(server, deadline, gaps)
    return CheckReport(
        reachable=True, version=version, latency_ms=latency_ms, permissions=permissions, metrics=metrics, gaps=gaps,
        notes=notes,
    )  # fmt: skip


def _allowed(server: Server, deadline: Deadline, notes: list[str], gaps: list[Gap]) -> dict[Right, bool]:
    """Each right by an access review; by the rules review, which may be incomplete, where reviews are not offered."""
    rights = [r for feature in FEATURES for r in feature.rights]
    with ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="reviews") as pool:
        answers = dict(zip(rights, pool.map(lambda r: _review(server, r, deadline), rights), strict=True))
    unknown = [r for r, answer in answers.items() if answer is None]
    if unknown:
        rules = _rules(server, deadline)
        notes.append(
            "Some access reviews were not answered; rights were taken from the rules review, which may be incomplete."
        )
        message = f"{len(unknown)} of {len(rights)} rights could not be reviewed."
        gaps.append(Gap(kind="SelfSubjectAccessReview", reason="partial", message=message))
        answers |= {r: any(_covers(rule, r) for rule in rules) for r in unknown}
    return {right: bool(answer) for right, answer in answers.items()}


def _review(server: Server, right: Right, deadline: Deadline) -> bool | None:
    attributes = {
        "verb": right.verb, "group": right.group, "resource": right.resource, "subresource": right.subresource,
    }  # fmt: skip
    return _access(server, attributes, deadline)


def _access(server: Server, attributes: dict[str, str], deadline: Deadline) -> bool | None:
    told = _post(server, ACCESS_REVIEWS, "SelfSubjectAccessReview", {"resourceAttributes": attributes}, deadline)
    status = told.get("status")
    allowed = status.get("allowed") if isinstance(status, dict) else None
    return allowed if isinstance(allowed, bool) else None


def may_perform(server: Server, operation: Operation, deadline: Deadline) -> bool | None:
    """Whether the credential may do exactly this operation; None when the review was not answered."""
    verb, group, resource, subresource = operation.rbac
    attributes = {
        "verb": verb, "group": group, "resource": resource, "subresource": subresource,
        "namespace": operation.namespace, "name": "" if verb == "create" else operation.name,
    }  # fmt: skip
    return _access(server, attributes, deadline)


def _rules(server: Server, deadline: Deadline) -> list[dict[str, Any]]:
    told = _post(server, RULES_REVIEWS, "SelfSubjectRulesReview", {"namespace": "default"}, deadline)
    status = told.get("status")
    rules = status.get("resourceRules") if isinstance(status, dict) else None
    return [r for r in rules if isinstance(r, dict)] if isinstance(rules, list) else []


def _covers(rule: dict[str, Any], right: Right) -> bool:
    def has(field: str, *wanted: str) -> bool:
        listed = rule.get(field)
        return isinstance(listed, list) and any(w in listed for w in (*wanted, "*"))

    resource = f"{right.resource}/{right.subresource}" if right.subresource else right.resource
    return not rule.get("resourceNames") and has("verbs", right.verb) and has("apiGroups", right.group) and has(
        "resources", resource
    )  # fmt: skip


def _post(server: Server, path: str, kind: str, spec: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
    body = msgspec.json.encode({"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec})
    try:
        answer = server.post(path, body, deadline=deadline)
        told = msgspec.json.decode(answer.body) if answer.status in (200, 201) else None
    except (KubiliticsError, msgspec.DecodeError):
        return {}
    return told if isinstance(told, dict) else {}


def _metrics(server: Getter, deadline: Deadline, gaps: list[Gap]) -> bool:
    try:
        answer = server.get(METRICS_GROUP, {"limit": "1"}, deadline=deadline)
    except ClusterError as error:
        gaps.append(Gap(kind="node_metrics", reason="error", message=error.message))
        return False
    if answer.status == 200:
        return True
    reason, message = _no_metrics(answer.status, status_message(answer.body))
    gaps.append(Gap(kind="node_metrics", reason=reason, message=message))
    return False


def _no_metrics(status: int, told: str) -> tuple[Any, str]:
    if status == 403:
        return "forbidden", "The credential may not list nodes.metrics.k8s.io."
    if status in (404, 503):
        return "not_installed", "metrics-server is not installed or not available; use of cpu and memory is not known."
    return "error", f"The metrics API answered {status}: {told}"


def missing_rights(permissions: Iterable[Permission]) -> list[str]:
    """All rights that a required feature lacks."""
    return sorted({right for p in permissions if not p.optional for right in p.missing})
