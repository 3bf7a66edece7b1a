"""Parts of an answer: text, table, chart, evidence, problem, action, investigation, choices, suggestions.

Text from a cluster (names, logs, events) is data. It is shown as code or with its Markdown escaped, so that it can
neither format the page nor bring in a link or an image, and control characters never pass.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chalicelib.state.visible import HIDDEN

Block = dict[str, Any]

TABLE_ROWS = 25
CODE_CHARS = 300
_URL = re.compile(r"\b(?:https?|ftp|javascript|data|file)[:]\S+", re.IGNORECASE)
_ESCAPED = re.compile(r"([\\`*{}\[\]<>#|~!])")
_EDGE_UNDERSCORE = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def visible(text: str, longest: int = 2_000) -> str:
    """One line of text without control, bidirectional, zero-width and other invisible characters."""
    kept = "".join(
        " " if c in "\r\n\t\v\f\u2028\u2029" else c for c in str(text)[: longest * 2]
        if c in "\r\n\t\v\f" or unicodedata.category(c) not in HIDDEN
    )  # fmt: skip
    kept = " ".join(kept.split())
    return kept if len(kept) <= longest else kept[: longest - 1].rstrip() + "…"


def as_written(text: str, longest: int = 500) -> str:
    """A log line with its indentation, without characters that are not seen."""
    kept = "".join(c for c in text.replace("\t", "    ")[:longest] if unicodedata.category(c) not in HIDDEN)
    return kept.rstrip() + ("…" if len(text) > longest else "")


def code(text: object, longest: int = CODE_CHARS) -> str:
    """Text from the cluster as inline code."""
    return f"`{visible(str(text), longest).replace('`', chr(39)) or ' '}`"


def plain(text: str, longest: int = 600) -> str:
    """Text that may quote the cluster, with its Markdown escaped and its addresses shown as code."""
    shown = visible(text, longest)
    parts, at = [], 0
    for found in _URL.finditer(shown):
        parts += [_escape(shown[at : found.start()]), code(found.group())]
        at = found.end()
    return "".join([*parts, _escape(shown[at:])])


def _escape(text: str) -> str:
    return _EDGE_UNDERSCORE.sub(r"\_", _ESCAPED.sub(r"\\\1", text))


def text(markdown: str) -> Block:
    return {"type": "text", "text": markdown}


def column(key: str, title: str, type_: str = "text") -> dict[str, str]:
    return {"key": key, "title": title, "type": type_}


def table(
    title: str,
    columns: Sequence[Mapping[str, str]],
    rows: Sequence[Mapping[str, Any]],
    *,
    total: int | None = None,
    link: Mapping[str, str] | None = None,
) -> Block:
    """A table of at most 25 rows; `total` counts all, `link` opens the whole list."""
    shown = [dict(row) for row in rows[:TABLE_ROWS]]
    return {
        "type": "table", "title": title, "columns": [dict(c) for c in columns], "rows": shown,
        "total": len(rows) if total is None else total, "link": dict(link) if link else None,
    }  # fmt: skip


def bars(title: str, unit: str, name: str, points: Iterable[tuple[str, float]]) -> Block:
    """A bar chart of one series."""
    return {
        "type": "chart", "title": title, "chart": "bar", "unit": unit,
        "series": [{"name": name, "points": [[x, y] for x, y in points]}],
    }  # fmt: skip


def evidence(items: Sequence[Mapping[str, Any]]) -> Block:
    return {"type": "evidence", "items": [dict(i) for i in items]}


def problem(found: Mapping[str, Any]) -> Block:
    return {"type": "problem", "problem": dict(found)}


def action(title: str, explanation: str, command: str) -> Block:
    """A command for a person to run. Nothing here runs it."""
    return {"type": "action", "title": title, "text": explanation, "command": command}


def investigation(id: str, question: str, status: str, outcome: str, message: str) -> Block:
    """An investigation, to be followed where it is shown."""
    return {
        "type": "investigation", "id": id, "question": visible(question, 500), "status": status, "outcome": outcome,
        "message": visible(message, 1_000),
    }  # fmt: skip


def choices(question: str, items: Iterable[tuple[str, str]]) -> Block:
    """A clarifying question; each message is a whole question that can be sent as it is."""
    return {
        "type": "choices",
        "question": question,
        "items": [{"label": label, "message": message} for label, message in items],
    }


def suggestions(items: Iterable[str]) -> Block:
    return {"type": "suggestions", "items": list(items)}
