"""Investigations: sessions, steps, hypotheses, reports and the links that share them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from chalicelib.api.models.base import (
    ErrorBody,
    Gap,
    ListQuery,
    Model,
    ProposedChange,
    RequestModel,
    ResourceName,
    Severity,
)

Status = Literal["created", "investigating", "concluded", "cancelled", "archived"]
Outcome = Literal[
    "", "problems", "several_independent_faults", "no_fault", "object_not_found", "insufficient_permission",
    "not_examined",
]  # fmt: skip
Resolution = Literal["", "open", "resolved", "reopened"]
Trigger = Literal["person", "chat", "mcp", "alert", "schedule"]
Verdict = Literal["right", "wrong", "partly"]
StepKind = Literal[
    "reading", "scope", "symptoms", "proposal", "test", "verdict", "conclusion", "comparison", "cancellation", "recheck"
]
Format = Literal["json", "markdown", "html"]
NAME = r"^[^\x00-\x1f\x7f]*$"


class InvestigationTarget(RequestModel):
    """An object. `namespace` is left out for cluster-scoped kinds, or where only one has the name."""

    kind: str = Field("", max_length=100, pattern=NAME)
    namespace: str = Field("", max_length=253, pattern=NAME)
    name: str = Field(min_length=1, max_length=253, pattern=NAME)


class NewInvestigation(RequestModel):
    cluster: str = Field(min_length=1, max_length=200, pattern=NAME, description="Id or name.")
    question: str = Field(min_length=1, max_length=2000)
    namespace: str = Field("", max_length=63, pattern=NAME)
    target: InvestigationTarget | str | None = Field(None, description="An object, or `deployment shop/checkout`.")
    template: str = Field("", max_length=60, description="See `/investigation-templates`; chosen when empty.")


class FoundCause(Model):
    resource: ResourceName
    mode: str
    title: str
    probability: float = Field(ge=0, le=1)
    severity: Severity
    summary: str


class FollowUpLook(Model):
    at: datetime
    result: Literal["gone", "still_there", "changed", "not_checked"]
    text: str


class FollowUp(Model):
    due: datetime | None
    by: str
    every_s: int
    left: int
    rechecks: list[FollowUpLook]


class InvestigationFeedback(Model):
    verdict: Verdict
    by: str
    at: datetime
    cause: str
    mode: str
    resource: ResourceName | None


class InvestigationLink(Model):
    type: Literal["conversation", "alert", "investigation", "incident"]
    id: str


class InvestigationSummary(Model):
    """An investigation as lists show it."""

    id: str
    status: Status
    outcome: Outcome
    question: str
    cluster: str
    cluster_name: str
    namespace: str
    target: ResourceName | None
    template: str
    creator: str
    trigger: Trigger
    message: str
    cause: FoundCause | None
    causes: int
    resolution: Resolution
    steps_done: int
    failed_steps: int
    created_at: datetime
    updated_at: datetime
    concluded_at: datetime | None


class Investigations(Model):
    items: list[InvestigationSummary]
    next: str | None
    total: int | None
    gaps: list[Gap]


class InvestigationsQuery(ListQuery):
    q: str = Field("", max_length=200, description="Words that all occur in the question, the cause or the conclusion.")
    cluster: str = Field("", max_length=200)
    namespace: str = Field("", max_length=63)
    resource: str = Field("", max_length=400, description="A name, or kind/namespace/name in part.")
    mode: str = Field("", max_length=80)
    outcome: Outcome = ""
    status: Literal["", "created", "investigating", "concluded", "cancelled", "archived"] = ""
    resolution: Resolution = ""
    trigger: Literal["", "person", "chat", "mcp", "alert", "schedule"] = ""
    creator: str = Field("", max_length=100)
    since: datetime | None = Field(None, description="Created then or later.")
    until: datetime | None = Field(None, description="Created before.")
    archived: bool = Field(False, description="Archived ones too.")


class HypothesisRemedy(Model):
    text: str
    command: str | None
    change: ProposedChange | None


class Hypothesis(Model):
    """A cause that was proposed and tested. `for` and `against` are evidence ids."""

    id: str
    resource: ResourceName
    mode: str
    title: str
    status: Literal["proposed", "supported", "refuted"]
    probability: float = Field(ge=0, le=1)
    severity: Severity
    summary: str
    why: str
    for_: list[str] = Field(alias="for")
    against: list[str]
    missing: list[str]
    chain: list[str]
    explains: list[ResourceName]
    since: datetime | None
    remedy: HypothesisRemedy


class InvestigationStep(Model):
    """One journalled step. `n` is its sequence number; `hypotheses` are those that it proposes or settles."""

    n: int
    kind: StepKind
    title: str
    failed: bool
    summary: str
    tool: str
    evidence: list[str]
    hypothesis: str
    started_at: datetime
    ended_at: datetime
    hypotheses: list[Hypothesis]
    error: ErrorBody | None


class ObservedSymptom(Model):
    type: str
    resource: ResourceName
    text: str
    count: int
    since: datetime | None


class SimilarInvestigation(Model):
    investigation: str
    cluster_name: str
    concluded_at: datetime
    similarity: float = Field(ge=0, le=1)
    reasons: list[str]
    cause: str
    solved_by: str


class ReportGap(Model):
    """What could not be read; `kind` may be a tool, and `reason` an error's code."""

    kind: str
    reason: str
    message: str
    namespace: str


