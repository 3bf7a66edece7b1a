"""metadata.managedFields: which manager set which fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.local.demo.server import conversion
from infra.local.demo.server.access import Caller
from infra.local.demo.server.fieldsets import Fields, compare, from_v1, to_v1
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.schemas import ANY, Type, type_of
from infra.local.demo.server.store import Object
from infra.local.demo.server.strategies import strategy_of

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

_NOT_TRACKED = {
    ("f:apiVersion",), ("f:kind",), ("f:metadata",), ("f:metadata", "f:name"), ("f:metadata", "f:namespace"),
    ("f:metadata", "f:creationTimestamp"), ("f:metadata", "f:selfLink"), ("f:metadata", "f:uid"),
    ("f:metadata", "f:generation"), ("f:metadata", "f:managedFields"), ("f:metadata", "f:resourceVersion"),
    ("f:metadata", "f:deletionTimestamp"), ("f:metadata", "f:deletionGracePeriodSeconds"), (),
}  # fmt: skip


def type_for(api: Api, resource: Resource) -> Type:
    """The type of a resource's objects in its own version."""
    if resource.custom:
        return api.custom_types.get((resource.group, resource.version, resource.kind), ANY)
    return type_of(resource.group, resource.version, resource.kind) or ANY


def tracked(api: Api, resource: Resource, fields: Fields, subresource: str) -> Fields:
    """Without what no manager can own, and without what this endpoint resets anyway."""
    reset: tuple[tuple[str, ...], ...] = ()
    if subresource == "status":
        reset = (("f:spec",), *(() if strategy_of(resource).status_keeps_labels else (("f:metadata", "f:labels"),)))
        if resource.custom:
            reset = (("f:spec",), ("f:metadata",))
    elif resource.has_status and not subresource:
        reset = (("f:status",),)
    kept = {path for path in fields if path not in _NOT_TRACKED and path[:2] != ("f:metadata", "f:managedFields")}
    return {path for path in kept if not any(path[: len(start)] == start for start in reset)}


Key = tuple[str, str, str, str]


def entries_of(obj: Object) -> dict[Key, Fields]:
    """The field sets by (manager, operation, apiVersion, subresource)."""
    return {_key(entry): from_v1(entry.get("fieldsV1") or {}) for entry in obj["metadata"].get("managedFields") or ()}


def _key(entry: Object) -> Key:
    return (entry.get("manager", ""), entry["operation"], entry.get("apiVersion", ""), entry.get("subresource", ""))


def write_entries(obj: Object, entries: dict[Key, Fields], times: dict[Key, str]) -> None:
    """Set metadata.managedFields in the real server's order (operation, time, manager)."""
    listed: list[dict[str, Any]] = []
    for key, fields in entries.items():
        manager, operation, api_version, subresource = key
        entry: dict[str, Any] = {"manager": manager, "operation": operation, "apiVersion": api_version}
        entry |= {"time": times[key], "fieldsType": "FieldsV1", "fieldsV1": to_v1(fields)}
        if subresource:
            entry["subresource"] = subresource
        if fields:
            listed.append(entry)
    listed.sort(key=lambda entry: (entry["operation"], entry["time"], entry["manager"]))
    if listed:
        obj["metadata"]["managedFields"] = listed
    else:
        obj["metadata"].pop("managedFields", None)


def times_of(obj: Object) -> dict[Key, str]:
    return {_key(entry): entry.get("time", "") for entry in obj["metadata"].get("managedFields") or ()}


def updated(api: Api, resource: Resource, obj: Object, old: Object | None, caller: Caller, subresource: str) -> None:
    """Give the caller the fields this create or update adds or changes, and take them from everybody else."""
    kind = type_for(api, resource)
    given = obj["metadata"].pop("managedFields", None)
    if old is not None and given == []:
        return  # a client may clear the list
    view = conversion.from_storage(api, resource, obj)
    before = kind.zero() if old is None else conversion.from_storage(api, resource, old)
    change = compare(kind, before if kind is not ANY else {}, view)
    taken = tracked(api, resource, change.added | change.modified, subresource)
    listed: Object = {"metadata": {"managedFields": given}} if given else old or {"metadata": {}}
    entries, times = ({}, {}) if old is None else (entries_of(listed), times_of(listed))
    for key in list(entries):
        entries[key] = entries[key] - taken - change.removed
    key = (caller.manager, "Update", resource.group_version, subresource)
    if taken:
        entries[key] = entries.get(key, set()) | taken
        times[key] = api.now()
    write_entries(obj, entries, times)


_WRITERS = {"Pod": "kubelet", "Node": "kubelet", "CustomResourceDefinition": "kube-apiserver"}
_COMPONENTS = {"kubelet": "kubelet", "default-scheduler": "kube-scheduler"}


def committed_directly(api: Api, key: tuple[str, str], obj: Object, before: Object | None) -> None:
    """Managers of an object that a trusted controller has put into the store itself.

    What it changed belongs to the component that changes such objects in a real cluster.
    """
    resource = _resource_of(api, key, obj)
    given = obj["metadata"].get("managedFields")
    if resource is None or (before is None and (given or resource.kind != "Event")):
        return
    if before is not None:
        known = before["metadata"].get("managedFields")
        if not known or given != known:
            return
    status = "status" if resource.has_status and before and obj.get("status") != before.get("status") else ""
    updated(api, resource, obj, before, Caller(manager=_writer(resource, obj)), status)


def _resource_of(api: Api, key: tuple[str, str], obj: Object) -> Resource | None:
    """In which of its forms the component writes: events with a time of their own are of the newer kind."""
    if key == ("", "events"):
        group = "events.k8s.io" if obj.get("eventTime") else ""
        return api.resources.at(group, "v1", "events")
    group, _, version = str(obj["apiVersion"]).rpartition("/")
    return api.resources.at(group, version, key[1])


def _writer(resource: Resource, obj: Object) -> str:
    if resource.kind == "Event":
        component = (obj.get("source") or {}).get("component") or obj.get("reportingComponent") or ""
        return _COMPONENTS.get(component, "kube-controller-manager")
    return _WRITERS.get(resource.kind, "kube-controller-manager")


def keep_times_of_unchanged(obj: Object, old: Object) -> None:
    """A write that changes nothing but entry times is no write (the real server skips it)."""
    new_entries, old_entries = obj["metadata"].get("managedFields"), old["metadata"].get("managedFields")
    if not new_entries or not old_entries or len(new_entries) != len(old_entries):
        return
    same = all(
        {**new, "time": ""} == {**was, "time": ""}
        for new, was in zip(_sorted(new_entries), _sorted(old_entries), strict=True)
    )
    if same and _without_managers(obj) == _without_managers(old):
        obj["metadata"]["managedFields"] = old_entries


def _sorted(entries: list[Object]) -> list[Object]:
    return sorted(entries, key=_key)


def _without_managers(obj: Object) -> Object:
    meta = {key: value for key, value in obj["metadata"].items() if key not in ("managedFields", "generation")}
    return {**obj, "metadata": meta}
