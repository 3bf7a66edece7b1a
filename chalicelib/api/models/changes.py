"""Change requests: previews, decisions, approvals, playbooks, schedules, policies, autonomy."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.api.models.base import ListQuery, Model, RequestModel

Level = Literal["low", "medium", "high", "critical"]
Method = Literal["simple", "impact", "typed"]
Outcome = Literal["ok", "warn", "block", "unknown"]
Status = Literal[
    "pending",
    "refused",
    "approved",
    "executing",
    "verifying",
    "succeeded",
    "failed",
    "rejected",
    "cancelled",
    "expired",
]
Id = Annotated[str, Field(min_length=1, max_length=200)]
Note = Annotated[str, Field(max_length=2000)]


# Requests


class NewChange(RequestModel):
    """An action with its arguments; `GET /api/v1/actions` lists both."""

    cluster: str = Field(min_length=1, max_length=253, description="Id or name.")
    action: str = Field(min_length=1, max_length=64)
    arguments: dict[str, Any] = Field(default_factory=dict)
    reason: Note = ""
    evidence: list[Id] = Field(default_factory=list, max_length=50)
    overrides: list[Id] = Field(
        default_factory=list, max_length=10, description="Checks whose objection is known and accepted."
    )
    symptom: str = Field("", max_length=64, description="Id of the problem that the change shall end.")


class ApproveChange(RequestModel):
    method: Method = "simple"
    phrase: str = Field("", max_length=600, description="What has to be typed for the method `typed`.")


class CloseChange(RequestModel):
    note: Note = ""


class ChangesQuery(ListQuery):
    limit: int = Field(50, ge=1, le=200)
    cluster: str = Field("", max_length=253)
    status: str = Field("", max_length=200, description="One or several states, separated by commas.")


class NewRun(RequestModel):
    cluster: str = Field(min_length=1, max_length=253)
    playbook: str = Field(min_length=1, max_length=64)
    arguments: dict[str, str] = Field(default_factory=dict)


class WindowIn(RequestModel):
    """Days and hours of a time zone. An end before the start runs over midnight."""

    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = Field(min_length=1, max_length=7)
    start: str = Field(pattern=r"^\d\d:\d\d$")
    end: str = Field(pattern=r"^\d\d:\d\d$")
    timezone: str = Field("UTC", max_length=64)


class NewSchedule(RequestModel):
    cluster: str = Field(min_length=1, max_length=253)
    name: str = Field(min_length=1, max_length=100)
    namespaces: list[Annotated[str, Field(min_length=1, max_length=63)]] = Field(min_length=1, max_length=50)
    awake: WindowIn
    exclude: list[Annotated[str, Field(min_length=1, max_length=253)]] = Field(default_factory=list, max_length=100)


class ApproveSchedule(RequestModel):
    phrase: str = Field(max_length=100, description="The name of the schedule.")


class ChangeSchedule(RequestModel):
    enabled: bool


class MatchIn(RequestModel):
    clusters: list[str] = Field(default_factory=list, max_length=100)
    namespaces: list[str] = Field(default_factory=list, max_length=100)
    kinds: list[str] = Field(default_factory=list, max_length=100)
    actions: list[str] = Field(default_factory=list, max_length=100)
    labels: dict[str, str] = Field(default_factory=dict)
    production: bool | None = None


class PolicyIn(RequestModel):
    """A policy can refuse, or ask for more. None can allow anything."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    name: str = Field(min_length=1, max_length=100)
    match: MatchIn = MatchIn()
    enabled: bool = True
    deny: bool = False
    approval: Method = "simple"
    second_person: bool = False
    admin: bool = False
    window: WindowIn | None = None
    most_objects: int | None = Field(None, ge=0, le=1000)
    most_replicas: int | None = Field(None, ge=0, le=100000)
    reason: str = Field("", max_length=500)


class EnvironmentsIn(RequestModel):
    """How environments are called here. Words are matched whole, in any case."""

    production: list[Annotated[str, Field(min_length=1, max_length=40)]] = Field(max_length=50)
    other: list[Annotated[str, Field(min_length=1, max_length=40)]] = Field(max_length=100)


class PutPolicies(RequestModel):
    policies: list[PolicyIn] = Field(max_length=100)
    environments: EnvironmentsIn | None = None
    revision: int = Field(ge=0, description="The revision that was read; 0 for the first.")


class ScopeIn(RequestModel):
    cluster: str = Field(min_length=1, max_length=253)
    namespace: str = Field("", max_length=63)
    level: int = Field(ge=1, le=5)


class PutAutonomy(RequestModel):
    level: int = Field(ge=1, le=5)
    scopes: list[ScopeIn] = Field(default_factory=list, max_length=500)
    close_breakers: list[Id] = Field(default_factory=list, max_length=100, description="Clusters to act in again.")
    revision: int = Field(ge=0)


class BoundsIn(RequestModel):
    clusters: list[Id] = Field(min_length=1, max_length=100)
    namespaces: list[Id] = Field(min_length=1, max_length=100)
    kinds: list[Id] = Field(min_length=1, max_length=50)
    worst_level: Level = "low"
    most_replicas: int = Field(0, ge=0, le=10000)
    production: bool = False


class NewStanding(RequestModel):
    rule: str = Field(min_length=1, max_length=100, description="The failure mode (or waste rule) it is for.")
    action: str = Field(min_length=1, max_length=64)
    bounds: BoundsIn
    daily_budget: int = Field(ge=1, le=100)
    days: int = Field(30, ge=1, le=365, description="How long it holds.")
    window: WindowIn | None = None
    phrase: str = Field(max_length=200, description="`RULE ACTION`, typed.")


