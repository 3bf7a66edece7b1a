"""The providers, by kind. A new kind is one module here and one line below."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from chalicelib.llm.capabilities import ProviderKind
from chalicelib.llm.ports import Connection, Provider

MODULES: Mapping[ProviderKind, str] = {
    "anthropic": "anthropic",
    "openai": "openai",
    "compatible": "openai",
    "ollama": "ollama",
}
"""The module of each kind. It is imported, with its SDK, when a provider of that kind is first called."""


def provider_of(connection: Connection) -> Provider:
    """The provider of a connection. Loads its SDK."""
    module = import_module(f"{__name__}.{MODULES[connection.kind]}")
    return cast(Callable[[Connection], Provider], module.connect)(connection)
