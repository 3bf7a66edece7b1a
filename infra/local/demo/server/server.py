"""Serving requests: who asks, may they, and which part of the server answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import orjson
import yaml

from infra.local.demo.server import discovery, handlers, openapi, rbac, routes
from infra.local.demo.server.access import AUTHENTICATED, User
from infra.local.demo.server.api import Api
from infra.local.demo.server.audit import Audit, AuditEntry
from infra.local.demo.server.errors import ApiError
from infra.local.demo.server.watching import Watch
from infra.local.demo.server.wire import (
    TEXT,
    Context,
    HttpRequest,
    HttpResponse,
    error_response,
    json_response,
    negotiate,
)

VERSION = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.2-sim",
    "gitCommit": "0000000000000000000000000000000000000000",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "linux/amd64",
}
_HOOKS = """
start-apiserver-admission-initializer generic-apiserver-start-informers priority-and-fairness-config-consumer
priority-and-fairness-filter storage-object-count-tracker-hook start-apiextensions-informers
start-apiextensions-controllers crd-informer-synced start-system-namespaces-controller
peer-endpoint-reconciler-controller
start-cluster-authentication-info-controller start-kube-apiserver-identity-lease-controller
start-kube-apiserver-identity-lease-garbage-collector storage-readiness start-legacy-token-tracking-controller
start-service-ip-repair-controllers rbac/bootstrap-roles scheduling/bootstrap-system-priority-classes
priority-and-fairness-config-producer bootstrap-controller start-kubernetes-service-cidr-controller
aggregator-reload-proxy-client-cert start-kube-aggregator-informers apiservice-status-local-available-controller
apiservice-status-remote-available-controller apiservice-registration-controller apiservice-wait-for-first-sync
apiservice-discovery-controller kube-apiserver-autoregistration
"""
_LAST_HOOKS = ("apiservice-openapi-controller", "apiservice-openapiv3-controller")
_UNAUTHORIZED = ApiError(401, "Unauthorized", "Unauthorized")


class Server:
    """The HTTP side of an `Api`; knows nothing of sockets (see `asgi`)."""

    def __init__(self, api: Api, *, address: str = "127.0.0.1:6443") -> None:
        self.api = api
        self.address = address
        self.audit = Audit()
        self.extension: Callable[[HttpRequest], HttpResponse | None] = lambda request: None
        """Answers further paths, for those who may use them; None where it does not know a path."""
        self._index: tuple[int, bytes] = (-1, b"")

    def serve(self, request: HttpRequest) -> HttpResponse | Watch:
        """Answer one request. A `Watch` has to be drained until it is over or its time is up."""
        try:
            real = self._authenticate(request)
            user = self._impersonated(request, real)
        except ApiError as error:
            return error_response(error)
        route = routes.parse(self.api, request.path)
        verb = routes.verb_of(request.method, route, watch=request.flag("watch")) if route else request.method.lower()
        before = self.api.revision
        self.api.warnings.clear()
        try:
            answer = self._answer(request, user, route, verb)
        except ApiError as error:
            answer = error_response(error)
        if isinstance(answer, HttpResponse):
            self._finish(answer)
        self._record(request, real, user, route, verb, answer)
        if self.api.revision != before:
            self.api.work_off()
            self.api.settle()
        return answer

    # -- who ----------------------------------------------------------------------------------------------------

    def _authenticate(self, request: HttpRequest) -> User:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        user = self.api.tokens.user(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise _UNAUTHORIZED
        return user

    def _impersonated(self, request: HttpRequest, real: User) -> User:
        name = request.headers.get("impersonate-user")
        if not name:
            return real
        wanted = rbac.Attributes("impersonate", "", "users", "", "", name)
        if not rbac.authorize(self.api, real, wanted).allowed:
            raise _forbidden(real, wanted)
        groups = [group for group in request.headers.get("impersonate-group", "").split(",") if group]
        known = [one for one in self.api.tokens.users() if one.name == name]
        return User(name, (*groups, AUTHENTICATED)) if groups or not known else known[0]

    # -- what ---------------------------------------------------------------------------------------------------

    def _answer(self, request: HttpRequest, user: User, route: routes.Route | None, verb: str) -> HttpResponse | Watch:
        if route is None:
            return self._other(request, user)
        wanted = routes.attributes(verb, route)
        if route.resource is None and self.api.resources.groups().get(route.group) is None:
            return _nothing_here()
        if not rbac.authorize(self.api, user, wanted).allowed:
            raise _forbidden(user, wanted)
        resource = routes.resolve(route, verb)
        context = Context(request, user, negotiate(request.headers.get("accept", "")), self.api.warnings)
        answer = handlers.handle(self.api, resource, route, verb, context)
        if isinstance(answer, HttpResponse) and context.accept.yaml:
            text = yaml.safe_dump(orjson.loads(answer.body), sort_keys=False)
            return HttpResponse(answer.status, text.encode(), "application/yaml", answer.headers)
        return answer

    def _other(self, request: HttpRequest, user: User) -> HttpResponse:
        path = request.path.rstrip("/") or "/"
        if not rbac.authorize(self.api, user, rbac.Attributes(request.method.lower(), path=request.path)).allowed:
            raise _forbidden_path(user, request)
        extended = self.extension(request)
        if extended is not None:
            return extended
        exact: dict[str, Callable[[], HttpResponse]] = {
            "/version": lambda: json_response(VERSION),
            "/api": lambda: self._groups(request, core=True),
            "/apis": lambda: self._groups(request, core=False),
            "/openapi/v3": self._openapi_index_for(request),
            "/openapi/v2": lambda: discovery.tagged(request, openapi.document_v2(self.api), "application/json"),
            "/": lambda: json_response({"paths": self._paths()}),
        }
        if path in exact:
            return exact[path]()
        if path in ("/healthz", "/livez", "/readyz"):
            return _health(path.strip("/"), verbose="verbose" in request.query)
        return self._document(request, path)

    def _groups(self, request: HttpRequest, *, core: bool) -> HttpResponse:
        accept = negotiate(request.headers.get("accept", ""))
        plain = discovery.versions(self.address) if core else discovery.groups(self.api)
        return discovery.respond(request, accept, plain, discovery.aggregated(self.api, core=core))

    def _openapi_index_for(self, request: HttpRequest) -> Callable[[], HttpResponse]:
        def respond() -> HttpResponse:
            served = hash(tuple(self.api.resources))
            if self._index[0] != served:
                self._index = (served, orjson.dumps(openapi.index(self.api)))
            return discovery.tagged(request, self._index[1], TEXT)

        return respond

    def _paths(self) -> list[str]:
        found = [
            "/api",
            "/api/v1",
            "/apis",
            "/healthz",
            "/livez",
            "/metrics",
            "/openapi/v2",
            "/openapi/v3",
            "/readyz",
            "/version",
        ]
        for group, versions in self.api.resources.groups().items():
            if group:
                found += [f"/apis/{group}", *(f"/apis/{group}/{version}" for version in versions)]
        return sorted(found)

    def _document(self, request: HttpRequest, path: str) -> HttpResponse:
        parts = path.strip("/").split("/")
        if parts[:2] == ["openapi", "v3"] and len(parts) in (4, 5):
            group, version = ("", parts[3]) if parts[2] == "api" else (parts[3], parts[-1])
            if version in self.api.resources.groups().get(group, ()):
                return discovery.tagged(request, openapi.document(self.api, group, version), "application/json")
        body: dict[str, Any] | None = None
        if parts[0] == "api" and len(parts) == 2:
            body = discovery.resources(self.api, "", parts[1])
        elif parts[0] == "apis" and len(parts) == 2:
            body = discovery.group(self.api, parts[1])
        elif parts[0] == "apis" and len(parts) == 3:
            body = discovery.resources(self.api, parts[1], parts[2])
        return json_response(body) if body else _nothing_here()

    # -- afterwards ---------------------------------------------------------------------------------------------

    def _finish(self, answer: HttpResponse) -> None:
        answer.headers.setdefault("cache-control", "no-cache, private")
        if self.api.warnings:
            quoted = [text.replace("\\", "\\\\").replace('"', '\\"') for text in dict.fromkeys(self.api.warnings)]
            answer.headers["warning"] = ", ".join(f'299 - "{text}"' for text in quoted)

    def _record(
        self, request: HttpRequest, real: User, user: User, route: routes.Route | None, verb: str,
        answer: HttpResponse | Watch,
    ) -> None:  # fmt: skip
        full = (route.plural + (f"/{route.subresource}" if route.subresource else "")) if route else ""
        namespace, name = (route.namespace, route.name) if route else ("", "")
        self.audit.add(
            AuditEntry(
                user.name, real.name if real is not user else "", verb, request.method, request.path,
                urlencode(request.query, doseq=True), full, namespace, name,
                handlers.is_dry(request), answer.status if isinstance(answer, HttpResponse) else 200,
            )
        )  # fmt: skip


def _nothing_here() -> HttpResponse:
    return HttpResponse(404, b"404 page not found\n", TEXT)


def _health(name: str, *, verbose: bool) -> HttpResponse:
    if not verbose:
        return HttpResponse(200, b"ok", TEXT)
    hooks = [f"poststarthook/{hook}" for hook in _HOOKS.split()]
    last = [f"poststarthook/{hook}" for hook in _LAST_HOOKS]
    checks = ["ping", "log", "informer-sync", *hooks, "autoregister-completion", *last]
    checks += ["shutdown"] if name == "readyz" else []
    text = "".join(f"[+]{check} ok\n" for check in checks) + f"{name} check passed\n"
    return HttpResponse(200, text.encode(), TEXT)


def _forbidden(user: User, wanted: rbac.Attributes) -> ApiError:
    what = f'resource "{wanted.full_resource}" in API group "{wanted.group}"'
    scope = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    named = wanted.resource + (f".{wanted.group}" if wanted.group else "")
    subject = f'{named} "{wanted.name}"' if wanted.name else named
    message = f'{subject} is forbidden: User "{user.name}" cannot {wanted.verb} {what} {scope}'
    details = {"name": wanted.name, "group": wanted.group, "kind": wanted.resource}
    return ApiError(403, "Forbidden", message, {key: value for key, value in details.items() if value})


def _forbidden_path(user: User, request: HttpRequest) -> ApiError:
    message = f'forbidden: User "{user.name}" cannot {request.method.lower()} path "{request.path}"'
    return ApiError(403, "Forbidden", message, {})
