"""A change request: what is to be written, what it would do, who allowed it, what came of it.

One typed object for every mutation of a cluster. It is made from the request alone; nothing that a model says about a
change is read when it is classified.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from chalicelib.clusters.operations import Operation

Outcome = Literal["ok", "warn", "block", "unknown"]
Verdict = Literal["safe", "caution", "unsafe", "unknown"]
Level = Literal["low", "medium", "high", "critical"]
Method = Literal["simple", "impact", "typed"]
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
METHODS: tuple[Method, ...] = ("simple", "impact", "typed")
"""Ways to approve, the least demanding first."""
LEVELS: tuple[Level, ...] = ("low", "medium", "high", "critical")
OPEN: tuple[Status, ...] = ("pending", "approved", "executing", "verifying")
"""States that something may still follow."""
Json = dict[str, Any]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what a change consists of. Unknown fields are ignored: an older version reads what a newer one wrote."""


class Target(Part, frozen=True, kw_only=True):
    """One object as it was when the preview was made. `fingerprint` covers all but status and bookkeeping."""

    kind: str
    namespace: str
    name: str
    uid: str = ""
    resource_version: str = ""
    fingerprint: str = ""

    @property
    def where(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def __str__(self) -> str:
        return f"{self.kind} {self.where}"


class FieldChange(Part, frozen=True, kw_only=True):
    """One field that differs: `path` is a JSON pointer; `before` or `after` absent is None."""

    path: str
    before: Any = None
    after: Any = None


class ObjectDiff(Part, frozen=True, kw_only=True):
    target: Target
    how: Literal["created", "changed", "deleted", "evicted"]
    changes: tuple[FieldChange, ...] = ()
    omitted: int = 0
    """Field changes that did not fit."""


class Check(Part, frozen=True, kw_only=True):
    """One question that the preview asked, and its answer.

    block: the change is refused for it, unless it is `overridable` and the request overrides it by name.
    unknown: it could not be answered; a change with such a check is never called safe.
    """

    name: str
    outcome: Outcome
    text: str
    remedy: str = ""
    overridable: bool = False
    details: Json = {}


class Hit(Part, frozen=True, kw_only=True):
    """One object that the change affects, of `total` replicas, endpoints or backends `lost`."""

    kind: str
    namespace: str
    name: str
    how: Literal["direct", "indirect"]
    effect: str
    lost: int = 0
    total: int = 0


class BlastRadius(Part, frozen=True, kw_only=True):
    level: Level
    reasons: tuple[str, ...]
    hits: tuple[Hit, ...] = ()
    omitted: int = 0
    entry_points: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    """Volume claims whose reader stops."""
    pods: int = 0
    unavailable_at_once: int = 0


class UndoPlan(Part, frozen=True, kw_only=True):
    """Whether and how the change can be taken back. `losses` cannot be brought back by anybody."""

    possible: bool
    how: str
    losses: tuple[str, ...] = ()


class CostDelta(Part, frozen=True, kw_only=True):
    """Requested resources that the change adds (negative: frees), and what that is at list price.

    usd_per_month None: the nodes' prices are not known.
    """

    cpu_cores: float
    memory_gib: float
    usd_per_month: float | None = None
    note: str = ""


class Preview(Part, frozen=True, kw_only=True):
    """What the change would do, seen from the cluster at `as_of`."""

    as_of: datetime
    verdict: Verdict
    checks: tuple[Check, ...]
    diffs: tuple[ObjectDiff, ...]
    blast: BlastRadius
    undo: UndoPlan
    cost: CostDelta | None = None
    production: bool = True
    production_why: str = ""
    gaps: tuple[str, ...] = ()


class Violation(Part, frozen=True, kw_only=True):
    """A rule or policy that the change breaks."""

    rule: str
    text: str
    remedy: str = ""


class Requirement(Part, frozen=True, kw_only=True):
    """What an approval has to be. `phrase` is what has to be typed for the method `typed`."""

    method: Method
    phrase: str = ""
    second_person: bool = False
    admin: bool = False
    reasons: tuple[str, ...] = ()


class Decision(Part, frozen=True, kw_only=True):
    allowed: bool
    requirement: Requirement
    violations: tuple[Violation, ...] = ()


class Approval(Part, frozen=True, kw_only=True):
    """One person's yes, or that of a standing approval, bound by a signature to exactly one change."""

    user: str
    at: datetime
    method: Method
    expires_at: datetime
    nonce: str
    signature: str
    standing: str = ""
    """Id of the standing approval in whose name it was given; empty for a person."""


class OperationResult(Part, frozen=True, kw_only=True):
    """What came of one operation. `started_at` is stored before it is sent, the rest after."""

    index: int
    started_at: datetime
    finished_at: datetime | None = None
    outcome: Literal["started", "done", "already_done", "refused", "unknown"] = "started"
    message: str = ""
    resource_version: str = ""
    uid: str = ""


class Execution(Part, frozen=True, kw_only=True):
    started_at: datetime
    operations: tuple[OperationResult, ...] = ()
    finished_at: datetime | None = None
    error: str = ""
    preimages: tuple[str, ...] = ()
    """Object keys of the encrypted states from before, one for each operation; empty where there was none."""
    baseline: tuple[str, ...] = ()
    """Problems that were there before."""


class Verification(Part, frozen=True, kw_only=True):
    """Whether the change did what it was for. `until` is when waiting ends."""

    started_at: datetime
    until: datetime
    outcome: Literal["", "verified", "failed", "unclear"] = ""
    text: str = ""
    checks: tuple[Check, ...] = ()
    finished_at: datetime | None = None


class Change(Part, frozen=True, kw_only=True):
    """A change request with everything that happened to it. `digest` binds approvals to it."""

    id: str
    cluster: str
    action: str
    arguments: Json
    summary: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    operations: tuple[Operation, ...]
    targets: tuple[Target, ...]
    preview: Preview
    decision: Decision
    digest: str
    status: Status = "pending"
    reason: str = ""
    evidence: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    channel: str = "api"
    undo_of: str = ""
    playbook: str = ""
    symptom: str = ""
    """Id of the problem that the change shall end; verification looks for it again."""
    approvals: tuple[Approval, ...] = ()
    execution: Execution | None = None
    verification: Verification | None = None
    undone_by: str = ""
    closed_by: str = ""
    note: str = ""
    updated_at: datetime | None = None
    revision: int = 0

    @property
    def primary(self) -> Target:
        return self.targets[0]
