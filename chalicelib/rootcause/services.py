"""Services and Ingresses that lead nowhere: wrong selector, wrong port, absent, not ready, not served."""

from __future__ import annotations

from typing import Any

from chalicelib.rootcause import logs
from chalicelib.rootcause.admission import full_of_services
from chalicelib.rootcause.case import DECISIVE, GOOD, HINT, LIKELY, STRONG, WEAK, Case, Finding, blame
from chalicelib.rootcause.logs import quoted
from chalicelib.rootcause.look import Look
from chalicelib.rootcause.references import nearest_service
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.traffic import (
    ingress_broken,
    no_class,
    service_absent,
    service_empty,
    service_port_suspect,
    service_unready,
    suspect_ports,
    wrong_backend_port,
)
from chalicelib.state.kinds.network import Service
from chalicelib.state.meta import Ref


def routes_to(service: Ref, look: Look) -> list[Ref]:
    """Ingresses and other routes that lead to a Service."""
    return sorted({e.source for e in look.graph.into(service, "routes_to")})


def meant(service: Service, look: Look) -> tuple[Any, float] | None:
    """The running workload that a Service was probably meant to select, and how sure that is.

    Signs: its labels differ in one value or one key from the selector, they share the Service's own labels or its name,
    and its containers declare the Service's target port.
    """
    best: tuple[float, str, Any] | None = None
    selector = service.spec.selector
    for workload in look.workloads_in.get(service.metadata.namespace, ()):
        labels = workload.spec.template.metadata.labels
        if getattr(workload.spec, "replicas", 1) == 0:
            continue
        same = sum(labels.get(k) == v for k, v in selector.items())
        same_key = sum(k in labels for k in selector)
        same_value = sum(v in labels.values() for v in selector.values())
        own = bool(service.metadata.labels) and all(labels.get(k) == v for k, v in service.metadata.labels.items())
        named = workload.metadata.name == service.metadata.name
        declared = {p.container_port for c in workload.spec.template.spec.containers for p in c.ports}
        names = {p.name for c in workload.spec.template.spec.containers for p in c.ports}
        port = any((q.target_port or q.port) in declared or q.target_port in names for q in service.spec.ports)
        taken = any(s.metadata.name != service.metadata.name for s in look.services_of(look.world.ref_of(workload)))
        score = (
            2.0 * named
            + 1.5 * own
            + 1.2 * (same / len(selector))
            + 0.5 * (same_value > 0)
            + 0.4 * (same_key > 0)
            + 0.6 * port
            - 0.8 * taken
        )
        if best is None or (score, workload.metadata.name) > best[:2]:
            best = (score, workload.metadata.name, workload)
    return (best[2], best[0]) if best and best[0] >= 1.4 else None


def role_key(service: Service, look: Look) -> str:
    """A key of the selector that pods carry and no template gives them: an operator sets it at run time, by role.

    A role without a member (a replica where there is only a primary) is not a fault.
    """
    namespace = service.metadata.namespace
    given = {k for w in look.workloads_in.get(namespace, ()) for k in w.spec.template.metadata.labels}
    carried = {k for p in look.world.pods_in(namespace) for k in p.metadata.labels}
    return next((key for key in sorted(service.spec.selector) if key in carried - given), "")


