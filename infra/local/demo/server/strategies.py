"""What each kind does on its own: defaults, what the server decides, and what it refuses.

A kind's strategy is registered with `strategy("Kind")` in the modules of the `kinds` package; kinds without one are
stored as they come.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from infra.local.demo.server.errors import FieldError
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api


class Strategy:
    """The rules of a kind; subclasses change what differs."""

    generation = False
    """Whether metadata.generation counts changes of the desired state."""
    create_on_update = False
    """Whether PUT to a missing name creates it (leases and a few others)."""
    status_keeps_labels = False

    def default(self, obj: Object) -> None:
        """Fill in what clients may leave out; also on updates, before managers are computed."""

    def prepare_create(self, api: Api, obj: Object) -> None:
        """What the server decides about a new object (status, addresses)."""

    def prepare_update(self, api: Api, obj: Object, old: Object) -> None:
        """What the server keeps from the old object."""

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        """What is wrong with the object itself."""
        return []

    def validate_update(self, api: Api, obj: Object, old: Object) -> list[FieldError]:
        """What may not change."""
        return []

    def validate_status(self, obj: Object, old: Object) -> list[FieldError]:
        return []

    def desired_state(self, obj: Object) -> Object:
        """What counts for the generation: everything but metadata and status."""
        return {key: value for key, value in obj.items() if key not in ("metadata", "status")}


_STRATEGIES: dict[str, Strategy] = {}
_PLAIN = Strategy()


def strategy(*kinds: str) -> Callable[[type[Strategy]], type[Strategy]]:
    """Register a strategy for kinds of the built-in groups."""

    def register(cls: type[Strategy]) -> type[Strategy]:
        for kind in kinds:
            _STRATEGIES[kind] = cls()
        return cls

    return register


class CustomStrategy(Strategy):
    generation = True


_CUSTOM = CustomStrategy()


def strategy_of(resource: Resource) -> Strategy:
    if resource.custom:
        return _CUSTOM
    return _STRATEGIES.get(resource.kind, _PLAIN)
