"""Gateway API: Gateway and HTTPRoute. Both come from a CRD and may not be installed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chalicelib.state.kinds.registry import KINDS, Column, KindEntry, Related, Status
from chalicelib.state.meta import Api, Condition, Object, Ref, condition

if TYPE_CHECKING:
    from chalicelib.state.world import World


class CertificateReference(Api):
    kind: str = "Secret"
    name: str = ""
    namespace: str = ""


class ListenerTls(Api):
    mode: str = ""
    certificate_refs: list[CertificateReference] = []


class Listener(Api):
    name: str = ""
    hostname: str = ""
    port: int = 0
    protocol: str = ""
    tls: ListenerTls | None = None


class GatewaySpec(Api):
    gateway_class_name: str = ""
    listeners: list[Listener] = []


class GatewayAddress(Api):
    value: str = ""


class ListenerStatus(Api):
    name: str = ""
    attached_routes: int = 0
    conditions: list[Condition] = []


class GatewayStatus(Api):
    addresses: list[GatewayAddress] = []
    conditions: list[Condition] = []
    listeners: list[ListenerStatus] = []


class Gateway(Object):
    spec: GatewaySpec = GatewaySpec()
    status: GatewayStatus = GatewayStatus()


class ParentReference(Api):
    kind: str = "Gateway"
    name: str = ""
    namespace: str = ""
    section_name: str = ""


class BackendReference(Api):
    kind: str = "Service"
    name: str = ""
    namespace: str = ""
    port: int | None = None
    weight: int = 1


class RouteRule(Api):
    backend_refs: list[BackendReference] = []


class RouteSpec(Api):
    parent_refs: list[ParentReference] = []
    hostnames: list[str] = []
    rules: list[RouteRule] = []


class RouteParentStatus(Api):
    parent_ref: ParentReference = ParentReference()
    conditions: list[Condition] = []


class RouteStatus(Api):
    parents: list[RouteParentStatus] = []


class HTTPRoute(Object):
    spec: RouteSpec = RouteSpec()
    status: RouteStatus = RouteStatus()

    @property
    def backends(self) -> Iterable[BackendReference]:
        for rule in self.spec.rules:
            yield from rule.backend_refs


def _gateway_refs(gateway: Gateway) -> Iterable[Related]:
    for listener in gateway.spec.listeners:
        for cert in listener.tls.certificate_refs if listener.tls else ():
            yield "terminates_tls_with", Ref(cert.kind, cert.namespace or gateway.metadata.namespace, cert.name), ""


def _route_refs(route: HTTPRoute) -> Iterable[Related]:
    namespace = route.metadata.namespace
    for parent in route.spec.parent_refs:
        yield "attached_to", Ref(parent.kind, parent.namespace or namespace, parent.name), parent.section_name
    for backend in route.backends:
        yield "routes_to", Ref(backend.kind, backend.namespace or namespace, backend.name), ""


def _gateway_status(gateway: Gateway, world: World) -> Status:
    programmed = condition(gateway.status.conditions, "Programmed")
    if programmed and programmed.false:
        return Status("crit", programmed.reason or "NotProgrammed", programmed.message)
    return Status("ok", "Programmed") if programmed else Status("unknown", "Unknown")


def _route_status(route: HTTPRoute, world: World) -> Status:
    for parent in route.status.parents:
        for type_ in ("Accepted", "ResolvedRefs"):
            found = condition(parent.conditions, type_)
            if found and found.false:
                return Status("crit", found.reason or f"Not{type_}", found.message)
    return Status("ok", "Accepted") if route.status.parents else Status("unknown", "No parent answered")


KINDS.add(
    KindEntry(
        kind="Gateway", plural="gateways", group="gateway.networking.k8s.io", version="v1", category="Network",
        title="Gateways", struct=Gateway, status=_gateway_status, short_names=("gtw",), optional=True,
        refs=_gateway_refs,
        columns=(
            Column("class", "Class", "text", lambda g, w: g.spec.gateway_class_name),
            Column("addresses", "Addresses", "list", lambda g, w: [a.value for a in g.status.addresses]),
            Column("listeners", "Listeners", "number", lambda g, w: len(g.spec.listeners)),
        ),
        words=("gateway",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="HTTPRoute", plural="httproutes", group="gateway.networking.k8s.io", version="v1", category="Network",
        title="HTTP routes", struct=HTTPRoute, status=_route_status, optional=True, refs=_route_refs,
        columns=(
            Column("hosts", "Hosts", "list", lambda r, w: r.spec.hostnames),
            Column("parents", "Parents", "list", lambda r, w: [p.name for p in r.spec.parent_refs]),
            Column("backends", "Backends", "list",
                   lambda r, w: [f"{b.name} ({b.weight})" for b in r.backends]),
        ),
        words=("http route",),
    )
)  # fmt: skip
