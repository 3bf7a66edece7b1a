"""Doing what was approved: once, on the state that was approved, with every step on record before it is taken.

A change goes through here in stages, each stored before its effect: intent in the audit chain, states from before,
then one operation after the other. Whoever comes back after a crash finds how far it got, and looks at the cluster
where a write was sent and its answer was lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.clusters.operations import Operation, WriteRefused
from chalicelib.clusters.transport import OutcomeUnknown
from chalicelib.errors import ClusterError, Conflict, Forbidden, KubiliticsError, NotFound
from chalicelib.rootcause import diagnose
from chalicelib.safety.actions.registry import Draft
from chalicelib.safety.approvals import check_valid
from chalicelib.safety.canonical import fingerprint, substance
from chalicelib.safety.decision import decide
from chalicelib.safety.model import Change, Execution, OperationResult, Preview, Target, Verification
from chalicelib.safety.preimages import Preimages
from chalicelib.safety.preview import preview_of, propose
from chalicelib.safety.runs import Runs
from chalicelib.safety.scene import Json, Scene
from chalicelib.safety.service import Safety, change_of
from chalicelib.safety.verification import baseline_of, verify
from chalicelib.state.ids import TenantId
from chalicelib.store.facade import Store
from chalicelib.store.records import NewAuditEvent

LEASE_S = 900
AGAIN_S = 5
EVICT_FOR = timedelta(minutes=10)
"""How long a drain waits for budgets."""
OUT_OF_REACH_FOR = timedelta(minutes=20)
VERIFY_FOR = timedelta(minutes=10)
Later = int
"""Seconds after which the change has to be looked at again; 0: it is over."""


@dataclass
class Executor:
    """Runs approved changes. `holder` names this process in leases."""

    safety: Safety
    store: Store
    holder: str
    runs: Runs

    def run(self, tenant: TenantId, change_id: str, now: datetime) -> Later:
        """Take a change as far as it goes now. Safe to call again at any time."""
        change = change_of(self.store.changes.get(tenant, change_id))
        if change.status not in ("approved", "executing", "verifying"):
            return 0
        if change.status == "approved" and not self.runs.is_next(tenant, change):
            return 0
        mine = self.store.leases.acquire(tenant, f"change-run#{change.id}", self.holder, LEASE_S, now)
        if mine is None:
            return AGAIN_S
        try:
            targets = self._targets(tenant, change, now)
            if targets is None:
                return AGAIN_S
            later = self._advance(tenant, change, now)
            if not later:
                for lease in targets:
                    self.store.leases.release(tenant, lease)
                self.runs.ended(tenant, change_of(self.store.changes.get(tenant, change.id)))
            return later
        except ClusterError as error:
            return self._out_of_reach(tenant, change.id, error, now)
        except Conflict as error:
            if error.code == "change_moved_on":
                return AGAIN_S
            raise
        finally:
            self.store.leases.release(tenant, mine)

    def _out_of_reach(self, tenant: TenantId, change_id: str, error: ClusterError, now: datetime) -> Later:
        """The cluster does not answer: wait for it, and after a while say that the change has failed."""
        change = change_of(self.store.changes.get(tenant, change_id))
        since = change.execution.started_at if change.execution else change.approvals[-1].at
        if now - since < OUT_OF_REACH_FOR:
            return AGAIN_S
        self._fail(tenant, change, error.code, error.message, now)
        return 0

    def _targets(self, tenant: TenantId, change: Change, now: datetime) -> list[Any] | None:
        """Leases on every target, the change's own from its beginning to its end: one change at a time of an object.

        They are taken in one order, so that two changes never wait for each other.
        """
        held: list[Any] = []
        for name in sorted({f"change#{change.cluster}#{target}" for target in change.targets}):
            lease = self.store.leases.acquire(tenant, name, change.id, LEASE_S, now)
            if lease is None:
                for one in held:
                    self.store.leases.release(tenant, one)
                return None
            held.append(lease)
        return held

    def _advance(self, tenant: TenantId, change: Change, now: datetime) -> Later:
        if change.status == "approved":
            change = self._begin(tenant, change, now)
        if change.status == "executing":
            change, later = self._perform(tenant, change, now)
            if later:
                return later
        if change.status == "verifying":
            return self._verify(tenant, change, now)
        return 0

    # Before anything is written

    def _begin(self, tenant: TenantId, change: Change, now: datetime) -> Change:
        """Check again all that an approval stood on, keep the states from before, and announce what will be done."""
        try:
            check_valid(change, self.safety.signer(tenant), now)
            scene = self._scene(tenant, change)
            self._same_state(change, scene)
            pinned = [self._pinned(operation, scene) for operation in change.operations]
            self._still_allowed(tenant, change, scene, pinned)
        except KubiliticsError as error:
            if isinstance(error, ClusterError):
                raise
            return self._fail(tenant, change, error.code, error.message, now)
        kept = Preimages(self.store, tenant, self.safety.random(32))
        states = tuple(
            "" if operation.verb == "evict" else self._keep(kept, change, index, operation, scene)
            for index, operation in enumerate(change.operations)
        )
        execution = Execution(started_at=now, preimages=states, baseline=baseline_of(scene, change))
        return self.safety.keep(tenant, msgspec.structs.replace(change, status="executing", execution=execution))

    def _keep(self, kept: Preimages, change: Change, index: int, operation: Operation, scene: Scene) -> str:
        state = scene.find(operation.resource.kind, operation.namespace, operation.name)
        if state is None:
            return ""
        return kept.keep(change.cluster, change.id, index, state, self.safety.random(12))

    def _scene(self, tenant: TenantId, change: Change) -> Scene:
        record = self.store.clusters.get(tenant, change.cluster)
        return self.safety.scene(tenant, record, change.primary.namespace)

    def _same_state(self, change: Change, scene: Scene) -> None:
        """Raises Conflict `target_changed` when an object is not what was previewed."""
        for operation, target in zip(change.operations, change.targets, strict=True):
            if operation.verb == "evict":
                continue
            now = scene.find(target.kind, target.namespace, target.name)
            if (now is None) != (not target.fingerprint):
                what = "does not exist any more" if now is None else "exists meanwhile"
                raise _changed(target, what)
            if now is not None and now["metadata"].get("uid") != target.uid:
                raise _changed(target, "was deleted and made anew")
            if now is not None and fingerprint(now) != target.fingerprint and not change.playbook:
                raise _changed(target, "was changed after the preview")

    def _pinned(self, operation: Operation, scene: Scene) -> Operation:
        """The operation on the version of this moment: what is written between now and then is a conflict."""
        if operation.verb == "evict" or not operation.uid:
            return operation
        now = scene.find(operation.resource.kind, operation.namespace, operation.name)
        version = now["metadata"]["resourceVersion"] if now else ""
        return msgspec.structs.replace(operation, resource_version=version)

    def _still_allowed(self, tenant: TenantId, change: Change, scene: Scene, operations: Sequence[Operation]) -> None:
        """Raises Forbidden `no_longer_allowed` when rules, policies or the cluster say no by now."""
        policies = self.safety.policies(tenant)
        draft = Draft(change.summary, tuple(operations), _ref(change.primary))
        proposal = propose(scene, change.action, draft, policies.environments)
        preview = preview_of(proposal, change.overrides)
        if change.playbook and _fields(preview) != _fields(change.preview):
            raise _changed(change.primary, "is not in the state that the steps before it should have left")
        decision = decide(proposal, preview, policies.policies, change.overrides)
        if not decision.allowed:
            raise Forbidden(decision.violations[0].text, code="no_longer_allowed", remedy="Ask for a new preview.")
        level = self.safety.autonomy(tenant).level(change.cluster, [t.namespace for t in change.targets])
        if level < 3:
            raise Forbidden("Changes are not allowed here any more.", code="no_longer_allowed")

    # Writing

    def _perform(self, tenant: TenantId, change: Change, now: datetime) -> tuple[Change, Later]:
        if not self._announced(tenant, change, now):
            return change, 1
        scene: Scene | None = None
        execution = change.execution or Execution(started_at=now)
        waiting = False
        for index, operation in enumerate(change.operations):
            result = _result(execution, index)
            if result is not None and result.outcome in ("done", "already_done"):
                continue
            if scene is None:
                scene = self._scene(tenant, change)
            if result is None or result.outcome == "started":
                done_before = result is not None and self._happened(operation, change, index, scene)
                change, outcome = self._one(tenant, change, index, operation, scene, now, already=done_before)
            if outcome == "waiting":
                waiting = True
                continue
            if outcome == "failed":
                return self._stop_half_way(tenant, change, now), 0
            execution = change.execution or execution
        if waiting:
            if now - execution.started_at < EVICT_FOR:
                return change, AGAIN_S
            text = "A disruption budget did not allow the remaining evictions in time."
            return self._fail(tenant, change, "budget_timeout", text, now), 0
        execution = msgspec.structs.replace(change.execution or execution, finished_at=now)
        verification = Verification(started_at=now, until=now + VERIFY_FOR)
        change = msgspec.structs.replace(change, status="verifying", execution=execution, verification=verification)
        change = self.safety.keep(tenant, change)
        self._say(tenant, change, "change.executed", {"operations": _told(change)})
        return change, 0

    def _announced(self, tenant: TenantId, change: Change, now: datetime) -> bool:
        """Whether the intent is in the audit chain; hands it over when it is not."""
        event = f"au_{change.id}_intent"
        if self.store.audit.has(tenant, event):
            return True
        detail = {
            **_named(change), "digest": change.digest, "approved_by": [a.user for a in change.approvals],
            "standing": [a.standing for a in change.approvals if a.standing],
            "operations": [one.what for one in change.operations],
        }  # fmt: skip
        actor = change.approvals[0].user if change.approvals else change.created_by
        self.store.audit.submit(
            tenant,
            NewAuditEvent(
                id=event, at=now, actor=actor, action="change.executing", cluster=change.cluster, detail=detail
            ),
        )
        return self.store.audit.has(tenant, event)

    def _one(
        self, tenant: TenantId, change: Change, index: int, operation: Operation, scene: Scene, now: datetime,
        *, already: bool,
    ) -> tuple[Change, str]:  # fmt: skip
        """(the change with the result, done | waiting | failed)"""
        if already:
            return self._note(tenant, change, index, now, "already_done", "It had happened before."), "done"
        change = self._note(tenant, change, index, now, "started", "")
        try:
            pinned = self._pinned(operation, scene)
            told = scene.cluster.perform(pinned, dry_run=False)
        except WriteRefused as error:
            if operation.verb == "evict" and error.server_status == 429:
                return self._note(tenant, change, index, now, None, ""), "waiting"
            gone = operation.verb in ("evict", "delete") and error.server_status == 404
            if gone:
                return self._note(tenant, change, index, now, "already_done", "It was gone already."), "done"
            return self._note(tenant, change, index, now, "refused", error.message), "failed"
        except OutcomeUnknown as error:
            fresh = self._scene(tenant, change)
            if self._happened(operation, change, index, fresh):
                return self._note(tenant, change, index, now, "done", "Seen after the connection broke."), "done"
            return self._note(tenant, change, index, now, "unknown", error.message), "failed"
        meta = told.get("metadata") or {}
        return self._note(
            tenant, change, index, now, "done", "", version=str(meta.get("resourceVersion", "")),
            uid=str(meta.get("uid", "")),
        ), "done"  # fmt: skip

    def _note(
        self, tenant: TenantId, change: Change, index: int, now: datetime, outcome: Any, message: str,
        *, version: str = "", uid: str = "",
    ) -> Change:  # fmt: skip
        """Store what is known of one operation; outcome None takes the note of its start back."""
        execution = change.execution or Execution(started_at=now)
        others = [one for one in execution.operations if one.index != index]
        if outcome is not None:
            result = OperationResult(
                index=index, started_at=now, finished_at=None if outcome == "started" else now, outcome=outcome,
                message=message, resource_version=version, uid=uid,
            )  # fmt: skip
            others.append(result)
        execution = msgspec.structs.replace(execution, operations=tuple(sorted(others, key=lambda one: one.index)))
        return self.safety.keep(tenant, msgspec.structs.replace(change, execution=execution))

    def _happened(self, operation: Operation, change: Change, index: int, scene: Scene) -> bool:
        """Whether an operation whose answer was lost has had its effect, seen from the cluster."""
        try:
            now = scene.cluster.raw(operation.resource.kind, operation.namespace, operation.name)
        except NotFound:
            return operation.verb in ("delete", "evict")
        if operation.verb in ("delete", "evict"):
            meta = now["metadata"]
            return meta.get("uid") != operation.uid or bool(meta.get("deletionTimestamp"))
        target = change.targets[index]
        if not target.fingerprint:
            return True
        if fingerprint(now) == target.fingerprint:
            return False
        try:
            again = scene.cluster.perform(self._pinned_to(operation, now), dry_run=True)
        except KubiliticsError:
            return False
        return substance(again) == substance(now)

    @staticmethod
    def _pinned_to(operation: Operation, now: Json) -> Operation:
        return msgspec.structs.replace(operation, resource_version=now["metadata"]["resourceVersion"])

    # Endings

    def _stop_half_way(self, tenant: TenantId, change: Change, now: datetime) -> Change:
        """An operation was refused: what was done before it is put back, where that is safe."""
        execution = change.execution or Execution(started_at=now)
        failed = next(one for one in execution.operations if one.outcome in ("refused", "unknown"))
        stopped = self._fail(tenant, change, f"operation_{failed.outcome}", failed.message, now)
        if any(one.outcome == "done" for one in execution.operations):
            self._put_back(tenant, stopped, now)
        return stopped

    def _fail(self, tenant: TenantId, change: Change, code: str, text: str, now: datetime) -> Change:
        execution = change.execution or Execution(started_at=now)
        execution = msgspec.structs.replace(execution, finished_at=now, error=text)
        failed = msgspec.structs.replace(change, status="failed", execution=execution, note=code)
        self._say(tenant, change, "change.failed", {"code": code, "error": text[:500], "operations": _told(failed)})
        kept = self.safety.keep(tenant, failed)
        self.safety.tell(tenant, kept, "critical", f"A change failed: {kept.summary}", text)
        return kept

    def _verify(self, tenant: TenantId, change: Change, now: datetime) -> Later:
        """Look at the cluster again. Verified, failed, or look once more a little later."""
        scene = self._scene(tenant, change)
        found = verify(change, scene, diagnose(scene.world), now)
        if not found.outcome:
            if found != change.verification:
                self.safety.keep(tenant, msgspec.structs.replace(change, verification=found))
            return AGAIN_S
        status = "failed" if found.outcome == "failed" else "succeeded"
        ended = msgspec.structs.replace(change, verification=found, status=status)
        self._say(tenant, change, "change.verified", {"outcome": found.outcome, "text": found.text[:500]})
        ended = self.safety.keep(tenant, ended)
        if found.outcome == "failed":
            self.safety.tell(tenant, ended, "critical", f"A change did not work: {ended.summary}", found.text)
            self._put_back(tenant, ended, now)
            self.safety.open_breaker(tenant, ended, f"verification of {ended.id} failed")
        else:
            self.safety.ended_well(tenant, ended)
        return 0

    def _put_back(self, tenant: TenantId, change: Change, now: datetime) -> None:
        """Undo by itself what failed, where the preview of that finds nothing against it."""
        if change.undo_of:
            return
        try:
            self.safety.undo_alone(tenant, change)
        except KubiliticsError as error:
            self.safety.tell(tenant, change, "critical", f"Not taken back: {change.summary}", error.message)

    def _say(self, tenant: TenantId, change: Change, action: str, detail: dict[str, Any]) -> None:
        self.safety.say(tenant, "kubilitics", action, change.cluster, {**_named(change), **detail})


def _result(execution: Execution, index: int) -> OperationResult | None:
    return next((one for one in execution.operations if one.index == index), None)


def _told(change: Change) -> list[dict[str, Any]]:
    """What was written, for the audit log."""
    execution = change.execution
    return [
        {"what": change.operations[one.index].what, "outcome": one.outcome, "resourceVersion": one.resource_version}
        for one in (execution.operations if execution else ())
    ]


def _fields(preview: Preview) -> list[Any]:
    """What a change does, field by field: how the step of a run is held to what was approved.

    Its objects cannot be pinned whole, since the steps before it and the controllers after them change them.
    """
    return [(diff.how, diff.target.name, diff.changes) for diff in preview.diffs]


def _ref(target: Target) -> Any:
    from chalicelib.state.meta import Ref

    return Ref(target.kind, target.namespace, target.name)


def _changed(target: Target, what: str) -> Conflict:
    return Conflict(
        f"{target} {what}.", code="target_changed", remedy="Ask for a new preview, which shows its present state."
    )


def _named(change: Change) -> dict[str, Any]:
    return {"change": change.id, "summary": change.summary}
