"""Computed values with an expiry, and open WebSockets: what may vanish without loss."""

from __future__ import annotations

from datetime import datetime

import msgspec

from chalicelib.state.ids import TenantId
from chalicelib.store import codec
from chalicelib.store.keys import digest
from chalicelib.store.ports import ConditionFailed, Item, Table, Write
from chalicelib.store.records import SocketConnection

MAX_TTL_S = 14 * 86400
"""Shorter than the lifecycle of temporary objects, so that a large value never outlives its blob."""

SOCKET_TTL_S = 2 * 3600
"""API Gateway closes a WebSocket after two hours."""


class _Cached(msgspec.Struct, frozen=True):
    expires_at: float
    value: bytes


class Cache:
    """Bytes by key.

    The expiry is checked on every read: DynamoDB itself removes expired items only after hours.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, tenant: TenantId, key: str, now: datetime) -> bytes | None:
        """The value, None when there is none or it has expired at `now`."""
        item = self._table.get(tenant, _partition(key), "VALUE")
        if item is None:
            return None
        cached = codec.decode(item.body, _Cached)
        return cached.value if cached.expires_at > now.timestamp() else None

    def put(self, tenant: TenantId, key: str, value: bytes, ttl_s: float, now: datetime) -> None:
        """Keep a value for `ttl_s` seconds (at most MAX_TTL_S)."""
        expires_at = now.timestamp() + min(ttl_s, MAX_TTL_S)
        body = codec.encode(_Cached(expires_at, value))
        self._table.write(tenant, Write(Item(_partition(key), "VALUE", body, expires_at=int(expires_at) + 1)))

    def remove(self, tenant: TenantId, key: str) -> None:
        self._table.delete(tenant, _partition(key), "VALUE")


class Connections:
    """Open WebSockets, by id and by the conversation that they show."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, tenant: TenantId, connection: SocketConnection) -> None:
        self._table.write_many(tenant, _items(connection))

    def find(self, tenant: TenantId, connection: str) -> SocketConnection | None:
        item = self._table.get(tenant, "", f"SOCKET#{connection}")
        return codec.decode(item.body, SocketConnection) if item else None

    def show(self, tenant: TenantId, connection: str, conversation: str) -> SocketConnection | None:
        """Say which conversation a socket shows from now on; None when the socket is gone."""
        known = self.find(tenant, connection)
        if known is None or known.conversation == conversation:
            return known
        shown = msgspec.structs.replace(known, conversation=conversation)
        first, *others = _items(shown)
        try:
            # Only over what is still there: a socket that closes meanwhile must not come back.
            self._table.write_together(tenant, [Write(first, expected=1), *(Write(item) for item in others)])
        except ConditionFailed:
            return None
        if known.conversation:
            self._table.delete(tenant, _partition_of(known.conversation), f"SOCKET#{connection}")
        return shown

    def remove(self, tenant: TenantId, connection: str) -> None:
        """Forget a socket; no error when it is not known."""
        known = self.find(tenant, connection)
        if known is None:
            return
        self._table.delete_many(tenant, ((item.partition, item.sort) for item in _items(known)))

    def list_for_conversation(self, tenant: TenantId, conversation: str) -> list[SocketConnection]:
        """Sockets that show a conversation.

        Strongly consistent: a frame finds a socket that has just joined.
        """
        items = self._table.query(tenant, _partition_of(conversation), prefix="SOCKET#")
        return [codec.decode(item.body, SocketConnection) for item in items]


def _partition(key: str) -> str:
    return f"K#{digest(key)}"


def _partition_of(conversation: str) -> str:
    return f"C#{conversation}"


def _items(connection: SocketConnection) -> list[Item]:
    body = codec.encode(connection)
    expires_at = int(connection.created_at.timestamp()) + SOCKET_TTL_S
    by_id = Item("", f"SOCKET#{connection.id}", body, expires_at=expires_at)
    if connection.conversation is None:
        return [by_id]
    shown = Item(_partition_of(connection.conversation), f"SOCKET#{connection.id}", body, expires_at=expires_at)
    return [by_id, shown]
