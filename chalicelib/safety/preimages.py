"""States from before a change, kept encrypted for its undo.

AES-256-GCM with a key of the tenant's own from the secret store; the object key is authenticated with it, so that one
state cannot be passed off as another.
"""

from __future__ import annotations

import msgspec

from chalicelib.errors import Conflict, NotFound
from chalicelib.safety.scene import Json
from chalicelib.state.ids import TenantId
from chalicelib.store.facade import Store

_SCOPE, _NAME = "safety", "state-key"
KEY_BYTES, NONCE_BYTES = 32, 12


class Preimages:
    """Keeps and gives back encrypted states of one tenant."""

    def __init__(self, store: Store, tenant: TenantId, random_key: bytes) -> None:
        self._objects = store.objects
        self._tenant = tenant
        try:
            key = store.secrets.get(tenant, _SCOPE, _NAME)
        except NotFound:
            store.secrets.put(tenant, _SCOPE, _NAME, random_key[:KEY_BYTES].hex())
            key = store.secrets.get(tenant, _SCOPE, _NAME)
        self._key = bytes.fromhex(key)

    def keep(self, cluster: str, change: str, index: int, state: Json | None, nonce: bytes) -> str:
        """Store a state (None: the object did not exist) and return where."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        where = f"{cluster}/changes/{change}/{index:04d}.bin"
        sealed = AESGCM(self._key).encrypt(nonce[:NONCE_BYTES], msgspec.json.encode(state), where.encode())
        self._objects.put(self._tenant, where, nonce[:NONCE_BYTES] + sealed)
        return where

    def give(self, where: str) -> Json | None:
        """The state that was kept there. Raises NotFound, and Conflict `state_damaged` when it was tampered with."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        raw = self._objects.get(self._tenant, where)
        try:
            plain = AESGCM(self._key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], where.encode())
        except InvalidTag as error:
            raise Conflict(
                "The stored state from before the change is damaged.", code="state_damaged",
                remedy="Restore the object by hand from its repository.",
            ) from error  # fmt: skip
        found: Json | None = msgspec.json.decode(plain)
        return found
