"""Model providers: set up, test, what they used, and budgets. Keys go in and never come out."""

from __future__ import annotations

from typing import Any

import msgspec
from chalice.app import Blueprint

from chalicelib.api.endpoints import Call, Reply, endpoint
from chalicelib.api.models import llm as models
from chalicelib.api.render import listed
from chalicelib.store.llm import LlmBudget, LlmCounter, LlmProvider

blueprint = Blueprint(__name__)
ALL = "/api/v1/llm/providers"
ONE = ALL + "/{provider}"
MICRO = 1_000_000


@endpoint(
    blueprint, "GET", ALL, summary="Model providers, in the order in which they are asked.", tag="models",
    permission="audit:read", response=models.ModelProviders,
)  # fmt: skip
def list_providers(call: Call) -> object:
    desk = call.services.models
    resting = desk.resting(call.principal)
    items = [provider_out(p, p.id in resting) for p in desk.providers(call.principal)]
    return listed(items, total=len(items))


@endpoint(
    blueprint, "POST", ALL, summary="Add a provider, at the end of the chain.", tag="models", status=201,
    permission="settings:write", body=models.NewModelProvider, response=models.ModelProvider,
)  # fmt: skip
def add_provider(call: Call) -> object:
    wanted: models.NewModelProvider = call.body
    key = wanted.key.get_secret_value() if wanted.key else ""
    desk = call.services.models
    return provider_out(desk.add(call.principal, wanted.kind, wanted.name, wanted.model, wanted.base_url, key))


@endpoint(
    blueprint, "PATCH", ONE, summary="Change a provider. Another address forgets the key.", tag="models",
    permission="settings:write", body=models.ModelProviderUpdate, response=models.ModelProvider,
)  # fmt: skip
def update_provider(call: Call) -> object:
    from chalicelib.llm.desk import ProviderChange

    wanted = ProviderChange(**call.body.model_dump())
    return provider_out(call.services.models.change(call.principal, call.path["provider"], wanted))


@endpoint(
    blueprint, "PUT", ONE + "/key", summary="Set the key of a provider.", tag="models", permission="settings:write",
    body=models.NewProviderKey, response=models.ModelProvider,
)  # fmt: skip
def set_provider_key(call: Call) -> object:
    key = call.body.key.get_secret_value()
    return provider_out(call.services.models.set_key(call.principal, call.path["provider"], key))


@endpoint(
    blueprint, "DELETE", ONE, summary="Remove a provider and its key.", tag="models", permission="settings:write",
    response=None, status=204,
)  # fmt: skip
def remove_provider(call: Call) -> object:
    call.services.models.remove(call.principal, call.path["provider"])
    return Reply("", status=204)


@endpoint(
    blueprint, "POST", ONE + "/test", summary="Ask the provider, step by step, and learn what its model can do.",
    tag="models", permission="settings:write", response=models.TestedModelProvider,
)  # fmt: skip
def test_provider(call: Call) -> object:
    provider, probe = call.services.models.test(call.principal, call.path["provider"])
    return {"provider": provider_out(provider), "models": sorted(probe.models)[:500]}


@endpoint(
    blueprint, "GET", "/api/v1/llm/usage", summary="Calls, tokens and dollars of a month.", tag="models",
    permission="audit:read", query=models.ModelsUsageQuery, response=models.ModelsUsage,
)  # fmt: skip
def get_usage(call: Call) -> object:
    from chalicelib.llm.prices import price_table

    month = call.query.month or call.services.clock().strftime("%Y-%m")
    found = call.services.models.usage(call.principal, month)
    total = next((c for c in found if c.period == month and not c.user), LlmCounter(period=month))
    table = price_table()
    return {
        "month": month,
        "total": counter_out(total),
        "users": [counter_out(c) for c in found if c.period == month and c.user],
        "days": [counter_out(c) for c in found if c.period != month and not c.user],
        "prices": {"source": table.source, "as_of": table.as_of},
    }


@endpoint(
    blueprint, "GET", "/api/v1/llm/budgets", summary="Budgets, with what is used of them.", tag="models",
    permission="audit:read", response=models.Budgets,
)  # fmt: skip
def get_budgets(call: Call) -> object:
    return {"items": [_budget_out(call, budget) for budget in call.services.models.budgets(call.principal)]}


@endpoint(
    blueprint, "PUT", "/api/v1/llm/budgets", summary="Replace all budgets.", tag="models", permission="settings:write",
    body=models.NewBudgets, response=models.Budgets,
)  # fmt: skip
def set_budgets(call: Call) -> object:
    budgets = [
        LlmBudget(
            scope=b.scope, period=b.period, micro_usd=None if b.usd is None else round(b.usd * MICRO), tokens=b.tokens
        )
        for b in call.body.items
    ]
    kept = call.services.models.set_budgets(call.principal, budgets)
    return {"items": [_budget_out(call, budget) for budget in kept]}


def _budget_out(call: Call, budget: LlmBudget) -> dict[str, Any]:
    """Of a limit of each user no single use can be told."""
    from chalicelib.llm.budgets import period_of

    used = None
    if budget.scope == "tenant":
        used = call.services.store.llm.counter(call.principal.tenant, period_of(budget.period, call.services.clock()))
    return {
        "scope": budget.scope,
        "period": budget.period,
        "usd": None if budget.micro_usd is None else budget.micro_usd / MICRO,
        "tokens": budget.tokens,
        "used_usd": None if used is None else used.micro_usd / MICRO,
        "used_tokens": None if used is None else used.tokens,
    }


def provider_out(provider: LlmProvider, resting: bool = False) -> dict[str, Any]:
    from chalicelib.llm.capabilities import capabilities_of
    from chalicelib.llm.events import Usage
    from chalicelib.llm.prices import cost_micro_usd

    profile = provider.profile or msgspec.to_builtins(capabilities_of(provider.kind, provider.model))
    return {
        "id": provider.id,
        "kind": provider.kind,
        "name": provider.name,
        "model": provider.model,
        "base_url": provider.base_url,
        "position": provider.position,
        "enabled": provider.enabled,
        "key_set_at": provider.key_set_at,
        "profile": profile,
        "price_known": cost_micro_usd(provider.kind, provider.model, Usage()) is not None,
        "resting": resting,
        "tested_at": provider.tested_at,
        "test_ok": provider.test_ok,
        "test_steps": list(provider.test_steps),
    }


def counter_out(counter: LlmCounter) -> dict[str, Any]:
    return {
        "period": counter.period,
        "user": counter.user or None,
        "calls": counter.calls,
        "failed": counter.failed,
        "unpriced": counter.unpriced,
        "input_tokens": counter.input_tokens,
        "output_tokens": counter.output_tokens,
        "usd": counter.micro_usd / MICRO,
        "models": [
            {"model": name, "calls": used["calls"], "tokens": used["tokens"], "usd": used["micro_usd"] / MICRO}
            for name, used in sorted(counter.by_model.items())
        ],
    }
