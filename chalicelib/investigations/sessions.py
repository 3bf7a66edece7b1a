"""What people do with sessions: start, find, cancel, archive, judge, delete."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from chalicelib.accounts.identity import Principal, require
from chalicelib.errors import Conflict, InvalidRequest, KubiliticsError, NotFound
from chalicelib.investigations.office import NewInvestigation, Office, running
from chalicelib.investigations.scope import parse_target
from chalicelib.investigations.templates import template_of
from chalicelib.rootcause.modes import modes
from chalicelib.state.ids import new_id
from chalicelib.state.kinds import KINDS
from chalicelib.store.investigation_records import Feedback, Investigation, InvestigationStep, Verdict
from chalicelib.store.keys import digest
from chalicelib.store.pages import Page
from chalicelib.store.records import ResourceName
from chalicelib.tools.views import judged_mark

READ, WRITE = "investigations:read", "investigations:write"
MAX_RACES = 5
ID = re.compile(r"iv_[a-z2-7]{26}")
Change = Callable[[Investigation], Investigation]


def start(office: Office, principal: Principal, wanted: NewInvestigation) -> Investigation:
    """Store a new session; it is not run yet. A second start with the same id gives the first session.

    Raises Forbidden, NotFound `unknown_cluster` or `unknown_template`, InvalidRequest for a target without a name.
    """
    require(principal, WRITE)
    record = office.views.record(principal, wanted.cluster)
    if wanted.template:
        template_of(wanted.template)
    now = office.clock()
    session = Investigation(
        id=wanted.id or new_id("iv", office.random(16)),
        cluster=record.id,
        cluster_name=record.name,
        question=wanted.question,
        creator=principal.user,
        trigger=wanted.trigger,
        created_at=now,
        updated_at=now,
        namespace=wanted.namespace,
        target=_target(wanted),
        scoped=wanted.scoped,
        template=wanted.template,
        links=wanted.links,
    )
    try:
        stored = office.store.investigations.begin(principal.tenant, session)
    except Conflict:
        stored = office.store.investigations.get(principal.tenant, session.id)
    # Also for a session that is there already: a start that was cut short here is noted by the next one.
    office.note(
        principal, "investigation.start", record.id, {"investigation": stored.id, "trigger": stored.trigger},
        id=event_id(stored.id, "start"),
    )  # fmt: skip
    return stored


def _target(wanted: NewInvestigation) -> ResourceName | None:
    given = wanted.target
    found = parse_target(given, wanted.namespace) if isinstance(given, str) else given
    if found is None or (isinstance(given, str) and not given.strip()):
        return None
    if not found.name:
        raise InvalidRequest(
            "target: an object is named by kind and name.",
            remedy="Write it as `deployment/checkout`, `deployment shop/checkout`, or as {kind, namespace, name}.",
            details={"field": "target"},
        )
    entry = KINDS.get(found.kind)
    return msgspec.structs.replace(found, kind=entry.kind) if entry else found


def event_id(*parts: str) -> str:
    """The id of an audit event about a fact that happens once."""
    return f"au_{digest(*parts)[:26]}"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which sessions of the history are wanted; empty fields take all.

    `text` words all occur in the question, the cause or the conclusion. `resource` is a name, or `kind/namespace/name`
    in part. Archived sessions are left out unless `status` asks for them or `archived` is set.
    """

    text: str = ""
    cluster: str = ""
    namespace: str = ""
    resource: str = ""
    mode: str = ""
    outcome: str = ""
    status: str = ""
    resolution: str = ""
    trigger: str = ""
    creator: str = ""
    since: datetime | None = None
    until: datetime | None = None
    archived: bool = False

    @property
    def scope(self) -> str:
        """A name of this filter, which its cursors are bound to."""
        return digest(*(f"{k}={v}" for k, v in sorted(msgspec.to_builtins(self).items())))[:16]

    def accepts(self, session: Investigation) -> bool:
        exact = (
            (self.cluster, (session.cluster, session.cluster_name)),
            (self.namespace, (session.namespace, session.cause.resource.namespace if session.cause else "")),
            (self.mode, [said.mode for said in (session.cause, session.feedback) if said is not None]),
            (self.outcome, (session.outcome,)),
            (self.status, (session.status,)),
            (self.resolution, (session.resolution,)),
            (self.trigger, (session.trigger,)),
            (self.creator, (session.creator,)),
        )
        if any(wanted and wanted not in values for wanted, values in exact):
            return False
        if session.status == "archived" and not (self.archived or self.status == "archived"):
            return False
        if (self.since and session.created_at < self.since) or (self.until and session.created_at >= self.until):
            return False
        return self._resource(session) and self._text(session)

    def _resource(self, session: Investigation) -> bool:
        wanted = [part for part in self.resource.lower().replace("/", " ").split() if part]
        if not wanted:
            return True
        named = [r for r in (session.target, session.cause.resource if session.cause else None) if r is not None]
        kinds = {w: entry.kind.lower() for w in wanted if (entry := KINDS.get(w)) is not None}
        return any(
            all(kinds.get(w, w) in (r.kind.lower(), r.namespace.lower(), r.name.lower()) for w in wanted) for r in named
        )

    def _text(self, session: Investigation) -> bool:
        words = self.text.lower().split()
        if not words:
            return True
        cause, target = session.cause, session.target
        parts = [session.question, session.message, session.cluster_name, session.id]
        if cause is not None:
            parts += [cause.summary, cause.title, cause.mode, cause.resource.name, cause.resource.namespace]
        parts += [target.name, target.namespace] if target else []
        parts += [session.feedback.cause] if session.feedback else []
        text = "\n".join(parts).lower()
        return all(word in text for word in words)


