"""Investigations: start, follow, find, judge."""

from __future__ import annotations

import time
from typing import Any

from chalice.app import Blueprint

from chalicelib.api.endpoints import Call, Reply, endpoint
from chalicelib.api.models import investigations as models
from chalicelib.api.models.chat import WaitQuery
from chalicelib.api.render import listed
from chalicelib.api.render_investigations import investigation_out, summary_out
from chalicelib.api.turns import FIRST_POLL_S, LONGEST_POLL_S
from chalicelib.errors import NotFound
from chalicelib.investigations import follow_up, sessions
from chalicelib.investigations.calibration import exported
from chalicelib.investigations.frames import step_json
from chalicelib.investigations.hypotheses import hypotheses_of
from chalicelib.investigations.office import NewInvestigation, running
from chalicelib.investigations.sessions import Filter
from chalicelib.investigations.templates import templates
from chalicelib.store.investigation_records import Investigation
from chalicelib.store.records import ResourceName
from chalicelib.tools.moments import span

blueprint = Blueprint(__name__)
ALL = "/api/v1/investigations"
ONE = ALL + "/{investigation}"


@endpoint(
    blueprint, "POST", ALL, summary="Start an investigation; with `wait` its result comes at once when it is quick.",
    tag="investigations", permission="investigations:write", query=WaitQuery, body=models.NewInvestigation,
    response=models.Investigation, others={202: models.InvestigationAccepted},
)  # fmt: skip
def start_investigation(call: Call) -> object:
    request: models.NewInvestigation = call.body
    target = request.target
    wanted = NewInvestigation(
        cluster=request.cluster,
        question=request.question,
        namespace=request.namespace,
        target=ResourceName(**target.model_dump()) if isinstance(target, models.InvestigationTarget) else target,
        template=request.template,
    )
    session = call.services.investigations.start(call.principal, wanted)
    session = _settled_within(call, session, call.query.wait)
    if running(session):
        return Reply({"id": session.id, "status": session.status}, status=202)
    return _whole(call, session)


def _settled_within(call: Call, session: Investigation, seconds: float) -> Investigation:
    """The session, once it has settled or the time is up."""
    until, pause = time.monotonic() + seconds, FIRST_POLL_S
    while running(session) and time.monotonic() + pause <= until:
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_POLL_S)
        session = call.services.store.investigations.get(call.principal.tenant, session.id)
    return session


def _whole(call: Call, session: Investigation) -> dict[str, Any]:
    held, tenant = call.services.store, call.principal.tenant
    steps = held.investigations.steps(tenant, session.id)
    conclusion = held.investigations.conclusion(tenant, session.id)
    kept = False
    if session.snapshot is not None:
        try:
            kept = held.objects.size(tenant, session.snapshot.key) is not None
        except NotFound:
            kept = False
    return investigation_out(session, steps, conclusion, hypotheses_of(steps, conclusion), kept=kept)


@endpoint(
    blueprint, "GET", ALL, summary="Investigations, newest first; words and filters narrow them.",
    tag="investigations", permission="investigations:read", query=models.InvestigationsQuery,
    response=models.Investigations,
)  # fmt: skip
def list_investigations(call: Call) -> object:
    asked: models.InvestigationsQuery = call.query
    given = asked.model_dump(exclude={"limit", "cursor", "q"})
    page = sessions.search(
        call.services.investigations.office, call.principal, Filter(text=asked.q, **given), asked.limit, asked.cursor
    )
    return listed([summary_out(session) for session in page.items], page.next)


@endpoint(
    blueprint, "GET", ONE, summary="An investigation with its hypotheses and steps.", tag="investigations",
    permission="investigations:read", response=models.Investigation,
)  # fmt: skip
def get_investigation(call: Call) -> object:
    return _whole(call, _session(call))


@endpoint(
    blueprint, "DELETE", ONE, summary="Delete an investigation; a running one is cancelled first.",
    tag="investigations", permission="investigations:write", response=None, status=204,
)  # fmt: skip
def delete_investigation(call: Call) -> object:
    sessions.remove(call.services.investigations.office, call.principal, call.path["investigation"])
    return Reply("", status=204)


