"""Clusters: connecting, checking, looking at the whole."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.api.models.base import Gap, Health, Level, ListQuery, Model, Problem, RequestModel, Severity

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f/]+$")]


class KubeconfigSource(RequestModel):
    type: Literal["kubeconfig"]
    kubeconfig: str = Field(min_length=1, max_length=262144)
    context: str | None = Field(None, max_length=500, description="Default: the kubeconfig's current-context.")


class TokenSource(RequestModel):
    type: Literal["token"]
    server: str = Field(min_length=1, max_length=2000)
    ca: str = Field("", max_length=65536, description="CA certificate, PEM or base64 of it. Empty: public CAs.")
    token: str = Field(min_length=1, max_length=65536)


class EksSource(RequestModel):
    type: Literal["eks"]
    role_arn: str = Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$", max_length=2048)
    external_id: str = Field(min_length=2, max_length=1224)
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    cluster: str = Field(min_length=1, max_length=100)


class RecordedSource(RequestModel):
    type: Literal["recorded"]


Source = Annotated[KubeconfigSource | TokenSource | EksSource | RecordedSource, Field(discriminator="type")]


class AddCluster(RequestModel):
    name: Name
    source: Source
    production: bool | None = Field(None, description="Default: judged by the name.")


class RenameCluster(RequestModel):
    name: Name | None = None
    production: bool | None = None


class Upload(Model):
    method: str
    url: str
    headers: dict[str, str]
    max_bytes: int


class ProblemCounts(Model):
    critical: int
    warning: int


class Cluster(Model):
    id: str
    name: str
    source: Literal["kubeconfig", "token", "eks", "recorded"]
    server: str
    status: Literal["pending", "ready", "unreachable", "error"]
    message: str
    as_of: datetime | None
    version: str
    production: bool
    created_at: datetime
    problems: ProblemCounts | None


class AddedCluster(Cluster):
    upload: Upload | None = None


class Clusters(Model):
    items: list[Cluster]
    next: str | None
    total: int | None
    gaps: list[Gap]


class Permission(Model):
    feature: str
    missing: list[str]


class CheckReport(Model):
    reachable: bool
    version: str
    latency_ms: float | None
    permissions: list[Permission]
    metrics: bool
    gaps: list[Gap]
    counts: dict[str, int] = {}
    message: str = ""
    cluster: Cluster


class NodeCounts(Model):
    ready: int
    total: int
    not_ready: list[str]


class PodCounts(Model):
    by_status: dict[str, int]
    total: int


class Capacity(Model):
    allocatable: float | None
    requested: float | None
    used: float | None


class UsageSummary(Model):
    cpu: Capacity
    memory: Capacity


class ProblemSummary(Model):
    total: int
    critical: int
    warning: int
    top: list[Problem]


class NamespaceSummary(Model):
    name: str
    pods: int
    problems: int
    health: Level


class WarningSummary(Model):
    reason: str
    count: int
    last: datetime | None
    example: str
    resource: str


class Overview(Model):
    cluster: Cluster
    as_of: datetime
    age_s: float
    version: str
    health: Health
    counts: dict[str, int]
    nodes: NodeCounts
    pods: PodCounts
    usage: UsageSummary
    outcome: str
    problems: ProblemSummary
    namespaces: list[NamespaceSummary]
    warnings: list[WarningSummary]
    gaps: list[Gap]


class FreshQuery(RequestModel):
    max_age: int | None = Field(None, ge=0, le=86400, description="Seconds; older data is refreshed first.")


class ProblemsQuery(ListQuery, FreshQuery):
    namespace: str | None = Field(None, max_length=253)
    severity: Severity | None = None
    min_probability: float = Field(0.0, ge=0, le=1)


class Problems(Model):
    items: list[Problem]
    next: str | None
    total: int | None
    gaps: list[Gap]
    outcome: str
    as_of: datetime


class DeleteClusterQuery(RequestModel):
    confirm: str | None = Field(None, description="The cluster's name, to show that the right one is meant.")


class Evidence(Model):
    id: str
    type: Literal["object", "event", "log", "metric", "absence"]
    resource: dict[str, str]
    uid: str = ""
    resource_version: str = ""
    pointer: str
    observed: Any = None
    expected: Any = None
    text: str
    at: datetime | None
    container: str = ""
    lines: list[tuple[int, str]] | None
    cluster: str


class EvidenceQuery(RequestModel):
    cluster: str | None = None
