"""Create, update and patch: the path of every write from a request to the store.

The order is the real server's: metadata, defaults, managers, mutating admission, the kind's own preparation,
validation, validating admission, storage. With dry-run everything happens but the last step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.local.demo.server import admission, applying, completeness, conversion, custom, managed, metadata, patching
from infra.local.demo.server.access import Caller
from infra.local.demo.server.errors import STALE, FieldError, already_exists, bad_request, conflict, invalid
from infra.local.demo.server.errors import not_found as missing
from infra.local.demo.server.fieldsets import Fields
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.schemas import ANY, type_of
from infra.local.demo.server.store import Object, copy_of
from infra.local.demo.server.strategies import strategy_of

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

Managers = tuple[dict[managed.Key, Fields], dict[managed.Key, str]]


def create(api: Api, resource: Resource, namespace: str, given: Object, caller: Caller) -> Object:
    """Store a new object and return it as kept."""
    obj = typed(resource, given)
    metadata.prepare_create(api, resource, namespace, obj)
    obj = conversion.to_storage(api, resource, obj)
    kept = strategy_of(resource)
    custom.default_and_prune(api, resource, obj)
    kept.default(obj)
    obj = metadata.ordered(obj)
    managed.updated(api, resource, obj, None, caller, "")
    return _insert(api, resource, obj, caller)


def create_applied(
    api: Api, resource: Resource, namespace: str, given: Object, caller: Caller, entries: Managers
) -> Object:
    """Create by server-side apply: the managers are known already."""
    obj = typed(resource, given)
    metadata.prepare_create(api, resource, namespace, obj)
    obj = conversion.to_storage(api, resource, obj)
    custom.default_and_prune(api, resource, obj)
    strategy_of(resource).default(obj)
    managed.write_entries(obj, *entries)
    return _insert(api, resource, metadata.ordered(obj), caller)


def _insert(api: Api, resource: Resource, obj: Object, caller: Caller) -> Object:
    kept, meta = strategy_of(resource), obj["metadata"]
    namespace, name = meta.get("namespace", ""), meta.get("name", "")
    request = admission.Request(api, resource, "CREATE", namespace, name, obj, None, caller)
    admission.mutate(request)
    kept.prepare_create(api, obj)
    if resource.custom and resource.has_status:
        obj.pop("status", None)
    if kept.generation:
        meta["generation"] = 1
    _refuse(resource, name, metadata.findings(resource, obj) + _object_findings(api, resource, obj))
    admission.validate(request)
    if api.store.get(resource, namespace, name):
        raise already_exists(resource.plural, resource.group, name)
    obj = metadata.ordered(obj)
    if not caller.dry_run:
        api.store.put(resource.key, obj, tracked=True)
        custom.after_write(api, resource, obj)
        admission.after_write(request)
    return obj


def update(api: Api, resource: Resource, given: Object, subresource: str, caller: Caller) -> Object:
    """Replace an object, or one of its subresources."""
    meta = given.get("metadata") or {}
    name, namespace = meta.get("name", ""), meta.get("namespace", "") if resource.namespaced else ""
    old = api.store.get(resource, namespace, name)
    if old is None:
        if strategy_of(resource).create_on_update and not subresource:
            return create(api, resource, namespace, given, caller)
        raise missing(resource.plural, resource.group, name)
    obj = conversion.to_storage(api, resource, typed(resource, given))
    return replace(api, resource, old.object, obj, subresource, caller)


def replace(
    api: Api, resource: Resource, old: Object, obj: Object, subresource: str, caller: Caller, *, applied: bool = False
) -> Object:
    """Bring `obj` in the place of `old`; `applied` when the managers are already set."""
    kept = strategy_of(resource)
    obj = copy_of(obj)
    meta, before = obj.setdefault("metadata", {}), old["metadata"]
    _check_preconditions(resource, meta, before)
    for key in (
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "name",
        "namespace",
    ):
        if key in before:
            meta[key] = before[key]
        else:
            meta.pop(key, None)
    meta["resourceVersion"] = before["resourceVersion"]
    _keep_other_half(resource, obj, old, subresource)
    custom.default_and_prune(api, resource, obj)
    kept.default(obj)
    obj = metadata.ordered(obj)
    if not applied:
        managed.updated(api, resource, obj, old, caller, subresource)
    request = admission.Request(
        api, resource, "UPDATE", before.get("namespace", ""), before["name"], obj, old, caller, subresource
    )
    admission.mutate(request)
    _prepare_update(api, resource, obj, old, subresource)
    _refuse(resource, before["name"], _update_findings(api, resource, obj, old, subresource))
    admission.validate(request)
    return _store_update(api, resource, metadata.ordered(obj), old, request, caller)


def _check_preconditions(resource: Resource, meta: Object, before: Object) -> None:
    name = before["name"]
    given = meta.get("resourceVersion")
    if given and given not in ("0", before["resourceVersion"]):
        raise conflict(resource.plural, resource.group, name, STALE)
    uid = meta.get("uid")
    if uid and uid != before["uid"]:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {before['uid']}"
        raise conflict(resource.plural, resource.group, name, why)


def _keep_other_half(resource: Resource, obj: Object, old: Object, subresource: str) -> None:
    """A write to an object leaves its status alone; a write to its status leaves the rest alone."""
    if subresource == "status":
        status = obj.get("status")
        labels = obj["metadata"].get("labels")
        annotations = obj["metadata"].get("annotations")
        entries = obj["metadata"].get("managedFields")
        obj.clear()
        obj.update(copy_of(old))
        if status is None:
            obj.pop("status", None)
        else:
            obj["status"] = status
        meta = obj["metadata"]
        changed = {"annotations": annotations, "managedFields": entries}
        if strategy_of(resource).status_keeps_labels:
            changed["labels"] = labels
        for key, value in ({} if resource.custom else changed).items():
            if value:
                meta[key] = value
            else:
                meta.pop(key, None)
        if resource.custom and entries:
            meta["managedFields"] = entries
    elif resource.has_status and "status" in old:
        obj["status"] = copy_of(old["status"])
    elif resource.has_status:
        obj.pop("status", None)


def _prepare_update(api: Api, resource: Resource, obj: Object, old: Object, subresource: str) -> None:
    kept = strategy_of(resource)
    if subresource:
        return
    kept.prepare_update(api, obj, old)
    changed = kept.generation and kept.desired_state(obj) != kept.desired_state(old)
    if changed:
        obj["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1


def _update_findings(api: Api, resource: Resource, obj: Object, old: Object, subresource: str) -> list[FieldError]:
    kept = strategy_of(resource)
    if subresource == "status":
        return kept.validate_status(obj, old) + custom.findings(api, resource, obj)
    found = metadata.update_findings(resource, obj, old)
    if subresource:
        return found
    return found + _object_findings(api, resource, obj) + kept.validate_update(api, obj, old)


def _object_findings(api: Api, resource: Resource, obj: Object) -> list[FieldError]:
    """What is wrong with the object itself: by its kind's rules, then by its schema."""
    if resource.custom:
        return custom.findings(api, resource, obj)
    own = strategy_of(resource).validate(api, obj)
    group, _, version = obj["apiVersion"].rpartition("/")
    return own + completeness.findings(type_of(group, version, obj["kind"]) or ANY, obj, own)


