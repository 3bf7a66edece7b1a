"""Prices against an oracle; budgets that calls at once cannot pass."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from chalicelib.errors import Unavailable
from chalicelib.llm.budgets import BudgetExceeded, Meter, keys_of
from chalicelib.llm.events import Usage
from chalicelib.llm.prices import cost_micro_usd, price_table
from chalicelib.state.ids import TenantId
from chalicelib.store.llm import LlmBudget
from chalicelib.store.memory import memory_store

ACME, OTHER = TenantId("acme"), TenantId("other")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SONNET = "claude-sonnet-5-5"


@pytest.mark.parametrize("row", price_table().models, ids=lambda row: row.model)
def test_every_price_is_that_of_genai_prices_in_every_tier(row: object) -> None:
    import genai_prices

    r = random.Random(str(row))
    for scale in (1_000, 90_000, 150_000, 300_000, 900_000):
        usage = Usage(r.randrange(scale), r.randrange(scale), r.randrange(scale), r.randrange(20_000))
        oracle = genai_prices.calc_price(
            genai_prices.Usage(
                input_tokens=usage.prompt, cache_read_tokens=usage.cache_read, cache_write_tokens=usage.cache_write,
                output_tokens=usage.output,
            ),
            row.model, provider_id=row.provider, genai_request_timestamp=datetime.now(UTC),  # type: ignore[attr-defined]
        )  # fmt: skip
        ours = cost_micro_usd(row.provider, row.model, usage)  # type: ignore[attr-defined]
        assert ours is not None
        assert abs(Decimal(ours) / 1_000_000 - oracle.total_price) <= Decimal("0.000001")


def test_the_table_says_where_and_when_it_is_from() -> None:
    table = price_table()
    assert table.source.startswith("genai-prices")
    assert table.as_of >= "2026-11"
    assert len(table.models) >= 20
    assert not any(word in p.model for p in table.models for word in ("gpt-4", "3-5-sonnet"))


def test_an_unknown_model_costs_none_and_a_local_one_nothing() -> None:
    usage = Usage(1000, 0, 0, 100)
    assert cost_micro_usd("openai", "gpt-9", usage) is None
    assert cost_micro_usd("compatible", "gpt-5.4", usage) is None
    assert cost_micro_usd("ollama", "qwen3", usage) == 0
    assert (
        cost_micro_usd("anthropic", SONNET + "-20260901", usage) == cost_micro_usd("anthropic", SONNET, usage) == 3000
    )


def meter(*budgets: LlmBudget) -> tuple[Meter, object]:
    records = memory_store().llm
    records.set_budgets(ACME, budgets)
    return Meter(records), records


def use(
    held: Meter, tokens: int, *, user: str = "ana", n: int = 0, now: datetime = NOW, tenant: TenantId = ACME
) -> object:
    mark = held.reserve(tenant, user, f"call-{n}", "anthropic", SONNET, Usage(tokens), now)
    return held.settle(tenant, mark, "anthropic", SONNET, Usage(tokens), now)


def test_what_is_used_is_counted_for_tenant_and_user_by_day_and_month() -> None:
    held, records = meter()
    use(held, 1000)
    use(held, 500, user="ben", n=1)
    day, month = "2026-11-22", "2026-11"
    found = {(p, u): records.counter(ACME, p, u).tokens for p in (day, month) for u in ("", "ana", "ben")}  # type: ignore[attr-defined]
    assert found == {
        (day, ""): 1500, (day, "ana"): 1000, (day, "ben"): 500,
        (month, ""): 1500, (month, "ana"): 1000, (month, "ben"): 500,
    }  # fmt: skip
    whole = records.counter(ACME, month)  # type: ignore[attr-defined]
    assert (whole.calls, whole.micro_usd, whole.unpriced) == (2, 3000, 0)
    assert whole.by_model == {f"anthropic/{SONNET}": {"calls": 2, "tokens": 1500, "micro_usd": 3000}}
    assert records.counter(OTHER, month).calls == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "budget",
    [
        LlmBudget(scope="tenant", period="month", micro_usd=10_000),
        LlmBudget(scope="tenant", period="day", tokens=5_000),
        LlmBudget(scope="user", period="day", micro_usd=10_000),
        LlmBudget(scope="user", period="month", tokens=5_000),
    ],
    ids=lambda b: f"{b.scope}-{b.period}",
)
def test_a_call_that_would_pass_a_budget_is_refused_and_changes_nothing(budget: LlmBudget) -> None:
    held, records = meter(budget)
    use(held, 4000)
    before = records.counter(ACME, "2026-11", "ana")  # type: ignore[attr-defined]
    with pytest.raises(BudgetExceeded) as caught:
        use(held, 1500, n=1)
    assert caught.value.details == {"scope": budget.scope, "period": budget.period}
    assert records.counter(ACME, "2026-11", "ana") == before  # type: ignore[attr-defined]
    use(held, 1000, n=2)
    if budget.scope == "user":
        use(held, 4000, user="ben", n=3)
    later = NOW + timedelta(days=1 if budget.period == "day" else 20)
    use(held, 4000, n=4, now=later)


def test_eighty_percent_is_told_once() -> None:
    held, _ = meter(LlmBudget(scope="tenant", period="month", tokens=10_000))
    told = [use(held, 2000, n=n)[1] for n in range(5)]  # type: ignore[index]
    assert [[(w.what, w.used, w.limit) for w in warnings] for warnings in told] == [
        [], [], [], [("tokens", 8000, 10_000)], [],
    ]  # fmt: skip


def test_an_unknown_price_needs_a_budget_in_tokens() -> None:
    held, _ = meter(LlmBudget(scope="tenant", period="month", micro_usd=10_000))
    with pytest.raises(BudgetExceeded) as caught:
        held.reserve(ACME, "ana", "x", "compatible", "mine", Usage(10), NOW)
    assert caught.value.code == "llm_price_unknown"
    both, records = meter(LlmBudget(scope="tenant", period="month", micro_usd=10_000, tokens=5000))
    mark = both.reserve(ACME, "ana", "x", "compatible", "mine", Usage(10), NOW)
    assert both.settle(ACME, mark, "compatible", "mine", Usage(10), NOW)[0] is None
    assert records.counter(ACME, "2026-11").unpriced == 1  # type: ignore[attr-defined]


def test_what_a_killed_worker_held_is_free_again() -> None:
    held, _ = meter(LlmBudget(scope="tenant", period="month", tokens=5_000))
    held.reserve(ACME, "ana", "lost", "anthropic", SONNET, Usage(4000), NOW)
    with pytest.raises(BudgetExceeded):
        use(held, 2000, n=1)
    use(held, 2000, n=2, now=NOW + timedelta(minutes=17))


def test_calls_at_once_never_pass_a_limit() -> None:
    held, records = meter(LlmBudget(scope="tenant", period="month", tokens=10_000))
    done: list[int] = []

    def many(worker: int) -> None:
        for n in range(8):
            try:
                mark = held.reserve(ACME, f"u{worker}", f"{worker}-{n}", "anthropic", SONNET, Usage(900), NOW)
            except (BudgetExceeded, Unavailable):
                continue
            held.settle(ACME, mark, "anthropic", SONNET, Usage(800), NOW)
            done.append(800)

    threads = [threading.Thread(target=many, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 < sum(done) <= 10_000
    assert records.counter(ACME, "2026-11").tokens == sum(done)  # type: ignore[attr-defined]


def test_the_counters_of_a_call_are_four_and_of_the_system_two() -> None:
    assert len(keys_of("ana", NOW)) == 4
    assert len(keys_of("", NOW)) == 2
