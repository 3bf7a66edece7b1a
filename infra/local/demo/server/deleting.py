"""Deletion: preconditions, grace periods, finalizers, propagation, and the garbage collector."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from infra.local.demo.server import admission, custom
from infra.local.demo.server.access import CONTROLLERS, Caller
from infra.local.demo.server.clock import timestamp
from infra.local.demo.server.errors import ApiError, conflict
from infra.local.demo.server.reading import get
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.store import Object, Stored, copy_of
from infra.local.demo.server.strategies import strategy_of

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"


class Deleted:
    """What came of a deletion: the object's last state, and whether it is gone already."""

    def __init__(self, obj: Object, *, gone: bool) -> None:
        self.object = obj
        self.gone = gone


def delete(api: Api, resource: Resource, namespace: str, name: str, options: Object, caller: Caller) -> Deleted:
    """Delete an object, or mark it when finalizers or a grace period hold it."""
    stored = get(api, resource, namespace, name)
    old = stored.object
    _check_preconditions(resource, old, options)
    request = admission.Request(api, resource, "DELETE", namespace, name, None, old, caller)
    admission.mutate(request)
    admission.validate(request)
    obj = copy_of(old)
    finalizers = _finalizers(resource, obj, options)
    grace = _grace(resource, obj, options)
    held = bool(finalizers) or grace > 0 or (resource.kind == "Namespace" and (obj.get("spec") or {}).get("finalizers"))
    if not held:
        return _remove(api, resource, old, caller, options)
    if old["metadata"].get("deletionTimestamp") and not _shortens(old, grace):
        return Deleted(old, gone=False)
    _mark(api, resource, obj, finalizers, grace)
    if not caller.dry_run:
        api.store.put(resource.key, obj, tracked=True)
    return Deleted(obj, gone=False)


def _shortens(old: Object, grace: int) -> bool:
    return grace < int(old["metadata"].get("deletionGracePeriodSeconds", 0))


def _check_preconditions(resource: Resource, old: Object, options: Object) -> None:
    wanted = options.get("preconditions") or {}
    meta = old["metadata"]
    if wanted.get("uid") and wanted["uid"] != meta["uid"]:
        why = (
            f"the UID in the precondition ({wanted['uid']}) does not match the UID in record ({meta['uid']}). "
            "The object might have been deleted and then recreated"
        )
        error = conflict(resource.kind, resource.group, meta["name"], why)
        raise error
    version = wanted.get("resourceVersion")
    if version and version != meta["resourceVersion"]:
        why = (
            f"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record "
            f"({meta['resourceVersion']}). The object might have been modified"
        )
        raise conflict(resource.kind, resource.group, meta["name"], why)


def _finalizers(resource: Resource, obj: Object, options: Object) -> list[str]:
    kept = [name for name in obj["metadata"].get("finalizers") or () if name not in (ORPHAN, FOREGROUND)]
    policy = options.get("propagationPolicy")
    if options.get("orphanDependents") is True:
        policy = "Orphan"
    if policy == "Orphan":
        kept.append(ORPHAN)
    elif policy == "Foreground":
        kept.append(FOREGROUND)
    elif policy is None:
        kept += [name for name in obj["metadata"].get("finalizers") or () if name in (ORPHAN, FOREGROUND)]
    return kept