@detector("service_selector_mismatch", symptom=service_empty)
def service_selector_mismatch(case: Case, look: Look) -> Finding | None:
    """The Service selects no pod at all, while a workload that it was meant for runs, or somebody needs it.

    One that no workload fits, no route leads to, no template names and no caller complains about is unused; without
    logs to know the last by, it is told as a mere possibility.
    """
    service: Service = case.subject
    selector = ", ".join(f"{k}={v}" for k, v in sorted(service.spec.selector.items()))
    calls = look.complaint_evidence(case.ref)
    routes = routes_to(case.ref, look)
    found = meant(service, look)
    if not look.snapshot.was_read("Deployment", case.ref.namespace) and not calls and not routes:
        return None
    unused = found is None and not calls and not routes
    if unused and look.samples and case.ref not in look.named_in_templates:
        return None  # a left-over that costs, perhaps, but that nobody misses
    waiting = [look.world.ref_of(w) for w in look.backing(service)]
    if unused:
        strength = WEAK
    else:
        strength = (
            DECISIVE
            if found and found[1] >= 2 and calls
            else STRONG
            if found and found[1] >= 2
            else GOOD
            if found or calls
            else LIKELY
        )
    if role_key(service, look) and not calls and not routes:
        strength = HINT
    labels = found[0].spec.template.metadata.labels if found else {}
    suggested = ", ".join(f"{k}={v}" for k, v in sorted(labels.items())) or "their labels"
    instead = f", while the pods of {look.world.ref_of(found[0])} carry {suggested}" if found else ""
    return blame(
        case.ref,
        f"Service {case.where} has no endpoints: no pod has the labels of its selector "
        f"({quoted(selector, 100)}){quoted(instead, 160) if instead else ''}",
        strength=strength,
        because=[
            look.at(service, "/spec/selector"),
            look.at(found[0], "/spec/template/metadata/labels") if found else None,
            *calls,
        ],
        chain=(
            f"selector {quoted(selector, 100)} matches no pod",
            f"Service {case.where} has no endpoints",
            *(f"{c.kind} {c.namespace}/{c.name} gets no answer" for c in look.callers(case.ref)[:3]),
        ),
        explains=[*look.callers(case.ref), *routes],
        upstream=waiting,
        suggested_selector=suggested,
        since=case.since,
        critical=True,
        missing=() if calls or found else ("logs of what calls the Service",),
    )


@detector("endpoints_not_ready", symptom=service_unready)
def endpoints_not_ready(case: Case, look: Look) -> Finding | None:
    """The Service has endpoints and none is ready; what ails the pods is the cause, where it is known."""
    workloads = look.backing_refs(case.subject)
    calls = look.complaint_evidence(case.ref)
    pods = [p for p in look.selected(case.subject) if not p.ready]
    state = (
        look.at(pods[0], "/status/phase", f"Pod {pods[0].metadata.name} is {look.world.status('Pod', pods[0]).word}")
        if pods
        else None
    )
    return blame(
        case.ref,
        f"Service {case.where} has no ready endpoint: {case.text}",
        strength=GOOD if calls else LIKELY,
        because=[look.at(case.subject, "/spec/selector"), state, *calls],
        explains=[*look.callers(case.ref), *routes_to(case.ref, look)],
        upstream=[*workloads, *_nodes_of(pods)],
        since=case.since,
        missing=("why the pods are not ready",),
        critical=True,
    )


def _nodes_of(pods: list[Any]) -> list[Ref]:
    return sorted({Ref("Node", "", p.spec.node_name) for p in pods if p.spec.node_name})


