"""What may reach the embedded AWS at all.

ministack with `AUTH=true` verifies the signatures of IAM users, and of nobody else: a request that names its root key
passes with any signature, its own `/_ministack/*` pages (reset, queue and mail contents) and its WebSockets need none,
and its other preflights allow every Origin. A web page in the user's browser can reach loopback, by a rebound name as
well, so every request is verified here first. The standard library only: ministack's interpreter runs this.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from infra.local.signature import SignatureCheck, Signed, payload_hash

Scope = Mapping[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HEALTH_PATH = "/_ministack/health"
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})


class Guard:
    """An ASGI application in front of ministack's. `origins` are our own pages, which may use presigned URLs."""

    def __init__(self, application: Application, signature: SignatureCheck, origins: frozenset[str]) -> None:
        self._application = application
        self._signature = signature
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _signed(scope)
        reason = self.refusal(request)
        if reason:
            await _refuse(send, request, reason)
            return
        origin = request.headers.get("origin")
        if origin and request.method == "OPTIONS":
            await _answer(send, 204, _preflight(origin, request.headers), b"")
            return
        if request.path != HEALTH_PATH:
            receive, accepted = await self._verified(request, receive)
            if not accepted:
                await _refuse(send, request, "The request must be signed with the key of this installation.")
                return
        await self._application(scope, receive, _with_origin(send, origin) if origin else send)

    def refusal(self, request: Signed) -> str | None:
        """Why this request must not go on whatever its signature is, or None."""
        headers = request.headers
        if headers.get("host", "").rpartition(":")[0] not in _LOOPBACK:
            return "The Host header must name 127.0.0.1 or localhost."
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins:
            return "Requests from this origin are refused."
        if request.path == HEALTH_PATH:
            return None if request.method == "GET" and origin is None else "Only GET is possible here."
        if request.path.startswith("/_"):
            return "This address is not served."
        return None

    async def _verified(self, request: Signed, receive: Receive) -> tuple[Receive, bool]:
        """The body to go on with, and whether the signature is ours. A presigned upload is not held in memory."""
        now = datetime.now(UTC)
        if "authorization" not in request.headers:
            return receive, self._signature.accepts_presigned(request, now)
        if "X-Amz-Signature=" in request.query:
            return receive, False
        if payload_hash(request.headers, None) is not None:
            return receive, self._signature.accepts(request, None, now)
        body = await _read(receive)
        return _replaying(body, receive), self._signature.accepts(request, body, now)


def _signed(scope: Scope) -> Signed:
    headers: dict[str, str] = {}
    for name_bytes, value_bytes in scope["headers"]:
        name, value = name_bytes.decode("latin-1").lower(), value_bytes.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    # Hypercorn's raw path holds the query as well.
    path = scope["raw_path"].decode("latin-1").partition("?")[0]
    return Signed(scope["method"], path, scope["query_string"].decode("latin-1"), headers)


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _replaying(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _preflight(origin: str, headers: Mapping[str, str]) -> dict[str, str]:
    return {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, HEAD, PUT, POST",
        "access-control-allow-headers": headers.get("access-control-request-headers", ""),
        "access-control-max-age": "600",
        "vary": "Origin",
    }


def _with_origin(send: Send, origin: str) -> Send:
    """Lets our own page read the answer to a presigned request, without asking each bucket for a CORS rule."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if not pair[0].lower().startswith(b"access-control-")]
            allowed = [
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-expose-headers", b"etag"),
                (b"vary", b"Origin"),
            ]
            message = {**message, "headers": kept + allowed}
        await send(message)

    return sending


async def _refuse(send: Send, request: Signed, reason: str) -> None:
    """In the form that the SDK of the called service reads: JSON where it sends JSON, else XML."""
    if "x-amz-target" in request.headers:
        body = json.dumps({"__type": "AccessDeniedException", "message": reason})
        await _answer(send, 403, {"content-type": "application/x-amz-json-1.1"}, body.encode())
        return
    body = f"<ErrorResponse><Error><Code>AccessDenied</Code><Message>{reason}</Message></Error></ErrorResponse>"
    await _answer(send, 403, {"content-type": "text/xml"}, body.encode())


async def _answer(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    pairs.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
