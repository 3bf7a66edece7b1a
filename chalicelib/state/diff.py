"""What changed between two snapshots of a cluster, field by field, in the structs that engines read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

import msgspec

from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Api, Ref
from chalicelib.state.snapshot import Snapshot

NOISE = ("/metadata/resourceVersion", "/metadata/generation", "/spec/renewTime", "/lastHeartbeatTime")
"""Fields that move without meaning anything."""
SKIPPED_KINDS = ("Event", "Lease")


class FieldChange(Api):
    pointer: str
    before: Any = None
    after: Any = None


class Change(Api):
    """One object that appeared, disappeared or differs. `at` is the best known time of the change."""

    ref: Ref
    what: Literal["added", "removed", "changed"]
    fields: list[FieldChange] = []
    at: datetime | None = None

    @property
    def spec_changed(self) -> bool:
        """Whether somebody's intent changed, not only what the cluster reports."""
        return any(not f.pointer.startswith("/status") for f in self.fields)


def diff(before: Snapshot, after: Snapshot, *, fields_per_object: int = 40) -> tuple[Change, ...]:
    """Changes of every kind that both snapshots read, sorted by kind, namespace, name.

    A kind that one of them could not read is left out: absence there proves nothing. Cost is linear in objects.
    """
    found: list[Change] = []
    for kind in sorted(set(before.objects) & set(after.objects)):
        if kind in SKIPPED_KINDS or not (before.was_read(kind) and after.was_read(kind)):
            continue
        found.extend(_of_kind(kind, before, after, fields_per_object))
    return tuple(found)


def _of_kind(kind: str, before: Snapshot, after: Snapshot, limit: int) -> Iterator[Change]:
    entry = KINDS.get(kind)
    scoped = entry is None or entry.namespaced
    old = {(o.metadata.namespace if scoped else "", o.metadata.name): o for o in before.of(kind)}
    new = {(o.metadata.namespace if scoped else "", o.metadata.name): o for o in after.of(kind)}
    for key in sorted(old.keys() | new.keys()):
        ref, was, now = Ref(kind, *key), old.get(key), new.get(key)
        if was is None and now is not None:
            yield Change(ref=ref, what="added", at=now.metadata.creation_timestamp)
        elif now is None:
            yield Change(ref=ref, what="removed", at=after.taken_at)
        elif (was is not None and _version(was) != _version(now)) or was != now:
            fields = [f for f in _fields(_plain(was), _plain(now), "") if not _noise(f.pointer)]
            if fields:
                yield Change(ref=ref, what="changed", fields=fields[:limit], at=after.taken_at)


def _plain(value: Any) -> Any:
    """Plain values of a struct with its defaults, so that "from 1 to 3" does not read "from nothing to 3"."""
    if isinstance(value, msgspec.Struct):
        fields = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
        return {encoded: _plain(getattr(value, name)) for name, encoded in fields}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _version(obj: Any) -> tuple[str, str]:
    return obj.metadata.uid, obj.metadata.resource_version


def _noise(pointer: str) -> bool:
    return any(pointer.endswith(ending) for ending in NOISE)


def _fields(was: Any, now: Any, pointer: str) -> Iterator[FieldChange]:
    if was == now:
        return
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted(was.keys() | now.keys()):
            yield from _fields(was.get(key), now.get(key), f"{pointer}/{_escape(key)}")
    elif isinstance(was, list) and isinstance(now, list):
        yield from _items(was, now, pointer)
    else:
        yield FieldChange(pointer=pointer, before=was, after=now)


def _items(was: list[Any], now: list[Any], pointer: str) -> Iterator[FieldChange]:
    """Lists of named things are compared by name or type, others by position."""
    for key in ("name", "type"):
        if all(isinstance(i, dict) and key in i for i in (*was, *now)) and was + now:
            old, new = {i[key]: i for i in was}, {i[key]: i for i in now}
            for name in sorted(old.keys() | new.keys()):
                yield from _fields(old.get(name), new.get(name), f"{pointer}/{_escape(str(name))}")
            return
    for index in range(max(len(was), len(now))):
        old_item = was[index] if index < len(was) else None
        new_item = now[index] if index < len(now) else None
        yield from _fields(old_item, new_item, f"{pointer}/{index}")


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
