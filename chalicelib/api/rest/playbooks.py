"""Playbooks, their runs, and schedules."""

from __future__ import annotations

from typing import Any

import msgspec
from chalice.app import Blueprint

from chalicelib.api.endpoints import Call, Reply, endpoint
from chalicelib.api.models import changes as models
from chalicelib.api.render import listed
from chalicelib.api.render_changes import run_out, schedule_out

blueprint = Blueprint(__name__)
MOST_LISTED = 200


@endpoint(
    blueprint, "GET", "/api/v1/playbooks", summary="Playbooks and the parameters they take.", tag="playbooks",
    permission="changes:read", response=models.Playbooks,
)  # fmt: skip
def list_playbooks(call: Call) -> object:
    from chalicelib.safety.playbooks import playbooks

    found = [
        {"id": one.id, "name": one.name, "description": one.description, "parameters": one.parameters}
        for one in playbooks()
    ]
    return listed(found, total=len(found))


def _run(call: Call, run: Any) -> Any:
    safety = call.services.safety
    return run_out(run, [safety.get(call.principal, change) for change in run.changes])


@endpoint(
    blueprint, "POST", "/api/v1/runs", summary="Plan a run of a playbook: every step previewed. Nothing is changed.",
    tag="playbooks", status=201, permission="changes:write", body=models.NewRun, response=models.Run,
)  # fmt: skip
def create_run(call: Call) -> object:
    asked: models.NewRun = call.body
    record = call.services.views.record(call.principal, asked.cluster)
    return _run(call, call.services.runs.create(call.principal, record, asked.playbook, asked.arguments))


@endpoint(
    blueprint, "GET", "/api/v1/runs", summary="Runs of playbooks, newest first.", tag="playbooks",
    permission="changes:read", response=models.Runs,
)  # fmt: skip
def list_runs(call: Call) -> object:
    found = call.services.runs.list(call.principal)
    return listed([run_out(run, ()) for run in found[:MOST_LISTED]], total=len(found))


@endpoint(
    blueprint, "GET", "/api/v1/runs/{run}", summary="A run with its steps.", tag="playbooks",
    permission="changes:read", response=models.Run,
)  # fmt: skip
def get_run(call: Call) -> object:
    return _run(call, call.services.runs.get(call.principal, call.path["run"]))


@endpoint(
    blueprint, "POST", "/api/v1/runs/{run}/approve", summary="Say yes to every step of a run.", tag="playbooks",
    status=202, permission="changes:approve", body=models.ApproveChange, response=models.Run,
)  # fmt: skip
def approve_run(call: Call) -> object:
    given: models.ApproveChange = call.body
    return _run(call, call.services.runs.approve(call.principal, call.path["run"], given.method, given.phrase))


@endpoint(
    blueprint, "POST", "/api/v1/runs/{run}/reject", summary="Say no to a run.", tag="playbooks",
    permission="changes:approve", response=models.Run,
)  # fmt: skip
def reject_run(call: Call) -> object:
    return _run(call, call.services.runs.reject(call.principal, call.path["run"]))


@endpoint(
    blueprint, "POST", "/api/v1/runs/{run}/cancel", summary="Stop a run after the step that it is at.",
    tag="playbooks", permission="changes:write", response=models.Run,
)  # fmt: skip
def cancel_run(call: Call) -> object:
    return _run(call, call.services.runs.reject(call.principal, call.path["run"], "cancelled"))


@endpoint(
    blueprint, "POST", "/api/v1/schedules", summary="Propose hours outside which namespaces sleep.", tag="playbooks",
    status=201, permission="changes:write", body=models.NewSchedule, response=models.Schedule,
)  # fmt: skip
def create_schedule(call: Call) -> object:
    from chalicelib.safety.policies import Window

    asked: models.NewSchedule = call.body
    record = call.services.views.record(call.principal, asked.cluster)
    awake = msgspec.convert(asked.awake.model_dump(), Window)
    made = call.services.schedules.propose(call.principal, record, asked.name, asked.namespaces, awake, asked.exclude)
    return schedule_out(made)


@endpoint(
    blueprint, "GET", "/api/v1/schedules", summary="Schedules.", tag="playbooks", permission="changes:read",
    response=models.Schedules,
)  # fmt: skip
def list_schedules(call: Call) -> object:
    found = call.services.schedules.all(call.principal.tenant)
    return listed([schedule_out(one) for one in found], total=len(found))


@endpoint(
    blueprint, "POST", "/api/v1/schedules/{schedule}/approve", summary="Put a schedule in force by typing its name.",
    tag="playbooks", permission="changes:approve_high", body=models.ApproveSchedule, response=models.Schedule,
)  # fmt: skip
def approve_schedule(call: Call) -> object:
    return schedule_out(call.services.schedules.approve(call.principal, call.path["schedule"], call.body.phrase))


@endpoint(
    blueprint, "PATCH", "/api/v1/schedules/{schedule}", summary="Pause a schedule, or let it go on.", tag="playbooks",
    permission="changes:approve", body=models.ChangeSchedule, response=models.Schedule,
)  # fmt: skip
def change_schedule(call: Call) -> object:
    return schedule_out(call.services.schedules.enable(call.principal, call.path["schedule"], call.body.enabled))


@endpoint(
    blueprint, "DELETE", "/api/v1/schedules/{schedule}", summary="Remove a schedule. What sleeps stays asleep.",
    tag="playbooks", permission="changes:approve", response=None, status=204,
)  # fmt: skip
def remove_schedule(call: Call) -> object:
    call.services.schedules.remove(call.principal, call.path["schedule"])
    return Reply("", status=204)
