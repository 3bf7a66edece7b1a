"""A question while it is read: its tokens, what the words at a place can mean, and what was understood so far."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Api
from chalicelib.state.quantity import parse_quantity
from chalicelib.state.query.conditions import Condition
from chalicelib.state.query.lexer import Token
from chalicelib.state.query.times import Span, compact_duration, duration
from chalicelib.state.query.vocabulary import KIND_PHRASES, LONGEST_KIND, Vocabulary
from chalicelib.state.query.words import COMPARISONS, FIELDS, LONGEST_COMPARISON, NEGATIONS, NUMBERS

BASE_COLUMNS = {
    "name": "text", "namespace": "text", "status": "status", "health": "health", "created_at": "age", "labels": "list",
}  # fmt: skip
NUMERIC = frozenset({"number", "bytes", "cpu", "ratio", "duration", "health"})
_BYTES = {
    "kb": "k",
    "mb": "M",
    "gb": "G",
    "tb": "T",
    "kib": "Ki",
    "mib": "Mi",
    "gib": "Gi",
    "tib": "Ti",
    "k": "k",
    "g": "G",
    "t": "T",
    "ki": "Ki",
    "mi": "Mi",
    "gi": "Gi",
    "ti": "Ti",
    "gigs": "G",
    "gig": "G",
    "megs": "M",
}
_CORES = {"cores": "", "core": "", "cpus": "", "cpu": "", "vcpu": "", "millicores": "m", "millicore": "m", "m": "m"}
_VALUE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)(%|[A-Za-z]{1,12})?\Z", re.ASCII)


class Chip(Api):
    """One understood part of a question. `text` are its exact words: taking them out takes the chip out.

    `note` says how a word was understood when that is not plain ("prod" as namespace production).
    """

    field: str
    op: str
    value: str
    text: str
    note: str = ""


class Ambiguity(Api):
    """A word that could mean several things."""

    text: str
    what: str
    candidates: list[str] = []


@dataclass
class Reading:
    """State of one parse. Rules look at tokens from a place on and record what they understand."""

    text: str
    tokens: list[Token]
    vocabulary: Vocabulary
    kind: str | None
    """The kind whose columns fields are looked up in."""
    chips: list[Chip] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    unparsed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ambiguous: list[Ambiguity] = field(default_factory=list)
    sort: str = ""
    limit: int | None = None
    group: str = ""
    count: bool = False
    sum: str = ""
    span: Span | None = None
    default_kind: str | None = None

    # Looking at tokens

    def word(self, i: int) -> str:
        """The lower-case word at a place, or "" where there is none."""
        return self.tokens[i].lower if 0 <= i < len(self.tokens) and self.tokens[i].type == "word" else ""

    def type(self, i: int) -> str:
        return self.tokens[i].type if 0 <= i < len(self.tokens) else ""

    def value(self, i: int) -> str:
        """The word or quoted text at a place, or ""."""
        return self.tokens[i].lower if self.type(i) in ("word", "quoted") else ""

    def phrase(self, i: int, n: int) -> str:
        """`n` words joined by spaces, hyphens as spaces, every negation as "not"; "" when they are not all words."""
        words = [self.word(j) for j in range(i, i + n)]
        if not all(words):
            return ""
        words[0] = "not" if words[0] in NEGATIONS else words[0]
        joined = " ".join(words).replace("-", " ")
        return "not " + joined[4:] if joined.startswith("non ") else joined

    def skip(self, i: int, words: frozenset[str] | set[str]) -> int:
        """The first place from `i` on that holds none of the words."""
        while self.word(i) in words:
            i += 1
        return i

    def longest(self, i: int, most: int, known: Callable[[str], bool]) -> int:
        """How many words from `i` on form the longest known phrase; 0 for none."""
        for n in range(min(most, len(self.tokens) - i), 0, -1):
            phrase = self.phrase(i, n)
            if phrase and known(phrase):
                return n
        return 0

    def one_of(self, i: int, phrases: tuple[str, ...]) -> int:
        """How many words a phrase of the list takes at `i`; 0 for none."""
        return self.longest(i, max(len(p.split()) for p in phrases), lambda p: p in phrases)

    # What words mean

    def kind_at(self, i: int) -> tuple[int, str] | None:
        """(words, kind) of the longest phrase that names a kind."""
        n = self.longest(i, LONGEST_KIND, lambda p: p in KIND_PHRASES)
        return (n, KIND_PHRASES[self.phrase(i, n)]) if n else None

    def columns(self) -> dict[str, str]:
        """Column key -> type for the kind in hand (Pod when none is)."""
        entry = KINDS.get(self.kind or self.default_kind or "Pod")
        return BASE_COLUMNS | ({c.key: c.type for c in entry.columns} if entry else {})

    def field_at(self, i: int) -> tuple[int, str, str] | None:
        """(words, column key, type) of the longest phrase that names a column of the kind."""
        columns = self.columns()
        names = _field_names(columns)
        entry = KINDS.get(self.kind or self.default_kind or "Pod")
        for column in entry.columns if entry else ():
            names.setdefault(column.title.lower(), column.key)
            names.setdefault(column.key.replace("_", " "), column.key)
        n = self.longest(i, 4, lambda p: p in names)
        if not n:
            return None
        key = names[self.phrase(i, n)]
        return n, key, columns[key]

    def comparison_at(self, i: int) -> tuple[int, str] | None:
        """(tokens, operator) of a comparison in words or signs."""
        if self.type(i) == "op":
            return 1, COMPARISONS[self.tokens[i].lower]
        n = self.longest(i, LONGEST_COMPARISON, lambda p: p in COMPARISONS)
        return (n, COMPARISONS[self.phrase(i, n)]) if n else None

    def number_at(self, i: int) -> int | None:
        """A whole number in digits or words."""
        word = self.word(i)
        if word.isascii() and word.isdigit() and len(word) <= 9:
            return int(word)
        return NUMBERS.get(word)

    def amount_at(self, i: int, type_: str) -> tuple[int, float, str, bool] | None:
        """(tokens, number, as written, is a percentage) of an amount of a column type."""
        if type_ in ("age", "duration"):
            found = self.duration_at(i)
            return (found[0], found[1], self.span_text(i, found[0]), False) if found else None
        if self.type(i) not in ("word", "quoted"):
            return None
        token = self.tokens[i]
        match = _VALUE.match(token.text.strip("\"'`"))
        if not match:
            whole = self.number_at(i)
            return (1, float(whole), str(whole), False) if whole is not None else None
        number, unit = match.groups()
        if unit == "%":
            return 1, float(number) / 100, token.text, True
        taken = 1
        if unit is None and type_ in ("bytes", "cpu") and self._unit(self.word(i + 1), type_) is not None:
            unit, taken = self.word(i + 1), 2
        elif unit is None and self.word(i + 1) in ("percent", "pct"):
            return 2, float(number) / 100, f"{number}%", True
        value = self._scaled(number, unit, type_)
        return None if value is None else (taken, value, self.span_text(i, taken), False)

    @staticmethod
    def _unit(word: str, type_: str) -> str | None:
        return (_BYTES if type_ == "bytes" else _CORES).get(word)

    def _scaled(self, number: str, unit: str | None, type_: str) -> float | None:
        if unit is None:
            return float(number)
        suffix = self._unit(unit.lower(), type_) if type_ in ("bytes", "cpu") else None
        for text in (f"{number}{unit}", None if suffix is None else f"{number}{suffix}"):
            if text is not None and type_ != "number":
                try:
                    return parse_quantity(text)
                except ValueError:
                    continue
        return float(number) if unit.lower() in ("x", "times") else None

    def duration_at(self, i: int) -> tuple[int, float] | None:
        """(tokens, seconds) of `10m`, `10 minutes`, `an hour`, `hour`."""
        word = self.word(i)
        compact = compact_duration(word)
        if compact is not None:
            return 1, compact
        number = self.number_at(i)
        j = i + 1 + (self.word(i + 1) == "of") if number is not None else i
        seconds = duration(str(1 if number is None else number), self.word(j))
        return (j + 1 - i, seconds) if seconds is not None else None

    def span_text(self, i: int, n: int) -> str:
        """The exact words of `n` tokens."""
        if not n:
            return ""
        return self.text[self.tokens[i].start : self.tokens[i + n - 1].end]

    # Recording

    def chip(self, i: int, n: int, field_: str, op: str, value: str, note: str = "") -> int:
        """Record a chip for `n` tokens; returns `n`."""
        self.chips.append(Chip(field=field_, op=op, value=value, text=self.span_text(i, n), note=note))
        return n

    def condition(
        self, i: int, n: int, field_: str, op: str, values: tuple[str | float, ...], shown: str = "", note: str = ""
    ) -> int:
        """Record a condition with its chip; returns `n`."""
        self.conditions.append(Condition(field=field_, op=op, values=values))
        return self.chip(i, n, field_, op, shown or ", ".join(str(v) for v in values), note)

    def during(self, i: int, n: int, field_: str, span: Span) -> int:
        """Record that a time column lies within a span; returns `n`."""
        self.conditions.append(Condition(field=field_, op=">=", span=span))
        return self.chip(i, n, field_, ">=", self.span_text(i, n))


_NAMES: dict[tuple[str, ...], dict[str, str]] = {}


def _field_names(columns: dict[str, str]) -> dict[str, str]:
    """Words for the columns of one kind. The first field that the kind has wins a word."""
    key = tuple(columns)
    if key not in _NAMES:
        found: dict[str, str] = {}
        for column, said in FIELDS.items():
            if column in columns:
                for phrase in said:
                    found.setdefault(phrase, column)
        _NAMES[key] = found
    return dict(_NAMES[key])
