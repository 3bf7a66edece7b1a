"""Actions on any object: apply manifests, patch, delete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec
from pydantic import Field

from chalicelib.clusters.documents import json_bodies
from chalicelib.clusters.operations import Operation, ResourceType
from chalicelib.errors import InvalidRequest, TooLarge
from chalicelib.safety.actions.registry import NAME, NAMESPACE, Arguments, Draft, action, nothing_to_do, patch
from chalicelib.safety.scene import Json, Scene
from chalicelib.state.meta import Ref

MOST_OBJECTS = 20
MANIFEST_BYTES = 256 * 1024


class ApplyArguments(Arguments):
    manifest: str = Field(min_length=1, max_length=MANIFEST_BYTES, description="YAML or JSON, at most 20 objects")
    namespace: str = Field("", pattern=rf"^$|{NAMESPACE}", description="for objects that name none")
    take_over: bool = Field(False, description="take fields that another manager owns")


@action("apply", title="Apply manifests", arguments=ApplyArguments)
def apply(args: ApplyArguments, scene: Scene) -> Draft:
    """Create or change objects so that they have what the manifests say (server-side apply)."""
    objects = list(documents(args.manifest))
    operations, refs = [], []
    for obj in objects:
        resource, namespace, name = _placed(obj, args.namespace, scene)
        ref = Ref(resource.kind, namespace, name)
        if ref in refs:
            raise InvalidRequest(f"{ref} is in the manifest twice.", code="invalid_manifest", remedy="Leave one out.")
        refs.append(ref)
        held = scene.find(resource.kind, namespace, name)
        body = {**obj, "metadata": {**obj["metadata"], **({"namespace": namespace} if namespace else {})}}
        operations.append(
            Operation(
                verb="apply", resource=resource, namespace=namespace, name=name, body=body, force=args.take_over,
                uid=held["metadata"]["uid"] if held else "",
                resource_version=held["metadata"]["resourceVersion"] if held else "",
            )
        )  # fmt: skip
    what = str(refs[0]) if len(refs) == 1 else f"{len(refs)} objects, among them {refs[0]}"
    return Draft(f"Apply {what}", tuple(operations), refs[0])


def documents(manifest: str) -> Iterator[Json]:
    """The objects of a manifest, Lists unfolded. Raises InvalidRequest, TooLarge."""
    count = 0
    try:
        for body in json_bodies(manifest.encode()):
            for obj in _unfolded(msgspec.json.decode(body)):
                count += 1
                if count > MOST_OBJECTS:
                    raise TooLarge(
                        f"The manifest has more than {MOST_OBJECTS} objects.", details={"limit": MOST_OBJECTS},
                        remedy=f"Split it: one request takes {MOST_OBJECTS} objects.",
                    )  # fmt: skip
                yield _checked(obj)
    except (ValueError, msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest(
            f"The manifest cannot be read: {str(error)[:200]}.", code="invalid_manifest",
            remedy="Send plain YAML or JSON without anchors and tags.",
        ) from error  # fmt: skip
    if not count:
        raise InvalidRequest("The manifest has no object.", code="invalid_manifest", remedy="Send at least one object.")


def _unfolded(plain: Any) -> Iterable[Any]:
    if isinstance(plain, dict) and str(plain.get("kind", "")).endswith("List") and isinstance(plain.get("items"), list):
        return list(plain["items"])
    return (plain,)


def _checked(obj: Any) -> Json:
    meta = obj.get("metadata") if isinstance(obj, dict) else None
    complete = isinstance(meta, dict) and all(isinstance(obj.get(key), str) for key in ("apiVersion", "kind"))
    if not complete or not isinstance(meta, dict) or not isinstance(meta.get("name"), str):
        raise InvalidRequest(
            "An object of the manifest lacks apiVersion, kind or metadata.name.", code="invalid_manifest",
            remedy="Give every object its apiVersion, kind and metadata.name; generateName is not supported.",
        )  # fmt: skip
    found: Json = obj
    return found


def _placed(obj: Json, default: str, scene: Scene) -> tuple[ResourceType, str, str]:
    """(type, namespace, name) of an object of a manifest. Raises InvalidRequest, NotFound."""
    resource = scene.type_of(obj["kind"])
    group, _, version = obj["apiVersion"].rpartition("/")
    if group != resource.group:
        raise InvalidRequest(
            f"{obj['kind']} of {obj['apiVersion']} is not served here; {resource.api_version} is.",
            code="unknown_api_version", remedy=f"Use apiVersion {resource.api_version}.",
        )  # fmt: skip
    resource = msgspec.structs.replace(resource, version=version)
    namespace = str(obj["metadata"].get("namespace") or default) if resource.namespaced else ""
    if resource.namespaced and not namespace:
        raise InvalidRequest(
            f"{obj['kind']} {obj['metadata']['name']} names no namespace.", code="namespace_missing",
            remedy="Write metadata.namespace, or give `namespace`.",
        )  # fmt: skip
    return resource, namespace, obj["metadata"]["name"]


class ObjectArguments(Arguments):
    kind: str = Field(min_length=1, max_length=100, description="kind, plural or short name")
    namespace: str = Field("", pattern=rf"^$|{NAMESPACE}", description="empty for cluster-wide kinds")
    name: str = Field(pattern=NAME, description="one object; no patterns")


def resolved(args: ObjectArguments, scene: Scene) -> ResourceType:
    """The kind that is meant. Raises NotFound, and InvalidRequest for a namespace too many or too few."""
    resource = scene.type_of(args.kind)
    if resource.namespaced != bool(args.namespace):
        raise InvalidRequest(
            f"{resource.kind} is {'namespaced' if resource.namespaced else 'cluster-wide'}.", code="namespace_mismatch",
            remedy="Give `namespace`." if resource.namespaced else "Leave `namespace` out.",
        )  # fmt: skip
    return resource


class PatchArguments(ObjectArguments):
    patch: dict[str, Any] | list[dict[str, Any]]
    type: Literal["merge", "strategic", "json"] = "merge"


@action("patch", title="Patch an object", arguments=PatchArguments)
def patch_object(args: PatchArguments, scene: Scene) -> Draft:
    """Change fields of one object by a merge patch, a strategic merge patch, or a JSON patch."""
    resource = resolved(args, scene)
    if isinstance(args.patch, list) != (args.type == "json"):
        raise InvalidRequest(
            "patch: a JSON patch is a list of operations, the other types are objects.", code="invalid_arguments",
            remedy="Send the form that belongs to `type`.", details={"field": "patch"},
        )  # fmt: skip
    if not args.patch:
        raise nothing_to_do("The patch is empty.")
    obj = scene.raw(resource.kind, args.namespace, args.name)
    where = f"{args.namespace}/{args.name}" if args.namespace else args.name
    return Draft(
        f"Patch {resource.kind} {where}",
        (patch(resource, obj, args.patch, args.type),),
        Ref(resource.kind, args.namespace, args.name),
    )


class DeleteArguments(ObjectArguments):
    propagation: Literal["Background", "Foreground", "Orphan"] = "Background"


@action("delete", title="Delete an object", arguments=DeleteArguments)
def delete(args: DeleteArguments, scene: Scene) -> Draft:
    """Delete one object, with what it owns unless `propagation` is Orphan."""
    resource = resolved(args, scene)
    obj = scene.raw(resource.kind, args.namespace, args.name)
    meta = obj["metadata"]
    if meta.get("deletionTimestamp"):
        raise nothing_to_do(f"{resource.kind} {args.name} is being deleted already, since {meta['deletionTimestamp']}.")
    where = f"{args.namespace}/{args.name}" if args.namespace else args.name
    operation = Operation(
        verb="delete", resource=resource, namespace=args.namespace, name=args.name, uid=meta["uid"],
        resource_version=meta["resourceVersion"], propagation=args.propagation,
    )  # fmt: skip
    return Draft(f"Delete {resource.kind} {where}", (operation,), Ref(resource.kind, args.namespace, args.name))
