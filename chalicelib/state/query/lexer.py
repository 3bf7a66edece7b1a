"""Text to tokens. Every token knows where it stands, so that a chip can name the exact words it came from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

TokenType = Literal["word", "quoted", "op", "comma", "paren"]

MAX_CHARS = 2_000
"""Longer questions are cut: nothing people type is longer, and matching stays fast on hostile input."""

_TOKEN = re.compile(
    r"""(?P<quoted>"[^"]*"|“[^”]*”|`[^`]*`|(?<![^\s(,=])'[^']*'(?![^\s),]))
      | (?P<op>>=|<=|!=|==|=>|=<|=|>|<|≥|≤)
      | (?P<comma>,)
      | (?P<paren>[()])
      | (?P<word>[^\s,()=<>≥≤"“”`!]+|!)""",
    re.VERBOSE,
)
_TRAILING = ".?!;:…"
_OPS = {"==": "=", "=>": ">=", "=<": "<=", "≥": ">=", "≤": "<="}


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a question. `lower` is what is compared; of quoted text it is the inside, in its own case."""

    type: TokenType
    text: str
    lower: str
    start: int
    end: int


def lex(text: str) -> list[Token]:
    """Tokens of a question in order. Never raises; characters that mean nothing here are passed over."""
    found: list[Token] = []
    for match in _TOKEN.finditer(text[:MAX_CHARS]):
        kind = match.lastgroup
        if kind == "quoted":
            inner = match.group()[1:-1].strip()
            if inner:
                found.append(Token("quoted", match.group(), inner, match.start(), match.end()))
        elif kind == "op":
            op = match.group()
            found.append(Token("op", op, _OPS.get(op, op), match.start(), match.end()))
        elif kind == "comma":
            found.append(Token("comma", ",", ",", match.start(), match.end()))
        elif kind == "paren":
            found.append(Token("paren", match.group(), match.group(), match.start(), match.end()))
        else:
            word = _word(match.group(), match.start())
            if word:
                found.append(word)
    return found


def _word(raw: str, start: int) -> Token | None:
    """A word without its sentence punctuation; the leading colon of a command (`:po`) is dropped too."""
    text = raw.rstrip(_TRAILING).rstrip("'’")
    lead = len(text) - len(text.lstrip(":¿¡'"))
    text = text[lead:]
    if not text:
        return None
    lower = text.lower().replace("’", "'")
    return Token("word", text, lower, start + lead, start + lead + len(text))
