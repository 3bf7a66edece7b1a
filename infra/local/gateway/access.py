"""Who may talk to the gateway before any handler runs: names, origins, and the browser's sign-in.

A page of another site that is open in the same browser can send requests to loopback, also under a name of
its own that it points at 127.0.0.1. The checks here keep both out: our name in Host, our Origin where a
cookie could act.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from chalicelib.errors import Forbidden, KubiliticsError, Misdirected

_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class SessionCookies(Protocol):
    """Makes the `Set-Cookie` values of a new signed session of the local administrator."""

    def __call__(self) -> tuple[str, ...]: ...


class Persons(Protocol):
    """Who a browser is, and whom a sign-in link is for."""

    def present(self, cookies: str) -> object | None:
        """Who a `Cookie` header stands for now; None for nobody."""

    def redeem(self, link: str) -> tuple[str, ...]:
        """`Set-Cookie` values that sign in whom a link is for. Raises Unauthenticated the second time."""


def refusal(method: str, headers: Mapping[str, str], *, websocket: bool = False) -> KubiliticsError | None:
    """Why this request must not reach a handler, or None."""
    host = headers.get("host", "")
    if host.partition(":")[0] not in _LOOPBACK:
        return Misdirected(f"This service does not answer for {host!r}.", details={"host": host})
    if "authorization" in headers:
        # A page of another site cannot set this header without a preflight, which is never granted.
        return None
    if method in _SAFE and not websocket:
        return None
    origin = headers.get("origin")
    if origin == f"http://{host}" or (origin is None and not websocket and "cookie" not in headers):
        return None
    return Forbidden(
        f"Requests from the origin {origin or 'none'!r} are refused.",
        code="foreign_origin",
        remedy=f"Open http://{host}/ in the browser, or send `Authorization: Bearer TOKEN`.",
        details={"origin": origin, "expected": f"http://{host}"},
    )


class OneTimeLink:
    """The key of `LOCAL_AUTH=link`: a file that its first correct use removes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def take(self, offered: str) -> bool:
        """Whether `offered` is the key; it is valid no more afterwards."""
        try:
            key = self._path.read_text().strip()
        except OSError:
            return False
        if not key or not hmac.compare_digest(key.encode(), offered.encode()):
            return False
        try:
            self._path.unlink()
        except FileNotFoundError:  # another request was faster with the same key
            return False
        return True
