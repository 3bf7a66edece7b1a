"""Ollama's own API (`/api/chat`, `/api/tags`), over plain HTTP.

Not its OpenAI-compatible one, which ignores `num_ctx` and cuts prompts at 4,096 tokens without a word: here the window
is sized from the prompt, and a prompt that fills it is told as an overflow. Field names: the types of `ollama`
0.6.3.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx2

from chalicelib.llm import wire
from chalicelib.llm.addresses import checked_url
from chalicelib.llm.capabilities import Capabilities
from chalicelib.llm.errors import LlmBrokenStream, LlmError, error_of
from chalicelib.llm.events import Event, Origin, Stop, TextDelta, ThinkingDelta, Usage, count
from chalicelib.llm.messages import Message, Request, Text, ToolCall, ToolResult
from chalicelib.llm.ports import Connection, Opening
from chalicelib.llm.stream import estimated_tokens
from chalicelib.llm.tool_calls import ToolCalls, as_functions

DEFAULT_URL = "http://127.0.0.1:11434"
WINDOW_STEP = 2048
LONGEST_LINE = 4 * 1024 * 1024


class Ollama:
    """One Ollama server."""

    def __init__(self, connection: Connection) -> None:
        self.name = connection.name
        self._base = checked_url(connection.base_url or DEFAULT_URL, hosted=connection.hosted)
        self._headers = {"Authorization": f"Bearer {connection.key}"} if connection.key else {}
        self._client = wire.client(connection)

    def events(self, request: Request, capabilities: Capabilities, opening: Opening) -> Iterator[Event]:
        body = _body(request, capabilities)
        try:
            with self._client.stream(
                "POST",
                f"{self._base}/api/chat",
                json=body,
                headers=self._headers,
                timeout=wire.timeout(opening.timeout_s),
            ) as response:
                opening.close = wire.closing(response)
                if response.status_code != 200:
                    raise self._refused(response)
                yield from _read(self.name, _objects(self.name, response.iter_bytes()), body["options"]["num_ctx"])
        except httpx2.HTTPError as error:
            raise wire.failure(self.name, error) from error

    def models(self, timeout_s: float) -> Sequence[str]:
        try:
            response = self._client.get(
                f"{self._base}/api/tags", headers=self._headers, timeout=wire.timeout(timeout_s)
            )
            if response.status_code != 200:
                raise self._refused(response)
            return [str(model["name"]) for model in response.json()["models"]]
        except httpx2.HTTPError as error:
            raise wire.failure(self.name, error) from error
        except (ValueError, KeyError, TypeError) as error:
            raise LlmError(f"{self.name} does not answer as Ollama does.") from error

    def _refused(self, response: httpx2.Response) -> LlmError:
        text = response.read().decode("utf-8", "replace")
        try:
            said = wire.message_of(json.loads(text), text)
        except ValueError:
            said = text
        return error_of(self.name, response.status_code, said, dict(response.headers))


def connect(connection: Connection) -> Ollama:
    return Ollama(connection)


def _body(request: Request, capabilities: Capabilities) -> dict[str, Any]:
    output = min(request.max_output_tokens, capabilities.max_output_tokens)
    needed = estimated_tokens(request) + output
    window = min(-(-needed // WINDOW_STEP) * WINDOW_STEP, capabilities.context_tokens)
    options: dict[str, Any] = {"num_ctx": window, "num_predict": output}
    if request.temperature is not None and capabilities.temperature:
        options["temperature"] = request.temperature
    messages = [{"role": "system", "content": request.system}] if request.system else []
    for message in request.messages:
        messages += _messages(message)
    found: dict[str, Any] = {"model": request.model, "messages": messages, "stream": True, "options": options}
    if request.tools:
        found["tools"] = as_functions(request)
    if request.output_schema is not None and capabilities.json_schema:
        found["format"] = request.output_schema
    return found


def _messages(message: Message) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"role": "tool", "tool_name": part.name, "content": part.text}
        for part in message.parts
        if isinstance(part, ToolResult)
    ]
    calls = [
        {"function": {"name": part.name, "arguments": dict(part.arguments)}}
        for part in message.parts
        if isinstance(part, ToolCall)
    ]
    if calls or any(isinstance(part, Text) for part in message.parts):
        found.append({"role": message.role, "content": message.text} | ({"tool_calls": calls} if calls else {}))
    return found


def _objects(provider: str, chunks: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """The JSON objects of a stream, one a line, wherever its chunks are cut."""
    held = b""
    for chunk in chunks:
        *lines, held = (held + chunk).split(b"\n")
        if len(held) > LONGEST_LINE:
            raise LlmBrokenStream(f"{provider} sent a line of more than {LONGEST_LINE} bytes.")
        for line in lines:
            if line.strip():
                yield _object(provider, line)
    if held.strip():
        yield _object(provider, held)


def _object(provider: str, line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        raise LlmBrokenStream(f"{provider} sent a line that is not JSON.") from None
    if not isinstance(found, dict):
        raise LlmBrokenStream(f"{provider} sent a line that is not an object.")
    return found


def _read(provider: str, objects: Iterator[Mapping[str, Any]], window: int) -> Iterator[Event]:
    calls, begun = ToolCalls(), False
    for found in objects:
        if "error" in found:
            raise error_of(provider, 503, str(found["error"]))
        if not begun:
            begun = True
            yield Origin(provider, str(found.get("model") or ""))
        message = found.get("message") or {}
        if message.get("thinking"):
            yield ThinkingDelta(message["thinking"])
        if message.get("content"):
            yield TextDelta(message["content"])
        for call in message.get("tool_calls") or ():
            function = call.get("function") or {}
            yield from calls.piece(len(calls), None, function.get("name"), function.get("arguments"))
        if found.get("done"):
            yield from calls.ends()
            if "prompt_eval_count" in found or "eval_count" in found:
                yield Usage(input=count(found.get("prompt_eval_count")), output=count(found.get("eval_count")))
            yield _stop(found, len(calls), window)
            return


def _stop(found: Mapping[str, Any], calls: int, window: int) -> Stop:
    reason = str(found.get("done_reason") or "")
    if count(found.get("prompt_eval_count")) >= window:
        return Stop("overflow", reason)
    if calls:
        return Stop("tool", reason)
    return Stop({"length": "length", "stop": "end", "": "end"}.get(reason, "other"), reason)  # type: ignore[arg-type]
