"""The port that every provider implements, and what a connection to one is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from chalicelib.llm.capabilities import Capabilities, ProviderKind
from chalicelib.llm.events import Event
from chalicelib.llm.messages import Request

Close = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a provider is. `base_url` empty: the provider's own. `hosted`: refuse addresses of our own network."""

    kind: ProviderKind
    name: str
    base_url: str = ""
    key: str = field(default="", repr=False)
    hosted: bool = False


@dataclass(slots=True)
class Opening:
    """A call that is being made: how long it may take, and how it is closed from outside once it is open."""

    timeout_s: float
    close: Close | None = None


class Provider(Protocol):
    """One connection to a model provider. Safe to use from several threads."""

    @property
    def name(self) -> str: ...

    def events(self, request: Request, capabilities: Capabilities, opening: Opening) -> Iterator[Event]:
        """Ask, and give what comes. Blocks; raises LlmError. Ends with Stop, or the stream was broken.

        No retries: when and how often is decided in one place, `chalicelib.llm.chain`.
        """
        ...

    def models(self, timeout_s: float) -> Sequence[str]:
        """The models that the server lists. Raises LlmError."""
        ...
