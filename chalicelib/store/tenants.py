"""Tenants, and who may sign in to them: users, API tokens, one-time links."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from chalicelib.errors import Conflict, NotFound, unknown
from chalicelib.state.ids import TenantId
from chalicelib.store import codec
from chalicelib.store.keys import SYSTEM, checked_tenant
from chalicelib.store.ports import ConditionFailed, Item, Table, Write
from chalicelib.store.records import ApiToken, SignInLink, Tenant, User


class Tenants:
    """Tenant records, and the list of all of them for scheduled jobs."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, tenant: TenantId, record: Tenant) -> Tenant:
        """Store a new tenant. Raises Conflict when it exists."""
        stored = msgspec.structs.replace(record, id=tenant, revision=1)
        checked_tenant(tenant)
        try:
            self._table.write(tenant, Write(Item("", "TENANT", codec.encode(stored)), expected=0))
        except ConditionFailed:
            raise Conflict(
                f"Tenant {tenant!r} exists already.", code="tenant_exists", remedy="Choose another id."
            ) from None
        # Not in one transaction with the record: if this write is lost, adding the tenant to the list again
        # is harmless.
        self._table.write(SYSTEM, Write(Item("", f"TENANT#{tenant}", codec.encode(tenant))))
        return stored

    def ensure(self, tenant: TenantId, record: Tenant) -> Tenant:
        """The stored tenant; `record` when there was none."""
        try:
            return self.add(tenant, record)
        except Conflict:
            self._table.write(SYSTEM, Write(Item("", f"TENANT#{tenant}", codec.encode(tenant))))
            return self.get(tenant)

    def get(self, tenant: TenantId) -> Tenant:
        """Raises NotFound."""
        item = self._table.get(tenant, "", "TENANT")
        if item is None:
            raise NotFound("There is no such tenant.", code="unknown_tenant", remedy="Check the token that you use.")
        return codec.decode(item.body, Tenant)

    def ids(self) -> Sequence[TenantId]:
        """Every tenant, for jobs that go round all of them."""
        return [TenantId(codec.decode(item.body, str)) for item in self._table.query(SYSTEM, "", prefix="TENANT#")]


class Users:
    """Users of a tenant and their roles."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, tenant: TenantId, user: User) -> User:
        """Raises Conflict when the id is taken."""
        stored = msgspec.structs.replace(user, revision=1)
        try:
            self._table.write(tenant, Write(Item("", f"USER#{user.id}", codec.encode(stored)), expected=0))
        except ConditionFailed:
            raise Conflict(
                f"User {user.id!r} exists already.", code="user_exists", remedy="Choose another name."
            ) from None
        return stored

    def find(self, tenant: TenantId, user: str) -> User | None:
        item = self._table.get(tenant, "", f"USER#{user}")
        return codec.decode(item.body, User) if item else None

    def get(self, tenant: TenantId, user: str) -> User:
        """Raises NotFound naming the users that exist."""
        found = self.find(tenant, user)
        if found is None:
            raise unknown("user", user, (known.id for known in self.list(tenant)))
        return found

    def list(self, tenant: TenantId) -> Sequence[User]:
        return [codec.decode(item.body, User) for item in self._table.query(tenant, "", prefix="USER#")]

    def remove(self, tenant: TenantId, user: str) -> None:
        """Remove a user. Their tokens stop working with them; no error when there is none."""
        self._table.delete(tenant, "", f"USER#{user}")


class Tokens:
    """API tokens by the SHA-256 of their text."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, tenant: TenantId, token: ApiToken) -> None:
        self._table.write(tenant, Write(Item("", f"TOKEN#{token.hash}", codec.encode(token))))

    def find(self, tenant: TenantId, token_hash: str) -> ApiToken | None:
        item = self._table.get(tenant, "", f"TOKEN#{token_hash}")
        return codec.decode(item.body, ApiToken) if item else None

    def list(self, tenant: TenantId) -> Sequence[ApiToken]:
        return [codec.decode(item.body, ApiToken) for item in self._table.query(tenant, "", prefix="TOKEN#")]

    def remove(self, tenant: TenantId, token_hash: str) -> bool:
        """Revoke a token; False when there was none."""
        return self._table.delete(tenant, "", f"TOKEN#{token_hash}")


class Links:
    """Sign-in links that work once."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, tenant: TenantId, link: SignInLink) -> None:
        item = Item("", f"LINK#{link.hash}", codec.encode(link), expires_at=int(link.expires_at.timestamp()))
        self._table.write(tenant, Write(item))

    def redeem(self, tenant: TenantId, link_hash: str, now: datetime) -> SignInLink | None:
        """The link, to exactly one caller before it expires; None to all others."""
        item = self._table.get(tenant, "", f"LINK#{link_hash}")
        if item is None or not self._table.delete(tenant, "", item.sort, expected=item.revision):
            return None
        link = codec.decode(item.body, SignInLink)
        return link if link.expires_at > now else None
