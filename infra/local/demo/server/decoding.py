"""Reading request bodies as the kinds they claim to be: wrong types, unknown and duplicate fields.

A field of the wrong type is refused always; unknown and duplicate fields depend on `fieldValidation`.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.local.demo.server.clock import parse_time
from infra.local.demo.server.errors import bad_request, shown
from infra.local.demo.server.quantities import FORMAT_TEXT
from infra.local.demo.server.quantities import parse as parse_quantity
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.schemas import ANY, OBJECT_META, ZEROS, Type, build, type_of
from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api


def type_for(api: Api, resource: Resource) -> Type:
    """The type that bodies of this resource have."""
    if resource.custom:
        return api.custom_types.get((resource.group, resource.version, resource.kind), ANY)
    return type_of(resource.group, resource.version, resource.kind) or ANY


@dataclass(frozen=True, slots=True)
class TypeError_:
    """A value that does not fit its field, in Go's words."""

    struct: str
    path: str
    value: str
    go_type: str


_GO = {"integer": "int32", "number": "float64", "boolean": "bool", "string": "string", "bytes": "[]uint8"}


def found_kind(value: Any) -> str:
    """What Go calls a JSON value in its errors."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "string"
    if isinstance(value, (int, float)):
        return "number"
    return "array" if isinstance(value, list) else "object"


def _go_type(kind: Type) -> str:
    short = kind.name.rpartition(".")[2]
    if kind.form == "struct":
        parts = kind.name.split(".")
        return f"{parts[-2]}.{short}" if len(parts) > 1 else "map[string]interface {}"
    if kind.form == "list":
        return "[]" + _go_type(kind.item or ANY)
    if kind.form == "map":
        return "map[string]" + _go_type(kind.item or ANY)
    if kind.scalar == "integer":
        return str(kind.source.get("format", "int32"))
    return _GO.get(kind.scalar, kind.scalar or "interface {}")


def _fits(kind: Type, value: Any) -> bool:
    if value is None or kind.form == "any":
        return True
    if kind.form in ("struct", "map"):
        return isinstance(value, dict)
    if kind.form == "list":
        return isinstance(value, list)
    match kind.scalar:
        case "integer":
            bits = 63 if kind.source.get("format") == "int64" else 31
            return isinstance(value, int) and not isinstance(value, bool) and -(1 << bits) <= value < 1 << bits
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "quantity" | "int-or-string":
            return isinstance(value, (str, int, float)) and not isinstance(value, bool)
    return isinstance(value, str)


def first_type_error(kind: Type, value: Any, path: str = "", struct: str = "") -> TypeError_ | None:
    """The first value, in document order, that does not fit its type."""
    if not _fits(kind, value):
        return TypeError_(struct, path, found_kind(value), _go_type(kind))
    if isinstance(value, dict) and kind.form in ("struct", "map"):
        name = kind.name.rpartition(".")[2] if kind.form == "struct" else struct
        for key, item in value.items():
            member = kind.field(key)
            below = f"{path}.{key}" if path else key
            if member is not None and (wrong := first_type_error(member, item, below, name)):
                return wrong
    elif isinstance(value, list) and kind.form == "list":
        for item in value:
            if wrong := first_type_error(kind.item or ANY, item, path, struct):
                return wrong
    return None


def first_format_error(kind: Type, value: Any) -> str:
    """What Go says about the first time, quantity or base64 text it cannot read; empty when all is well."""
    if isinstance(value, dict):
        found = (first_format_error(kind.field(key) or ANY, item) for key, item in value.items())
        return next(filter(None, found), "")
    if isinstance(value, list):
        return next(filter(None, (first_format_error(kind.item or ANY, item) for item in value)), "")
    if value is None or kind.form != "scalar":
        return ""
    if kind.scalar == "quantity" and parse_quantity(value) is None:
        return FORMAT_TEXT
    if kind.scalar in ("time", "microtime"):
        layout = "2006-01-02T15:04:05Z07:00" if kind.scalar == "time" else "2006-01-02T15:04:05.000000Z07:00"
        return (
            ""
            if _is_time(value)
            else f'parsing time {shown(value)} as "{layout}": cannot parse {shown(value)} as "2006"'
        )
    if kind.scalar == "bytes":
        return "" if _is_base64(value) else "illegal base64 data at input byte 0"
    return ""


def _is_time(text: str) -> bool:
    try:
        return parse_time(text) is not None
    except ValueError:
        return False


def _is_base64(text: str) -> bool:
    try:
        return base64.b64decode(text, validate=True) is not None
    except ValueError:
        return False


def without_unknown(kind: Type, value: Any, path: str, unknown: list[str]) -> Any:
    """The value without null members and members its type does not have; those are added to `unknown`."""
    if isinstance(value, dict):
        if kind.form == "any":
            return value
        kept = {}
        for key, item in value.items():
            member = kind.field(key)
            below = f"{path}.{key}" if path else key
            if member is None:
                unknown.append(below)
            elif item is not None:
                kept[key] = without_unknown(member, item, below, unknown)
        return kept
    if isinstance(value, list) and kind.form == "list":
        item_kind = kind.item or ANY
        return [without_unknown(item_kind, item, f"{path}[{index}]", unknown) for index, item in enumerate(value)]
    return value


def with_required_values(kind: Type, value: Any) -> Any:
    """The value with every text and number that its structs require, Go's zero where none was given.

    So nothing behind has to ask whether a required name or port is there; whether it may be empty is for validation.
    """
    if isinstance(value, dict) and kind.form in ("struct", "map"):
        for key, item in value.items():
            if isinstance(item, (dict, list)):
                with_required_values(kind.field(key) or ANY, item)
        for name in kind.required:
            member = kind.field(name) or ANY
            if name not in value and member.scalar in ZEROS:
                value[name] = ZEROS[member.scalar]
    elif isinstance(value, list) and kind.form == "list":
        for item in value:
            with_required_values(kind.item or ANY, item)
    return value


def decoded(
    resource: Resource, kind: Type, body: Object, validation: str, warnings: list[str],
    duplicates: tuple[str, ...] = (), *, patch: bool = False, partial: bool = False,
) -> Object:  # fmt: skip
    """The body as an object of its kind; ApiError 400 for wrong types, and for unknown fields when Strict.

    `patch` is for the wording of errors; `partial` says that the body names some fields of an object only.
    """
    if not isinstance(body, dict):
        raise bad_request(f"the object provided is unrecognized (must be of type {resource.kind})")
    if resource.custom:
        check_custom(resource, body)
        return body
    if wrong := first_type_error(kind, body):
        short = resource.version
        raise bad_request(
            f'{resource.kind} in version "{short}" cannot be handled as a {resource.kind}: json: cannot unmarshal '
            f"{wrong.value} into Go struct field {wrong.struct}.{wrong.path} of type {wrong.go_type}"
        )
    if text := first_format_error(kind, body):
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {text}'
        )
    unknown: list[str] = []
    clean: Object = without_unknown(kind, body, "", unknown)
    found = [f'duplicate field "{path}"' for path in duplicates] + [f'unknown field "{path}"' for path in unknown]
    if found and validation == "Strict":
        what = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
        raise bad_request(("" if patch else what) + "strict decoding error: " + ", ".join(found))
    if validation == "Warn":
        warnings += found
    return clean if partial else with_required_values(kind, clean)


def check_custom(resource: Resource, body: Object) -> None:
    """The parts every custom object has in common; the rest is for its own schema to judge."""
    wrong = first_type_error(_COMMON, body)
    if wrong:
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: json: cannot '
            f"unmarshal {wrong.value} into Go struct field {wrong.struct}.{wrong.path} of type {wrong.go_type}"
        )


_COMMON = build({"type": "object", "properties": {"metadata": {"$ref": f"#/$defs/{OBJECT_META}"}}}, "ObjectMeta")


class _Pairs(dict[str, Any]):
    """A JSON object that remembers which of its keys came twice."""

    repeated: tuple[str, ...] = ()


def _hook(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = _Pairs(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        made.repeated = tuple(key for place, key in enumerate(keys) if key in keys[:place])
    return made


def duplicate_fields(body: bytes) -> tuple[str, ...]:
    """Paths of keys that a JSON document gives twice."""
    found: list[str] = []

    def walk(value: Any, path: str) -> None:
        if isinstance(value, _Pairs):
            found.extend(f"{path}.{key}" if path else key for key in value.repeated)
            for key, item in value.items():
                walk(item, f"{path}.{key}" if path else key)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                walk(item, f"{path}[{index}]")

    walk(json.loads(body, object_pairs_hook=_hook), "")
    return tuple(found)
