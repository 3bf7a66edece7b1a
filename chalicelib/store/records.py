"""What is stored: one frozen struct for each thing, the same for every adapter.

Times are aware UTC datetimes. `dict` fields hold JSON values only. `revision` counts the writes of a record;
an update names the revision it was based on, so that two writers never overwrite each other unseen.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from chalicelib.state.ids import TenantId
from chalicelib.state.structs import ready

Json = dict[str, Any]
Role = Literal["admin", "operator", "viewer", "auditor"]
ClusterSource = Literal["kubeconfig", "token", "eks", "recorded"]
ClusterStatus = Literal["pending", "ready", "unreachable", "error"]
TurnStatus = Literal["queued", "running", "done", "failed", "cancelled"]
Severity = Literal["critical", "warning", "info"]
FindingStatus = Literal["open", "resolved"]

SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")
"""Most severe first; a list of findings has this order."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything stored.

    Unknown fields are ignored, so that an older version reads what a newer one wrote.
    """


class Tenant(Record, frozen=True, kw_only=True):
    id: TenantId
    name: str
    plan: str
    created_at: datetime
    revision: int = 0


class User(Record, frozen=True, kw_only=True):
    id: str
    name: str
    role: Role
    revision: int = 0


class ApiToken(Record, frozen=True, kw_only=True):
    """An API token, known only by the SHA-256 of its text."""

    hash: str
    user: str
    role: Role
    created_at: datetime
    name: str


class SignInLink(Record, frozen=True, kw_only=True):
    """A link that signs a user in once; the link's text is known only by its SHA-256."""

    hash: str
    user: str
    expires_at: datetime


class ClusterRecord(Record, frozen=True, kw_only=True):
    """A connected cluster. `connection` holds facts that are no secret: role_arn, region, EKS name, upload key."""

    id: str
    tenant: TenantId
    name: str
    source: ClusterSource
    created_at: datetime
    server: str = ""
    status: ClusterStatus = "pending"
    message: str = ""
    as_of: datetime | None = None
    snapshot_key: str = ""
    version: str = ""
    production: bool = False
    connection: dict[str, str] = {}
    problems: dict[str, int] | None = None
    revision: int = 0


class Conversation(Record, frozen=True, kw_only=True):
    id: str
    title: str
    cluster: str
    user: str
    created_at: datetime
    updated_at: datetime
    memory: Json = {}
    revision: int = 0


class Turn(Record, frozen=True, kw_only=True):
    """One question and the state of its answer."""

    id: str
    conversation: str
    user: str
    message: str
    cluster: str
    created_at: datetime
    status: TurnStatus = "queued"
    context: Json = {}
    revision: int = 0


class Frame(Record, frozen=True, kw_only=True):
    """One piece of an answer. `seq` counts from 1 without holes within a conversation."""

    seq: int
    conversation: str
    turn: str
    t: str
    body: Json = {}


class ResourceName(Record, frozen=True, kw_only=True):
    kind: str
    namespace: str
    name: str


class FindingRecord(Record, frozen=True, kw_only=True):
    """A fact about one resource. Its id is stable, so the same fact found twice is one finding."""

    id: str
    cluster: str
    rule: str
    resource: ResourceName
    severity: Severity
    first_seen: datetime
    last_seen: datetime
    status: FindingStatus = "open"
    probability: float = 1.0
    summary: str = ""
    evidence: tuple[str, ...] = ()
    body: Json = {}


class EvidenceRecord(Record, frozen=True, kw_only=True):
    """The slice of a cluster that an evidence id stands for. `namespace` is what a reader's scope is checked on."""

    id: str
    cluster: str
    namespace: str
    body: Json = {}


class NewAuditEvent(Record, frozen=True, kw_only=True):
    """What happened, before it has its place in the chain. `id` makes a second delivery harmless."""

    id: str
    at: datetime
    actor: str
    action: str
    cluster: str = ""
    detail: Json = {}


class AuditEvent(Record, frozen=True, kw_only=True):
    """One link of a tenant's audit chain: `hash` covers the event and `prev`, the hash of the event before it."""

    seq: int
    id: str
    at: datetime
    actor: str
    action: str
    cluster: str
    detail: Json
    prev: str
    hash: str


class SocketConnection(Record, frozen=True, kw_only=True):
    """An open WebSocket and what it shows: the id of a conversation or of an investigation."""

    id: str
    user: str
    created_at: datetime
    conversation: str | None = None


class ChangeRecord(Record, frozen=True, kw_only=True):
    """A change request. `body` is the whole of it, as `chalicelib.safety.model.Change` knows it."""

    id: str
    cluster: str
    status: str
    action: str
    target: ResourceName
    created_at: datetime
    created_by: str
    body: Json = {}
    revision: int = 0


class Document(Record, frozen=True, kw_only=True):
    """A small thing that a tenant configures or is told, of one `kind`: a policy, a schedule, a notice."""

    kind: str
    id: str
    updated_at: datetime
    updated_by: str
    body: Json = {}
    revision: int = 0


class Lease(Record, frozen=True, kw_only=True):
    """Who may do `name` until `expires_at`. `revision` grows with every holder: a fencing token for what is written."""

    name: str
    holder: str
    expires_at: datetime
    revision: int = 0


ready(*Record.__subclasses__())
