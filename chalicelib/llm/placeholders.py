"""Stable placeholders for names, addresses, accounts and e-mail addresses, in every text that goes to a model.

The same name has the same placeholder for as long as the mapping is kept (with a conversation), in questions, results,
events and logs alike; what the model says is put back before anybody or any tool sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

SHORTEST_NAME = 3
_PATTERNS = {
    "EMAIL": re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}\b"),
    "ACCOUNT": re.compile(r"(?<![\w.-])\d{12}(?![\w.-])|(?<=:)\d{12}(?=:)|(?<![\w.-])\d{12}(?=\.dkr\.ecr\.)"),
    "IP": re.compile(
        r"(?<![\w.:])(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}(?![\w.]*\d)|"
        r"(?<![\w:.])(?:[0-9a-fA-F]{1,4}:){2,7}(?::|[0-9a-fA-F]{1,4})(?:[0-9a-fA-F:]{0,30})(?![\w:])"
    ),
}
_PLACEHOLDER = re.compile(r"<[A-Z]{1,30}_\d{1,6}>")
_PARTIAL = re.compile(r"<(?:[A-Z]{1,30}(?:_\d{0,6})?)?\Z")


class Placeholders:
    """A two-way mapping. `known` is one that was kept; `mapping` is what to keep."""

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        self._by_value: dict[str, str] = dict(known or {})
        self._by_placeholder = {placeholder: value for value, placeholder in self._by_value.items()}
        self._names: re.Pattern[str] | None = None
        self._kinds: dict[str, str] = {}

    @property
    def mapping(self) -> dict[str, str]:
        """Placeholders by value."""
        return dict(self._by_value)

    def add_names(self, names: Iterable[tuple[str, str]]) -> None:
        """Names to hide, as (kind, name): `("Pod", "cart-7d9f")`. Names of fewer than 3 characters stay."""
        self._kinds |= {name: kind for kind, name in names if len(name) >= SHORTEST_NAME}
        if self._kinds:
            # Longest first: a Pod's name begins with that of its Deployment.
            choices = "|".join(re.escape(name) for name in sorted(self._kinds, key=lambda n: (-len(n), n)))
            self._names = re.compile(rf"(?<![A-Za-z0-9])(?:{choices})(?![A-Za-z0-9])")

    def hide(self, text: str) -> str:
        """The text with placeholders. One that the text brings itself is broken, so that it names nothing."""
        text = _PLACEHOLDER.sub(lambda found: found[0].replace("<", "(").replace(">", ")"), text)
        for kind, pattern in _PATTERNS.items():
            text = pattern.sub(lambda found, kind=kind: self._placeholder(kind, found[0]), text)  # type: ignore[misc]
        if self._names is not None:
            text = self._names.sub(lambda found: self._placeholder(self._kinds[found[0]], found[0]), text)
        return text

    def _placeholder(self, kind: str, value: str) -> str:
        known = self._by_value.get(value)
        if known is None:
            prefix = re.sub(r"[^A-Z]", "", kind.upper())[:30] or "NAME"
            number = sum(p.startswith(f"<{prefix}_") for p in self._by_placeholder) + 1
            known = f"<{prefix}_{number}>"
            self._by_value[value] = known
            self._by_placeholder[known] = value
        return known

    def show(self, value: Any) -> Any:
        """A text or JSON value with the names back; a placeholder that stands for nothing stays."""
        if isinstance(value, str):
            return _PLACEHOLDER.sub(lambda found: self._by_placeholder.get(found[0], found[0]), value)
        if isinstance(value, list):
            return [self.show(item) for item in value]
        if isinstance(value, Mapping):
            return {self.show(key): self.show(item) for key, item in value.items()}
        return value


class Showing:
    """Puts names back into a stream of text: what may be the beginning of a placeholder is held until it is whole."""

    def __init__(self, placeholders: Placeholders) -> None:
        self._placeholders = placeholders
        self._held = ""

    def add(self, text: str) -> str:
        """The text that is certain by now."""
        text = self._held + text
        partial = _PARTIAL.search(text)
        self._held = partial[0] if partial else ""
        return str(self._placeholders.show(text[: len(text) - len(self._held)]))

    def rest(self) -> str:
        held, self._held = self._held, ""
        return str(self._placeholders.show(held))
