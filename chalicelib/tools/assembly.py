"""From what a tool found to its answer: rows cut to the budget, gaps, summary, evidence stored.

One function serves one cluster and many: with many, facts are listed by cluster and rows are merged worst first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.state.evidence import Evidence
from chalicelib.store.records import ClusterRecord
from chalicelib.tools import cursors
from chalicelib.tools.budget import (
    EVIDENCE_BYTES,
    HEAD_BYTES,
    MAX_BYTES,
    MAX_GAPS,
    SLACK_BYTES,
    Page,
    clip,
    fit,
    shorten,
    size,
)
from chalicelib.tools.collection import evidence_record
from chalicelib.tools.context import ALL, ToolContext
from chalicelib.tools.entry import Answer, Args, Tool
from chalicelib.tools.moments import rfc3339
from chalicelib.tools.ranking import rank_of
from chalicelib.tools.wording import listed

Json = dict[str, Any]
READ_AGAIN = "the cluster was read again since the last page: rows may repeat or be missing"
NO_ABSENCE = ("not_installed", "stale")
"""Reasons of gaps after which an empty list is still true."""


@dataclass(slots=True)
class ToolResult:
    """The answer of a tool. `cited` is the evidence behind `evidence`, for callers in the same process."""

    data: Json
    summary: str
    evidence: list[str] = field(default_factory=list)
    gaps: list[Json] = field(default_factory=list)
    truncated: Json | None = None
    as_of: str | None = None
    cluster: str = ""
    cited: tuple[Evidence, ...] = ()

    def as_dict(self) -> Json:
        """The answer as JSON has it."""
        return {
            "data": self.data, "summary": self.summary, "evidence": self.evidence, "gaps": self.gaps,
            "truncated": self.truncated, "as_of": self.as_of, "cluster": self.cluster,
        }  # fmt: skip


@dataclass(slots=True)
class Part:
    """What one cluster answered. `rows` are as the tool made them; None for an answer that is no list."""

    record: ClusterRecord | None
    answer: Answer
    as_of: datetime | None
    note: str
    head: Json
    rows: Sequence[Any] | None

    @property
    def cluster(self) -> str:
        return self.record.id if self.record else ""

    @property
    def name(self) -> str:
        return self.record.name if self.record else ""

    def shown(self, raw: Any, *, named: bool) -> Json:
        """A row as JSON, with the name of its cluster when there are several."""
        row = msgspec.to_builtins(self.answer.show(raw) if self.answer.show else raw)
        return {"cluster": self.name, **row} if named else row

    @property
    def summary(self) -> str:
        """The tool's summary; an empty list of what could not be read is not nothing found."""
        unread = [g.kind for g in self.answer.gaps if g.reason not in NO_ABSENCE]
        if self.rows is not None and not self.rows and unread:
            kinds = listed(list(dict.fromkeys(unread)), 4)
            return f"Not read: {kinds}, so absence proves nothing. {self.answer.summary}"
        return self.answer.summary


def part_of(record: ClusterRecord | None, answer: Answer, as_of: datetime | None = None, note: str = "") -> Part:
    """A tool's answer split into facts and rows. A result that names its own `as_of` is of that moment."""
    listed_rows = getattr(answer.data, "items", None)
    rows = answer.rows if answer.rows is not None else listed_rows
    facts = answer.data if listed_rows is None else msgspec.structs.replace(answer.data, items=[])  # type: ignore[type-var]
    head = msgspec.to_builtins(facts)
    head.pop("items", None)
    stated = head.pop("as_of", None)
    return Part(record, answer, datetime.fromisoformat(stated) if stated else as_of, note, head, rows)


@dataclass(frozen=True, slots=True)
class _Shown:
    """One row of the page, with the part and the form that its evidence is made from."""

    part: Part
    raw: Any
    row: Json


def assemble(
    entry: Tool,
    given: Args,
    context: ToolContext,
    parts: list[Part],
    failures: Sequence[Json] = (),
    *,
    scope: str,
    position: cursors.Position,
    many: bool = False,
) -> ToolResult:
    """The budgeted answer over one or many clusters; its evidence is stored."""
    stamp = _stamp(parts)
    gaps = _gaps(parts, failures, many, read_again=bool(position.stamp) and stamp != position.stamp)
    head, clipped = clip(_heads(parts, many), HEAD_BYTES)
    clipped += [words for p in parts for words in p.answer.clipped]
    cited = [(p, e) for p in parts for e in p.answer.evidence]
    data, page = head, None
    if any(p.rows is not None for p in parts):
        room = MAX_BYTES - SLACK_BYTES - size(head) - size(gaps) - EVIDENCE_BYTES * len(cited)
        shown, page = _page(parts, position.offset, getattr(given, "limit", None), room, many)
        cited += [(s.part, e) for s in shown if s.part.answer.cite and (e := s.part.answer.cite(s.raw))]
        data = {**head, "items": _fitted([s.row for s in shown], room, clipped)}
    following = cursors.Position(page.end, stamp) if page and page.more else None
    next_ = cursors.encode(context.principal.tenant, scope, following) if following and entry.pages else None
    _store(context, cited)
    unique = {e.id: e for _, e in cited}
    return ToolResult(
        data=data,
        summary=_summary(parts, failures, many),
        evidence=list(unique),
        gaps=gaps,
        truncated=_truncated(page, next_, clipped),
        as_of=rfc3339(min((p.as_of for p in parts if p.as_of), default=None)),
        cluster=ALL if many else parts[0].cluster,
        cited=tuple(unique.values()),
    )


