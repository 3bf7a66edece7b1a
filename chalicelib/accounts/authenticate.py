"""From what a request carries to a Principal, with a short memory so that not every request reads the store."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from chalicelib.accounts.identity import Principal
from chalicelib.accounts.sessions import SessionSigner
from chalicelib.accounts.tokens import verify_token
from chalicelib.errors import Unauthenticated
from chalicelib.state.ids import TenantId
from chalicelib.store import Store

REMEMBERED_FOR = timedelta(seconds=30)
"""How long a revoked token or a changed role may still hold; API Gateway's own authorizer cache is longer."""

_MAX_REMEMBERED = 2048


class Authenticator:
    """Authenticates bearer tokens and session cookies. Only successes are remembered. Thread-safe."""

    def __init__(self, store: Store, signer: SessionSigner) -> None:
        self._store = store
        self._signer = signer
        self._known: dict[tuple[str, str], tuple[datetime, Principal]] = {}
        self._lock = threading.Lock()

    def bearer(self, token: str, now: datetime) -> Principal:
        """Who an API token stands for. Raises Unauthenticated."""
        return self._remembered(("token", token), now, lambda: verify_token(self._store, token))

    def session(self, cookie: str, now: datetime) -> Principal:
        """Who a session cookie stands for. Raises Unauthenticated."""
        session = self._signer.verify(cookie, now)

        def look_up() -> Principal:
            user = self._store.users.find(session.tenant, session.user)
            if user is None:
                raise Unauthenticated("The user of this session was removed.", code="invalid_session")
            return Principal(session.tenant, user.id, user.name, user.role)

        return self._remembered(("session", cookie), now, look_up)

    def user(self, tenant: TenantId, user: str, now: datetime) -> Principal:
        """A user by id, with the role of now, for work queued in their name. Raises Unauthenticated."""

        def look_up() -> Principal:
            found = self._store.users.find(tenant, user)
            if found is None:
                raise Unauthenticated("The user who asked was removed.", code="unknown_user")
            return Principal(tenant, found.id, found.name, found.role)

        return self._remembered((f"user/{tenant}", user), now, look_up)

    def forget(self) -> None:
        """Drop what is remembered: after a user, a role or a token was changed in this process."""
        with self._lock:
            self._known.clear()

    def _remembered(self, key: tuple[str, str], now: datetime, look_up: Callable[[], Principal]) -> Principal:
        known = self._known.get(key)
        if known and known[0] > now:
            return known[1]
        principal = look_up()
        with self._lock:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            self._known[key] = (now + REMEMBERED_FOR, principal)
        return principal
