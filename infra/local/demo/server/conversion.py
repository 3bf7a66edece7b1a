"""The two resources that are served in more than one form: autoscaling v1/v2 and events v1/events.k8s.io.

Objects are kept in the storage form (autoscaling/v2, core v1 events) and turned into the other when asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.local.demo.server.resources import Resource
from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

_EVENT_FIELDS = (
    ("involvedObject", "regarding"), ("message", "note"), ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"), ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"), ("reportingComponent", "reportingController"),
)  # fmt: skip


def _differs(resource: Resource) -> bool:
    return resource.group == "events.k8s.io" or (resource.group == "autoscaling" and resource.version == "v1")


def to_storage(api: Api, resource: Resource, obj: Object) -> Object:
    """From the form of the request to the form that is kept."""
    if resource.custom:
        kept = api.storage_versions.get(resource.key)
        return {**obj, "apiVersion": f"{resource.group}/{kept}"} if kept else obj
    if not _differs(resource):
        return obj
    if resource.group == "events.k8s.io":
        return _renamed(obj, "v1", {new: old for old, new in _EVENT_FIELDS})
    return _scaler_to_v2(obj)


def from_storage(api: Api, resource: Resource, obj: Object) -> Object:
    """From the form that is kept to the form of the resource asked for."""
    return convert(resource, obj)


def convert(resource: Resource, obj: Object) -> Object:
    """As `from_storage`, for callers that have no cluster at hand."""
    if resource.custom:
        return obj if obj["apiVersion"] == resource.group_version else {**obj, "apiVersion": resource.group_version}
    if not _differs(resource):
        return obj
    if resource.group == "events.k8s.io":
        return _renamed(obj, "events.k8s.io/v1", dict(_EVENT_FIELDS))
    return _scaler_to_v1(obj)


def is_stored_form(resource: Resource) -> bool:
    """Whether objects can be handed out as they are kept."""
    return not _differs(resource)


def _renamed(obj: Object, version: str, names: dict[str, str]) -> Object:
    return {names.get(key, key): value for key, value in {**obj, "apiVersion": version}.items()}


def _cpu_metric(percent: int) -> Object:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _cpu_percent(metrics: list[Object] | None, field: str, inner: str) -> int | None:
    for metric in metrics or ():
        resource: Any = metric.get("resource") or {}
        if metric.get("type") == "Resource" and resource.get("name") == "cpu":
            found: int | None = (resource.get(field) or {}).get(inner)
            return found
    return None


def _scaler_to_v2(obj: Object) -> Object:
    spec = dict(obj.get("spec") or {})
    percent = spec.pop("targetCPUUtilizationPercentage", None)
    if percent is not None:
        spec["metrics"] = [_cpu_metric(percent)]
    return {**obj, "apiVersion": "autoscaling/v2", "spec": spec}


def _scaler_to_v1(obj: Object) -> Object:
    spec = {key: value for key, value in (obj.get("spec") or {}).items() if key not in ("metrics", "behavior")}
    percent = _cpu_percent((obj.get("spec") or {}).get("metrics"), "target", "averageUtilization")
    if percent is not None:
        spec["targetCPUUtilizationPercentage"] = percent
    status = {k: v for k, v in (obj.get("status") or {}).items() if k not in ("currentMetrics", "conditions")}
    now = _cpu_percent((obj.get("status") or {}).get("currentMetrics"), "current", "averageUtilization")
    if now is not None:
        status["currentCPUUtilizationPercentage"] = now
    return {**obj, "apiVersion": "autoscaling/v1", "spec": spec, "status": status}
