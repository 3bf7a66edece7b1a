"""Refreshes `chalicelib/llm/prices.json` from genai-prices: `python -m infra.llm_prices`. A test compares the two.

Models are chosen here; one that the package does not know is left out, and then costs "unknown", never nothing.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genai_prices.data_snapshot import get_snapshot

TARGET = Path(__file__).parents[1] / "chalicelib" / "llm" / "prices.json"
CHOSEN = {
    "anthropic": (
        "claude-fable-5-2", "claude-fable-5-1", "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5",
        "claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5",
    ),
    "openai": (
        "gpt-6.1-sol", "gpt-6.1-terra", "gpt-6-sol", "gpt-6-luna", "gpt-6-astra", "gpt-5.6-sol", "gpt-5.6-terra",
        "gpt-5.6-luna", "gpt-5.5", "gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano",
    ),
}  # fmt: skip
KINDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
}


def table(now: datetime) -> dict[str, Any]:
    rows = [
        {"provider": provider.id, "model": model.id, "tiers": _tiers(model.get_prices(now))}
        for provider in get_snapshot().providers
        for model in provider.models
        if model.id in CHOSEN.get(provider.id, ())
    ]
    rows.sort(key=lambda row: (row["provider"], row["model"]))
    return {
        "source": f"genai-prices {version('genai-prices')}",
        "as_of": now.date().isoformat(),
        "unit": "USD per million tokens; a tier holds for all tokens of a request with more than `above` input tokens",
        "models": rows,
    }


def _tiers(prices: Any) -> list[dict[str, Any]]:
    found = {name: getattr(prices, key) for name, key in KINDS.items()}
    starts = sorted({tier.start for price in found.values() for tier in getattr(price, "tiers", ())})
    return [{"above": start} | {name: _at(price, start) for name, price in found.items()} for start in (0, *starts)]


def _at(price: Any, start: int) -> str | None:
    """The price above `start` input tokens as decimal text, None where there is none."""
    if price is None or isinstance(price, Decimal):
        return None if price is None else str(price)
    chosen = price.base
    for tier in price.tiers:
        if start >= tier.start:
            chosen = tier.price
    return str(chosen)


if __name__ == "__main__":
    TARGET.write_text(json.dumps(table(datetime.now(UTC)), indent=1) + "\n")
