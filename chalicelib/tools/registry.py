"""The one registry of tools, and the one way to call a tool.

`call` checks the arguments and the permission, resolves the cluster (`*` for all that the caller may see), runs the
function, cuts the result to the budget, and stores the evidence of what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from pydantic import ValidationError

from chalicelib.errors import InvalidRequest, KubiliticsError
from chalicelib.state.evidence import Evidence
from chalicelib.store.records import ClusterRecord
from chalicelib.tools import cursors
from chalicelib.tools.budget import HEAD_BYTES, MAX_BYTES, MAX_GAPS, Page, clip, fit, shorten, size
from chalicelib.tools.collection import evidence_record
from chalicelib.tools.context import ALL, ToolContext
from chalicelib.tools.entry import TOOLS, Answer, Args, Tool, ToolRegistry, tool
from chalicelib.tools.moments import rfc3339
from chalicelib.tools.ranking import rank_of
from chalicelib.tools.wording import listed

# Importing a category's module registers its tools; the order is the order within a category.
from chalicelib.tools import observe_cluster, observe_objects, observe_network, observe_storage  # isort: skip  # noqa: F401
from chalicelib.tools import observe_history, analyze_relations, discover  # isort: skip  # noqa: F401

__all__ = ["TOOLS", "ToolContext", "ToolResult", "call", "checked", "tool"]


SLACK_BYTES = 1250
"""Room for the summary, `truncated` and the envelope."""


@dataclass(slots=True)
class ToolResult:
    """The answer of a tool. `cited` is the evidence behind `evidence`, for callers in the same process."""

    data: dict[str, Any]
    summary: str
    evidence: list[str] = field(default_factory=list)
    gaps: list[dict[str, Any]] = field(default_factory=list)
    truncated: dict[str, Any] | None = None
    as_of: str | None = None
    cluster: str = ""
    cited: tuple[Evidence, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON has it."""
        return {
            "data": self.data, "summary": self.summary, "evidence": self.evidence, "gaps": self.gaps,
            "truncated": self.truncated, "as_of": self.as_of, "cluster": self.cluster,
        }  # fmt: skip


@dataclass(slots=True)
class _Part:
    """What one cluster answered."""

    record: ClusterRecord | None
    answer: Answer
    as_of: datetime | None
    note: str
    head: dict[str, Any]
    rows: list[Any] | None

    @property
    def cluster(self) -> str:
        return self.record.id if self.record else ""

    @property
    def name(self) -> str:
        return self.record.name if self.record else ""


def call(name: str, args: dict[str, Any], context: ToolContext, registry: ToolRegistry = TOOLS) -> ToolResult:
    """Call a tool.

    Raises NotFound `unknown_tool` or `unknown_cluster`, InvalidRequest naming the field, Forbidden, and whatever the
    tool itself raises: an error is never an empty result.
    """
    entry = registry[name]
    context.require(entry.permission)
    given = checked(entry, args)
    if not entry.takes_cluster:
        answer = entry.function(given, context)
        return _result(entry, given, context, [_part(None, answer, None, "")], [], many=False)
    records = context.clusters(getattr(given, "cluster", ""))
    many = getattr(given, "cluster", "") == ALL
    position = _position(entry, given, context)
    if not many:
        on = context.on(records[0], position.taken_at)
        answer = entry.function(given, on)
        return _result(entry, given, on, [_of(on, answer)], [], many=False, position=position)
    parts, failures = _each(entry, given, context, records)
    return _result(entry, given, context, parts, failures, many=True, position=position)


def checked(entry: Tool, args: dict[str, Any]) -> Args:
    """The arguments, typed. Raises InvalidRequest `invalid_arguments` naming the field and what it accepts."""
    try:
        return entry.args.model_validate(args)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "arguments"
        raise InvalidRequest(
            f"{where}: {first['msg']}.",
            code="invalid_arguments",
            remedy=f"{entry.name} takes: {', '.join(entry.args.model_fields)}.",
            details={"tool": entry.name, "field": where, "problems": error.error_count()},
        ) from None


