"""JSON patch, JSON merge patch and strategic merge patch on plain objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.local.demo.server import decoding
from infra.local.demo.server.access import Caller
from infra.local.demo.server.errors import ApiError, FieldError, bad_request, invalid, shown
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.schemas import ANY, Type
from infra.local.demo.server.store import Object, copy_of

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api


def patched(
    api: Api, resource: Resource, obj: Object, body: Any, how: str, caller: Caller, warnings: list[str]
) -> Object:
    """The object with a patch applied; `obj` may be changed. ApiError 400, 415 or 422 for what cannot be applied."""
    kind = decoding.type_for(api, resource)
    if how == "json":
        result = json_patch(obj, body)
    elif how == "merge":
        if not isinstance(body, dict):
            raise bad_request(
                "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"
            )
        result = merge_patch(obj, body)
    else:
        if resource.custom:
            raise unsupported_patch(custom=True)
        result = strategic_merge(kind, obj, body)
        _check_converts(kind, result, body)
        return decoding.decoded(resource, kind, result, caller.field_validation, warnings, patch=True)
    return decoding.decoded(resource, kind, result, caller.field_validation, warnings, patch=True)


def unsupported_patch(*, custom: bool = False) -> ApiError:
    """415 with the patch types this endpoint takes."""
    types = ["application/json-patch+json", "application/merge-patch+json"]
    if not custom:
        types.append("application/strategic-merge-patch+json")
    types.append("application/apply-patch+yaml")
    text = "the body of the request was in an unknown format - accepted media types include: " + ", ".join(types)
    return ApiError(415, "UnsupportedMediaType", text)


# -- RFC 6902 ---------------------------------------------------------------------------------------------------------


class _PatchFailed(Exception):
    pass


def json_patch(obj: Any, operations: Any) -> Any:
    """RFC 6902; ApiError 422 when an operation fails, 400 when the document is none."""
    if not isinstance(operations, list):
        raise bad_request("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    try:
        for operation in operations:
            obj = _operate(obj, operation)
    except (_PatchFailed, KeyError, IndexError, TypeError, ValueError):
        text = "the server rejected our request due to an error in our request"
        raise ApiError(422, "Invalid", text, {}) from None
    return obj


def _operate(obj: Any, operation: dict[str, Any]) -> Any:
    path = _pointer(operation["path"])
    match operation["op"]:
        case "add":
            return _put(obj, path, copy_of(operation["value"]), insert=True)
        case "replace":
            _at(obj, path)
            return _put(obj, path, copy_of(operation["value"]), insert=False)
        case "remove":
            return _take(obj, path)
        case "test":
            if _at(obj, path, missing=None) != operation.get("value"):
                raise _PatchFailed
            return obj
        case "move":
            source = _pointer(operation["from"])
            value = _at(obj, source)
            return _put(_take(obj, source), path, value, insert=True)
        case "copy":
            return _put(obj, path, copy_of(_at(obj, _pointer(operation["from"]))), insert=True)
    raise _PatchFailed


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise _PatchFailed
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


_RAISE = object()


def _at(obj: Any, path: list[str], missing: Any = _RAISE) -> Any:
    for part in path:
        try:
            obj = obj[int(part)] if isinstance(obj, list) else obj[part]
        except (KeyError, IndexError, TypeError):
            if missing is _RAISE:
                raise
            return missing
    return obj


def _put(obj: Any, path: list[str], value: Any, *, insert: bool) -> Any:
    if not path:
        return value
    parent, last = _at(obj, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif not isinstance(parent, list):
        raise _PatchFailed
    elif last == "-":
        parent.append(value)
    elif not insert:
        parent[int(last)] = value
    elif 0 <= int(last) <= len(parent):
        parent.insert(int(last), value)
    else:
        raise _PatchFailed
    return obj


def _take(obj: Any, path: list[str]) -> Any:
    if not path:
        return None
    parent, last = _at(obj, path[:-1]), path[-1]
    if isinstance(parent, list):
        del parent[int(last)]
    else:
        del parent[last]
    return obj


# -- RFC 7386 ---------------------------------------------------------------------------------------------------------


def merge_patch(obj: Any, patch: Any) -> Any:
    """RFC 7386: null removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return copy_of(patch)
    result = dict(obj) if isinstance(obj, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


# -- strategic merge patch --------------------------------------------------------------------------------------------


def strategic_merge(kind: Type, obj: Any, patch: Any) -> Any:
    """A merge patch that merges lists by the keys of the schema and knows $patch, $retainKeys and the like."""
    if not isinstance(patch, dict):
        return copy_of(patch)
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: copy_of(value) for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    result = dict(obj) if isinstance(obj, dict) else {}
    retained = patch.get("$retainKeys")
    if retained is not None:
        result = {key: value for key, value in result.items() if key in retained}
    for key, value in patch.items():
        if key.startswith(("$setElementOrder/", "$deleteFromPrimitiveList/")) or key in ("$patch", "$retainKeys"):
            continue
        _merge_member(kind.field(key) or ANY, result, key, value, patch)
    _list_directives(kind, result, patch)
    return result


def _merge_member(kind: Type, result: Object, key: str, value: Any, patch: Object) -> None:
    if value is None:
        result.pop(key, None)
    elif isinstance(value, list) and kind.merges:
        order = patch.get(f"$setElementOrder/{key}")
        result[key] = _merge_list(kind, result.get(key) or [], value, order)
    elif isinstance(value, dict):
        result[key] = strategic_merge(kind, result.get(key), value)
    else:
        result[key] = copy_of(value)


def _list_directives(kind: Type, result: Object, patch: Object) -> None:
    for key, value in patch.items():
        name = key.partition("/")[2]
        if key.startswith("$deleteFromPrimitiveList/") and name in result:
            result[name] = [entry for entry in result[name] if entry not in value]
        elif key.startswith("$setElementOrder/") and name in result and name not in patch:
            result[name] = _in_order(kind.field(name) or ANY, result[name], value, result[name])


def _merge_list(kind: Type, live: list[Any], patch: list[Any], order: list[Any] | None) -> list[Any]:
    key = kind.merge_key
    if not key:
        merged = live + [copy_of(value) for value in patch if value not in live]
        return _in_order(kind, merged, order, live) if order else merged
    if any(isinstance(entry, dict) and entry.get("$patch") == "replace" for entry in patch):
        return [copy_of(entry) for entry in patch if entry.get("$patch") != "replace"]
    merged = list(live)
    for entry in patch:
        if not isinstance(entry, dict) or key not in entry:
            raise bad_request(f"map: {_go(entry)} does not contain declared merge key: {key}")
        found = [index for index, present in enumerate(merged) if present.get(key) == entry[key]]
        if entry.get("$patch") == "delete":
            merged = [present for index, present in enumerate(merged) if index not in found]
        elif found:
            merged[found[0]] = strategic_merge(kind.item or ANY, merged[found[0]], entry)
        else:
            merged.append(strategic_merge(kind.item or ANY, {}, entry))
    return _in_order(kind, merged, order, live) if order else merged


def _in_order(kind: Type, merged: list[Any], order: list[Any], live: list[Any]) -> list[Any]:
    """As $setElementOrder says; entries it does not name stay behind the ones they followed."""

    def identity(entry: Any) -> Any:
        return entry.get(kind.merge_key) if isinstance(entry, dict) and kind.merge_key else entry

    wanted = [identity(entry) for entry in order]
    named = {identity(entry): entry for entry in merged if identity(entry) in wanted}
    result = [named[name] for name in wanted if name in named]
    before = [identity(entry) for entry in live]
    for entry in merged:
        name = identity(entry)
        if name in wanted:
            continue
        ahead = before[: before.index(name)] if name in before else []
        place = max((index + 1 for index, other in enumerate(result) if identity(other) in ahead), default=0)
        result.insert(place, entry)
    return result


def _check_converts(kind: Type, result: Object, patch: Any) -> None:
    wrong = decoding.first_type_error(kind, result)
    if wrong:
        text = f"Invalid value: {shown(_go(patch))}: unrecognized type: {wrong.go_type}"
        raise invalid("", "", "", [FieldError("patch", "FieldValueInvalid", text)])


def _go(value: Any) -> str:
    """A value as Go's %v prints it."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{_go(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(_go(entry) for entry in value) + "]"
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
