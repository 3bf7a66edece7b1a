"""Ask the assistant over recorded clusters, and read its answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.assistant import Answer, AssistantContext, answer
from chalicelib.assistant.blocks import Block
from chalicelib.tools.context import ToolContext
from chalicelib.tools.views import ClusterView
from tests.unit.tools.recorded_views import RecordedViews, a_context, view_of


@dataclass
class Conversation:
    """Questions one after the other; `tools` can be looked at afterwards."""

    tools: ToolContext
    cluster: str = "cl_incidents"
    screen: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    turns: int = 0

    def ask(self, question: str) -> Answer:
        desk: Any = self.tools.investigator
        self.turns += 1
        context = AssistantContext(
            self.tools, self.cluster, self.memory, self.screen, investigations=desk, conversation="cv",
            turn=f"tn_{self.turns}",
        )  # fmt: skip
        found = answer(question, context)
        self.memory = found.memory
        return found


def a_conversation(
    name: str = "incidents", screen: dict[str, Any] | None = None, role: str = "operator"
) -> Conversation:
    return Conversation(a_context(name, role=role), f"cl_{name}", screen or {})


def over(views: dict[str, Sequence[ClusterView]], *, cluster: str = "", down: set[str] | None = None) -> Conversation:
    """A conversation over given readings of clusters."""
    held = RecordedViews({n: list(v) for n, v in views.items()}, down or set())
    return Conversation(a_context(views=held, role="operator"), cluster)


def ask(question: str, name: str = "incidents") -> Answer:
    return a_conversation(name).ask(question)


def said(found: Answer) -> str:
    """All text blocks."""
    return "\n".join(b["text"] for b in found.blocks if b["type"] == "text")


def blocks_of(found: Answer, type_: str) -> list[Block]:
    return [b for b in found.blocks if b["type"] == type_]


def subject_of(found: Answer) -> str:
    """`Deployment shop/checkout`, or "" when nothing is spoken of."""
    subject = found.memory.get("subject")
    if not subject:
        return ""
    where = f"{subject['namespace']}/" if subject.get("namespace") else ""
    return f"{subject['kind']} {where}{subject['name']}"


__all__ = [
    "Conversation", "a_conversation", "ask", "blocks_of", "over", "said", "subject_of", "view_of",
]  # fmt: skip
