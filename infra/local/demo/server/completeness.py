"""Fields that must not be missing or empty, by the schema of a kind.

The kinds' own rules come first; this catches what they do not mention, so that nothing half-filled gets into the store.
Numbers, lists and maps are left to them: zero and empty are often fine.
"""

from __future__ import annotations

from typing import Any

from infra.local.demo.server.errors import FieldError, required
from infra.local.demo.server.schemas import Type
from infra.local.demo.server.store import Object

_NOT_LOOKED_AT = ("apiVersion", "kind", "metadata", "status")
# Required by the schema and yet empty in valid objects.
_MAY_BE_EMPTY = {
    "EndpointSlice": ("addressType",), "ObjectReference": ("kind", "name"), "StatefulSetSpec": ("serviceName",),
    "NodeAddress": ("address",), "EnvVar": ("value",), "Event": ("reportingComponent", "reportingInstance"),
    "KeyToPath": ("key", "path"), "VolumeMount": ("name", "mountPath"), "Container": ("name",), "Volume": ("name",),
    "Lease": (), "CustomResourceDefinitionNames": ("plural", "kind"), "TopologySelectorLabelRequirement": ("key",),
}  # fmt: skip


def findings(kind: Type, obj: Object, own: list[FieldError]) -> list[FieldError]:
    """`Required value` for every string or struct that the schema requires and that nobody has complained of yet."""
    told = {finding.field for finding in own}
    found: list[FieldError] = []
    for name, value in obj.items():
        member = kind.field(name)
        if name not in _NOT_LOOKED_AT and member is not None:
            _look(member, value, name, found)
    top = [name for name in kind.required if name not in (*_NOT_LOOKED_AT, "spec")]
    found += [required(name) for name in top if _is_missing(kind.fields.get(name), obj.get(name))]
    return [finding for finding in dict.fromkeys(found) if finding.field not in told]


def _is_missing(kind: Type | None, value: Any) -> bool:
    if kind is None:
        return False
    if kind.form == "struct":
        return value is None
    return kind.form == "scalar" and kind.scalar == "string" and value in (None, "")


def _look(kind: Type, value: Any, path: str, found: list[FieldError]) -> None:
    if isinstance(value, dict) and kind.form == "struct":
        allowed = _MAY_BE_EMPTY.get(kind.name.rpartition(".")[2], ())
        wanted = [name for name in kind.required if name not in allowed]
        found += [required(f"{path}.{name}") for name in wanted if _is_missing(kind.fields.get(name), value.get(name))]
        for name, item in value.items():
            member = kind.field(name) if isinstance(item, (dict, list)) else None
            if member is not None and name not in ("metadata", "status"):
                _look(member, item, f"{path}.{name}", found)
    elif isinstance(value, dict) and kind.form == "map" and kind.item is not None:
        for name, item in value.items():
            if isinstance(item, (dict, list)):
                _look(kind.item, item, f"{path}[{name}]", found)
    elif isinstance(value, list) and kind.item is not None:
        for index, item in enumerate(value):
            if isinstance(item, (dict, list)):
                _look(kind.item, item, f"{path}[{index}]", found)
