"""Past investigations that one resembles: "looks like the one of last Tuesday, which was solved by ..."."""

from __future__ import annotations

from chalicelib.investigations.signature import ALIKE_FROM, likeness
from chalicelib.state.ids import TenantId
from chalicelib.store.facade import Store
from chalicelib.store.investigation_records import Alike, Investigation

COMPARED = 300
"""The newest concluded sessions that one is compared with."""
SHOWN = 3


def compare(store: Store, tenant: TenantId, session: Investigation, shown: int = SHOWN) -> list[Alike]:
    """Concluded sessions like this one, most alike first, then newest. Empty for a session without a cause."""
    signature = session.signature
    if signature is None:
        return []
    page = store.investigations.search(
        tenant,
        lambda other: other.signature is not None and other.concluded_at is not None and other.id != session.id,
        "alike",
        limit=COMPARED,
    )
    found = []
    for other in page.items:
        if other.signature is None or other.concluded_at is None or other.cause is None:
            continue
        like = likeness(signature, other.signature)
        if like.score < ALIKE_FROM:
            continue
        reasons = like.reasons
        same_object = session.cause is not None and other.cause.resource == session.cause.resource
        if same_object and other.cluster == session.cluster:
            reasons = ("the same object of the same cluster", *reasons)
        found.append(
            Alike(
                investigation=other.id,
                cluster_name=other.cluster_name,
                concluded_at=other.concluded_at,
                similarity=like.score,
                reasons=reasons,
                cause=other.cause.summary,
                solved_by=solved_by(other),
            )
        )
    found.sort(key=lambda a: (-a.similarity, -a.concluded_at.timestamp(), a.investigation))
    return found[:shown]


def solved_by(session: Investigation) -> str:
    """What ended an incident: what a person said it was, and what had changed when the cause was gone."""
    said = session.feedback.cause if session.feedback else ""
    gone = ""
    if session.follow_up is not None:
        gone = next((r.text for r in reversed(session.follow_up.rechecks) if r.result == "gone"), "")
    return "; ".join(part.rstrip(".") for part in (said, gone) if part)
