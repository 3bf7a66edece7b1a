"""Verifies Signature Version 4: who signed a request, and whether it arrived as it was signed.

ministack verifies the signatures of IAM users and sessions but takes every request of its root key as it comes, so the
guard in front of it verifies here; so does the gateway's `@connections`. The algorithm is that of "Create a signed AWS
API request" (IAM User Guide) and "Authenticating Requests: Using Query Parameters" (Amazon S3 API Reference). The
standard library only: ministack's interpreter imports this too.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import parse_qs, parse_qsl, quote

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_SKEW = timedelta(minutes=15)
_LONGEST_PRESIGNED = timedelta(days=7)


@dataclass(frozen=True)
class Signed:
    """A request as it came in. Header names are lower-case; `path` and `query` are percent-encoded as sent."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


class SignatureCheck:
    """Knows the one key pair of this installation."""

    def __init__(self, key_id: str, secret: str) -> None:
        self._key_id = key_id
        self._secret = secret

    def accepts(self, request: Signed, body: bytes | None, now: datetime) -> bool:
        """Whether the signature in the Authorization header is ours and recent.

        `body` is None for a body that was not read; only S3 requests that say so may leave theirs unsigned.
        """
        fields = _header_fields(request.headers.get("authorization", ""))
        stamp = request.headers.get("x-amz-date", "")
        signed_at = _moment(stamp)
        if signed_at is None or abs(now - signed_at) > _SKEW:
            return False
        payload = payload_hash(request.headers, body)
        names = fields.get("SignedHeaders", "").split(";")
        if payload is None or not {"host", "x-amz-date"} <= set(names):
            return False
        return self._matches(request, fields, stamp, payload, request.query)

    def accepts_presigned(self, request: Signed, now: datetime) -> bool:
        """Whether the signature in the query string is ours and not past its time."""
        given = {name: values[0] for name, values in parse_qs(request.query, keep_blank_values=True).items()}
        stamp = given.get("X-Amz-Date", "")
        signed_at = _moment(stamp)
        lasts = _duration(given.get("X-Amz-Expires", ""))
        if given.get("X-Amz-Algorithm") != ALGORITHM or signed_at is None or lasts is None:
            return False
        if not signed_at - _SKEW <= now <= signed_at + lasts:
            return False
        fields = {name: given.get(f"X-Amz-{name}", "") for name in ("Credential", "SignedHeaders", "Signature")}
        if "host" not in fields["SignedHeaders"].split(";"):
            return False
        query = "&".join(part for part in request.query.split("&") if not part.startswith("X-Amz-Signature="))
        return self._matches(request, fields, stamp, UNSIGNED_PAYLOAD, query)

    def _matches(self, request: Signed, fields: Mapping[str, str], stamp: str, payload: str, query: str) -> bool:
        scope = fields.get("Credential", "").split("/")
        if len(scope) != 5 or scope[0] != self._key_id or scope[1] != stamp[:8] or scope[4] != "aws4_request":
            return False
        canonical = _canonical(request, fields["SignedHeaders"], payload, query, service=scope[3])
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = "\n".join([ALGORITHM, stamp, "/".join(scope[1:]), digest])
        key = _signing_key(self._secret, *scope[1:4])
        expected = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), fields.get("Signature", "").encode())


def payload_hash(headers: Mapping[str, str], body: bytes | None) -> str | None:
    """The payload hash that the signature must cover; None when the body is not the one that was announced.

    S3 clients announce it in `x-amz-content-sha256`, or that the body is unsigned or signed in chunks.
    """
    announced = headers.get("x-amz-content-sha256", "")
    if announced == UNSIGNED_PAYLOAD or announced.startswith("STREAMING-"):
        return announced
    if body is None:
        return None
    actual = hashlib.sha256(body).hexdigest()
    return actual if announced in ("", actual) else None


def _canonical(request: Signed, names: str, payload: str, query: str, *, service: str) -> str:
    # S3 signs the path as sent; the others encode it once more.
    path = request.path if service == "s3" else quote(request.path, safe="/~")
    headers = (f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in names.split(";"))
    return "\n".join([request.method, path, _canonical_query(query), *headers, "", names, payload])


def _canonical_query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _header_fields(authorization: str) -> dict[str, str]:
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        return {}
    return {name: value for name, _, value in (part.strip().partition("=") for part in rest.split(","))}


def _moment(stamp: str) -> datetime | None:
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def _duration(text: str) -> timedelta | None:
    if not text.isascii() or not text.isdigit() or len(text) > 7:
        return None
    lasts = timedelta(seconds=int(text))
    return lasts if lasts <= _LONGEST_PRESIGNED else None


@lru_cache(maxsize=32)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = ("AWS4" + secret).encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
