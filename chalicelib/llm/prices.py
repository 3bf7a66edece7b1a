"""What a call costs: dated list prices by model, with tiers. A model that is not in the table costs None, never 0."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files

import msgspec

from chalicelib.llm.capabilities import ProviderKind
from chalicelib.llm.events import Usage

LOCAL: tuple[ProviderKind, ...] = ("ollama",)
"""Kinds that run on one's own machines: a call has no price."""


class Tier(msgspec.Struct, frozen=True):
    """USD per million tokens, for requests with more than `above` input tokens."""

    above: int
    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None


class Price(msgspec.Struct, frozen=True):
    provider: ProviderKind
    model: str
    tiers: tuple[Tier, ...]


class PriceTable(msgspec.Struct, frozen=True):
    """`as_of` is the day of the prices, `source` where they are from."""

    source: str
    as_of: str
    models: tuple[Price, ...]

    def find(self, provider: ProviderKind, model: str) -> Price | None:
        """The price of a model, or of the one that a dated name stands for (`gpt-5.4-2026-03-05`)."""
        undated = re.sub(r"-(?:\d{8}|\d{4}-\d\d-\d\d)\Z", "", model)
        return next((p for p in self.models if p.provider == provider and p.model in (model, undated)), None)


@lru_cache(maxsize=1)
def price_table() -> PriceTable:
    raw = json.loads(files("chalicelib.llm").joinpath("prices.json").read_text())
    return msgspec.convert(raw, PriceTable)


def cost_micro_usd(provider: ProviderKind, model: str, usage: Usage, table: PriceTable | None = None) -> int | None:
    """What a call costs in millionths of a dollar, rounded half up; None when the price is not known.

    The tier goes by all input tokens, cached or not, and holds for the whole call. Without a price for tokens from the
    cache they cost what others do.
    """
    if provider in LOCAL:
        return 0
    price = (table or price_table()).find(provider, model)
    if price is None:
        return None
    tier = next(tier for tier in reversed(price.tiers) if usage.prompt > tier.above or tier.above == 0)
    # A dollar for a million tokens is a millionth of a dollar for one.
    exact = (
        tier.input * usage.input
        + (tier.input if tier.cache_read is None else tier.cache_read) * usage.cache_read
        + (tier.input if tier.cache_write is None else tier.cache_write) * usage.cache_write
        + tier.output * usage.output
    )
    return int(exact + Decimal("0.5"))
