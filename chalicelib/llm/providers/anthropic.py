"""Anthropic's Messages API by its own SDK (2.12); also what llama.cpp's server speaks at /v1/messages.

Sampling parameters are not sent: current models take none. Thinking blocks are kept with their signature and sent back
unchanged, as the API asks when tool results follow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import anthropic

from chalicelib.llm import wire
from chalicelib.llm.addresses import checked_url
from chalicelib.llm.capabilities import Capabilities
from chalicelib.llm.errors import LlmError, error_of
from chalicelib.llm.events import (
    Event,
    Origin,
    Stop,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    Usage,
    count,
    nested,
)
from chalicelib.llm.messages import Message, Request, Text, Thinking, ToolCall, ToolResult
from chalicelib.llm.ports import Connection, Opening
from chalicelib.llm.tool_calls import ToolCalls

KIND = "anthropic"
STOPS: Mapping[str, StopReason] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "max_tokens": "length",
    "tool_use": "tool",
    "pause_turn": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "overflow",
}


class Anthropic:
    """One connection to an API that speaks Messages."""

    def __init__(self, connection: Connection) -> None:
        self.name = connection.name
        base = checked_url(connection.base_url, hosted=connection.hosted) if connection.base_url else None
        self._client = anthropic.Anthropic(
            api_key=connection.key or "none", base_url=base, max_retries=0, http_client=wire.client(connection)
        )

    def events(self, request: Request, capabilities: Capabilities, opening: Opening) -> Iterator[Event]:
        return wire.events_of(
            opening,
            lambda: self._client.messages.create(
                **_parameters(request, capabilities), stream=True, timeout=wire.timeout(opening.timeout_s)
            ),
            _Reader(self.name).read,
            self._failure,
        )

    def models(self, timeout_s: float) -> Sequence[str]:
        try:
            return [model.id for model in self._client.models.list(timeout=wire.timeout(timeout_s))]
        except Exception as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> LlmError:
        if isinstance(error, anthropic.APIStatusError):
            said = wire.message_of(error.body, error.message)
            status = error.status_code
            if status == 200:
                # An error event inside a stream that began well.
                kind = str(nested(error.body if isinstance(error.body, Mapping) else None, "error", "type"))
                status = {"rate_limit_error": 429, "invalid_request_error": 400}.get(kind, 529)
            return error_of(self.name, status, said, dict(error.response.headers))
        return wire.failure(self.name, error)


def connect(connection: Connection) -> Anthropic:
    return Anthropic(connection)


def _parameters(request: Request, capabilities: Capabilities) -> dict[str, Any]:
    found: dict[str, Any] = {
        "model": request.model,
        "max_tokens": min(request.max_output_tokens, capabilities.max_output_tokens),
        "messages": [_message(message) for message in request.messages],
    }
    if request.system:
        # Tools come before the system prompt: this mark keeps both in the provider's cache.
        found["system"] = [{"type": "text", "text": request.system, "cache_control": {"type": "ephemeral"}}]
    if request.tools:
        found["tools"] = [
            {"name": t.name, "description": t.description, "input_schema": t.schema} for t in request.sorted_tools
        ]
    if request.output_schema is not None and capabilities.json_schema:
        found["output_config"] = {"format": {"type": "json_schema", "schema": request.output_schema}}
    return found


def _message(message: Message) -> dict[str, Any]:
    content: list[Any] = []
    for part in message.parts:
        if isinstance(part, Text):
            content.append({"type": "text", "text": part.text})
        elif isinstance(part, ToolCall):
            content.append({"type": "tool_use", "id": part.id, "name": part.name, "input": dict(part.arguments)})
        elif isinstance(part, ToolResult):
            content.append(
                {"type": "tool_result", "tool_use_id": part.call_id, "content": part.text, "is_error": part.failed}
            )
        elif part.provider == KIND:
            content.append(dict(part.block))
    return {"role": message.role, "content": content}


class _Reader:
    """The events of a stream in our form."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._calls = ToolCalls()
        self._thinking: dict[int, dict[str, Any]] = {}
        self._usage: dict[str, Any] = {}

    def read(self, stream: Iterator[dict[str, Any]]) -> Iterator[Event]:
        stopped: Stop | None = None
        for event in stream:
            kind = event.get("type")
            if kind == "message_start":
                message = event["message"]
                yield Origin(self._provider, message.get("model") or "", message.get("id") or "")
                self._count(message.get("usage"))
            elif kind == "content_block_start":
                yield from self._begin(event["index"], event["content_block"])
            elif kind == "content_block_delta":
                yield from self._delta(event["index"], event["delta"])
            elif kind == "content_block_stop":
                yield from self._end(event["index"])
            elif kind == "message_delta":
                self._count(event.get("usage"))
                reason = str(nested(event, "delta", "stop_reason") or "")
                stopped = Stop(STOPS.get(reason, "other"), reason)
            elif kind == "message_stop" and stopped is not None:
                if self._usage:
                    yield self._total()
                yield stopped

    def _begin(self, index: int, block: Mapping[str, Any]) -> Iterator[Event]:
        kind = block.get("type")
        if kind == "tool_use":
            yield from self._calls.piece(index, block.get("id"), block.get("name"), block.get("input") or None)
        elif kind in ("thinking", "redacted_thinking"):
            self._thinking[index] = {key: value for key, value in block.items() if value is not None}
        elif kind == "text" and block.get("text"):
            yield TextDelta(block["text"])

    def _delta(self, index: int, delta: Mapping[str, Any]) -> Iterator[Event]:
        kind = delta.get("type")
        if kind == "text_delta":
            yield TextDelta(delta["text"])
        elif kind == "input_json_delta":
            yield from self._calls.piece(index, None, None, delta.get("partial_json"))
        elif kind == "thinking_delta" and index in self._thinking:
            self._thinking[index]["thinking"] = self._thinking[index].get("thinking", "") + delta["thinking"]
            yield ThinkingDelta(delta["thinking"])
        elif kind == "signature_delta" and index in self._thinking:
            self._thinking[index]["signature"] = delta["signature"]

    def _end(self, index: int) -> Iterator[Event]:
        if index in self._thinking:
            yield ThinkingEnd(Thinking(KIND, self._thinking[index]))
        elif index in self._calls:
            yield self._calls.end(index)

    def _count(self, usage: Mapping[str, Any] | None) -> None:
        """Counts are cumulative: a later one replaces an earlier one."""
        self._usage |= {key: value for key, value in (usage or {}).items() if value is not None}

    def _total(self) -> Usage:
        """`input_tokens` leaves cached tokens out already."""
        return Usage(
            input=count(self._usage.get("input_tokens")),
            cache_read=count(self._usage.get("cache_read_input_tokens")),
            cache_write=count(self._usage.get("cache_creation_input_tokens")),
            output=count(self._usage.get("output_tokens")),
            reasoning=count(nested(self._usage, "output_tokens_details", "thinking_tokens")),
        )
