"""Spans of time in words: `last hour`, `since yesterday`, `in the last 30 minutes`, `10m`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.state.meta import Api

UNITS = {
    "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1,
    "m": 60, "min": 60, "mins": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hr": 3600, "hrs": 3600, "hour": 3600, "hours": 3600,
    "d": 86400, "day": 86400, "days": 86400,
    "w": 604800, "week": 604800, "weeks": 604800, "month": 2592000, "months": 2592000,
}  # fmt: skip
_COMPACT = re.compile(r"(?:(\d{1,6}(?:\.\d{1,3})?)(w|d|h|m|s))(?:(\d{1,6})(h|m|s))?\Z", re.ASCII)
_JOINED = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([a-z]+)\Z", re.ASCII)
RECENT_S = 3600
"""What "recently" means: the last hour."""


class Span(Api):
    """A span of time relative to the question's moment.

    `last`: the last `seconds`; `today`, `yesterday`, `week`: calendar days in UTC; `since`: from `at` on.
    `open_ended` makes `yesterday` mean "from yesterday until now".
    """

    kind: Literal["last", "today", "yesterday", "week", "since"]
    seconds: float = 0
    at: datetime | None = None
    open_ended: bool = False

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """(from, to) of this span at a moment."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.kind == "last":
            return now - timedelta(seconds=self.seconds), now
        if self.kind == "today":
            return midnight, now
        if self.kind == "yesterday":
            return midnight - timedelta(days=1), now if self.open_ended else midnight
        if self.kind == "week":
            return midnight - timedelta(days=now.weekday()), now
        return self.at or now, now


def duration(number: str, unit: str) -> float | None:
    """Seconds of `30`, `minutes`; None when the unit is not one of time."""
    factor = UNITS.get(unit)
    try:
        return float(number) * factor if factor else None
    except ValueError:
        return None


def compact_duration(word: str) -> float | None:
    """Seconds of `10m`, `2h`, `1h30m`, `3days`; None when the word is not one."""
    found = _COMPACT.match(word)
    if found:
        first, unit, second, rest = found.groups()
        return float(first) * UNITS[unit] + (float(second) * UNITS[rest] if second else 0.0)
    joined = _JOINED.match(word)
    return duration(joined.group(1), joined.group(2)) if joined else None


def moment(word: str) -> datetime | None:
    """An ISO date or date-time with UTC as the default zone; None when the word is not one."""
    if len(word) < 10 or not word[:4].isdigit():
        return None
    try:
        found = datetime.fromisoformat(word.upper().replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else datetime.fromisoformat(f"{found.isoformat()}+00:00")


def spoken(seconds: float) -> str:
    """Seconds the way people say them: `90 s`, `10 min`, `2 h`, `3 d`."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
