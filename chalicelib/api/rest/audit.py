"""The audit log, and what waits or was set aside in the queues."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable

import msgspec
from chalice.app import Blueprint

from chalicelib.api.endpoints import Call, Reply, endpoint
from chalicelib.api.models import system as models
from chalicelib.api.render import listed, plain
from chalicelib.store.pages import MAX_LIMIT, Page
from chalicelib.store.records import AuditEvent

blueprint = Blueprint(__name__)
COLUMNS = ("seq", "at", "actor", "action", "cluster", "detail", "id", "prev", "hash")


@endpoint(
    blueprint, "GET", "/api/v1/audit", summary="What was done, newest first.", tag="audit",
    permission="audit:read", query=models.AuditQuery, response=models.Audit,
)  # fmt: skip
def list_audit(call: Call) -> object:
    page = _page(call, call.query.limit, call.query.cursor)
    return listed([plain(event) for event in page.items], page.next)


@endpoint(
    blueprint, "GET", "/api/v1/audit/export", summary="The same as a file; `Next-Cursor` names where the next begins.",
    tag="audit", permission="audit:read", query=models.AuditExportQuery, response=models.Audit, media=("text/csv",),
)  # fmt: skip
def export_audit(call: Call) -> object:
    query: models.AuditExportQuery = call.query
    found: list[AuditEvent] = []
    cursor = query.cursor
    while len(found) < query.limit:
        page = _page(call, min(MAX_LIMIT, query.limit - len(found)), cursor)
        found += page.items
        cursor = page.next
        if cursor is None:
            break
    call.services.audit(call.principal, "audit.export", "", {"format": query.format, "events": len(found)})
    headers = {
        "Content-Disposition": f'attachment; filename="kubilitics-audit.{query.format}"', "Cache-Control": "no-store",
        **({"Next-Cursor": cursor} if cursor else {}),
    }  # fmt: skip
    if query.format == "csv":
        return Reply(_csv(found), headers={**headers, "Content-Type": "text/csv; charset=utf-8"})
    return Reply(listed([plain(event) for event in found], cursor), headers=headers)


@endpoint(
    blueprint, "GET", "/api/v1/audit/verify", summary="Whether the audit chain is intact.", tag="audit",
    permission="audit:read", response=models.Verification,
)  # fmt: skip
def verify_audit(call: Call) -> object:
    found = call.services.store.audit.verify(call.principal.tenant)
    anchor = found.anchored
    return {
        "ok": found.ok,
        "events": found.events,
        "broken_at": found.broken_at,
        "reason": found.reason,
        "anchored": {"day": anchor.day, "seq": anchor.seq, "hash": anchor.hash} if anchor else None,
    }


@endpoint(
    blueprint, "GET", "/api/v1/queues", summary="Messages that wait, are in hand, or were set aside.", tag="audit",
    permission="audit:read", response=models.Queues,
)  # fmt: skip
def list_queues(call: Call) -> object:
    return {"work": call.services.store.queue.depths(), "audit": call.services.store.audit_queue.depths()}


def _page(call: Call, limit: int, cursor: str | None) -> Page[AuditEvent]:
    query: models.AuditQuery = call.query
    asked = query.model_dump(include={"actor", "action", "cluster", "text", "since", "until"}, mode="json")
    scope = hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()[:16]
    return call.services.store.audit.list(
        call.principal.tenant, limit, cursor, wanted=_wanted(query), scope=scope, since=query.since
    )


def _wanted(query: models.AuditQuery) -> Callable[[AuditEvent], bool]:
    text = query.text.casefold()

    def wanted(event: AuditEvent) -> bool:
        return (
            query.actor in ("", event.actor)
            and query.cluster in ("", event.cluster)
            and (not query.action or event.action == query.action or event.action.startswith(f"{query.action}."))
            and (query.since is None or event.at >= query.since)
            and (query.until is None or event.at <= query.until)
            and (not text or text in msgspec.json.encode(event).decode().casefold())
        )

    return wanted


def _csv(events: list[AuditEvent]) -> str:
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow(COLUMNS)
    for event in events:
        fields = {**plain(event), "detail": msgspec.json.encode(event.detail).decode()}
        writer.writerow([_cell(fields[name]) for name in COLUMNS])
    return sink.getvalue()


def _cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula: names in it are other people's."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
