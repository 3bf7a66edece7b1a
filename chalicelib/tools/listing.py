"""Lists of a kind: filter, sort, group and page the rows of a view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from chalicelib.errors import InvalidRequest, unknown
from chalicelib.state.kinds import Column, KindEntry
from chalicelib.state.snapshot import Gap
from chalicelib.store.pages import checked_limit
from chalicelib.tools import cursors
from chalicelib.tools.gaps import gaps_of
from chalicelib.tools.ranking import LEVELS, row_rank
from chalicelib.tools.rows import Row, entry_of
from chalicelib.tools.selectors import field_filter, label_selector

if TYPE_CHECKING:
    from chalicelib.tools.views import ClusterView

DEFAULT_LIMIT = 100
COMMON_SORT_KEYS = ("name", "namespace", "status", "health", "created_at", "age", "problem")
MANY_GROUPS = 200


class Query(Protocol):
    """A parsed question that filters and ranks rows (chalicelib.state.query)."""

    @property
    def text(self) -> str: ...
    @property
    def sort(self) -> str: ...
    @property
    def group(self) -> str: ...

    def apply(self, rows: Sequence[Row], now: datetime) -> Sequence[Row]: ...


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that share a value: how many, and the worst level among them."""

    key: str
    count: int
    worst: str


@dataclass(frozen=True, slots=True)
class Listing:
    """One page. `total` is exact; None when the kind was not read, because then nothing is known about it."""

    entry: KindEntry
    items: list[Row]
    next: str | None
    total: int | None
    gaps: tuple[Gap, ...]
    as_of: datetime
    groups: tuple[Group, ...] | None
    levels: dict[str, int]
    """Rows by level, worst first, over all pages."""

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.entry.columns


def list_rows(
    view: ClusterView,
    kind: str,
    *,
    namespace: str = "",
    query: Query | None = None,
    sort: str | None = None,
    group: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    labels: str = "",
    fields: str = "",
) -> Listing:
    """A page of rows, worst first unless `sort` names a key (`-restarts` for the largest first).

    A query that ranks or groups by itself ("most restarts", "by node") does so unless `sort` or `group` is given.
    `namespace` empty or `*` is all; `labels` and `fields` are selectors as kubectl writes them. Raises NotFound for an
    unknown kind or namespace, InvalidRequest for a sort key, group, limit, selector or cursor that is not valid. A
    cursor of an older reading continues behind the row that it ended on.
    """
    entry = entry_of(view.snapshot, kind)
    namespace = checked_namespace(view, entry, namespace)
    question = ("rows", view.record.id, entry.kind, namespace, query.text if query else "", sort, group)
    scope = cursors.scope_of(*question, labels, fields)
    position = cursors.decode(view.record.tenant, scope, cursor or "")
    checked_limit(limit)
    ranked = query is not None and bool(query.sort) and not sort
    key = list if ranked else ordered(entry, sort)
    if query is not None and not group and query.group in group_keys(entry):
        group = query.group
    groups_by = _group_values(entry, group)
    rows = matching(view, entry, namespace, query, labels, fields)
    groups, rows = _grouped(rows, groups_by, key)
    start = _start(rows, position, cursors.stamp_of(view.as_of))
    page = rows[start : start + limit]
    more = start + limit < len(rows)
    last = f"{page[-1]['namespace']}/{page[-1]['name']}" if page else ""
    following = cursors.Position(start + limit, cursors.stamp_of(view.as_of), last)
    known = entry.kind in view.snapshot.objects
    return Listing(
        entry=entry,
        items=page,
        next=cursors.encode(view.record.tenant, scope, following) if more else None,
        total=len(rows) if known else None,
        gaps=gaps_of(view.snapshot, entry.kind, namespace=namespace),
        as_of=view.as_of,
        groups=groups,
        levels=level_counts(rows),
    )


def matching(
    view: ClusterView,
    entry: KindEntry,
    namespace: str,
    query: Query | None,
    labels: str,
    fields: str,
) -> list[Row]:
    """Rows that pass all filters, in (namespace, name) order."""
    rows: Sequence[Row] = view.rows(entry.kind)
    objects = view.snapshot.of(entry.kind)
    tests: list[Callable[[Row, Any], bool]] = []
    if namespace:
        tests.append(lambda r, o: r["namespace"] == namespace)
    requirements = label_selector(labels)
    if requirements:
        tests.append(lambda r, o: all(q.holds(r["labels"]) for q in requirements))
    if fields:
        holds = field_filter(entry.struct, fields)
        tests.append(lambda r, o: holds(o))
    if tests:
        rows = [r for r, o in zip(rows, objects, strict=True) if all(test(r, o) for test in tests)]
    return list(query.apply(rows, view.as_of)) if query is not None else list(rows)


def checked_namespace(view: ClusterView, entry: KindEntry | None, namespace: str) -> str:
    """The namespace, or "" for all. Raises NotFound `unknown_namespace` with the choices."""
    if namespace in ("", "*") or (entry is not None and not entry.namespaced):
        return ""
    known = view.snapshot.namespaces()
    if namespace not in known:
        raise unknown("namespace", namespace, known, limit=50)
    return namespace


