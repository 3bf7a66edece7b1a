"""Runs of playbooks: planned and previewed whole, approved once, executed step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.accounts.identity import Principal, require
from chalicelib.errors import Conflict, InvalidRequest
from chalicelib.safety.actions.registry import find_action
from chalicelib.safety.approvals import APPROVE, APPROVE_HIGH, VALID_FOR
from chalicelib.safety.model import METHODS, Change, Json, Method, Part, Requirement, Status
from chalicelib.safety.playbooks import Playbook, find_playbook, planned
from chalicelib.safety.scene import Scene
from chalicelib.safety.service import Safety, change_of
from chalicelib.state.ids import TenantId, new_id
from chalicelib.store.facade import Store
from chalicelib.store.records import ClusterRecord, Document

KIND = "run"
LONGEST = timedelta(hours=6)


class Run(Part, frozen=True, kw_only=True):
    """One run of a playbook. Its steps are change requests of their own, bound to it."""

    id: str
    playbook: str
    name: str
    cluster: str
    arguments: dict[str, str]
    changes: tuple[str, ...]
    created_at: datetime
    created_by: str
    requirement: Requirement
    status: Status = "pending"
    violations: tuple[str, ...] = ()
    note: str = ""
    schedule: str = ""
    revision: int = 0


class Runs:
    """Makes, approves and advances runs."""

    def __init__(self, safety: Safety, store: Store) -> None:
        self._safety = safety
        self._store = store

    def create(
        self, principal: Principal, record: ClusterRecord, playbook: str, arguments: Mapping[str, str],
        *, schedule: str = "",
    ) -> Run:  # fmt: skip
        """A run with every step previewed on the state that the steps before it would leave. Nothing is changed."""
        require(principal, "changes:write")
        book = find_playbook(playbook)
        scene = self._safety.scene(principal.tenant, record, str(arguments.get("namespace", "")))
        identity = new_id("run", self._safety.random(16))
        changes = self._prepared(principal, scene, book, arguments, identity)
        broken = [f"{change.summary}: {one.text}" for change in changes for one in change.decision.violations]
        for change in changes:
            self._safety.ask(principal.tenant, change)
        run = Run(
            id=identity, playbook=book.id, name=book.name, cluster=record.id, arguments=dict(arguments),
            changes=tuple(change.id for change in changes), created_at=scene.now, created_by=principal.user,
            requirement=strictest(book, changes, arguments), status="refused" if broken else "pending",
            violations=tuple(broken), schedule=schedule,
        )  # fmt: skip
        if broken:
            self._close_steps(principal.tenant, run, "refused")
        return self._keep(principal.tenant, principal.user, run)

    def _prepared(
        self, principal: Principal, scene: Scene, book: Playbook, arguments: Mapping[str, str], identity: str
    ) -> list[Change]:
        """The steps as change requests, each seeing what the ones before it would have done."""
        found: list[Change] = []
        for step in planned(book, arguments, scene):
            entry = find_action(step.action)
            args = entry.parse(step.arguments)
            try:
                draft = entry.draft(args, scene)
            except InvalidRequest as error:
                if error.code == "nothing_to_change":
                    continue
                raise
            change, proposal = self._safety.prepared(
                principal, scene.record, scene, step.action, args.model_dump(), draft,
                reason=f"step of {book.name}", channel="playbook", playbook=identity,
            )  # fmt: skip
            found.append(change)
            for effect in proposal.effects:
                if effect.after is not None:
                    scene.assume(effect.ref.kind, effect.after)
        if not found:
            raise InvalidRequest(
                f"{book.name}: there is nothing to do.", code="nothing_to_change", remedy="It is as it should be."
            )
        return found

    def get(self, principal: Principal, run: str) -> Run:
        """Raises NotFound `unknown_run`."""
        require(principal, "changes:read")
        return run_of(self._store.documents.get(principal.tenant, KIND, run))

    def list(self, principal: Principal) -> Sequence[Run]:
        """Runs, newest first."""
        require(principal, "changes:read")
        found = [run_of(one) for one in self._store.documents.list(principal.tenant, KIND)]
        return sorted(found, key=lambda run: (run.created_at, run.id), reverse=True)

    def approve(self, principal: Principal, run_id: str, method: Method, phrase: str = "") -> Run:
        """One yes for every step of a run. Raises as the approval of a change does."""
        run = self.get(principal, run_id)
        if run.status != "pending":
            raise Conflict(f"Run {run.id} is {run.status}.", code=f"change_{run.status}")
        require(principal, APPROVE)
        needed = run.requirement
        if needed.admin:
            require(principal, APPROVE_HIGH)
        if METHODS.index(method) < METHODS.index(needed.method) or (
            needed.method == "typed" and phrase != needed.phrase
        ):
            raise InvalidRequest(
                f"This run needs the approval `{needed.method}`.", code="approval_too_weak",
                remedy=f"Send `method: {needed.method}`"
                + (f" and `phrase: {needed.phrase}`." if needed.phrase else "."),
                details={"required": needed.method, "phrase": needed.phrase},
            )  # fmt: skip
        if needed.second_person and run.created_by == principal.user:
            raise Conflict("A second person has to approve this run.", code="second_person", remedy="Ask a colleague.")
        return self.say_yes(principal.tenant, run, principal.user, method)

    def say_yes(self, tenant: TenantId, run: Run, user: str, method: Method, *, standing: str = "") -> Run:
        """Sign every step, and begin with the first."""
        valid_for = min(LONGEST, VALID_FOR * max(len(run.changes), 1))
        for number, change_id in enumerate(run.changes):
            change = self._step(tenant, change_id)
            self._safety.say_yes(
                tenant, change, user, method, standing=standing, valid_for=valid_for, now_queue=number == 0
            )
        return self._keep(tenant, user, msgspec.structs.replace(run, status="executing"))

    def reject(self, principal: Principal, run_id: str, status: Status = "rejected") -> Run:
        """Close a run that has not begun, or stop one after the step that it is at."""
        require(principal, APPROVE if status == "rejected" else "changes:write")
        run = self.get(principal, run_id)
        if run.status not in ("pending", "executing"):
            raise Conflict(f"Run {run.id} is {run.status}.", code=f"change_{run.status}")
        self._close_steps(principal.tenant, run, status)
        return self._keep(principal.tenant, principal.user, msgspec.structs.replace(run, status=status))

    def is_next(self, tenant: TenantId, change: Change) -> bool:
        """Whether a change may begin: it is no step of a run, or every step before it has succeeded."""
        if not change.playbook:
            return True
        found = self._store.documents.find(tenant, KIND, change.playbook)
        run = run_of(found) if found else None
        if run is None or run.status != "executing" or change.id not in run.changes:
            return False
        earlier = run.changes[: run.changes.index(change.id)]
        return all(self._step(tenant, one).status == "succeeded" for one in earlier)

    def ended(self, tenant: TenantId, change: Change) -> None:
        """A step is over: go on with the next, or end the run with it."""
        if not change.playbook:
            return
        found = self._store.documents.find(tenant, KIND, change.playbook)
        run = run_of(found) if found else None
        if run is None or run.status != "executing" or change.id not in run.changes:
            return
        if change.status != "succeeded":
            self._close_steps(tenant, run, "cancelled")
            note = f"stopped at: {change.summary}"
            self._keep(tenant, "kubilitics", msgspec.structs.replace(run, status="failed", note=note))
            return
        following = run.changes[run.changes.index(change.id) + 1 :]
        if following:
            self._safety.queue(tenant, self._step(tenant, following[0]))
        else:
            self._keep(tenant, "kubilitics", msgspec.structs.replace(run, status="succeeded"))

    def _close_steps(self, tenant: TenantId, run: Run, status: Status) -> None:
        for change_id in run.changes:
            change = self._step(tenant, change_id)
            if change.status in ("pending", "approved"):
                self._safety.keep(tenant, msgspec.structs.replace(change, status=status))

    def _step(self, tenant: TenantId, change: str) -> Change:
        return change_of(self._store.changes.get(tenant, change))

    def _keep(self, tenant: TenantId, by: str, run: Run) -> Run:
        body: dict[str, Any] = msgspec.to_builtins(run)
        revision = body.pop("revision")
        document = Document(
            kind=KIND, id=run.id, updated_at=self._safety.now(), updated_by=by, body=body, revision=revision
        )
        self._safety.say(tenant, by, f"run.{run.status}", run.cluster, {"run": run.id, "playbook": run.playbook})
        return run_of(self._store.documents.put(tenant, document))


def strictest(book: Playbook, changes: Sequence[Change], arguments: Mapping[str, str]) -> Requirement:
    """The requirement that satisfies every step's."""
    needs = [change.decision.requirement for change in changes]
    method = max((need.method for need in needs), key=METHODS.index)
    about = arguments.get("namespace") or arguments.get("node") or book.id
    return Requirement(
        method=method, phrase=about if method == "typed" else "",
        second_person=any(need.second_person for need in needs), admin=any(need.admin for need in needs),
        reasons=tuple(dict.fromkeys(reason for need in needs if need.method == method for reason in need.reasons)),
    )  # fmt: skip


def run_of(document: Document) -> Run:
    body: Json = {**document.body, "revision": document.revision}
    return msgspec.convert(body, Run)
