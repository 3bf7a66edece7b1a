"""Model providers, their tests, usage and budgets."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field, SecretStr

from chalicelib.api.models.base import Gap, Model, RequestModel

Kind = Literal["anthropic", "openai", "ollama", "compatible"]


class NewModelProvider(RequestModel):
    kind: Kind
    name: str = Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")
    model: str = Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")
    base_url: str = Field("", max_length=500)
    key: SecretStr | None = Field(
        None, max_length=4000, description="Kept in the secret store; no route gives it back."
    )


class ModelProviderUpdate(RequestModel):
    """What to change. Another address forgets the key."""

    name: str | None = Field(None, min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")
    model: str | None = Field(None, min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")
    base_url: str | None = Field(None, max_length=500)
    enabled: bool | None = None
    position: int | None = Field(None, ge=0, le=1000)


class NewProviderKey(RequestModel):
    key: SecretStr = Field(min_length=1, max_length=4000)


class ProviderTestStep(Model):
    name: str
    ok: bool
    message: str
    took_s: float


class ModelProfile(Model):
    """What the model can do; `known` false: assumed."""

    context_tokens: int
    max_output_tokens: int
    tools: bool
    json_schema: bool
    stream_usage: bool
    output_limit: str
    temperature: bool
    known: bool


class ModelProvider(Model):
    """A provider in the chain. `resting`: it failed and is left alone for half a minute."""

    id: str
    kind: Kind
    name: str
    model: str
    base_url: str
    position: int
    enabled: bool
    key_set_at: datetime | None
    profile: ModelProfile
    price_known: bool
    resting: bool
    tested_at: datetime | None
    test_ok: bool | None
    test_steps: list[ProviderTestStep]


class ModelProviders(Model):
    items: list[ModelProvider]
    next: str | None
    total: int | None
    gaps: list[Gap]


class TestedModelProvider(Model):
    provider: ModelProvider
    models: list[str]


class ModelUsage(Model):
    model: str
    calls: int
    tokens: int
    usd: float


class UsageCounter(Model):
    """What was used in a period, by a user or by all. `unpriced`: calls whose price is not known; `usd` lacks them."""

    period: str
    user: str | None
    calls: int
    failed: int
    unpriced: int
    input_tokens: int
    output_tokens: int
    usd: float
    models: list[ModelUsage]


class ModelsUsage(Model):
    month: str
    total: UsageCounter
    users: list[UsageCounter]
    days: list[UsageCounter]
    prices: dict[str, str]


class ModelsUsageQuery(RequestModel):
    month: str | None = Field(None, pattern=r"^\d{4}-(0[1-9]|1[0-2])$")


class NewBudget(RequestModel):
    """A limit of the organisation or of each user, in UTC days or months; null: none of that kind."""

    scope: Literal["tenant", "user"]
    period: Literal["day", "month"]
    usd: float | None = Field(None, ge=0, le=1_000_000)
    tokens: int | None = Field(None, ge=0, le=10**12)


class Budget(Model):
    scope: Literal["tenant", "user"]
    period: Literal["day", "month"]
    usd: float | None
    tokens: int | None
    used_usd: float | None
    used_tokens: int | None


class NewBudgets(RequestModel):
    items: list[NewBudget] = Field(max_length=4)


class Budgets(Model):
    items: list[Budget]
