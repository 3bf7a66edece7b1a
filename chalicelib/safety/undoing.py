"""Taking a change back: what can be restored, and what nobody can bring back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chalicelib.clusters.operations import Operation
from chalicelib.safety.actions.registry import Draft
from chalicelib.safety.canonical import substance
from chalicelib.safety.checks.registry import Proposal, where
from chalicelib.safety.effects import Effect
from chalicelib.safety.model import UndoPlan
from chalicelib.safety.scene import Json, Scene
from chalicelib.state.meta import Ref

_NEVER_BACK = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink",
               "deletionTimestamp", "deletionGracePeriodSeconds")  # fmt: skip
_KEEPS_DATA = ("PersistentVolumeClaim", "PersistentVolume", "Namespace")
"""Kinds whose deletion loses what a new object of the same name does not have."""
_MADE_ANEW = ("Job", "Pod")
"""Kinds that run once: a restored object would run again, so it is not restored."""


def undo_plan(proposal: Proposal) -> UndoPlan:
    """How the change would be taken back, and what stays lost."""
    losses = list(dict.fromkeys(loss for effect in proposal.effects for loss in _losses(proposal, effect)))
    undoable = [effect for effect in proposal.effects if _undoable(effect)]
    if not undoable:
        return UndoPlan(possible=False, how="It cannot be taken back.", losses=tuple(losses))
    how = list(dict.fromkeys(_how(effect) for effect in undoable))
    partly = any(effect.operation.verb == "delete" and not _undoable(effect) for effect in proposal.effects)
    return UndoPlan(possible=not partly, how=" ".join(how), losses=tuple(losses))


def _undoable(effect: Effect) -> bool:
    return _comes_back(effect.operation, effect.before)


def _comes_back(operation: Operation, before: Json | None) -> bool:
    """Whether an operation can be inverted: what a controller makes anew, runs once or holds data is not restored."""
    if operation.verb == "delete":
        return operation.resource.kind not in (*_KEEPS_DATA, *_MADE_ANEW) and not _is_owned(before)
    return operation.verb != "evict"


def _is_owned(obj: Json | None) -> bool:
    owners = ((obj or {}).get("metadata") or {}).get("ownerReferences") or ()
    return any(one.get("controller") for one in owners)


def _how(effect: Effect) -> str:
    if effect.operation.verb == "delete":
        return "The object is created again from its state before."
    if effect.before is None:
        return "The new object is deleted."
    return "Spec, labels and annotations are put back as they were before."


def _losses(proposal: Proposal, effect: Effect) -> Iterator[str]:
    verb, ref, effects = effect.operation.verb, effect.ref, effect.effects
    if effects.replaced:
        yield "Pods that restart lose what they hold in memory and in emptyDir volumes; undoing restarts them again."
    if effects.lost:
        yield "The pods that stop lose what they hold in memory and in emptyDir volumes."
    if verb == "delete":
        if ref.kind in _KEEPS_DATA:
            yield f"The data of {ref} is gone unless its volume is kept (reclaim policy Retain)."
        elif ref.kind in _MADE_ANEW:
            yield f"{ref} would run again from its beginning, so it is not brought back."
        elif not _is_owned(effect.before):
            yield f"{where(ref)} gets a new identity (uid), and its status and events are lost."
        below = [r for r in proposal.world.graph.owned_by(ref) if r.kind not in ("Pod", "ReplicaSet")]
        if below and effect.operation.propagation != "Orphan":
            yield f"What it owns goes with it: {', '.join(str(r) for r in below[:5])}."


# The operations of an undo


def undo_draft(scene: Scene, originals: list[tuple[Operation, Json | None]], summary: str) -> Draft:
    """The operations that put objects back. `originals`: what was done, each with the object from before.

    An object that somebody has changed since is put back too: its preview shows what of theirs goes.
    """
    operations = []
    for done, before in reversed(originals):
        operation = _inverse(scene, done, before)
        if operation is not None:
            operations.append(operation)
    first = originals[0][0]
    return Draft(summary, tuple(operations), Ref(first.resource.kind, first.namespace, first.name))


def _inverse(scene: Scene, done: Operation, before: Json | None) -> Operation | None:
    if not _comes_back(done, before):
        return None
    now = scene.find(done.resource.kind, done.namespace, done.name)
    if before is None:
        return _removal(done, now)
    if now is None:
        body = restorable(before)
        return Operation(verb="create", resource=done.resource, namespace=done.namespace, name=done.name, body=body)
    if substance(now) == substance(before):
        return None
    meta = now["metadata"]
    return Operation(
        verb="replace", resource=done.resource, namespace=done.namespace, name=done.name, body=_put_back(now, before),
        uid=meta["uid"], resource_version=meta["resourceVersion"],
    )  # fmt: skip


def _removal(done: Operation, now: Json | None) -> Operation | None:
    if now is None:
        return None
    meta = now["metadata"]
    return Operation(
        verb="delete", resource=done.resource, namespace=done.namespace, name=done.name, uid=meta["uid"],
        resource_version=meta["resourceVersion"], propagation="Background",
    )  # fmt: skip


def restorable(obj: Json) -> Json:
    """An object as it can be created again: without what the server gives."""
    meta = {key: value for key, value in obj["metadata"].items() if key not in _NEVER_BACK}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": meta}


_CONTROLLERS = ("deployment.kubernetes.io/revision",)
"""Annotations that controllers count with; an old value would confuse them."""


def _put_back(now: Json, before: Json) -> Json:
    """The object of today with spec, data, labels and annotations of before."""
    meta: dict[str, Any] = dict(now["metadata"])
    for key in ("labels", "annotations"):
        old = dict(before["metadata"].get(key) or {})
        kept = {k: v for k, v in (now["metadata"].get(key) or {}).items() if k in _CONTROLLERS}
        old = {k: v for k, v in old.items() if k not in _CONTROLLERS} | kept
        if old:
            meta[key] = old
        else:
            meta.pop(key, None)
    meta.pop("managedFields", None)
    rest = {key: value for key, value in before.items() if key not in ("metadata", "status")}
    return {**rest, "metadata": meta, **({"status": now["status"]} if "status" in now else {})}
