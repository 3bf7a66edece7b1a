"""A part that the product runs without: started in passing, never waited for, given up after several deaths."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from infra.local.process import Child


class Part(Protocol):
    """What a supervised process must offer; `Child` does."""

    name: str

    @property
    def running(self) -> bool: ...

    @property
    def ending(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> bool: ...

    def pause_before_restart_s(self) -> float | None: ...

    def last_words(self) -> str: ...


class Extra:
    """Keeps one optional child running. `look` is called again and again by the supervisor and never blocks."""

    def __init__(
        self, child: Child | Part, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.child = child
        self._say = say
        self._clock = clock
        self._due: float | None = None
        self._given_up = False

    def start(self) -> None:
        """Start it, or say why it cannot be started."""
        try:
            self.child.start()
        except OSError as error:
            self._given_up = True
            self._say(f"The {self.child.name} could not be started: {error}. Everything else works without it.")

    def look(self) -> None:
        """Start it again when it ended and its pause is over."""
        if self._given_up or self.child.running:
            return
        if self._due is None:
            self._plan()
        elif self._clock() >= self._due:
            self._due = None
            self.start()

    def stop(self) -> None:
        self._given_up = True
        self.child.stop()

    def _plan(self) -> None:
        pause_s = self.child.pause_before_restart_s()
        if pause_s is None:
            self._given_up = True
            self._say(
                f"The {self.child.name} ended again and again ({self.child.ending}) and stays off. "
                f"Everything else works without it. Its last lines:\n{self.child.last_words()}"
            )
            return
        self._say(f"The {self.child.name} ended ({self.child.ending}); starting it again.")
        self._due = self._clock() + pause_s
