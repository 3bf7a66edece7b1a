"""ResourceQuota: what a namespace may use, and the count of it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from infra.local.demo.server.admission.request import Request
from infra.local.demo.server.errors import forbidden
from infra.local.demo.server.kinds.pod_spec import containers_of
from infra.local.demo.server.kinds.pods import quality_of_service
from infra.local.demo.server.quantities import canonical, parse
from infra.local.demo.server.store import Object, copy_of

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

_COUNTED = {
    "Pod": ("pods", "count/pods"), "Service": ("services", "count/services"), "Secret": ("secrets", "count/secrets"),
    "ConfigMap": ("configmaps", "count/configmaps"), "ReplicationController": ("replicationcontrollers",),
    "PersistentVolumeClaim": ("persistentvolumeclaims", "count/persistentvolumeclaims"),
    "ResourceQuota": ("resourcequotas",),
}  # fmt: skip


def usage_of(resource_kind: str, count_name: str, obj: Object) -> dict[str, Decimal]:
    """What one object uses, by the names quotas have."""
    used = dict.fromkeys(_COUNTED.get(resource_kind, ()), Decimal(1))
    used[count_name] = Decimal(1)
    if resource_kind == "Pod":
        if (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            return {"count/pods": Decimal(1)}
        used |= _pod_usage(obj)
    elif resource_kind == "PersistentVolumeClaim":
        requests = ((obj.get("spec") or {}).get("resources") or {}).get("requests") or {}
        used["requests.storage"] = parse(requests.get("storage", 0)) or Decimal(0)
    elif resource_kind == "Service":
        kind = (obj.get("spec") or {}).get("type")
        if kind == "LoadBalancer":
            used["services.loadbalancers"] = Decimal(1)
        if kind in ("NodePort", "LoadBalancer"):
            used["services.nodeports"] = Decimal(len(obj["spec"].get("ports") or ()))
    return used


def _pod_usage(pod: Object) -> dict[str, Decimal]:
    used: dict[str, Decimal] = {}
    for half in ("requests", "limits"):
        sums: dict[str, Decimal] = {}
        for container in pod["spec"].get("containers") or ():
            for name, amount in ((container.get("resources") or {}).get(half) or {}).items():
                sums[name] = sums.get(name, Decimal(0)) + (parse(amount) or Decimal(0))
        for container in pod["spec"].get("initContainers") or ():
            for name, amount in ((container.get("resources") or {}).get(half) or {}).items():
                sums[name] = max(sums.get(name, Decimal(0)), parse(amount) or Decimal(0))
        for name, amount in sums.items():
            used[f"{half}.{name}"] = amount
            if half == "requests":
                used[name] = amount
    return used


def _matches(quota: Object, obj: Object, kind: str) -> bool:
    scopes = (quota.get("spec") or {}).get("scopes") or ()
    if not scopes:
        return True
    if kind != "Pod":
        return False
    best_effort = quality_of_service(obj["spec"]) == "BestEffort"
    terminating = obj["spec"].get("activeDeadlineSeconds") is not None
    answers = {"BestEffort": best_effort, "NotBestEffort": not best_effort,
               "Terminating": terminating, "NotTerminating": not terminating}  # fmt: skip
    return all(answers.get(scope, True) for scope in scopes)


def check(request: Request) -> None:
    """Refuse a creation that would pass a limit; ApiError 403."""
    if request.operation != "CREATE" or request.object is None or not request.namespace:
        return
    kind = request.resource.kind
    count_name = f"count/{request.resource.plural}" + (f".{request.resource.group}" if request.resource.group else "")
    asked = usage_of(kind, count_name, request.object)
    for stored in request.api.store.list(("", "resourcequotas"), request.namespace):
        quota = stored.object
        hard = (quota.get("spec") or {}).get("hard") or {}
        if not _matches(quota, request.object, kind):
            continue
        if kind == "Pod":
            _require_set(request, hard, quota["metadata"]["name"])
        used = current_usage(request.api, quota)
        over = sorted(
            name for name in hard
            if asked.get(name) and used.get(name, Decimal(0)) + asked[name] > (parse(hard[name]) or Decimal(0))
        )  # fmt: skip
        if over:
            requested = ",".join(f"{name}={canonical(asked[name], _like(request.object, name))}" for name in over)
            present = ",".join(f"{name}={canonical(used.get(name, Decimal(0)), str(hard[name]))}" for name in over)
            limited = ",".join(f"{name}={hard[name]}" for name in over)
            name = quota["metadata"]["name"]
            why = f"exceeded quota: {name}, requested: {requested}, used: {present}, limited: {limited}"
            raise forbidden(request.resource.plural, request.resource.group, request.name, why)


def _like(obj: Object, name: str) -> str:
    return "Mi" if name.endswith(("memory", "storage")) else ""


def _require_set(request: Request, hard: Object, quota: str) -> None:
    """A quota on a compute resource makes setting it mandatory."""
    missing = []
    spec = (request.object or {})["spec"]
    for name in sorted(hard):
        half, _, resource = name.partition(".") if name.startswith(("requests.", "limits.")) else ("requests", "", name)
        if resource not in ("cpu", "memory"):
            continue
        lacking = [
            container["name"]
            for container in containers_of(spec)
            if resource not in ((container.get("resources") or {}).get(half) or {})
        ]
        if lacking:
            missing.append(f"{name} for: {','.join(lacking)}")
    if missing:
        why = f"failed quota: {quota}: must specify {'; '.join(missing)}"
        raise forbidden("pods", "", request.name, why)


def current_usage(api: Api, quota: Object) -> dict[str, Decimal]:
    """What the namespace uses now of everything the quota names, counted from the objects."""
    namespace = quota["metadata"]["namespace"]
    hard = (quota.get("spec") or {}).get("hard") or {}
    used = dict.fromkeys(hard, Decimal(0))
    for resource in {entry.key: entry for entry in api.resources if entry.namespaced and entry.stored}.values():
        count_name = f"count/{resource.plural}" + (f".{resource.group}" if resource.group else "")
        if resource.kind not in _COUNTED and count_name not in hard:
            continue
        for stored in api.store.list(resource, namespace):
            if not _matches(quota, stored.object, resource.kind):
                continue
            for name, amount in usage_of(resource.kind, count_name, stored.object).items():
                if name in used:
                    used[name] += amount
    return used


def count(request: Request) -> None:
    """Write the new usage into the status of the namespace's quotas, as admission does after a creation."""
    if request.operation != "CREATE" or not request.namespace or request.resource.kind in ("Event", "Lease"):
        return
    if request.resource.kind == "ResourceQuota":
        return
    for stored in list(request.api.store.list(("", "resourcequotas"), request.namespace)):
        quota = stored.object
        if (quota.get("status") or {}).get("hard"):
            write_status(request, quota)


def write_status(request: Request, quota: Object) -> None:
    hard = (quota.get("spec") or {}).get("hard") or {}
    used = current_usage(request.api, quota)
    status = {"hard": dict(hard), "used": {name: canonical(used[name], str(hard[name])) for name in hard}}
    if quota.get("status") == status:
        return
    changed = copy_of(quota)
    changed["status"] = status
    request.api.update_status("ResourceQuota", changed, manager="kube-apiserver")
