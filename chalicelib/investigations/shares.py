"""Links that show one report to people who have no account: unguessable, expiring, revocable, and nothing else.

A link's text is `kbs_TENANT_SECRET` with 256 random bits; only its SHA-256 is kept. Reports that are shared are
redacted again, and carry no id that another route would take without signing in.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from chalicelib.accounts.identity import Principal, require
from chalicelib.errors import Conflict, Gone, InvalidRequest, NotFound
from chalicelib.investigations.office import Office, running
from chalicelib.investigations.report import Format, Report, rendered, report_of
from chalicelib.investigations.sessions import READ, WRITE, not_concluded
from chalicelib.state.ids import TenantId, new_id
from chalicelib.state.redaction import redacted_all
from chalicelib.store.investigation_records import Investigation, Share
from chalicelib.store.keys import SYSTEM

SECRET_BYTES = 32
SOONEST, LATEST = timedelta(minutes=5), timedelta(days=30)
MAX_SHARES = 20
OPENED_A_MINUTE = 60
GUESSES_A_MINUTE = 30
_TEXT = re.compile(r"kbs_([a-z0-9][a-z0-9-]{0,62})_([A-Za-z0-9_-]{43})")


def share(office: Office, principal: Principal, investigation: str, lasts: timedelta) -> tuple[Share, str]:
    """A new link and its text, which is shown this once.

    Raises InvalidRequest for a life out of bounds, Conflict `not_concluded` and `too_many_shares`.
    """
    require(principal, WRITE)
    if not SOONEST <= lasts <= LATEST:
        raise InvalidRequest(
            "expires_in: a link lives between five minutes and 30 days.",
            remedy="Write for example 1d or 7d.",
            details={"field": "expires_in"},
        )
    session = office.store.investigations.get(principal.tenant, investigation)
    if running(session):
        raise not_concluded(session, "shared")
    now = office.clock()
    if sum(usable(s, now) for s in office.store.investigations.shares(principal.tenant, session.id)) >= MAX_SHARES:
        raise Conflict(
            f"This report has {MAX_SHARES} links already.", code="too_many_shares", remedy="Revoke one of them first."
        )
    secret = base64.urlsafe_b64encode(office.random(SECRET_BYTES)).decode().rstrip("=")
    text = f"kbs_{principal.tenant}_{secret}"
    made = Share(
        hash=_hash(text),
        id=new_id("sh", office.random(16)),
        investigation=session.id,
        created_by=principal.user,
        created_at=now,
        expires_at=now + lasts,
    )
    detail = {"investigation": session.id, "share": made.id, "expires_at": made.expires_at.isoformat()}
    office.note(principal, "investigation.share", session.cluster, detail)
    return office.store.investigations.add_share(principal.tenant, made), text


def shares(office: Office, principal: Principal, investigation: str) -> Sequence[Share]:
    """Links to a report that can be opened now, oldest first; their texts are not known any more."""
    require(principal, READ)
    session = office.store.investigations.get(principal.tenant, investigation)
    now = office.clock()
    return [s for s in office.store.investigations.shares(principal.tenant, session.id) if usable(s, now)]


def revoke(office: Office, principal: Principal, investigation: str, share_id: str) -> None:
    """End a link at once. Raises NotFound `unknown_share`."""
    require(principal, WRITE)
    session = office.store.investigations.get(principal.tenant, investigation)
    found = next(
        (s for s in office.store.investigations.shares(principal.tenant, session.id) if s.id == share_id), None
    )
    if found is None:
        raise NotFound(
            "This report has no such link.",
            code="unknown_share",
            remedy="List the links of the report to see their ids.",
        )
    office.note(principal, "investigation.unshare", session.cluster, {"investigation": session.id, "share": share_id})
    if found.revoked_at is None:
        office.store.investigations.update_share(
            principal.tenant, msgspec.structs.replace(found, revoked_at=office.clock())
        )


def usable(found: Share, now: datetime) -> bool:
    return found.revoked_at is None and found.expires_at > now


def opened(office: Office, text: str, address: str, format: Format) -> str:
    """The report behind a link's text, redacted.

    `address` is who asks, for the brake on guessing. Raises NotFound `unknown_share` for a text that was never given,
    Gone `share_expired` or `share_revoked`, TooManyRequests.
    """
    now = office.clock()
    parsed = _TEXT.fullmatch(text)
    found = office.store.investigations.share(TenantId(parsed[1]), _hash(text)) if parsed else None
    if parsed is None or found is None:
        office.store.rates.take(SYSTEM, f"share-guess/{address}", GUESSES_A_MINUTE, now)
        raise _unknown()
    tenant = TenantId(parsed[1])
    office.store.rates.take(tenant, f"share/{found.id}", OPENED_A_MINUTE, now)
    if found.revoked_at is not None:
        raise Gone("This link was revoked.", code="share_revoked", remedy="Ask whoever shared it for a new one.")
    if found.expires_at <= now:
        raise Gone("This link has expired.", code="share_expired", remedy="Ask whoever shared it for a new one.")
    session = office.store.investigations.find(tenant, found.investigation)
    if session is None:
        raise _unknown()
    until = f"{found.expires_at:%Y-%m-%d %H:%M} UTC"
    return rendered(
        _outside(report_of(office.store, tenant, session)), format, f"Shared from Kubilitics until {until}."
    )


def _outside(report: Report) -> Report:
    """The report as strangers see it: credentials masked, no people named, no other investigation told of."""
    plain = redacted_all(msgspec.to_builtins(report.session))
    session = msgspec.convert(plain, Investigation)
    feedback = session.feedback and msgspec.structs.replace(session.feedback, by="a colleague")
    follow_up = session.follow_up and msgspec.structs.replace(session.follow_up, by="a colleague")
    session = msgspec.structs.replace(session, creator="", feedback=feedback, follow_up=follow_up, links=())
    conclusion = msgspec.convert(redacted_all(msgspec.to_builtins(report.conclusion)), type(report.conclusion))
    conclusion = msgspec.structs.replace(conclusion, alike=())
    steps = tuple(
        msgspec.structs.replace(
            s, summary=redacted_all(s.summary), title=redacted_all(s.title), arguments={}, result={}
        )
        for s in report.steps
        if s.kind not in ("comparison", "cancellation")
    )
    evidence = {
        one: msgspec.structs.replace(record, body=redacted_all(msgspec.to_builtins(record.body)))
        for one, record in report.evidence.items()
    }
    return Report(session, conclusion, steps, evidence)


def _hash(text: str) -> str:
    # A fast hash will do: the secret is 256 random bits, not a password that could be guessed.
    return hashlib.sha256(text.encode()).hexdigest()


def _unknown() -> NotFound:
    return NotFound("There is no such link.", code="unknown_share", remedy="Check that the whole link was copied.")
