"""What a model answers, event by event, in one form for all providers; and the events put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from chalicelib.llm.messages import Message, Part, Text, Thinking, ToolCall

StopReason = Literal["end", "length", "tool", "refusal", "overflow", "pause", "other"]
"""`overflow`: the context window was full. `pause`: send the answer back to go on. `other`: see `raw`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who answers. `model` is the name that the server gives, which may not be the one that was asked for."""

    provider: str
    model: str
    response_id: str = ""


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ThinkingEnd:
    thinking: Thinking


@dataclass(frozen=True, slots=True)
class ToolCallStart:
    index: int
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of the JSON text of a call's arguments."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class ToolCallEnd:
    index: int
    call: ToolCall


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens. The three kinds of input are disjoint, as they have three prices; `output` includes `reasoning`.

    `estimated`: the server did not say; counted from bytes.
    """

    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    estimated: bool = False

    @property
    def prompt(self) -> int:
        """All input tokens, cached or not."""
        return self.input + self.cache_read + self.cache_write

    @property
    def total(self) -> int:
        return self.prompt + self.output

    def plus(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
            self.output + other.output,
            self.reasoning + other.reasoning,
            self.estimated or other.estimated,
        )


@dataclass(frozen=True, slots=True)
class Stop:
    """The end of an answer, once and last. `raw` is the provider's word for the reason."""

    reason: StopReason
    raw: str = ""


Event = Origin | TextDelta | ThinkingDelta | ThinkingEnd | ToolCallStart | ToolCallDelta | ToolCallEnd | Usage | Stop


@dataclass(slots=True)
class Answer:
    """Events put together. `stop` stays None when the stream broke before its end."""

    origin: Origin | None = None
    parts: list[Part] = field(default_factory=list)
    usage: Usage | None = None
    stop: Stop | None = None

    def add(self, event: Event) -> None:
        if isinstance(event, Origin):
            self.origin = event
        elif isinstance(event, TextDelta):
            last = self.parts[-1] if self.parts else None
            if isinstance(last, Text):
                self.parts[-1] = Text(last.text + event.text)
            else:
                self.parts.append(Text(event.text))
        elif isinstance(event, ThinkingEnd):
            self.parts.append(event.thinking)
        elif isinstance(event, ToolCallEnd):
            self.parts.append(event.call)
        elif isinstance(event, Usage):
            self.usage = event
        elif isinstance(event, Stop):
            self.stop = event

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def tool_calls(self) -> list[ToolCall]:
        return [part for part in self.parts if isinstance(part, ToolCall)]

    @property
    def message(self) -> Message:
        """The answer as the assistant's message of the next turn."""
        return Message("assistant", tuple(self.parts))


def collected(events: Iterable[Event]) -> Answer:
    answer = Answer()
    for event in events:
        answer.add(event)
    return answer


def count(value: Any) -> int:
    """A token count of a server: a missing or senseless one is 0."""
    return value if isinstance(value, int) and value > 0 else 0


def nested(value: Mapping[str, Any] | None, *path: str) -> Any:
    """The value at a path of a JSON object, None where there is none."""
    found: Any = value
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
