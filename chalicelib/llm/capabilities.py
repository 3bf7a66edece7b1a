"""What a model can do: data by its name, what a test of the provider has shown, and caution for the rest."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from importlib.resources import files
from typing import Literal

import msgspec

ProviderKind = Literal["anthropic", "openai", "ollama", "compatible"]


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """A model's profile. Defaults are what every server can be expected to take."""

    context_tokens: int = 8192
    max_output_tokens: int = 2048
    tools: bool = False
    """Calls of tools in the provider's own form; without, they are asked for as JSON."""
    json_schema: bool = False
    """The answer can be bound to a JSON Schema."""
    stream_usage: bool = False
    """`stream_options.include_usage` is understood."""
    output_limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True
    known: bool = False
    """Whether data or a test says so, or all of this is assumed."""


class _Entry(msgspec.Struct, frozen=True):
    provider: ProviderKind
    match: str
    profile: Capabilities


@lru_cache(maxsize=1)
def _entries() -> tuple[_Entry, ...]:
    raw = json.loads(files("chalicelib.llm").joinpath("models.json").read_text())
    found = []
    for entry in raw["models"]:
        profile = {**raw["providers"].get(entry["provider"], {}), **entry["profile"], "known": True}
        found.append(_Entry(entry["provider"], entry["match"], msgspec.convert(profile, Capabilities)))
    return tuple(found)


@lru_cache(maxsize=1)
def _defaults() -> dict[str, Capabilities]:
    raw = json.loads(files("chalicelib.llm").joinpath("models.json").read_text())
    return {name: msgspec.convert(profile, Capabilities) for name, profile in raw["providers"].items()}


def capabilities_of(provider: ProviderKind, model: str) -> Capabilities:
    """The profile of a model by its name, else its provider's usual one with `known` False."""
    for entry in _entries():
        if entry.provider == provider and re.fullmatch(entry.match, model):
            return entry.profile
    return _defaults().get(provider, Capabilities())
