"""Change requests from the asking to the yes: made, listed, approved, rejected, cancelled, taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.accounts.identity import Principal, require
from chalicelib.errors import Conflict, Forbidden
from chalicelib.safety.actions.registry import Draft, find_action, nothing_to_do
from chalicelib.safety.approvals import VALID_FOR, Signer, check_approver, enough, signer_of
from chalicelib.safety.autonomy import Autonomy, Breaker, Scope, autonomy_of
from chalicelib.safety.autonomy import checked as checked_autonomy
from chalicelib.safety.canonical import digest
from chalicelib.safety.checks.registry import Proposal
from chalicelib.safety.decision import decide
from chalicelib.safety.model import OPEN, Change, Json, Method, Status
from chalicelib.safety.policies import Policies
from chalicelib.safety.policies import checked as checked_policies
from chalicelib.safety.policies import decode as decode_policies
from chalicelib.safety.preimages import Preimages
from chalicelib.safety.preview import changes_nothing, preview_of, propose, targets_of
from chalicelib.safety.readings import Reader
from chalicelib.safety.rules import violations
from chalicelib.safety.undoing import undo_draft
from chalicelib.state.ids import TenantId, new_id
from chalicelib.store.facade import Store
from chalicelib.store.pages import Page
from chalicelib.store.records import ChangeRecord, ClusterRecord, Document, ResourceName

PENDING_FOR = timedelta(hours=24)
UNDOS_THAT_STOP = 2
STALE_AFTER = timedelta(minutes=3)
LONGEST_OPEN = timedelta(days=8)
"""No request is carried out longer after it was made: approvals end before. Older ones are not looked through."""
"""A change that moves is stored again sooner than this."""
MOST_OPEN = 200
"""Requests of a tenant that may wait at the same time."""
Audit = Callable[[TenantId, str, str, str, Mapping[str, Any]], None]
"""(tenant, actor, action, cluster, detail): kept in the audit chain, or raises."""


class Safety:
    """The one way to change a cluster. `say` notes an event in the audit log; `random` gives random bytes."""

    def __init__(
        self,
        store: Store,
        scene: Reader,
        clock: Callable[[], datetime],
        random: Callable[[int], bytes],
        say: Audit,
    ) -> None:
        self._store = store
        self.scene = scene
        self._clock = clock
        self.random = random
        self.say = say
        self._signers: dict[TenantId, Signer] = {}

    def now(self) -> datetime:
        return self._clock()

    # Making a request

    def create(
        self,
        principal: Principal,
        record: ClusterRecord,
        action: str,
        arguments: Mapping[str, Any],
        *,
        reason: str = "",
        evidence: Sequence[str] = (),
        overrides: Sequence[str] = (),
        channel: str = "api",
        symptom: str = "",
    ) -> Change:
        """A change request with its preview and what it needs. Nothing is changed.

        Raises what is wrong with the arguments, Forbidden for the role or at autonomy level 1, ClusterError.
        """
        require(principal, "changes:write")
        entry = find_action(action)
        args = entry.parse(arguments)
        scene = self.scene(principal.tenant, record, str(getattr(args, "namespace", "") or ""))
        draft = entry.draft(args, scene)
        return self._request(
            principal, scene.record, scene, action, args.model_dump(), draft, reason=reason, evidence=tuple(evidence),
            overrides=tuple(overrides), channel=channel, symptom=symptom,
        )  # fmt: skip

    def undo(self, principal: Principal, change_id: str, *, channel: str = "api") -> Change:
        """A new change request that puts back what a change did. Raises Conflict when there is nothing to undo."""
        require(principal, "changes:write")
        done = self.get(principal, change_id)
        if done.execution is None or done.status not in ("succeeded", "failed", "verifying"):
            raise Conflict(
                f"Change {done.id} has done nothing yet.", code="nothing_to_undo", remedy="Cancel it instead."
            )
        if done.undone_by:
            raise Conflict(
                f"Change {done.id} was undone by {done.undone_by}.", code="undone_already",
                remedy="Undo that change to do it again.",
            )  # fmt: skip
        record = self._store.clusters.get(principal.tenant, done.cluster)
        scene = self.scene(principal.tenant, record, done.primary.namespace)
        draft = self.undo_of(principal.tenant, done, scene)
        return self._request(
            principal, record, scene, "undo", {"change": done.id}, draft, reason=f"undo of {done.summary}",
            channel=channel, undo_of=done.id,
        )  # fmt: skip

    def undo_of(self, tenant: TenantId, done: Change, scene: Any) -> Draft:
        """The operations that put back what a change did. Raises Conflict when nothing of it can be put back."""
        kept = Preimages(self._store, tenant, self.random(32))
        execution = done.execution
        originals = [
            (done.operations[result.index], kept.give(where) if where else None)
            for result, where in zip(execution.operations, execution.preimages, strict=False)
            if result.outcome in ("done", "already_done")
        ] if execution else []  # fmt: skip
        draft = undo_draft(scene, originals, f"Undo: {done.summary}") if originals else None
        if draft is None or not draft.operations:
            raise Conflict(
                f"Nothing of change {done.id} can be put back.", code="nothing_to_undo",
                remedy="; ".join(done.preview.undo.losses) or "The objects are as they were before.",
            )  # fmt: skip
        return draft

    def _request(self, principal: Principal, record: ClusterRecord, scene: Any, action: str, arguments: Json,
                 draft: Draft, **about: Any) -> Change:  # fmt: skip
        change, _ = self.prepared(principal, record, scene, action, arguments, draft, **about)
        return self.ask(principal.tenant, change)

    def prepared(
        self, principal: Principal, record: ClusterRecord, scene: Any, action: str, arguments: Json, draft: Draft,
        *, overrides: tuple[str, ...] = (), **about: Any,
    ) -> tuple[Change, Proposal]:  # fmt: skip
        """A request with preview and decision, not stored. Raises at autonomy level 1 and when nothing would change."""
        tenant, now = principal.tenant, self._clock()
        policies = self.policies(tenant)
        proposal = propose(scene, action, draft, policies.environments)
        if changes_nothing(proposal) and not violations(proposal):
            raise nothing_to_do(f"{draft.summary}: that is how it is already.")
        level = self.autonomy(tenant).level(record.id, [effect.ref.namespace for effect in proposal.effects])
        if level == 1:
            raise Forbidden(
                "This part of the cluster is set to observe only: no change can be asked for.",
                code="autonomy_observe_only", remedy="An administrator can raise the autonomy level.",
            )  # fmt: skip
        preview = preview_of(proposal, overrides)
        decision = decide(proposal, preview, policies.policies, overrides)
        targets = targets_of(proposal)
        change_id = new_id("ch", self.random(16))
        change = Change(
            id=change_id, cluster=record.id, action=action, arguments=arguments, summary=draft.summary, created_at=now,
            created_by=principal.user, expires_at=now + PENDING_FOR, operations=draft.operations, targets=targets,
            preview=preview, decision=decision, status="pending" if decision.allowed else "refused", updated_at=now,
            digest=digest(tenant, record.id, change_id, draft.operations, targets), overrides=overrides, **about,
        )  # fmt: skip
        return change, proposal

    def ask(self, tenant: TenantId, change: Change) -> Change:
        """Store a prepared request and note it in the audit log."""
        self._room_for_more(tenant)
        self.say(tenant, change.created_by, "change.requested", change.cluster, {
            "change": change.id, "summary": change.summary, "action": change.action, "target": str(change.primary),
            "status": change.status,
            "digest": change.digest, "channel": change.channel,
            "violations": [violation.rule for violation in change.decision.violations],
        })  # fmt: skip
        return change_of(self._store.changes.add(tenant, record_of(change)))

    def _room_for_more(self, tenant: TenantId) -> None:
        waiting = self._store.changes.list(tenant, statuses=("pending",), limit=MOST_OPEN)
        now = self._clock()
        if sum(change_of(one).expires_at > now for one in waiting.items) >= MOST_OPEN:
            raise Conflict(
                f"{MOST_OPEN} change requests wait already.", code="too_many_changes",
                remedy="Approve, reject or cancel some of them first.",
            )  # fmt: skip

    # Looking

    def get(self, principal: Principal, change: str) -> Change:
        """Raises NotFound `unknown_change`."""
        require(principal, "changes:read")
        return self._present(change_of(self._store.changes.get(principal.tenant, change)))

    def list(
        self, principal: Principal, *, cluster: str = "", statuses: tuple[str, ...] = (), limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Change]:  # fmt: skip
        """Requests, newest first."""
        require(principal, "changes:read")
        page = self._store.changes.list(
            principal.tenant, cluster=cluster, statuses=statuses, limit=limit, cursor=cursor
        )
        return Page(tuple(self._present(change_of(record)) for record in page.items), page.next)

    def _present(self, change: Change) -> Change:
        """A pending request whose time is over is expired, whether or not somebody has noted it."""
        if change.status == "pending" and change.expires_at <= self._clock():
            return msgspec.structs.replace(change, status="expired")
        return change

    # Deciding

    def approve(self, principal: Principal, change_id: str, method: Method, phrase: str = "") -> Change:
        """Give one approval; with the last one that is needed the change is queued.

        Raises Forbidden for the wrong role or autonomy level 2, InvalidRequest for a weak or mistyped confirmation,
        Conflict when the request is not open any more.
        """
        change = self._open(principal, change_id, "pending")
        if change.playbook:
            raise Conflict(
                f"Change {change.id} is a step of {change.playbook}.", code="part_of_playbook",
                remedy="Approve the whole run.",
            )  # fmt: skip
        namespaces = [target.namespace for target in change.targets]
        if self.autonomy(principal.tenant).level(change.cluster, namespaces) < 3:
            raise Forbidden(
                "This part of the cluster is set to recommend only: nothing is changed from here.",
                code="autonomy_recommend_only", remedy="Make the change by hand, or raise the autonomy level.",
            )  # fmt: skip
        check_approver(change, principal, method, phrase)
        return self.say_yes(principal.tenant, change, principal.user, method)

    def say_yes(
        self, tenant: TenantId, change: Change, user: str, method: Method, *, standing: str = "",
        valid_for: timedelta = VALID_FOR, now_queue: bool = True,
    ) -> Change:  # fmt: skip
        """Add a signed approval, and queue the change when it has all that it needs."""
        given = self.signer(tenant).approve(
            change.id, change.digest, user, method, self._clock(), self.random(16).hex(), standing=standing,
            valid_for=valid_for,
        )  # fmt: skip
        approved = msgspec.structs.replace(change, approvals=(*change.approvals, given))
        if enough(approved):
            approved = msgspec.structs.replace(approved, status="approved")
        self.say(tenant, user, "change.approved", change.cluster, {
            "change": change.id, "summary": change.summary, "digest": change.digest, "method": method,
            "standing": standing, "complete": approved.status == "approved",
        })  # fmt: skip
        stored = self.keep(tenant, approved)
        if stored.status == "approved" and now_queue:
            self.queue(tenant, stored)
        return stored

    def reject(self, principal: Principal, change_id: str, note: str = "") -> Change:
        """Say no. Raises Conflict when the request is not open any more."""
        require(principal, "changes:approve")
        return self._close(principal, change_id, "rejected", note)

    def cancel(self, principal: Principal, change_id: str, note: str = "") -> Change:
        """Take a request back: its author, or who may approve. Raises Conflict once it runs."""
        require(principal, "changes:write")
        change = self.get(principal, change_id)
        if change.created_by != principal.user:
            require(principal, "changes:approve")
        return self._close(principal, change_id, "cancelled", note, ("pending", "approved"))

    def _close(
        self, principal: Principal, change_id: str, status: Status, note: str, states: tuple[Status, ...] = ("pending",)
    ) -> Change:
        change = self._open(principal, change_id, *states)
        closed = msgspec.structs.replace(change, status=status, closed_by=principal.user, note=note[:2000])
        detail = {"change": change.id, "summary": change.summary}
        self.say(principal.tenant, principal.user, f"change.{status}", change.cluster, detail)
        return self.keep(principal.tenant, closed)

    def _open(self, principal: Principal, change_id: str, *states: Status) -> Change:
        change = self.get(principal, change_id)
        if change.status not in states:
            raise Conflict(
                f"Change {change.id} is {change.status}.", code=f"change_{change.status}",
                remedy="Ask for a new change request." if change.status not in OPEN else "Wait for its end.",
                details={"status": change.status},
            )  # fmt: skip
        return change

    # What the parts share

    def signer(self, tenant: TenantId) -> Signer:
        if tenant not in self._signers:
            self._signers[tenant] = signer_of(self._store.secrets, tenant, self.random(32))
        return self._signers[tenant]

    def keep(self, tenant: TenantId, change: Change) -> Change:
        """Store a change over the revision that it was read at. Raises Conflict `change_moved_on`."""
        updated = msgspec.structs.replace(change, updated_at=self._clock())
        return change_of(self._store.changes.update(tenant, record_of(updated)))

    def queue(self, tenant: TenantId, change: Change, *, again: str = "") -> None:
        """Hand a change to the worker. Leases, not the queue, keep changes of one object apart."""
        message = {"type": "change", "tenant": tenant, "change": change.id}
        dedup = f"{change.id}#{change.revision}{again}"
        self._store.queue.send(tenant, message, group=f"change/{change.id}", dedup_id=dedup)

    def hand_over(self, tenant: TenantId, change_id: str) -> None:
        """Queue a change that is not over once more, for whoever works next."""
        change = change_of(self._store.changes.get(tenant, change_id))
        if change.status in ("approved", "executing", "verifying"):
            self.queue(tenant, change, again=self.random(4).hex())

    def sweep(self, tenant: TenantId) -> int:
        """Queue again what a lost message left behind; how many changes that were."""
        now = self._clock()
        limit = now - STALE_AFTER
        found = self._store.changes.list(
            tenant, statuses=("approved", "executing", "verifying"), since=now - LONGEST_OPEN, limit=500
        ).items
        stale = [change for change in map(change_of, found) if (change.updated_at or change.created_at) < limit]
        for change in stale:
            self.queue(tenant, change, again=self.random(4).hex())
        return len(stale)

    def policies(self, tenant: TenantId) -> Policies:
        found = self._store.documents.find(tenant, "policies", "all")
        return decode_policies(found.body, found.revision) if found else Policies()

    def autonomy(self, tenant: TenantId) -> Autonomy:
        found = self._store.documents.find(tenant, "autonomy", "all")
        return autonomy_of(found.body, found.revision) if found else Autonomy()

    # What follows from an end

    def tell(self, tenant: TenantId, change: Change, severity: str, title: str, text: str) -> None:
        """A notice for people about a change, kept for 90 days."""
        self.warn(tenant, title, text, severity=severity, change=change.id, cluster=change.cluster)

    def warn(
        self, tenant: TenantId, title: str, text: str, *, severity: str = "critical", change: str = "",
        cluster: str = "",
    ) -> None:  # fmt: skip
        """A notice for people, kept for 90 days."""
        now = self._clock()
        notice = Document(
            kind="notice", id=f"{now:%Y%m%dT%H%M%S%f}-{self.random(4).hex()}", updated_at=now, updated_by="kubilitics",
            body={"severity": severity, "title": title, "text": text[:2000], "change": change,
                  "cluster": cluster, "at": now.isoformat()},
        )  # fmt: skip
        self._store.documents.put(tenant, notice)

    def ended_well(self, tenant: TenantId, change: Change) -> None:
        """Mark what an undo has undone; two undos of what was done alone within a day stop autonomy."""
        if not change.undo_of:
            return
        undone = change_of(self._store.changes.get(tenant, change.undo_of))
        self.keep(tenant, msgspec.structs.replace(undone, undone_by=change.id))
        if self._undone_alone(tenant, undone) >= UNDOS_THAT_STOP:
            self.open_breaker(tenant, undone, f"{UNDOS_THAT_STOP} changes made alone were undone within a day")

    def _undone_alone(self, tenant: TenantId, change: Change) -> int:
        """How many changes of the last day that were made in the name of a standing approval have been undone."""
        if not any(approval.standing for approval in change.approvals):
            return 0
        since = self._clock() - timedelta(days=1)
        recent = self._store.changes.list(tenant, cluster=change.cluster, limit=500).items
        return sum(
            one.created_at >= since and bool(found.undone_by) and any(a.standing for a in found.approvals)
            for one in recent
            for found in (change_of(one),)
        )

    def open_breaker(self, tenant: TenantId, change: Change, why: str) -> None:
        """Stop autonomy in a cluster after a change made alone went wrong; people are told. Others are let be."""
        if not any(approval.standing for approval in change.approvals):
            return
        now = self._clock()
        autonomy = self.autonomy(tenant)
        if any(one.cluster == change.cluster for one in autonomy.breakers):
            return
        opened = Breaker(cluster=change.cluster, opened_at=now, why=why)
        self.keep_autonomy(
            tenant, "kubilitics", msgspec.structs.replace(autonomy, breakers=(*autonomy.breakers, opened))
        )
        self.tell(tenant, change, "critical", "Kubilitics stopped acting by itself", why)

    def keep_autonomy(self, tenant: TenantId, by: str, autonomy: Autonomy) -> Autonomy:
        """Store autonomy settings over the revision that they were read at. Raises Conflict."""
        body = msgspec.to_builtins(autonomy)
        revision = body.pop("revision")
        document = Document(
            kind="autonomy", id="all", updated_at=self._clock(), updated_by=by, body=body, revision=revision
        )
        self.say(tenant, by, "autonomy.changed", "", {"settings": body})
        stored = self._store.documents.put(tenant, document)
        return autonomy_of(stored.body, stored.revision)

    def put_policies(self, principal: Principal, policies: Policies) -> Policies:
        """Replace a tenant's policies over the revision that they were read at. Raises InvalidRequest, Conflict."""
        require(principal, "settings:write")
        checked_policies(policies)
        body = msgspec.to_builtins(policies)
        revision = body.pop("revision")
        self.say(principal.tenant, principal.user, "policies.changed", "", {"policies": body})
        document = Document(
            kind="policies", id="all", updated_at=self._clock(), updated_by=principal.user, body=body,
            revision=revision,
        )  # fmt: skip
        stored = self._store.documents.put(principal.tenant, document)
        return decode_policies(stored.body, stored.revision)

    def put_autonomy(
        self, principal: Principal, level: int, scopes: tuple[Scope, ...], *, close: tuple[str, ...], revision: int
    ) -> Autonomy:
        """Set levels, and act again in clusters whose breaker is open. Raises InvalidRequest, Conflict."""
        require(principal, "settings:write")
        held = self.autonomy(principal.tenant)
        breakers = tuple(one for one in held.breakers if one.cluster not in close)
        wanted = Autonomy(level_of_tenant=level, scopes=scopes, breakers=breakers, revision=revision)
        return self.keep_autonomy(principal.tenant, principal.user, checked_autonomy(wanted))

    def undo_alone(self, tenant: TenantId, done: Change) -> Change:
        """Undo a change that failed, in the name of its own approval. Raises Conflict when that would not be safe.

        Whoever approved a change has approved that it is put back when it does not work.
        """
        record = self._store.clusters.get(tenant, done.cluster)
        scene = self.scene(tenant, record, done.primary.namespace)
        by = done.approvals[0].user if done.approvals else done.created_by
        change = self._request(
            Principal(tenant, "kubilitics", "Kubilitics", "operator"), record, scene, "undo", {"change": done.id},
            self.undo_of(tenant, done, scene), reason=f"{done.summary} did not work", channel="kubilitics",
            undo_of=done.id,
        )  # fmt: skip
        if not change.decision.allowed:
            why = change.decision.violations[0].text
            raise Conflict(f"It cannot be taken back by itself: {why}", code="undo_not_safe")
        method = change.decision.requirement.method
        standing = next((one.standing for one in done.approvals if one.standing), "")
        return self.say_yes(tenant, change, by, method, standing=standing)


def record_of(change: Change) -> ChangeRecord:
    """The stored form."""
    target = change.primary
    return ChangeRecord(
        id=change.id, cluster=change.cluster, status=change.status, action=change.action, created_at=change.created_at,
        created_by=change.created_by, body=msgspec.to_builtins(change), revision=change.revision,
        target=ResourceName(kind=target.kind, namespace=target.namespace, name=target.name),
    )  # fmt: skip


def change_of(record: ChangeRecord) -> Change:
    """The change that a record holds; the record's revision and status are the ones that count."""
    change = msgspec.convert(record.body, Change)
    return msgspec.structs.replace(change, revision=record.revision, status=record.status)
