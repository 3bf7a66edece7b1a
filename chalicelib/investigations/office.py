"""What an investigation works with: the store, the clusters, the time, who is told, and on whose behalf it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from chalicelib.accounts.identity import Principal
from chalicelib.state.ids import TenantId
from chalicelib.store.facade import Store
from chalicelib.store.investigation_records import Investigation, InvestigationStep, Link, Trigger
from chalicelib.store.records import ResourceName
from chalicelib.tools.views import Views

Tell = Callable[[TenantId, InvestigationStep], None]


class Note(Protocol):
    """Writes one audit event. Raises when it cannot be kept: then what it is about is not done."""

    def __call__(
        self, principal: Principal, action: str, cluster: str, detail: Mapping[str, Any], *, id: str = ""
    ) -> None: ...


@dataclass(frozen=True)
class Office:
    """Surroundings of every investigation of a process.

    `principal_of` gives a user with the rights of now and raises Unauthenticated when there is none; `tell` shows a
    step to whoever follows and never raises for a reader who is gone; `random` gives bytes for new ids.
    """

    store: Store
    views: Views
    clock: Callable[[], datetime]
    random: Callable[[int], bytes]
    holder: str
    principal_of: Callable[[TenantId, str], Principal]
    note: Note
    tell: Tell
    pause: Callable[[float], None]


@dataclass(frozen=True)
class NewInvestigation:
    """What a person, a chat, a client or an alert asks to be found out.

    `cluster` is an id or name. `target` is an object, or what it is called (`deployment shop/checkout`). `scoped` says
    that only target and namespace tell where to look. `id` makes a start repeatable: a second one with the same id is
    the same session.
    """

    cluster: str
    question: str
    namespace: str = ""
    target: ResourceName | str | None = None
    scoped: bool = False
    template: str = ""
    trigger: Trigger = "person"
    links: tuple[Link, ...] = ()
    id: str = ""


@dataclass(slots=True)
class Budget:
    """How long a run may take. `remaining_s` counts down; below `margin_s` nothing new is begun."""

    remaining_s: Callable[[], float]
    margin_s: float = 60.0

    @property
    def spent(self) -> bool:
        return self.remaining_s() < self.margin_s


@dataclass(frozen=True, slots=True)
class Reading:
    """Which reading of a cluster a session judges, and an earlier one to compare it with."""

    key: str
    as_of: datetime
    note: str = ""
    previous: datetime | None = None


@dataclass(slots=True)
class Done:
    """What a step did. `result` is journalled for later steps, `changes` are fields of the session."""

    summary: str
    result: dict[str, Any] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    changes: dict[str, Any] = field(default_factory=dict)
    conclusion: Any = None


def running(investigation: Investigation) -> bool:
    return investigation.status in ("created", "investigating")
