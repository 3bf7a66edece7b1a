"""Tool calls put together from pieces, whatever a server's habits are.

Some servers repeat the function's name in every chunk, send a call whole in one chunk, send arguments as an object, or
give no ids or indexes. The first name of an index counts, only arguments are appended, and missing ids are made.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chalicelib.llm.events import Event, ToolCallDelta, ToolCallEnd, ToolCallStart
from chalicelib.llm.messages import Request, ToolCall

MOST_CALLS = 32
LONGEST_ARGUMENTS = 64 * 1024


@dataclass(slots=True)
class _Pieces:
    id: str
    name: str
    texts: list[str] = field(default_factory=list)


class ToolCalls:
    """The calls of one answer, by the index that the server gives them."""

    def __init__(self) -> None:
        self._calls: dict[int, _Pieces] = {}

    def __contains__(self, index: object) -> bool:
        return index in self._calls

    def __len__(self) -> int:
        return len(self._calls)

    def piece(self, index: int, id_: str | None, name: str | None, arguments: Any) -> Iterator[Event]:
        """A piece of a call; a new index, or another id at a known one, is a new call."""
        known = self._calls.get(index)
        if known is not None and id_ and known.id != id_ and name:
            index, known = max(self._calls) + 1, None
        if known is None:
            if len(self._calls) >= MOST_CALLS:
                return
            known = self._calls[index] = _Pieces(id_ or f"call_{secrets.token_hex(8)}", name or "")
            yield ToolCallStart(index, known.id, known.name)
        elif name and not known.name:
            known.name = name
        text = arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments is not None else ""
        if text:
            known.texts.append(text)
            yield ToolCallDelta(index, text)

    def end(self, index: int) -> ToolCallEnd:
        pieces = self._calls[index]
        arguments, problem = parsed("".join(pieces.texts))
        return ToolCallEnd(index, ToolCall(pieces.id, pieces.name, arguments, problem))

    def ends(self) -> Iterator[Event]:
        for index in sorted(self._calls):
            yield self.end(index)


def parsed(text: str) -> tuple[dict[str, Any], str]:
    """The arguments of a call, and what is wrong with them; a tool that takes none may get no text at all."""
    if len(text) > LONGEST_ARGUMENTS:
        return {}, f"The arguments are longer than {LONGEST_ARGUMENTS} characters."
    try:
        found = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        return {}, "The arguments are not JSON."
    return (found, "") if isinstance(found, dict) else ({}, "The arguments are not a JSON object.")


def as_functions(request: Request) -> list[dict[str, Any]]:
    """The tools of a request as functions, the form of Chat Completions and of Ollama."""
    return [
        {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": t.schema}}
        for t in request.sorted_tools
    ]
