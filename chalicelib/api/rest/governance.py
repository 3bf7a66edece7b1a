"""What governs changes: policies, autonomy, standing approvals; and notices about what was done."""

from __future__ import annotations

import msgspec
from chalice.app import Blueprint

from chalicelib.api.endpoints import Call, Reply, endpoint
from chalicelib.api.models import changes as models
from chalicelib.api.render import listed
from chalicelib.api.render_changes import autonomy_out, notice_out, policies_out, standing_out

blueprint = Blueprint(__name__)
MOST_LISTED = 200


@endpoint(
    blueprint, "GET", "/api/v1/policies", summary="Policies, and the rules that hold above them.", tag="governance",
    permission="changes:read", response=models.Policies,
)  # fmt: skip
def get_policies(call: Call) -> object:
    return policies_out(call.services.safety.policies(call.principal.tenant))


@endpoint(
    blueprint, "PUT", "/api/v1/policies", summary="Replace the policies. They can only ask for more.",
    tag="governance", permission="settings:write", body=models.PutPolicies, response=models.Policies,
)  # fmt: skip
def put_policies(call: Call) -> object:
    from chalicelib.safety.policies import Policies

    plain = call.body.model_dump(exclude_none=True)
    policies = msgspec.convert(plain, Policies)
    return policies_out(call.services.safety.put_policies(call.principal, policies))


@endpoint(
    blueprint, "GET", "/api/v1/autonomy", summary="How much is done without asking, and within which bounds.",
    tag="governance", permission="changes:read", response=models.Autonomy,
)  # fmt: skip
def get_autonomy(call: Call) -> object:
    tenant = call.principal.tenant
    return autonomy_out(call.services.safety.autonomy(tenant), call.services.autopilot.standing(tenant))


@endpoint(
    blueprint, "PUT", "/api/v1/autonomy", summary="Set levels, and close circuit breakers.", tag="governance",
    permission="settings:write", body=models.PutAutonomy, response=models.Autonomy,
)  # fmt: skip
def put_autonomy(call: Call) -> object:
    from chalicelib.safety.autonomy import Scope

    asked: models.PutAutonomy = call.body
    scopes = tuple(Scope(cluster=one.cluster, namespace=one.namespace, level=one.level) for one in asked.scopes)
    settings = call.services.safety.put_autonomy(
        call.principal, asked.level, scopes, close=tuple(asked.close_breakers), revision=asked.revision
    )
    return autonomy_out(settings, call.services.autopilot.standing(call.principal.tenant))


@endpoint(
    blueprint, "POST", "/api/v1/standing-approvals", summary="Sign a standing approval for one rule and one action.",
    tag="governance", status=201, permission="changes:approve_high", body=models.NewStanding,
    response=models.Standing,
)  # fmt: skip
def sign_standing(call: Call) -> object:
    from chalicelib.safety.autonomy import Bounds
    from chalicelib.safety.policies import Window

    asked: models.NewStanding = call.body
    window = msgspec.convert(asked.window.model_dump(), Window) if asked.window else None
    signed = call.services.autopilot.sign(
        call.principal, asked.rule, asked.action, msgspec.convert(asked.bounds.model_dump(), Bounds),
        daily_budget=asked.daily_budget, days=asked.days, window=window, phrase=asked.phrase,
    )  # fmt: skip
    return standing_out(signed)


@endpoint(
    blueprint, "DELETE", "/api/v1/standing-approvals/{standing}", summary="Take a standing approval back.",
    tag="governance", permission="changes:approve", response=None, status=204,
)  # fmt: skip
def revoke_standing(call: Call) -> object:
    call.services.autopilot.revoke(call.principal, call.path["standing"])
    return Reply("", status=204)


@endpoint(
    blueprint, "GET", "/api/v1/notices", summary="What people were told about changes, newest first.",
    tag="governance", permission="changes:read", response=models.Notices,
)  # fmt: skip
def list_notices(call: Call) -> object:
    found = list(call.services.store.documents.list(call.principal.tenant, "notice"))[::-1]
    return listed([notice_out(one) for one in found[:MOST_LISTED]], total=len(found))