def _refuse(resource: Resource, name: str, found: list[FieldError]) -> None:
    if found:
        raise invalid(resource.kind, resource.group, name, found)


def _store_update(
    api: Api, resource: Resource, obj: Object, old: Object, request: admission.Request, caller: Caller
) -> Object:
    managed.keep_times_of_unchanged(obj, old)
    if obj == old or caller.dry_run:
        return obj
    meta = obj["metadata"]
    held = meta.get("finalizers") or meta.get("deletionGracePeriodSeconds")
    if resource.kind == "Namespace":
        held = held or (obj.get("spec") or {}).get("finalizers")
    if meta.get("deletionTimestamp") and not held:
        api.store.remove(resource.key, meta.get("namespace", ""), meta["name"])
        return obj
    api.store.put(resource.key, obj, tracked=True)
    custom.after_write(api, resource, obj)
    admission.after_write(request)
    return obj


def patch(
    api: Api, resource: Resource, namespace: str, name: str, body: Any, how: str, subresource: str, caller: Caller,
    warnings: list[str] | None = None,
) -> Object:  # fmt: skip
    """Apply a patch of the given kind to an object or its subresource."""
    from infra.local.demo.server import subresources

    if subresource == "scale":
        return subresources.patch_scale(api, resource, namespace, name, body, how, caller)
    if how == "apply":
        return applying.apply(api, resource, namespace, name, body, subresource, caller)
    stored = api.store.get(resource, namespace, name)
    if stored is None:
        raise missing(resource.plural, resource.group, name)
    old = stored.object
    view = conversion.from_storage(api, resource, copy_of(old))
    changed = patching.patched(api, resource, view, body, how, caller, [] if warnings is None else warnings)
    _check_identity(resource, name, namespace, changed)
    changed = conversion.to_storage(api, resource, typed(resource, changed))
    if subresource == "resize":
        return subresources.resize(api, resource, old, changed, caller)
    return replace(api, resource, old, changed, subresource, caller)


def _check_identity(resource: Resource, name: str, namespace: str, obj: Object) -> None:
    meta = obj.get("metadata") or {}
    if meta.get("name", name) != name:
        raise bad_request(f"the name of the object ({meta['name']}) does not match the name on the URL ({name})")
    if resource.namespaced and meta.get("namespace", namespace) != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")


def typed(resource: Resource, obj: Object) -> Object:
    """The object with kind and apiVersion, which must be the resource's own if given."""
    kind, version = obj.get("kind") or resource.kind, obj.get("apiVersion") or resource.group_version
    if resource.custom and (kind != resource.kind or version != resource.group_version):
        raise bad_request(f"{kind} in version {version.rpartition('/')[2]!r} cannot be handled as a {resource.kind}")
    if kind != resource.kind:
        short = version.rpartition("/")[2]
        raise bad_request(
            f'{kind} in version "{short}" cannot be handled as a {resource.kind}: '
            f"converting ({short}.{kind}) to ({resource.group or 'core'}.{resource.kind}): unknown conversion"
        )
    if version != resource.group_version:
        expected = f"does not match the expected API version ({resource.group_version})"
        raise bad_request(f"the API version in the data ({version}) {expected}")
    return {**obj, "kind": kind, "apiVersion": version}
