"""Server-side apply: merge a configuration into the live object under a manager's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.local.demo.server import conversion, decoding, managed, writing
from infra.local.demo.server.access import Caller
from infra.local.demo.server.errors import ApiError, Cause, bad_request, invalid, required
from infra.local.demo.server.errors import not_found as missing
from infra.local.demo.server.fieldsets import ABSENT, Fields, Path, compare, dotted, fields_of, key_element
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.schemas import ANY, Type
from infra.local.demo.server.store import Object, copy_of

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api


def apply(
    api: Api, resource: Resource, namespace: str, name: str, config: Any, subresource: str, caller: Caller
) -> Object:
    """Create or change the object so that it has the configuration; ApiError 409 on another manager's fields."""
    if not caller.manager:
        raise invalid("PatchOptions", "meta.k8s.io", "", [required("fieldManager", "is required for apply patch")])
    kind = managed.type_for(api, resource)
    config = decoding.decoded(resource, kind, config, caller.field_validation, api.warnings, patch=True, partial=True)
    if (config.get("metadata") or {}).get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    stored = api.store.get(resource, namespace, name)
    if stored is None and subresource:
        raise missing(resource.plural, resource.group, name)
    old = stored.object if stored else None
    live = conversion.from_storage(api, resource, copy_of(old)) if old else _blank(resource, namespace, name)
    merged = merge(kind, live, config)
    claimed = managed.tracked(api, resource, fields_of(kind, config), subresource)
    key = (caller.manager, "Apply", resource.group_version, subresource)
    entries = managed.entries_of(old) if old else {}
    dropped = entries.get(key, set()) - claimed
    held = set().union(*(fields for other, fields in entries.items() if other != key), claimed)
    for path in sorted(dropped, key=len):  # an entry goes whole before its parts, which name it
        if not any(other[: len(path)] == path for other in held):
            _remove(kind, merged, path)
    merged = merged if resource.custom else decoding.with_required_values(kind, merged)
    change = compare(kind, live, merged)
    _take(entries, key, change.added | change.modified, change.removed, caller)
    entries[key] = claimed
    return _write(api, resource, namespace, old, merged, entries, key, subresource, caller)


def _blank(resource: Resource, namespace: str, name: str) -> Object:
    meta = {"name": name} | ({"namespace": namespace} if resource.namespaced else {})
    return {"kind": resource.kind, "apiVersion": resource.group_version, "metadata": meta}


def _take(
    entries: dict[managed.Key, Fields], key: managed.Key, changed: Fields, removed: Fields, caller: Caller
) -> None:
    conflicts = {other: fields & changed for other, fields in entries.items() if other != key and fields & changed}
    if conflicts and not caller.force:
        raise _conflict_error(conflicts)
    for other in entries:
        if other != key:
            entries[other] = entries[other] - changed - removed


def _conflict_error(conflicts: dict[managed.Key, Fields]) -> ApiError:
    causes: list[Cause] = []
    sentences: list[str] = []
    for (manager, operation, version, subresource), fields in sorted(conflicts.items()):
        where = f'"{manager}"' + (f' with subresource "{subresource}"' if subresource else "")
        using = f" using {version}" if operation == "Update" else ""
        paths = sorted(dotted(path) for path in fields)
        causes += [Cause("FieldManagerConflict", f"conflict with {where}{using}", path) for path in paths]
        if len(paths) == 1:
            sentences.append(f"conflict with {where}{using}: {paths[0]}")
        else:
            sentences.append(f"conflicts with {where}{using}:\n" + "\n".join(f"- {path}" for path in paths))
    total = len(causes)
    plural = "conflict" if total == 1 else "conflicts"
    message = f"Apply failed with {total} {plural}: " + "\n".join(sentences)
    return ApiError(409, "Conflict", message, {"causes": [cause.to_json() for cause in causes]})


def _write(
    api: Api, resource: Resource, namespace: str, old: Object | None, merged: Object,
    entries: dict[managed.Key, Fields], key: managed.Key, subresource: str, caller: Caller,
) -> Object:  # fmt: skip
    times = managed.times_of(old) if old else {}
    times[key] = api.now()
    if old is None:
        return writing.create_applied(api, resource, namespace, merged, caller, (entries, times))
    managed.write_entries(merged, entries, times)
    changed = conversion.to_storage(api, resource, writing.typed(resource, merged))
    return writing.replace(api, resource, old, changed, subresource, caller, applied=True)


def merge(kind: Type, live: Any, config: Any) -> Any:
    """The live value with everything the configuration says; list entries are matched by their keys."""
    if kind.atomic or kind.form == "scalar" or not isinstance(live, type(config)):
        return copy_of(config)
    if isinstance(config, dict):
        merged = dict(live)
        for name, value in config.items():
            merged[name] = merge(kind.field(name) or ANY, live[name], value) if name in live else copy_of(value)
        return merged
    if isinstance(config, list) and kind.form == "list" and kind.list_type != "atomic":
        return _merge_list(kind, live, config)
    return copy_of(config)


def _merge_list(kind: Type, live: list[Any], config: list[Any]) -> list[Any]:
    wanted = {key_element(entry, kind): entry for entry in config}
    merged = []
    for entry in live:
        element = key_element(entry, kind)
        if element in wanted:
            merged.append(merge(kind.item or ANY, entry, wanted.pop(element)))
        else:
            merged.append(entry)
    return merged + [copy_of(entry) for entry in wanted.values()]


def _remove(kind: Type, value: Any, path: Path) -> None:
    """Take the field at a path out, if it is there."""
    for element in path[:-1]:
        kind, value = _step(kind, value, element)
        if value is ABSENT:
            return
    last = path[-1]
    if isinstance(value, dict):
        value.pop(last[2:], None)
    elif isinstance(value, list):
        value[:] = [entry for entry in value if key_element(entry, kind) != last]


def _step(kind: Type, value: Any, element: str) -> tuple[Type, Any]:
    if isinstance(value, dict):
        return kind.field(element[2:]) or ANY, value.get(element[2:], ABSENT)
    if isinstance(value, list):
        for entry in value:
            if key_element(entry, kind) == element:
                return kind.item or ANY, entry
    return ANY, ABSENT
