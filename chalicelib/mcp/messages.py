"""HTTP in and out, and the JSON-RPC messages inside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JSON = "application/json"
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
RESOURCE_NOT_FOUND = -32002
"""Until 2025-11-25; 2026-07-28 has INVALID_PARAMS for it."""
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022
EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as any HTTP front end has it. Header names are matched in any case."""

    method: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str:
        """The value of a header, "" when it was not sent."""
        wanted = name.lower()
        return next((v for k, v in self.headers.items() if k.lower() == wanted), "")


@dataclass(frozen=True, slots=True)
class HttpResponse:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class ProtocolError(Exception):
    """A message that the protocol does not allow. `status` is the HTTP status it is answered with."""

    def __init__(self, code: int, message: str, *, status: int = 200, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.data = dict(data) if data else None
        self.headers: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Message:
    """One JSON-RPC message. A notification has no id, a response of the client no method."""

    id: str | int | None
    method: str
    params: dict[str, Any]

    @property
    def expects_answer(self) -> bool:
        return self.id is not None and bool(self.method)


def read_message(body: bytes) -> Message:
    """The message of a body. Raises ProtocolError -32700 for what is no JSON, -32600 for what is no JSON-RPC 2.0."""
    try:
        raw = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ProtocolError(PARSE_ERROR, "The body is not JSON.", status=400) from None
    if isinstance(raw, list):
        raise ProtocolError(INVALID_REQUEST, "Batches are not accepted: send one message in each request.", status=400)
    if not isinstance(raw, dict) or raw.get("jsonrpc") != "2.0":
        raise ProtocolError(INVALID_REQUEST, 'A message is an object with "jsonrpc": "2.0".', status=400)
    id_, method = raw.get("id"), raw.get("method")
    if isinstance(id_, bool) or not isinstance(id_, str | int | None):
        raise ProtocolError(INVALID_REQUEST, "The id of a request is a string or an integer.", status=400)
    if method is None and ("result" in raw or "error" in raw):
        return Message(id_, "", {})
    if not isinstance(method, str) or not method:
        raise ProtocolError(INVALID_REQUEST, "A request names its method.", status=400)
    if "id" in raw and id_ is None:
        raise ProtocolError(INVALID_REQUEST, "The id of a request is not null.", status=400)
    params = raw.get("params", {})
    if not isinstance(params, dict):
        raise ProtocolError(INVALID_PARAMS, "params is an object.", status=400)
    return Message(id_, method, params)


def answer(id_: str | int | None, result: Mapping[str, Any], told: Sequence[Mapping[str, Any]] = ()) -> HttpResponse:
    """A result; with notifications that go before it, all of them as one finished event stream."""
    final = {"jsonrpc": "2.0", "id": id_, "result": result}
    if not told:
        return _json(200, final)
    events = "".join(f"event: message\ndata: {_compact(message)}\n\n" for message in (*told, final))
    return HttpResponse(200, {"Content-Type": EVENT_STREAM, "Cache-Control": "no-store"}, events.encode())


def failure(id_: str | int | None, error: ProtocolError) -> HttpResponse:
    """The JSON-RPC error of a request; its id is null when it could not be read."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data:
        body["data"] = error.data
    return _json(error.status, {"jsonrpc": "2.0", "id": id_, "error": body}, error.headers)


def accepted() -> HttpResponse:
    """The answer to a notification or to a response of the client."""
    return HttpResponse(202)


def _json(status: int, value: Any, headers: Mapping[str, str] | None = None) -> HttpResponse:
    whole = {"Content-Type": JSON, "Cache-Control": "no-store", **(headers or {})}
    return HttpResponse(status, whole, _compact(value).encode())


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
