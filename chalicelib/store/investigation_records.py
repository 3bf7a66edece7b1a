"""What is stored of an investigation: the session, its steps, its conclusion, and the links that share its report."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from chalicelib.state.structs import ready
from chalicelib.store.records import Json, Record, ResourceName, Severity

SessionStatus = Literal["created", "investigating", "concluded", "cancelled", "archived"]
SessionOutcome = Literal[
    "",
    "problems",
    "several_independent_faults",
    "no_fault",
    "object_not_found",
    "insufficient_permission",
    "not_examined",
]
"""Empty while the session runs; `not_examined` when the cluster could not be read at all."""
Trigger = Literal["person", "chat", "mcp", "alert", "schedule"]
StepKind = Literal[
    "reading",
    "scope",
    "symptoms",
    "proposal",
    "test",
    "verdict",
    "conclusion",
    "comparison",
    "cancellation",
    "recheck",
]
HypothesisStatus = Literal["proposed", "supported", "refuted"]
Verdict = Literal["right", "wrong", "partly"]
Resolution = Literal["", "open", "resolved", "reopened"]
RecheckResult = Literal["gone", "still_there", "changed", "not_checked"]

RUNNING: tuple[SessionStatus, ...] = ("created", "investigating")


class Cause(Record, frozen=True, kw_only=True):
    """The most probable cause, as lists show it. Below 0.5 only the symptom is claimed."""

    resource: ResourceName
    mode: str
    title: str
    probability: float
    severity: Severity
    summary: str


class SnapshotMark(Record, frozen=True, kw_only=True):
    """Which reading of the cluster a session judged: its object key, when it was taken, and what release answered."""

    key: str
    as_of: datetime
    recorded: bool = False
    version: str = ""


class Signature(Record, frozen=True, kw_only=True):
    """What makes two incidents alike, without names that are made up anew each time."""

    hash: str
    mode: str
    kind: str
    shape: str
    symptoms: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()


class Feedback(Record, frozen=True, kw_only=True):
    """What a person says of the conclusion; `cause`, `mode` and `resource` say what it really was."""

    verdict: Verdict
    by: str
    at: datetime
    cause: str = ""
    mode: str = ""
    resource: ResourceName | None = None


class Recheck(Record, frozen=True, kw_only=True):
    """One look at whether the cause is still there."""

    at: datetime
    result: RecheckResult
    text: str


class FollowUp(Record, frozen=True, kw_only=True):
    """When the cause is looked at again. `due` None: no more looks are planned."""

    due: datetime | None
    by: str
    every_s: int = 0
    left: int = 0
    """Looks that are still to be made, the due one included."""
    rechecks: tuple[Recheck, ...] = ()


class Link(Record, frozen=True, kw_only=True):
    """What an investigation belongs to: a conversation, an alert, another investigation."""

    type: Literal["conversation", "alert", "investigation", "incident"]
    id: str


class Investigation(Record, frozen=True, kw_only=True):
    """One session. Small: lists and searches read many of them; what it found in full is its Conclusion.

    `steps` is the number of the newest step. `namespace` and `target` narrow it; both empty: the whole cluster. Unless
    it is `scoped`, objects that the question names narrow it too.
    """

    id: str
    cluster: str
    cluster_name: str
    question: str
    creator: str
    trigger: Trigger
    created_at: datetime
    updated_at: datetime
    namespace: str = ""
    target: ResourceName | None = None
    scoped: bool = False
    template: str = ""
    status: SessionStatus = "created"
    outcome: SessionOutcome = ""
    message: str = ""
    concluded_at: datetime | None = None
    steps: int = 0
    failed_steps: int = 0
    cause: Cause | None = None
    causes: int = 0
    resolution: Resolution = ""
    snapshot: SnapshotMark | None = None
    signature: Signature | None = None
    feedback: Feedback | None = None
    follow_up: FollowUp | None = None
    links: tuple[Link, ...] = ()
    revision: int = 0


class InvestigationStep(Record, frozen=True, kw_only=True):
    """One journalled step. `n` counts from 1 without holes and is the sequence number of its frame.

    `result` is what later steps build on: a worker that starts again reads it here instead of doing the step again.
    `key` names the work (kind, tool and arguments), so that the same work is never done twice in a session.
    """

    n: int
    investigation: str
    kind: StepKind
    title: str
    key: str
    started_at: datetime
    ended_at: datetime
    failed: bool = False
    summary: str = ""
    tool: str = ""
    arguments: Json = {}
    result_digest: str = ""
    evidence: tuple[str, ...] = ()
    hypothesis: str = ""
    result: Json = {}
    error: Json | None = None


class StoredHypothesis(Record, frozen=True, kw_only=True):
    """A cause that was proposed and tested: (resource, mode), with the evidence for it and against it by id."""

    id: str
    resource: ResourceName
    mode: str
    title: str
    status: HypothesisStatus
    probability: float
    severity: Severity
    summary: str
    why: str = ""
    supporting: tuple[str, ...] = ()
    contradicting: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    explains: tuple[ResourceName, ...] = ()
    since: datetime | None = None
    remedy: str = ""
    command: str = ""
    change: Json | None = None
    """The change that would mend it, as {action, arguments, why}, where the fix is mechanical."""


class Alike(Record, frozen=True, kw_only=True):
    """An earlier investigation that this one resembles, why, and what ended that one."""

    investigation: str
    cluster_name: str
    concluded_at: datetime
    similarity: float
    reasons: tuple[str, ...]
    cause: str
    solved_by: str = ""


class SeenSymptom(Record, frozen=True, kw_only=True):
    type: str
    resource: ResourceName
    text: str
    count: int = 1
    since: datetime | None = None


class KeptGap(Record, frozen=True, kw_only=True):
    kind: str
    reason: str
    message: str = ""
    namespace: str = ""


class Conclusion(Record, frozen=True, kw_only=True):
    """All that a session found. `evidence` holds the ids that it cites; their slices live as long as the session."""

    outcome: SessionOutcome
    message: str
    hypotheses: tuple[StoredHypothesis, ...] = ()
    symptoms: tuple[SeenSymptom, ...] = ()
    nearest: tuple[ResourceName, ...] = ()
    alike: tuple[Alike, ...] = ()
    gaps: tuple[KeptGap, ...] = ()
    evidence: tuple[str, ...] = ()
    outside: int = 0
    """Problems of the scope that the template leaves aside."""


class Share(Record, frozen=True, kw_only=True):
    """A link that shows one report without sign-in; its text is known only by its SHA-256."""

    hash: str
    id: str
    investigation: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    revision: int = 0


ready(*Record.__subclasses__())
