"""Names of tenants and clusters as types, and new ids.

Randomness is an argument, so that everything that makes ids stays reproducible.
"""

from __future__ import annotations

import base64
from typing import NewType

TenantId = NewType("TenantId", str)
ClusterId = NewType("ClusterId", str)

ID_BYTES = 16
"""Random bytes that an id needs: 128 bits, so that ids neither collide nor can be guessed."""


def new_id(prefix: str, random_bytes: bytes) -> str:
    """`prefix_` and 26 base32 characters of `random_bytes`.

    Raises ValueError for fewer than ID_BYTES bytes.

    >>> new_id("cl", bytes(16))
    'cl_aaaaaaaaaaaaaaaaaaaaaaaaaa'
    """
    if len(random_bytes) < ID_BYTES:
        raise ValueError(f"an id needs {ID_BYTES} random bytes, not {len(random_bytes)}")
    return f"{prefix}_{base64.b32encode(random_bytes[:ID_BYTES]).decode().rstrip('=').lower()}"
