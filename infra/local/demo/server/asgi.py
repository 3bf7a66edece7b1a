"""The server as an ASGI application, for uvicorn: bodies in, answers and watch streams out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from infra.local.demo.server.bodies import LIMIT_BYTES
from infra.local.demo.server.errors import internal
from infra.local.demo.server.server import Server
from infra.local.demo.server.watching import Watch
from infra.local.demo.server.wire import HttpRequest, HttpResponse, error_response

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_log = logging.getLogger(__name__)
BOOKMARK_EVERY_S = 60.0
CHUNK_BYTES = 1024 * 1024


class Application:
    """One cluster's API over HTTP. Everything runs on the event loop's thread."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._watches: set[Watch] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self.close()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return

    def close(self) -> None:
        """End all open watches."""
        for watch in list(self._watches):
            watch.close()
            watch.notify()

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        request = await _read(scope, receive)
        try:
            answer = self.server.serve(request)
        except Exception:
            _log.exception("request failed: %s %s", request.method, request.path)
            answer = error_response(internal("the simulator failed; its log says why"))
        if isinstance(answer, Watch):
            await self._stream(answer, receive, send)
        else:
            await _answer(answer.compressed(request), send)

    async def _stream(self, watch: Watch, receive: Receive, send: Send) -> None:
        """Frames as they come, until the time asked for is over or the client goes."""
        loop = asyncio.get_running_loop()
        ready, gone = asyncio.Event(), asyncio.ensure_future(_disconnected(receive))
        watch.notify = ready.set
        self._watches.add(watch)
        end = loop.time() + watch.timeout_s
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-cache, private")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        bookmark = loop.time() + BOOKMARK_EVERY_S
        try:
            while True:
                frames = watch.drain()
                if frames:
                    await send({"type": "http.response.body", "body": b"".join(frames), "more_body": True})
                if watch.over or gone.done() or loop.time() >= end:
                    break
                ready.clear()
                await _either(ready, gone, min(end, bookmark) - loop.time())
                if loop.time() >= min(end, bookmark):
                    watch.bookmark()
                    bookmark = loop.time() + BOOKMARK_EVERY_S
            frames = watch.drain()
            await send({"type": "http.response.body", "body": b"".join(frames), "more_body": False})
        finally:
            watch.close()
            gone.cancel()
            self._watches.discard(watch)


async def _either(ready: asyncio.Event, gone: asyncio.Future[None], seconds: float) -> None:
    waiting = asyncio.ensure_future(ready.wait())
    both: set[asyncio.Future[Any]] = {waiting, gone}
    await asyncio.wait(both, timeout=max(seconds, 0.001), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read(scope: Message, receive: Receive) -> HttpRequest:
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= LIMIT_BYTES + 1:
            chunks.append(chunk)
        more = message.get("more_body", False)
    body = b"".join(chunks) if size <= LIMIT_BYTES else b"x" * (LIMIT_BYTES + 1)
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
    return HttpRequest(scope["method"], scope["path"], query, headers, body)


async def _answer(answer: HttpResponse, send: Send) -> None:
    headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
    if answer.content_type and answer.status not in (204, 304):
        headers.append((b"content-type", answer.content_type.encode()))
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    body = memoryview(answer.body)
    for start in range(
        0, len(body) - CHUNK_BYTES, CHUNK_BYTES
    ):  # big lists in parts, so that few bytes wait in buffers
        part = bytes(body[start : start + CHUNK_BYTES])
        await send({"type": "http.response.body", "body": part, "more_body": True})
    rest = bytes(body[(max(len(body) - 1, 0) // CHUNK_BYTES) * CHUNK_BYTES :])
    await send({"type": "http.response.body", "body": rest})
