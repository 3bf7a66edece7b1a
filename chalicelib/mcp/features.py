"""What a server offers, each kind of thing as one feature over its own port.

Tools are the first; resources, prompts and completion are further features with ports of their own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from chalicelib.errors import KubiliticsError
from chalicelib.mcp.messages import INVALID_PARAMS, ProtocolError

PAGE_SIZE = 50


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


class CallResult(Protocol):
    """What a tool answered: a summary for clients that read only text, and the whole as JSON."""

    @property
    def summary(self) -> str: ...

    def as_dict(self) -> Mapping[str, Any]: ...


class ToolPort(Protocol):
    """Any registry of tools, bound to the caller whose rights a call has."""

    def entries(self) -> Sequence[ToolEntry]:
        """All tools in a stable order."""
        ...

    def call(self, name: str, arguments: Mapping[str, Any]) -> CallResult:
        """Call a tool. Raises KubiliticsError for what the tool or its arguments got wrong."""
        ...


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tools this client asked for; None is all of them."""

    toolsets: frozenset[str] | None = None
    read_only: bool = False

    def includes(self, entry: ToolEntry) -> bool:
        return (self.toolsets is None or entry.category in self.toolsets) and (entry.read_only or not self.read_only)


Handler = Callable[[Mapping[str, Any], Selection], Mapping[str, Any]]


class Feature(Protocol):
    """A capability with the methods that serve it."""

    @property
    def capability(self) -> tuple[str, Mapping[str, Any]]: ...

    @property
    def methods(self) -> Mapping[str, Handler]: ...


class Params(BaseModel):
    """Parameters of a method; what is not known is ignored, as the protocol asks."""

    model_config = ConfigDict(extra="ignore", defer_build=True)


class ListParams(Params):
    cursor: str | None = None


class CallParams(Params):
    name: str
    arguments: dict[str, Any] | None = None


def params_of(model: type[BaseModel], params: Mapping[str, Any]) -> Any:
    """The parameters of a method, typed. Raises ProtocolError -32602 naming the field."""
    try:
        return model.model_validate(params)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "params"
        raise ProtocolError(INVALID_PARAMS, f"{field}: {first['msg']}.", data={"field": field}) from None


class ToolFeature:
    """tools/list and tools/call."""

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
    def toolsets(self) -> tuple[str, ...]:
        """Toolsets that a client can choose from."""
        return tuple(dict.fromkeys(entry.category for entry in self._tools.entries()))

    def _list(self, params: Mapping[str, Any], selection: Selection) -> Mapping[str, Any]:
        cursor = params_of(ListParams, params).cursor
        entries = [entry for entry in self._tools.entries() if selection.includes(entry)]
        start = page_start(cursor, [entry.name for entry in entries])
        end = start + self._page_size
        found: dict[str, Any] = {"tools": [_tool_json(entry) for entry in entries[start:end]]}
        if end < len(entries):
            found["nextCursor"] = page_cursor(end, [entry.name for entry in entries])
        return found

    def _call(self, params: Mapping[str, Any], selection: Selection) -> Mapping[str, Any]:
        wanted = params_of(CallParams, params)
        chosen = {entry.name for entry in self._tools.entries() if selection.includes(entry)}
        if wanted.name not in chosen:
            raise ProtocolError(
                INVALID_PARAMS,
                f"There is no tool called {wanted.name[:80]!r} here.",
                data={"code": "unknown_tool", "valid": sorted(chosen)},
            )
        try:
            result = self._tools.call(wanted.name, wanted.arguments or {})
        except KubiliticsError as error:
            return {"content": [_text(json.dumps(error.as_dict(), ensure_ascii=False))], "isError": True}
        structured = result.as_dict()
        text = json.dumps(structured, ensure_ascii=False, separators=(",", ":"))
        return {"content": [_text(result.summary), _text(text)], "structuredContent": structured, "isError": False}


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


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


def page_cursor(start: int, names: Sequence[str]) -> str:
    """An opaque cursor into a list of names; it is refused once the list is another one."""
    return base64.urlsafe_b64encode(f"{start}:{_digest(names)}".encode()).decode().rstrip("=")


def page_start(cursor: str | None, names: Sequence[str]) -> int:
    """Where the page of a cursor starts. Raises ProtocolError -32602 for one that this list did not give."""
    if cursor is None:
        return 0
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        raw = ""
    start, _, digest = raw.partition(":")
    if not start.isdecimal() or digest != _digest(names) or not 0 < int(start) < len(names):
        raise ProtocolError(
            INVALID_PARAMS, "cursor: this list did not give it. Ask without one.", data={"field": "cursor"}
        )
    return int(start)


def _digest(names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
