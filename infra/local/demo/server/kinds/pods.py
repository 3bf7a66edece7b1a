"""Pods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.local.demo.server.errors import FieldError, field_forbidden
from infra.local.demo.server.kinds.pod_spec import containers_of, default_spec, resource_findings, validate_spec
from infra.local.demo.server.quantities import parse
from infra.local.demo.server.store import Object, copy_of
from infra.local.demo.server.strategies import Strategy, strategy

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

_MUTABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def quality_of_service(spec: Object) -> str:
    """Guaranteed, Burstable or BestEffort."""
    guaranteed, any_set = True, False
    for container in containers_of(spec):
        resources = container.get("resources") or {}
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        for name in ("cpu", "memory"):
            limit, request = parse(limits.get(name, 0)) or 0, parse(requests.get(name, 0)) or 0
            any_set = any_set or bool(limit or request)
            guaranteed = guaranteed and bool(limit) and limit == request
    if not any_set:
        return "BestEffort"
    return "Guaranteed" if guaranteed else "Burstable"


@strategy("Pod")
class PodStrategy(Strategy):
    generation = True
    status_keeps_labels = True

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        for container in containers_of(spec):
            _requests_from_limits(container)
        default_spec(spec)
        spec.setdefault("enableServiceLinks", True)

    def prepare_create(self, api: Api, obj: Object) -> None:
        obj["status"] = {"phase": "Pending", "qosClass": quality_of_service(obj["spec"])}

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        return validate_spec(obj["spec"], "spec")

    def validate_update(self, api: Api, obj: Object, old: Object) -> list[FieldError]:
        if _comparable(obj["spec"], old["spec"]) != _comparable(old["spec"], old["spec"]):
            return [field_forbidden("spec", _MUTABLE)]
        return []


def _requests_from_limits(container: Object) -> None:
    resources = container.get("resources")
    if not resources or not resources.get("limits"):
        return
    requests = dict(resources.get("requests") or {})
    for name, amount in resources["limits"].items():
        requests.setdefault(name, amount)
    resources["requests"] = requests


def _comparable(spec: Object, old: Object) -> Any:
    """The spec without what may change."""
    kept = copy_of(spec)
    for container in containers_of(kept):
        container.pop("image", None)
    kept.pop("activeDeadlineSeconds", None)
    before = old.get("tolerations") or []
    if all(toleration in (kept.get("tolerations") or []) for toleration in before):
        kept.pop("tolerations", None)
    return kept


def resize_findings(new: Object, old: Object) -> list[FieldError]:
    """What the resize subresource refuses: only CPU and memory of containers may change, and none be removed."""
    found: list[FieldError] = []
    before = {container["name"]: container for container in old["spec"].get("containers") or ()}
    for index, container in enumerate(new["spec"].get("containers") or ()):
        path = f"spec.containers[{index}].resources"
        was = (before.get(container["name"]) or {}).get("resources") or {}
        now = container.get("resources") or {}
        found += resource_findings(now, path)
        for half in ("requests", "limits"):
            if set(was.get(half) or ()) - set(now.get(half) or ()):
                found.append(field_forbidden(f"{path}.{half}", f"resource {half} cannot be removed"))
    if not _reports_resources(old) and not found:
        found.append(field_forbidden("metadata", "Pod running on node without support for resize"))
    if not found and _without_resources(new["spec"]) != _without_resources(old["spec"]):
        text = "only cpu and memory resources are mutable"
        found.append(field_forbidden("spec", text))
    return found


def _reports_resources(pod: Object) -> bool:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return not pod["spec"].get("nodeName") or any(status.get("resources") for status in statuses)


def _without_resources(spec: Object) -> Object:
    kept: Object = copy_of(spec)
    for container in containers_of(kept):
        container.pop("resources", None)
    return kept