def sort_keys(entry: KindEntry) -> list[str]:
    """Keys that a list of this kind can be sorted by; a minus before one reverses it."""
    return sorted({*COMMON_SORT_KEYS, *(c.key for c in entry.columns)})


def ordered(entry: KindEntry, sort: str | None) -> Callable[[list[Row]], list[Row]]:
    """A function that sorts rows; ties and absent values keep (namespace, name) order, absent ones last."""
    if not sort:
        return lambda rows: sorted(rows, key=row_rank)
    key, descending = sort.lstrip("-+"), sort.startswith("-")
    if key not in sort_keys(entry):
        raise InvalidRequest(
            f"sort: a list of {entry.plural} cannot be sorted by {key[:60]!r}.",
            code="invalid_sort",
            remedy=f"Choose one of: {', '.join(sort_keys(entry))}; put - before it for the largest first.",
            details={"field": "sort", "valid": sort_keys(entry)},
        )
    if key == "age":
        key, descending = "created_at", not descending

    def by_key(rows: list[Row]) -> list[Row]:
        keyed = [(_sortable(key, r), r) for r in rows]
        valued = sorted((k for k in keyed if k[0] is not None), key=lambda item: item[0], reverse=descending)
        return [r for _, r in valued] + [r for value, r in keyed if value is None]

    return by_key


def _sortable(key: str, row: Row) -> Any:
    """A value of one comparable type for a key: numbers before texts, text without case."""
    value = row.get(key)
    if key == "status":
        return (0, LEVELS.index(value["level"]), value["word"]) if value else None
    if key == "health":
        return (0, value["score"]) if value and value["score"] is not None else None
    if key == "problem":
        return (0, value["probability"]) if value else None
    if value is None or value == "" or value == []:
        return None
    if isinstance(value, int | float):
        return (0, value, "")
    if isinstance(value, list):
        return (1, len(value), ", ".join(map(str, value)).lower())
    ready, slash, total = str(value).partition("/")
    if slash and ready.isdigit() and total.isdigit():
        return (0, int(ready) / int(total) if int(total) else 1.0, str(value))
    return (1, 0, str(value).lower())


def group_keys(entry: KindEntry) -> list[str]:
    return sorted({"namespace", "status", *(c.key for c in entry.columns)})


def _group_values(entry: KindEntry, group: str | None) -> Callable[[Row], list[str]] | None:
    if not group:
        return None
    if group not in group_keys(entry):
        raise InvalidRequest(
            f"group: a list of {entry.plural} cannot be grouped by {group[:60]!r}.",
            code="invalid_group",
            remedy=f"Choose one of: {', '.join(group_keys(entry))}.",
            details={"field": "group", "valid": group_keys(entry)},
        )
    if group == "status":
        return lambda r: [r["status"]["word"]]

    def values(row: Row) -> list[str]:
        value = row.get(group)
        if isinstance(value, list):
            return [str(v) for v in value] or [""]
        return ["" if value is None else str(value)]

    return values


def _grouped(
    rows: list[Row], values: Callable[[Row], list[str]] | None, in_order: Callable[[list[Row]], list[Row]]
) -> tuple[tuple[Group, ...] | None, list[Row]]:
    """Groups, the worst and largest first, and the rows in the order of their groups."""
    rows = in_order(rows)
    if values is None:
        return None, rows
    members: dict[str, list[Row]] = {}
    for found in rows:
        for value in values(found):
            members.setdefault(value, []).append(found)
    groups = [Group(key, len(of), _worst_level(of)) for key, of in members.items()]
    groups.sort(key=lambda g: (LEVELS.index(g.worst), -g.count, g.key))
    place = {g.key: index for index, g in enumerate(groups)}
    rows = sorted(rows, key=lambda r: min(place[v] for v in values(r)))
    return tuple(groups[:MANY_GROUPS]), rows


def _worst_level(rows: Iterable[Row]) -> str:
    return LEVELS[min(map(row_rank, rows))]


def level_counts(rows: Iterable[Row]) -> dict[str, int]:
    """How many rows have each level, worst first; levels that no row has are left out."""
    counts = Counter(map(row_rank, rows))
    return {LEVELS[index]: counts[index] for index in sorted(counts)}


def _start(rows: Sequence[Row], position: cursors.Position, stamp: str) -> int:
    """Where a page starts; of a newer reading behind the row that the last page ended on, if it still exists."""
    if not position.stamp or position.stamp == stamp or not position.last:
        return position.offset
    for index, found in enumerate(rows):
        if f"{found['namespace']}/{found['name']}" == position.last:
            return index + 1
    return position.offset


__all__ = [
    "DEFAULT_LIMIT", "Group", "Listing", "Query", "checked_namespace", "group_keys", "level_counts", "list_rows",
    "matching", "ordered", "sort_keys",
]  # fmt: skip
