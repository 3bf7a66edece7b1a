"""Where other rooms come to: start an investigation, run what is queued, read what was found."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.accounts.identity import Principal, allows, require
from chalicelib.errors import NotFound
from chalicelib.investigations import follow_up, runner, sessions, sweep
from chalicelib.investigations.hypotheses import hypotheses_of, name_of
from chalicelib.investigations.office import Budget, NewInvestigation, Office, running
from chalicelib.investigations.scope import scope_text
from chalicelib.investigations.sessions import WRITE
from chalicelib.state.evidence import Evidence
from chalicelib.state.ids import TenantId, new_id
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Gap
from chalicelib.store.investigation_records import (
    Investigation,
    StoredHypothesis,
)
from chalicelib.store.keys import digest
from chalicelib.store.memory import memory_store
from chalicelib.store.records import EvidenceRecord
from chalicelib.tools.inquiry import Examined, Inquiry

HERE_MARGIN_S = 2.0
"""What is left of a caller's time when nothing new is begun in it."""
UNKEPT = "Not kept: your role may read investigations, not start them. An operator can."


class Desk:
    """Investigations of a process. Implements the tools' Investigator."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def start(self, principal: Principal, wanted: NewInvestigation) -> Investigation:
        """A new session, queued for a worker. Raises what `sessions.start` raises."""
        session = sessions.start(self.office, principal, wanted)
        if running(session):
            runner.enqueue(self.office, principal.tenant, session, "start")
        return session

    def start_here(self, principal: Principal, wanted: NewInvestigation, seconds: float) -> Investigation:
        """A session that is run at once, within the caller's time; the rest is queued for a worker."""
        session = sessions.start(self.office, principal, wanted)
        self.run_here(principal.tenant, session.id, seconds)
        return self.office.store.investigations.get(principal.tenant, session.id)

    def run_here(self, tenant: TenantId, investigation: str, seconds: float) -> runner.Ending:
        """Go on with a session within the caller's time."""
        return runner.work(self.office, tenant, investigation, Budget(_countdown(seconds), HERE_MARGIN_S))

    def work(self, tenant: TenantId, investigation: str, remaining_s: Callable[[], float]) -> runner.Ending:
        """A worker's part: run a queued session, or hand it over before the time is up.

        A session that was deleted meanwhile is no error.
        """
        try:
            return runner.work(self.office, tenant, investigation, Budget(remaining_s))
        except NotFound:
            return "settled"

    def follow_up(self, tenant: TenantId, investigation: str) -> None:
        """A worker's part: make a look that is due."""
        if self.office.store.investigations.find(tenant, investigation) is not None:
            follow_up.look_again(self.office, tenant, investigation, planned=True)

    def check_again(self, principal: Principal, investigation: str) -> Investigation:
        """Look now whether the cause is still there. Raises Forbidden, Conflict `no_cause` or `not_concluded`."""
        require(principal, WRITE)
        return follow_up.look_again(self.office, principal.tenant, investigation, planned=False)

    def sweep(self, tenant: TenantId) -> dict[str, int]:
        """The scheduled job's part."""
        return sweep.sweep(self.office, tenant)

    # For tools

    def examine(self, principal: Principal, inquiry: Inquiry) -> Examined:
        """Investigate within the caller's time; kept when their role may start investigations, else only told."""
        wanted = NewInvestigation(
            id=self._same_question(principal, inquiry),
            cluster=inquiry.cluster,
            question=inquiry.question,
            namespace=inquiry.namespace,
            target=name_of(inquiry.target) if inquiry.target else None,
            scoped=inquiry.scoped,
            template=inquiry.template,
            trigger=inquiry.trigger,
        )
        if allows(principal, WRITE):
            session = self.start_here(principal, wanted, inquiry.wait_s)
            return self._told(self.office, principal.tenant, session)
        office = unkept(self.office, principal)
        operator = replace(principal, role="operator")
        session = sessions.start(office, operator, wanted)
        runner.run(office, principal.tenant, session.id, Budget(_countdown(inquiry.wait_s), HERE_MARGIN_S))
        session = office.store.investigations.get(principal.tenant, session.id)
        return replace(self._told(office, principal.tenant, session), id="", unkept=UNKEPT)

    def _same_question(self, principal: Principal, inquiry: Inquiry) -> str:
        """The id of a question on one reading of a cluster: asked again it is the same session, kept once.

        Raises ClusterError when the cluster cannot be read at all.
        """
        view = self.office.views.view(principal, inquiry.cluster)
        where = (inquiry.namespace, "scoped" if inquiry.scoped else "", *(inquiry.target or ()))
        asked = (principal.user, inquiry.question, inquiry.template, *where)
        return new_id("iv", bytes.fromhex(digest(view.record.id, view.record.snapshot_key, *asked)))

    def told(self, principal: Principal, investigation: str) -> Examined:
        session = sessions.get(self.office, principal, investigation)
        return self._told(self.office, principal.tenant, session)

    def plan_look(
        self, principal: Principal, investigation: str, after: timedelta, every: timedelta | None, times: int
    ) -> datetime:
        session = follow_up.plan(self.office, principal, investigation, after, every, times)
        return session.follow_up.due if session.follow_up and session.follow_up.due else self.office.clock() + after

    def _told(self, office: Office, tenant: TenantId, session: Investigation) -> Examined:
        steps = office.store.investigations.steps(tenant, session.id)
        conclusion = office.store.investigations.conclusion(tenant, session.id)
        hypotheses = hypotheses_of(steps, conclusion)
        cited = [e for h in hypotheses for e in (*h.supporting, *h.contradicting)]
        kept = office.store.evidence.kept(tenant, session.id, session.cluster, list(dict.fromkeys(cited)))
        first = next((h for h in hypotheses if h.status != "refuted"), None)
        found = conclusion.outcome in ("problems", "several_independent_faults") if conclusion else False
        return Examined(
            id=session.id,
            status=session.status,
            outcome=session.outcome,
            message=session.message,
            scope=scope_text(session),
            hypotheses=[hypothesis_row(h) for h in hypotheses],
            remedy={"text": first.remedy, "command": first.command or None} if first and found else None,
            steps=[{"n": s.n, "title": s.title, "summary": s.summary[:300], "failed": s.failed} for s in steps],
            alike=[msgspec.to_builtins(a) for a in conclusion.alike] if conclusion else [],
            evidence=[evidence_struct(record) for record in kept],
            gaps=[Gap(g.kind, g.reason, g.message, g.namespace) for g in conclusion.gaps] if conclusion else [],  # type: ignore[arg-type]
        )


