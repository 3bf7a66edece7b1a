"""The demo's own small HTTP interface: what can break here, break it, heal it. Loopback only, behind a token file."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from infra.local.demo.scenarios.catalog import Faults, UnknownFault
from infra.local.demo.server.certificates import write_private
from infra.local.demo.server.errors import ApiError

TOKEN_FILE, ADDRESS_FILE = "admin-token", "admin-address"
Message = dict[str, Any]


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.remedy = status, code, message, remedy


class Admin:
    """An ASGI application; it must run on the event loop that owns the store."""

    def __init__(self, faults: Faults, token: str, state: Callable[[], dict[str, Any]]) -> None:
        self._faults = faults
        self._token = token
        self._state = state

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        try:
            status, body = 200, self._answer(scope)
        except Refused as error:
            status = error.status
            body = {"error": {"code": error.code, "message": error.message, "remedy": error.remedy}}
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    def _answer(self, scope: Message) -> Any:
        given = dict(scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
            remedy = f"Send the content of {TOKEN_FILE} in the demo's folder as a bearer token."
            raise Refused(401, "unauthenticated", "This needs the demo's admin token.", remedy)
        parts = [part for part in scope["path"].split("/") if part]
        if scope["method"] == "GET" and parts == ["faults"]:
            return {"items": self._faults.faults()}
        if scope["method"] == "GET" and parts == ["state"]:
            return self._state()
        if scope["method"] == "POST" and len(parts) == 3 and parts[0] == "faults" and parts[2] in ("inject", "heal"):
            return self._change(parts[1], parts[2])
        remedy = "GET /faults, GET /state, POST /faults/NAME/inject, POST /faults/NAME/heal."
        raise Refused(404, "not_found", f"There is no {scope['method']} {scope['path']} here.", remedy)

    def _change(self, name: str, verb: str) -> Any:
        try:
            return self._faults.inject(name) if verb == "inject" else self._faults.heal(name)
        except UnknownFault as error:
            raise Refused(404, "unknown_fault", str(error), "GET /faults lists them.") from error
        except ApiError as error:
            remedy = "The object may have been changed by hand; restart the demo for a fresh world."
            raise Refused(409, "cannot_change", f"The cluster refuses: {error.message}", remedy) from error


def make_token(home: Path) -> str:
    """A token for this run, in a file only the owner can read."""
    token = secrets.token_urlsafe(32)
    write_private(home / TOKEN_FILE, token.encode())
    return token
