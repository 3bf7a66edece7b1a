"""Masks of the recording: wildcards that stand for the same value wherever they have the same number."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

_MASK = re.compile(
    r"<(uid|rv|rand|pth|continue|clusterip|podip|time|microtime|date|age|evt|hash|server|pem|commit|go)(?::(\d+))?>"
)
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_FORM = {
    "uid": _UUID, "rv": r"\d+", "rand": r"[a-z0-9]{5}", "pth": r"[a-z0-9]+", "continue": r"[A-Za-z0-9_=-]+",
    "clusterip": r"[0-9.]+", "podip": r"[0-9.]+", "evt": r"[0-9a-f]+", "age": r"[0-9a-z]+",
}  # fmt: skip
_KEYED = re.compile(rf"{_UUID}|\b\d+\.\d+\.\d+\.\d+\b")


class Masks:
    """What each numbered mask stands for in this replay, learned from the answers."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def filled(self, value: Any) -> Any:
        """A recorded value with every known mask replaced by what it stands for."""
        if isinstance(value, dict):
            return {self.filled(key): self.filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if isinstance(value, str):
            return _MASK.sub(self._one, value)
        return value

    def _one(self, match: re.Match[str]) -> str:
        """A mask's value. A revision that was never seen is as old as the newest one before it."""
        mask = match.group(0)
        if mask in self.known or match.group(1) != "rv" or not match.group(2):
            return self.known.get(mask, mask)
        earlier = [f"<rv:{number}>" for number in range(int(match.group(2)) - 1, 0, -1)]
        return next((self.known[one] for one in earlier if one in self.known), "1")

    def matches(self, recorded: str, actual: str) -> bool:
        """Whether a text fits; what its masks stand for must not contradict what is known."""
        found = self._bind(recorded, actual)
        if found is None or any(self.known.get(mask, value) != value for mask, value in found.items()):
            return False
        self.known.update(found)
        return True

    def fits(self, recorded: str, actual: str) -> bool:
        """As `matches`, without learning anything."""
        found = self._bind(recorded, actual)
        return found is not None and all(self.known.get(mask, value) == value for mask, value in found.items())

    def _bind(self, recorded: str, actual: str) -> dict[str, str] | None:
        if recorded == actual:
            return {}
        pattern, names = _pattern(recorded)
        found = pattern.fullmatch(actual) if names else None
        if not found:
            return None
        return {name: value for name, value in zip(names, found.groups(), strict=True) if ":" in name}


@lru_cache(maxsize=20_000)
def _pattern(recorded: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """What a recorded text stands for, and its masks in their order."""
    pattern, names, last = "", [], 0
    for match in _MASK.finditer(recorded):
        pattern += re.escape(recorded[last : match.start()])
        pattern += f"({_FORM.get(match.group(1), '.*?')})"
        names.append(match.group(0))
        last = match.end()
    return re.compile(pattern + re.escape(recorded[last:]), re.DOTALL), tuple(names)


@lru_cache(maxsize=20_000)
def folded_key(key: str) -> str:
    """A key with masked or real uids and addresses made equal."""
    return _KEYED.sub("<value>", _MASK.sub("<value>", key))


def has_mask(text: str) -> bool:
    return bool(_MASK.search(text))