@detector("target_port_mismatch", symptom=service_port_suspect)
def target_port_mismatch(case: Case, look: Look) -> Finding | None:
    """A port of the Service leads to a port on which its ready pods do not listen."""
    service: Service = case.subject
    pods = [p for p in look.selected(service) if p.ready]
    suspects = suspect_ports(service, look, ready=bool(pods))
    pods = pods or look.selected(service)
    if not suspects or not pods:
        return None
    index = suspects[0]
    port = service.spec.ports[index]
    target = port.target_port or port.port
    containers = [c for c in pods[0].spec.containers]
    probes = [
        c.port_number(p.port)
        for c in containers
        for p in (c.readiness_probe, c.liveness_probe)
        if p and p.port is not None
    ]
    declared = sorted({q.container_port for c in containers for q in c.ports})
    if target in probes and target not in declared:
        return None
    lines = [line for c in containers for line in (look.log(look.world.ref_of(pods[0]), c.name) or [])]
    listening = logs.listening_ports(lines)
    if target in listening:
        return None
    refused = [c for c in look.complaints_about.get(case.ref, ()) if c.call.how in ("refused", "timeout")]
    by_name = isinstance(target, str) and not target.isdigit()
    whole = len(suspects) == len(service.spec.ports)
    if by_name:
        strength = DECISIVE
    elif refused or look.unreachable(case.ref):
        strength = DECISIVE if whole and (declared or listening) else GOOD
    elif whole and declared:
        strength = STRONG if listening or any(p in declared for p in probes) else 0.75
    else:
        return None
    right = str(declared[0]) if declared else str(next((p for p in probes if p), "the pods' port"))
    ports = f"/spec/containers/{pods[0].spec.containers.index(containers[0])}/ports"
    callers = look.callers(case.ref)
    return blame(
        case.ref,
        f"Service {case.where} sends port {port.port} to target port {target}, but its "
        f"pods listen on {', '.join(map(str, declared)) or right}",
        strength=strength,
        because=[
            look.at(service, f"/spec/ports/{index}/targetPort"),
            look.at(pods[0], ports) if containers[0].ports else None,
            *look.complaint_evidence(case.ref),
        ],
        chain=(
            f"target port {target} has no listener",
            f"connections to Service {case.where} are refused",
            *(f"{c.kind} {c.namespace}/{c.name} gets no answer" for c in callers[:3]),
        ),
        explains=[*callers, *routes_to(case.ref, look)],
        right_port=right,
        since=case.since,
        critical=True,
        missing=() if refused or look.unreachable(case.ref) else ("logs of what calls the Service",),
    )


@detector("service_missing", symptom=service_absent)
def service_missing(case: Case, look: Look) -> Finding | None:
    """Pods call a Service that does not exist."""
    complaints = look.complaints_about.get(case.ref, [])
    unresolved = [c for c in complaints if c.call.how == "unresolved"]
    if not unresolved:
        return None
    workload = next((w for w in look.workloads_in.get(case.ref.namespace, ()) if _fits(w, case.ref.name)), None)
    callers = look.callers(case.ref)
    outside = "." not in unresolved[0].call.host and case.ref.namespace not in look.namespaces
    strength = DECISIVE if workload is not None and len(unresolved) else STRONG if len(callers) > 1 else GOOD
    if outside or (workload is None and nearest_service(case.ref, look) is not None):
        return None
    if any(
        full_of_services(q) for q in look.snapshot.of("ResourceQuota") if q.metadata.namespace == case.ref.namespace
    ):
        strength = WEAK
    resource = case.ref if workload is not None or len(callers) > 1 else callers[0]
    return blame(
        resource,
        f"Service {case.where} does not exist, and "
        f"{', '.join(f'{c.namespace}/{c.name}' for c in callers[:3])} call{'s' if len(callers) == 1 else ''} it",
        strength=strength,
        because=[
            look.absent("Service", case.ref.namespace, case.ref.name),
            *look.complaint_evidence(case.ref),
            look.at(
                workload,
                "/spec/template/metadata/labels",
                f"{look.world.ref_of(workload)} runs without a Service of that name",
            )
            if workload is not None
            else None,
        ],
        chain=(
            f"Service {case.where} does not exist",
            "its name cannot be resolved",
            *(f"{c.kind} {c.namespace}/{c.name} fails" for c in callers[:3]),
        ),
        explains=[*callers, case.ref],
        service=case.ref.name,
        service_n=f" -n {case.ref.namespace}",
        since=case.since,
        critical=True,
    )


def _fits(workload: Any, name: str) -> bool:
    return workload.metadata.name == name or name in workload.spec.template.metadata.labels.values()


# Ingress


