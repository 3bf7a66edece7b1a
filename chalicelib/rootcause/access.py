"""What the API server refuses to a workload's ServiceAccount."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from chalicelib.rootcause import logs
from chalicelib.rootcause.case import DECISIVE, GOOD, HINT, Case, Finding, blame
from chalicelib.rootcause.logs import Forbidden, Line, quoted
from chalicelib.rootcause.look import Look
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.sightings import access_refused
from chalicelib.state.kinds.access import PolicyRule
from chalicelib.state.meta import Ref

LATEST_LINES = 10
_WITHOUT = re.compile(r"continuing|falling back|fall back|skipping|ignoring|will be disabled|going on without", re.I)
"""Words of a program that does without what it is refused."""
GROUPS_OF_ALL = ("system:authenticated", "system:serviceaccounts")


def rules_for(account: Ref, namespace: str, look: Look) -> Iterator[PolicyRule]:
    """Rules that a ServiceAccount has in a namespace (empty: cluster scope), by bindings to it or to its groups."""
    groups = {*GROUPS_OF_ALL, f"system:serviceaccounts:{account.namespace}"}
    bindings = [("", b) for b in look.snapshot.of("ClusterRoleBinding")]
    if namespace:
        bindings += [(namespace, b) for b in look.snapshot.of("RoleBinding") if b.metadata.namespace == namespace]
    for where, binding in bindings:
        bound = any(
            (s.kind == "ServiceAccount" and s.name == account.name and (s.namespace or where) == account.namespace)
            or (s.kind == "Group" and s.name in groups)
            or (s.kind == "User" and s.name == f"system:serviceaccount:{account.namespace}:{account.name}")
            for s in binding.subjects
        )
        if not bound:
            continue
        role = look.snapshot.get(
            binding.role_ref.kind, where if binding.role_ref.kind == "Role" else "", binding.role_ref.name
        )
        yield from role.rules if role is not None else ()


def granted(refusal: Forbidden, look: Look) -> bool | None:
    """Whether the refused request would be allowed now; None when RBAC was not read."""
    needed = ["ClusterRole", "ClusterRoleBinding"] + (["Role", "RoleBinding"] if refusal.namespace else [])
    if not all(look.snapshot.was_read(kind, refusal.namespace) for kind in needed):
        return None
    account = Ref("ServiceAccount", refusal.account_namespace, refusal.account)
    return any(
        r.allows(refusal.verb, refusal.group, refusal.resource) for r in rules_for(account, refusal.namespace, look)
    )


def _goes_on(refusal: Forbidden, lines: Sequence[Line]) -> bool:
    """Whether the refusal is repeated, or among the last things said: else the program went on without it."""
    same = [
        line.number
        for line in lines
        if "forbidden" in line.text and refusal.account in line.text and not _WITHOUT.search(line.text)
    ]
    return len(same) > 1 or (bool(same) and lines[-1].number - same[-1] < LATEST_LINES)


@detector("rbac_forbidden", symptom=access_refused)
def rbac_forbidden(case: Case, look: Look) -> Finding | None:
    """The log says that RBAC refuses the workload's account something, and no rule allows it now."""
    for sample in look.samples:
        if sample.owner != case.resource:
            continue
        for refusal in logs.forbidden(list(sample.lines)):
            allowed = granted(refusal, look)
            if allowed:
                continue
            over = case.pod.ready and not _goes_on(refusal, sample.lines)
            where = f"in namespace {refusal.namespace}" if refusal.namespace else "cluster-wide"
            what = f"{refusal.resource}{'.' + refusal.group if refusal.group else ''}"
            account = Ref("ServiceAccount", refusal.account_namespace, refusal.account)
            known = look.snapshot.find(account)
            return blame(
                case.resource,
                f"{case.where} may not {refusal.verb} {what} {where}: no role of "
                f"ServiceAccount {account.namespace}/{account.name} allows it",
                strength=HINT if over else DECISIVE if allowed is False else GOOD,
                because=[
                    look.lines(
                        sample.pod,
                        sample.container,
                        [refusal.line],
                        f"{case.resource} logs: {quoted(refusal.line.text)}",
                        previous=sample.previous,
                    ),
                    look.at(case.pod, "/spec/serviceAccountName"),
                    look.at(
                        known,
                        "/metadata/name",
                        f"No Role or ClusterRole bound to {account} has {refusal.verb} on {what}",
                    )
                    if known is not None and allowed is False
                    else None,
                ],
                chain=(
                    f"no role of {account.name} allows {refusal.verb} {what}",
                    "the API server answers 403",
                    f"{case.where} cannot do its work",
                ),
                account=f"{account.namespace}/{account.name}",
                account_name=account.name,
                account_n=f" -n {refusal.namespace or account.namespace}",
                verb=refusal.verb,
                what=what,
                since=case.since,
                missing=("a later log: it was refused once, and the pod is ready",)
                if over
                else ()
                if allowed is False
                else ("roles and bindings of the cluster",),
            )
    return None
