"""Runs a session under its lease, hands over before the time is up, and takes up what another run left."""

from __future__ import annotations

from typing import Literal

import msgspec

from chalicelib.errors import Unauthenticated
from chalicelib.investigations.conclusions import not_examined
from chalicelib.investigations.hold import Ended, hold
from chalicelib.investigations.journal import Journal, TimeIsUp
from chalicelib.investigations.office import Budget, Office, running
from chalicelib.investigations.plan import Examination
from chalicelib.state.ids import TenantId
from chalicelib.store.investigation_records import Conclusion, Investigation

Ending = Literal["settled", "handed_over", "busy"]
"""`settled`: nothing is left to do. `busy`: another worker has it."""


def run(office: Office, tenant: TenantId, investigation: str, budget: Budget) -> Ending:
    """Do what is left of a session. Safe to call at any time, from any number of workers.

    Raises NotFound for a session that is gone, and Unavailable when the store does not answer.
    """
    session = office.store.investigations.get(tenant, investigation)
    if not running(session):
        return "settled"
    with hold(office, tenant, investigation) as held:
        if held is None:
            return "busy"
        # Read again: what another worker did before it gave the lease back must be seen.
        session = office.store.investigations.get(tenant, investigation)
        try:
            _through(Journal(office, tenant, session, budget, held))
        except TimeIsUp:
            return "handed_over"
        except Ended:
            pass
    return "settled"


def _through(journal: Journal) -> None:
    try:
        principal = journal.office.principal_of(journal.tenant, journal.session.creator)
    except Unauthenticated as error:
        _without_rights(journal, error)
        return
    Examination(journal, principal).run()


def _without_rights(journal: Journal, error: Unauthenticated) -> None:
    """Nobody is left on whose behalf the cluster could be read."""
    told = {**error.as_dict()["error"], "remedy": "Start it again as a user who exists."}
    done = not_examined(told)
    done.changes |= {"status": "concluded", "concluded_at": journal.office.clock()}
    done.conclusion = msgspec.convert(done.result, Conclusion)
    journal.once("conclusion", "Conclude", lambda: done)


def enqueue(office: Office, tenant: TenantId, session: Investigation, why: str) -> None:
    """Queue a session. One message for each step that it has reached and each reason, however often it is asked."""
    office.store.queue.send(
        tenant,
        {"type": "investigation", "investigation": session.id},
        group=session.id,
        dedup_id=f"{session.id}/{session.steps}/{why}",
    )


def work(office: Office, tenant: TenantId, investigation: str, budget: Budget) -> Ending:
    """What the queue's consumer does with a session: run it, and queue the rest when the time is up.

    A session that another worker has is left to it; if that one died, the sweeper queues it again.
    """
    ending = run(office, tenant, investigation, budget)
    if ending == "handed_over":
        enqueue(office, tenant, office.store.investigations.get(tenant, investigation), "rest")
    return ending
