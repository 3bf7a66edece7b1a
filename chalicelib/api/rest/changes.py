"""Change requests: asked for, looked at, approved, rejected, cancelled, taken back."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.api.endpoints import Call, Reply, endpoint
from chalicelib.api.models import changes as models
from chalicelib.api.render import listed
from chalicelib.api.render_changes import change_out, summary_out

blueprint = Blueprint(__name__)


@endpoint(
    blueprint, "GET", "/api/v1/actions", summary="Actions that can be asked for, with their arguments.", tag="changes",
    permission="changes:read", response=models.Actions,
)  # fmt: skip
def list_actions(call: Call) -> object:
    from chalicelib.safety.actions import actions

    found = [
        {"name": one.name, "title": one.title, "description": one.description,
         "kinds": list(one.kinds), "arguments": one.arguments.model_json_schema()}
        for one in actions()
    ]  # fmt: skip
    return listed(found, total=len(found))


@endpoint(
    blueprint, "POST", "/api/v1/changes", summary="Ask for a change: a preview and what it needs. Nothing is changed.",
    tag="changes", status=201, permission="changes:write", body=models.NewChange, response=models.Change,
)  # fmt: skip
def create_change(call: Call) -> object:
    asked: models.NewChange = call.body
    record = call.services.views.record(call.principal, asked.cluster)
    change = call.services.safety.create(
        call.principal, record, asked.action, asked.arguments, reason=asked.reason, evidence=asked.evidence,
        overrides=asked.overrides, symptom=asked.symptom,
    )  # fmt: skip
    return change_out(change)


@endpoint(
    blueprint, "GET", "/api/v1/changes", summary="Change requests, newest first.", tag="changes",
    permission="changes:read", query=models.ChangesQuery, response=models.Changes,
)  # fmt: skip
def list_changes(call: Call) -> object:
    query: models.ChangesQuery = call.query
    cluster = call.services.views.record(call.principal, query.cluster).id if query.cluster else ""
    statuses = tuple(word.strip() for word in query.status.split(",") if word.strip())
    page = call.services.safety.list(
        call.principal, cluster=cluster, statuses=statuses, limit=query.limit, cursor=query.cursor
    )
    return listed([summary_out(change) for change in page.items], page.next)


@endpoint(
    blueprint, "GET", "/api/v1/changes/{change}", summary="A change request with everything that happened to it.",
    tag="changes", permission="changes:read", response=models.Change,
)  # fmt: skip
def get_change(call: Call) -> object:
    return change_out(call.services.safety.get(call.principal, call.path["change"]))


@endpoint(
    blueprint, "POST", "/api/v1/changes/{change}/approve", summary="Say yes. It is then executed by the worker.",
    tag="changes", status=202, permission="changes:approve", body=models.ApproveChange, response=models.Change,
)  # fmt: skip
def approve_change(call: Call) -> object:
    given: models.ApproveChange = call.body
    return change_out(call.services.safety.approve(call.principal, call.path["change"], given.method, given.phrase))


@endpoint(
    blueprint, "POST", "/api/v1/changes/{change}/reject", summary="Say no.", tag="changes",
    permission="changes:approve", body=models.CloseChange, response=models.Change,
)  # fmt: skip
def reject_change(call: Call) -> object:
    return change_out(call.services.safety.reject(call.principal, call.path["change"], call.body.note))


@endpoint(
    blueprint, "POST", "/api/v1/changes/{change}/cancel", summary="Take a request back before it runs.", tag="changes",
    permission="changes:write", body=models.CloseChange, response=models.Change,
)  # fmt: skip
def cancel_change(call: Call) -> object:
    return change_out(call.services.safety.cancel(call.principal, call.path["change"], call.body.note))


@endpoint(
    blueprint, "POST", "/api/v1/changes/{change}/undo", summary="Ask for the change that puts things back.",
    tag="changes", status=201, permission="changes:write", response=models.Change,
)  # fmt: skip
def undo_change(call: Call) -> object:
    return Reply(change_out(call.services.safety.undo(call.principal, call.path["change"])), status=201)
