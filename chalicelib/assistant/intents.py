"""What a question wants, as data: one entry an intent, tried in order; the first whose pattern fits answers.

Adding an intent is one decorated function in `answers/`: its patterns, its examples, its handler.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chalicelib.assistant.turn import Turn

Handler = Callable[[Turn], None]
Guard = Callable[[Turn], bool]


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing that can be asked. `order`: the smaller is tried first."""

    name: str
    order: int
    patterns: tuple[re.Pattern[str], ...]
    examples: tuple[str, ...]
    handler: Handler
    guard: Guard | None = None

    def fits(self, turn: Turn) -> bool:
        """Whether the question asks for this."""
        if not any(p.search(turn.text) for p in self.patterns):
            return False
        return self.guard is None or self.guard(turn)


class IntentRegistry:
    """Intents in the order in which they are tried."""

    def __init__(self) -> None:
        self._intents: list[Intent] = []

    def add(self, intent: Intent) -> None:
        if any(i.name == intent.name for i in self._intents):
            raise ValueError(f"intent {intent.name} is registered twice")
        self._intents.append(intent)
        self._intents.sort(key=lambda i: i.order)

    def __iter__(self) -> Iterator[Intent]:
        return iter(self._intents)

    def __getitem__(self, name: str) -> Intent:
        return next(i for i in self._intents if i.name == name)

    def route(self, turn: Turn) -> Intent:
        """The intent of a question. The last entry fits everything, so there is always one."""
        return next(i for i in self._intents if i.fits(turn))


INTENTS = IntentRegistry()


def intent(
    name: str, order: int, *patterns: str, examples: tuple[str, ...] = (), when: Guard | None = None
) -> Callable[[Handler], Handler]:
    """Register a handler. Patterns are regular expressions on the question in lower case without politeness."""

    def register(handler: Handler) -> Handler:
        compiled = tuple(re.compile(p) for p in patterns)
        INTENTS.add(Intent(name, order, compiled, examples, handler, when))
        return handler

    return register
