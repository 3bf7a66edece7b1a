"""OpenAI's Chat Completions by its own SDK (3.54), and every server that speaks it (vLLM, llama.cpp, LM Studio, ...).

Chat Completions is the one API that all of them have. Parameters that some refuse are sent only when the profile of the
model says that they are understood.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import openai

from chalicelib.llm import wire
from chalicelib.llm.addresses import checked_url
from chalicelib.llm.capabilities import Capabilities
from chalicelib.llm.errors import LlmError, error_of
from chalicelib.llm.events import Event, Origin, Stop, StopReason, TextDelta, ThinkingDelta, Usage, count, nested
from chalicelib.llm.messages import Message, Request, Text, ToolCall, ToolResult
from chalicelib.llm.ports import Connection, Opening
from chalicelib.llm.tool_calls import ToolCalls, as_functions

STOPS: Mapping[str, StopReason] = {
    "stop": "end",
    "length": "length",
    "tool_calls": "tool",
    "function_call": "tool",
    "content_filter": "refusal",
}


class OpenAi:
    """One connection to an API that speaks Chat Completions."""

    def __init__(self, connection: Connection) -> None:
        self.name = connection.name
        base = checked_url(connection.base_url, hosted=connection.hosted) if connection.base_url else None
        self._client = openai.OpenAI(
            api_key=connection.key or "none",
            base_url=base or "https://api.openai.com/v1",
            max_retries=0,
            http_client=wire.client(connection),
        )

    def events(self, request: Request, capabilities: Capabilities, opening: Opening) -> Iterator[Event]:
        return wire.events_of(
            opening,
            lambda: self._client.chat.completions.create(
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
        if isinstance(error, openai.APIStatusError):
            said = wire.message_of(error.body, error.message)
            return error_of(self.name, error.status_code, said, dict(error.response.headers))
        if isinstance(error, openai.APIError) and not isinstance(error, openai.APIConnectionError):
            # An error inside a stream that began well has no status of its own.
            return error_of(self.name, 503, wire.message_of(error.body, error.message))
        return wire.failure(self.name, error)


def connect(connection: Connection) -> OpenAi:
    return OpenAi(connection)


def _parameters(request: Request, capabilities: Capabilities) -> dict[str, Any]:
    messages = [{"role": "system", "content": request.system}] if request.system else []
    for message in request.messages:
        messages += _messages(message)
    found: dict[str, Any] = {
        "model": request.model,
        "messages": messages,
        capabilities.output_limit: min(request.max_output_tokens, capabilities.max_output_tokens),
    }
    if request.temperature is not None and capabilities.temperature:
        found["temperature"] = request.temperature
    if request.tools:
        found["tools"] = as_functions(request)
    if request.output_schema is not None and capabilities.json_schema:
        found["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": request.output_schema},
        }
    if capabilities.stream_usage:
        found["stream_options"] = {"include_usage": True}
    return found


def _messages(message: Message) -> list[dict[str, Any]]:
    """A message as this API has it: results of tools are messages of their own, and go first."""
    found: list[dict[str, Any]] = [
        {"role": "tool", "tool_call_id": part.call_id, "content": part.text}
        for part in message.parts
        if isinstance(part, ToolResult)
    ]
    calls = [
        {
            "id": part.id,
            "type": "function",
            "function": {"name": part.name, "arguments": json.dumps(dict(part.arguments), separators=(",", ":"))},
        }
        for part in message.parts
        if isinstance(part, ToolCall)
    ]
    if calls:
        found.append({"role": message.role, "content": message.text or None, "tool_calls": calls})
    elif any(isinstance(part, Text) for part in message.parts):
        found.append({"role": message.role, "content": message.text})
    return found


class _Reader:
    """The chunks of a stream in our form. Usage may come in a chunk of its own, after the one with the reason."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._calls = ToolCalls()
        self._refused = False

    def read(self, chunks: Iterator[dict[str, Any]]) -> Iterator[Event]:
        begun, reason, usage = False, None, None
        for chunk in chunks:
            if not begun:
                begun = True
                yield Origin(self._provider, str(chunk.get("model") or ""), str(chunk.get("id") or ""))
            usage = chunk.get("usage") or usage
            choice = next(iter(chunk.get("choices") or ()), None)
            if choice is not None:
                yield from self._delta(choice.get("delta") or {})
                reason = choice.get("finish_reason") or reason
        if reason is None:
            return
        yield from self._calls.ends()
        if usage:
            yield _usage(usage)
        yield self._stop(str(reason))

    def _delta(self, delta: Mapping[str, Any]) -> Iterator[Event]:
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(thought, str) and thought:
            yield ThinkingDelta(thought)
        for key in ("content", "refusal"):
            if isinstance(delta.get(key), str) and delta[key]:
                self._refused = self._refused or key == "refusal"
                yield TextDelta(delta[key])
        for position, call in enumerate(delta.get("tool_calls") or ()):
            function = call.get("function") or {}
            index = call.get("index")
            yield from self._calls.piece(
                position if index is None else index, call.get("id"), function.get("name"), function.get("arguments")
            )

    def _stop(self, reason: str) -> Stop:
        if self._refused:
            return Stop("refusal", reason)
        if len(self._calls) and reason == "stop":
            return Stop("tool", reason)
        return Stop(STOPS.get(reason, "other"), reason)


def _usage(usage: Mapping[str, Any]) -> Usage:
    """`prompt_tokens` includes what came from the cache and what was written to it."""
    read = count(nested(usage, "prompt_tokens_details", "cached_tokens"))
    written = count(nested(usage, "prompt_tokens_details", "cache_write_tokens"))
    return Usage(
        input=max(0, count(usage.get("prompt_tokens")) - read - written),
        cache_read=read,
        cache_write=written,
        output=count(usage.get("completion_tokens")),
        reasoning=count(nested(usage, "completion_tokens_details", "reasoning_tokens")),
    )
