"""Lists, counts, groups and rankings: a question that the query grammar understands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from chalicelib.assistant import blocks
from chalicelib.assistant.answers.diagnosis import _unknown_namespace
from chalicelib.assistant.blocks import code, column, plain
from chalicelib.assistant.intents import intent
from chalicelib.assistant.turn import Turn, kind_title
from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref
from chalicelib.state.quantity import format_bytes, format_cores
from chalicelib.state.query import Query
from chalicelib.state.query.conditions import number_of
from chalicelib.state.query.lexer import lex
from chalicelib.state.query.query import ranked
from chalicelib.state.query.words import NEGATIONS

Row = dict[str, Any]
MAX_COLUMNS = 7
BARS = 20
INVERTING = NEGATIONS | {"without", "except", "excluding", "neither", "unless"}
"""Words that turn a condition around: a list that left one out would show the opposite of what was asked."""
_NOT_CONDITIONS = ("sort", "limit", "group", "time")
_VERBS = (
    r"(show|list|get|give|display|find|which|what|who|count|how many|number of|top|all|any|are there"
    r"|is there|do (we|i) have|search|filter)"
)


@intent(
    "count",
    109,
    r"^(how many|count|number of|the number of|total)\b",
    examples=("how many pods are running in {namespace}?",),
    when=lambda t: understood(t.query),
)
def counting(turn: Turn) -> None:
    """How many there are, in all or by group."""
    listing(turn)


@intent(
    "list", 110,
    rf"^{_VERBS}\b", r"^[a-z].*", r"^.*$",
    examples=("failing pods in {namespace}", "pods with more than 5 restarts", "top 10 pods by memory"),
    when=lambda t: understood(t.query),
)  # fmt: skip
def listing(turn: Turn) -> None:
    """Rows of a kind that satisfy what was asked."""
    query = turn.query
    kind = kind_of(query)
    if any(a.what == "namespace" for a in query.ambiguous):
        _ask_namespace(turn, query)
        return
    rows = turn.desk.rows(kind)
    matched = query.filter(rows, turn.desk.now)
    turn.unparsed = list(query.unparsed)
    if query.namespaces:
        turn.namespace = query.namespaces[0]
    _answer(turn, kind, query, matched, rows)
    _say_understanding(turn, query)
    turn.suggest(*_next(kind, matched, query))


def understood(query: Query) -> bool:
    """Whether enough of a question was understood to answer it with a list."""
    words = max(1, len(lex(query.text)))
    if not (query.kind or query.conditions or (query.count and query.group)):
        return False
    if any(word.lower() in INVERTING for word in query.unparsed):
        return False
    lonely = not query.kind and len(query.unparsed) > 0
    return len(query.unparsed) <= words / 3 and not lonely


def kind_of(query: Query) -> str:
    return query.kind or query.suggested_kind or "Pod"


def _answer(turn: Turn, kind: str, query: Query, matched: list[Row], rows: Sequence[Row]) -> None:
    described = _described(query)
    if kind not in turn.view.snapshot.objects:
        turn.say(f"I can't say: {KINDS[kind].title.lower()} were not read in {code(turn.desk.record.name)}.")
        turn.degraded = True
        return
    if query.group:
        _grouped(turn, kind, query, matched, described)
        return
    ordered = ranked(matched, query.sort) if query.sort else _worst_first(matched)
    shown = ordered[: query.limit] if query.limit else ordered
    _lead(turn, kind, query, matched, shown, described)
    if not matched:
        _nearest_misses(turn, kind, query, rows)
        return
    if query.count and len(matched) > blocks.TABLE_ROWS:
        turn.desk.cite_rows(kind, shown[:3])
    else:
        _table(turn, kind, query, shown, len(matched))
    turn.listed(Ref(kind, r["namespace"], r["name"]) for r in shown)
    if len(shown) == 1:
        turn.about(Ref(kind, shown[0]["namespace"], shown[0]["name"]))


def _lead(turn: Turn, kind: str, query: Query, matched: Sequence[Row], shown: Sequence[Row], described: str) -> None:
    """The first sentence: how many, of what, and the extreme one when ranked."""
    total = kind_title(kind, len(matched))
    verb = "matches" if len(matched) == 1 else "match"
    if not described and not query.limit:
        turn.say(f"There {'is' if len(matched) == 1 else 'are'} **{total}** in {code(turn.desk.record.name)}.")
    elif query.limit and len(matched) > len(shown):
        turn.say(f"The first {len(shown)} of **{total}**{f' that match {described}' if described else ''}.")
    else:
        turn.say(f"**{total}** {verb} {described}." if matched else f"No {kind_title(kind, 0)[2:]} match {described}.")
    if query.sum and matched:
        numbers = [v for r in matched if (v := number_of(r.get(query.sum))) is not None]
        turn.say(f"Together they have **{sum(numbers):g} {_title(kind, query.sum)}**.")
    if query.sort and shown:
        key = query.sort.lstrip("-")
        value = shown[0].get(key)
        if value is None:
            turn.say(f"No {_title(kind, key)} is known for any of them.")
        elif not isinstance(value, dict):
            extreme = "highest" if query.sort.startswith("-") else "lowest"
            shown_name = code(_full_name(shown[0]))
            turn.say(
                f"{shown_name} is first, with the {extreme} {_title(kind, key)}: {code(_formatted(kind, key, value))}."
            )


def _described(query: Query) -> str:
    """The conditions in words."""
    chips = [c for c in query.chips if c.field not in _NOT_CONDITIONS]
    return " and ".join(f"{plain(c.field)} {c.op} {code(c.value)}" for c in chips)


def _full_name(row: Row) -> str:
    return f"{row['namespace']}/{row['name']}" if row["namespace"] else str(row["name"])


def _title(kind: str, key: str) -> str:
    titles = {c.key: c.title.lower() for c in KINDS[kind].columns} | {"created_at": "creation time"}
    return titles.get(key, key)


def _type(kind: str, key: str) -> str:
    types = {c.key: c.type for c in KINDS[kind].columns}
    return str(types.get(key) or {"created_at": "age", "status": "status", "health": "health"}.get(key, "text"))


def _formatted(kind: str, key: str, value: Any) -> str:
    type_ = _type(kind, key)
    if type_ == "bytes":
        return format_bytes(float(value))
    if type_ == "cpu":
        return format_cores(float(value))
    if type_ == "ratio":
        return f"{float(value):.0%}"
    return str(value)


_LEVELS = {"crit": 0, "warn": 1, "progress": 2, "unknown": 3, "ok": 4}


def _worst_first(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda r: (_LEVELS.get(r["status"]["level"], 3), r["namespace"], r["name"]))


def _table(turn: Turn, kind: str, query: Query, rows: Sequence[Row], total: int) -> None:
    keys = _columns(kind, query)
    entry = KINDS[kind]
    titles = {c.key: (c.title, c.type) for c in entry.columns} | {
        "namespace": ("Namespace", "text"),
        "name": ("Name", "text"),
        "status": ("Status", "status"),
        "created_at": ("Age", "age"),
        "health": ("Health", "health"),
    }
    columns = [column(k, *titles[k]) for k in keys]
    shown = [{**{k: row.get(k) for k in keys}, "kind": kind} for row in rows[: blocks.TABLE_ROWS]]
    link = {
        "kind": entry.plural,
        "q": query.text,
        "namespace": query.namespaces[0] if len(query.namespaces) == 1 else "",
    }
    turn.add(blocks.table(entry.title, columns, shown, total=len(rows) if query.limit else total, link=link))
    turn.desk.cite_rows(kind, rows)


def _columns(kind: str, query: Query) -> list[str]:
    """Name and status, then the columns that were asked about, then those that a list shows anyway."""
    entry = KINDS[kind]
    known = {c.key for c in entry.columns}
    asked = [c.field.removeprefix("usage ") for c in query.conditions] + [query.sort.lstrip("-")]
    asked = ["created_at" if k == "age" else k for k in asked]
    base = (["namespace"] if entry.namespaced else []) + ["name", "status"]
    usual = [c.key for c in entry.columns if not c.hidden]
    wanted = [*base, *(k for k in asked if k in known or k == "created_at"), *usual]
    return list(dict.fromkeys(wanted))[: MAX_COLUMNS + 1]


def _grouped(turn: Turn, kind: str, query: Query, matched: list[Row], described: str) -> None:
    groups = query.groups(matched)
    by = query.group.replace("created_at", "age")
    turn.say(
        f"**{kind_title(kind, len(matched))}**{f' that match {described}' if described else ''} in {len(groups)} "
        "groups by "
        f"{plain(by)}."
    )
    named = [(g["key"] or "(none)", float(g["count"])) for g in groups]
    turn.add(blocks.bars(f"{KINDS[kind].title} by {by}", KINDS[kind].plural, "count", named[:BARS]))
    columns = (column("key", by.capitalize()), column("count", "Count", "number"), column("worst", "Worst"))
    turn.add(blocks.table(f"{KINDS[kind].title} by {by}", columns, groups))
    turn.desk.cite_rows(kind, matched[:3])


def _nearest_misses(turn: Turn, kind: str, query: Query, rows: Sequence[Row]) -> None:
    """When a measure excludes everything, what comes closest."""
    measured = [c for c in query.conditions if c.op in (">", ">=", "<", "<=") and c.span is None and c.field != "age"]
    if len(measured) != 1:
        return
    key = measured[0].field.removeprefix("usage ")
    others = Query(text=query.text, conditions=tuple(c for c in query.conditions if c is not measured[0]))
    left = [r for r in others.filter(rows, turn.desk.now) if number_of(r.get(key)) is not None]
    if not left:
        turn.say(f"No {_title(kind, key)} is known for any of them.")
        return
    best = ranked(left, f"-{key}" if measured[0].op.startswith(">") else key)[0]
    turn.say(f"The closest is {code(_full_name(best))} with {code(_formatted(kind, key, best[key]))}.")
    turn.desk.cite_rows(kind, [best])


def _say_understanding(turn: Turn, query: Query) -> None:
    """How words were understood, and what was not."""
    notes = [c.note for c in query.chips if c.note] + list(query.notes)
    if notes:
        turn.say("\n".join(f"- {plain(n)}" for n in dict.fromkeys(notes)))
    if query.unparsed:
        turn.say("I did not understand " + ", ".join(code(w) for w in query.unparsed) + ", and left it out.")


def _ask_namespace(turn: Turn, query: Query) -> None:
    found = next(a for a in query.ambiguous if a.what == "namespace")
    if not found.candidates:
        _unknown_namespace(turn, found.text, query.text.replace(found.text, "{}"))
        return
    turn.say(f"{code(found.text)} could be several namespaces.")
    turn.ask(
        "Which one do you mean?", [(n, re.sub(re.escape(found.text), n, query.text, count=1)) for n in found.candidates]
    )


def _next(kind: str, rows: Sequence[Row], query: Query) -> list[str]:
    bad = [r for r in rows if r["status"]["level"] in ("crit", "warn")]
    found = []
    if bad:
        found.append(f"why is {KINDS[kind].kind.lower()} {_full_name(bad[0])} failing?")
    if kind == "Pod" and not query.group:
        found.append("count pods per namespace")
    if query.namespaces:
        found.append(f"what is wrong in {query.namespaces[0]}?")
    return found or ["what is wrong?"]
