"""A scripted model behind the provider port: a fake that says what a test gives it, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chalicelib.llm.breaker import Breaker
from chalicelib.llm.budgets import Meter, Warning80
from chalicelib.llm.capabilities import Capabilities, ProviderKind
from chalicelib.llm.chain import Candidate, Chain, Surroundings
from chalicelib.llm.events import Event, Origin, Stop, TextDelta, Usage
from chalicelib.llm.messages import Request
from chalicelib.llm.ports import Opening
from chalicelib.state.ids import TenantId
from chalicelib.store.facade import Store
from chalicelib.store.memory import memory_store

ACME = TenantId("acme")
Answered = Sequence[Event | Exception]


def said(*texts: str, usage: Usage | None = None) -> list[Event | Exception]:
    """A whole answer."""
    return [Origin("x", "m"), *(TextDelta(text) for text in texts), usage or Usage(100, 0, 0, 10), Stop("end")]


@dataclass
class Scripted:
    """Plays its answers; the last one again and again. An exception in one is raised when it is reached."""

    name: str
    answers: list[Answered]
    asked: list[Request] = field(default_factory=list)

    def events(self, request: Request, capabilities: Capabilities, opening: Opening) -> Iterator[Event]:
        self.asked.append(request)
        played = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        for event in played:
            if isinstance(event, Exception):
                raise event
            yield event

    def models(self, timeout_s: float) -> Sequence[str]:
        return ["m"]


class World:
    """A store, a clock that only waits move, and a chain over scripted providers."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        self.waits: list[float] = []
        self.warned: list[Warning80] = []
        self.store: Store = memory_store(clock=lambda: self.now.timestamp())
        self.calls = 0

    def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)

    def _id(self) -> str:
        self.calls += 1
        return f"call-{self.calls}"

    @property
    def breaker(self) -> Breaker:
        return Breaker(self.store.cache, self.store.leases)

    def around(self) -> Surroundings:
        return Surroundings(
            Meter(self.store.llm), self.breaker, lambda: self.now, self.pause, lambda: 0.5, self._id, self.warned.append
        )

    def chain(self, *providers: Scripted, kind: ProviderKind = "ollama", **profile: int | bool) -> Chain:
        capabilities = Capabilities(**{"context_tokens": 100_000, "tools": True, **profile})  # type: ignore[arg-type]

        def connect(provider: Scripted) -> Callable[[], Scripted]:
            return lambda: provider

        candidates = [Candidate(p.name, kind, "m", capabilities, connect(p)) for p in providers]
        return Chain(self.around(), ACME, "ana", candidates)