def unkept(office: Office, principal: Principal) -> Office:
    """Surroundings in which a session leaves nothing behind: for callers who may look and not keep."""
    return replace(
        office,
        store=memory_store(),
        principal_of=lambda tenant, user: principal,
        tell=lambda tenant, step: None,
    )


def hypothesis_row(hypothesis: StoredHypothesis) -> dict[str, Any]:
    """A hypothesis as tools and the assistant show it."""
    resource = hypothesis.resource
    return {
        "id": hypothesis.id,
        "kind": resource.kind,
        "namespace": resource.namespace,
        "name": resource.name,
        "mode": hypothesis.mode,
        "title": hypothesis.title,
        "status": hypothesis.status,
        "probability": hypothesis.probability,
        "summary": hypothesis.summary,
        "why": hypothesis.why,
        "for": list(hypothesis.supporting),
        "against": list(hypothesis.contradicting),
        "missing": list(hypothesis.missing),
    }


def evidence_struct(record: EvidenceRecord) -> Evidence:
    """Stored evidence as the engine's value."""
    body = dict(record.body)
    resource = body.pop("resource")
    return msgspec.convert({**body, "ref": Ref(resource["kind"], resource["namespace"], resource["name"])}, Evidence)


def _countdown(seconds: float) -> Callable[[], float]:
    until = time.monotonic() + seconds
    return lambda: until - time.monotonic()
