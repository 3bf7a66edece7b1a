"""Tools that look at how traffic finds pods: Services with their endpoints, and ingress rules."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from chalicelib.state.kinds import KINDS
from chalicelib.state.kinds.network import Ingress, Service
from chalicelib.state.meta import LabelSelector, Ref
from chalicelib.state.world import World
from chalicelib.tools.citing import field_evidence, state_evidence
from chalicelib.tools.context import ToolContext
from chalicelib.tools.entry import Answer, PageArgs, Result, Row, tool
from chalicelib.tools.gaps import gaps_of
from chalicelib.tools.listing import checked_namespace
from chalicelib.tools.ranking import rank
from chalicelib.tools.rows import status_json
from chalicelib.tools.wording import counted, phrases

SHOWN_PODS = 8


class ServiceArgs(PageArgs):
    name: str = Field("", max_length=253)


class ServiceEndpoints(Result, frozen=True, kw_only=True):
    namespace: str
    name: str
    status: Row
    type: str = ""
    selector: dict[str, str] = {}
    ports: list[Row] = []
    ready: int | None = None
    total: int | None = None
    selected_pods: int = 0
    not_ready: list[str] = []
    why: str = ""


class Services(Result, frozen=True, kw_only=True):
    items: list[ServiceEndpoints] = []


@tool("observe_service_endpoints", args=ServiceArgs, result=Services, title="Service endpoints")
def service_endpoints(args: ServiceArgs, context: ToolContext) -> Answer:
    """Services with selector, ports, ready endpoints and why there are none, worst first. Use when one is unreachable.
    Not for hosts and paths: observe_ingress_rules. Example: {"name":"web"}."""
    view, world = context.view, context.world
    namespace = checked_namespace(view, KINDS["Service"], args.namespace)
    chosen = named(view.snapshot.of("Service"), namespace, args.name, "Service", context)
    items = sorted((_service(world, s) for s in chosen), key=lambda s: (rank(s.status["level"]), s.namespace, s.name))
    bad = [
        f"{s.namespace}/{s.name}: {s.why or s.status['word']}" for s in items if s.status["level"] in ("crit", "warn")
    ]
    summary = f"{counted(len(items), 'Service')}, {len(bad)} not well" + (f": {phrases(bad, 5)}." if bad else ".")
    return Answer(
        Services(items=items), summary,
        gaps=list(gaps_of(view.snapshot, "Service", "EndpointSlice", "Pod", namespace=namespace)),
        cite=lambda s: field_evidence(world, Ref("Service", s.namespace, s.name), "/spec/selector", s.selector,
                                      f"Service {s.namespace}/{s.name}: {s.why or s.status['word']}"),
    )  # fmt: skip


def named(objects: tuple[Any, ...], namespace: str, name: str, kind: str, context: ToolContext) -> list[Any]:
    """Objects of a namespace ("" is all), or the one of that name. Raises NotFound when a name is given and absent."""
    found = [o for o in objects if namespace in ("", o.metadata.namespace) and name in ("", o.metadata.name)]
    if name and not found:
        from chalicelib.tools.detail import locate

        locate(context.view, kind, namespace, name)
    return found


def _service(world: World, service: Service) -> ServiceEndpoints:
    meta = service.metadata
    counts = world.endpoint_counts(meta.namespace, meta.name)
    selector = LabelSelector(match_labels=service.spec.selector)
    pods = world.pods_selected_by(meta.namespace, selector) if service.spec.selector else []
    not_ready = [p for p in pods if not p.ready and not p.finished]
    ports = [_port(port, pods) for port in service.spec.ports]
    selects = bool(service.spec.selector) and service.spec.type != "ExternalName"
    return ServiceEndpoints(
        namespace=meta.namespace,
        name=meta.name,
        status=status_json(world.status("Service", service)),
        type=service.spec.type,
        selector=service.spec.selector,
        ports=ports,
        ready=counts[0] if counts and selects else None,
        total=counts[1] if counts and selects else None,
        selected_pods=len(pods),
        not_ready=[f"{p.metadata.name} {world.status('Pod', p).word}" for p in not_ready[:SHOWN_PODS]],
        why=_why(world, service, pods, not_ready, ports) if selects else "",
    )


def _port(port: Any, pods: list[Any]) -> Row:
    found = {"port": port.port, "target": port.target_port or port.port, "protocol": port.protocol}
    if isinstance(port.target_port, str) and pods and not port.target_port.isdigit():
        numbers = {c.port_number(port.target_port) for p in pods for c in p.spec.containers} - {None}
        found["resolves_to"] = sorted(numbers)
    return found


def _why(world: World, service: Service, pods: list[Any], not_ready: list[Any], ports: list[Row]) -> str:
    """Why a Service has no (or fewer) ready endpoints, in one sentence; "" when all is well."""
    unresolved = [p["target"] for p in ports if p.get("resolves_to") == []]
    if unresolved:
        return f"no container has a port called {unresolved[0]}"
    if not pods:
        if world.selected_scaled_to_zero(service):
            return "what it selects is scaled to zero"
        pairs = ",".join(f"{k}={v}" for k, v in sorted(service.spec.selector.items()))
        near = _nearest_labels(world, service)
        return f"no pod has the labels {pairs}" + (f"; pods of {near} differ in one" if near else "")
    if not_ready:
        states = sorted({world.status("Pod", p).word for p in not_ready})
        return f"{len(not_ready)} of {len(pods)} selected pods are not ready ({', '.join(states[:3])})"
    return ""


def _nearest_labels(world: World, service: Service) -> str:
    """The workload whose pods carry all but one of the selector's labels, and for that one a value like it."""
    wanted = service.spec.selector
    for pod in world.pods_in(service.metadata.namespace):
        labels = pod.metadata.labels
        missing = [k for k, v in wanted.items() if labels.get(k) != v]
        if len(missing) == 1 and _alike(wanted[missing[0]], labels.get(missing[0], "")):
            owner = world.graph.owner_of(Ref("Pod", pod.metadata.namespace, pod.metadata.name))
            return f"{owner.kind} {owner.name}"
    return ""