@detector("ingress_class_missing", symptom=ingress_broken)
def ingress_class_missing(case: Case, look: Look) -> Finding | None:
    """No controller serves the Ingress: its class does not exist, or it has none and there is no default."""
    ingress = case.subject
    name = ingress.spec.ingress_class_name
    classes = ", ".join(c.metadata.name for c in look.snapshot.of("IngressClass")) or "there is none"
    if name:
        gone = look.absent("IngressClass", "", name)
        if gone is None:
            return None
        return blame(
            case.ref,
            f"Ingress {case.where} is served by nobody: its class {name} does not exist",
            strength=0.6 if ingress.status.load_balancer.ingress else 0.95,
            because=[look.at(ingress, "/spec/ingressClassName"), gone],
            class_name=name,
            classes=classes,
            since=case.since,
            critical=True,
        )
    if not look.snapshot.was_read("IngressClass") or not no_class(ingress, look):
        return None
    return blame(
        case.ref,
        f"Ingress {case.where} is served by nobody: it names no class and no class is the default",
        strength=LIKELY if look.snapshot.of("IngressClass") else 0.45,
        because=[look.at(ingress, "/spec/ingressClassName")],
        class_name="it",
        classes=classes,
        since=case.since,
        critical=True,
    )


@detector("ingress_backend_or_tls_missing", symptom=ingress_broken)
def ingress_backend_missing(case: Case, look: Look) -> Finding | None:
    """A route's Service, its port, or the certificate's Secret does not exist."""
    ingress, namespace = case.subject, case.ref.namespace
    for pointer, host, backend in _backends(ingress):
        gone = look.absent("Service", namespace, backend.name)
        line = _controller_line(namespace, backend.name, look)
        if gone is not None:
            return blame(
                case.ref,
                f"Ingress {case.where} routes {quoted(host, 80)} to Service {backend.name}, which does not exist",
                strength=DECISIVE,
                because=[look.at(ingress, f"{pointer}/service/name"), gone, line],
                missing_kind="Service",
                missing_name=backend.name,
                since=case.since,
                critical=True,
            )
        if wrong_backend_port(namespace, backend, look):
            service = look.snapshot.get("Service", namespace, backend.name)
            port = backend.port.name or backend.port.number
            return blame(
                case.ref,
                f"Ingress {case.where} routes {quoted(host, 80)} to port {port} of "
                f"Service {backend.name}, which has no such port",
                strength=STRONG,
                because=[look.at(ingress, f"{pointer}/service/port"), look.at(service, "/spec/ports"), line],
                missing_kind=f"port {port} of Service",
                missing_name=backend.name,
                since=case.since,
                critical=True,
            )
    for index, tls in enumerate(ingress.spec.tls):
        gone = look.absent("Secret", namespace, tls.secret_name) if tls.secret_name else None
        if gone is not None:
            return blame(
                case.ref,
                f"Ingress {case.where} has no certificate: Secret {tls.secret_name} does not exist",
                strength=STRONG,
                because=[look.at(ingress, f"/spec/tls/{index}/secretName"), gone],
                missing_kind="Secret",
                missing_name=tls.secret_name,
                since=case.since,
            )
    return None


def _backends(ingress: Any) -> list[tuple[str, str, Any]]:
    """(pointer, host and path, service backend) of each route."""
    found = []
    if ingress.spec.default_backend and ingress.spec.default_backend.service:
        found.append(("/spec/defaultBackend", "everything else", ingress.spec.default_backend.service))
    for r, rule in enumerate(ingress.spec.rules):
        for p, path in enumerate(rule.http.paths if rule.http else ()):
            if path.backend.service:
                found.append(
                    (f"/spec/rules/{r}/http/paths/{p}/backend", f"{rule.host or '*'}{path.path}", path.backend.service)
                )
    return found


def _controller_line(namespace: str, service: str, look: Look) -> Any:
    """A controller's log line that says that a backend is absent."""
    for sample in look.samples:
        for line in reversed(sample.lines):
            if f'{namespace}/{service}"' in line.text or f"{namespace}/{service} " in line.text:
                return look.lines(
                    sample.pod,
                    sample.container,
                    [line],
                    f"{sample.owner} logs: {quoted(line.text)}",
                    previous=sample.previous,
                )
    return None
