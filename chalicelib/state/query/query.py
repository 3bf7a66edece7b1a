"""A question about a list, understood: conditions, ranking, limit, group, span of time, and what was not understood.

Grammar: an ordered list of rules; at each word the first rule that understands something takes its words. Rules are
tried from the most specific to the bare word, so adding one is adding a function to `RULES`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Api
from chalicelib.state.query import measures, naming
from chalicelib.state.query.conditions import Condition, moment_of, number_of
from chalicelib.state.query.lexer import lex
from chalicelib.state.query.reading import Ambiguity, Chip, Reading
from chalicelib.state.query.times import Span
from chalicelib.state.query.vocabulary import Vocabulary
from chalicelib.state.query.words import FILLERS

RULES = (
    naming.everywhere_rule,
    measures.count_rule,
    measures.time_rule,
    measures.age_rule,
    naming.selector_rule,
    measures.compare_rule,
    measures.high_rule,
    measures.group_rule,
    measures.rank_rule,
    naming.name_rule,
    naming.image_rule,
    measures.unused_rule,
    measures.without_rule,
    measures.typed_rule,
    naming.node_rule,
    naming.status_rule,
    naming.owner_rule,
    naming.namespace_rule,
    naming.kind_rule,
    naming.bare_rule,
)
WORST = {"crit": 0, "warn": 1, "progress": 2, "unknown": 3, "ok": 4}
MAX_TOKENS = 120
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Query(Api):
    """What a question asks of a list. `conditions` are all to hold; values within one are alternatives."""

    text: str
    chips: tuple[Chip, ...] = ()
    conditions: tuple[Condition, ...] = ()
    unparsed: tuple[str, ...] = ()
    kind: str | None = None
    """The kind that the words name; None when they name none."""
    suggested_kind: str | None = None
    """The kind that a status implies (crashlooping: Pod) when the words name none."""
    sort: str = ""
    """A row key, with `-` before it for the largest first; "" for the list's own order."""
    limit: int | None = None
    group: str = ""
    count: bool = False
    sum: str = ""
    """The column to add up ("how many restarts"); "" for none."""
    span: Span | None = None
    notes: tuple[str, ...] = ()
    ambiguous: tuple[Ambiguity, ...] = ()
    now: datetime | None = None
    """The moment that ages and spans count from; for a list the time its cluster was read."""

    @property
    def empty(self) -> bool:
        """Whether nothing was understood beyond the kind, and nothing was left over."""
        return not (self.chips or self.unparsed or self.count)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces it is limited to; empty for all."""
        found = [c for c in self.conditions if c.field == "namespace" and c.op in ("=", "in")]
        return tuple(str(v) for c in found for v in c.values)

    def without(self, chip: Chip) -> str:
        """The text of this query with one chip taken out."""
        if not chip.text or chip.text not in self.text:
            return self.text
        before, _, after = self.text.partition(chip.text)
        return " ".join(f"{before} {after}".split())

    def matches(self, row: Mapping[str, Any], now: datetime) -> bool:
        return all(c.holds(row, now) for c in self.conditions)

    def filter(self, rows: Iterable[Mapping[str, Any]], now: datetime | None = None) -> list[Any]:
        """The rows that satisfy every condition, in their own order. Linear in rows.

        Raises ValueError when a condition speaks of time and no moment was given here or to `parse`.
        """
        moment = now or self.now
        if moment is None:
            if any(c.timed for c in self.conditions):
                raise ValueError("a condition on time needs the moment it counts from")
            moment = EPOCH
        return [row for row in rows if self.matches(row, moment)]

    def apply(self, rows: Iterable[Mapping[str, Any]], now: datetime | None = None) -> list[Any]:
        """The rows that satisfy every condition, ranked and limited. Missing values rank last either way."""
        found = self.filter(rows, now)
        if self.sort:
            found = ranked(found, self.sort)
        return found if self.limit is None else found[: self.limit]

    def groups(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Rows counted by `group`: [{key, count, worst}], the largest first."""
        return grouped(rows, self.group)


