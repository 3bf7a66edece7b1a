"""An HTTP answer and the way it is sent."""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.errors import KubiliticsError, TooLarge

Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Scope = Mapping[str, Any]
Headers = list[tuple[bytes, bytes]]

COMPRESS_FROM_BYTES = 1024
# Level 1: three times the speed of the default for a tenth more bytes, on loopback the right trade.
_LEVEL = 1
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_NO_STORE = (b"cache-control", b"no-store")


class IntegrationTimeout(KubiliticsError):
    code = "gateway_timeout"
    status = 504
    default_remedy = (
        "The answer takes longer than 29 s; ask for less at once, or use the asynchronous form of the request."
    )


@dataclass
class Answer:
    """Status, header pairs in ASGI's form, and the whole body."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""

    async def send(self, send: Send, *, head: bool = False) -> None:
        headers = [*self.headers, (b"content-length", str(len(self.body)).encode()), _NOSNIFF]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else self.body})

    def compressed(self, accepted: str) -> Answer:
        """This answer, gzipped when the client takes it and it is worth it."""
        if len(self.body) < COMPRESS_FROM_BYTES or "gzip" not in accepted:
            return self
        if any(name == b"content-encoding" for name, _ in self.headers):
            return self
        headers = [*self.headers, (b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
        return Answer(self.status, headers, gzip.compress(self.body, _LEVEL, mtime=0))


def json_answer(status: int, content: object, *extra: tuple[bytes, bytes]) -> Answer:
    body = json.dumps(content, separators=(",", ":")).encode()
    return Answer(status, [(b"content-type", b"application/json"), _NO_STORE, *extra], body)


def error_answer(error: KubiliticsError, *extra: tuple[bytes, bytes]) -> Answer:
    """The one error shape of the API."""
    return json_answer(error.status, error.as_dict(), *extra)


def no_content(*extra: tuple[bytes, bytes]) -> Answer:
    return Answer(204, [_NO_STORE, *extra])


SMALL_BODY_BYTES = 4096


async def small_body(receive: Receive) -> bytes:
    """The whole body of a request to one of the gateway's own routes. Raises TooLarge."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if sum(map(len, chunks)) > SMALL_BODY_BYTES:
            raise TooLarge(
                f"The request body is larger than {SMALL_BODY_BYTES} bytes.", details={"limit": SMALL_BODY_BYTES}
            )
        if not message.get("more_body"):
            return b"".join(chunks)