def _grace(resource: Resource, obj: Object, options: Object) -> int:
    """Seconds until a pod is really gone: none for pods that run nowhere or have ended."""
    if resource.kind != "Pod":
        return 0
    given = options.get("gracePeriodSeconds")
    if not obj["spec"].get("nodeName") or (obj.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    seconds = obj["spec"].get("terminationGracePeriodSeconds", 30) if given is None else given
    return max(int(seconds), 0)


def _mark(api: Api, resource: Resource, obj: Object, finalizers: list[str], grace: int) -> None:
    from infra.local.demo.server.metadata import ordered

    meta = obj["metadata"]
    meta["deletionTimestamp"] = timestamp(api.clock.now() + timedelta(seconds=grace))
    if resource.kind == "Namespace":
        obj.setdefault("status", {})["phase"] = "Terminating"
    else:
        meta["deletionGracePeriodSeconds"] = grace
    if finalizers:
        meta["finalizers"] = finalizers
    else:
        meta.pop("finalizers", None)
    if meta.get("generation") and strategy_of(resource).generation:
        meta["generation"] += 1
    obj["metadata"] = ordered(obj)["metadata"]


def _remove(api: Api, resource: Resource, old: Object, caller: Caller, options: Object) -> Deleted:
    if resource.kind == "Pod":
        old = copy_of(old)
        meta = old["metadata"]
        meta.setdefault("deletionTimestamp", api.now())
        meta["deletionGracePeriodSeconds"] = 0
        if meta.get("generation"):
            meta["generation"] += 1
    if caller.dry_run:
        return Deleted(old, gone=True)
    meta = old["metadata"]
    change = api.store.remove(resource.key, meta.get("namespace", ""), meta["name"])
    custom.after_delete(api, resource, old)
    _delete_custom_objects(api, resource, old)
    if resource.kind == "Pod":
        last = copy_of(old)
        last["metadata"]["resourceVersion"] = change.object["metadata"]["resourceVersion"]
        return Deleted(last, gone=True)
    return Deleted(change.object, gone=True)


def _delete_custom_objects(api: Api, resource: Resource, old: Object) -> None:
    """The objects of a definition go with it."""
    if resource.kind != "CustomResourceDefinition":
        return
    key = (old["spec"]["group"], old["spec"]["names"]["plural"])
    for stored in list(api.store.list(key)):
        meta = stored.object["metadata"]
        api.store.remove(key, meta.get("namespace", ""), meta["name"])


def finalize_namespace(api: Api, name: str, finalizers: list[str]) -> Object:
    """See `Api.finalize_namespace`."""
    resource = api.resource("Namespace")
    obj = copy_of(get(api, resource, "", name).object)
    obj["spec"]["finalizers"] = finalizers
    if not finalizers:
        del obj["spec"]["finalizers"]
    meta = obj["metadata"]
    if meta.get("deletionTimestamp") and not finalizers and not meta.get("finalizers"):
        return api.store.remove(resource.key, "", name).object
    return api.store.put(resource.key, obj, tracked=True).object


def delete_collection(
    api: Api, resource: Resource, namespace: str, objects: list[Stored], options: Object, caller: Caller
) -> list[Object]:
    """Delete each object found; those that go meanwhile are passed over. Returns their last states."""
    gone = []
    for stored in objects:
        meta = stored.object["metadata"]
        try:
            gone.append(delete(api, resource, meta.get("namespace", ""), meta["name"], options, caller).object)
        except ApiError as error:
            if error.code != 404:
                raise
    return gone


# -- garbage collector ------------------------------------------------------------------------------------------------

Child = tuple[Resource, Object]
_COLLECTOR = Caller(CONTROLLERS, "kube-controller-manager")


class _Graph:
    """Who is there and who belongs to whom, at the beginning of a pass."""

    def __init__(self, api: Api) -> None:
        self.objects: dict[str, Object] = {}
        self.children: dict[str, list[Child]] = {}
        self.concerned: list[Child] = []
        for resource in {one.key: one for one in api.resources if one.stored and one.storage is None}.values():
            for stored in api.store.list(resource):
                self._add(resource, stored.object)

    def _add(self, resource: Resource, obj: Object) -> None:
        meta = obj["metadata"]
        self.objects[meta["uid"]] = obj
        owners = meta.get("ownerReferences") or ()
        for reference in owners:
            self.children.setdefault(reference["uid"], []).append((resource, obj))
        if owners or meta.get("deletionTimestamp"):
            self.concerned.append((resource, obj))


def collect_garbage(api: Api) -> int:
    """One pass: dependents of what is gone, and the two finalizers of the collector. Returns deletions and updates."""
    graph = _Graph(api)
    return sum(_collect_one(api, graph, resource, obj) for resource, obj in graph.concerned)


def _collect_one(api: Api, graph: _Graph, resource: Resource, obj: Object) -> int:
    meta = obj["metadata"]
    if meta.get("deletionTimestamp"):
        return _finalize(api, graph, resource, obj)
    owners = meta.get("ownerReferences") or ()
    present = [graph.objects[reference["uid"]] for reference in owners if reference["uid"] in graph.objects]
    if any(not _foreground(owner) for owner in present):
        return 0
    blocks = any(reference.get("blockOwnerDeletion") for reference in owners) and present
    policy = "Foreground" if blocks and graph.children.get(meta["uid"]) else "Background"
    try:
        delete(api, resource, meta.get("namespace", ""), meta["name"], {"propagationPolicy": policy}, _COLLECTOR)
    except ApiError as error:
        if error.code != 404:
            raise
    return 1


def _foreground(owner: Object) -> bool:
    meta = owner["metadata"]
    return bool(meta.get("deletionTimestamp")) and FOREGROUND in (meta.get("finalizers") or ())


def _finalize(api: Api, graph: _Graph, resource: Resource, obj: Object) -> int:
    meta = obj["metadata"]
    finalizers = meta.get("finalizers") or []
    children = graph.children.get(meta["uid"], [])
    if ORPHAN in finalizers:
        for kind, dependent in children:
            _disown(api, kind, dependent, meta["uid"])
        return _drop_finalizer(api, resource, obj, ORPHAN)
    if FOREGROUND in finalizers and not any(_blocks(api, child, meta["uid"]) for child in children):
        return _drop_finalizer(api, resource, obj, FOREGROUND)
    return 0


def _blocks(api: Api, child: Child, uid: str) -> bool:
    resource, obj = child
    meta = obj["metadata"]
    if api.store.get(resource, meta.get("namespace", ""), meta["name"]) is None:
        return False
    return any(one["uid"] == uid and one.get("blockOwnerDeletion") for one in meta["ownerReferences"])


def _disown(api: Api, resource: Resource, obj: Object, uid: str) -> None:
    meta = obj["metadata"]
    stored = api.store.get(resource, meta.get("namespace", ""), meta["name"])
    if stored is None:
        return
    changed = copy_of(stored.object)
    left = [reference for reference in changed["metadata"].get("ownerReferences") or () if reference["uid"] != uid]
    changed["metadata"]["ownerReferences"] = left
    api.update(resource, changed, caller=_COLLECTOR)


def _drop_finalizer(api: Api, resource: Resource, obj: Object, finalizer: str) -> int:
    meta = obj["metadata"]
    stored = api.store.get(resource, meta.get("namespace", ""), meta["name"])
    if stored is None:
        return 0
    changed = copy_of(stored.object)
    left = [name for name in changed["metadata"].get("finalizers") or () if name != finalizer]
    changed["metadata"]["finalizers"] = left
    api.update(resource, changed, caller=_COLLECTOR)
    return 1
