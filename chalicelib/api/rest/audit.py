"""The audit log, and what waits or was set aside in the queues."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.api.endpoints import Call, endpoint
from chalicelib.api.models import system as models
from chalicelib.api.models.base import ListQuery
from chalicelib.api.render import listed, plain

blueprint = Blueprint(__name__)


@endpoint(
    blueprint, "GET", "/api/v1/audit", summary="What was done, newest first.", tag="audit",
    permission="audit:read", query=ListQuery, response=models.Audit,
)  # fmt: skip
def list_audit(call: Call) -> object:
    page = call.services.store.audit.list(call.principal.tenant, call.query.limit, call.query.cursor)
    return listed([plain(event) for event in page.items], page.next)


@endpoint(
    blueprint, "GET", "/api/v1/audit/verify", summary="Whether the audit chain is intact.", tag="audit",
    permission="audit:read", response=models.Verification,
)  # fmt: skip
def verify_audit(call: Call) -> object:
    found = call.services.store.audit.verify(call.principal.tenant)
    return {"ok": found.ok, "events": found.events, "broken_at": found.broken_at, "reason": found.reason}


@endpoint(
    blueprint, "GET", "/api/v1/queues", summary="Messages that wait, are in hand, or were set aside.", tag="audit",
    permission="audit:read", response=models.Queues,
)  # fmt: skip
def list_queues(call: Call) -> object:
    return {"work": call.services.store.queue.depths(), "audit": call.services.store.audit_queue.depths()}
