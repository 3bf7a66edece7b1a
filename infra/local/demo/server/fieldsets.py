"""Sets of fields, as server-side apply keeps them: comparison of two objects and the FieldsV1 form.

A path is a tuple of elements as FieldsV1 writes them: `("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}')`.
The rules are those of structured-merge-diff: what is absent on one side counts with its whole path, atomic lists and
maps are one leaf, and an empty map is a leaf too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from infra.local.demo.server.schemas import ANY, KEY_DEFAULTS, Type

Path = tuple[str, ...]
Fields = set[Path]


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Any = _Absent()


@dataclass
class Comparison:
    """Which fields differ between two objects."""

    added: Fields = field(default_factory=set)
    modified: Fields = field(default_factory=set)
    removed: Fields = field(default_factory=set)

    @property
    def same(self) -> bool:
        return not (self.added or self.modified or self.removed)


def key_element(entry: Any, kind: Type) -> str | None:
    """The path element of an entry of a list that is a map or a set; None if it lacks its key."""
    if kind.list_type == "set":
        return "v:" + orjson.dumps(entry).decode()
    if not isinstance(entry, dict):
        return None
    key = {name: entry.get(name, KEY_DEFAULTS.get(name)) for name in sorted(kind.keys)}
    return "k:" + orjson.dumps({name: value for name, value in key.items() if value is not None}).decode()


def _is_leaf(kind: Type, before: Any, after: Any) -> bool:
    known = after if after not in (ABSENT, None) else before
    if kind.form == "scalar" or kind.atomic:
        return True
    if kind.form == "list" and kind.list_type == "atomic":
        return True
    if kind.form == "any" and not isinstance(known, dict):
        return True
    return _hollow(before) and _hollow(after)


def _hollow(value: Any) -> bool:
    return value is ABSENT or value is None or (isinstance(value, (dict, list)) and not value)


def _members(kind: Type, value: Any) -> dict[str, tuple[Type, Any]]:
    if isinstance(value, dict):
        return {"f:" + name: (kind.field(name) or ANY, item) for name, item in value.items()}
    if isinstance(value, list):
        found = {}
        for entry in value:
            element = key_element(entry, kind)
            if element is not None:
                found[element] = (kind.item or ANY, entry)
        return found
    return {}


def compare(kind: Type, before: Any, after: Any) -> Comparison:
    """What a write changes."""
    result = Comparison()
    _compare(kind, before, after, (), result)
    return result


def _compare(kind: Type, before: Any, after: Any, path: Path, result: Comparison) -> None:
    if before is after or (before == after and type(before) is type(after)):
        return
    leaf = _is_leaf(kind, before, after)
    if not leaf:
        old, new = _members(kind, before), _members(kind, after)
        for element in old.keys() | new.keys():
            member, was = old.get(element, (None, ABSENT))
            other, now = new.get(element, (None, ABSENT))
            _compare(other or member or ANY, was, now, (*path, element), result)
    if before is ABSENT:
        result.added.add(path)
    elif after is ABSENT:
        result.removed.add(path)
    elif leaf:
        result.modified.add(path)


def fields_of(kind: Type, value: Any) -> Fields:
    """The fields an applied configuration claims."""
    found: Fields = set()
    _collect(kind, value, (), found)
    return found


def _collect(kind: Type, value: Any, path: Path, found: Fields) -> None:
    if _is_leaf(kind, ABSENT, value):
        found.add(path)
        return
    declared = kind.form == "struct"
    for element, (member, item) in _members(kind, value).items():
        below = (*path, element)
        _collect(member, item, below, found)
        is_field = declared and element[2:] in kind.fields
        if not is_field:
            found.add(below)


def to_v1(fields: Fields) -> dict[str, Any]:
    """FieldsV1: nested, with "." where a field that has members is itself in the set."""
    tree: dict[str, Any] = {}
    for path in sorted(fields):
        node = tree
        for element in path:
            node = node.setdefault(element, {})
        node["."] = {}
    return _pruned(tree)


def _pruned(node: dict[str, Any]) -> dict[str, Any]:
    if node.keys() == {"."}:
        return {}
    return {key: {} if key == "." else _pruned(below) for key, below in node.items()}


def from_v1(tree: dict[str, Any]) -> Fields:
    """The set that a FieldsV1 tree stands for."""
    found: Fields = set()
    _expand(tree, (), found)
    return found


def _expand(node: dict[str, Any], path: Path, found: Fields) -> None:
    if not node and path:
        found.add(path)
    for key, below in node.items():
        if key == ".":
            found.add(path)
        else:
            _expand(below, (*path, key), found)


def dotted(path: Path) -> str:
    """A path as conflict messages show it: `.spec.template.spec.containers[name="app"].image`."""
    text = ""
    for element in path:
        if element.startswith("f:"):
            text += "." + element[2:]
        elif element.startswith("k:"):
            keys = orjson.loads(element[2:])
            text += "[" + ",".join(f"{key}={orjson.dumps(value).decode()}" for key, value in keys.items()) + "]"
        else:
            text += "[=" + element[2:] + "]"
    return text
