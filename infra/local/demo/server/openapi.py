"""OpenAPI documents: definitions from the schemas, and paths synthesised from the resource table.

kubectl searches the paths for a kind and its `fieldValidation` parameter to decide whether the server validates, and
takes merge keys and documentation from the definitions; so both are there.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from infra.local.demo.server import schemas
from infra.local.demo.server.resources import Resource

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

Json = dict[str, Any]
_REF = "#/components/schemas/"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1."


def index(api: Api) -> Json:
    """GET /openapi/v3"""
    paths: Json = {}
    for name in (".well-known/openid-configuration", "api", "apis", "openid/v1/jwks", "version"):
        paths[name] = _link(name, name.encode())
    for group, versions in sorted(api.resources.groups().items()):
        if group == "metrics.k8s.io":
            continue  # served by another server, which publishes no OpenAPI of its own
        custom = all(one.custom for one in api.resources if one.group == group)
        if group and not custom:
            paths[f"apis/{group}"] = _link(f"apis/{group}", group.encode())
        for version in versions:
            name = f"apis/{group}/{version}" if group else f"api/{version}"
            paths[name] = _link(name, document(api, group, version))
    return {"paths": dict(sorted(paths.items()))}


def _link(name: str, content: bytes) -> Json:
    digest = hashlib.sha512(content).hexdigest().upper()
    return {"serverRelativeURL": f"/openapi/v3/{name}?hash={digest}"}


def document(api: Api, group: str, version: str) -> bytes:
    """The OpenAPI v3 document of one group version, encoded."""
    found = [one for one in api.resources if (one.group, one.version) == (group, version)]
    custom = [one for one in found if one.custom]
    if custom:
        return _custom_document(api, custom)
    return _built_in(group, version, tuple(sorted(found, key=lambda one: one.plural)))


@lru_cache(maxsize=64)
def _built_in(group: str, version: str, found: tuple[Resource, ...]) -> bytes:
    names: dict[str, Json] = {}
    wanted = [_META + "DeleteOptions", _META + "Status", _META + "APIResourceList"]
    for resource in found:
        kind = schemas.definition_name(resource.group, resource.version, resource.kind)
        listed = schemas.definition_name(resource.group, resource.version, resource.list_kind)
        wanted += [name for name in (kind, listed) if name]
        for sub in resource.subresources:
            name = schemas.definition_name(sub.group or group, sub.version or version, sub.kind) if sub.group else None
            wanted += [name] if name else []
    _gather(wanted, names)
    return _encode(group, version, _paths(list(found)), names)


def _encode(group: str, version: str, paths: Json, names: dict[str, Json]) -> bytes:
    info = {"title": "Kubernetes", "version": "v1.36.2-sim"}
    return orjson.dumps(
        {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": dict(sorted(names.items()))}}
    )


def _gather(wanted: list[str], names: dict[str, Json]) -> None:
    """The definitions named, and all they refer to."""
    while wanted:
        name = wanted.pop()
        if name in names or name not in schemas.definitions():
            continue
        references: list[str] = []
        names[name] = _translated(schemas.definitions()[name], references)
        wanted += references


def _translated(schema: Any, references: list[str]) -> Any:
    """JSON schema as kubernetes-validate has it, back in the form of OpenAPI 3.0: no null types, other references."""
    if isinstance(schema, list):
        return [_translated(item, references) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made: Json = {}
    for key, value in schema.items():
        if key == "properties":  # below are names of fields, which may be called "$ref" or "type"
            made[key] = {name: _translated(member, references) for name, member in value.items()}
        elif key == "$ref":
            name = value.rpartition("/")[2]
            references.append(name)
            made["$ref"] = _REF + name
        elif key == "type" and isinstance(value, list):
            made["type"] = next(one for one in value if one != "null")
        elif key == "enum" and isinstance(value, list):
            made["enum"] = [one for one in value if one is not None]
        else:
            made[key] = _translated(value, references)
    if {"type": "integer"} in made.get("oneOf", ()):
        made["format"] = "int-or-string"
    reference = made.pop("$ref", None)
    if reference and made:
        return {"allOf": [{"$ref": reference}], **made}
    return {"$ref": reference} if reference else made


# -- paths ------------------------------------------------------------------------------------------------------------

_FIELD_VALIDATION = {
    "name": "fieldValidation",
    "in": "query",
    "description": "Directs the server on how to handle objects in the request containing unknown or duplicate fields.",
    "schema": {"type": "string", "uniqueItems": True},
}


def _query(name: str) -> Json:
    return {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}


_WRITE = [_query("dryRun"), _query("fieldManager"), _FIELD_VALIDATION]
_LIST = [_query(name) for name in ("labelSelector", "fieldSelector", "limit", "continue", "watch", "resourceVersion")]
_DELETE = [_query(name) for name in ("dryRun", "gracePeriodSeconds", "propagationPolicy")]
_ACTIONS = {
    "get": ("get", "get", []), "list": ("get", "list", _LIST), "create": ("post", "post", _WRITE),
    "update": ("put", "put", _WRITE), "patch": ("patch", "patch", [*_WRITE, _query("force")]),
    "delete": ("delete", "delete", _DELETE), "deletecollection": ("delete", "deletecollection", [*_DELETE, *_LIST]),
}  # fmt: skip
_ON_COLLECTION = ("list", "create", "deletecollection")


def _paths(found: list[Resource]) -> Json:
    paths: Json = {}
    for resource in found:
        collection = resource.path("{namespace}")
        single = resource.path("{namespace}", "{name}")
        for verb in resource.verbs:
            if verb != "watch":
                _add(paths, collection if verb in _ON_COLLECTION else single, resource, verb, resource.kind)
        if resource.namespaced and "list" in resource.verbs:
            _add(paths, resource.path(), resource, "list", resource.kind)
        for sub in resource.subresources:
            for verb in sub.verbs:
                _add(paths, f"{single}/{sub.name}", resource, verb, sub.kind, (sub.group, sub.version), sub.name)
    return paths


def _add(
    paths: Json,
    path: str,
    resource: Resource,
    verb: str,
    kind: str,
    of: tuple[str | None, str] | None = None,
    sub: str = "",
) -> None:
    method, action, parameters = _ACTIONS[verb]
    group, version = (of[0], of[1]) if of and of[0] is not None else (resource.group, resource.version)
    operation: Json = {
        "operationId": f"{verb}{resource.kind}{sub.capitalize()}"
        + ("ForAllNamespaces" if path == resource.path() else ""),
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind},
        "parameters": parameters,
        "responses": {"200": {"description": "OK"}, "401": {"description": "Unauthorized"}},
    }
    if method == "patch":
        types = ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"]
        if not resource.custom:
            types.insert(2, "application/strategic-merge-patch+json")
        body = {"schema": {"type": "object"}}
        operation["requestBody"] = {"content": dict.fromkeys(types, body)}
    entry = paths.setdefault(
        path, {"parameters": [_path_parameter(name) for name in ("namespace", "name") if f"{{{name}}}" in path]}
    )
    entry[method] = operation


def _path_parameter(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "uniqueItems": True}}


def _custom_document(api: Api, found: list[Resource]) -> bytes:
    names: dict[str, Json] = {}
    _gather([_META + "ObjectMeta", _META + "ListMeta", _META + "DeleteOptions", _META + "Status"], names)
    for resource in found:
        key = (resource.group, resource.version, resource.kind)
        schema = api.custom_schemas.get(key, {"type": "object"})
        prefix = ".".join(reversed(resource.group.split("."))) + f".{resource.version}."
        gvk = [{"group": resource.group, "version": resource.version, "kind": resource.kind}]
        properties = dict(schema.get("properties") or {})
        properties |= {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
        properties["metadata"] = {"allOf": [{"$ref": _REF + _META + "ObjectMeta"}]}
        names[prefix + resource.kind] = {**schema, "properties": properties, "x-kubernetes-group-version-kind": gvk}
        items = {"type": "array", "items": {"$ref": _REF + prefix + resource.kind}}
        listed = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "items": items,
                  "metadata": {"allOf": [{"$ref": _REF + _META + "ListMeta"}]}}  # fmt: skip
        list_gvk = [{**gvk[0], "kind": resource.list_kind}]
        names[prefix + resource.list_kind] = {
            "type": "object", "required": ["items"], "properties": listed, "x-kubernetes-group-version-kind": list_gvk,
        }  # fmt: skip
    return _encode(found[0].group, found[0].version, _paths(found), names)


def document_v2(api: Api) -> bytes:
    """GET /openapi/v2: everything in one Swagger document, for clients that know no v3."""
    names: dict[str, Json] = {}
    wanted = []
    for resource in api.resources:
        if not resource.custom:
            wanted += [schemas.definition_name(resource.group, resource.version, resource.kind) or ""]
    _gather(wanted, names)
    paths = _paths([resource for resource in api.resources])
    text = orjson.dumps(
        {
            "swagger": "2.0",
            "info": {"title": "Kubernetes", "version": "v1.36.2-sim"},
            "paths": paths,
            "definitions": names,
        }
    )
    return text.replace(_REF.encode(), b"#/definitions/")
