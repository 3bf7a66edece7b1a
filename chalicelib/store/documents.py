"""Small things of a tenant by kind: policies, autonomy settings, standing approvals, schedules, notices."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chalicelib.errors import Conflict, unknown
from chalicelib.state.ids import TenantId
from chalicelib.store import codec
from chalicelib.store.ports import ConditionFailed, Item, Table, Write
from chalicelib.store.records import Document

NOTICE_KEPT_S = 90 * 86_400
_EXPIRING = {"notice": NOTICE_KEPT_S}
"""Kinds that are told and not configured: they go after a while."""


class Documents:
    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, tenant: TenantId, document: Document) -> Document:
        """Store a document over the revision that it was read at (0: a new one). Raises Conflict."""
        stored = msgspec.structs.replace(document, revision=document.revision + 1)
        try:
            self._table.write(tenant, Write(_item(stored), expected=document.revision))
        except ConditionFailed:
            raise Conflict(f"{document.kind} {document.id!r} was changed meanwhile.") from None
        return stored

    def find(self, tenant: TenantId, kind: str, document: str) -> Document | None:
        item = self._table.get(tenant, _partition(kind), f"DOCUMENT#{document}")
        return codec.decode(item.body, Document) if item else None

    def get(self, tenant: TenantId, kind: str, document: str) -> Document:
        """Raises NotFound `unknown_<kind>` naming those that exist."""
        found = self.find(tenant, kind, document)
        if found is None:
            raise unknown(kind.replace("_", " "), document, (one.id for one in self.list(tenant, kind)))
        return found

    def list(self, tenant: TenantId, kind: str) -> Sequence[Document]:
        """All documents of a kind, in the order of their ids."""
        items = self._table.query(tenant, _partition(kind), prefix="DOCUMENT#")
        return [codec.decode(item.body, Document) for item in items]

    def remove(self, tenant: TenantId, kind: str, document: str) -> bool:
        return self._table.delete(tenant, _partition(kind), f"DOCUMENT#{document}")


def _partition(kind: str) -> str:
    return f"DOC#{kind}"


def _item(document: Document) -> Item:
    kept = _EXPIRING.get(document.kind)
    return Item(
        _partition(document.kind),
        f"DOCUMENT#{document.id}",
        codec.encode(document),
        revision=document.revision,
        expires_at=int(document.updated_at.timestamp()) + kept if kept else None,
    )
