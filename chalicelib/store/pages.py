"""Pages of a list, and the cursor that asks for the next one.

A cursor names the last sort key of a page. It carries no rights: the tenant comes from the caller's identity.
Its checksum binds it to tenant and list, so that a cursor taken elsewhere is refused instead of giving a
strange page.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from chalicelib.errors import InvalidRequest
from chalicelib.state.ids import TenantId
from chalicelib.store.ports import Item

T = TypeVar("T")
MAX_LIMIT = 1000
_CHECKSUM_BYTES = 9


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, and the cursor of the next page if there is one."""

    items: tuple[T, ...]
    next: str | None = None


def encode_cursor(tenant: TenantId, scope: str, key: str) -> str:
    """An opaque cursor for `key` in the list `scope` of `tenant`."""
    return base64.urlsafe_b64encode(_checksum(tenant, scope, key) + key.encode()).decode().rstrip("=")


def decode_cursor(tenant: TenantId, scope: str, cursor: str | None) -> str:
    """The key of a cursor; "" without one.

    Raises InvalidRequest `invalid_cursor` for any that this list did not give.
    """
    if not cursor:
        return ""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = raw[_CHECKSUM_BYTES:].decode()
    except (binascii.Error, ValueError):
        key, raw = "", b""
    if not key or raw[:_CHECKSUM_BYTES] != _checksum(tenant, scope, key):
        raise InvalidRequest(
            "The cursor does not belong to this list.",
            code="invalid_cursor",
            remedy="Ask without a cursor for the first page, and pass on `next` of each page unchanged.",
        )
    return key


def checked_limit(limit: int) -> int:
    """The limit, when it is between 1 and MAX_LIMIT. Raises InvalidRequest."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidRequest(
            f"A page cannot have {limit} items.",
            code="invalid_limit",
            remedy=f"Ask for a limit between 1 and {MAX_LIMIT}.",
            details={"given": limit, "minimum": 1, "maximum": MAX_LIMIT},
        )
    return limit


def page_of(
    tenant: TenantId,
    scope: str,
    found: Sequence[Item],
    limit: int,
    sort_key: Callable[[Item], str],
    decode: Callable[[Item], T],
) -> Page[T]:
    """The page of `limit` items from up to `limit + 1` found ones; the extra one only shows that there is more."""
    shown = found[:limit]
    more = encode_cursor(tenant, scope, sort_key(shown[-1])) if len(found) > limit else None
    return Page(tuple(decode(item) for item in shown), more)


def _checksum(tenant: TenantId, scope: str, key: str) -> bytes:
    return hashlib.sha256(f"{tenant}\x1f{scope}\x1f{key}".encode()).digest()[:_CHECKSUM_BYTES]
