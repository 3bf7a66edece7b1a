"""The one place where keys are built: everything starts with the tenant, and nothing can reach out of it.

Tenant ids are lower-case words; `#` and `/` never occur in them, so `T#a` and `a/` are prefixes of tenant a
alone.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

from chalicelib.errors import InvalidRequest, NotFound
from chalicelib.state.ids import TenantId

SYSTEM = TenantId("_system")
"""Holds what belongs to no tenant: the list of tenants. No person's tenant can have this name."""

MAX_SORT_BYTES = 1024
MAX_PARTITION_BYTES = 2048
MAX_OBJECT_KEY_BYTES = 1024
LAST = "\U0010ffff"
"""Sorts after every other character, in Python's order and in UTF-8's."""

_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_SEGMENT = re.compile(r"[A-Za-z0-9_.=+@-]{1,128}")


def checked_tenant(tenant: TenantId) -> TenantId:
    """The tenant, when it is well-formed. Raises InvalidRequest."""
    if tenant != SYSTEM and not _TENANT.fullmatch(tenant):
        raise InvalidRequest(
            f"{tenant!r} is not a tenant id.",
            code="invalid_tenant",
            remedy="A tenant id has 1-63 lower-case letters, digits and hyphens.",
        )
    return tenant


def partition_key(tenant: TenantId, partition: str) -> str:
    """`T#tenant`, or `T#tenant#partition`."""
    checked_tenant(tenant)
    return f"T#{tenant}#{partition}" if partition else f"T#{tenant}"


def split_partition_key(key: str) -> tuple[TenantId, str]:
    """The opposite of partition_key."""
    _, tenant, *rest = key.split("#", 2)
    return TenantId(tenant), rest[0] if rest else ""


def fits(partition: str, sort: str) -> bool:
    """Whether a key can exist at all.

    A name from a request may be too long, or no valid text: then there is no item.
    """
    try:
        return (
            bool(sort) and len(sort.encode()) <= MAX_SORT_BYTES and len(partition.encode()) <= MAX_PARTITION_BYTES - 80
        )
    except UnicodeEncodeError:
        return False


def object_key(tenant: TenantId, key: str) -> str:
    """`tenant/key`.

    Raises NotFound for a key that cannot exist: with empty, `.` or `..` segments, or odd characters.
    """
    checked_tenant(tenant)
    full = f"{tenant}/{key}"
    segments = key.split("/")
    plain = all(_SEGMENT.fullmatch(segment) and segment not in (".", "..") for segment in segments)
    if not plain or len(full) > MAX_OBJECT_KEY_BYTES:
        raise NotFound(f"There is no object {key!r}.", code="unknown_object", remedy="Upload it first.")
    return full


def object_prefix(tenant: TenantId, prefix: str) -> str:
    """`tenant/prefix` for listing; the prefix may end in the middle of a segment, or with a slash."""
    checked_tenant(tenant)
    if prefix:
        object_key(tenant, prefix.rstrip("/") or prefix)
    return f"{tenant}/{prefix}"


def secret_name(prefix: str, tenant: TenantId, scope: str, name: str) -> str:
    """`prefix/tenant/scope/name`. Raises NotFound for parts that cannot be part of a name."""
    checked_tenant(tenant)
    if not _SEGMENT.fullmatch(scope) or not _SEGMENT.fullmatch(name):
        raise NotFound("There is no such secret.", code="unknown_secret", remedy="Connect the cluster again.")
    return f"{prefix}/{tenant}/{scope}/{name}"


def sortable(at: datetime) -> str:
    """A time as text that sorts like the time."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


def digest(*parts: str) -> str:
    """SHA-256 in hex over parts that cannot run into each other."""
    return hashlib.sha256("\x1f".join(f"{len(part)}:{part}" for part in parts).encode("utf-8", "replace")).hexdigest()
