"""Shapes that every route shares."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Level = Literal["ok", "progress", "warn", "crit", "unknown"]
Severity = Literal["critical", "warning", "info"]


class Model(BaseModel):
    """Base of answers: documented, not re-validated when sent."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class RequestModel(BaseModel):
    """Base of requests: unknown fields are refused, so that a typo is not silently ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, defer_build=True)


class ErrorBody(Model):
    code: str
    message: str
    remedy: str
    details: dict[str, Any]


class Error(Model):
    error: ErrorBody


class Gap(Model):
    """Something that could not be read. `kind` is `*` when it concerns the whole answer."""

    kind: str
    reason: Literal["forbidden", "timeout", "not_installed", "not_recorded", "error", "partial", "stale"]
    message: str = ""
    namespace: str = ""


class ResourceName(Model):
    kind: str
    namespace: str
    name: str


class Status(Model):
    level: Level
    word: str
    reason: str


class HealthFactor(Model):
    name: str
    score: float
    weight: float
    detail: str


class Health(Model):
    score: int | None
    level: Level
    factors: list[HealthFactor] = []


class ProposedChange(Model):
    """A change that would mend a cause. It is a proposal: nothing is changed by it."""

    action: Literal["scale", "restart", "rollback", "resize", "suspend", "cordon", "patch"]
    arguments: dict[str, Any]
    why: str


class Remedy(Model):
    text: str
    command: str | None = None
    change: ProposedChange | None = None


class Problem(Model):
    """A diagnosed cause: what is broken, how sure we are, and the evidence for it."""

    id: str
    resource: ResourceName
    mode: str
    title: str
    probability: float = Field(ge=0, le=1)
    severity: Severity
    summary: str
    evidence: list[str]
    since: datetime | None
    explains: list[ResourceName]
    remedy: Remedy
    missing: list[str]
    chain: list[str]


class ListQuery(RequestModel):
    limit: int = Field(100, ge=1, le=1000)
    cursor: str | None = Field(None, max_length=2000)
