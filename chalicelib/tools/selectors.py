"""Label and field selectors as kubectl writes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import msgspec

from chalicelib.errors import InvalidRequest
from chalicelib.state.meta import Labels, expression_holds
from chalicelib.tools.moments import rfc3339

_LABEL_KEY = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]{0,316}[A-Za-z0-9])?"
_SET = re.compile(rf"({_LABEL_KEY})\s+(in|notin)\s*\(([^()]*)\)\Z")
_EQUAL = re.compile(rf"({_LABEL_KEY})\s*(==|=|!=)\s*([-A-Za-z0-9_.]*)\Z")
_EXISTS = re.compile(rf"(!?)\s*({_LABEL_KEY})\Z")
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9.]{0,200})\s*(==|=|!=)\s*(.*)\Z")
LONGEST = 2000


class Requirement(NamedTuple):
    key: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, labels: Labels) -> bool:
        return expression_holds(self.operator, list(self.values), self.key in labels, labels.get(self.key, ""))


def label_selector(text: str) -> tuple[Requirement, ...]:
    """Requirements of `app=web,tier!=db,env in (a,b),!canary`. Raises InvalidRequest naming the part that is wrong."""
    return tuple(_label_requirement(part) for part in _parts(text, "label_selector"))


def _label_requirement(part: str) -> Requirement:
    if found := _SET.match(part):
        values = tuple(v.strip() for v in found[3].split(","))
        return Requirement(found[1], "In" if found[2] == "in" else "NotIn", values)
    if found := _EQUAL.match(part):
        return Requirement(found[1], "NotIn" if found[2] == "!=" else "In", (found[3],))
    if found := _EXISTS.match(part):
        return Requirement(found[2], "DoesNotExist" if found[1] else "Exists")
    raise InvalidRequest(
        f"label_selector: {part[:80]!r} is not a requirement.",
        code="invalid_selector",
        remedy="Write it as kubectl does: app=web,tier!=db,env in (a,b),!canary.",
        details={"field": "label_selector"},
    )


def _parts(text: str, field: str) -> list[str]:
    """Comma-separated parts; commas within parentheses belong to the part."""
    if len(text) > LONGEST:
        raise InvalidRequest(f"{field}: longer than {LONGEST} characters.", details={"field": field})
    found, depth, start = [], 0, 0
    for index, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth <= 0:
            found.append(text[start:index].strip())
            start = index + 1
    found.append(text[start:].strip())
    return [part for part in found if part]


class FieldRequirement(NamedTuple):
    path: str
    wanted: str
    equal: bool


def field_selector(text: str) -> tuple[FieldRequirement, ...]:
    """Requirements of `status.phase=Running,spec.nodeName!=a`. Raises InvalidRequest."""
    found = []
    for part in _parts(text, "field_selector"):
        match = _FIELD.match(part)
        if match is None:
            raise InvalidRequest(
                f"field_selector: {part[:80]!r} is not a requirement.",
                code="invalid_selector",
                remedy="Write path=value or path!=value: status.phase=Running,metadata.name!=web.",
                details={"field": "field_selector"},
            )
        found.append(FieldRequirement(match[1], match[3].strip().strip("\"'"), match[2] != "!="))
    return tuple(found)


def field_filter(struct: type[msgspec.Struct], text: str) -> Callable[[Any], bool]:
    """A test of objects of a kind. Raises InvalidRequest for a path that this kind's objects do not have."""
    requirements = [(_attributes(struct, r.path), r) for r in field_selector(text)]
    return lambda obj: all((_text(_follow(obj, names)) == r.wanted) is r.equal for names, r in requirements)


@cache
def _attributes(struct: type[msgspec.Struct], path: str) -> tuple[str, ...]:
    """Attribute names along an API path such as `spec.nodeName`."""
    names: list[str] = []
    here: Any = struct
    for part in path.split("."):
        fields = {f.encode_name: f for f in msgspec.structs.fields(here)} if _is_struct(here) else {}
        if part not in fields:
            raise InvalidRequest(
                f"field_selector: there is no field {path!r} in a {struct.__name__} that can be compared.",
                code="invalid_selector",
                remedy=f"Fields here: {', '.join(sorted(fields)) or 'none; this is a value'}.",
                details={"field": "field_selector", "valid": sorted(fields)},
            )
        names.append(fields[part].name)
        here = _inner(fields[part].type)
    return tuple(names)


def _is_struct(type_: Any) -> bool:
    return isinstance(type_, type) and issubclass(type_, msgspec.Struct)


def _inner(type_: Any) -> Any:
    """The struct of `Struct | None`; the type itself otherwise."""
    return next((a for a in getattr(type_, "__args__", ()) if _is_struct(a)), type_) if not _is_struct(type_) else type_


def _follow(obj: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        if obj is None:
            return None
        obj = getattr(obj, name)
    return obj


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return rfc3339(value) or ""
    return str(value)
