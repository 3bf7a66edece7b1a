"""WebSocket connections as API Gateway events: `$connect`, messages, `$disconnect`."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from concurrent.futures import Executor
from typing import Any

from chalice.app import Chalice, WebsocketEvent, WebsocketEventSourceHandler

from chalicelib.errors import Forbidden, KubiliticsError
from infra.local.gateway.access import refusal
from infra.local.gateway.answer import Answer, Receive, Scope, Send, error_answer
from infra.local.gateway.connections import Connection, Connections
from infra.local.gateway.events import LambdaContext, header_map, websocket_event
from infra.local.gateway.limits import Limits

PATH = "/ws"
_log = logging.getLogger(__name__)


class WebSocketFront:
    """The WebSocket half of the gateway. Messages of one connection are handled one after the other."""

    def __init__(self, app: Chalice, executor: Executor, limits: Limits, connections: Connections) -> None:
        self._handlers: dict[str, Any] = {
            key: WebsocketEventSourceHandler(
                entry.handler_function,
                WebsocketEvent,
                app.websocket_api,
                middleware_handlers=list(app._get_middleware_handlers("websocket")),
            )
            for key, entry in app.websocket_handlers.items()
        }
        self._executor = executor
        self._limits = limits
        self._connections = connections

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection from handshake to close."""
        headers = header_map(scope["headers"])
        await receive()  # websocket.connect
        refused = refusal("GET", headers, websocket=True)
        if refused is None and scope["path"] != PATH:
            refused = Forbidden("There is no WebSocket at this address.", remedy=f"Connect to {PATH}.")
        if refused is not None:
            await _deny(send, error_answer(refused))
            return
        connection = Connection(
            id=secrets.token_urlsafe(12),
            send=send,
            source_ip=(scope.get("client") or ("127.0.0.1", 0))[0],
            user_agent=headers.get("user-agent", ""),
        )
        session = _Session(self, scope, headers, connection)
        if not await session.connect():
            return
        self._connections.add(connection)
        try:
            await send({"type": "websocket.accept"})
            await session.messages(receive)
        except OSError:  # the client went away
            _log.debug("client of %s went away", connection.id)
        finally:
            self._connections.remove(connection.id)
            await session.run("$disconnect", "")

    async def invoke(self, handler: str, event: dict[str, Any]) -> dict[str, Any]:
        """Run a handler in a thread. Raises TimeoutError after 29 s, and what the handler raises."""
        context = LambdaContext("websocket", self._limits.integration_s)
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._executor, self._handlers[handler], event, context)
        async with asyncio.timeout(self._limits.integration_s):
            return await asyncio.shield(running)

    def handler_for(self, body: str) -> str | None:
        """The route key that the route selection expression `$request.body.action` gives."""
        try:
            content = json.loads(body)
        except ValueError:
            content = None
        action = content.get("action") if isinstance(content, dict) else None
        if isinstance(action, str) and not action.startswith("$") and action in self._handlers:
            return action
        return "$default" if "$default" in self._handlers else None

    def has(self, handler: str) -> bool:
        return handler in self._handlers


class _Session:
    """The events of one connection."""

    def __init__(self, front: WebSocketFront, scope: Scope, headers: dict[str, str], connection: Connection) -> None:
        self._front = front
        self._scope = scope
        self._headers = headers
        self._connection = connection
        self._connected_at_ms = time.time_ns() // 1_000_000

    async def connect(self) -> bool:
        """Ask `$connect`; a status of 400 or more refuses the handshake with it."""
        result = await self.run("$connect", None)
        status = int(result.get("statusCode", 200)) if result is not None else 500
        if status < 400:
            return True
        body = str((result or {}).get("body") or "")
        answer = Answer(status, [(b"content-type", b"application/json")], body.encode())
        if not body:
            answer = error_answer(KubiliticsError("The connection was refused."))
            answer.status = status
        await _deny(self._connection.send, answer)
        return False

    async def messages(self, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            self._connection.touch()
            text = message.get("text")
            body = text if text is not None else (message.get("bytes") or b"").decode("utf-8", "replace")
            handler = self._front.handler_for(body)
            if handler is None or await self.run(handler, body) is None:
                await self._connection.push(self._failure())

    async def run(self, handler: str, body: str | None) -> dict[str, Any] | None:
        """The handler's result; None when it failed."""
        if not self._front.has(handler):
            return {"statusCode": 200}
        event = websocket_event(self._scope, self._headers, self._connection.id, self._connected_at_ms, handler, body)
        try:
            return await self._front.invoke(handler, event)
        except TimeoutError:
            _log.warning("integration timeout: websocket %s", handler)
        except Exception:
            _log.exception("handler failed: websocket %s", handler)
        return None

    def _failure(self) -> str:
        """What API Gateway sends when an integration fails."""
        return json.dumps({"message": "Internal server error", "connectionId": self._connection.id})


async def _deny(send: Send, answer: Answer) -> None:
    """Answer the handshake with an HTTP error instead of an upgrade."""
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "websocket.http.response.body", "body": answer.body})
