"""A small registry of tools for the protocol core: nothing of the product behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.errors import NotFound
from chalicelib.mcp.eras import CAPABILITIES_KEY, VERSION_KEY
from chalicelib.mcp.feature import Exchange
from chalicelib.mcp.messages import HttpRequest, HttpResponse
from chalicelib.mcp.prompts import Argument, Completing, CompletionFeature, PromptEntry, PromptFeature
from chalicelib.mcp.resources import Document, ResourceEntry, ResourceFeature
from chalicelib.mcp.server import McpServer, ServerInfo
from chalicelib.mcp.tools import ToolAnswer, structured_answer, text

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


class FewTools:
    """`echo` answers its arguments, `missing` raises NotFound, `broken` fails unexpectedly, `act` is not read-only,
    `slow` tells its progress.
    """

    def __init__(self, extra: int = 0) -> None:
        more = [AnEntry(f"extra_{i:03d}", category="analyze") for i in range(extra)]
        self._entries = (
            AnEntry("echo"),
            AnEntry("missing"),
            AnEntry("broken"),
            AnEntry("act", category="action", read_only=False),
            AnEntry("slow", category="action"),
            *more,
        )

    def entries(self) -> Sequence[AnEntry]:
        return self._entries

    def call(self, name: str, arguments: Mapping[str, Any], exchange: Exchange) -> ToolAnswer:
        if name == "missing":
            raise NotFound("There is no such thing.", code="unknown_thing", remedy="Look elsewhere.")
        if name == "broken":
            raise RuntimeError("a secret detail")
        if name == "slow":
            for done in (0, 50, 100):
                exchange.progress(done, 100, "half way" if done == 50 else "")
        return structured_answer("It was done.", {"value": dict(arguments)})


DOCUMENT = ResourceEntry("test://one", "one", "One", "A document.", "text/plain")


class FewDocuments:
    """`test://one`, and `test://numbers/{n}` for numbers."""

    def resources(self) -> Sequence[ResourceEntry]:
        return [DOCUMENT, *(ResourceEntry(f"test://numbers/{n}", str(n)) for n in range(6))]

    def templates(self) -> Sequence[ResourceEntry]:
        return [ResourceEntry("test://numbers/{n}", "number")]

    def read(self, uri: str) -> Document:
        if uri == DOCUMENT.uri:
            return Document("text/plain", "Hello.")
        raise NotFound("There is no such document.", code="unknown_resource", remedy="List them.")

    def complete(self, wanted: Completing) -> Sequence[str]:
        return [str(n) for n in range(1000) if str(n).startswith(wanted.typed)]


class FewPrompts:
    def prompts(self) -> Sequence[PromptEntry]:
        return [PromptEntry("greet", "Greet", "Says hello.", (Argument("who", "Whom.", required=True),))]

    def messages(self, name: str, arguments: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        return [{"role": "user", "content": text(f"Hello, {arguments['who']}.")}]


def a_server(**options: Any) -> McpServer:
    size = options.get("page_size", 50)
    features = (
        ResourceFeature(FewDocuments(), size), PromptFeature(FewPrompts(), size), CompletionFeature(FewDocuments()),
    )  # fmt: skip
    registry = options.pop("registry", FewTools())
    return McpServer(registry, ServerInfo("test", "1.0", title="Test"), features=features, **options)


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


def ask_stateless(
    server: McpServer, method: str, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """A request of 2026-07-28 as its clients send it; `headers` replace what they would say, "" leaves one out."""
    given = dict(params or {})
    sent = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
    if "name" in given or "uri" in given:
        sent["Mcp-Name"] = str(given.get("name", given.get("uri")))
    sent |= headers or {}
    given.setdefault("_meta", {VERSION_KEY: "2026-07-28", CAPABILITIES_KEY: {}})
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": given}
    return post(server, message, headers={k: v for k, v in sent.items() if v})
