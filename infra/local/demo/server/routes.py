"""Taking a path apart: which resource, namespace, object and subresource it names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.local.demo.server.errors import ApiError, method_not_allowed, no_such_resource
from infra.local.demo.server.rbac import Attributes
from infra.local.demo.server.resources import Resource

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api


@dataclass(frozen=True, slots=True)
class Route:
    """A path below a group version. `resource` is None if nothing of that name is served."""

    group: str
    version: str
    plural: str
    namespace: str
    name: str
    subresource: str
    resource: Resource | None


def parse(api: Api, path: str) -> Route | None:
    """The route of a resource path; None for every other path (discovery, health, ...)."""
    parts = [part for part in path.split("/") if part]
    if len(parts) > 2 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) > 3 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if (
        rest[0] == "namespaces"
        and len(rest) > 2
        and not (group == "" and rest[2] in ("status", "finalize") and len(rest) == 3)
    ):
        namespace, rest = rest[1], rest[2:]
    plural, name = rest[0], rest[1] if len(rest) > 1 else ""
    subresource = "/".join(rest[2:])
    return Route(group, version, plural, namespace, name, subresource, api.resources.at(group, version, plural))


_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


def verb_of(method: str, route: Route, *, watch: bool) -> str:
    """The Kubernetes verb of a request."""
    if method in ("GET", "HEAD"):
        if route.name:
            return "get"
        return "watch" if watch else "list"
    if method == "DELETE":
        return "delete" if route.name else "deletecollection"
    return _VERBS.get(method, method.lower())


def attributes(verb: str, route: Route) -> Attributes:
    name = route.name
    if verb == "create" and not route.subresource:
        name = ""
    namespace = route.namespace
    if route.group == "" and route.plural == "namespaces":
        namespace = route.name
    return Attributes(verb, route.group, route.plural, route.subresource.partition("/")[0], namespace, name)


def resolve(route: Route, verb: str) -> Resource:
    """The resource, if it is served and takes the verb; ApiError 404 or 405 otherwise."""
    resource = route.resource
    if resource is None or (route.namespace and not resource.namespaced):
        raise no_such_resource()
    verbs = resource.verbs
    if route.subresource:
        sub = resource.subresource(route.subresource.partition("/")[0])
        if sub is None or not route.name:
            raise no_such_resource()
        verbs = sub.verbs
    if verb not in verbs or (verb in ("update", "patch") and not route.name):
        raise method_not_allowed()
    if resource.namespaced and not route.namespace and verb not in ("list", "watch"):
        raise _needs_namespace(verb)
    return resource


def _needs_namespace(verb: str) -> ApiError:
    return method_not_allowed() if verb in ("create", "deletecollection") else no_such_resource()
