"""The journal of one session: work is done once, written down, and only then built on.

Work is named by its kind, tool and arguments. What the journal has already is not done again, whether an earlier worker
wrote it or another hypothesis needed the same reading. A step and the session's new state are one transaction, so that
whoever lost the lease, or whose session was cancelled, cannot write.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chalicelib.errors import Conflict, KubiliticsError, Unavailable
from chalicelib.investigations.hold import Ended, Hold
from chalicelib.investigations.office import Budget, Done, Office, running
from chalicelib.state.ids import TenantId
from chalicelib.store.investigation_records import Investigation, InvestigationStep, StepKind
from chalicelib.store.keys import digest

MAX_LOST_RACES = 5
log = logging.getLogger(__name__)


class TimeIsUp(Exception):
    """Too little time is left for another step: the rest is for the next run."""


@dataclass
class Journal:
    """One run's view of a session and its steps."""

    office: Office
    tenant: TenantId
    session: Investigation
    budget: Budget
    hold: Hold
    steps: dict[str, InvestigationStep] = field(default_factory=dict)
    done_here: int = 0
    """Steps that this run has done itself."""

    def __post_init__(self) -> None:
        for step in self.office.store.investigations.steps(self.tenant, self.session.id):
            self.steps.setdefault(step.key, step)

    def once(
        self,
        kind: StepKind,
        title: str,
        do: Callable[[], Done],
        *,
        tool: str = "",
        arguments: Mapping[str, Any] | None = None,
        hypothesis: str = "",
    ) -> InvestigationStep:
        """The step of this work: from the journal, or done now and written before it is returned.

        A step that fails is written too, with its error. Raises Ended, TimeIsUp, and Unavailable when the store does
        not answer: then nothing was written.
        """
        given = dict(arguments or {})
        key = digest(kind, tool, canonical(given), hypothesis if not tool else "")[:32]
        known = self.steps.get(key)
        if known is not None:
            return known
        if self.budget.spent:
            raise TimeIsUp
        self.hold.check()
        self._still_wanted()
        began = self.office.clock()
        done, error = self._tried(title, do)
        step = InvestigationStep(
            n=0,
            investigation=self.session.id,
            kind=kind,
            title=title,
            key=key,
            started_at=began,
            ended_at=self.office.clock(),
            failed=error is not None,
            summary=done.summary,
            tool=tool,
            arguments=given,
            result_digest=hashlib.sha256(canonical(done.result).encode()).hexdigest()[:32] if tool else "",
            evidence=done.evidence,
            hypothesis=hypothesis,
            result=done.result,
            error=error,
        )
        if tool:
            self._note(step)
        return self._written(step, done)

    def _still_wanted(self) -> None:
        """A long step is not begun for a session that was cancelled meanwhile."""
        newest = self.office.store.investigations.find(self.tenant, self.session.id)
        if newest is None or not running(newest) or newest.steps != self.session.steps:
            raise Ended
        self.session = newest

    def _tried(self, title: str, do: Callable[[], Done]) -> tuple[Done, dict[str, Any] | None]:
        try:
            return do(), None
        except Unavailable:
            raise
        except KubiliticsError as failure:
            return Done(f"{failure.message} {failure.remedy}"), failure.as_dict()["error"]
        except (Ended, TimeIsUp):
            raise
        except Exception as failure:
            log.exception("step failed: %s", title)
            error = KubiliticsError(f"This step failed on our side ({type(failure).__name__}).")
            return Done(error.message), error.as_dict()["error"]

    def _note(self, step: InvestigationStep) -> None:
        """Tool calls are audited like anybody's; the event's id follows from the work, so that it is there once."""
        principal = self.office.principal_of(self.tenant, self.session.creator)
        outcome = step.error["code"] if step.error else "ok"
        self.office.note(
            principal,
            "tool.call",
            self.session.cluster,
            {"tool": step.tool, "outcome": outcome, "investigation": self.session.id},
            id=f"au_{digest(self.session.id, step.key)[:26]}",
        )

    def _written(self, step: InvestigationStep, done: Done) -> InvestigationStep:
        for _ in range(MAX_LOST_RACES):
            numbered = msgspec.structs.replace(step, n=self.session.steps + 1)
            changed = msgspec.structs.replace(
                self.session,
                **{
                    "status": "investigating",
                    "updated_at": step.ended_at,
                    "failed_steps": self.session.failed_steps + step.failed,
                    **done.changes,
                },
            )
            try:
                self.session = self.office.store.investigations.commit(self.tenant, changed, numbered, done.conclusion)
            except Conflict:
                self._still_wanted()
                continue
            # As it will be read back, so that a later step sees the same in this run and in the next.
            stored = msgspec.json.decode(msgspec.json.encode(numbered), type=InvestigationStep)
            self.steps[step.key] = stored
            self.done_here += 1
            self.office.tell(self.tenant, stored)
            return stored
        raise Unavailable("The investigation changes faster than it can be written.", code="investigation_busy")


def canonical(value: Any) -> str:
    """JSON with sorted keys: the same value is the same text."""
    return msgspec.json.encode(value, order="sorted").decode()
