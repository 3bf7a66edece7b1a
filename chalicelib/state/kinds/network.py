"""How traffic finds Pods: Service, EndpointSlice, Ingress, IngressClass, NetworkPolicy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.state.kinds.registry import KINDS, Column, KindEntry, Related, Status
from chalicelib.state.meta import Api, IntOrString, LabelSelector, Object, ObjectReference, Ref

if TYPE_CHECKING:
    from chalicelib.state.world import World

SERVICE_OF_SLICE = "kubernetes.io/service-name"
DEFAULT_INGRESS_CLASS = "ingressclass.kubernetes.io/is-default-class"
LEGACY_INGRESS_CLASS = "kubernetes.io/ingress.class"


class ServicePort(Api):
    name: str = ""
    protocol: str = "TCP"
    port: int = 0
    target_port: IntOrString = 0
    node_port: int = 0


class ServiceSpec(Api):
    type: str = "ClusterIP"
    cluster_ip: str = msgspec.field(name="clusterIP", default="")
    selector: dict[str, str] = {}
    ports: list[ServicePort] = []
    external_name: str = ""
    internal_traffic_policy: str = ""
    external_traffic_policy: str = ""
    publish_not_ready_addresses: bool = False


class IngressAddress(Api):
    ip: str = ""
    hostname: str = ""


class LoadBalancer(Api):
    ingress: list[IngressAddress] = []


class ServiceStatus(Api):
    load_balancer: LoadBalancer = LoadBalancer()


class Service(Object):
    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()


class EndpointConditions(Api):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(Api):
    addresses: list[str] = []
    conditions: EndpointConditions = EndpointConditions()
    target_ref: ObjectReference | None = None
    node_name: str = ""
    zone: str = ""

    @property
    def ready(self) -> bool:
        """Nil counts as ready (discovery.k8s.io/v1, EndpointConditions.ready)."""
        return self.conditions.ready is not False


class EndpointPort(Api):
    name: str = ""
    port: int | None = None
    protocol: str = "TCP"


class EndpointSlice(Object):
    address_type: str = ""
    endpoints: list[Endpoint] = []
    ports: list[EndpointPort] = []

    @property
    def service(self) -> str:
        return self.metadata.labels.get(SERVICE_OF_SLICE, "")


class BackendPort(Api):
    number: int = 0
    name: str = ""


class ServiceBackend(Api):
    name: str = ""
    port: BackendPort = BackendPort()


class IngressBackend(Api):
    service: ServiceBackend | None = None


class HttpPath(Api):
    path: str = ""
    path_type: str = ""
    backend: IngressBackend = IngressBackend()


class HttpRule(Api):
    paths: list[HttpPath] = []


class IngressRule(Api):
    host: str = ""
    http: HttpRule | None = None


class IngressTls(Api):
    hosts: list[str] = []
    secret_name: str = ""


class IngressSpec(Api):
    ingress_class_name: str = ""
    rules: list[IngressRule] = []
    tls: list[IngressTls] = []
    default_backend: IngressBackend | None = None


class Ingress(Object):
    spec: IngressSpec = IngressSpec()
    status: ServiceStatus = ServiceStatus()

    @property
    def backends(self) -> Iterable[tuple[str, str, ServiceBackend]]:
        """(host, path, service backend) of each rule and of the default backend."""
        if self.spec.default_backend and self.spec.default_backend.service:
            yield "*", "/", self.spec.default_backend.service
        for rule in self.spec.rules:
            for path in rule.http.paths if rule.http else ():
                if path.backend.service:
                    yield rule.host or "*", path.path or "/", path.backend.service

    @property
    def class_name(self) -> str:
        return self.spec.ingress_class_name or self.metadata.annotations.get(LEGACY_INGRESS_CLASS, "")


class IngressClassSpec(Api):
    controller: str = ""


class IngressClass(Object):
    spec: IngressClassSpec = IngressClassSpec()

    @property
    def default(self) -> bool:
        return self.metadata.annotations.get(DEFAULT_INGRESS_CLASS) == "true"


class PolicyPort(Api):
    port: IntOrString | None = None
    protocol: str = "TCP"
    end_port: int | None = None


class IpBlock(Api):
    cidr: str = ""
    except_: list[str] = msgspec.field(name="except", default_factory=list)


class PolicyPeer(Api):
    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    ip_block: IpBlock | None = None


class PolicyIngress(Api):
    from_: list[PolicyPeer] = msgspec.field(name="from", default_factory=list)
    ports: list[PolicyPort] = []


class PolicyEgress(Api):
    to: list[PolicyPeer] = []
    ports: list[PolicyPort] = []


class NetworkPolicySpec(Api):
    pod_selector: LabelSelector = LabelSelector()
    policy_types: list[str] = []
    ingress: list[PolicyIngress] = []
    egress: list[PolicyEgress] = []


class NetworkPolicy(Object):
    spec: NetworkPolicySpec = NetworkPolicySpec()


def _service_selector(service: Service) -> LabelSelector | None:
    if service.spec.type == "ExternalName" or not service.spec.selector:
        return None
    return LabelSelector(match_labels=service.spec.selector)


def _slice_refs(item: EndpointSlice) -> Iterable[Related]:
    if item.service:
        yield "endpoints_of", Ref("Service", item.metadata.namespace, item.service), ""


def _ingress_refs(ingress: Ingress) -> Iterable[Related]:
    namespace = ingress.metadata.namespace
    for host, path, backend in ingress.backends:
        yield "routes_to", Ref("Service", namespace, backend.name), f"{host}{path}"
    for tls in ingress.spec.tls:
        if tls.secret_name:
            yield "terminates_tls_with", Ref("Secret", namespace, tls.secret_name), ""
    if ingress.class_name:
        yield "of_class", Ref("IngressClass", "", ingress.class_name), ""


def _service_status(service: Service, world: World) -> Status:
    if service.spec.type == "LoadBalancer" and not service.status.load_balancer.ingress:
        return Status("progress", "No address yet")
    if service.spec.type == "ExternalName" or not service.spec.selector:
        return Status("ok", service.spec.type)
    counts = world.endpoint_counts(service.metadata.namespace, service.metadata.name)
    if counts is None:
        return Status("unknown", "Unknown", "EndpointSlices were not read")
    ready, total = counts
    if ready:
        return Status("ok", "Serving")
    if total:
        return Status("crit", "No ready endpoints", f"0 of {total} endpoints ready")
    if world.selected_scaled_to_zero(service):
        return Status("ok", "Scaled to zero", "what it selects is scaled to zero")
    return Status("crit", "No endpoints", "no pod matches the selector")


def _endpoints(service: Service, world: World) -> str | None:
    counts = world.endpoint_counts(service.metadata.namespace, service.metadata.name)
    return f"{counts[0]}/{counts[1]}" if counts and service.spec.selector else None


def _ports(service: Service) -> list[str]:
    return [f"{p.port}{'' if p.protocol == 'TCP' else '/' + p.protocol}" for p in service.spec.ports]


def _slice_status(item: EndpointSlice, world: World) -> Status:
    ready = sum(e.ready for e in item.endpoints)
    if item.endpoints and not ready:
        return Status("warn", "None ready")
    return Status("ok", "Ready" if ready else "Empty")


def _address(obj: Any) -> list[str]:
    return [a.hostname or a.ip for a in obj.status.load_balancer.ingress]


def _ingress_status(ingress: Ingress, world: World) -> Status:
    namespace = ingress.metadata.namespace
    if world.snapshot.was_read("Service"):
        for _, _, backend in ingress.backends:
            if not world.snapshot.get("Service", namespace, backend.name):
                return Status("crit", "Missing backend", f"Service {backend.name} does not exist")
    return Status("ok", "Routed")


KINDS.add(
    KindEntry(
        kind="Service", plural="services", group="", version="v1", category="Network", title="Services",
        struct=Service, status=_service_status, short_names=("svc",), selects=("selects", _service_selector),
        columns=(
            Column("type", "Type", "text", lambda s, w: s.spec.type),
            Column("cluster_ip", "Cluster IP", "text", lambda s, w: s.spec.cluster_ip or None),
            Column("ports", "Ports", "list", lambda s, w: _ports(s)),
            Column("endpoints", "Endpoints ready", "text", _endpoints),
            Column("address", "External address", "list", lambda s, w: _address(s), hidden=True),
        ),
        words=("service",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="EndpointSlice", plural="endpointslices", group="discovery.k8s.io", version="v1", category="Network",
        title="Endpoint slices", struct=EndpointSlice, status=_slice_status, refs=_slice_refs,
        columns=(
            Column("service", "Service", "text", lambda e, w: e.service or None),
            Column("ready", "Ready", "number", lambda e, w: sum(x.ready for x in e.endpoints)),
            Column("not_ready", "Not ready", "number", lambda e, w: sum(not x.ready for x in e.endpoints)),
            Column("ports", "Ports", "list", lambda e, w: [str(p.port) for p in e.ports]),
            Column("zones", "Zones", "list", lambda e, w: sorted({x.zone for x in e.endpoints if x.zone}), hidden=True),
        ),
        words=("endpoint slice", "endpoint"),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="Ingress", plural="ingresses", group="networking.k8s.io", version="v1", category="Network",
        title="Ingresses", struct=Ingress, status=_ingress_status, short_names=("ing",), refs=_ingress_refs,
        columns=(
            Column("hosts", "Hosts", "list", lambda i, w: [r.host or "*" for r in i.spec.rules]),
            Column("class", "Class", "text", lambda i, w: i.class_name or None),
            Column("backends", "Backends", "list", lambda i, w: sorted({b.name for _, _, b in i.backends})),
            Column("tls", "TLS secrets", "list", lambda i, w: [t.secret_name for t in i.spec.tls if t.secret_name]),
            Column("address", "Address", "list", lambda i, w: _address(i)),
        ),
        words=("ingress", "route"),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="IngressClass", plural="ingressclasses", group="networking.k8s.io", version="v1", category="Network",
        title="Ingress classes", struct=IngressClass, namespaced=False, status=lambda c, w: Status("ok", "Present"),
        columns=(
            Column("controller", "Controller", "text", lambda c, w: c.spec.controller),
            Column("default", "Default", "text", lambda c, w: "yes" if c.default else "no"),
        ),
        words=("ingress class",),
    )
)  # fmt: skip


def _policy_selector(policy: NetworkPolicy) -> LabelSelector | None:
    return policy.spec.pod_selector


def _policy_status(policy: NetworkPolicy, world: World) -> Status:
    matched = len(world.graph.out(Ref("NetworkPolicy", policy.metadata.namespace, policy.metadata.name), "isolates"))
    return Status("ok", "Applied") if matched else Status("unknown", "Matches nothing")


KINDS.add(
    KindEntry(
        kind="NetworkPolicy", plural="networkpolicies", group="networking.k8s.io", version="v1", category="Network",
        title="Network policies", struct=NetworkPolicy, status=_policy_status, short_names=("netpol",),
        selects=("isolates", _policy_selector),
        columns=(
            Column("types", "Types", "list", lambda n, w: n.spec.policy_types),
            Column("pods", "Pods matched", "number", lambda n, w: len(w.graph.out(
                Ref("NetworkPolicy", n.metadata.namespace, n.metadata.name), "isolates"))),
            Column("ingress", "Ingress rules", "number", lambda n, w: len(n.spec.ingress)),
            Column("egress", "Egress rules", "number", lambda n, w: len(n.spec.egress)),
        ),
        words=("network policy",),
    )
)  # fmt: skip
