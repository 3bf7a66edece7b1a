"""A small registry of tools for the protocol core: nothing of the product behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.errors import NotFound
from chalicelib.mcp.messages import HttpRequest, HttpResponse
from chalicelib.mcp.server import McpServer, ServerInfo

HINTS = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}


@dataclass(frozen=True)
class AnEntry:
    name: str
    category: str = "observe"
    read_only: bool = True
    title: str = "A tool"
    description: str = "Does one thing."
    input_schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    output_schema: Mapping[str, Any] | None = None

    @property
    def annotations(self) -> Mapping[str, Any]:
        return {**HINTS, "readOnlyHint": self.read_only}


@dataclass(frozen=True)
class AResult:
    value: Any

    @property
    def summary(self) -> str:
        return "It was done."

    def as_dict(self) -> Mapping[str, Any]:
        return {"value": self.value}


class FewTools:
    """`echo` answers its arguments, `missing` raises NotFound, `broken` fails unexpectedly, `act` is not read-only."""

    def __init__(self, extra: int = 0) -> None:
        more = [AnEntry(f"extra_{i:03d}", category="analyze") for i in range(extra)]
        self._entries = (
            AnEntry("echo"),
            AnEntry("missing"),
            AnEntry("broken"),
            AnEntry("act", category="action", read_only=False),
            *more,
        )

    def entries(self) -> Sequence[AnEntry]:
        return self._entries

    def call(self, name: str, arguments: Mapping[str, Any]) -> AResult:
        if name == "missing":
            raise NotFound("There is no such thing.", code="unknown_thing", remedy="Look elsewhere.")
        if name == "broken":
            raise RuntimeError("a secret detail")
        return AResult(dict(arguments))


def a_server(**options: Any) -> McpServer:
    return McpServer(options.pop("registry", FewTools()), ServerInfo("test", "1.0", title="Test"), **options)


def post(
    server: McpServer, body: Any, headers: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
) -> HttpResponse:
    """POST a message; `body` may be raw bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", **(headers or {})}
    return server.handle(HttpRequest("POST", sent, query or {}, raw))


def ask(server: McpServer, method: str, params: Mapping[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """The JSON answer of a request with id 1."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params or {})}
    answer: dict[str, Any] = json.loads(post(server, message, **options).body)
    return answer
