from __future__ import annotations

import pytest

from chalicelib.accounts import PERMISSIONS, ROLES, Principal, allows, require
from chalicelib.accounts.identity import capped
from chalicelib.errors import Forbidden
from chalicelib.state.ids import TenantId


def a_principal(role: str) -> Principal:
    return Principal(TenantId("acme"), "ada", "Ada", role)


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("viewer", "clusters:read", "clusters:write"),
        ("auditor", "audit:read", "conversations:write"),
        ("operator", "clusters:write", "audit:read"),
        ("operator", "changes:approve", "changes:approve_high"),
    ],
)
def test_a_role_allows_what_it_names_and_nothing_else(role: str, may: str, may_not: str) -> None:
    require(a_principal(role), may)
    with pytest.raises(Forbidden) as refused:
        require(a_principal(role), may_not)

    assert refused.value.details["role"] == role
    assert role not in refused.value.details["roles"]
    assert "admin" in refused.value.details["roles"]


def test_an_administrator_may_do_all_that_anyone_may() -> None:
    for role in ROLES:
        assert all(allows(a_principal("admin"), permission) for permission in PERMISSIONS[role])


def test_a_permission_that_does_not_exist_is_nobodys() -> None:
    with pytest.raises(ValueError, match="clusters:destroy"):
        require(a_principal("admin"), "clusters:destroy")


@pytest.mark.parametrize(
    ("wanted", "by", "role"),
    [("admin", "viewer", "viewer"), ("viewer", "admin", "viewer"), ("auditor", "operator", "operator")],
)
def test_a_role_is_capped_by_the_one_behind_it(wanted: str, by: str, role: str) -> None:
    assert capped(wanted, by) == role
