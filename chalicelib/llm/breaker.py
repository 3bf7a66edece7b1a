"""A circuit breaker for each provider and model of a tenant, shared by all processes.

Five transient failures within a minute open it for half a minute; then one caller may try. Permanent errors (a wrong
key, an unknown model, a refused parameter) do not open it: they are told, and no time heals them.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

import msgspec

from chalicelib.state.ids import TenantId
from chalicelib.store.cache import Cache
from chalicelib.store.clusters import Leases

FAILURES = 5
WITHIN_S = 60
OPEN_S = 30
KEPT_S = 3600


class _State(msgspec.Struct, frozen=True):
    failures: tuple[float, ...] = ()
    opened_at: float | None = None


class Breaker:
    """State in the cache: a lost write costs one more try. The one that tries a half-open circuit holds a lease."""

    def __init__(self, cache: Cache, leases: Leases) -> None:
        self._cache = cache
        self._leases = leases

    def allows(self, tenant: TenantId, circuit: str, now: datetime) -> bool:
        """Whether a call may be made; of a circuit that was open, to one caller at a time."""
        state = self._state(tenant, circuit, now)
        if state.opened_at is None:
            return True
        if now.timestamp() < state.opened_at + OPEN_S:
            return False
        # A holder of its own for each call: the same holder would be given its lease again.
        holder = secrets.token_hex(8)
        return self._leases.acquire(tenant, f"llm-circuit/{circuit}", holder, OPEN_S, now) is not None

    def failed(self, tenant: TenantId, circuit: str, now: datetime) -> None:
        """A transient failure."""
        state, at = self._state(tenant, circuit, now), now.timestamp()
        recent = (*(t for t in state.failures[-FAILURES:] if t > at - WITHIN_S), at)
        opens = state.opened_at is not None or len(recent) >= FAILURES
        self._put(tenant, circuit, _State(recent, at if opens else None), now)

    def worked(self, tenant: TenantId, circuit: str, now: datetime) -> None:
        if self._state(tenant, circuit, now) != _State():
            self._put(tenant, circuit, _State(), now)

    def open_circuits(self, tenant: TenantId, circuits: Sequence[str], now: datetime) -> list[str]:
        """Those that refuse calls now, to be shown."""
        return [c for c in circuits if self._state(tenant, c, now).opened_at is not None]

    def _state(self, tenant: TenantId, circuit: str, now: datetime) -> _State:
        found = self._cache.get(tenant, f"llm-circuit/{circuit}", now)
        return msgspec.json.decode(found, type=_State) if found else _State()

    def _put(self, tenant: TenantId, circuit: str, state: _State, now: datetime) -> None:
        self._cache.put(tenant, f"llm-circuit/{circuit}", msgspec.json.encode(state), KEPT_S, now)
