"""Lists and details of any kind."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from chalicelib.api.models.base import Gap, Level, ListQuery, Model, Problem, RequestModel, ResourceName, Status
from chalicelib.api.models.clusters import FreshQuery

ColumnType = Literal[
    "text", "number", "age", "time", "status", "bytes", "cpu", "ratio", "list", "ref", "health", "duration"
]


class Column(Model):
    key: str
    title: str
    type: ColumnType
    hidden: bool
    description: str


class Kind(Model):
    kind: str
    plural: str
    group: str
    version: str
    namespaced: bool
    title: str
    category: str
    short_names: list[str]
    optional: bool
    has_logs: bool
    columns: list[Column]


class Kinds(Model):
    items: list[Kind]
    next: str | None
    total: int | None
    gaps: list[Gap]


class RowHealth(Model):
    score: int | None
    level: Level
    reasons: list[str]


class RowProblem(Model):
    mode: str
    summary: str
    probability: float


class Row(Model):
    """One object in a list; beside these keys it has one key for each column of its kind."""

    model_config = ConfigDict(extra="allow")

    kind: str
    namespace: str
    name: str
    uid: str
    created_at: datetime | None
    status: Status
    health: RowHealth
    problem: RowProblem | None
    labels: dict[str, str]


class Chip(Model):
    """One understood condition; `text` are the words it came from."""

    field: str
    op: str
    value: Any
    text: str
    note: str = ""


class ParsedQuery(Model):
    text: str
    chips: list[Chip]
    unparsed: list[str]
    notes: list[str] = Field([], description="How something ambiguous was understood.")


class Group(Model):
    key: str
    count: int
    worst: Level


class Rows(Model):
    items: list[Row]
    next: str | None
    total: int | None
    gaps: list[Gap]
    as_of: datetime
    kind: str
    columns: list[Column]
    query: ParsedQuery | None
    groups: list[Group] | None


class RowsQuery(ListQuery, FreshQuery):
    namespace: str | None = Field(None, max_length=253, description="One namespace; `*` or nothing: all.")
    q: str | None = Field(None, max_length=500, description="A question in plain words, e.g. `failing in prod`.")
    labels: str | None = Field(None, max_length=1000, description="A Kubernetes label selector.")
    fields: str | None = Field(None, max_length=1000, description="A Kubernetes field selector.")
    sort: str | None = Field(None, max_length=100, description="A column key; `-` in front for descending.")
    group: str | None = Field(None, max_length=100)
    at: datetime | None = Field(None, description="Time travel: the newest snapshot of that time or before.")


class SummaryItem(Model):
    label: str
    value: Any
    type: str


class ConditionItem(Model):
    type: str
    status: str
    reason: str
    message: str
    since: datetime | None
    level: Level


class Detail(Model):
    resource: ResourceName
    row: Row
    summary: list[SummaryItem]
    labels: dict[str, str]
    annotations: dict[str, str]
    conditions: list[ConditionItem]
    problems: list[Problem]
    containers: list[dict[str, Any]] | None
    as_of: datetime
    gaps: list[Gap]


class EventItem(Model):
    type: str
    reason: str
    message: str
    count: int
    first: datetime | None
    last: datetime | None
    source: str
    object: ResourceName


class Events(Model):
    items: list[EventItem]
    next: str | None
    total: int | None
    gaps: list[Gap]
    as_of: datetime


class RelatedItem(Model):
    relation: str
    direction: Literal["out", "in"]
    resource: ResourceName
    status: Status | None
    detail: str = ""


class Related(Model):
    items: list[RelatedItem]
    next: str | None
    total: int | None
    gaps: list[Gap]
    as_of: datetime


class Yaml(Model):
    yaml: str
    as_of: datetime | None


class LogsQuery(RequestModel):
    container: str | None = Field(None, max_length=253)
    previous: bool = False
    tail: int = Field(500, ge=1, le=5000)
    since: str | None = Field(None, max_length=20, description="A duration such as 15m or 2h.")
    grep: str | None = Field(None, max_length=200, description="Only lines that hold this text (no pattern).")


class LogLine(Model):
    n: int
    text: str
    at: datetime | None
    level: str | None
    pod: str | None = None


class Logs(Model):
    lines: list[LogLine]
    container: str
    containers: list[str]
    previous: bool
    truncated: bool
    total_lines: int
    gaps: list[Gap] = []
