"""What changed lately: a cause that was touched just before the symptom began is the likelier one."""

from __future__ import annotations

from chalicelib.rootcause.look import Look
from chalicelib.rootcause.ranking import CHANGE_WINDOW
from chalicelib.state.meta import Ref


def recently_changed(look: Look) -> frozenset[Ref]:
    """Objects whose intent changed: workloads with a young revision, and all that an earlier snapshot shows changed."""
    found: set[Ref] = set()
    for sets in look.snapshot.of("ReplicaSet"):
        created = sets.metadata.creation_timestamp
        if sets.spec.replicas and sets.revision > 1 and created and look.now - created < CHANGE_WINDOW:
            found.add(look.owner(look.world.ref_of(sets)))
    found.update(look.changes)
    return frozenset(found)
