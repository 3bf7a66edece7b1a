"""Conversations: questions, frames, blocks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.api.models.base import ErrorBody, Gap, ListQuery, Model, Problem, RequestModel, ResourceName


class ScreenContext(RequestModel):
    """What the user looks at, so that "why is this failing?" has a subject."""

    kind: str | None = Field(None, max_length=253)
    namespace: str | None = Field(None, max_length=253)
    name: str | None = Field(None, max_length=253)
    page: str | None = Field(None, max_length=100)
    investigation: str | None = Field(None, max_length=100)


class ChatRequest(RequestModel):
    message: str = Field(min_length=1, max_length=4000)
    cluster: str = Field(min_length=1, max_length=200, description="Id or name; `*` asks all clusters.")
    conversation: str | None = Field(None, max_length=100)
    context: ScreenContext | None = None


class WaitQuery(RequestModel):
    wait: float = Field(0, ge=0, le=25, description="Seconds to wait for the answer before 202.")


class TextBlock(Model):
    type: Literal["text"]
    text: str


class BlockColumn(Model):
    key: str
    title: str
    type: str


class TableLink(Model):
    kind: str
    q: str = ""
    namespace: str = ""


class TableBlock(Model):
    type: Literal["table"]
    title: str
    columns: list[BlockColumn]
    rows: list[dict[str, Any]]
    total: int
    link: TableLink | None = None


class ChartSeries(Model):
    name: str
    points: list[tuple[Any, float | None]]


class ChartBlock(Model):
    type: Literal["chart"]
    title: str
    chart: Literal["bar", "line"]
    unit: str
    series: list[ChartSeries]


class EvidenceItem(Model):
    id: str
    text: str
    resource: ResourceName


class EvidenceBlock(Model):
    type: Literal["evidence"]
    items: list[EvidenceItem]


class ProblemBlock(Model):
    type: Literal["problem"]
    problem: Problem


class ActionBlock(Model):
    """A command that was not executed."""

    type: Literal["action"]
    title: str
    text: str
    command: str


class InvestigationBlock(Model):
    """An investigation as it was when the answer was given; its page shows it as it goes."""

    type: Literal["investigation"]
    id: str
    question: str
    status: Literal["created", "investigating", "concluded", "cancelled", "archived"]
    outcome: str
    message: str


class ChoiceItem(Model):
    label: str
    message: str


class ChoicesBlock(Model):
    type: Literal["choices"]
    question: str
    items: list[ChoiceItem]


class SuggestionsBlock(Model):
    type: Literal["suggestions"]
    items: list[str]


Block = Annotated[
    TextBlock
    | TableBlock
    | ChartBlock
    | EvidenceBlock
    | ProblemBlock
    | ActionBlock
    | InvestigationBlock
    | ChoicesBlock
    | SuggestionsBlock,
    Field(discriminator="type"),
]


class FrameBase(Model):
    seq: int
    conversation: str
    turn: str


class StatusFrame(FrameBase):
    t: Literal["status"]
    text: str


class ToolFrame(FrameBase):
    t: Literal["tool"]
    name: str
    ms: float
    summary: str


class BlockFrame(FrameBase):
    t: Literal["block"]
    block: Block


class DeltaFrame(FrameBase):
    t: Literal["delta"]
    text: str


class EndFrame(FrameBase):
    t: Literal["end"]
    citations: list[str]
    degraded: bool
    suggestions: list[str] = []


class ErrorFrame(FrameBase):
    t: Literal["error"]
    error: ErrorBody


Frame = Annotated[StatusFrame | ToolFrame | BlockFrame | DeltaFrame | EndFrame | ErrorFrame, Field(discriminator="t")]


class ChatAnswer(Model):
    conversation: str
    turn: str
    status: Literal["done", "failed", "cancelled"]
    blocks: list[Block]
    citations: list[str]
    degraded: bool
    suggestions: list[str] = []
    error: ErrorBody | None = None


class ChatAccepted(Model):
    conversation: str
    turn: str


class FramesQuery(RequestModel):
    after: int = Field(0, ge=0)
    limit: int = Field(500, ge=1, le=1000)


class Frames(Model):
    items: list[Frame]
    done: bool


class Conversation(Model):
    id: str
    title: str
    cluster: str
    created_at: datetime
    updated_at: datetime


class TurnSummary(Model):
    id: str
    message: str
    status: Literal["queued", "running", "done", "failed", "cancelled"]
    cluster: str
    created_at: datetime


class ConversationDetail(Conversation):
    turns: list[TurnSummary]


class Conversations(Model):
    items: list[Conversation]
    next: str | None
    total: int | None
    gaps: list[Gap]


class NewConversation(RequestModel):
    cluster: str = Field(min_length=1, max_length=200)
    title: str = Field("New conversation", max_length=200)


class ConversationsQuery(ListQuery):
    pass
