"""Model providers of a tenant, its budgets, and what was used. Keys of providers are secrets and are not here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from chalicelib.errors import Conflict, Unavailable, unknown
from chalicelib.state.ids import TenantId
from chalicelib.state.structs import ready
from chalicelib.store import codec
from chalicelib.store.ports import ConditionFailed, Item, Table, Write
from chalicelib.store.records import Json, Record

ProviderKind = Literal["anthropic", "openai", "ollama", "compatible"]
Period = Literal["day", "month"]
Scope = Literal["tenant", "user"]
_ATTEMPTS = 40
_USAGE = "LLM-USAGE"
KEPT_S = 400 * 86400
"""Usage is kept a little longer than a year."""


class LlmProvider(Record, frozen=True, kw_only=True):
    """A connection to a model. `position`: its place in the chain, lowest first. `profile`: what its test learned."""

    id: str
    kind: ProviderKind
    name: str
    model: str
    base_url: str = ""
    position: int = 0
    enabled: bool = True
    key_set_at: datetime | None = None
    profile: Json | None = None
    tested_at: datetime | None = None
    test_ok: bool | None = None
    test_steps: tuple[Json, ...] = ()
    revision: int = 0


class LlmBudget(Record, frozen=True, kw_only=True):
    """A limit of a tenant, or of each of its users, for a day or a month (UTC). None: no limit of that kind."""

    scope: Scope
    period: Period
    micro_usd: int | None = None
    tokens: int | None = None


class Reservation(Record, frozen=True, kw_only=True):
    """What a call that runs may use at most; it counts until it is settled or its time is over."""

    id: str
    micro_usd: int
    tokens: int
    expires_at: datetime


class LlmCounter(Record, frozen=True, kw_only=True):
    """What was used within a period by a tenant (`user` empty) or a user. `unpriced` counts calls of unknown cost."""

    period: str
    user: str = ""
    calls: int = 0
    failed: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    micro_usd: int = 0
    by_model: Json = {}
    """`{"provider/model": {"calls", "tokens", "micro_usd"}}`."""
    reserved: tuple[Reservation, ...] = ()
    warned: tuple[str, ...] = ()
    revision: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


class LlmRecords:
    """Repository over the core table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    # Providers

    def providers(self, tenant: TenantId) -> Sequence[LlmProvider]:
        """All, in the order of the chain."""
        items = self._table.query(tenant, "", prefix="LLM-PROVIDER#")
        return sorted((codec.decode(i.body, LlmProvider) for i in items), key=lambda p: (p.position, p.id))

    def provider(self, tenant: TenantId, id_: str) -> LlmProvider:
        """Raises NotFound `unknown_provider`."""
        item = self._table.get(tenant, "", f"LLM-PROVIDER#{id_}")
        if item is None:
            raise unknown("provider", id_, (known.id for known in self.providers(tenant)))
        return codec.decode(item.body, LlmProvider)

    def put_provider(self, tenant: TenantId, provider: LlmProvider) -> LlmProvider:
        """Write over the revision that the record was read at; 0 adds it. Raises Conflict."""
        stored = msgspec.structs.replace(provider, revision=provider.revision + 1)
        item = Item("", f"LLM-PROVIDER#{provider.id}", codec.encode(stored), revision=stored.revision)
        try:
            self._table.write(tenant, Write(item, expected=provider.revision))
        except ConditionFailed:
            raise Conflict("The provider was changed meanwhile.", code="provider_changed") from None
        return stored

    def remove_provider(self, tenant: TenantId, id_: str) -> None:
        self._table.delete(tenant, "", f"LLM-PROVIDER#{id_}")

    # Budgets

    def budgets(self, tenant: TenantId) -> Sequence[LlmBudget]:
        item = self._table.get(tenant, "", "LLM-BUDGETS")
        return codec.decode(item.body, tuple[LlmBudget, ...]) if item else ()

    def set_budgets(self, tenant: TenantId, budgets: Sequence[LlmBudget]) -> None:
        self._table.write(tenant, Write(Item("", "LLM-BUDGETS", codec.encode(tuple(budgets)))))

    # Usage

    def counter(self, tenant: TenantId, period: str, user: str = "") -> LlmCounter:
        item = self._table.get(tenant, _USAGE, _sort(period, user))
        return codec.decode(item.body, LlmCounter) if item else LlmCounter(period=period, user=user)

    def counters(self, tenant: TenantId, prefix: str) -> Sequence[LlmCounter]:
        """Counters of the periods that begin with `prefix`, of the tenant and of its users."""
        items = self._table.query(tenant, _USAGE, prefix=prefix)
        return [codec.decode(item.body, LlmCounter) for item in items]

    def change(
        self,
        tenant: TenantId,
        keys: Sequence[tuple[str, str]],
        change: Callable[[LlmCounter], LlmCounter],
        now: datetime,
    ) -> Mapping[tuple[str, str], LlmCounter]:
        """Change counters, all or none: `change` sees each as it is, and may raise to change nothing.

        Raises Unavailable when others write again and again between reading and writing.
        """
        for _ in range(_ATTEMPTS):
            changed = {key: change(self.counter(tenant, *key)) for key in keys}
            writes = []
            for (period, user), counter in changed.items():
                stored = msgspec.structs.replace(counter, revision=counter.revision + 1)
                item = Item(
                    _USAGE, _sort(period, user), codec.encode(stored), revision=stored.revision,
                    expires_at=int(now.timestamp()) + KEPT_S,
                )  # fmt: skip
                writes.append(Write(item, expected=counter.revision))
            try:
                self._table.write_together(tenant, writes)
            except ConditionFailed:
                continue
            return changed
        raise Unavailable("Too many calls are being counted at once.", code="counter_busy")


def _sort(period: str, user: str) -> str:
    return f"{period}#{user}"


ready(LlmProvider, LlmBudget, Reservation, LlmCounter)
