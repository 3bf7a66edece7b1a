"""Names and uids that look random and are the same on every run with the same seed."""

from __future__ import annotations

import hashlib
import random
import uuid

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # apimachinery pkg/util/rand: no vowels, no look-alike digits


class Identity:
    """The source of uids, generated names and cluster addresses of one demo cluster."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._next_address = 10

    def uid(self) -> str:
        """A version 4 UUID."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def suffix(self, length: int = 5) -> str:
        """The random end that generateName and ReplicaSets put behind a name."""
        return "".join(self._random.choices(_ALPHABET, k=length))

    def cluster_ip(self) -> str:
        """The next free address of the service range 10.96.0.0/16."""
        self._next_address += 1
        return f"10.96.{self._next_address // 256 % 256}.{self._next_address % 256}"

    def port(self, taken: set[int]) -> int:
        """A free node port between 30000 and 32767."""
        while True:
            port = self._random.randint(30000, 32767)
            if port not in taken:
                return port


def safe_hash(value: bytes) -> str:
    """A short name made of a hash, as pod-template-hash is: the safe alphabet, ten letters at most."""
    digits = str(int.from_bytes(hashlib.blake2b(value, digest_size=4).digest(), "big"))
    return "".join(_ALPHABET[ord(digit) % len(_ALPHABET)] for digit in digits)