def _page(parts: list[Part], start: int, limit: int | None, room: int, many: bool) -> tuple[list[_Shown], Page]:
    """The rows from `start` that fit. Of one cluster only these are turned to JSON; many are merged worst first."""
    everything = [(part, raw) for part in parts for raw in part.rows or ()]
    total = len(everything)
    end = total if limit is None else start + limit
    if many:
        merged = [_Shown(part, raw, part.shown(raw, named=True)) for part, raw in everything]
        candidates = sorted(merged, key=lambda s: rank_of(s.row))[start:end]
    else:
        candidates = [_Shown(part, raw, part.shown(raw, named=False)) for part, raw in everything[start:end]]
    cites = any(p.answer.cite for p in parts)
    page = fit([s.row for s in candidates], start, total, room, cited=cites)
    return candidates[: page.shown], page


def _fitted(rows: list[Json], room: int, clipped: list[str]) -> list[Json]:
    """The rows; a single one that is too large by itself is clipped."""
    if len(rows) == 1 and size(rows) > room:
        row, lost = clip(rows[0], room)
        clipped.extend(f"items[0].{path}" for path in lost)
        return [row]
    return rows


def _heads(parts: list[Part], many: bool) -> Json:
    if not many:
        return parts[0].head
    return {
        "clusters": [
            {
                "cluster": p.cluster,
                "name": p.name,
                "as_of": rfc3339(p.as_of),
                "summary": shorten(p.summary, 300),
                **p.head,
            }
            for p in parts
        ]
    }


def _gaps(parts: list[Part], failures: Sequence[Json], many: bool, *, read_again: bool) -> list[Json]:
    found: list[Json] = [{"kind": "Cluster", "reason": "stale", "message": READ_AGAIN}] if read_again else []
    found += failures
    for part in parts:
        named = {"cluster": part.name} if many else {}
        if part.note:
            found.append({**named, "kind": "Cluster", "reason": "stale", "message": part.note})
        for gap in dict.fromkeys(part.answer.gaps):
            where = {"namespace": gap.namespace} if gap.namespace else {}
            message = shorten(gap.message, 160)
            found.append({**named, "kind": gap.kind, "reason": gap.reason, "message": message, **where})
    if len(found) > MAX_GAPS:
        rest = len(found) - MAX_GAPS + 1
        more = {"kind": "Gap", "reason": "partial", "message": f"{rest} more gaps are not listed here"}
        found = [*found[: MAX_GAPS - 1], more]
    return found


def _summary(parts: list[Part], failures: Sequence[Json], many: bool) -> str:
    if not many:
        return shorten(parts[0].summary)
    each = max(60, 480 // max(1, len(parts)))
    said = [f"{p.name}: {shorten(p.summary, each)}" for p in parts]
    failed = [f"{f['cluster']}: not answered ({f['reason']})." for f in failures]
    return shorten(f"{len(parts)} of {len(parts) + len(failures)} clusters answered. " + " ".join([*failed, *said]))


def _stamp(parts: list[Part]) -> str:
    """The mark of the reading or readings that rows are counted in."""
    taken = [cursors.stamp_of(p.as_of) for p in parts if p.as_of]
    return taken[0] if len(taken) == 1 else cursors.scope_of(taken) if taken else ""


def _truncated(page: Page | None, next_: str | None, clipped: list[str]) -> Json | None:
    """What was left out and how to get it; None when nothing was."""
    found: Json = {}
    if page is not None and page.more:
        found = {"shown": page.shown, "total": page.total, "omitted": page.total - page.end}
        if next_ is not None:
            found |= {"next": next_, "how": "call again with the same arguments and cursor = next"}
        else:
            found["how"] = "narrow the question: name a namespace or an object"
    if clipped:
        found["clipped"] = clipped[:6]
    return found or None


def _store(context: ToolContext, cited: list[tuple[Part, Evidence]]) -> None:
    """Keep what was cited, so that its ids resolve."""
    records = {(e.id, p.cluster): evidence_record(p.cluster, e) for p, e in cited if p.record}
    if records:
        context.store.evidence.put_many(context.principal.tenant, list(records.values()), context.now)
