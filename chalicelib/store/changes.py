"""Change requests of a tenant."""

from __future__ import annotations

from datetime import datetime

import msgspec

from chalicelib.errors import Conflict, NotFound
from chalicelib.state.ids import TenantId
from chalicelib.store import codec
from chalicelib.store.pages import Page, checked_limit, decode_cursor, page_of
from chalicelib.store.ports import ConditionFailed, Item, Table, Write
from chalicelib.store.records import ChangeRecord

_PARTITION = "CHANGES"
_LOOKED_AT_ONCE = 200


class Changes:
    """Every write names the revision that it is based on: two deciders cannot both decide."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, tenant: TenantId, record: ChangeRecord) -> ChangeRecord:
        """Store a new request. Raises Conflict when the id is taken."""
        stored = msgspec.structs.replace(record, revision=1)
        try:
            self._table.write(tenant, Write(_item(stored), expected=0))
        except ConditionFailed:
            raise Conflict(f"Change {record.id!r} exists already.", code="change_exists") from None
        return stored

    def get(self, tenant: TenantId, change: str) -> ChangeRecord:
        """Raises NotFound `unknown_change`."""
        item = self._table.get(tenant, _PARTITION, f"CHANGE#{change}")
        if item is None:
            raise NotFound(
                f"There is no change {change!r}.", code="unknown_change", remedy="List the changes to see their ids."
            )
        return codec.decode(item.body, ChangeRecord)

    def update(self, tenant: TenantId, record: ChangeRecord) -> ChangeRecord:
        """Store a changed request over the revision that it was read at.

        Raises Conflict `change_moved_on` when another writer was first.
        """
        stored = msgspec.structs.replace(record, revision=record.revision + 1)
        try:
            self._table.write(tenant, Write(_item(stored), expected=record.revision))
        except ConditionFailed:
            raise Conflict(
                f"Change {record.id!r} moved on meanwhile.", code="change_moved_on", remedy="Look at its state again."
            ) from None
        return stored

    def list(
        self,
        tenant: TenantId,
        *,
        cluster: str = "",
        statuses: tuple[str, ...] = (),
        limit: int = 100,
        cursor: str | None = None,
        since: datetime | None = None,
    ) -> Page[ChangeRecord]:
        """Requests made after `since`, newest first. Raises InvalidRequest for a foreign cursor."""
        scope = f"changes/{cluster}/{','.join(statuses)}"
        after = decode_cursor(tenant, scope, cursor)
        wanted = checked_limit(limit) + 1
        found: list[Item] = []
        while len(found) < wanted:
            page = self._table.query(
                tenant, _PARTITION, after=after, limit=_LOOKED_AT_ONCE, newest_first=True, by_index=True
            )
            records = [(item, codec.decode(item.body, ChangeRecord)) for item in page]
            young = [(item, record) for item, record in records if since is None or record.created_at >= since]
            found += [item for item, record in young if _wanted(record, cluster, statuses)]
            if len(page) < _LOOKED_AT_ONCE or len(young) < len(records):
                break
            after = page[-1].index[1] if page[-1].index else ""
        return page_of(
            tenant,
            scope,
            found[:wanted],
            limit,
            lambda item: item.index[1] if item.index else "",
            lambda item: codec.decode(item.body, ChangeRecord),
        )


def _wanted(record: ChangeRecord, cluster: str, statuses: tuple[str, ...]) -> bool:
    return (not cluster or record.cluster == cluster) and (not statuses or record.status in statuses)


def _item(record: ChangeRecord) -> Item:
    order = f"{record.created_at:%Y%m%dT%H%M%S%f}#{record.id}"
    return Item(
        _PARTITION, f"CHANGE#{record.id}", codec.encode(record), revision=record.revision, index=(_PARTITION, order)
    )