class JudgedSnapshot(Model):
    """The reading of the cluster that was judged, and whether it is still kept."""

    as_of: datetime
    recorded: bool
    kept: bool


class Investigation(InvestigationSummary):
    hypotheses: list[Hypothesis]
    remedy: HypothesisRemedy | None
    steps: list[InvestigationStep]
    symptoms: list[ObservedSymptom]
    nearest: list[ResourceName]
    similar: list[SimilarInvestigation]
    gaps: list[ReportGap]
    outside_of_template: int
    snapshot: JudgedSnapshot | None
    feedback: InvestigationFeedback | None
    follow_up: FollowUp | None
    links: list[InvestigationLink]


class InvestigationAccepted(Model):
    id: str
    status: Status


class StepsQuery(RequestModel):
    after: int = Field(0, ge=0)
    limit: int = Field(500, ge=1, le=1000)


class InvestigationSteps(Model):
    items: list[InvestigationStep]
    status: Status
    done: bool


class NewInvestigationFeedback(RequestModel):
    verdict: Verdict
    cause: str = Field("", max_length=2000, description="What it really was.")
    mode: str = Field("", max_length=80, description="The failure mode that it really was.")
    resource: InvestigationTarget | None = None


class NewFollowUp(RequestModel):
    after: str = Field("30m", max_length=20, description="A span: 10m, 2h, 1d.")
    every: str = Field("", max_length=20, description="A span between looks; needed for more than one.")
    times: int = Field(1, ge=1, le=50)


class ReportQuery(RequestModel):
    format: Format = "json"


class InvestigationReport(Model):
    """A report as JSON: the same content as its Markdown and HTML."""

    id: str
    question: str
    cluster: str
    version: str = Field(description="What the cluster says it runs; a simulated one ends in -sim.")
    namespace: str
    target: ResourceName | None
    template: str
    status: Status
    outcome: Outcome
    message: str
    resolution: Resolution
    created_at: datetime
    concluded_at: datetime | None
    as_of: datetime | None
    hypotheses: list[dict[str, Any]]
    symptoms: list[ObservedSymptom]
    nearest: list[ResourceName]
    similar: list[SimilarInvestigation]
    gaps: list[ReportGap]
    outside_of_template: int
    steps: list[dict[str, Any]]
    feedback: InvestigationFeedback | None
    follow_up: FollowUp | None
    evidence: dict[str, dict[str, Any]]


class NewReportShare(RequestModel):
    expires_in: str = Field("7d", max_length=20, description="A span between 5m and 30d.")


class ReportShare(Model):
    id: str
    created_by: str
    created_at: datetime
    expires_at: datetime


class CreatedReportShare(ReportShare):
    path: str = Field(description="The link's path on this host, shown this once: only its hash is kept.")


class ReportShares(Model):
    items: list[ReportShare]
    next: str | None
    total: int | None
    gaps: list[Gap]


class SharedReportQuery(RequestModel):
    format: Format = "html"


class InvestigationTemplate(Model):
    id: str
    title: str
    about: str


class InvestigationTemplates(Model):
    items: list[InvestigationTemplate]
    next: str | None
    total: int | None
    gaps: list[Gap]


class JudgedCase(Model):
    investigation: str
    mode: str
    kind: str
    probability: float
    verdict: Verdict
    true_mode: str
    true_cause: str


class FeedbackExport(Model):
    """Stated probabilities and whether they were right, by investigation: what a calibration is fitted on."""

    claims: dict[str, list[tuple[float, int]]]
    cases: list[JudgedCase]


class StepFrame(Model):
    """What the WebSocket sends of an investigation that is followed."""

    seq: int
    investigation: str
    t: Literal["step"]
    step: InvestigationStep
    ends: bool
