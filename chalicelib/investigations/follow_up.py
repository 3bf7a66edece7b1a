"""Looking again: whether a cause that was found is still there, and what changed since it was.

A look that finds the cause gone closes the incident; one that finds it back opens it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import msgspec

from chalicelib.accounts.identity import Principal
from chalicelib.errors import Conflict, InvalidRequest, KubiliticsError, NotFound, Unavailable
from chalicelib.investigations.hypotheses import SUPPORTED_FROM, ref_of
from chalicelib.investigations.office import Office, running
from chalicelib.investigations.sessions import MAX_RACES, changed, not_concluded
from chalicelib.rootcause import scoped
from chalicelib.state.diff import Change, diff
from chalicelib.state.ids import TenantId
from chalicelib.state.meta import Ref
from chalicelib.store.investigation_records import (
    Cause,
    FollowUp,
    Investigation,
    InvestigationStep,
    Recheck,
    RecheckResult,
    Resolution,
)
from chalicelib.store.keys import digest
from chalicelib.tools.revisions import change_text
from chalicelib.tools.views import ClusterView

SOONEST, LATEST = timedelta(minutes=1), timedelta(days=30)
MAX_TIMES = 50
RECHECKS_KEPT = 20
MAX_AGE_S = 30
CHANGES_TOLD = 3


def plan(
    office: Office, principal: Principal, investigation: str, after: timedelta, every: timedelta | None, times: int
) -> Investigation:
    """Plan `times` looks: the first after `after`, the others `every` so much later.

    Raises InvalidRequest for times out of bounds, Conflict `not_concluded` and `no_cause`.
    """
    for name, value in (("after", after), ("every", every)):
        if value is not None and not SOONEST <= value <= LATEST:
            raise InvalidRequest(
                f"{name}: a look is planned between a minute and 30 days ahead.",
                remedy="Write for example 10m, 2h or 1d.",
                details={"field": name},
            )
    if not 1 <= times <= MAX_TIMES or (times > 1 and every is None):
        raise InvalidRequest(
            f"times: between 1 and {MAX_TIMES}; more than one needs `every`.", details={"field": "times"}
        )

    def change(session: Investigation) -> Investigation:
        cause_of(session)
        before = session.follow_up.rechecks if session.follow_up else ()
        planned = FollowUp(
            due=office.clock() + after,
            by=principal.user,
            every_s=int(every.total_seconds()) if every else 0,
            left=times,
            rechecks=before,
        )
        return msgspec.structs.replace(session, follow_up=planned, updated_at=office.clock())

    detail = {"after_s": after.total_seconds(), "times": times}
    return changed(office, principal, investigation, change, "investigation.follow_up", detail)


def unplan(office: Office, principal: Principal, investigation: str) -> Investigation:
    """No more looks. What was seen stays."""

    def change(session: Investigation) -> Investigation:
        if session.follow_up is None:
            return session
        ended = msgspec.structs.replace(session.follow_up, due=None, left=0)
        return msgspec.structs.replace(session, follow_up=ended, updated_at=office.clock())

    return changed(office, principal, investigation, change, "investigation.follow_up_cancel")


def cause_of(session: Investigation) -> Cause:
    """The cause that can be looked at again. Raises Conflict `not_concluded` or `no_cause`."""
    if running(session):
        raise not_concluded(session, "followed up")
    if session.cause is None:
        raise Conflict(
            "This investigation found no cause that could be looked at again.",
            code="no_cause",
            remedy="Start a new investigation to look at the cluster again.",
        )
    return session.cause


def look_again(office: Office, tenant: TenantId, investigation: str, *, planned: bool) -> Investigation:
    """Look whether the cause is still there, and write down what was seen. `planned`: only when a look is due.

    A look that another worker made meanwhile counts. Raises Conflict `not_concluded` or `no_cause`, and Unavailable
    when the store does not answer.
    """
    for _ in range(MAX_RACES):
        session = office.store.investigations.get(tenant, investigation)
        follow = session.follow_up
        if planned and (follow is None or follow.due is None or follow.due > office.clock()):
            return session
        cause = cause_of(session)
        seen = _recheck(office, tenant, session, cause, follow.by if planned and follow else session.creator)
        step = _step(session, seen)
        after = msgspec.structs.replace(
            session,
            follow_up=_next(follow, seen, planned, session.creator),
            resolution=_resolution(session.resolution, seen.result),
            updated_at=seen.at,
        )
        try:
            stored = office.store.investigations.commit(tenant, after, step)
        except Conflict:
            continue
        office.tell(tenant, step)
        return stored
    raise Unavailable("The investigation changes faster than it can be written.", code="investigation_busy")


def _recheck(office: Office, tenant: TenantId, session: Investigation, cause: Cause, user: str) -> Recheck:
    now = office.clock()
    try:
        principal = office.principal_of(tenant, user)
        view = office.views.view(principal, session.cluster, max_age_s=MAX_AGE_S, namespace=cause.resource.namespace)
    except Unavailable:
        raise
    except KubiliticsError as error:
        return Recheck(at=now, result="not_checked", text=f"{error.message} {error.remedy}")
    if view.note:
        return Recheck(at=now, result="not_checked", text=view.note)
    ref = ref_of(cause.resource)
    floor = min(SUPPORTED_FROM, cause.probability)
    found = [p for p in view.diagnosis.problems if p.resource == ref and p.probability >= floor]
    same = next((p for p in found if p.mode == cause.mode), None)
    if same is not None:
        return Recheck(at=now, result="still_there", text=f"{same.summary} ({same.probability:.0%})")
    if found:
        text = f"{ref} now has another problem: {found[0].summary} ({found[0].probability:.0%})"
        return Recheck(at=now, result="changed", text=text)
    related = scoped(view.diagnosis, view.world, target=ref)
    if related.outcome == "insufficient_permission":
        return Recheck(at=now, result="not_checked", text=related.message)
    gone = f"{ref} no longer exists" if related.outcome == "object_not_found" else f"{cause.title} of {ref} is gone"
    changes = _since(office, principal, session, view, ref)
    return Recheck(at=now, result="gone", text=f"{gone}; since then {changes}." if changes else f"{gone}.")


def _since(office: Office, principal: Principal, session: Investigation, view: ClusterView, ref: Ref) -> str:
    """What changed of the object and what it rests on, between the judged reading and now."""
    if session.snapshot is None:
        return ""
    try:
        before = office.views.kept(principal, session.cluster, session.snapshot.key)
    except NotFound:
        return ""
    family = {ref, *before.world.graph.owned_by(ref), *(e.target for e in view.world.graph.out(ref))}
    family |= {e.target for pod in before.world.pods_of(ref) for e in before.world.graph.out(before.world.ref_of(pod))}
    told = [c for c in diff(before.snapshot, view.snapshot) if c.ref in family and _meant(c)]
    told.sort(key=lambda c: (c.ref != ref, c.ref))
    return "; ".join(_change_words(told))


def _meant(change: Change) -> bool:
    """Whether somebody wanted this change, rather than the cluster reporting something."""
    if change.ref.kind in ("Pod", "ReplicaSet", "EndpointSlice", "Node", "Job"):
        return False
    return change.what != "changed" or change.spec_changed


def _change_words(changes: Iterable[Change]) -> list[str]:
    found = []
    for change in list(changes)[:CHANGES_TOLD]:
        wanted = [f for f in change.fields if not f.pointer.startswith(("/status", "/metadata"))]
        found.append(f"{change.ref} {change.what}{f': {change_text(wanted, 2)}' if wanted else ''}")
    return found


def _resolution(before: Resolution, result: RecheckResult) -> Resolution:
    if result == "gone":
        return "resolved"
    if result == "not_checked":
        return before
    return "reopened" if before == "resolved" else before or "open"


def _next(follow: FollowUp | None, seen: Recheck, planned: bool, user: str) -> FollowUp:
    held = follow or FollowUp(due=None, by=user)
    rechecks = (*held.rechecks, seen)[-RECHECKS_KEPT:]
    if not planned:
        return msgspec.structs.replace(held, rechecks=rechecks)
    left = max(held.left - 1, 0)
    due = seen.at + timedelta(seconds=held.every_s) if left and held.every_s else None
    return msgspec.structs.replace(held, rechecks=rechecks, left=left, due=due)


def _step(session: Investigation, seen: Recheck) -> InvestigationStep:
    n = session.steps + 1
    words = {"gone": "Gone", "still_there": "Still there", "changed": "Changed", "not_checked": "Could not look"}
    return InvestigationStep(
        n=n,
        investigation=session.id,
        kind="recheck",
        title="Look whether the cause is still there",
        key=digest(session.id, "recheck", str(n))[:32],
        started_at=seen.at,
        ended_at=seen.at,
        failed=seen.result == "not_checked",
        summary=f"{words[seen.result]}: {seen.text}",
        result={"result": seen.result},
    )
