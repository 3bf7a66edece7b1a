"""Live symptoms of traffic: Services without a ready endpoint or with a port that leads nowhere, broken routes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from chalicelib.rootcause.case import Case, SymptomType
from chalicelib.rootcause.look import Look
from chalicelib.state.kinds.network import Service
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.meta import Object, condition

service_empty = SymptomType("service_empty")
service_unready = SymptomType("service_unready")
service_port_suspect = SymptomType("service_port_suspect")
service_absent = SymptomType("service_absent")
ingress_broken = SymptomType("ingress_broken")

SETTLING = timedelta(seconds=25)
"""How long a pod may take to become ready, beyond what its readiness probe waits anyway."""


def about(type_: SymptomType, obj: Object, look: Look, text: str, **fields: Any) -> Case:
    """A case of one object, with the workload that it is counted for."""
    ref = look.world.ref_of(obj)
    resource = fields.pop("resource", ref)
    return Case(type_, resource, obj, ref, text, (ref,), workload=look.workload(resource), **fields)


def endpoints(service: Service, look: Look) -> tuple[int, int]:
    """(ready, all) endpoints of a Service: from its slices, else from the pods it selects."""
    namespace, name = service.metadata.namespace, service.metadata.name
    counts = look.world.endpoint_counts(namespace, name)
    if counts is not None and (counts[1] or look.snapshot.of("EndpointSlice")):
        return counts
    pods = [p for p in look.selected(service) if not p.finished]
    return sum(p.ready for p in pods), len(pods)


def services(look: Look) -> Iterator[Case]:
    """Services whose clients get no answer, and names that are called and mean no Service."""
    if not look.snapshot.was_read("Pod"):
        return
    for service in look.snapshot.of("Service"):
        if not service.spec.selector or service.spec.type == "ExternalName" or service.metadata.deletion_timestamp:
            continue
        ready, total = endpoints(service, look)
        if ready:
            if suspect_ports(service, look):
                yield about(service_port_suspect, service, look, "a port leads to no listener")
        elif total or look.selected(service):
            chosen = look.selected(service)
            if suspect_ports(service, look, ready=False):
                yield about(service_port_suspect, service, look, "a port leads to no listener")
            if chosen and all(_settling(p, look) for p in chosen):
                continue
            yield about(
                service_unready, service, look, f"0 of {max(total, len(look.selected(service)))} endpoints are ready"
            )
        elif backing := look.backing(service):
            # The selector is right; whatever keeps these workloads from having pods is the cause.
            if all(getattr(w.spec, "replicas", 1) for w in backing):
                names = ", ".join(f"{w.metadata.name}" for w in backing[:3])
                yield about(service_unready, service, look, f"{names} has no pods")
        else:
            yield about(service_empty, service, look, "no endpoints: no pod matches the selector")
    for ref in sorted(look.complaints_about):
        if look.missing("Service", ref.namespace, ref.name):
            callers = look.callers(ref)
            text = f"called by {', '.join(map(str, callers))}"
            yield Case(service_absent, ref, None, ref, text, tuple(callers))


def _settling(pod: Pod, look: Look) -> bool:
    """Whether a pod that is not ready has not yet had the time to become so."""
    ready = condition(pod.status.conditions, "Ready")
    since = (ready.last_transition_time if ready else None) or pod.metadata.creation_timestamp
    probes = [c.readiness_probe for c in pod.spec.containers if c.readiness_probe]
    waits = max((p.initial_delay_seconds + p.period_seconds for p in probes), default=0)
    return since is not None and look.age(since) < SETTLING + timedelta(seconds=waits)


def suspect_ports(service: Service, look: Look, *, ready: bool = True) -> list[int]:
    """Indexes of ports whose target no container of the ready pods declares (number) or has (name).

    Of pods that are not ready only a missing name proves anything: an undeclared number may yet be listened on.
    """
    pods = [p for p in look.selected(service) if p.ready or not ready]
    found = []
    for index, port in enumerate(service.spec.ports):
        target = port.target_port or port.port
        containers = [c for p in pods for c in p.spec.all_containers]
        declared = {q.container_port for c in containers for q in c.ports}
        names = {q.name for c in containers for q in c.ports if q.name}
        if isinstance(target, str) and not target.isdigit():
            if pods and target not in names:
                found.append(index)
        elif ready and (
            (declared and int(target) not in declared)
            or (not declared and look.complaints_about.get(look.world.ref_of(service)))
        ):
            found.append(index)
    return found


def routes(look: Look) -> Iterator[Case]:
    """Ingresses with a backend, port, certificate or class that does not exist."""
    classes = {c.metadata.name for c in look.snapshot.of("IngressClass")}
    for ingress in look.snapshot.of("Ingress"):
        namespace = ingress.metadata.namespace
        backends = [b for _, _, b in ingress.backends]
        lost = any(look.missing("Service", namespace, b.name) for b in backends)
        port = any(wrong_backend_port(namespace, b, look) for b in backends)
        secret = any(t.secret_name and look.missing("Secret", namespace, t.secret_name) for t in ingress.spec.tls)
        unserved = (
            look.snapshot.was_read("IngressClass")
            and ingress.spec.ingress_class_name not in classes
            and (bool(ingress.spec.ingress_class_name) or no_class(ingress, look))
        )
        if lost or port or secret or unserved:
            yield about(
                ingress_broken, ingress, look, "a route leads nowhere", since=ingress.metadata.creation_timestamp
            )


def wrong_backend_port(namespace: str, backend: Any, look: Look) -> bool:
    """Whether an Ingress names a port that its Service does not have."""
    service = look.snapshot.get("Service", namespace, backend.name)
    if service is None or service.spec.type == "ExternalName":
        return False
    if backend.port.name:
        return all(p.name != backend.port.name for p in service.spec.ports)
    return bool(backend.port.number) and all(p.port != backend.port.number for p in service.spec.ports)


def no_class(ingress: Any, look: Look) -> bool:
    """No class, no legacy annotation, no default class, and no controller has given it an address."""
    default = any(c.default for c in look.snapshot.of("IngressClass"))
    return not ingress.class_name and not default and not ingress.status.load_balancer.ingress
