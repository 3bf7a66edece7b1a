"""What lost messages left behind: sessions that nobody works on are queued again, and looks that are due are queued.

A session that was queued again several times without a step being written is given up, and says so.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from chalicelib.errors import Conflict, KubiliticsError
from chalicelib.investigations.conclusions import not_examined
from chalicelib.investigations.hold import lease_name
from chalicelib.investigations.office import Office, running
from chalicelib.investigations.runner import enqueue
from chalicelib.state.ids import TenantId
from chalicelib.store.investigation_records import Conclusion, Investigation, InvestigationStep
from chalicelib.store.investigations import Active
from chalicelib.store.keys import digest

QUIET = timedelta(seconds=45)
"""How long a session may wait in the queue before it is queued again."""
MAX_REQUEUES = 6


def sweep(office: Office, tenant: TenantId) -> dict[str, int]:
    """Queue what is left behind and what is due; how many of each, and how many were given up."""
    now = office.clock()
    requeued = given_up = 0
    for active in office.store.investigations.active(tenant):
        session = office.store.investigations.find(tenant, active.investigation)
        if session is None or not running(session) or not _left_behind(office, tenant, session, now):
            continue
        moved = session.steps != active.at_step
        count = 1 if moved else active.requeued + 1
        if count > MAX_REQUEUES:
            given_up += _give_up(office, tenant, session)
            continue
        office.store.investigations.note_requeued(tenant, Active(session.id, count, session.steps))
        enqueue(office, tenant, session, f"swept/{count}")
        requeued += 1
    due = office.store.investigations.due(tenant, now)
    for investigation in due:
        office.store.queue.send(
            tenant,
            {"type": "follow_up", "investigation": investigation},
            group=investigation,
            dedup_id=f"{investigation}/follow_up/{int(now.timestamp()) // 300}",
        )
    return {"requeued": requeued, "given_up": given_up, "follow_ups": len(due)}


def _left_behind(office: Office, tenant: TenantId, session: Investigation, now: datetime) -> bool:
    """A long step has a heartbeat; a session without one is nobody's."""
    quiet = now - session.updated_at > QUIET
    return quiet and not office.store.leases.is_held(tenant, lease_name(session.id), now)


def _give_up(office: Office, tenant: TenantId, session: Investigation) -> int:
    """End a session that cannot be carried out; the failed step says why."""
    now = office.clock()
    error = KubiliticsError(
        f"The investigation stood still at step {session.steps} and was tried {MAX_REQUEUES} times.",
        code="gave_up",
        remedy="Start it again; the service log and the dead-letter queue show what failed.",
    )
    done = not_examined(error.as_dict()["error"])
    step = InvestigationStep(
        n=session.steps + 1,
        investigation=session.id,
        kind="conclusion",
        title="Give up",
        key=digest(session.id, "gave_up")[:32],
        started_at=now,
        ended_at=now,
        failed=True,
        summary=done.summary,
        error=error.as_dict()["error"],
    )
    ended = msgspec.structs.replace(
        session,
        **done.changes,
        status="concluded",
        concluded_at=now,
        updated_at=now,
        failed_steps=session.failed_steps + 1,
    )
    try:
        office.store.investigations.commit(tenant, ended, step, msgspec.convert(done.result, Conclusion))
    except Conflict:
        return 0
    office.tell(tenant, step)
    return 1
