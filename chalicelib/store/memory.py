"""In-memory twins of the ports: the same behaviour in one process, thread-safe, for tests and trying out.

They keep encoded bytes, as a table does, so that no caller can change what is stored through a shared object.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import BinaryIO
from urllib.parse import quote

from chalicelib.errors import NotFound
from chalicelib.state.ids import TenantId
from chalicelib.store.facade import TABLE_GROUPS, Clock, Store, assemble, wall_clock
from chalicelib.store.keys import (
    fits,
    object_key,
    object_prefix,
    partition_key,
    secret_name,
    split_partition_key,
)
from chalicelib.store.memory_queue import MemoryQueue
from chalicelib.store.ports import Anchor, ConditionFailed, Item, ObjectInfo, Upload, Write
from chalicelib.store.spill import SPILL_ABOVE_BYTES


def memory_store(*, clock: Clock = wall_clock, spill_above_bytes: int = SPILL_ABOVE_BYTES) -> Store:
    """A store that lives as long as the process. `clock` is asked for item expiry and queue times."""
    return assemble(
        tables={group: MemoryTable(clock) for group in TABLE_GROUPS},
        objects=MemoryObjects(clock),
        anchors=MemoryAnchors(),
        secrets=MemorySecrets(),
        queue=MemoryQueue(clock),
        audit_queue=MemoryQueue(clock),
        submit=None,
        spill_above_bytes=spill_above_bytes,
    )


class MemoryAnchors:
    def __init__(self) -> None:
        self._kept: dict[TenantId, set[Anchor]] = {}

    def put(self, tenant: TenantId, anchor: Anchor) -> None:
        self._kept.setdefault(tenant, set()).add(anchor)

    def list(self, tenant: TenantId) -> Sequence[Anchor]:
        return sorted(self._kept.get(tenant, ()))


class MemoryTable:
    def __init__(self, clock: Clock = wall_clock) -> None:
        self._clock = clock
        self._partitions: dict[str, dict[str, Item]] = {}
        self._lock = threading.RLock()

    def get(self, tenant: TenantId, partition: str, sort: str) -> Item | None:
        with self._lock:
            item = self._partitions.get(partition_key(tenant, partition), {}).get(sort)
            return item if item and self._alive(item) else None

    def get_many(self, tenant: TenantId, keys: Iterable[tuple[str, str]]) -> list[Item]:
        found = (self.get(tenant, partition, sort) for partition, sort in dict.fromkeys(keys))
        return [item for item in found if item]

    def query(
        self,
        tenant: TenantId,
        partition: str,
        *,
        prefix: str = "",
        after: str = "",
        limit: int | None = None,
        newest_first: bool = False,
        by_index: bool = False,
    ) -> list[Item]:
        with self._lock:
            ordered = self._indexed(tenant, partition) if by_index else self._sorted(tenant, partition)
        ordered.sort(key=lambda pair: pair[0], reverse=newest_first)
        found = [
            item
            for key, item in ordered
            if key.startswith(prefix) and _beyond(key, after, newest_first) and self._alive(item)
        ]
        return found[:limit]

    def write(self, tenant: TenantId, write: Write) -> None:
        self.write_together(tenant, [write])

    def write_together(self, tenant: TenantId, writes: Sequence[Write]) -> None:
        with self._lock:
            for write in writes:
                self._check(tenant, write)
            for write in writes:
                self._partition(tenant, write.item.partition)[write.item.sort] = write.item

    def write_many(self, tenant: TenantId, items: Iterable[Item]) -> None:
        for item in items:
            self.write(tenant, Write(item))

    def delete(self, tenant: TenantId, partition: str, sort: str, *, expected: int | None = None) -> bool:
        with self._lock:
            items = self._partitions.get(partition_key(tenant, partition), {})
            item = items.get(sort)
            if item is None or (expected is not None and item.revision != expected):
                return False
            del items[sort]
            return True

    def delete_many(self, tenant: TenantId, keys: Iterable[tuple[str, str]]) -> None:
        for partition, sort in keys:
            self.delete(tenant, partition, sort)

    def delete_partition(self, tenant: TenantId, partition: str) -> None:
        with self._lock:
            self._partitions.pop(partition_key(tenant, partition), None)

    def scan(self) -> Iterator[tuple[TenantId, Item]]:
        with self._lock:
            everything = [(key, item) for key, items in self._partitions.items() for item in items.values()]
        for key, item in everything:
            if self._alive(item):
                yield split_partition_key(key)[0], item

    def _alive(self, item: Item) -> bool:
        return item.expires_at is None or item.expires_at > self._clock()

    def _partition(self, tenant: TenantId, partition: str) -> dict[str, Item]:
        return self._partitions.setdefault(partition_key(tenant, partition), {})

    def _sorted(self, tenant: TenantId, partition: str) -> list[tuple[str, Item]]:
        return list(self._partitions.get(partition_key(tenant, partition), {}).items())

    def _indexed(self, tenant: TenantId, partition: str) -> list[tuple[str, Item]]:
        own = partition_key(tenant, "")
        return [
            (item.index[1], item)
            for key, items in self._partitions.items()
            if key == own or key.startswith(f"{own}#")
            for item in items.values()
            if item.index and item.index[0] == partition
        ]

    def _check(self, tenant: TenantId, write: Write) -> None:
        item = write.item
        if not fits(item.partition, item.sort):
            raise ValueError("the key of an item is too long or no valid text")
        if write.expected is None:
            return
        present = self._partition(tenant, item.partition).get(item.sort)
        # An expired item that nobody has removed yet still counts: its revision decides, as in DynamoDB.
        if (present.revision if present else 0) != write.expected:
            raise ConditionFailed


class MemoryObjects:
    def __init__(self, clock: Clock = wall_clock) -> None:
        self._clock = clock
        self._objects: dict[str, tuple[bytes, datetime]] = {}
        self._lock = threading.RLock()

    def put(self, tenant: TenantId, key: str, data: bytes | BinaryIO, *, temporary: bool = False) -> None:
        content = bytes(data) if isinstance(data, bytes | bytearray | memoryview) else data.read()
        with self._lock:
            self._objects[object_key(tenant, key)] = (content, datetime.fromtimestamp(self._clock(), UTC))

    def get(self, tenant: TenantId, key: str) -> bytes:
        with self._lock:
            found = self._objects.get(object_key(tenant, key))
        if found is None:
            raise unknown_object(key)
        return found[0]

    def download(self, tenant: TenantId, key: str, sink: BinaryIO) -> None:
        sink.write(self.get(tenant, key))

    def size(self, tenant: TenantId, key: str) -> int | None:
        with self._lock:
            found = self._objects.get(object_key(tenant, key))
        return None if found is None else len(found[0])

    def delete(self, tenant: TenantId, key: str) -> None:
        with self._lock:
            self._objects.pop(object_key(tenant, key), None)

    def delete_prefix(self, tenant: TenantId, prefix: str) -> int:
        if not prefix:
            raise ValueError("refusing to delete everything of a tenant")
        doomed = self.list(tenant, prefix)
        for info in doomed:
            self.delete(tenant, info.key)
        return len(doomed)

    def list(self, tenant: TenantId, prefix: str = "") -> Sequence[ObjectInfo]:
        start = object_prefix(tenant, prefix)
        return [info for owner, info in self.all() if owner == tenant and f"{owner}/{info.key}".startswith(start)]

    def presign_put(self, tenant: TenantId, key: str, *, expires_s: int, content_type: str, max_bytes: int) -> Upload:
        url = f"memory:///{quote(object_key(tenant, key))}?expires={expires_s}"
        return Upload("PUT", url, {"Content-Type": content_type}, max_bytes)

    def presign_get(self, tenant: TenantId, key: str, *, expires_s: int) -> str:
        return f"memory:///{quote(object_key(tenant, key))}?expires={expires_s}"

    def all(self) -> Iterator[tuple[TenantId, ObjectInfo]]:
        with self._lock:
            everything = sorted(self._objects.items())
        for full, (content, modified) in everything:
            tenant, _, key = full.partition("/")
            etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
            yield TenantId(tenant), ObjectInfo(key, len(content), modified, etag)


class MemorySecrets:
    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._lock = threading.RLock()

    def put(self, tenant: TenantId, scope: str, name: str, value: str) -> None:
        with self._lock:
            self._values[secret_name("memory", tenant, scope, name)] = value

    def get(self, tenant: TenantId, scope: str, name: str) -> str:
        with self._lock:
            value = self._values.get(secret_name("memory", tenant, scope, name))
        if value is None:
            raise unknown_secret()
        return value

    def delete(self, tenant: TenantId, scope: str, name: str) -> None:
        with self._lock:
            self._values.pop(secret_name("memory", tenant, scope, name), None)

    def names(self, tenant: TenantId, scope: str) -> list[str]:
        return sorted(name for owner, at, name in self.all() if (owner, at) == (tenant, scope))

    def all(self) -> Iterator[tuple[TenantId, str, str]]:
        with self._lock:
            known = sorted(self._values)
        for full in known:
            _, tenant, scope, name = full.split("/")
            yield TenantId(tenant), scope, name


def _beyond(key: str, after: str, newest_first: bool) -> bool:
    if not after:
        return True
    return key < after if newest_first else key > after


def unknown_object(key: str) -> NotFound:
    """The error for an object that is not there."""
    return NotFound(
        f"There is no object {key!r}.",
        code="unknown_object",
        remedy="Upload it first; an upload address is valid for a limited time.",
    )


def unknown_secret() -> NotFound:
    """The error for a secret that is not there; it names nothing."""
    return NotFound("There is no such secret.", code="unknown_secret", remedy="Connect the cluster again.")
