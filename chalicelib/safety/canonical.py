"""One way to write an object down: fingerprints, digests and field-by-field differences."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from chalicelib.clusters.operations import Operation
from chalicelib.safety.model import FieldChange, Target
from chalicelib.state.ids import TenantId

BOOKKEEPING = ("resourceVersion", "managedFields", "generation", "selfLink")
"""Metadata that the API server keeps about writes; a change of it alone is no change of the object."""
MOST_CHANGES = 200
TEXT_LIMIT = 2_000
Json = Mapping[str, Any]


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces."""
    return msgspec.json.encode(value, order="deterministic")


def substance(obj: Json) -> dict[str, Any]:
    """An object without status and bookkeeping: what a person means when they say that it has not changed."""
    meta = {key: value for key, value in (obj.get("metadata") or {}).items() if key not in BOOKKEEPING}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": meta}


def fingerprint(obj: Json) -> str:
    """SHA-256 over an object's substance."""
    return hashlib.sha256(canonical(substance(obj))).hexdigest()


def digest(
    tenant: TenantId, cluster: str, change: str, operations: Sequence[Operation], targets: Sequence[Target]
) -> str:
    """What an approval is bound to: tenant, cluster, request, every operation to the letter, every target's state.

    The resourceVersion in operations is left out: it moves with every status update. The targets' fingerprints stand
    for the state, and the version of the moment is sent as precondition.
    """
    plain = [{**msgspec.to_builtins(one), "resource_version": ""} for one in operations]
    held = [(t.kind, t.namespace, t.name, t.uid, t.fingerprint) for t in targets]
    return hashlib.sha256(canonical([tenant, cluster, change, plain, held])).hexdigest()


def changes_between(before: Any, after: Any) -> tuple[tuple[FieldChange, ...], int]:
    """(changes, omitted) between the substance of two objects; None is an object that does not exist."""
    found = list(_walk("", substance(before) if before else None, substance(after) if after else None))
    shown = tuple(FieldChange(path=c.path, before=_short(c.before), after=_short(c.after)) for c in found)
    return shown[:MOST_CHANGES], max(0, len(shown) - MOST_CHANGES)


def _walk(path: str, before: Any, after: Any) -> Iterator[FieldChange]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _walk(f"{path}/{_escaped(key)}", before.get(key), after.get(key))
        return
    if isinstance(before, list) and isinstance(after, list):
        yield from _walk_list(path, before, after)
        return
    yield FieldChange(path=path or "/", before=before, after=after)


def _walk_list(path: str, before: list[Any], after: list[Any]) -> Iterator[FieldChange]:
    """Entries with names are matched by name, so that an inserted container does not look like a change of all."""
    key = _list_key(before, after)
    if key:
        old, new = ({entry[key]: entry for entry in side} for side in (before, after))
        for name in dict.fromkeys([*old, *new]):
            yield from _walk(f"{path}/{_escaped(str(name))}", old.get(name), new.get(name))
        return
    for index in range(max(len(before), len(after))):
        old_item = before[index] if index < len(before) else None
        new_item = after[index] if index < len(after) else None
        yield from _walk(f"{path}/{index}", old_item, new_item)


def _list_key(before: list[Any], after: list[Any]) -> str:
    entries = [*before, *after]
    if not entries or not all(isinstance(entry, Mapping) and isinstance(entry.get("name"), str) for entry in entries):
        return ""
    unique = all(len({entry["name"] for entry in side}) == len(side) for side in (before, after))
    return "name" if unique else ""


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > TEXT_LIMIT:
        return f"{value[:TEXT_LIMIT]}... ({len(value):,} characters)"
    return value
