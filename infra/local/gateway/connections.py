"""The open WebSocket connections and the `@connections` endpoint that pushes into them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import unquote

from chalicelib.errors import Forbidden, Gone, KubiliticsError, MethodNotAllowed, TooLarge
from infra.local.gateway.answer import Answer, Receive, Scope, Send, error_answer, json_answer
from infra.local.gateway.events import header_map
from infra.local.gateway.limits import Limits
from infra.local.signature import SignatureCheck, Signed

PREFIX = "/@connections/"
# RFC 6455 section 7.4.1: the endpoint is going away; API Gateway closes idle and old connections with it.
GOING_AWAY = 1001
_TRY_AGAIN = 1013


@dataclass
class Connection:
    """One open socket. Times are of the monotonic clock, except those shown to people."""

    id: str
    send: Send
    source_ip: str
    user_agent: str
    connected_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    last_active_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    opened: float = field(default_factory=time.monotonic)
    active: float = field(default_factory=time.monotonic)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def touch(self) -> None:
        self.active = time.monotonic()
        self.last_active_at = datetime.now(UTC)

    async def push(self, text: str) -> None:
        """Send one frame; frames leave in the order in which they came."""
        async with self.turn:
            await self.send({"type": "websocket.send", "text": text})
        self.touch()

    async def close(self, code: int) -> None:
        await self.send({"type": "websocket.close", "code": code})


class Connections:
    """All open connections, and the answers of `POST`, `GET` and `DELETE /@connections/{id}`."""

    def __init__(self, limits: Limits, signature: SignatureCheck) -> None:
        self._limits = limits
        self._signature = signature
        self._open: dict[str, Connection] = {}

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection) -> None:
        self._open[connection.id] = connection

    def remove(self, connection_id: str) -> None:
        self._open.pop(connection_id, None)

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """The management endpoint: signed requests of our own processes, none from a browser."""
        headers = header_map(scope["headers"])
        try:
            body = await self._body(receive)
            self._require_signature(scope, headers, body)
            connection = self._find(scope["raw_path"].decode("latin-1"))
            return await self._perform(scope["method"], connection, body)
        except KubiliticsError as error:
            return error_answer(error, *_error_type(error))

    async def close_overdue(self) -> None:
        """Close what was idle for 10 minutes or lived for 2 hours."""
        now = time.monotonic()
        for connection in list(self._open.values()):
            idle, age = now - connection.active, now - connection.opened
            if idle > self._limits.websocket_idle_s or age > self._limits.websocket_life_s:
                await self._drop(connection, GOING_AWAY)

    async def _perform(self, method: str, connection: Connection, body: bytes) -> Answer:
        if method == "POST":
            await self._push(connection, body)
            return Answer(200)
        if method == "GET":
            return json_answer(200, _description(connection))
        if method == "DELETE":
            await self._drop(connection, 1000)
            return Answer(204)
        raise MethodNotAllowed(f"{method} is not possible here.", details={"allowed": ["DELETE", "GET", "POST"]})

    async def _push(self, connection: Connection, body: bytes) -> None:
        try:
            async with asyncio.timeout(self._limits.push_s):
                await connection.push(body.decode("utf-8", "replace"))
        except TimeoutError:
            # The client does not read. It may come again and resume; the sender must not wait for it.
            await self._drop(connection, _TRY_AGAIN)
            raise _gone(connection.id) from None
        except (OSError, RuntimeError):
            self.remove(connection.id)
            raise _gone(connection.id) from None

    async def _drop(self, connection: Connection, code: int) -> None:
        self.remove(connection.id)
        try:
            async with asyncio.timeout(1):
                await connection.close(code)
        except (OSError, RuntimeError):  # TimeoutError is an OSError
            return

    def _find(self, raw_path: str) -> Connection:
        connection_id = unquote(unquote(raw_path)[len(PREFIX) :])
        if connection_id not in self._open:
            raise _gone(connection_id)
        return self._open[connection_id]

    async def _body(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        size = 0
        limit = self._limits.websocket_message_bytes
        while True:
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise TooLarge(f"A message is at most {limit} bytes.", details={"limit": limit})
            if not message.get("more_body"):
                return b"".join(parts)

    def _require_signature(self, scope: Scope, headers: Mapping[str, str], body: bytes) -> None:
        request = Signed(
            scope["method"], scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1"), headers
        )
        if "origin" in headers or not self._signature.accepts(request, body, datetime.now(UTC)):
            raise Forbidden(
                "This endpoint takes requests that are signed with the key of this installation.",
                code="signature_required",
                remedy="Sign with SigV4 for the service execute-api; browsers use /ws.",
            )


def _error_type(error: KubiliticsError) -> list[tuple[bytes, bytes]]:
    """The header from which AWS's SDKs take the exception to raise."""
    names = {403: b"ForbiddenException", 410: b"GoneException", 413: b"PayloadTooLargeException"}
    return [(b"x-amzn-errortype", names[error.status])] if error.status in names else []


def _gone(connection_id: str) -> Gone:
    return Gone(
        "This connection is closed.",
        code="connection_gone",
        remedy="Stop sending to it; the client reads the journal when it connects again.",
        details={"connection": connection_id},
    )


def _description(connection: Connection) -> dict[str, object]:
    return {
        "connectedAt": connection.connected_at.isoformat(),
        "lastActiveAt": connection.last_active_at.isoformat(),
        "identity": {"sourceIp": connection.source_ip, "userAgent": connection.user_agent},
    }
