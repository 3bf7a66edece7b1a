"""What a detector is given (a case) and what it answers (a finding)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from chalicelib.state.evidence import Evidence
from chalicelib.state.kinds.pod import ContainerStatus, Pod
from chalicelib.state.kinds.pod_spec import Container
from chalicelib.state.meta import Ref

# How much a finding's evidence decides by itself: the share of cases with such evidence in which it is right.
DECISIVE = 0.97  # the objects themselves prove it, or the component that failed says so in so many words
STRONG = 0.90  # one unambiguous piece of evidence
GOOD = 0.80  # several hints that agree, or one with a rare other reading
LIKELY = 0.65  # better than even; a look at more evidence is advised
WEAK = 0.42  # the symptom is certain, the cause is the most common one of several
HINT = 0.25  # one of several possible causes

UNKNOWN_ODDS = 1.0


@dataclass(frozen=True, slots=True)
class SymptomType:
    """A class of things that can be wrong now. Detectors name the one they explain."""

    name: str


@dataclass(frozen=True, slots=True)
class Case:
    """One live symptom. Replicas of one revision that show the same thing are one case.

    `subject` is the representative object, `members` are all that show it, `resource` is what the finding is about
    unless the detector blames something else.
    """

    type: SymptomType
    resource: Ref
    subject: Any
    ref: Ref
    text: str
    members: tuple[Ref, ...] = ()
    since: datetime | None = None
    container: str = ""
    workload: Any = None

    @property
    def pod(self) -> Pod:
        return cast(Pod, self.subject)

    @property
    def status(self) -> ContainerStatus:
        """Status of the container that shows the symptom; an empty one when the kubelet wrote none."""
        found = (s for s in self.pod.status.all_statuses if s.name == self.container)
        return next(found, ContainerStatus(name=self.container))

    @property
    def spec(self) -> Container:
        """The container that shows the symptom, as the pod declares it."""
        found = (c for c in self.pod.spec.all_containers if c.name == self.container)
        return next(found, Container(name=self.container))

    @property
    def where(self) -> str:
        """How people name the resource: `namespace/name`, or the name alone."""
        return f"{self.resource.namespace}/{self.resource.name}" if self.resource.namespace else self.resource.name


@dataclass(frozen=True, slots=True)
class Finding:
    """A possible cause of a case. `upstream` are objects whose own fault would account for all of it."""

    resource: Ref
    summary: str
    strength: float
    evidence: tuple[Evidence, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    chain: tuple[str, ...] = ()
    explains: tuple[Ref, ...] = ()
    upstream: tuple[Ref, ...] = ()
    missing: tuple[str, ...] = ()
    since: datetime | None = None
    critical: bool | None = None


def blame(
    resource: Ref,
    summary: str,
    *,
    because: Iterable[Evidence | None],
    strength: float = STRONG,
    chain: Iterable[str] = (),
    explains: Iterable[Ref] = (),
    upstream: Iterable[Ref] = (),
    missing: Iterable[str] = (),
    since: datetime | None = None,
    critical: bool | None = None,
    told: Mapping[str, Any] | None = None,
    **facts: Any,
) -> Finding:
    """A finding. Evidence that could not be had (None) is left out; `told` and further facts fill the remedy."""
    return Finding(
        resource,
        summary,
        strength,
        tuple(e for e in because if e is not None),
        {**(told or {}), **facts},
        tuple(chain),
        tuple(explains),
        tuple(upstream),
        tuple(missing),
        since,
        critical,
    )
