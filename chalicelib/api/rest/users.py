"""Users of this installation and their tokens."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.api.endpoints import Call, Reply, endpoint
from chalicelib.api.models import system as models
from chalicelib.api.render import listed

blueprint = Blueprint(__name__)


@endpoint(
    blueprint, "GET", "/api/v1/users", summary="Users.", tag="users", permission="users:write", response=models.Users
)
def list_users(call: Call) -> object:
    users = call.services.store.users.list(call.principal.tenant)
    return listed([{"id": u.id, "name": u.name, "role": u.role} for u in users], total=len(users))


@endpoint(
    blueprint, "POST", "/api/v1/users", summary="Add a user with a token of their own.", tag="users", status=201,
    permission="users:write", body=models.NewUser, response=models.CreatedUser,
)  # fmt: skip
def add_user(call: Call) -> object:
    user, token = call.services.add_user(call.principal, call.body.name, call.body.role)
    return {"id": user.id, "name": user.name, "role": user.role, "token": token}


@endpoint(
    blueprint, "DELETE", "/api/v1/users/{user}", summary="Remove a user and their tokens.", tag="users",
    permission="users:write", response=None, status=204,
)  # fmt: skip
def remove_user(call: Call) -> object:
    call.services.remove_user(call.principal, call.path["user"])
    return Reply("", status=204)
