"""Moments and spans of time as tools read and write them: RFC 3339 out, RFC 3339 or `2h` in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from chalicelib.errors import InvalidRequest

_SPAN = re.compile(r"\s*-?\s*(\d{1,6})\s*(s|m|h|d|w)(?:ec|in|r|ay|eek)?s?(?:\s+ago)?\s*\Z", re.IGNORECASE)
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
LONGEST = timedelta(days=3660)


def rfc3339(moment: datetime | None) -> str | None:
    """`2026-01-31T08:15:00Z`: whole seconds, UTC.

    >>> rfc3339(datetime(2026, 1, 31, 8, 15, tzinfo=UTC))
    '2026-01-31T08:15:00Z'
    """
    if moment is None:
        return None
    utc = moment if moment.tzinfo is None else moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%SZ")


def span(text: str, field: str = "since") -> timedelta:
    """A span such as `90s`, `15m`, `2h`, `1d`. Raises InvalidRequest naming `field`."""
    found = _SPAN.match(text)
    length = timedelta(seconds=int(found[1]) * _UNIT_S[found[2].lower()]) if found else None
    if length is None or length > LONGEST:
        raise InvalidRequest(
            f"{field}: {text[:60]!r} is not a length of time.",
            remedy="Write a number and a unit: 90s, 15m, 2h or 1d.",
            details={"field": field},
        )
    return length


def moment(text: str, now: datetime, field: str = "at") -> datetime:
    """A moment in UTC: RFC 3339, or a span before `now` (`2h`, `2h ago`). Raises InvalidRequest naming `field`."""
    if _SPAN.match(text):
        return now - span(text, field)
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidRequest(
            f"{field}: {text[:60]!r} is not a moment.",
            remedy="Write it as 2026-01-31T08:15:00Z, or as a span before now: 2h.",
            details={"field": field},
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def length(span_s: float) -> str:
    """The two leading units, as people say it: `45s`, `12m`, `3h 5m`, `2d 4h`."""
    seconds = max(0, int(span_s))
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"
