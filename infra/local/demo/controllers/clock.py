"""The clock of the demo cluster: virtual while its past is made, the machine's own from then on."""

from __future__ import annotations

from datetime import datetime

from infra.local.demo.server.clock import WallClock


class WorldClock:
    """Starts at a moment in the past, is set forward step by step, and may follow the wall clock at the end."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._wall: WallClock | None = None

    def now(self) -> datetime:
        if self._wall is not None:
            self._now = max(self._now, self._wall.now())
        return self._now

    @property
    def virtual(self) -> bool:
        return self._wall is None

    def set(self, moment: datetime) -> None:
        """Move forward; a moment in the past changes nothing, since time does not run backwards."""
        self._now = max(self._now, moment)

    def follow(self) -> None:
        """From now on this is the machine's own time."""
        self._wall = WallClock()
