"""prompts/list, prompts/get and completion/complete over any collection of prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from chalicelib.mcp.feature import LIST_TTL_MS, PAGE_SIZE, Exchange, Handler, Params, paged, params_of
from chalicelib.mcp.messages import INVALID_PARAMS, ProtocolError

MOST_COMPLETIONS = 100
"""The protocol's limit for one answer."""


@dataclass(frozen=True, slots=True)
class Argument:
    name: str
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class PromptEntry:
    """A prompt as the protocol lists it."""

    name: str
    title: str
    description: str
    arguments: Sequence[Argument] = ()

    def as_dict(self) -> dict[str, Any]:
        arguments = [{"name": a.name, "description": a.description, "required": a.required} for a in self.arguments]
        return {"name": self.name, "title": self.title, "description": self.description, "arguments": arguments}


class PromptPort(Protocol):
    """Any collection of prompts, bound to a caller."""

    def prompts(self) -> Sequence[PromptEntry]: ...

    def messages(self, name: str, arguments: Mapping[str, str]) -> Sequence[Mapping[str, Any]]:
        """The messages of a prompt that exists, with all its required arguments."""
        ...


class PromptFeature:
    """Questions that a person picks and a client puts to its model."""

    def __init__(self, port: PromptPort, page_size: int = PAGE_SIZE) -> None:
        self._port = port
        self._page_size = page_size

    @property
    def capability(self) -> tuple[str, Mapping[str, Any]]:
        return "prompts", {"listChanged": False}

    @property
    def methods(self) -> Mapping[str, Handler]:
        return {"prompts/list": self._list, "prompts/get": self._get}

    @property
    def cacheable(self) -> Mapping[str, int]:
        return {"prompts/list": LIST_TTL_MS}

    def _list(self, params: Mapping[str, Any], exchange: Exchange) -> Mapping[str, Any]:
        page, more = paged(params, self._port.prompts(), lambda entry: entry.name, self._page_size)
        return {"prompts": [entry.as_dict() for entry in page], **more}

    def _get(self, params: Mapping[str, Any], exchange: Exchange) -> Mapping[str, Any]:
        wanted = params_of(_GetParams, params)
        entry = next((entry for entry in self._port.prompts() if entry.name == wanted.name), None)
        if entry is None:
            raise ProtocolError(
                INVALID_PARAMS,
                f"There is no prompt called {wanted.name[:80]!r}.",
                data={"code": "unknown_prompt", "valid": [entry.name for entry in self._port.prompts()]},
            )
        missing = [a.name for a in entry.arguments if a.required and not wanted.arguments.get(a.name)]
        if missing:
            raise ProtocolError(
                INVALID_PARAMS, f"{entry.name} needs {', '.join(missing)}.", data={"field": f"arguments.{missing[0]}"}
            )
        messages = self._port.messages(entry.name, wanted.arguments)
        return {"description": entry.description, "messages": list(messages)}


class _GetParams(Params):
    name: str
    arguments: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Completing:
    """What is being typed: the argument of a prompt, or a variable of a resource's URI template."""

    of: Literal["prompt", "resource"]
    subject: str
    """The prompt's name, or the URI template."""
    argument: str
    typed: str
    others: Mapping[str, str] = field(default_factory=dict)
    """Arguments that are already known."""


class CompletionPort(Protocol):
    def complete(self, wanted: Completing) -> Sequence[str]:
        """All values that fit, best first; none for what is not known."""
        ...


class CompletionFeature:
    """Values while a person types."""

    def __init__(self, port: CompletionPort) -> None:
        self._port = port

    @property
    def capability(self) -> tuple[str, Mapping[str, Any]]:
        return "completions", {}

    @property
    def methods(self) -> Mapping[str, Handler]:
        return {"completion/complete": self._complete}

    @property
    def cacheable(self) -> Mapping[str, int]:
        return {}

    def _complete(self, params: Mapping[str, Any], exchange: Exchange) -> Mapping[str, Any]:
        asked = params_of(_CompleteParams, params)
        subject = asked.ref.name if asked.ref.type == "ref/prompt" else asked.ref.uri
        if subject is None:
            raise ProtocolError(INVALID_PARAMS, "ref: a prompt has a name, a resource a uri.", data={"field": "ref"})
        values = self._port.complete(
            Completing(
                "prompt" if asked.ref.type == "ref/prompt" else "resource",
                subject,
                asked.argument.name,
                asked.argument.value,
                asked.context.arguments if asked.context else {},
            )
        )
        shown = list(values[:MOST_COMPLETIONS])
        return {"completion": {"values": shown, "total": len(values), "hasMore": len(shown) < len(values)}}


class _Ref(Params):
    type: Literal["ref/prompt", "ref/resource"]
    name: str | None = None
    uri: str | None = None


class _Typed(Params):
    name: str
    value: str


class _Context(Params):
    arguments: dict[str, str] = {}


class _CompleteParams(Params):
    ref: _Ref
    argument: _Typed
    context: _Context | None = None
