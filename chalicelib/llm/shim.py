"""Tools for models that have none: the calls are asked for as JSON in the text, and read from it.

A text that is no such JSON is an answer. What the model names is checked like any other call, by the tool itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from chalicelib.llm.capabilities import Capabilities
from chalicelib.llm.events import Event, Stop, TextDelta, ToolCallEnd
from chalicelib.llm.messages import Message, Part, Request, Text, ToolCall, ToolResult
from chalicelib.llm.ports import Opening, Provider
from chalicelib.llm.tool_calls import ToolCalls

ASK = (
    "You can call one tool at a time. Answer with one JSON object and nothing else: "
    '{"tool": NAME, "arguments": {...}} to call a tool, {"answer": TEXT} to answer.\nTools:\n'
)


class ShimmedTools:
    """A provider whose model is asked for tool calls as JSON."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self.name = provider.name

    def models(self, timeout_s: float) -> Any:
        return self._provider.models(timeout_s)

    def events(self, request: Request, capabilities: Capabilities, opening: Opening) -> Iterator[Event]:
        names = [tool.name for tool in request.sorted_tools]
        said: list[str] = []
        for event in self._provider.events(_plain(request, names), capabilities, opening):
            if isinstance(event, TextDelta):
                said.append(event.text)
            elif isinstance(event, Stop):
                found = list(_read("".join(said)))
                yield from found
                called = any(isinstance(part, ToolCallEnd) for part in found)
                yield Stop("tool", event.raw) if called and event.reason == "end" else event
            else:
                yield event


def _plain(request: Request, names: list[str]) -> Request:
    """The request without tools: they are told in the system prompt, and past calls and results as text."""
    told = "\n".join(
        f"- {tool.name}: {tool.description} Arguments: {json.dumps(tool.schema.get('properties', {}))}"
        for tool in request.sorted_tools
    )
    schema = {
        "type": "object",
        "properties": {
            "tool": {"type": "string", "enum": [*names, ""]},
            "arguments": {"type": "object"},
            "answer": {"type": "string"},
        },
    }
    return replace(
        request,
        system=f"{request.system}\n\n{ASK}{told}".strip(),
        tools=(),
        messages=[Message(m.role, tuple(_as_text(part) for part in m.parts)) for m in request.messages],
        output_schema=schema,
    )


def _as_text(part: Part) -> Part:
    if isinstance(part, ToolCall):
        return Text(json.dumps({"tool": part.name, "arguments": dict(part.arguments)}))
    if isinstance(part, ToolResult):
        return Text(f"{'Error' if part.failed else 'Result'} of {part.name}:\n{part.text}")
    return part


def _read(text: str) -> Iterator[Event]:
    found = _object(text)
    name = found.get("tool") if found else None
    if found is None or (not name and not isinstance(found.get("answer"), str)):
        yield TextDelta(text)
    elif isinstance(name, str) and name:
        calls = ToolCalls()
        yield from calls.piece(0, None, name, json.dumps(found.get("arguments", {})))
        yield calls.end(0)
    else:
        yield TextDelta(str(found.get("answer") or text))


def _object(text: str) -> Mapping[str, Any] | None:
    """The first JSON object in a text, which a model may have put into a fence or behind a sentence."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(text[start:])
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
