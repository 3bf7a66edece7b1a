"""The people of this machine: users of any of its tenants, their sign-in links, and whose sessions a browser holds.

A browser holds one session for each person whose link was opened in it, and one of them is the present one. Each is a
signed, HttpOnly cookie of its own: a page can ask to go on as another person, and never sees a session.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from http.cookies import CookieError, SimpleCookie

from chalicelib.accounts import Principal, create_link, create_token, redeem_link, require
from chalicelib.accounts.identity import ROLES
from chalicelib.errors import Forbidden, InvalidRequest, KubiliticsError, NotFound
from chalicelib.state.ids import TenantId
from chalicelib.store.records import NewAuditEvent, Role, Tenant, User
from chalicelib.wiring import COOKIE, LOCAL_ADMIN, Services

LASTS = timedelta(days=7)
PERSON = "kubilitics_person_"
"""Beginning of the names of the cookies that hold one person's session each."""
MOST_PEOPLE = 20
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,59}")


class People:
    """Signs people of this machine in, tells who of them a browser holds, and adds new ones."""

    def __init__(self, services: Services) -> None:
        self._services = services

    # Sessions of a browser

    def local_admin(self) -> tuple[str, ...]:
        """`Set-Cookie` values that make the local administrator the present person."""
        return self._cookies(TenantId(self._services.settings.local_tenant), LOCAL_ADMIN)

    def redeem(self, link: str) -> tuple[str, ...]:
        """`Set-Cookie` values that sign in whom a link is for. Raises Unauthenticated the second time."""
        who = redeem_link(self._services.store, link, now=self._services.clock())
        return self._cookies(who.tenant, who.user)

    def present(self, cookies: str) -> Principal | None:
        """Who a `Cookie` header stands for now."""
        return self._who(_read(cookies).get(COOKIE, ""))

    def held(self, cookies: str) -> list[Principal]:
        """Everybody whose session a `Cookie` header holds, by tenant and name."""
        found = [self._who(value) for name, value in _read(cookies).items() if name.startswith(PERSON)]
        known = {(one.tenant, one.user): one for one in found if one is not None}
        return [known[key] for key in sorted(known)]

    def switch(self, cookies: str, tenant: str, user: str) -> tuple[str, ...]:
        """`Set-Cookie` values that make a held person the present one. Raises NotFound."""
        value = _read(cookies).get(_cookie_name(tenant, user), "")
        who = self._who(value)
        if who is None or (who.tenant, who.user) != (tenant, user):
            raise NotFound(
                f"No session of {user} is held in this browser.", code="unknown_person",
                remedy="Open a sign-in link of theirs in this browser: make user prints one.",
            )  # fmt: skip
        return (_set(COOKIE, value),)

    # Users and links

    def add(self, by: Principal, name: str, role: str, tenant: str) -> dict[str, str]:
        """A new user with a token and a link, in the caller's tenant or, for who runs this machine, in any.

        A tenant that does not exist yet is made. Raises Forbidden, InvalidRequest, Conflict for a name that is taken.
        """
        require(by, "users:write")
        home = self._tenant(by, tenant)
        if not _NAME.fullmatch(name):
            raise InvalidRequest(
                f"{name!r} cannot be a user's name.", code="invalid_name",
                remedy="Use up to 60 letters, digits and . _ @ -, beginning with a letter or digit.",
            )  # fmt: skip
        chosen = next((one for one in ROLES if one == role), None)
        if chosen is None:
            raise InvalidRequest(
                f"There is no role {role!r}.", code="unknown_role", remedy=f"Roles: {', '.join(ROLES)}."
            )
        return self._added(by, home, name, chosen)

    def link(self, by: Principal, user: str) -> str:
        """The path of a new sign-in link of a user of the caller's tenant. Raises Forbidden, NotFound."""
        require(by, "users:write")
        return self._link(by, by.tenant, user)

    def _tenant(self, by: Principal, tenant: str) -> TenantId:
        local = self._services.settings.local_tenant
        if not tenant or tenant == by.tenant:
            return by.tenant
        if by.tenant != local:
            raise Forbidden("Only an administrator of this machine can add users to another tenant.")
        # An underscore would end the tenant in the text of a token.
        if not _TENANT.fullmatch(tenant):
            raise InvalidRequest(
                f"{tenant!r} cannot be a tenant.", code="invalid_tenant",
                remedy="Use small letters, digits and -, beginning with a letter or digit.",
            )  # fmt: skip
        record = Tenant(id=TenantId(tenant), name=tenant, plan="local", created_at=self._services.clock())
        self._services.store.tenants.ensure(record.id, record)
        return record.id

    def _added(self, by: Principal, tenant: TenantId, name: str, role: Role) -> dict[str, str]:
        store, now = self._services.store, self._services.clock()
        user = store.users.add(tenant, User(id=name, name=name, role=role))
        token = create_token(store, tenant, user.id, role, name="first", now=now, random_bytes=secrets.token_bytes(32))
        self._say(by, tenant, "user.add", {"user": name, "role": role})
        path = self._link(by, tenant, name)
        return {"user": user.id, "role": user.role, "tenant": tenant, "token": token, "path": path}

    def _link(self, by: Principal, tenant: TenantId, user: str) -> str:
        link = create_link(
            self._services.store, tenant, user, now=self._services.clock(), random_bytes=secrets.token_bytes(32)
        )
        self._say(by, tenant, "user.link", {"user": user})
        return f"/?key={link}"

    def _say(self, by: Principal, tenant: TenantId, action: str, detail: Mapping[str, str]) -> None:
        """In the log of the tenant that it is about."""
        actor = by.user if by.tenant == tenant else f"{by.user} of {by.tenant}"
        self._services.store.audit.submit(
            tenant,
            NewAuditEvent(
                id=f"au_{secrets.token_hex(13)}", at=self._services.clock(), actor=actor, action=action, cluster="",
                detail=dict(detail),
            ),
        )  # fmt: skip

    def _cookies(self, tenant: TenantId, user: str) -> tuple[str, ...]:
        value = self._services.signer.issue(tenant, user, self._services.clock(), LASTS)
        return _set(COOKIE, value), _set(_cookie_name(tenant, user), value)

    def _who(self, value: str) -> Principal | None:
        try:
            return self._services.authenticator.session(value, self._services.clock())
        except KubiliticsError:
            return None


def _cookie_name(tenant: str, user: str) -> str:
    return PERSON + hashlib.sha256(f"{tenant}/{user}".encode()).hexdigest()[:16]


def _set(name: str, value: str) -> str:
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={int(LASTS.total_seconds())}"


def _read(header: str) -> dict[str, str]:
    """Cookies of ours in a `Cookie` header, not more than can be held."""
    try:
        found = {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}
    people = [name for name in found if name.startswith(PERSON)][:MOST_PEOPLE]
    return {name: found[name] for name in (*people, COOKIE) if name in found}
