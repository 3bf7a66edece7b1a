"""Budgets in dollars and tokens: reserved before a call, settled after it, so that calls at once cannot pass a limit.

A tenant and each of its users have counters for the day and the month (UTC). A call whose price is not known counts in
tokens, and is refused where only a limit in dollars could hold it. At 80 % somebody is told once; at the limit the
answer is the engine's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from chalicelib.llm.capabilities import ProviderKind
from chalicelib.llm.errors import LlmError
from chalicelib.llm.events import Usage
from chalicelib.llm.prices import cost_micro_usd
from chalicelib.state.ids import TenantId
from chalicelib.store.llm import LlmBudget, LlmCounter, LlmRecords, Period, Reservation, Scope

WARN_AT = 0.8
HOLD_FOR = timedelta(minutes=16)
"""A worker lives for 15 minutes: what it reserved is free again after that, even if it was killed."""


class BudgetExceeded(LlmError):
    code = "llm_budget_exceeded"
    status = 429
    default_remedy = "Ask an administrator to raise the budget; answers without a model go on."


@dataclass(frozen=True, slots=True)
class Warning80:
    """A budget of which 80 % are used; told once in its period."""

    scope: Scope
    period: str
    user: str
    what: str
    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Held:
    """A reservation: `id` in the counters `keys`."""

    id: str
    keys: tuple[tuple[str, str], ...]


def period_of(period: Period, now: datetime) -> str:
    """`2026-11` or `2026-11-22`."""
    return now.strftime("%Y-%m" if period == "month" else "%Y-%m-%d")


def keys_of(user: str, now: datetime) -> tuple[tuple[str, str], ...]:
    """The counters that a call of a user counts in: the tenant's and the user's, of the day and of the month."""
    periods = (period_of("day", now), period_of("month", now))
    return tuple((period, who) for who in dict.fromkeys(("", user)) for period in periods)


class Meter:
    """Reserves and settles."""

    def __init__(self, records: LlmRecords) -> None:
        self._records = records

    def reserve(
        self, tenant: TenantId, user: str, id_: str, provider: ProviderKind, model: str, most: Usage, now: datetime
    ) -> Held:
        """Hold what a call may use at most. Raises BudgetExceeded naming the budget."""
        cost = cost_micro_usd(provider, model, most)
        budgets = self._records.budgets(tenant)
        keys = keys_of(user, now)
        mark = Reservation(id=id_, micro_usd=cost or 0, tokens=most.total, expires_at=now + HOLD_FOR)

        def hold(counter: LlmCounter) -> LlmCounter:
            counter = _without_overdue(counter, now)
            for budget in budgets:
                if _applies(budget, counter, now):
                    _check(budget, counter, cost, most.total)
            return msgspec.structs.replace(counter, reserved=(*counter.reserved, mark))

        self._records.change(tenant, keys, hold, now)
        return Held(id_, keys)

    def settle(
        self,
        tenant: TenantId,
        held: Held,
        provider: ProviderKind,
        model: str,
        usage: Usage | None,
        now: datetime,
        *,
        failed: bool = False,
    ) -> tuple[int | None, Sequence[Warning80]]:
        """Count what was used in place of what was held: the cost (None: not known), and budgets that reached 80 %."""
        used = usage or Usage()
        cost = cost_micro_usd(provider, model, used)
        budgets = self._records.budgets(tenant)
        told: dict[tuple[str, str], list[Warning80]] = {}

        def count(counter: LlmCounter) -> LlmCounter:
            key = f"{provider}/{model}"
            known = counter.by_model.get(key, {"calls": 0, "tokens": 0, "micro_usd": 0})
            counted = msgspec.structs.replace(
                _without_overdue(counter, now),
                calls=counter.calls + 1,
                failed=counter.failed + failed,
                unpriced=counter.unpriced + (cost is None),
                input_tokens=counter.input_tokens + used.prompt,
                output_tokens=counter.output_tokens + used.output,
                micro_usd=counter.micro_usd + (cost or 0),
                by_model={
                    **counter.by_model,
                    key: {
                        "calls": known["calls"] + 1,
                        "tokens": known["tokens"] + used.total,
                        "micro_usd": known["micro_usd"] + (cost or 0),
                    },
                },
            )
            counted = msgspec.structs.replace(
                counted, reserved=tuple(mark for mark in counted.reserved if mark.id != held.id)
            )
            warnings = [w for b in budgets if _applies(b, counted, now) for w in _warnings(b, counted)]
            told[(counter.period, counter.user)] = warnings
            return msgspec.structs.replace(counted, warned=(*counted.warned, *(w.what for w in warnings)))

        self._records.change(tenant, held.keys, count, now)
        return cost, [warning for warnings in told.values() for warning in warnings]


def _applies(budget: LlmBudget, counter: LlmCounter, now: datetime) -> bool:
    scope = "user" if counter.user else "tenant"
    return budget.scope == scope and counter.period == period_of(budget.period, now)


def _check(budget: LlmBudget, counter: LlmCounter, cost: int | None, tokens: int) -> None:
    whose = "your" if budget.scope == "user" else "the organisation's"
    details = {"scope": budget.scope, "period": budget.period}
    held_usd = sum(mark.micro_usd for mark in counter.reserved)
    held_tokens = sum(mark.tokens for mark in counter.reserved)
    if budget.micro_usd is not None:
        if cost is None and budget.tokens is None:
            raise BudgetExceeded(
                f"The price of this model is not known, so {whose} budget in dollars cannot hold it.",
                code="llm_price_unknown", remedy="Set a budget in tokens beside it, or choose another model.",
                details=details,
            )  # fmt: skip
        if counter.micro_usd + held_usd + (cost or 0) > budget.micro_usd:
            raise BudgetExceeded(f"It would pass {whose} budget in dollars for the {budget.period}.", details=details)
    if budget.tokens is not None and counter.tokens + held_tokens + tokens > budget.tokens:
        raise BudgetExceeded(f"It would pass {whose} budget in tokens for the {budget.period}.", details=details)


def _warnings(budget: LlmBudget, counter: LlmCounter) -> list[Warning80]:
    found = []
    for what, used, limit in (("usd", counter.micro_usd, budget.micro_usd), ("tokens", counter.tokens, budget.tokens)):
        if limit is not None and used >= limit * WARN_AT and what not in counter.warned:
            found.append(Warning80(budget.scope, counter.period, counter.user, what, used, limit))
    return found


def _without_overdue(counter: LlmCounter, now: datetime) -> LlmCounter:
    kept = tuple(mark for mark in counter.reserved if mark.expires_at > now)
    return counter if len(kept) == len(counter.reserved) else msgspec.structs.replace(counter, reserved=kept)
