"""What an answer is made from, and what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.assistant.blocks import Block

if TYPE_CHECKING:
    from chalicelib.investigations.desk import Desk as InvestigationDesk
    from chalicelib.tools.context import ToolContext


def no_clock() -> float:
    """Measures nothing; tool steps then take 0 ms."""
    return 0.0


@dataclass(frozen=True)
class AssistantContext:
    """One question's surroundings.

    `tools` holds who asks, the clusters they may see, the store and the time. `cluster` is an id, a name, `*` for all,
    or empty when there is only one. `screen` is `{kind, namespace, name, page, investigation}` of what the person looks
    at. `clock` gives seconds and is only used to say how long a step took. `conversation` and `turn` are the ids of
    what is being answered, so that what an answer starts is started once.
    """

    tools: ToolContext
    cluster: str = ""
    memory: Mapping[str, Any] = field(default_factory=dict)
    screen: Mapping[str, Any] = field(default_factory=dict)
    clock: Callable[[], float] = no_clock
    investigations: InvestigationDesk | None = None
    conversation: str = ""
    turn: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One reading that an answer rests on."""

    tool: str
    summary: str
    ms: int


@dataclass(slots=True)
class Answer:
    """A whole answer. `citations` are evidence ids that resolve; `memory` is to be kept for the next turn.

    `degraded` says that something wanted could not be read; `unparsed` are words that were not understood.
    """

    intent: str
    blocks: list[Block] = field(default_factory=list)
    citations: list[str] = field(default_factory=list)
    suggestions: list[str] = field(default_factory=list)
    memory: dict[str, Any] = field(default_factory=dict)
    degraded: bool = False
    unparsed: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    question: str = ""
    """The question with its references resolved."""