@endpoint(
    blueprint, "GET", ONE + "/steps", summary="The steps after a sequence number.", tag="investigations",
    permission="investigations:read", query=models.StepsQuery, response=models.InvestigationSteps,
)  # fmt: skip
def list_investigation_steps(call: Call) -> object:
    session = _session(call)
    limit = call.query.limit
    steps = call.services.store.investigations.steps(call.principal.tenant, session.id, call.query.after, limit)
    done = not running(session) and len(steps) < limit
    return {"items": [step_json(step) for step in steps], "status": session.status, "done": done}


@endpoint(
    blueprint, "POST", ONE + "/cancel", summary="Stop an investigation. A second time changes nothing.",
    tag="investigations", permission="investigations:write", response=models.InvestigationSummary,
)  # fmt: skip
def cancel_investigation(call: Call) -> object:
    office = call.services.investigations.office
    return summary_out(sessions.cancel(office, call.principal, call.path["investigation"]))


@endpoint(
    blueprint, "POST", ONE + "/archive", summary="Put a settled investigation aside.", tag="investigations",
    permission="investigations:write", response=models.InvestigationSummary,
)  # fmt: skip
def archive_investigation(call: Call) -> object:
    office = call.services.investigations.office
    return summary_out(sessions.archive(office, call.principal, call.path["investigation"]))


@endpoint(
    blueprint, "POST", ONE + "/restore", summary="Bring an archived investigation back.", tag="investigations",
    permission="investigations:write", response=models.InvestigationSummary,
)  # fmt: skip
def restore_investigation(call: Call) -> object:
    office = call.services.investigations.office
    return summary_out(sessions.archive(office, call.principal, call.path["investigation"], restore=True))


@endpoint(
    blueprint, "POST", ONE + "/feedback", summary="Say whether the conclusion was right, and what it really was.",
    tag="investigations", permission="investigations:write", body=models.NewInvestigationFeedback,
    response=models.Investigation,
)  # fmt: skip
def give_feedback(call: Call) -> object:
    said: models.NewInvestigationFeedback = call.body
    resource = ResourceName(**said.resource.model_dump()) if said.resource else None
    session = sessions.give_feedback(
        call.services.investigations.office, call.principal, call.path["investigation"], said.verdict,
        cause=said.cause, mode=said.mode, resource=resource,
    )  # fmt: skip
    return _whole(call, session)


@endpoint(
    blueprint, "POST", ONE + "/follow-up", summary="Plan looks at whether the cause is still there.",
    tag="investigations", permission="investigations:write", body=models.NewFollowUp, response=models.Investigation,
)  # fmt: skip
def plan_follow_up(call: Call) -> object:
    asked: models.NewFollowUp = call.body
    session = follow_up.plan(
        call.services.investigations.office, call.principal, call.path["investigation"], span(asked.after, "after"),
        span(asked.every, "every") if asked.every else None, asked.times,
    )  # fmt: skip
    return _whole(call, session)


@endpoint(
    blueprint, "DELETE", ONE + "/follow-up", summary="No more looks.", tag="investigations",
    permission="investigations:write", response=models.Investigation,
)  # fmt: skip
def cancel_follow_up(call: Call) -> object:
    office = call.services.investigations.office
    return _whole(call, follow_up.unplan(office, call.principal, call.path["investigation"]))


@endpoint(
    blueprint, "POST", ONE + "/check", summary="Look now whether the cause is still there.", tag="investigations",
    permission="investigations:write", response=models.Investigation,
)  # fmt: skip
def check_again(call: Call) -> object:
    return _whole(call, call.services.investigations.check_again(call.principal, call.path["investigation"]))


@endpoint(
    blueprint, "GET", "/api/v1/investigation-templates", summary="Templates that an investigation can follow.",
    tag="investigations", permission="investigations:read", response=models.InvestigationTemplates,
)  # fmt: skip
def list_templates(call: Call) -> object:
    items = [{"id": t.id, "title": t.title, "about": t.about} for t in templates().values()]
    return listed(items, total=len(items))


@endpoint(
    blueprint, "GET", "/api/v1/investigation-feedback", summary="What people said of conclusions, for calibration.",
    tag="investigations", permission="investigations:read", response=models.FeedbackExport,
)  # fmt: skip
def export_feedback(call: Call) -> object:
    return exported(call.services.investigations.office, call.principal)


def _session(call: Call) -> Investigation:
    return sessions.get(call.services.investigations.office, call.principal, call.path["investigation"])