# Answers


class Target(Model):
    kind: str
    namespace: str
    name: str
    uid: str


class Operation(Model):
    """One write, as it is sent."""

    verb: str
    kind: str
    namespace: str
    name: str
    patch_type: str
    body: Any


class FieldChange(Model):
    path: str
    before: Any
    after: Any


class Diff(Model):
    kind: str
    namespace: str
    name: str
    how: str
    changes: list[FieldChange]
    omitted: int


class Check(Model):
    name: str
    outcome: Outcome
    text: str
    remedy: str
    overridable: bool
    details: dict[str, Any]


class Hit(Model):
    kind: str
    namespace: str
    name: str
    how: str
    effect: str
    lost: int
    total: int


class Blast(Model):
    level: Level
    reasons: list[str]
    hits: list[Hit]
    omitted: int
    entry_points: list[str]
    data: list[str]
    pods: int
    unavailable_at_once: int


class Undo(Model):
    possible: bool
    how: str
    losses: list[str]


class Cost(Model):
    cpu_cores: float
    memory_gib: float
    usd_per_month: float | None
    note: str


class Preview(Model):
    as_of: datetime
    verdict: Literal["safe", "caution", "unsafe", "unknown"]
    checks: list[Check]
    diffs: list[Diff]
    blast: Blast
    undo: Undo
    cost: Cost | None
    production: bool
    production_why: str
    gaps: list[str]


class Violation(Model):
    rule: str
    text: str
    remedy: str


class Requirement(Model):
    method: Method
    phrase: str
    second_person: bool
    admin: bool
    reasons: list[str]


class Decision(Model):
    allowed: bool
    requirement: Requirement
    violations: list[Violation]


class Approval(Model):
    user: str
    at: datetime
    method: Method
    expires_at: datetime
    standing: str


class OperationResult(Model):
    index: int
    outcome: str
    message: str
    started_at: datetime
    finished_at: datetime | None


class Execution(Model):
    started_at: datetime
    finished_at: datetime | None
    error: str
    operations: list[OperationResult]


class ChangeVerification(Model):
    started_at: datetime
    until: datetime
    finished_at: datetime | None
    outcome: str
    text: str
    checks: list[Check]


class ChangeSummary(Model):
    id: str
    cluster: str
    action: str
    summary: str
    status: Status
    created_at: datetime
    created_by: str
    expires_at: datetime
    updated_at: datetime | None
    target: Target
    verdict: str
    level: Level
    reason: str
    channel: str
    playbook: str
    undo_of: str
    undone_by: str
    note: str


class Change(ChangeSummary):
    arguments: dict[str, Any]
    evidence: list[str]
    overrides: list[str]
    symptom: str
    digest: str
    operations: list[Operation]
    targets: list[Target]
    preview: Preview
    decision: Decision
    approvals: list[Approval]
    execution: Execution | None
    verification: ChangeVerification | None
    closed_by: str


class Changes(Model):
    items: list[ChangeSummary]
    next: str | None
    total: int | None
    gaps: list[Any]


class ActionInfo(Model):
    name: str
    title: str
    description: str
    kinds: list[str] = Field(description="What it can be asked for; `*`: any kind; none: not about one object.")
    arguments: dict[str, Any]


class Actions(Model):
    items: list[ActionInfo]
    next: str | None
    total: int | None
    gaps: list[Any]


class PlaybookInfo(Model):
    id: str
    name: str
    description: str
    parameters: dict[str, str]


class Playbooks(Model):
    items: list[PlaybookInfo]
    next: str | None
    total: int | None
    gaps: list[Any]


class Run(Model):
    id: str
    playbook: str
    name: str
    cluster: str
    arguments: dict[str, str]
    status: Status
    created_at: datetime
    created_by: str
    requirement: Requirement
    violations: list[str]
    note: str
    schedule: str
    steps: list[ChangeSummary]


class Runs(Model):
    items: list[Run]
    next: str | None
    total: int | None
    gaps: list[Any]


class Window(Model):
    days: list[str]
    start: str
    end: str
    timezone: str


class Schedule(Model):
    id: str
    name: str
    cluster: str
    namespaces: list[str]
    exclude: list[str]
    awake: Window
    in_force: bool
    enabled: bool
    state: str
    created_by: str
    signed_by: str
    last_run: str
    last_error: str


class Schedules(Model):
    items: list[Schedule]
    next: str | None
    total: int | None
    gaps: list[Any]


class Rule(Model):
    name: str
    text: str


class Policies(Model):
    policies: list[dict[str, Any]]
    environments: dict[str, list[str]]
    revision: int
    rules: list[Rule]


class Breaker(Model):
    cluster: str
    opened_at: datetime
    why: str


class Standing(Model):
    id: str
    rule: str
    action: str
    bounds: dict[str, Any]
    daily_budget: int
    signed_by: str
    signed_at: datetime
    expires_at: datetime
    window: Window | None


class Autonomy(Model):
    level: int
    levels: dict[str, str]
    scopes: list[dict[str, Any]]
    breakers: list[Breaker]
    standing: list[Standing]
    revision: int


class Notice(Model):
    id: str
    at: datetime
    severity: str
    title: str
    text: str
    cluster: str
    change: str


class Notices(Model):
    items: list[Notice]
    next: str | None
    total: int | None
    gaps: list[Any]
