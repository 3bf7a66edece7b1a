"""Approvals: who may give which, and the signature that binds one to exactly one change.

A signature covers tenant, change, digest, person, method and expiry. It is made by the service when a person says yes
and checked by whoever executes; the key is the tenant's own and never leaves the secret store otherwise.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

import msgspec

from chalicelib.accounts.identity import Principal, require
from chalicelib.errors import Conflict, Forbidden, InvalidRequest, NotFound
from chalicelib.safety.canonical import canonical, digest
from chalicelib.safety.model import METHODS, Approval, Change, Method
from chalicelib.state.ids import TenantId
from chalicelib.store.ports import Secrets

VALID_FOR = timedelta(minutes=30)
KEY_BYTES = 32
_SCOPE, _NAME = "safety", "signing-key"
APPROVE, APPROVE_HIGH = "changes:approve", "changes:approve_high"


class Signer:
    """Signs and checks for one tenant."""

    def __init__(self, tenant: TenantId, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(f"a signing key has at least {KEY_BYTES} bytes")
        self.tenant = tenant
        self._key = key

    def approve(
        self, change: str, content: str, user: str, method: Method, now: datetime, nonce: str, *, standing: str = "",
        valid_for: timedelta = VALID_FOR,
    ) -> Approval:  # fmt: skip
        """A signed approval."""
        unsigned = Approval(
            user=user, at=now, method=method, expires_at=now + valid_for, nonce=nonce, signature="", standing=standing
        )
        return msgspec.structs.replace(unsigned, signature=self._mac(change, content, unsigned))

    def holds(self, change: str, content: str, approval: Approval) -> bool:
        """Whether an approval was given by this service for exactly this change."""
        return hmac.compare_digest(approval.signature, self._mac(change, content, approval))

    def seal(self, value: object) -> str:
        """A signature over any JSON value: of standing approvals and stored states."""
        return hmac.new(self._key, canonical([self.tenant, "sealed", value]), hashlib.sha256).hexdigest()

    def sealed(self, value: object, signature: str) -> bool:
        return hmac.compare_digest(signature, self.seal(value))

    def _mac(self, change: str, content: str, approval: Approval) -> str:
        said = [
            self.tenant, "approval", change, content, approval.user, approval.method, approval.nonce, approval.standing,
            approval.at.isoformat(), approval.expires_at.isoformat(),
        ]  # fmt: skip
        return hmac.new(self._key, canonical(said), hashlib.sha256).hexdigest()


def signer_of(secrets: Secrets, tenant: TenantId, random_bytes: bytes) -> Signer:
    """The tenant's signer; `random_bytes` becomes the key when there is none yet."""
    try:
        key = secrets.get(tenant, _SCOPE, _NAME)
    except NotFound:
        secrets.put(tenant, _SCOPE, _NAME, random_bytes[:KEY_BYTES].hex())
        # Read again: of two processes that start at once, both use the key that stayed.
        key = secrets.get(tenant, _SCOPE, _NAME)
    return Signer(tenant, bytes.fromhex(key))


def check_approver(change: Change, principal: Principal, method: Method, phrase: str) -> None:
    """Whether this person may approve in this way. Raises Forbidden, Conflict, InvalidRequest."""
    requirement = change.decision.requirement
    require(principal, APPROVE)
    if requirement.admin:
        require(principal, APPROVE_HIGH)
    if METHODS.index(method) < METHODS.index(requirement.method):
        raise InvalidRequest(
            f"This change needs the approval `{requirement.method}`, not `{method}`.", code="approval_too_weak",
            remedy=_how(change), details={"required": requirement.method, "phrase": requirement.phrase},
        )  # fmt: skip
    if requirement.method == "typed" and not hmac.compare_digest(phrase.encode(), requirement.phrase.encode()):
        raise InvalidRequest(
            "The typed confirmation does not match.", code="phrase_mismatch", remedy=_how(change),
            details={"phrase": requirement.phrase},
        )  # fmt: skip
    if any(given.user == principal.user for given in change.approvals):
        raise Conflict(
            "You have approved this change already.", code="approved_already",
            remedy="A second person has to approve it.",
        )  # fmt: skip


def enough(change: Change) -> bool:
    """Whether the approvals that a change has are all that it needs."""
    people = {approval.user for approval in change.approvals}
    if change.decision.requirement.second_person:
        people -= {change.created_by}
    return bool(people)


def check_valid(change: Change, signer: Signer, now: datetime) -> None:
    """That the change may be executed: signed, for this content, not expired. Raises Forbidden `approval_*`."""
    if change.digest != digest(signer.tenant, change.cluster, change.id, change.operations, change.targets):
        raise _refused("change_edited", "The change is not the one that was previewed.")
    if not enough(change):
        raise _refused("approval_missing", "The change does not have the approvals that it needs.")
    for approval in change.approvals:
        if not signer.holds(change.id, change.digest, approval):
            raise _refused("approval_forged", "An approval does not belong to this change.")
        if approval.expires_at <= now:
            raise _refused("approval_expired", "An approval has expired.")
        if METHODS.index(approval.method) < METHODS.index(change.decision.requirement.method):
            raise _refused("approval_too_weak", "An approval is weaker than this change needs.")


def _how(change: Change) -> str:
    requirement = change.decision.requirement
    if requirement.method == "typed":
        return f"Send `method: typed` and `phrase: {requirement.phrase}`."
    return f"Read the impact and send `method: {requirement.method}`."


def _refused(code: str, text: str) -> Forbidden:
    return Forbidden(text, code=code, remedy="Ask for a new preview of the change and approve that.")
