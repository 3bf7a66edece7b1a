"""What a model says, on the wire of each provider: the same scenario in each provider's own words.

Shapes: the event types of `anthropic` 2.12 and `openai` 3.54, and `ChatResponse` of `ollama` 0.6.3.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.llm.capabilities import ProviderKind
from tests.functional.llm.wire_server import Played


@dataclass(frozen=True)
class Said:
    """A scenario. `calls`: (id, name, arguments as JSON text); `usage`: (input, cache read, cache write, output)."""

    texts: Sequence[str] = ()
    calls: Sequence[tuple[str, str, str]] = ()
    thought: str = ""
    usage: tuple[int, int, int, int] | None = (100, 20, 5, 30)
    stop: str = "end"
    repeats_names: bool = False
    whole_calls: bool = False
    without_ids: bool = False
    model: str = "the-model"
    extra: dict[str, Any] = field(default_factory=dict)


def _sse(events: Sequence[tuple[str, Any]]) -> bytes:
    return "".join(
        (f"event: {name}\n" if name else "") + f"data: {value if isinstance(value, str) else json.dumps(value)}\n\n"
        for name, value in events
    ).encode()


def _split(text: str) -> list[str]:
    return [text[i : i + 5] for i in range(0, len(text), 5)] or [""]


class Anthropic:
    kind: ProviderKind = "anthropic"
    path = "/v1/messages"
    stops = {"end": "end_turn", "length": "max_tokens", "tool": "tool_use", "refusal": "refusal",
             "overflow": "model_context_window_exceeded", "pause": "pause_turn"}  # fmt: skip

    def base_url(self, url: str) -> str:
        return url

    def stream(self, said: Said) -> Played:
        entry, read, written, output = said.usage or (0, 0, 0, 0)
        counts = {"input_tokens": entry, "cache_read_input_tokens": read, "cache_creation_input_tokens": written}
        start = {"id": "msg_1", "type": "message", "role": "assistant", "model": said.model, "content": [],
                 "stop_reason": None, "stop_sequence": None, "usage": {**counts, "output_tokens": 1}}  # fmt: skip
        events: list[tuple[str, Any]] = [("message_start", {"type": "message_start", "message": start}),
                                         ("ping", {"type": "ping"})]  # fmt: skip
        blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
        if said.thought:
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _split(said.thought)]
            deltas.append({"type": "signature_delta", "signature": "sig=="})
            blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, deltas))
        if said.texts:
            blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": t} for t in said.texts]))
        for id_, name, arguments in said.calls:
            pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in ["", *_split(arguments)]]
            blocks.append(({"type": "tool_use", "id": id_, "name": name, "input": {}}, pieces))
        for index, (block, deltas) in enumerate(blocks):
            at = {"index": index}
            events.append(("content_block_start", {"type": "content_block_start", **at, "content_block": block}))
            events += [("content_block_delta", {"type": "content_block_delta", **at, "delta": d}) for d in deltas]
            events.append(("content_block_stop", {"type": "content_block_stop", **at}))
        delta = {"stop_reason": self.stops.get(said.stop, said.stop), "stop_sequence": None}
        events.append(("message_delta", {"type": "message_delta", "delta": delta, "usage": {"output_tokens": output}}))
        events.append(("message_stop", {"type": "message_stop"}))
        return Played(_sse(events))

    def error(self, status: int, message: str, **headers: str) -> Played:
        body = {"type": "error", "error": {"type": "some_error", "message": message}}
        return Played(json.dumps(body).encode(), status, "application/json", headers)

    def error_inside(self) -> bytes:
        error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        return _sse([("error", error)])

    def models(self, *names: str) -> Played:
        data = [{"type": "model", "id": n, "display_name": n, "created_at": "2026-01-01T00:00:00Z"} for n in names]
        whole = {"data": data, "has_more": False, "first_id": None, "last_id": None}
        return Played(json.dumps(whole).encode(), media="application/json")


class OpenAi:
    kind: ProviderKind = "openai"
    path = "/v1/chat/completions"
    stops = {"end": "stop", "length": "length", "tool": "tool_calls", "refusal": "content_filter"}

    def base_url(self, url: str) -> str:
        return url + "/v1"

    def stream(self, said: Said) -> Played:
        def chunk(delta: dict[str, Any], reason: str | None = None) -> tuple[str, Any]:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
            return "", {**head, "choices": [choice]}

        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": said.model}
        events = [chunk({"role": "assistant", "content": ""})]
        events += [chunk({"reasoning_content": piece}) for piece in (_split(said.thought) if said.thought else ())]
        events += [chunk({"content": text}) for text in said.texts]
        for index, (id_, name, arguments) in enumerate(said.calls):
            identity = {} if said.without_ids else {"id": id_}
            if said.whole_calls:
                function = {"name": name, "arguments": arguments}
                call = {"index": index, **identity, "type": "function", "function": function}
                events.append(chunk({"tool_calls": [call]}))
                continue
            first = {"index": index, **identity, "type": "function", "function": {"name": name, "arguments": ""}}
            events.append(chunk({"tool_calls": [first]}))
            for piece in _split(arguments):
                function = {"arguments": piece} | ({"name": name} if said.repeats_names else {})
                again = identity if said.repeats_names else {}
                events.append(chunk({"tool_calls": [{"index": index, **again, "function": function}]}))
        events.append(chunk({}, self.stops.get(said.stop, said.stop)))
        if said.usage:
            entry, read, written, output = said.usage
            usage = {"prompt_tokens": entry + read + written, "completion_tokens": output,
                     "total_tokens": entry + read + written + output,
                     "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written}}  # fmt: skip
            events.append(("", {**head, "choices": [], "usage": usage}))
        events.append(("", "[DONE]"))
        return Played(_sse(events))

    def error(self, status: int, message: str, **headers: str) -> Played:
        body = {"error": {"message": message, "type": "some_error", "param": None, "code": None}}
        return Played(json.dumps(body).encode(), status, "application/json", headers)

    def error_inside(self) -> bytes:
        return _sse([("", {"error": {"message": "The server had an error", "type": "server_error", "code": None}})])

    def models(self, *names: str) -> Played:
        data = [{"id": name, "object": "model", "created": 1, "owned_by": "x"} for name in names]
        return Played(json.dumps({"object": "list", "data": data}).encode(), media="application/json")


class Compatible(OpenAi):
    kind: ProviderKind = "compatible"


class Ollama:
    kind: ProviderKind = "ollama"
    path = "/api/chat"
    stops = {"end": "stop", "length": "length", "tool": "stop"}

    def base_url(self, url: str) -> str:
        return url

    def stream(self, said: Said) -> Played:
        def line(message: dict[str, Any], **more: Any) -> str:
            body = {"model": said.model, "created_at": "2026-01-01T00:00:00Z",
                    "message": {"role": "assistant", "content": "", **message}, "done": False, **more}  # fmt: skip
            return json.dumps(body)

        lines = [line({"thinking": piece}) for piece in (_split(said.thought) if said.thought else ())]
        lines += [line({"content": text}) for text in said.texts]
        for _, name, arguments in said.calls:
            lines.append(line({"tool_calls": [{"function": {"name": name, "arguments": json.loads(arguments)}}]}))
        more: dict[str, Any] = {"done": True, "done_reason": self.stops.get(said.stop, said.stop)}
        if said.usage:
            entry, read, written, output = said.usage
            more |= {"prompt_eval_count": entry + read + written, "eval_count": output, "total_duration": 1}
        return Played(("\n".join([*lines, line({}, **more)]) + "\n").encode(), media="application/x-ndjson")

    def error(self, status: int, message: str, **headers: str) -> Played:
        return Played(json.dumps({"error": message}).encode(), status, "application/json", headers)

    def error_inside(self) -> bytes:
        return b'{"error":"an error was encountered while running the model"}\n'

    def models(self, *names: str) -> Played:
        data = [{"name": name, "model": name, "size": 1} for name in names]
        return Played(json.dumps({"models": data}).encode(), media="application/json")


DIALECTS = {dialect.kind: dialect for dialect in (Anthropic(), OpenAi(), Compatible(), Ollama())}
Dialect = Anthropic | OpenAi | Ollama
