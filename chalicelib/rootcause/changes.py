"""What changed lately: a cause that was touched just before the symptom began is the likelier one."""

from __future__ import annotations

from chalicelib.rootcause.look import Look
from chalicelib.rootcause.ranking import CHANGE_WINDOW
from chalicelib.state.diff import diff
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Snapshot


def recently_changed(look: Look, previous: Snapshot | None) -> frozenset[Ref]:
    """Objects whose intent changed: workloads with a young revision, and all that an earlier snapshot shows changed."""
    found: set[Ref] = set()
    for sets in look.snapshot.of("ReplicaSet"):
        created = sets.metadata.creation_timestamp
        if sets.spec.replicas and sets.revision > 1 and created and look.now - created < CHANGE_WINDOW:
            found.add(look.owner(look.world.ref_of(sets)))
    if previous is not None:
        found.update(c.ref for c in diff(previous, look.snapshot) if c.what != "removed" and c.spec_changed)
        found.update(c.ref for c in diff(previous, look.snapshot) if c.what == "removed")
    return frozenset(found)
