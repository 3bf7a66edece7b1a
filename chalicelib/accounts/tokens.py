"""API tokens and one-time sign-in links: texts that are shown once and kept as SHA-256.

Both name their tenant, so that the look-up starts in it: `kbl_TENANT_SECRET`, `link_TENANT_SECRET`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import datetime, timedelta

from chalicelib.accounts.identity import Principal, capped
from chalicelib.errors import Unauthenticated
from chalicelib.state.ids import TenantId
from chalicelib.store import Store
from chalicelib.store.records import ApiToken, Role, SignInLink

SECRET_BYTES = 32
LINK_TTL = timedelta(minutes=15)

_TEXT = re.compile(r"(kbl|link)_([a-z0-9][a-z0-9-]{0,62})_([A-Za-z0-9_-]{43})")


def token_text(tenant: TenantId, random_bytes: bytes) -> str:
    """A new token's text. Raises ValueError for fewer than SECRET_BYTES random bytes."""
    return _text("kbl", tenant, random_bytes)


def create_token(
    store: Store, tenant: TenantId, user: str, role: Role, *, name: str, now: datetime, random_bytes: bytes
) -> str:
    """Store a new token of an existing user and return its text, the only time that it is known. Raises NotFound."""
    text = token_text(tenant, random_bytes)
    register_token(store, text, user, role, name=name, now=now)
    return text


def register_token(store: Store, text: str, user: str, role: Role, *, name: str, now: datetime) -> ApiToken:
    """Make a given text a token of `user`: at start-up, for the one in `.local/token`. Raises NotFound."""
    tenant = _tenant_of("kbl", text)
    store.users.get(tenant, user)
    token = ApiToken(hash=_hash(text), user=user, role=role, created_at=now, name=name)
    store.tokens.add(tenant, token)
    return token


def verify_token(store: Store, text: str) -> Principal:
    """Who a token stands for. Raises Unauthenticated, with one message for every reason."""
    tenant = _tenant_of("kbl", text)
    wanted = _hash(text)
    token = store.tokens.find(tenant, wanted)
    if token is None or not hmac.compare_digest(token.hash, wanted):
        raise _refused()
    user = store.users.find(tenant, token.user)
    if user is None:
        raise _refused()
    return Principal(tenant, user.id, user.name, capped(token.role, user.role))


def create_link(store: Store, tenant: TenantId, user: str, *, now: datetime, random_bytes: bytes) -> str:
    """Store a sign-in link of an existing user and return its text; it works once, for LINK_TTL. Raises NotFound."""
    store.users.get(tenant, user)
    text = _text("link", tenant, random_bytes)
    store.links.add(tenant, SignInLink(hash=_hash(text), user=user, expires_at=now + LINK_TTL))
    return text


def redeem_link(store: Store, text: str, *, now: datetime) -> Principal:
    """Who a link signs in. Raises Unauthenticated the second time, and after LINK_TTL."""
    tenant = _tenant_of("link", text)
    link = store.links.redeem(tenant, _hash(text), now)
    user = store.users.find(tenant, link.user) if link else None
    if user is None:
        raise Unauthenticated(
            "The sign-in link was used already or has expired.",
            code="invalid_link",
            remedy="Start the service again; it prints a new link.",
        )
    return Principal(tenant, user.id, user.name, user.role)


def _text(kind: str, tenant: TenantId, random_bytes: bytes) -> str:
    if len(random_bytes) < SECRET_BYTES:
        raise ValueError(f"a secret needs {SECRET_BYTES} random bytes, not {len(random_bytes)}")
    secret = base64.urlsafe_b64encode(random_bytes[:SECRET_BYTES]).decode().rstrip("=")
    return f"{kind}_{tenant}_{secret}"


def _tenant_of(kind: str, text: str) -> TenantId:
    parsed = _TEXT.fullmatch(text)
    if parsed is None or parsed[1] != kind:
        raise _refused()
    return TenantId(parsed[2])


def _hash(text: str) -> str:
    # A fast hash will do: the secret is 256 random bits, not a password that could be guessed.
    return hashlib.sha256(text.encode()).hexdigest()


def _refused() -> Unauthenticated:
    return Unauthenticated("The token is not valid.", code="invalid_token")