def search(
    office: Office, principal: Principal, wanted: Filter, limit: int = 50, cursor: str | None = None
) -> Page[Investigation]:
    """Sessions of the tenant, newest first. Raises Forbidden, and InvalidRequest for a foreign cursor."""
    require(principal, READ)
    return office.store.investigations.search(principal.tenant, wanted.accepts, wanted.scope, limit, cursor)


def get(office: Office, principal: Principal, investigation: str) -> Investigation:
    """Raises Forbidden, and NotFound `unknown_investigation`."""
    require(principal, READ)
    return office.store.investigations.get(principal.tenant, investigation)


def cancel(office: Office, principal: Principal, investigation: str) -> Investigation:
    """Stop a session at once; whatever step is being done is not written any more. A second time changes nothing.

    Raises Conflict `investigation_settled` for one that has ended by itself.
    """
    require(principal, WRITE)
    for _ in range(MAX_RACES):
        session = office.store.investigations.get(principal.tenant, investigation)
        if session.status == "cancelled":
            return session
        if not running(session):
            raise Conflict(
                "This investigation has ended already.",
                code="investigation_settled",
                remedy="Read its report; archive or delete it when it is not wanted.",
                details={"status": session.status},
            )
        now = office.clock()
        step = InvestigationStep(
            n=session.steps + 1,
            investigation=session.id,
            kind="cancellation",
            title="Cancel",
            key=digest(session.id, "cancellation")[:32],
            started_at=now,
            ended_at=now,
            summary=f"Cancelled by {principal.name}.",
        )
        changed = msgspec.structs.replace(session, status="cancelled", updated_at=now, message=step.summary)
        try:
            stored = office.store.investigations.commit(principal.tenant, changed, step)
        except Conflict:
            continue
        office.note(principal, "investigation.cancel", session.cluster, {"investigation": session.id})
        office.tell(principal.tenant, step)
        return stored
    raise Conflict("The investigation changes faster than it can be cancelled.", remedy="Try again.")


def archive(office: Office, principal: Principal, investigation: str, *, restore: bool = False) -> Investigation:
    """Put a settled session aside, or bring it back. Raises Conflict `not_concluded` for one that runs."""

    def change(session: Investigation) -> Investigation:
        _settled(session, "archived")
        settled = "concluded" if session.concluded_at else "cancelled"
        return msgspec.structs.replace(session, status=settled if restore else "archived", updated_at=office.clock())

    action = "investigation.restore" if restore else "investigation.archive"
    return changed(office, principal, investigation, change, action)


def give_feedback(
    office: Office,
    principal: Principal,
    investigation: str,
    verdict: Verdict,
    *,
    cause: str = "",
    mode: str = "",
    resource: ResourceName | None = None,
) -> Investigation:
    """Keep what a person says of the conclusion. Raises Conflict `not_concluded` for a session that runs."""
    if mode and mode not in modes():
        raise InvalidRequest(
            f"mode: there is no failure mode {mode[:80]!r}.",
            code="unknown_mode",
            remedy="Leave it out, or take one that a problem or an investigation names.",
            details={"field": "mode", "valid": sorted(modes())},
        )

    def change(session: Investigation) -> Investigation:
        _settled(session, "judged")
        said = Feedback(
            verdict=verdict, by=principal.user, at=office.clock(), cause=cause, mode=mode, resource=resource
        )
        return msgspec.structs.replace(session, feedback=said, updated_at=office.clock())

    return changed(office, principal, investigation, change, "investigation.feedback", {"verdict": verdict})


def remove(office: Office, principal: Principal, investigation: str) -> None:
    """Delete a session with its steps, its links and the evidence that is kept for it. A running one is cancelled."""
    require(principal, WRITE)
    session = office.store.investigations.get(principal.tenant, investigation)
    if running(session):
        with suppress(Conflict):
            session = cancel(office, principal, investigation)
    held, tenant = office.store, principal.tenant
    cited = {e for step in held.investigations.steps(tenant, session.id) for e in step.evidence}
    office.note(principal, "investigation.delete", session.cluster, {"investigation": session.id})
    held.evidence.release(tenant, session.id, session.cluster, cited)
    mark = judged_mark(session.snapshot.key, session.id) if session.snapshot else ""
    if mark:
        held.objects.delete(tenant, mark)
    held.investigations.remove(tenant, session.id)


def changed(
    office: Office,
    principal: Principal,
    investigation: str,
    change: Change,
    action: str,
    detail: dict[str, Any] | None = None,
) -> Investigation:
    """Apply a change to the newest state of a session and audit it. Raises what `change` raises."""
    require(principal, WRITE)
    for _ in range(MAX_RACES):
        session = office.store.investigations.get(principal.tenant, investigation)
        try:
            stored = office.store.investigations.update(principal.tenant, change(session))
        except NotFound:
            raise
        except Conflict as error:
            if error.code != "conflict":
                raise
            continue
        office.note(principal, action, session.cluster, {"investigation": session.id, **(detail or {})})
        return stored
    raise Conflict("The investigation changes faster than it can be written.", remedy="Try again.")


def _settled(session: Investigation, wanted: str) -> None:
    if running(session):
        raise not_concluded(session, wanted)


def not_concluded(session: Investigation, wanted: str) -> KubiliticsError:
    """The error for what needs a conclusion and came before it."""
    return Conflict(
        f"This investigation still runs, so it cannot be {wanted} yet.",
        code="not_concluded",
        remedy="Wait for its conclusion, or cancel it.",
        details={"status": session.status, "steps": session.steps},
    )
