"""Browser sessions: a signed cookie value bound to tenant and user, with an expiry.

The value is `v1.PAYLOAD.MAC`: base64url JSON and HMAC-SHA256 over `v1.PAYLOAD`. The algorithm is fixed, not read from
the value. The role is not in it: it is looked up, so that a change of role holds at once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from chalicelib.errors import NotFound, Unauthenticated
from chalicelib.state.ids import TenantId
from chalicelib.store import Secrets

SESSION_TTL = timedelta(hours=12)
KEY_BYTES = 32
MAX_VALUE_CHARS = 2048

_SCOPE, _NAME, _VERSION = "session", "signing-key", "v1"


class _Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tenant: str
    user: str
    exp: int


@dataclass(frozen=True, slots=True)
class Session:
    """Whose session a cookie proves, and until when."""

    tenant: TenantId
    user: str
    expires_at: datetime


class SessionSigner:
    """Issues and checks cookie values with one key."""

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"a signing key has at least {KEY_BYTES} bytes")
        self._key = key

    def issue(self, tenant: TenantId, user: str, now: datetime, ttl: timedelta = SESSION_TTL) -> str:
        """A cookie value for a user who has just signed in."""
        payload = msgspec.json.encode(_Payload(tenant, user, int((now + ttl).timestamp())))
        signed = f"{_VERSION}.{_base64(payload)}"
        return f"{signed}.{_base64(self._mac(signed))}"

    def verify(self, value: str, now: datetime) -> Session:
        """The session of a cookie value. Raises Unauthenticated `invalid_session` or `session_expired`."""
        if len(value) > MAX_VALUE_CHARS or not value.isascii() or value.count(".") != 2:
            raise _refused()
        signed, _, mac = value.rpartition(".")
        # Compared as text: base64 has several spellings of one value, and only ours is accepted.
        if not hmac.compare_digest(mac, _base64(self._mac(signed))) or not signed.startswith(f"{_VERSION}."):
            raise _refused()
        try:
            raw = signed.removeprefix(f"{_VERSION}.")
            payload = msgspec.json.decode(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)), type=_Payload)
        except (binascii.Error, msgspec.DecodeError) as error:
            raise _refused() from error
        expires_at = datetime.fromtimestamp(payload.exp, UTC)
        if expires_at <= now:
            raise Unauthenticated(
                "The session has expired.", code="session_expired", remedy="Open the start page to sign in again."
            )
        return Session(TenantId(payload.tenant), payload.user, expires_at)

    def _mac(self, signed: str) -> bytes:
        return hmac.new(self._key, signed.encode(), hashlib.sha256).digest()


def session_signer(secrets: Secrets, tenant: TenantId, random_bytes: bytes) -> SessionSigner:
    """The signer over the stored key; `random_bytes` becomes the key when there is none yet."""
    try:
        key = secrets.get(tenant, _SCOPE, _NAME)
    except NotFound:
        secrets.put(tenant, _SCOPE, _NAME, random_bytes.hex())
        # Read again: of two processes that start at once, both use the key that stayed.
        key = secrets.get(tenant, _SCOPE, _NAME)
    return SessionSigner(bytes.fromhex(key))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _refused() -> Unauthenticated:
    return Unauthenticated(
        "The session is not valid.", code="invalid_session", remedy="Open the start page to sign in again."
    )
