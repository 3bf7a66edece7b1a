"""How often something was done within a minute, counted over all processes: for doors that are open to everybody."""

from __future__ import annotations

import math
from datetime import datetime

import msgspec

from chalicelib.errors import TooManyRequests
from chalicelib.state.ids import TenantId
from chalicelib.store import codec
from chalicelib.store.keys import digest
from chalicelib.store.ports import ConditionFailed, Item, Table, Write

WINDOW_S = 60
_ATTEMPTS = 5


class _Count(msgspec.Struct, frozen=True):
    window: int
    count: int


class Rates:
    """Counters in fixed windows of WINDOW_S. A caller that stands on an edge may have twice the limit, once."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def take(self, tenant: TenantId, name: str, limit: int, now: datetime) -> None:
        """Count one use of `name`. Raises TooManyRequests beyond `limit` in a window, with the seconds to wait.

        When several count at the same moment and one loses again and again, it is let through uncounted: the limit is
        a brake, not a lock.
        """
        partition, window = f"R#{digest(name)}", math.floor(now.timestamp() / WINDOW_S)
        for _ in range(_ATTEMPTS):
            item = self._table.get(tenant, partition, "COUNT")
            known = codec.decode(item.body, _Count) if item else _Count(window, 0)
            count = known.count if known.window == window else 0
            if count >= limit:
                wait_s = max(1, math.ceil((window + 1) * WINDOW_S - now.timestamp()))
                raise TooManyRequests(
                    f"More than {limit} requests in a minute.", details={"retry_after_s": wait_s, "limit": limit}
                )
            # A counter that has expired may still lie in the table, unseen: without one in hand, none is expected.
            revision = item.revision if item else 0
            body = codec.encode(_Count(window, count + 1))
            expires_at = (window + 2) * WINDOW_S
            fresh = Item(partition, "COUNT", body, revision=revision + 1, expires_at=expires_at)
            try:
                self._table.write(tenant, Write(fresh, expected=revision or None))
            except ConditionFailed:
                continue
            return
