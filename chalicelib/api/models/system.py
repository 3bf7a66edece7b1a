"""Tools, audit, users, health."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from chalicelib.api.models.base import Gap, ListQuery, Model, RequestModel


class Annotations(Model):
    readOnlyHint: bool
    destructiveHint: bool
    idempotentHint: bool
    openWorldHint: bool


class Tool(Model):
    name: str
    category: str
    title: str
    description: str
    permission: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]
    annotations: Annotations
    cost: str


class Tools(Model):
    items: list[Tool]
    next: str | None
    total: int | None
    gaps: list[Gap]


class ToolArguments(RequestModel):
    """The tool's own arguments; `GET /tools` has each tool's schema."""

    model_config = ConfigDict(extra="allow")

    cluster: str = Field("", max_length=253, description="Id or name; `*`: all. May be left out when there is one.")


class ToolGap(Model):
    """A gap, of one of several clusters when `cluster` is given; then `reason` may be an error code."""

    kind: str
    reason: str
    message: str = ""
    namespace: str = ""
    cluster: str = ""


class ToolResult(Model):
    data: Any
    summary: str
    evidence: list[str]
    gaps: list[ToolGap]
    truncated: dict[str, Any] | None
    as_of: datetime | None
    cluster: str


class AuditEvent(Model):
    seq: int
    id: str
    at: datetime
    actor: str
    action: str
    cluster: str
    detail: dict[str, Any]
    prev: str
    hash: str


class Audit(Model):
    items: list[AuditEvent]
    next: str | None
    total: int | None
    gaps: list[Gap]


class AuditQuery(ListQuery):
    """What to look for; everything given must hold. `text` is found anywhere in an event."""

    actor: str = Field("", max_length=200)
    action: str = Field("", max_length=200, description="An action, or its beginning: `change` finds `change.approved`")
    cluster: str = Field("", max_length=200)
    text: str = Field("", max_length=200)
    since: AwareDatetime | None = Field(None, alias="from")
    until: AwareDatetime | None = Field(None, alias="to")


class AuditExportQuery(AuditQuery):
    format: Literal["csv", "json"] = "csv"
    limit: int = Field(5000, ge=1, le=5000)


class AuditAnchor(Model):
    """The head of the chain on a day, kept where nobody can change it."""

    day: str
    seq: int
    hash: str


class Verification(Model):
    ok: bool
    events: int
    broken_at: int | None
    reason: str
    anchored: AuditAnchor | None


class QueueDepths(Model):
    waiting: int
    in_hand: int
    dead: int


class Queues(Model):
    """Messages of this installation's queues, about; `dead` ones failed too often and were set aside."""

    work: QueueDepths
    audit: QueueDepths


class Me(Model):
    user: str
    name: str
    tenant: str
    role: Literal["admin", "operator", "viewer", "auditor"]
    permissions: list[str] = Field(description="What the role may do, as `thing:verb`.")


class NewUser(RequestModel):
    name: str = Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]*$")
    role: Literal["admin", "operator", "viewer", "auditor"]


class User(Model):
    id: str
    name: str
    role: Literal["admin", "operator", "viewer", "auditor"]


class CreatedUser(User):
    token: str = Field(description="Shown once; only its hash is kept.")


class Users(Model):
    items: list[User]
    next: str | None
    total: int | None
    gaps: list[Gap]


class Alive(Model):
    status: Literal["ok"]
    version: str


class Ready(Model):
    status: Literal["ready", "not_ready"]
    checks: dict[str, str]
