"""Schedules that put development namespaces to sleep and wake them up, in the hours of a time zone.

A schedule is a standing approval for two playbooks in named namespaces: an administrator signs it once, and each run in
its name is previewed, judged by the rules and policies, and on record like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from chalicelib.accounts.identity import Principal, require
from chalicelib.errors import Conflict, InvalidRequest, KubiliticsError
from chalicelib.safety.approvals import APPROVE_HIGH
from chalicelib.safety.model import Json, Part
from chalicelib.safety.policies import Policies, Policy, Window, checked, open_at
from chalicelib.safety.runs import Runs
from chalicelib.safety.service import Safety
from chalicelib.state.ids import TenantId, new_id
from chalicelib.store.facade import Store
from chalicelib.store.records import ClusterRecord, Document

KIND = "schedule"
SLEEP, WAKE = "shut-down-namespace", "wake-namespace"


class Schedule(Part, frozen=True, kw_only=True):
    """Namespaces of a cluster that are awake only in a window. `signature` empty: proposed, not in force."""

    id: str
    name: str
    cluster: str
    namespaces: tuple[str, ...]
    awake: Window
    exclude: tuple[str, ...] = ()
    created_by: str = ""
    signed_by: str = ""
    signature: str = ""
    enabled: bool = True
    state: Literal["", "asleep", "awake"] = ""
    last_run: str = ""
    last_error: str = ""
    revision: int = 0

    @property
    def said(self) -> Json:
        """What the signature covers: everything that decides what is done, and nothing that moves."""
        return {
            "id": self.id, "cluster": self.cluster, "namespaces": list(self.namespaces),
            "awake": msgspec.to_builtins(self.awake), "exclude": list(self.exclude), "signed_by": self.signed_by,
        }  # fmt: skip


class Schedules:
    def __init__(self, safety: Safety, runs: Runs, store: Store) -> None:
        self._safety = safety
        self._runs = runs
        self._store = store

    def propose(
        self, principal: Principal, record: ClusterRecord, name: str, namespaces: Sequence[str], awake: Window,
        exclude: Sequence[str] = (),
    ) -> Schedule:  # fmt: skip
        """A schedule that is not in force yet. Raises InvalidRequest for hours or namespaces that make no sense."""
        require(principal, "changes:write")
        checked(Policies(policies=(Policy(id="window", name=name, window=awake),)))
        if not namespaces:
            raise InvalidRequest("A schedule names its namespaces.", code="invalid_arguments", remedy="Name them.")
        schedule = Schedule(
            id=new_id("sc", self._safety.random(16)), name=name, cluster=record.id, namespaces=tuple(namespaces),
            awake=awake, exclude=tuple(exclude), created_by=principal.user,
        )  # fmt: skip
        return self._keep(principal.tenant, principal.user, schedule)

    def approve(self, principal: Principal, schedule_id: str, phrase: str) -> Schedule:
        """Put a schedule in force by typing its name. Raises Forbidden, InvalidRequest `phrase_mismatch`."""
        require(principal, APPROVE_HIGH)
        schedule = self.get(principal, schedule_id)
        if phrase != schedule.name:
            raise InvalidRequest(
                "The typed confirmation does not match.", code="phrase_mismatch",
                remedy=f"Send `phrase: {schedule.name}`.", details={"phrase": schedule.name},
            )  # fmt: skip
        signed = msgspec.structs.replace(schedule, signed_by=principal.user)
        signature = self._safety.signer(principal.tenant).seal(signed.said)
        return self._keep(principal.tenant, principal.user, msgspec.structs.replace(signed, signature=signature))

    def get(self, principal: Principal, schedule: str) -> Schedule:
        """Raises NotFound `unknown_schedule`."""
        require(principal, "changes:read")
        return schedule_of(self._store.documents.get(principal.tenant, KIND, schedule))

    def all(self, tenant: TenantId) -> Sequence[Schedule]:
        return [schedule_of(one) for one in self._store.documents.list(tenant, KIND)]

    def enable(self, principal: Principal, schedule_id: str, enabled: bool) -> Schedule:
        """Pause a schedule, or let it go on."""
        require(principal, "changes:approve")
        schedule = self.get(principal, schedule_id)
        return self._keep(principal.tenant, principal.user, msgspec.structs.replace(schedule, enabled=enabled))

    def remove(self, principal: Principal, schedule_id: str) -> None:
        """Remove a schedule. What sleeps stays asleep: wake it by its playbook."""
        require(principal, "changes:approve")
        schedule = self.get(principal, schedule_id)
        self._store.documents.remove(principal.tenant, KIND, schedule.id)
        self._safety.say(principal.tenant, principal.user, "schedule.removed", schedule.cluster, {"id": schedule.id})

    def due(self, tenant: TenantId, now: datetime) -> list[Schedule]:
        """Schedules in force whose namespaces are not as they should be at `now`."""
        return [
            schedule
            for schedule in self.all(tenant)
            if schedule.enabled and schedule.signature and schedule.state != _wanted(schedule, now)
        ]

    def tick(self, tenant: TenantId, now: datetime) -> list[str]:
        """Start what is due; ids of the runs. A schedule that cannot run says why and is tried again."""
        started: list[str] = []
        for schedule in self.due(tenant, now):
            wanted = _wanted(schedule, now)
            if not self._safety.signer(tenant).sealed(schedule.said, schedule.signature):
                self._note(tenant, schedule, error="The schedule was changed after it was signed.")
                continue
            runs, errors = self._run(tenant, schedule, SLEEP if wanted == "asleep" else WAKE)
            started += runs
            self._note(tenant, schedule, state="" if errors else wanted, run=", ".join(runs), error="; ".join(errors))
        return started

    def _run(self, tenant: TenantId, schedule: Schedule, playbook: str) -> tuple[list[str], list[str]]:
        principal = Principal(tenant, "kubilitics", "Kubilitics", "operator")
        runs, errors = [], []
        for namespace in schedule.namespaces:
            arguments = {"namespace": namespace, "exclude": ",".join(schedule.exclude)}
            try:
                record = self._store.clusters.get(tenant, schedule.cluster)
                run = self._runs.create(principal, record, playbook, arguments, schedule=schedule.id)
                if run.status == "refused":
                    errors.append(f"{namespace}: {run.violations[0]}")
                    continue
                self._runs.say_yes(tenant, run, schedule.signed_by, run.requirement.method, standing=schedule.id)
                runs.append(run.id)
            except KubiliticsError as error:
                if error.code != "nothing_to_change":
                    errors.append(f"{namespace}: {error.message}")
        return runs, errors

    def _note(self, tenant: TenantId, schedule: Schedule, *, state: Any = "", run: str = "", error: str = "") -> None:
        changed = msgspec.structs.replace(
            schedule, state=state or schedule.state, last_run=run or schedule.last_run, last_error=error
        )
        if changed != schedule:
            self._keep(tenant, "kubilitics", changed)

    def _keep(self, tenant: TenantId, by: str, schedule: Schedule) -> Schedule:
        body: Json = msgspec.to_builtins(schedule)
        revision = body.pop("revision")
        document = Document(
            kind=KIND, id=schedule.id, updated_at=self._safety.now(), updated_by=by, body=body, revision=revision
        )
        try:
            stored = self._store.documents.put(tenant, document)
        except Conflict:
            raise Conflict(f"Schedule {schedule.name!r} was changed meanwhile.") from None
        detail = {"id": schedule.id, "in_force": bool(schedule.signature), "enabled": schedule.enabled}
        self._safety.say(tenant, by, "schedule.changed", schedule.cluster, detail)
        return schedule_of(stored)


def _wanted(schedule: Schedule, now: datetime) -> Literal["asleep", "awake"]:
    return "awake" if open_at(schedule.awake, now) else "asleep"


def schedule_of(document: Document) -> Schedule:
    return msgspec.convert({**document.body, "revision": document.revision}, Schedule)
