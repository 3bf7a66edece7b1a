"""Who asks, and what a role may do."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from chalicelib.errors import Forbidden
from chalicelib.state.ids import TenantId
from chalicelib.store.records import Role

_READ = frozenset(
    {"clusters:read", "findings:read", "tools:read", "conversations:read", "investigations:read", "changes:read"}
)
_ASK = frozenset({"conversations:write"})
_OPERATE = frozenset({"clusters:write", "findings:write", "investigations:write", "changes:write", "changes:approve"})
_AUDIT = frozenset({"audit:read", "users:read"})
_ADMINISTER = frozenset({"users:write", "tokens:write", "settings:write", "changes:approve_high"})

PERMISSIONS = MappingProxyType(
    {
        "viewer": _READ | _ASK,
        "auditor": _READ | _AUDIT,
        "operator": _READ | _ASK | _OPERATE,
        "admin": _READ | _ASK | _OPERATE | _AUDIT | _ADMINISTER,
    }
)
"""What each role may do, as `thing:verb`. A permission that is not named here is nobody's."""

ROLES: tuple[Role, ...] = ("viewer", "auditor", "operator", "admin")
"""Least first."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated user of a tenant, with the role that holds for this request."""

    tenant: TenantId
    user: str
    name: str
    role: Role


def allows(principal: Principal, permission: str) -> bool:
    return permission in PERMISSIONS[principal.role]


def require(principal: Principal, permission: str) -> None:
    """Raises Forbidden naming the roles that would do, and ValueError for a permission that does not exist."""
    if allows(principal, permission):
        return
    roles = [role for role in ROLES if permission in PERMISSIONS[role]]
    if not roles:
        raise ValueError(f"no role has the permission {permission!r}")
    raise Forbidden(
        f"The role {principal.role!r} does not include {permission!r}.",
        remedy=f"Ask an administrator for the role {' or '.join(roles)}.",
        details={"permission": permission, "role": principal.role, "roles": roles},
    )


def capped(wanted: Role, by: Role) -> Role:
    """`wanted`, or the role that caps it when it would allow more: a token never exceeds its user's present role."""
    return wanted if PERMISSIONS[wanted] <= PERMISSIONS[by] else by
