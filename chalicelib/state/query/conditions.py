"""Conditions on list rows, and how a row is judged by them.

A row is the flat dict of the API: namespace, name, created_at, status{level, word, reason}, health, labels, problem,
and one key per column of its kind. A value that is missing never satisfies a comparison.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from chalicelib.state.meta import Api
from chalicelib.state.query.times import Span
from chalicelib.state.query.words import STATUS_BY_NAME, StatusTest

Row = Mapping[str, Any]
HASH_ENDING = re.compile(r"(?:-[bcdfghjklmnpqrstvwxz2456789]{4,10}|-\d{1,10}){1,2}\Z")
"""What controllers append to a workload's name (k8s.io/apimachinery rand.SafeEncodeString), and ordinals."""

HIGH_RATIO, LOW_RATIO = 0.8, 0.3
"""High use is at least this share of what was asked for (pods) or can be given (nodes); low use at most that."""


class Condition(Api):
    """One condition. `field` is a row key, `label KEY`, `usage RESOURCE`, `workload` or `age`; `values` are typed."""

    field: str
    op: str
    values: tuple[str | float, ...] = ()
    span: Span | None = None

    @property
    def timed(self) -> bool:
        """Whether the moment of the question matters."""
        return self.span is not None or self.field == "age"

    def holds(self, row: Row, now: datetime) -> bool:
        """Whether a row satisfies this condition at a moment."""
        if self.span is not None:
            return _within(moment_of(row.get(self.field)), self.span, now)
        if self.op in NEGATED:
            return not Condition(field=self.field, op=NEGATED[self.op], values=self.values).holds(row, now)
        special = _SPECIAL.get(self.field.partition(" ")[0])
        if special:
            return special(self, row, now)
        return _compare(row.get(self.field), self.op, self.values)


NEGATED = {"!=": "=", "not in": "in", "has no": "has", "not contains": "contains"}


def moment_of(value: Any) -> datetime | None:
    """A time of a row: a datetime, or RFC 3339 text."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and value:
        try:
            found = datetime.fromisoformat(value.replace("Z", "+00:00"))
        except ValueError:
            return None
        return found if found.tzinfo else None
    return None


def number_of(value: Any) -> float | None:
    """A number of a row; of `0/2` the part before the slash; of health its score."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, Mapping):
        return number_of(value.get("score"))
    if isinstance(value, list | tuple):
        return float(len(value))
    if isinstance(value, str):
        try:
            return float(value.partition("/")[0].rstrip("%"))
        except ValueError:
            return None
    return None


def _within(moment: datetime | None, span: Span, now: datetime) -> bool:
    if moment is None:
        return False
    start, end = span.bounds(now)
    return start <= moment <= end


def _compare(value: Any, op: str, wanted: tuple[str | float, ...]) -> bool:
    if op == "has":
        return bool(value) if not isinstance(value, int | float) else value != 0
    if op in _ORDER:
        number = number_of(value)
        return number is not None and isinstance(wanted[0], int | float) and _ORDER[op](number, float(wanted[0]))
    if wanted and isinstance(wanted[0], int | float):
        number = number_of(value)
        return number is not None and number == float(wanted[0])
    return any(_text(text, op, str(want).lower()) for text in _texts(value) for want in wanted)


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [str(value.get("word", "")).lower()]
    if isinstance(value, list | tuple):
        return [str(v).lower() for v in value]
    return [] if value is None else [str(value).lower()]


_ORDER: dict[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


def _text(text: str, op: str, wanted: str) -> bool:
    if op == "contains":
        return wanted in text
    if op == "starts with":
        return text.startswith(wanted)
    if op == "ends with":
        return text.endswith(wanted)
    if op == "matches":
        return fnmatchcase(text, wanted)
    return text == wanted or text.rpartition("/")[2] == wanted


def _status(condition: Condition, row: Row, now: datetime) -> bool:
    return any(has_status(row, str(value)) for value in condition.values)


def has_status(row: Row, name: str) -> bool:
    """Whether a row is in a named status of the grammar, or its status word is that text."""
    test = STATUS_BY_NAME.get(name)
    status = row.get("status") or {}
    word = str(status.get("word", "")).lower()
    if test is None:
        return word == name.lower()
    if "unready" in test.levels or "ready" in test.levels:
        return _ready(row, status, word) is ("ready" in test.levels)
    if test.name == "healthy":
        return status.get("level") == "ok" and not row.get("problem")
    return _passes(test, row, status, word)


def _passes(test: StatusTest, row: Row, status: Mapping[str, Any], word: str) -> bool:
    if status.get("level") in test.levels or word in test.words:
        return True
    problem = row.get("problem") or {}
    if test.problem and problem and problem.get("severity", "warning") != "info":
        return True
    if not test.inside:
        return False
    seen = " ".join(
        str(part).lower()
        for part in (word, status.get("reason", ""), problem.get("mode", ""), row.get("last_reason", ""))
    )
    return any(text in seen for text in test.inside)


def _ready(row: Row, status: Mapping[str, Any], word: str) -> bool:
    """Ready by its `a/b` column where there is one, else by its level; what has ended is not unready."""
    if word in ("completed", "complete", "succeeded", "scaled to zero", "old revision"):
        return True
    ready, _, wanted = str(row.get("ready") or "").partition("/")
    if wanted.isdigit() and ready.isdigit() and int(ready) < int(wanted):
        return False
    return status.get("level") in ("ok", "progress") or (word == "cordoned")


def _label(condition: Condition, row: Row, now: datetime) -> bool:
    labels = row.get("labels") or {}
    key = condition.field.partition(" ")[2]
    if condition.op == "has":
        return key in labels
    return key in labels and _compare(labels[key], condition.op, condition.values)


def _usage(condition: Condition, row: Row, now: datetime) -> bool:
    resource = condition.field.partition(" ")[2]
    used = number_of(row.get(resource))
    wholes = (number_of(row.get(f"{resource}_{of}")) for of in ("limit", "allocatable", "request"))
    whole = next((w for w in wholes if w), None)
    if used is None or not whole:
        return False
    return _compare(used / whole, condition.op, condition.values)


def _age(condition: Condition, row: Row, now: datetime) -> bool:
    created = moment_of(row.get("created_at"))
    return created is not None and _compare((now - created).total_seconds(), condition.op, condition.values)


def _workload(condition: Condition, row: Row, now: datetime) -> bool:
    """Whether a row is the workload or something it made: by owner, else by name."""
    names = {str(row.get("name", ""))}
    owner = str(row.get("owner") or "")
    if owner:
        names = {owner.partition("/")[2]}
    wanted = {str(v) for v in condition.values}
    return any(n in wanted or HASH_ENDING.sub("", n) in wanted for n in names) or str(row.get("name")) in wanted


def _has_name_part(condition: Condition, row: Row, now: datetime) -> bool:
    return _compare(row.get("name"), condition.op, condition.values)


_SPECIAL: dict[str, Callable[[Condition, Row, datetime], bool]] = {
    "status": _status,
    "label": _label,
    "usage": _usage,
    "age": _age,
    "workload": _workload,
    "name": _has_name_part,
}
