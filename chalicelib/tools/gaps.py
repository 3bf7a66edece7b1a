"""What an answer needed and could not read."""

from __future__ import annotations

from chalicelib.state.kinds import KINDS
from chalicelib.state.snapshot import Gap, GapReason, Snapshot


def gaps_of(snapshot: Snapshot, *kinds: str, namespace: str = "") -> tuple[Gap, ...]:
    """Gaps of these kinds (that touch a namespace): the named ones, and one for each kind that is simply not there."""
    found = [g for g in snapshot.gaps if g.kind in (*kinds, "*") and (not namespace or g.namespace in ("", namespace))]
    named = {g.kind for g in found}
    found += [
        Gap(kind=kind, reason=_reason(snapshot, kind), message=f"{kind} objects were not read")
        for kind in dict.fromkeys(kinds)
        if kind not in snapshot.objects and kind not in named
    ]
    return tuple(found)


def _reason(snapshot: Snapshot, kind: str) -> GapReason:
    entry = KINDS.get(kind)
    if snapshot.recorded:
        return "not_recorded"
    return "not_installed" if entry is not None and entry.optional else "error"
