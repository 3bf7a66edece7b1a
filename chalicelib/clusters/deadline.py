"""How long something may still take."""

from __future__ import annotations

import time


class Deadline:
    """A moment on the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._end - time.monotonic())

    @property
    def passed(self) -> bool:
        return self.left <= 0

    def sooner(self, seconds: float) -> Deadline:
        """This deadline, or one so many seconds from now where that is earlier."""
        return Deadline(min(self.left, seconds))
