"""Which Chalice route a path belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Match:
    """A route and what its placeholders stand for, percent-encoded as sent (API Gateway does not decode
    them).
    """

    resource: str
    parameters: Mapping[str, str]


class RouteTable:
    """Routes such as `/clusters/{id}`; a fixed segment wins over a placeholder, as in API Gateway."""

    def __init__(self, resources: Iterable[str]) -> None:
        ordered = sorted(resources, key=lambda resource: [part.startswith("{") for part in resource.split("/")])
        self._patterns = [(resource, _pattern(resource)) for resource in ordered]
        self.match = lru_cache(maxsize=4096)(self._match)

    def _match(self, path: str) -> Match | None:
        # API Gateway ignores one trailing slash.
        trimmed = path[:-1] if len(path) > 1 and path.endswith("/") else path
        for resource, pattern in self._patterns:
            if found := pattern.fullmatch(trimmed):
                return Match(resource, found.groupdict())
        return None


def _pattern(resource: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(resource)))