def _alike(wanted: str, given: str) -> bool:
    """Whether one text is part of the other."""
    return bool(wanted and given) and (wanted in given or given in wanted)


class IngressArgs(PageArgs):
    host: str = Field("", max_length=253, description="part of a host")


class Rule(Result, frozen=True, kw_only=True):
    namespace: str
    ingress: str
    level: str
    host: str = ""
    path: str = ""
    service: str = ""
    port: str = ""
    endpoints: str = ""
    tls: str = ""
    problem: str = ""


class Rules(Result, frozen=True, kw_only=True):
    ingresses: int = 0
    items: list[Rule] = []


@tool("observe_ingress_rules", args=IngressArgs, result=Rules, title="Ingress rules")
def ingress_rules(args: IngressArgs, context: ToolContext) -> Answer:
    """Hosts and paths with Service, port, ready endpoints and TLS secret, broken first. Use for 404, 502, 503 at the
    edge. Not for inner Services: observe_service_endpoints. Example: {"host":"shop."}."""
    view, world = context.view, context.world
    namespace = checked_namespace(view, KINDS["Ingress"], args.namespace)
    chosen = [i for i in view.snapshot.of("Ingress") if namespace in ("", i.metadata.namespace)]
    rules = [r for i in chosen for r in _rules(world, i) if args.host.lower() in r.host.lower()]
    rules.sort(key=lambda r: (rank(r.level), r.namespace, r.ingress, r.host, r.path))
    bad = [f"{r.host}{r.path} -> {r.service}: {r.problem}" for r in rules if r.problem]
    summary = f"{counted(len(rules), 'rule')} of {counted(len(chosen), 'Ingress')}, {len(bad)} broken" + (
        f": {phrases(bad, 4)}." if bad else "."
    )
    return Answer(
        Rules(ingresses=len(chosen), items=rules), summary,
        gaps=list(gaps_of(view.snapshot, "Ingress", "Service", "EndpointSlice", namespace=namespace)),
        cite=lambda r: state_evidence(world, Ref("Ingress", r.namespace, r.ingress)),
    )  # fmt: skip


def _rules(world: World, ingress: Ingress) -> list[Rule]:
    namespace = ingress.metadata.namespace
    secrets = {host: t.secret_name for t in ingress.spec.tls for host in t.hosts or ("*",)}
    found = []
    for host, path, backend in ingress.backends:
        service = world.snapshot.get("Service", namespace, backend.name)
        wanted = backend.port.name or (str(backend.port.number) if backend.port.number else "")
        counts = world.endpoint_counts(namespace, backend.name)
        problem, level = _rule_problem(world, ingress, service, wanted, counts)
        ready = f"{counts[0]}/{counts[1]} ready" if counts and service else ""
        found.append(
            Rule(
                namespace=namespace, ingress=ingress.metadata.name, level=level, host=host, path=path,
                service=backend.name, port=wanted, endpoints=ready,
                tls=secrets.get(host, secrets.get("*", "")), problem=problem,
            )
        )  # fmt: skip
    return found


def _rule_problem(
    world: World, ingress: Ingress, service: Service | None, port: str, counts: tuple[int, int] | None
) -> tuple[str, str]:
    snapshot, namespace = world.snapshot, ingress.metadata.namespace
    if service is None:
        return ("Service does not exist", "crit") if snapshot.was_read("Service", namespace) else ("", "unknown")
    if port and port not in {v for p in service.spec.ports for v in (str(p.port), p.name)}:
        return f"the Service has no port {port}", "crit"
    if counts is not None and service.spec.selector and counts[0] == 0:
        return "no ready endpoint", "crit"
    known = snapshot.was_read("IngressClass")
    if known and ingress.class_name and not snapshot.get("IngressClass", "", ingress.class_name):
        return f"IngressClass {ingress.class_name} does not exist", "warn"
    return "", "ok" if counts is not None else "unknown"
