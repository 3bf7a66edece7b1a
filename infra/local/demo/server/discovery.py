"""Discovery: which groups, versions and resources there are, in the old form and in the aggregated one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson

from infra.local.demo.server.resources import Resource, Subresource
from infra.local.demo.server.wire import Accept, HttpRequest, HttpResponse, json_response

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

Json = dict[str, Any]


def versions(address: str) -> Json:
    """GET /api"""
    addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}


def _group(name: str, served: list[str]) -> Json:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in served]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def groups(api: Api) -> Json:
    """GET /apis"""
    listed = [_group(name, served) for name, served in api.resources.groups().items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def group(api: Api, name: str) -> Json | None:
    """GET /apis/apps"""
    served = api.resources.groups().get(name)
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, served)} if served and name else None


def resources(api: Api, group_name: str, version: str) -> Json | None:
    """GET /api/v1 or /apis/apps/v1"""
    found = [one for one in api.resources if (one.group, one.version) == (group_name, version)]
    if not found:
        return None
    listed: list[Json] = []
    for resource in sorted(found, key=lambda one: one.plural):
        listed.append(_resource(resource))
        listed += [_subresource(resource, sub) for sub in resource.subresources]
    head: Json = {"kind": "APIResourceList"} | ({"apiVersion": "v1"} if group_name else {})
    return {**head, "groupVersion": found[0].group_version, "resources": listed}


def _resource(resource: Resource) -> Json:
    entry: Json = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.stored:
        entry["storageVersionHash"] = resource.storage_version_hash
    return entry


def _subresource(resource: Resource, sub: Subresource) -> Json:
    entry: Json = {"name": f"{resource.plural}/{sub.name}", "singularName": "", "namespaced": resource.namespaced}
    if sub.group is not None:
        entry |= {"group": sub.group, "version": sub.version}
    return {**entry, "kind": sub.kind, "verbs": list(sub.verbs)}


def aggregated(api: Api, *, core: bool) -> Json:
    """All of /api or /apis in one document."""
    items = []
    for name, served in api.resources.groups().items():
        if bool(name) != core:
            meta: Json = {"name": name} if name else {}
            items.append({"metadata": meta, "versions": [_version(api, name, version) for version in served]})
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _version(api: Api, group_name: str, version: str) -> Json:
    found = [one for one in api.resources if (one.group, one.version) == (group_name, version)]
    listed = [_aggregated_resource(one) for one in sorted(found, key=lambda one: one.plural)]
    return {"version": version, "resources": listed, "freshness": "Current"}


def _kind(resource: Resource, sub: Subresource | None = None) -> Json:
    if sub is not None and sub.group is not None:
        return {"group": sub.group, "version": sub.version, "kind": sub.kind}
    named = {"group": resource.group, "version": resource.version} if resource.custom else {"group": "", "version": ""}
    return {**named, "kind": sub.kind if sub else resource.kind}


def _aggregated_resource(resource: Resource) -> Json:
    entry: Json = {
        "resource": resource.plural,
        "responseKind": _kind(resource),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    subs = [
        {"subresource": sub.name, "responseKind": _kind(resource, sub), "verbs": list(sub.verbs)}
        for sub in resource.subresources
    ]
    return entry | ({"subresources": subs} if subs else {})


def respond(request: HttpRequest, accept: Accept, plain: Json, full: Json) -> HttpResponse:
    """The document in the form the client takes; the aggregated one has an ETag."""
    if accept.shape != "APIGroupDiscoveryList":
        return json_response(plain)
    body = orjson.dumps(full)
    return tagged(request, body, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")


def tagged(request: HttpRequest, body: bytes, content_type: str) -> HttpResponse:
    """With an ETag; 304 without body when the client has it already."""
    tag = '"' + hashlib.sha512(body).hexdigest().upper() + '"'
    headers = {"etag": tag, "vary": "Accept", "cache-control": "public"}
    if request.headers.get("if-none-match") == tag:
        return HttpResponse(304, b"", "", headers)
    return HttpResponse(200, body, content_type, headers)
