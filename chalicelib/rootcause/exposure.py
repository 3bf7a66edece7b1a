"""Services that answer and send a part of their traffic astray: foreign pods, another protocol, other nodes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from chalicelib.rootcause.case import DECISIVE, GOOD, LIKELY, STRONG, Case, Finding, SymptomType, blame
from chalicelib.rootcause.look import Look
from chalicelib.rootcause.references import references
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.traffic import about
from chalicelib.state.kinds.network import Service, ServicePort
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.meta import Ref

service_mixed = SymptomType("service_mixed")
service_protocol = SymptomType("service_protocol")
service_local_only = SymptomType("service_local_only")


def astray(look: Look) -> Iterator[Case]:
    """Services with endpoints of several applications, of another protocol, or only for callers on some nodes."""
    if not look.snapshot.was_read("Pod"):
        return
    for service in look.snapshot.of("Service"):
        pods = [p for p in look.selected(service) if p.ready] if service.spec.selector else []
        if not pods:
            continue
        if strangers(service, pods, look):
            yield about(service_mixed, service, look, "it selects pods of several applications")
        if other_protocol(service, pods) is not None:
            yield about(service_protocol, service, look, "its protocol is not that of the container port")
        if service.spec.internal_traffic_policy == "Local" and lonely_callers(service, pods, look):
            yield about(service_local_only, service, look, "callers on other nodes reach no endpoint")


# Foreign pods


def repository(image: str) -> str:
    """An image reference without tag and digest."""
    name = image.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def strangers(service: Service, pods: list[Pod], look: Look) -> list[Ref]:
    """Workloads that a Service selects and that are not its own: other images, and no port for what it sends.

    Its own workload is the one that has the port, or that nothing else than this Service selects.
    """
    groups: dict[Ref, list[Pod]] = defaultdict(list)
    for pod in pods:
        groups[look.owner(look.world.ref_of(pod))].append(pod)
    if len(groups) < 2 or (service.spec.cluster_ip == "None" and not service.spec.ports):
        return []
    images = {ref: {repository(c.image) for c in members[0].spec.containers} for ref, members in groups.items()}
    serves = {ref: _serves(service, members[0]) for ref, members in groups.items()}
    own = [ref for ref in groups if serves[ref]]
    without = [ref for ref in groups if serves[ref] is False]
    if own and without:
        return sorted(ref for ref in without if all(images[ref].isdisjoint(images[o]) for o in own))
    elsewhere = {ref for ref in groups if len(look.services_of(ref)) > 1}
    home = [ref for ref in groups if ref not in elsewhere]
    if home and elsewhere:
        return sorted(ref for ref in elsewhere if all(images[ref].isdisjoint(images[o]) for o in home))
    return []


def _serves(service: Service, pod: Pod) -> bool | None:
    """Whether a pod declares all target ports of a Service; None where it declares no port at all."""
    declared = {p.container_port for c in pod.spec.containers for p in c.ports}
    names = {p.name for c in pod.spec.containers for p in c.ports if p.name}
    if not declared:
        return None
    targets = [port.target_port or port.port for port in service.spec.ports]
    return all((int(t) in declared) if isinstance(t, int) or t.isdigit() else t in names for t in targets)


@detector("selector_too_broad", symptom=service_mixed)
def selector_too_broad(case: Case, look: Look) -> Finding | None:
    """The selector also fits pods of another application, which get a share of the requests."""
    service: Service = case.subject
    pods = [p for p in look.selected(service) if p.ready]
    foreign = strangers(service, pods, look)
    calls = look.complaint_evidence(case.ref)
    closed = any(_serves(service, p) is False for p in pods if look.owner(look.world.ref_of(p)) in foreign)
    names = ", ".join(f"{r.namespace}/{r.name}" for r in foreign[:3])
    workload = look.workload(foreign[0])
    return blame(
        case.ref,
        f"Service {case.where} also selects pods of {names}: a part of its requests goes to another application",
        strength=DECISIVE if calls else STRONG if closed else GOOD,
        because=[
            look.at(service, "/spec/selector"),
            look.at(workload, "/spec/template/metadata/labels") if workload is not None else None,
            *calls,
        ],
        chain=(f"its selector fits {names} too", "requests are spread over both", "those that go astray fail"),
        explains=look.callers(case.ref),
        foreign=names,
        since=case.since,
    )


# Protocol


def other_protocol(service: Service, pods: list[Pod]) -> tuple[int, ServicePort, str] | None:
    """(index, port, protocol of the containers) of a port whose target has another protocol only."""
    offered = {(p.target_port or p.port, p.protocol) for p in service.spec.ports}
    for index, port in enumerate(service.spec.ports):
        target = port.target_port or port.port
        containers = [p for pod in pods for c in pod.spec.all_containers for p in c.ports]
        found = {p.protocol or "TCP" for p in containers if target in (p.container_port, p.name, str(p.container_port))}
        if found and port.protocol not in found and not any((target, protocol) in offered for protocol in found):
            return index, port, min(found)
    return None


@detector("service_protocol_mismatch", symptom=service_protocol)
def service_protocol_mismatch(case: Case, look: Look) -> Finding | None:
    """A Service forwards one protocol to a container port of another."""
    found = other_protocol(case.subject, [p for p in look.selected(case.subject) if p.ready])
    if found is None:
        return None
    index, port, right = found
    calls = look.complaint_evidence(case.ref)
    return blame(
        case.ref,
        f"Service {case.where} forwards {port.protocol} on port {port.port}, and its containers listen to {right} "
        "there",
        strength=DECISIVE if calls else STRONG,
        because=[look.at(case.subject, f"/spec/ports/{index}"), *calls],
        explains=look.callers(case.ref),
        right_protocol=right,
        since=case.since,
        critical=True,
    )


# Traffic that stays on its node


def lonely_callers(service: Service, pods: list[Pod], look: Look) -> dict[Ref, str]:
    """Workloads (with a node) that call a Service from a node without an endpoint of it, by log or by configuration."""
    ref = look.world.ref_of(service)
    nodes = {p.spec.node_name for p in pods}
    found: dict[Ref, str] = {}
    for complaint in look.complaints_about.get(ref, ()):
        caller = look.snapshot.find(complaint.pod)
        if caller is not None and caller.spec.node_name not in nodes:
            found[complaint.caller] = caller.spec.node_name
    return found or _configured_callers(ref, nodes, look)


def _configured_callers(service: Ref, nodes: set[str], look: Look) -> dict[Ref, str]:
    found: dict[Ref, str] = {}
    for pod in look.world.pods_in(service.namespace):
        if pod.spec.node_name and pod.spec.node_name not in nodes and not pod.finished:
            owner = look.owner(look.world.ref_of(pod))
            if owner not in found and any(one.service == service for one in references(pod, look)):
                found[owner] = pod.spec.node_name
    return found


@detector("internal_traffic_policy_local", symptom=service_local_only)
def internal_traffic_policy_local(case: Case, look: Look) -> Finding | None:
    """With internalTrafficPolicy Local a node without an endpoint drops what its pods send to the Service."""
    pods = [p for p in look.selected(case.subject) if p.ready]
    callers = lonely_callers(case.subject, pods, look)
    calls = look.complaint_evidence(case.ref)
    names = ", ".join(f"{r.namespace}/{r.name} on {node}" for r, node in sorted(callers.items())[:3])
    return blame(
        case.ref,
        f"Service {case.where} keeps traffic on its node (internalTrafficPolicy Local), and {names} has no "
        "endpoint there",
        strength=DECISIVE if calls else LIKELY,
        because=[look.at(case.subject, "/spec/internalTrafficPolicy"), *calls],
        explains=sorted(callers),
        since=case.since,
        missing=() if calls else ("logs of the callers",),
    )
