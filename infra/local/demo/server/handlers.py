"""What each verb on a resource does, once the caller is known to be allowed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from infra.local.demo.server import (
    bodies,
    conversion,
    deleting,
    kubelet,
    listing,
    printing,
    reviews,
    subresources,
    writing,
)  # fmt: skip
from infra.local.demo.server.access import Caller
from infra.local.demo.server.errors import bad_request, method_not_allowed
from infra.local.demo.server.patching import unsupported_patch
from infra.local.demo.server.reading import get as stored_object
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.routes import Route
from infra.local.demo.server.store import Object
from infra.local.demo.server.watching import Watch
from infra.local.demo.server.wire import Context, HttpRequest, HttpResponse, json_response

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

Answer = HttpResponse | Watch
Handler = Callable[["Api", Resource, Route, Context], Answer]

# Kinds whose deletion answers with the object instead of a Status (ReturnDeletedObject in pkg/registry).
_RETURNED = {
    "Pod", "PodTemplate", "PersistentVolume", "PersistentVolumeClaim", "ResourceQuota", "Service", "ServiceAccount",
}  # fmt: skip


def is_dry(request: HttpRequest) -> bool:
    """Whether a request asks for a dry run anywhere (query, delete options, eviction)."""
    if request.query.get("dryRun"):
        return True
    if b"dryRun" not in request.body:
        return False
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return False
    options = body.get("deleteOptions") or body if isinstance(body, dict) else {}
    return bool(options.get("dryRun"))


def handle(api: Api, resource: Resource, route: Route, verb: str, context: Context) -> Answer:
    """Answer a request on a resource."""
    bodies.check_size(context.request)
    if resource.group == "metrics.k8s.io":
        return kubelet.metrics(api, resource, route.namespace, route.name, context.request)
    if route.subresource:
        return _subresource(api, resource, route, verb, context)
    return _VERBS[verb](api, resource, route, context)


# -- reading ----------------------------------------------------------------------------------------------------------


def _get(api: Api, resource: Resource, route: Route, context: Context) -> Answer:
    stored = stored_object(api, resource, route.namespace, route.name)
    if context.accept.shape or not conversion.is_stored_form(resource) or resource.custom:
        return _shown(api, resource, stored.object, context)
    return HttpResponse(200, stored.encoded)


def _shown(api: Api, resource: Resource, obj: Object, context: Context, status: int = 200) -> HttpResponse:
    """One object in the representation asked for."""
    obj = conversion.convert(resource, obj)
    if printing.is_table(context.accept):
        meta = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        include = context.request.one("includeObject", "Metadata")
        return HttpResponse(status, printing.table(api, resource, [obj], meta, include))
    if context.accept.shape == "PartialObjectMetadata":
        return json_response(printing.partial(obj), status)
    return json_response(obj, status)


def _list(api: Api, resource: Resource, route: Route, context: Context) -> Answer:
    request, name = context.request, route.name
    if name:
        request = _for_name(request, name)
    if not resource.stored:
        return json_response(
            {"kind": resource.list_kind, "apiVersion": resource.group_version, "metadata": {}, "items": []}
        )
    found = listing.page(api, resource, route.namespace, request)
    shape = context.accept.shape
    if printing.is_table(context.accept):
        objects = [conversion.convert(resource, row.object) for row in found.items]
        include = request.one("includeObject", "Metadata")
        return HttpResponse(200, printing.table(api, resource, objects, found.meta(), include))
    if shape == "PartialObjectMetadataList":
        items = [printing.partial(row.object) for row in found.items]
        head = {"kind": shape, "apiVersion": "meta.k8s.io/v1", "metadata": found.meta()}
        return json_response({**head, "items": items})
    return HttpResponse(200, listing.encode(resource, found))


def _for_name(request: HttpRequest, name: str) -> HttpRequest:
    given = request.one("fieldSelector")
    fields = f"metadata.name={name}" + (f",{given}" if given else "")
    return replace(request, query={**request.query, "fieldSelector": [fields]})


def _watch(api: Api, resource: Resource, route: Route, context: Context) -> Answer:
    request = context.request
    include = request.one("includeObject", "Metadata")

    def shape(obj: Object) -> Any:
        if printing.is_table(context.accept):
            return printing.table_event(api, resource, obj, include)
        return printing.partial(obj) if context.accept.shape.startswith("PartialObject") else obj

    return Watch(api, resource, route.namespace, request, shape)


# -- writing ----------------------------------------------------------------------------------------------------------


def _create(api: Api, resource: Resource, route: Route, context: Context) -> Answer:
    caller = bodies.caller_of(context, "CreateOptions")
    body = bodies.object_of(api, resource, context, caller)
    if resource.kind == "Binding":
        name = (body.get("metadata") or {}).get("name", "")
        subresources.bind(api, route.namespace, name, (body.get("target") or {}).get("name", ""), caller)
        return _success(201)
    if not resource.stored:
        return json_response(reviews.answer(api, resource, route.namespace, body, caller), 201)
    made = writing.create(api, resource, route.namespace, body, caller)
    return _shown(api, resource, made, context, 201)


def _update(api: Api, resource: Resource, route: Route, context: Context) -> Answer:
    caller = bodies.caller_of(context, "UpdateOptions")
    body = bodies.object_of(api, resource, context, caller)
    body = _identified(route, body)
    changed = writing.update(api, resource, body, route.subresource, caller)
    return _shown(api, resource, changed, context)


def _identified(route: Route, body: Object) -> Object:
    """The name and namespace of the body must be those of the URL; missing ones are taken from there."""
    meta = dict(body.get("metadata") or {})
    name = meta.get("name")
    if not name:
        raise bad_request("name must be provided")
    if name != route.name:
        text = f"the name of the object ({name}) does not match the name on the URL ({route.name})"
        raise bad_request(text)
    if route.namespace and meta.get("namespace", route.namespace) != route.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if route.namespace:
        meta["namespace"] = route.namespace
    return {**body, "metadata": meta}


def _patch(api: Api, resource: Resource, route: Route, context: Context) -> Answer:
    how = bodies.PATCH_TYPES.get(bodies.media_type(context.request))
    if how is None or (how == "strategic" and resource.custom):
        raise unsupported_patch(custom=resource.custom)
    caller = bodies.caller_of(context, "PatchOptions")
    body = _patch_body(context.request, how)
    existed = api.store.get(resource, route.namespace, route.name) is not None
    changed = writing.patch(
        api, resource, route.namespace, route.name, body, how, route.subresource, caller, context.warnings
    )
    if route.subresource == "scale":
        return json_response(changed)
    return _shown(api, resource, changed, context, 200 if existed else 201)


def _patch_body(request: HttpRequest, how: str) -> Any:
    if how == "apply":
        body = bodies.from_yaml(request.body)
        if not isinstance(body, dict):
            raise bad_request("error decoding YAML: the object provided is unrecognized")
        return body
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        text = bodies.go_json_error(request.body.decode(errors="replace"), error.pos)
        raise bad_request(f"error decoding patch: {text}") from None


def _delete(api: Api, resource: Resource, route: Route, context: Context) -> Answer:
    options = bodies.delete_options(context.request)
    caller = Caller(context.user, dry_run=bool(options.pop("dryRun")))
    done = deleting.delete(api, resource, route.namespace, route.name, options, caller)
    if not done.gone or resource.kind in _RETURNED:
        return _shown(api, resource, done.object, context)
    details = {
        "name": route.name,
        "group": resource.group,
        "kind": resource.plural,
        "uid": done.object["metadata"]["uid"],
    }
    kept = {key: value for key, value in details.items() if value}
    return json_response({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": kept})


def _delete_collection(api: Api, resource: Resource, route: Route, context: Context) -> Answer:
    options = bodies.delete_options(context.request)
    caller = Caller(context.user, dry_run=bool(options.pop("dryRun")))
    found = listing.page(api, resource, route.namespace, context.request)
    deleting.delete_collection(api, resource, route.namespace, found.items, options, caller)
    return HttpResponse(200, listing.encode(resource, found))


_VERBS: dict[str, Handler] = {
    "get": _get, "list": _list, "watch": _watch, "create": _create, "update": _update, "patch": _patch,
    "delete": _delete, "deletecollection": _delete_collection,
}  # fmt: skip


# -- subresources -----------------------------------------------------------------------------------------------------


def _subresource(api: Api, resource: Resource, route: Route, verb: str, context: Context) -> Answer:
    match route.subresource, verb:
        case "log", "get":
            return kubelet.log(api, route.namespace, route.name, context.request)
        case "scale", "get":
            return json_response(
                subresources.scale_of(resource, stored_object(api, resource, route.namespace, route.name).object)
            )
        case "scale", "update":
            caller = bodies.caller_of(context, "UpdateOptions")
            body = bodies.document(context.request, "Scale")
            return json_response(subresources.update_scale(api, resource, route.namespace, route.name, body, caller))
        case "eviction", "create":
            return _evict(api, route, context)
        case "binding", "create":
            return _bind(api, route, context)
        case "token", "create":
            return _token(api, resource, route, context)
        case (("attach" | "exec" | "portforward" | "proxy"), _):
            raise bad_request("Upgrade request required")
        case (("status" | "resize" | "ephemeralcontainers" | "approval" | "finalize"), "get"):
            return _get(api, resource, route, context)
        case _, "patch":
            return _patch(api, resource, route, context)
        case _, "update":
            return (
                _finalize(api, route, context)
                if route.subresource == "finalize"
                else _update(api, resource, route, context)
            )
    raise method_not_allowed()


def _success(status: int) -> HttpResponse:
    return json_response(
        {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": status}, status
    )


def _evict(api: Api, route: Route, context: Context) -> Answer:
    body = bodies.document(context.request, "Eviction") or {}
    if body.get("kind", "Eviction") != "Eviction":
        raise bad_request(f'{body["kind"]} in version "v1" cannot be handled as a Eviction')
    options = dict(body.get("deleteOptions") or {})
    dry = bodies.dry_run(
        [*(options.pop("dryRun", None) or []), *(context.request.query.get("dryRun") or [])][:1], "DeleteOptions"
    )
    subresources.evict(api, route.namespace, route.name, options, Caller(context.user, dry_run=dry))
    return _success(201)


def _bind(api: Api, route: Route, context: Context) -> Answer:
    body = bodies.document(context.request, "Binding") or {}
    caller = bodies.caller_of(context, "CreateOptions")
    subresources.bind(api, route.namespace, route.name, (body.get("target") or {}).get("name", ""), caller)
    return _success(201)


def _token(api: Api, resource: Resource, route: Route, context: Context) -> Answer:
    """TokenRequest: a working bearer token of the service account."""
    from infra.local.demo.server.access import User

    account = stored_object(api, resource, route.namespace, route.name).object
    body = bodies.document(context.request, "TokenRequest") or {}
    token = f"sim.{api.identity.uid()}"
    user = User.service_account(route.namespace, route.name)
    api.tokens.add(token, user.name, user.groups[:-1])
    spec = {"audiences": ["https://kubernetes.default.svc"], "expirationSeconds": 3600, **(body.get("spec") or {})}
    meta = {"name": account["metadata"]["name"], "namespace": route.namespace, "creationTimestamp": api.now()}
    status = {"token": token, "expirationTimestamp": api.later(int(spec["expirationSeconds"]))}
    head = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": meta}
    return json_response({**head, "spec": spec, "status": status}, 201)


def _finalize(api: Api, route: Route, context: Context) -> Answer:
    """The last step of a namespace's deletion: its spec.finalizers."""
    resource = api.resource("Namespace")
    caller = bodies.caller_of(context, "UpdateOptions")
    body = bodies.object_of(api, resource, context, caller)
    return json_response(api.finalize_namespace(route.name, list((body.get("spec") or {}).get("finalizers") or ())))
