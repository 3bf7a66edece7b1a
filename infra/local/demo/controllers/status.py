"""Writing status the short way, and keeping conditions.

Controllers here are trusted parts of the control plane: they commit status straight to the store. The long way
(defaults, admission, managers) is for what they create, since quota and policy have to see that.
"""

from __future__ import annotations

from typing import Any

from infra.local.demo.server.api import Api
from infra.local.demo.server.store import Object


def write_status(api: Api, obj: Object, status: Object, *, annotations: dict[str, str] | None = None) -> Object:
    """Commit a new status (and annotations) if it differs; returns the object as it is now."""
    meta = obj["metadata"]
    same_notes = annotations is None or annotations == (meta.get("annotations") or {})
    if obj.get("status") == status and same_notes:
        return obj
    changed = {**obj, "metadata": dict(meta), "status": status}
    if annotations is not None and annotations:
        changed["metadata"]["annotations"] = annotations
    return api.store.put(_resource(api, obj).key, changed).object


def write_object(api: Api, obj: Object) -> Object:
    """Commit an object whose metadata or spec a trusted controller has changed."""
    return api.store.put(_resource(api, obj).key, obj).object


def _resource(api: Api, obj: Object) -> Any:
    group, _, version = obj["apiVersion"].rpartition("/")
    found = api.resources.of_kind(group, version, obj["kind"])
    assert found is not None, obj["kind"]
    return found


def set_condition(conditions: list[Object], new: Object, now: str, *, extra: tuple[str, ...] = ()) -> list[Object]:
    """The list with one condition changed; its lastTransitionTime moves only when its status does.

    `extra` names more time fields to set (lastUpdateTime, lastProbeTime) when anything changes.
    """
    result, placed = [], False
    for old in conditions:
        if old["type"] != new["type"]:
            result.append(old)
            continue
        placed = True
        merged = {**old, **new}
        for gone in ("reason", "message"):
            if gone not in new:
                merged.pop(gone, None)
        if old["status"] != new["status"]:
            merged["lastTransitionTime"] = now
        if {key: merged.get(key) for key in new} != {key: old.get(key) for key in new}:
            merged |= dict.fromkeys(extra, now)
        result.append(merged)
    if not placed:
        result.append({**new, **dict.fromkeys(extra, now), "lastTransitionTime": now})
    return result


def condition_of(obj: Object, kind: str) -> Object | None:
    for condition in (obj.get("status") or {}).get("conditions") or ():
        if condition["type"] == kind:
            return condition
    return None


def is_ready(pod: Object) -> bool:
    condition = condition_of(pod, "Ready")
    return bool(condition) and condition["status"] == "True"


def is_active(pod: Object) -> bool:
    """Neither ended nor on its way out."""
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return not ended and not pod["metadata"].get("deletionTimestamp")


def is_terminating(pod: Object) -> bool:
    """On its way out, and not ended yet."""
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return not ended and bool(pod["metadata"].get("deletionTimestamp"))


def owner_reference(owner: Object) -> Object:
    meta = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_key(obj: Object, kind: str) -> tuple[str, str] | None:
    """Namespace and name of the controller of a kind that owns an object."""
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller") and reference["kind"] == kind:
            return obj["metadata"].get("namespace", ""), reference["name"]
    return None
