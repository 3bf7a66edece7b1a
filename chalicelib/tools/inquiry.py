"""What tools ask of investigations: the port that the room of investigations stands behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from chalicelib.accounts.identity import Principal
from chalicelib.state.evidence import Evidence
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Gap
from chalicelib.store.investigation_records import Trigger

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Something to be found out about a cluster (its id), at most for `wait_s` seconds of the caller's time.

    `scoped`: target and namespace say where to look, and the question names nothing.
    """

    cluster: str
    question: str
    template: str
    namespace: str = ""
    target: Ref | None = None
    scoped: bool = False
    wait_s: float = 20.0
    trigger: Trigger = "person"


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known by now. `id` is empty when nothing was kept; then `unkept` says why."""

    id: str
    status: str
    outcome: str
    message: str
    scope: str = ""
    hypotheses: Sequence[Row] = ()
    remedy: Row | None = None
    steps: Sequence[Row] = ()
    alike: Sequence[Row] = ()
    evidence: Sequence[Evidence] = ()
    gaps: Sequence[Gap] = field(default_factory=list)
    unkept: str = ""

    @property
    def running(self) -> bool:
        return self.status in ("created", "investigating")


class Investigator(Protocol):
    """Starts investigations for callers, and tells what they found."""

    def examine(self, principal: Principal, inquiry: Inquiry) -> Examined:
        """Investigate, within the caller's time. What takes longer goes on and is read by its id."""
        ...

    def told(self, principal: Principal, investigation: str) -> Examined:
        """What an investigation has found by now. Raises Forbidden, NotFound `unknown_investigation`."""
        ...

    def plan_look(
        self, principal: Principal, investigation: str, after: timedelta, every: timedelta | None, times: int
    ) -> datetime:
        """Plan looks at whether a cause is still there; when the first one is due.

        Raises InvalidRequest, Forbidden, NotFound, Conflict `not_concluded`.
        """
        ...
