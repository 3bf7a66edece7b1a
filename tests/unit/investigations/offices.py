"""An office over the in-memory store and given readings, with the means to end a worker at any moment."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.accounts.identity import Principal
from chalicelib.errors import Unauthenticated
from chalicelib.investigations.desk import Desk
from chalicelib.investigations.office import Budget, NewInvestigation, Office
from chalicelib.investigations.runner import Ending, run
from chalicelib.state.ids import TenantId
from chalicelib.state.snapshot import LogKey, Snapshot
from chalicelib.store.investigation_records import Conclusion, Investigation, InvestigationStep
from chalicelib.store.memory import memory_store
from chalicelib.tools.views import ClusterView
from tests.unit.rootcause.builders import NOW, Cluster
from tests.unit.tools.recorded_views import TENANT, RecordedViews, a_principal, a_view

ADA = a_principal("operator")
ALWAYS = Budget(lambda: 1e9)
CLUSTER = "cl_test"


class Killed(BaseException):
    """The worker ends here, as by `kill -9`: nothing after it is done, no handler of errors runs."""


@dataclass
class Logs:
    """A cluster to read logs from; counts what is read."""

    texts: dict[LogKey, str] = field(default_factory=dict)
    read: list[LogKey] = field(default_factory=list)

    def logs(self, namespace: str, pod: str, container: str, *, previous: bool = False, **limits: Any) -> str:
        key = LogKey(namespace, pod, container, previous)
        self.read.append(key)
        return self.texts.get(key, "")


@dataclass
class World:
    """One installation: its office, and what happened in it."""

    office: Office
    views: RecordedViews
    logs: Logs
    now: datetime = NOW
    noted: list[dict[str, Any]] = field(default_factory=list)
    told: list[InvestigationStep] = field(default_factory=list)
    users: set[str] = field(default_factory=lambda: {ADA.user})

    @property
    def desk(self) -> Desk:
        return Desk(self.office)

    @property
    def store(self) -> Any:
        return self.office.store

    def read_again(self, cluster: Cluster, minutes: float) -> None:
        """The cluster changed, and time went on."""
        self.now += timedelta(minutes=minutes)
        self.views.readings["test"].append(a_view(_at(cluster.snapshot(), self.now), "test"))

    def start(self, question: str = "what is wrong?", **wanted: Any) -> Investigation:
        return self.desk.start(ADA, NewInvestigation(cluster=CLUSTER, question=question, **wanted))

    def run(self, session: Investigation, budget: Budget = ALWAYS) -> Ending:
        return run(self.office, TENANT, session.id, budget)

    def investigate(self, question: str = "what is wrong?", **wanted: Any) -> Investigation:
        """Start a session and run it to its end."""
        session = self.start(question, **wanted)
        assert self.run(session) == "settled"
        self.queued()
        return self.session(session)

    def session(self, session: Investigation) -> Investigation:
        return self.store.investigations.get(TENANT, session.id)

    def steps(self, session: Investigation) -> Sequence[InvestigationStep]:
        return self.store.investigations.steps(TENANT, session.id)

    def conclusion(self, session: Investigation) -> Conclusion:
        found = self.store.investigations.conclusion(TENANT, session.id)
        assert found is not None
        return found

    def queued(self) -> list[dict[str, Any]]:
        found = []
        while messages := self.store.queue.receive(10):
            for message in messages:
                found.append(message.body)
                self.store.queue.ack(message)
        return found


def a_world(cluster: Cluster | None = None, **readings: ClusterView) -> World:
    """An installation with one connected cluster, `test`."""
    made: list[World] = []
    numbers = itertools.count(1)
    held = {name: [view] for name, view in readings.items()}
    if cluster is not None:
        held["test"] = [a_view(cluster.snapshot(), "test")]
    logs = Logs(dict(cluster.logs) if cluster else {})
    views = RecordedViews(held, sources=dict.fromkeys(held, logs))

    def principal_of(tenant: TenantId, user: str) -> Principal:
        if user not in made[0].users:
            raise Unauthenticated("The user who asked was removed.", code="unknown_user")
        return ADA

    def note(principal: Principal, action: str, cluster: str, detail: Any, *, id: str = "") -> None:
        made[0].noted.append({"action": action, "id": id, **detail})

    office = Office(
        store=memory_store(clock=lambda: made[0].now.timestamp()),
        views=views,
        clock=lambda: made[0].now,
        # Counted, so that ids and bytes repeat from run to run.
        random=lambda size: next(numbers).to_bytes(size, "big"),
        holder="test",
        principal_of=principal_of,
        note=note,
        tell=lambda tenant, step: made[0].told.append(step),
        pause=lambda seconds: None,
    )
    made.append(World(office, views, logs))
    return made[0]


def ending_at(world: World, commit: int, *, after: bool) -> Office:
    """The office of a worker that is killed at its n-th commit: just before it is written, or just after."""
    counted = itertools.count(1)
    store = world.office.store
    written = store.investigations.commit

    def commit_or_die(*arguments: Any) -> Investigation:
        dies = next(counted) == commit
        if dies and not after:
            raise Killed
        stored = written(*arguments)
        if dies:
            raise Killed
        return stored

    dying = _Dying(store.investigations, commit_or_die)
    return replace(world.office, store=replace(store, investigations=dying))  # type: ignore[arg-type]


class _Dying:
    def __init__(self, repository: Any, commit: Callable[..., Any]) -> None:
        self._repository = repository
        self.commit = commit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._repository, name)


def step_by_step(steps: int = 1) -> Budget:
    """A budget that is spent after some steps."""
    left = itertools.chain([1e9] * steps, itertools.repeat(0.0))
    return Budget(lambda: next(left))


def _at(snapshot: Snapshot, moment: datetime) -> Snapshot:
    return snapshot.replace(taken_at=moment)