def parse(text: str, vocabulary: Vocabulary, kind: str | None = None, now: datetime | None = None) -> Query:
    """Understand a filter or question. Never raises; what it does not understand is in `unparsed`.

    `kind` is the list's kind when the question is a filter of a list; it decides which columns exist. `now` is the
    moment that spans of time count from, that of the vocabulary's cluster when it is not given.
    """
    tokens = lex(text)[:MAX_TOKENS]
    reading = Reading(text, tokens, vocabulary, kind)
    named = _named_kind(reading)
    reading.kind = kind or named
    if reading.kind is None:
        reading.default_kind = None
    i = 0
    while i < len(tokens):
        i += _step(reading, i)
    if kind and named and named != kind:
        reading.notes.append(f"this list shows {KINDS[kind].title.lower()}, not {KINDS[named].title.lower()}")
    return Query(
        text=text,
        chips=tuple(reading.chips),
        conditions=tuple(reading.conditions),
        unparsed=tuple(reading.unparsed),
        kind=named or kind,
        suggested_kind=reading.default_kind,
        sort=reading.sort,
        limit=reading.limit,
        group=reading.group,
        count=reading.count,
        sum=reading.sum,
        span=reading.span,
        notes=tuple(dict.fromkeys(reading.notes)),
        ambiguous=tuple(reading.ambiguous),
        now=now or vocabulary.now,
    )


def _named_kind(r: Reading) -> str | None:
    """The first kind that the words name, apart from names of objects and label values."""
    i = 0
    while i < len(r.tokens):
        found = r.kind_at(i)
        if found and r.type(i + found[0]) != "op" and not _is_field_use(r, i, found[1]):
            return found[1]
        i += found[0] if found else 1
    return None


def _is_field_use(r: Reading, i: int, kind: str) -> bool:
    """Whether a kind word stands for a column: `by node`, `on node x`, `in namespace x`, `x namespace`."""
    before = r.word(i - 1)
    if before in ("by", "per", "each", "every") or (before == "the" and r.word(i - 2) in ("by", "on", "in")):
        return True
    if kind == "Node":
        return before == "on"
    if kind == "Namespace":
        named = bool(r.vocabulary.namespace(before or "-")) or r.value(i + 1) in r.vocabulary.namespaces
        return named or before in ("in", "from", "of", "this", "that", "all")
    return kind == "Deployment" and before in ("in", "of") and r.value(i + 1) in r.vocabulary.objects


def _step(r: Reading, i: int) -> int:
    for rule in RULES:
        n = rule(r, i)
        if n:
            return n
    if r.type(i) in ("comma", "paren") or r.word(i) in FILLERS:
        return 1
    r.unparsed.append(r.tokens[i].text)
    return 1


def ranked(rows: Sequence[Mapping[str, Any]], sort: str) -> list[Any]:
    """Rows by a key (`-key`: largest first); ties by namespace and name, rows without a value last."""
    key, down = sort.lstrip("-"), sort.startswith("-")

    def order(row: Mapping[str, Any]) -> tuple[int, float, str, str, str]:
        value = row.get(key)
        number = _rank_of(key, value)
        names = (str(row.get("namespace", "")), str(row.get("name", "")))
        if number is not None:
            return (0, -number if down else number, "", *names)
        if value in (None, "", [], "-") or isinstance(value, Mapping):
            return (2, 0.0, "", *names)
        return (1, 0.0, str(value).lower(), *names)

    return sorted(rows, key=order)


def _rank_of(key: str, value: Any) -> float | None:
    if key == "status" and isinstance(value, Mapping):
        return float(WORST.get(str(value.get("level")), 3))
    moment = moment_of(value)
    return moment.timestamp() if moment else number_of(value)


def grouped(rows: Sequence[Mapping[str, Any]], field: str) -> list[dict[str, Any]]:
    """[{key, count, worst}] by a row key or `label KEY`, the largest group first."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        value = (row.get("labels") or {}).get(field[6:]) if field.startswith("label ") else row.get(field)
        if isinstance(value, Mapping):
            value = value.get("word")
        keys = [str(v) for v in value] if isinstance(value, list | tuple) else ["" if value is None else str(value)]
        level = str((row.get("status") or {}).get("level", "unknown"))
        for key in keys:
            group = found.setdefault(key, {"key": key, "count": 0, "worst": "ok"})
            group["count"] += 1
            if WORST.get(level, 3) < WORST.get(group["worst"], 4):
                group["worst"] = level
    return sorted(found.values(), key=lambda g: (-g["count"], g["key"]))
