"""What is asked of a model, in one form for all providers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model wants. `problem` says why its arguments cannot be used; they are empty then."""

    id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call gave. `name` is the tool's, for providers that know results by it."""

    call_id: str
    name: str
    text: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Thinking:
    """A provider's own block of thought, signed: sent back unchanged, and only to the provider that made it."""

    provider: str
    block: Mapping[str, Any]


Part = Text | ToolCall | ToolResult | Thinking


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Text))


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model sees it. `schema` is the JSON Schema of its arguments."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One turn. Tools are sent in the order of their names, so that providers can keep the prefix in their caches."""

    model: str
    messages: Sequence[Message]
    system: str = ""
    tools: Sequence[ToolSpec] = ()
    output_schema: Mapping[str, Any] | None = None
    """The JSON Schema that the answer must have, where the model can be bound to one."""
    max_output_tokens: int = 2048
    temperature: float | None = None
    """Left out for models that take none."""

    @property
    def sorted_tools(self) -> list[ToolSpec]:
        return sorted(self.tools, key=lambda tool: tool.name)


def user(text: str) -> Message:
    return Message("user", (Text(text),))
