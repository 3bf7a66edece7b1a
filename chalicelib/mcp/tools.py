"""tools/list and tools/call over any registry of tools."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chalicelib.errors import KubiliticsError
from chalicelib.mcp.feature import LIST_TTL_MS, PAGE_SIZE, Exchange, Handler, Params, Selection, paged, params_of
from chalicelib.mcp.messages import INVALID_PARAMS, ProtocolError


class ToolEntry(Protocol):
    """One tool as the protocol lists it. `category` is the toolset that a client chooses it by."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def read_only(self) -> bool: ...
    @property
    def input_schema(self) -> Mapping[str, Any]: ...
    @property
    def output_schema(self) -> Mapping[str, Any] | None: ...
    @property
    def annotations(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """Content blocks of the protocol, and the whole as JSON where the tool has an output schema."""

    content: Sequence[Mapping[str, Any]]
    structured: Mapping[str, Any] | None = None


def text(value: str) -> dict[str, Any]:
    """A content block of text."""
    return {"type": "text", "text": value}


def structured_answer(summary: str, structured: Mapping[str, Any]) -> ToolAnswer:
    """A summary and the same JSON twice: as text for clients that read only text, and structured."""
    whole = json.dumps(structured, ensure_ascii=False, separators=(",", ":"))
    return ToolAnswer([text(summary), text(whole)], structured)


class ToolPort(Protocol):
    """Any registry of tools, bound to the caller whose rights a call has."""

    def entries(self) -> Sequence[ToolEntry]:
        """All tools in a stable order."""
        ...

    def call(self, name: str, arguments: Mapping[str, Any], exchange: Exchange) -> ToolAnswer:
        """Call a tool. Raises KubiliticsError for what the tool or its arguments got wrong."""
        ...


class ToolFeature:
    """The tools that a client chose, and calls to them."""

    def __init__(self, tools: ToolPort, page_size: int = PAGE_SIZE) -> None:
        self._tools = tools
        self._page_size = page_size

    @property
    def capability(self) -> tuple[str, Mapping[str, Any]]:
        return "tools", {"listChanged": False}

    @property
    def methods(self) -> Mapping[str, Handler]:
        return {"tools/list": self._list, "tools/call": self._call}

    @property
    def cacheable(self) -> Mapping[str, int]:
        return {"tools/list": LIST_TTL_MS}

    @property
    def toolsets(self) -> tuple[str, ...]:
        """Toolsets that a client can choose from."""
        return tuple(dict.fromkeys(entry.category for entry in self._tools.entries()))

    def _list(self, params: Mapping[str, Any], exchange: Exchange) -> Mapping[str, Any]:
        page, more = paged(params, self._chosen(exchange.selection), lambda entry: entry.name, self._page_size)
        return {"tools": [_tool_json(entry) for entry in page], **more}

    def _call(self, params: Mapping[str, Any], exchange: Exchange) -> Mapping[str, Any]:
        wanted = params_of(_CallParams, params)
        chosen = {entry.name for entry in self._chosen(exchange.selection)}
        if wanted.name not in chosen:
            raise ProtocolError(
                INVALID_PARAMS,
                f"There is no tool called {wanted.name[:80]!r} here.",
                data={"code": "unknown_tool", "valid": sorted(chosen)},
            )
        try:
            found = self._tools.call(wanted.name, wanted.arguments or {}, exchange)
        except KubiliticsError as error:
            return {"content": [text(json.dumps(error.as_dict(), ensure_ascii=False))], "isError": True}
        answer: dict[str, Any] = {"content": list(found.content), "isError": False}
        if found.structured is not None:
            answer["structuredContent"] = found.structured
        return answer

    def _chosen(self, selection: Selection) -> list[ToolEntry]:
        return [
            entry
            for entry in self._tools.entries()
            if (selection.toolsets is None or entry.category in selection.toolsets)
            and (entry.read_only or not selection.read_only)
        ]


class _CallParams(Params):
    name: str
    arguments: dict[str, Any] | None = None


def _tool_json(entry: ToolEntry) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": entry.name,
        "title": entry.title,
        "description": entry.description,
        "inputSchema": entry.input_schema,
        "annotations": entry.annotations,
    }
    if entry.output_schema is not None:
        found["outputSchema"] = entry.output_schema
    return found
