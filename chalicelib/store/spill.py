"""Bodies too large for a table go to the object store by digest; the item keeps a pointer.

Repositories do not notice. Blobs of a partition live under one prefix and go when the partition goes; a body
that is overwritten leaves its blob until then, or, when the item has an expiry, to the bucket's lifecycle
rule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from chalicelib.state.ids import TenantId
from chalicelib.store.keys import digest
from chalicelib.store.ports import Item, Objects, Table, Write

SPILL_ABOVE_BYTES = 128 * 1024
"""DynamoDB refuses items above 400 KB; below 128 KB, a whole transaction of MAX_WRITES_TOGETHER also fits (4 MB)."""

_POINTER = b"\x00blob:"


class SpillingTable:
    """A Table whose bodies may have any size."""

    def __init__(self, table: Table, objects: Objects, *, spill_above_bytes: int = SPILL_ABOVE_BYTES) -> None:
        self._table = table
        self._objects = objects
        self._limit = spill_above_bytes

    def get(self, tenant: TenantId, partition: str, sort: str) -> Item | None:
        item = self._table.get(tenant, partition, sort)
        return self._whole(tenant, item) if item else None

    def get_many(self, tenant: TenantId, keys: Iterable[tuple[str, str]]) -> list[Item]:
        return [self._whole(tenant, item) for item in self._table.get_many(tenant, keys)]

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
        found = self._table.query(
            tenant,
            partition,
            prefix=prefix,
            after=after,
            limit=limit,
            newest_first=newest_first,
            by_index=by_index,
        )
        return [self._whole(tenant, item) for item in found]

    def write(self, tenant: TenantId, write: Write) -> None:
        self._table.write(tenant, replace(write, item=self._spilled(tenant, write.item)))

    def write_together(self, tenant: TenantId, writes: Sequence[Write]) -> None:
        self._table.write_together(tenant, [replace(write, item=self._spilled(tenant, write.item)) for write in writes])

    def write_many(self, tenant: TenantId, items: Iterable[Item]) -> None:
        self._table.write_many(tenant, (self._spilled(tenant, item) for item in items))

    def delete(self, tenant: TenantId, partition: str, sort: str, *, expected: int | None = None) -> bool:
        return self._table.delete(tenant, partition, sort, expected=expected)

    def delete_many(self, tenant: TenantId, keys: Iterable[tuple[str, str]]) -> None:
        self._table.delete_many(tenant, keys)

    def delete_partition(self, tenant: TenantId, partition: str) -> None:
        self._table.delete_partition(tenant, partition)
        self._objects.delete_prefix(tenant, _blobs_of(partition))

    def scan(self) -> Iterator[tuple[TenantId, Item]]:
        for tenant, item in self._table.scan():
            yield tenant, self._whole(tenant, item)

    def _spilled(self, tenant: TenantId, item: Item) -> Item:
        if len(item.body) <= self._limit:
            return item
        key = _blobs_of(item.partition) + hashlib.sha256(item.body).hexdigest()
        # The blob first: an item never points at what is not there.
        self._objects.put(tenant, key, item.body, temporary=item.expires_at is not None)
        return replace(item, body=_POINTER + key.encode())

    def _whole(self, tenant: TenantId, item: Item) -> Item:
        if not item.body.startswith(_POINTER):
            return item
        return replace(item, body=self._objects.get(tenant, item.body[len(_POINTER) :].decode()))


def _blobs_of(partition: str) -> str:
    return f"blobs/{digest(partition)[:32]}/"
