"""Reports of investigations: download, share with people who have no account, open a shared one."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.api.endpoints import Call, Reply, endpoint
from chalicelib.api.models import investigations as models
from chalicelib.api.render import listed
from chalicelib.api.rest.investigations import ONE
from chalicelib.investigations import sessions, shares
from chalicelib.investigations.report import MEDIA, Format, rendered, report_of
from chalicelib.store.investigation_records import Share
from chalicelib.tools.moments import span

blueprint = Blueprint(__name__)
SHARED = "/api/v1/shared/{share}"
TEXTS = ("text/html", "text/markdown")
ENDINGS: dict[Format, str] = {"markdown": "md", "html": "html", "json": "json"}
STANDS_ALONE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
"""Of a page that loads nothing, runs nothing, is in no frame and in no index."""


@endpoint(
    blueprint, "GET", ONE + "/report", summary="The report, as JSON, Markdown or HTML.", tag="investigations",
    permission="investigations:read", query=models.ReportQuery, response=models.InvestigationReport, media=TEXTS,
)  # fmt: skip
def get_report(call: Call) -> object:
    session = sessions.get(call.services.investigations.office, call.principal, call.path["investigation"])
    format: Format = call.query.format
    text = rendered(report_of(call.services.store, call.principal.tenant, session), format)
    name = f"{session.id}.{ENDINGS[format]}"
    headers = {**STANDS_ALONE, "Content-Type": MEDIA[format], "Content-Disposition": f'inline; filename="{name}"'}
    return Reply(text, headers=headers)


@endpoint(
    blueprint, "GET", ONE + "/share", summary="Links that show the report without sign-in.", tag="investigations",
    permission="investigations:read", response=models.ReportShares,
)  # fmt: skip
def list_shares(call: Call) -> object:
    found = shares.shares(call.services.investigations.office, call.principal, call.path["investigation"])
    return listed([share_out(share) for share in found], total=len(found))


@endpoint(
    blueprint, "POST", ONE + "/share", summary="A link that shows the report without sign-in, until it expires.",
    tag="investigations", permission="investigations:write", body=models.NewReportShare,
    response=models.CreatedReportShare, status=201,
)  # fmt: skip
def create_share(call: Call) -> object:
    lasts = span(call.body.expires_in, "expires_in")
    office = call.services.investigations.office
    made, text = shares.share(office, call.principal, call.path["investigation"], lasts)
    return {**share_out(made), "path": SHARED.format(share=text)}


@endpoint(
    blueprint, "DELETE", ONE + "/share/{share}", summary="End a link at once.", tag="investigations",
    permission="investigations:write", response=None, status=204,
)  # fmt: skip
def revoke_share(call: Call) -> object:
    office = call.services.investigations.office
    shares.revoke(office, call.principal, call.path["investigation"], call.path["share"])
    return Reply("", status=204)


@endpoint(
    blueprint, "GET", SHARED, summary="A shared report. Needs no sign-in: whoever has the link may read it.",
    tag="investigations", permission="", query=models.SharedReportQuery,
    response=models.InvestigationReport, media=TEXTS,
)  # fmt: skip
def open_shared_report(call: Call) -> object:
    identity = (call.request.context or {}).get("identity") or {}
    format: Format = call.query.format
    office = call.services.investigations.office
    text = shares.opened(office, call.path["share"], str(identity.get("sourceIp", "")), format)
    return Reply(text, headers={**STANDS_ALONE, "Content-Type": MEDIA[format]})


def share_out(share: Share) -> dict[str, Any]:
    return {
        "id": share.id,
        "created_by": share.created_by,
        "created_at": share.created_at,
        "expires_at": share.expires_at,
    }
