"""Acting without being asked: at levels 4 and 5, inside a standing approval, and only what a preview calls safe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.accounts.identity import Principal, require
from chalicelib.errors import InvalidRequest, KubiliticsError
from chalicelib.rootcause import Diagnosis
from chalicelib.safety.actions.registry import find_action
from chalicelib.safety.approvals import APPROVE_HIGH
from chalicelib.safety.autonomy import NEVER_ALONE, Bounds, Standing, covering
from chalicelib.safety.model import Change, Json, Part
from chalicelib.safety.policies import Policies, Policy, Window, checked
from chalicelib.safety.service import Safety, change_of
from chalicelib.state.ids import TenantId, new_id
from chalicelib.store.facade import Store
from chalicelib.store.records import ClusterRecord, Document

KIND = "standing"
MOST_AT_ONCE = 3
"""Changes that one look at a cluster may lead to; the rest waits for the next one."""
SURE = 0.8
"""Below this probability a cause is not acted on, whatever a standing approval says."""
_NAME = "kubilitics"


class Wish(Part, frozen=True, kw_only=True):
    """A change that a finding asks for: the rule that found it, the action, and the problem that it shall end."""

    rule: str
    action: str
    arguments: Json
    why: str = ""
    symptom: str = ""
    evidence: tuple[str, ...] = ()


class Autopilot:
    def __init__(self, safety: Safety, store: Store) -> None:
        self._safety = safety
        self._store = store

    # Standing approvals

    def sign(
        self, principal: Principal, rule: str, action: str, bounds: Bounds, *, daily_budget: int, days: int,
        window: Window | None, phrase: str,
    ) -> Standing:  # fmt: skip
        """Sign a standing approval by typing `rule action`. Raises Forbidden, InvalidRequest."""
        require(principal, APPROVE_HIGH)
        find_action(action)
        if action in NEVER_ALONE:
            raise InvalidRequest(
                f"{action} is never done alone: its arguments are too free to be bounded.", code="never_alone",
                remedy=f"Actions that can be: everything but {', '.join(NEVER_ALONE)}.",
            )  # fmt: skip
        for name in ("clusters", "namespaces", "kinds"):
            if not getattr(bounds, name):
                raise InvalidRequest(
                    f"bounds.{name} is empty, which allows nothing.", code="unbounded",
                    remedy=f"Name {name}.", details={"field": f"bounds.{name}"},
                )  # fmt: skip
        if "*" in bounds.namespaces and "*" in bounds.clusters:
            raise InvalidRequest(
                "A standing approval for everything is none.", code="unbounded", remedy="Name namespaces or clusters."
            )
        if window is not None:
            checked(Policies(policies=(Policy(id="window", name="window", window=window),)))
        wanted = f"{rule} {action}"
        if phrase != wanted:
            raise InvalidRequest(
                "The typed confirmation does not match.", code="phrase_mismatch", remedy=f"Send `phrase: {wanted}`.",
                details={"phrase": wanted},
            )  # fmt: skip
        now = self._safety.now()
        unsigned = Standing(
            id=new_id("sa", self._safety.random(16)), rule=rule, action=action, bounds=bounds, window=window,
            daily_budget=daily_budget, signed_by=principal.user, signed_at=now, expires_at=now + timedelta(days=days),
        )  # fmt: skip
        signature = self._safety.signer(principal.tenant).seal(unsigned.said)
        signed = msgspec.structs.replace(unsigned, signature=signature)
        document = Document(
            kind=KIND, id=signed.id, updated_at=now, updated_by=principal.user, body=msgspec.to_builtins(signed)
        )
        self._safety.say(principal.tenant, principal.user, "standing.signed", "", {"standing": signed.said})
        self._store.documents.put(principal.tenant, document)
        return signed

    def standing(self, tenant: TenantId) -> Sequence[Standing]:
        """Standing approvals whose signature holds; one that was edited is as good as absent."""
        signer = self._safety.signer(tenant)
        found = [msgspec.convert(one.body, Standing) for one in self._store.documents.list(tenant, KIND)]
        return [one for one in found if signer.sealed(one.said, one.signature)]

    def revoke(self, principal: Principal, standing: str) -> None:
        """Take a standing approval back, at once. Raises NotFound."""
        require(principal, "changes:approve")
        found = self._store.documents.get(principal.tenant, KIND, standing)
        self._store.documents.remove(principal.tenant, KIND, found.id)
        self._safety.say(principal.tenant, principal.user, "standing.revoked", "", {"standing": found.id})

    # Acting

    def consider(self, tenant: TenantId, record: ClusterRecord, wishes: Iterable[Wish]) -> list[Change]:
        """Do what standing approvals cover, at most MOST_AT_ONCE changes; what was done."""
        autonomy = self._safety.autonomy(tenant)
        standing = self.standing(tenant)
        done: list[Change] = []
        if not standing or autonomy.level(record.id, [""]) < 3:
            return done
        used = self._used_today(tenant, self._safety.now())
        for wish in wishes:
            space = str(wish.arguments.get("namespace", ""))
            known = any(one.rule == wish.rule and one.action == wish.action for one in standing)
            if not known or autonomy.level(record.id, [space]) < 4 or self._tried(tenant, record, wish):
                continue
            change = self._try(tenant, record, wish, standing, used, report_now=autonomy.level(record.id, [space]) == 4)
            if change is not None:
                done.append(change)
                name = change.approvals[-1].standing
                used[name] = used.get(name, 0) + 1
            if len(done) >= MOST_AT_ONCE:
                break
        return done

    def _try(
        self, tenant: TenantId, record: ClusterRecord, wish: Wish, standing: Sequence[Standing], used: dict[str, int],
        *, report_now: bool,
    ) -> Change | None:  # fmt: skip
        principal = Principal(tenant, _NAME, "Kubilitics", "operator")
        try:
            change = self._safety.create(
                principal, record, wish.action, wish.arguments, reason=wish.why, evidence=wish.evidence,
                channel="autopilot", symptom=wish.symptom,
            )  # fmt: skip
        except KubiliticsError as error:
            self._safety.say(tenant, _NAME, "autopilot.declined", record.id, {"rule": wish.rule, "why": error.code})
            return None
        covered, why = covering(standing, change, wish.rule, self._safety.now(), used)
        if covered is None:
            # It stays as a request that a person can still approve.
            self._safety.say(tenant, _NAME, "autopilot.declined", record.id, {"change": change.id, "why": why})
            return None
        method = change.decision.requirement.method
        done = self._safety.say_yes(tenant, change, covered.signed_by, method, standing=covered.id)
        if report_now:
            self._safety.tell(tenant, done, "info", f"Done alone: {done.summary}", f"{wish.why} ({covered.id})")
        return done

    def _tried(self, tenant: TenantId, record: ClusterRecord, wish: Wish) -> bool:
        """Whether the same was tried in the last hour: what did not help then will not help now."""
        since = self._safety.now() - timedelta(hours=1)
        recent = self._store.changes.list(tenant, cluster=record.id, limit=200).items
        for one in recent:
            if one.created_at < since:
                break
            change = change_of(one)
            same = change.action == wish.action and _same(change.arguments, wish.arguments)
            if change.created_by == _NAME and same:
                return True
        return False

    def _used_today(self, tenant: TenantId, now: datetime) -> dict[str, int]:
        since = now - timedelta(days=1)
        found: dict[str, int] = {}
        for one in self._store.changes.list(tenant, limit=1000).items:
            if one.created_at < since:
                break
            for approval in change_of(one).approvals:
                if approval.standing:
                    found[approval.standing] = found.get(approval.standing, 0) + 1
        return found

    def report(self, tenant: TenantId, since: datetime) -> Json:
        """What was done alone since a moment, for the daily report of level 5."""
        done = [change_of(one) for one in self._store.changes.list(tenant, limit=1000).items if one.created_at >= since]
        alone = [change for change in done if any(approval.standing for approval in change.approvals)]
        lines = [f"{change.status}: {change.summary} ({change.id})" for change in alone]
        return {"since": since.isoformat(), "changes": [change.id for change in alone], "text": "\n".join(lines)}


def wishes(diagnosis: Diagnosis) -> list[Wish]:
    """What a diagnosis is sure enough of, and has a mechanical change for."""
    return [
        Wish(
            rule=problem.mode, action=problem.remedy.change.action, arguments=problem.remedy.change.arguments,
            why=problem.summary, symptom=problem.id, evidence=tuple(one.id for one in problem.evidence),
        )
        for problem in diagnosis.problems
        if problem.remedy.change is not None and problem.probability >= SURE
    ]  # fmt: skip


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(key) == value for key, value in other.items())
