"""What a conversation remembers between turns, as plain JSON: enough for "it", "the second one" and "and in shop?"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from chalicelib.state.meta import Ref

MAX_ITEMS = 25
TITLE_CHARS = 60


class Remembered(msgspec.Struct, frozen=True, omit_defaults=True):
    """One object that was spoken of."""

    kind: str
    namespace: str
    name: str

    @property
    def ref(self) -> Ref:
        return Ref(self.kind, self.namespace, self.name)


class Memory(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of a conversation after its last turn.

    `items` is the last list in its shown order; `question` is the last question with all references resolved.
    """

    title: str = ""
    intent: str = ""
    question: str = ""
    subject: Remembered | None = None
    items: tuple[Remembered, ...] = ()
    namespace: str = ""
    cluster: str = ""
    screen: Remembered | None = None
    proposed: str = ""
    """The last command that was offered. It was not run here."""
    investigation: str = ""
    """The investigation that is spoken of."""
    on_screen: str = ""
    """The investigation whose page was last looked at."""
    turns: int = 0

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Memory:
        """Memory from its stored form. What cannot be read is forgotten: a lost reference is asked for again."""
        try:
            return msgspec.convert(dict(stored or {}), cls)
        except (msgspec.ValidationError, TypeError, ValueError):
            return cls()

    def beside(self, screen: Mapping[str, Any]) -> Memory:
        """The memory beside a page: opening the page of another investigation means to speak of that one."""
        shown = str(screen.get("investigation") or "")
        return (
            msgspec.structs.replace(self, investigation=shown, on_screen=shown)
            if shown not in ("", self.on_screen)
            else self
        )

    def as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


def remembered(ref: Ref) -> Remembered:
    return Remembered(ref.kind, ref.namespace, ref.name)


def title_of(question: str) -> str:
    """The title of a conversation: its first question, cut at a word."""
    text = " ".join(question.split()).rstrip("?.! ")
    if len(text) <= TITLE_CHARS:
        return text[:1].upper() + text[1:]
    cut = text[:TITLE_CHARS]
    at = cut.rfind(" ")
    return (cut[:at] if at > TITLE_CHARS // 2 else cut).rstrip(" ,;:") + "…"