def _each(
    entry: Tool, given: Args, context: ToolContext, records: list[ClusterRecord]
) -> tuple[list[_Part], list[dict[str, Any]]]:
    """The answers of many clusters. One that fails is a named gap; when all fail, the first error is raised."""
    parts: list[_Part] = []
    failures: list[dict[str, Any]] = []
    first: KubiliticsError | None = None
    for record in records:
        on = context.on(record)
        try:
            parts.append(_of(on, entry.function(given, on)))
        except KubiliticsError as error:
            first = first or error
            failures.append({"cluster": record.name, "kind": "Cluster", "reason": error.code,
                             "message": f"{error.message} {error.remedy}"})  # fmt: skip
    if first is not None and not parts:
        raise first
    return parts, failures


def _of(context: ToolContext, answer: Answer) -> _Part:
    view = context.view
    return _part(context.record, answer, view.as_of, view.note)


def _part(record: ClusterRecord | None, answer: Answer, as_of: datetime | None, note: str) -> _Part:
    rows = getattr(answer.data, "items", None)
    head = msgspec.to_builtins(msgspec.structs.replace(answer.data, items=[]) if rows is not None else answer.data)  # type: ignore[type-var]
    head.pop("items", None)
    stated = head.pop("as_of", None)
    moment = datetime.fromisoformat(stated) if stated else as_of
    return _Part(record, answer, moment, note, head, rows)


def _scope(entry: Tool, given: Args) -> str:
    return cursors.scope_of("tool", entry.name, given.model_dump(exclude={"cursor", "limit"}))


def _position(entry: Tool, given: Args, context: ToolContext) -> cursors.Position:
    if not entry.pages:
        return cursors.Position()
    return cursors.decode(context.principal.tenant, _scope(entry, given), getattr(given, "cursor", ""))


def _result(
    entry: Tool,
    given: Args,
    context: ToolContext,
    parts: list[_Part],
    failures: list[dict[str, Any]],
    *,
    many: bool,
    position: cursors.Position | None = None,
) -> ToolResult:
    """The budgeted answer over one or many parts, its evidence stored."""
    position = position or cursors.Position()
    gaps = _gaps(parts, failures, many)
    stamp = _stamp(parts)
    if position.stamp and stamp != position.stamp:
        gaps.insert(0, {"kind": "Cluster", "reason": "stale", "message":
                        "the cluster was read again since the last page: rows may repeat or be missing"})  # fmt: skip
    head, clipped = clip(_heads(parts, many), HEAD_BYTES)
    clipped += [c for p in parts for c in p.answer.clipped]
    fixed = [e for p in parts for e in p.answer.evidence]
    rows = _rows(parts, many)
    page = None
    cited: list[tuple[_Part, Evidence]] = [(p, e) for p in parts for e in p.answer.evidence]
    data = head
    if rows is not None:
        room = MAX_BYTES - size(head) - size(gaps) - 32 * len(fixed) - SLACK_BYTES
        limit = getattr(given, "limit", len(rows) or 1)
        page = fit([row for _, _, row in rows], position.offset, limit, room, cited=_cites(parts))
        shown = rows[page.start : page.end]
        data = {**head, "items": _shown(shown, room, many, clipped)}
        cited += [(part, e) for part, raw, _ in shown if part.answer.cite and (e := part.answer.cite(raw))]
    unique = list(dict.fromkeys(e.id for _, e in cited))
    _record(context, cited)
    return ToolResult(
        data=data,
        summary=_summary(parts, failures, many),
        evidence=unique,
        gaps=gaps,
        truncated=_truncated(entry, given, context, page, clipped, stamp),
        as_of=rfc3339(min((p.as_of for p in parts if p.as_of), default=None)),
        cluster=ALL if many else parts[0].cluster,
        cited=tuple({e.id: e for _, e in cited}.values()),
    )


def _shown(shown: list[tuple[_Part, Any, Any]], room: int, many: bool, clipped: list[str]) -> list[Any]:
    rows = [row for _, _, row in shown]
    if len(rows) == 1 and size(rows) > room:
        row, lost = clip(rows[0], room)
        clipped.extend(f"items[0].{path}" for path in lost)
        return [row]
    return rows


def _cites(parts: list[_Part]) -> bool:
    return any(p.answer.cite for p in parts)


def _rows(parts: list[_Part], many: bool) -> list[tuple[_Part, Any, Any]] | None:
    """(part, row as the tool made it, row as JSON) of all parts; of many clusters the worst first."""
    if all(p.rows is None for p in parts):
        return None
    found = []
    for part in parts:
        for raw in part.rows or ():
            row = msgspec.to_builtins(raw)
            found.append((part, raw, {"cluster": part.name, **row} if many else row))
    if many:
        found.sort(key=lambda item: rank_of(item[2]))
    return found


def _heads(parts: list[_Part], many: bool) -> dict[str, Any]:
    if not many:
        return parts[0].head
    return {
        "clusters": [
            {"cluster": p.cluster, "name": p.name, "as_of": rfc3339(p.as_of), "summary": shorten(_said(p), 300),
             **p.head}
            for p in parts
        ]
    }  # fmt: skip


def _gaps(parts: list[_Part], failures: list[dict[str, Any]], many: bool) -> list[dict[str, Any]]:
    found = list(failures)
    for part in parts:
        named = {"cluster": part.name} if many else {}
        if part.note:
            found.append({**named, "kind": "Cluster", "reason": "stale", "message": part.note})
        for gap in dict.fromkeys(part.answer.gaps):
            where = {"namespace": gap.namespace} if gap.namespace else {}
            found.append(
                {**named, "kind": gap.kind, "reason": gap.reason, "message": shorten(gap.message, 160), **where}
            )
    if len(found) > MAX_GAPS:
        rest = len(found) - MAX_GAPS + 1
        more = {"kind": "Gap", "reason": "partial", "message": f"{rest} more gaps are not listed here"}
        found = [*found[: MAX_GAPS - 1], more]
    return found


def _said(part: _Part) -> str:
    """The summary of a part; an empty list of what could not be read is not nothing found."""
    unread = [g.kind for g in part.answer.gaps if g.reason not in ("not_installed", "stale")]
    if part.rows == [] and unread:
        return f"Not read: {listed(list(dict.fromkeys(unread)), 4)}, so absence proves nothing. {part.answer.summary}"
    return part.answer.summary


def _summary(parts: list[_Part], failures: list[dict[str, Any]], many: bool) -> str:
    if not many:
        return shorten(_said(parts[0]))
    each = max(60, 480 // max(1, len(parts)))
    said = [f"{p.name}: {shorten(_said(p), each)}" for p in parts]
    failed = [f"{f['cluster']}: not answered ({f['reason']})" for f in failures]
    return shorten(f"{len(parts)} of {len(parts) + len(failures)} clusters answered. " + " ".join([*failed, *said]))


def _stamp(parts: list[_Part]) -> str:
    taken = [cursors.stamp_of(p.as_of) for p in parts if p.as_of]
    return taken[0] if len(parts) == 1 and taken else cursors.scope_of(taken) if taken else ""


def _truncated(
    entry: Tool, given: Args, context: ToolContext, page: Page | None, clipped: list[str], stamp: str
) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    if page is not None and page.more:
        found = {"shown": page.shown, "total": page.total, "omitted": page.total - page.end}
        if entry.pages:
            position = cursors.Position(page.end, stamp)
            found["next"] = cursors.encode(context.principal.tenant, _scope(entry, given), position)
            found["how"] = "call again with the same arguments and cursor = next"
        else:
            found["how"] = "name one namespace or object"
    if clipped:
        found["clipped"] = clipped[:6]
    return found or None


def _record(context: ToolContext, cited: list[tuple[_Part, Evidence]]) -> None:
    """Store what was cited, so that its ids resolve."""
    records = {(e.id, p.record.id): evidence_record(p.record.id, e) for p, e in cited if p.record}
    if records:
        context.store.evidence.put_many(context.principal.tenant, list(records.values()), context.now)
