"""What lies beneath workloads and shows only in node services, connectivity results, alerts and metrics."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from chalicelib.rootcause.case import DECISIVE, GOOD, HINT, LIKELY, STRONG, WEAK, Case, Finding, SymptomType, blame
from chalicelib.rootcause.complaining import calls_failing
from chalicelib.rootcause.degraded import alert_evidence, firing
from chalicelib.rootcause.logs import quoted
from chalicelib.rootcause.look import Look, condition_pointer
from chalicelib.rootcause.nodes import pods_hit, service_evidence
from chalicelib.rootcause.policies import INGRESS, policies_on
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.traffic import about, endpoints
from chalicelib.rootcause.vitals import cite, vitals
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.meta import Ref, condition

node_service_down = SymptomType("node_service_down")
connection_fails = SymptomType("connection_fails")
api_flooded = SymptomType("api_flooded")
node_network_unavailable = SymptomType("node_network_unavailable")
node_clock_off = SymptomType("node_clock_off")
node_storage_fails = SymptomType("node_storage_fails")

CLOCK_OFF_S = 0.05
API_SURGE = 3.0
RUNTIMES = ("containerd", "crio", "cri-o", "docker")
SERVICES = {"kube-proxy": "kube_proxy_down", "kubelet": "kubelet_down"} | dict.fromkeys(
    RUNTIMES, "container_runtime_down"
)
_TIMEOUT = re.compile(r"time[d ]?-?out|deadline|unreachable|no route", re.I)


def beneath(look: Look) -> Iterator[Case]:
    """Live symptoms of nodes that report themselves well, of connections, and of the API server."""
    for node in look.snapshot.of("Node"):
        if node.ready:
            network = condition(node.status.conditions, "NetworkUnavailable")
            if network and network.true:
                yield about(
                    node_network_unavailable, node, look, "NetworkUnavailable", since=network.last_transition_time
                )
            for word in SERVICES:
                if service_evidence(node.metadata.name, word, look)[0] is False:
                    yield about(node_service_down, node, look, word)
    for service in look.snapshot.of("Service"):
        if look.unreachable(look.world.ref_of(service)) and endpoints(service, look)[0]:
            yield about(connection_fails, service, look, "a connection to it fails although endpoints are ready")
    yield from _measured(look)
    yield from _api(look)


def _measured(look: Look) -> Iterator[Case]:
    for signal, type_, text in (
        ("clock", node_clock_off, "its clock is off"),
        ("disk_errors", node_storage_fails, "its storage reports errors"),
    ):
        for series in vitals(look).all(signal):
            node = look.snapshot.find(series.subject) if series.subject.kind == "Node" else None
            off = abs(series.now) >= CLOCK_OFF_S if signal == "clock" else series.now > 0
            if node is not None and series.usable and off:
                yield about(type_, node, look, text)
    for one in firing(look):
        if one.subject.kind == "Node" and one.about in ("clock", "disk"):
            node = look.snapshot.get("Node", "", one.subject.name)
            if node is None:
                continue
            type_ = node_clock_off if one.about == "clock" else node_storage_fails
            yield about(type_, node, look, f"alert {quoted(one.name, 80)} fires", since=one.alert.starts_at)


# Node services


def _down(case: Case, look: Look, mode: str) -> Finding | None:
    if SERVICES.get(case.text) != mode:
        return None
    _, evidence = service_evidence(case.ref.name, case.text, look)
    pods = look.world.pods_by_node.get(case.ref.name, ())
    hurt = sorted({c.caller for c in look.complaints if _node_of(c.pod, look) == case.ref.name})
    return blame(
        case.ref,
        f"{case.text} is not running on node {case.ref.name}, which still counts as Ready; {len(pods)} pods are on it",
        strength=DECISIVE,
        because=[evidence],
        explains=sorted({*hurt, *pods_hit(case.ref.name, look)}),
        since=evidence.at if evidence else None,
        critical=True,
    )


def _node_of(pod: Ref, look: Look) -> str:
    found = look.snapshot.find(pod)
    return found.spec.node_name if found is not None else ""


@detector("kube_proxy_down", symptom=node_service_down)
def kube_proxy_inactive(case: Case, look: Look) -> Finding | None:
    """The node's own service manager says that kube-proxy does not run."""
    return _down(case, look, "kube_proxy_down")


@detector("kubelet_down", symptom=node_service_down)
def kubelet_inactive(case: Case, look: Look) -> Finding | None:
    """The kubelet does not run, and the node controller has not noticed yet."""
    return _down(case, look, "kubelet_down")


@detector("container_runtime_down", symptom=node_service_down)
def runtime_inactive(case: Case, look: Look) -> Finding | None:
    """The container runtime does not run, and the kubelet has not said so yet."""
    return _down(case, look, "container_runtime_down")


@detector("kube_proxy_down", symptom=calls_failing)
def one_node_calls_in_vain(case: Case, look: Look) -> Finding | None:
    """Calls to several Services fail from one node only, while replicas on other nodes have no such trouble."""
    failing: dict[str, set[Ref]] = defaultdict(set)
    for service, complaints in look.complaints_about.items():
        for complaint in complaints if look.snapshot.find(service) is not None else ():
            failing[_node_of(complaint.pod, look)].add(service)
    place = case.pod.spec.node_name
    if set(failing) != {place} or len(failing[place]) < 2 or len(look.snapshot.of("Node")) < 2:
        return None
    callers = sorted({c.caller for found in look.complaints_about.values() for c in found})
    if len(callers) < 2:
        return None
    node = Ref("Node", "", place)
    return blame(
        node,
        f"calls to {len(failing[place])} Services fail from node {place} only: its kube-proxy may be down",
        strength=WEAK,
        because=[
            look.at(case.pod, "/spec/nodeName"),
            *(e for s in sorted(failing[place]) for e in look.complaint_evidence(s, 1)),
        ],
        explains=callers,
        missing=("state of kube-proxy on the node", "connectivity from other nodes"),
    )


# Connections


@detector("networkpolicy_blocks", symptom=connection_fails)
def policy_in_the_way(case: Case, look: Look) -> Finding | None:
    """A connection times out, and a policy restricts what reaches the Service's pods."""
    servers = [p for p in look.selected(case.subject) if p.ready]
    error = " ".join(e.text for e in look.unreachable(case.ref))
    policies = policies_on(servers[0], INGRESS, look) if servers else []
    if not policies or not _TIMEOUT.search(error):
        return None
    closed = [p for p in policies if not p.spec.ingress]
    policy = (closed or policies)[0]
    ref = look.world.ref_of(policy)
    return blame(
        ref,
        f"NetworkPolicy {ref.namespace}/{ref.name} restricts what reaches {case.where}, and connections to it time out",
        strength=STRONG if len(closed) == len(policies) else LIKELY,
        because=[look.at(policy, "/spec/podSelector"), look.at(policy, "/spec/ingress"), *look.unreachable(case.ref)],
        explains=[case.ref, *look.backing_refs(case.subject)],
        caller="its callers",
        port=case.subject.spec.ports[0].port if case.subject.spec.ports else 0,
    )


@detector("cni_route_broken", symptom=connection_fails)
def route_broken(case: Case, look: Look) -> Finding | None:
    """A connection to ready endpoints fails and no policy explains it."""
    servers = [p for p in look.selected(case.subject) if p.ready]
    if servers and policies_on(servers[0], INGRESS, look):
        return None
    places = sorted({p.spec.node_name for p in servers if p.spec.node_name})
    alone = len(places) == 1
    plugin = _sick_plugin(places[0], look) if alone else None
    if plugin is not None:
        daemons, pod = plugin
        return blame(
            daemons,
            f"connections to {case.where} fail: {daemons.kind} {daemons.namespace}/{daemons.name}, which works in the "
            f"host network, is not ready on its node {places[0]}",
            strength=GOOD,
            because=[
                look.at(pod, "/status/conditions"),
                look.at(pod, "/spec/hostNetwork"),
                *look.unreachable(case.ref),
            ],
            explains=[case.ref, Ref("Node", "", places[0])],
        )
    timeout = any(_TIMEOUT.search(e.text) for e in look.unreachable(case.ref))
    return blame(
        Ref("Node", "", places[0]) if alone and timeout else case.ref,
        f"connections to {case.where} fail although its endpoints are ready"
        f"{f' (all on node {places[0]})' if alone else ''}",
        strength=WEAK if timeout else HINT,
        because=look.unreachable(case.ref),
        explains=[case.ref],
        upstream=look.backing_refs(case.subject),
        missing=("connectivity from several nodes", "state of the network plugin and of kube-proxy"),
    )


def _sick_plugin(node: str, look: Look) -> tuple[Ref, Pod] | None:
    """A pod of a DaemonSet in the host network of a node (network plugins run so) that is not ready there."""
    for pod in look.world.pods_by_node.get(node, ()):
        owner = look.owner(look.world.ref_of(pod))
        if owner.kind == "DaemonSet" and pod.spec.host_network and not pod.ready and not pod.finished:
            return owner, pod
    return None


@detector("cni_route_broken", symptom=node_network_unavailable)
def network_unavailable(case: Case, look: Look) -> Finding | None:
    """The node itself says that its network is not set up: no route was made for its pods."""
    found = condition(case.subject.status.conditions, "NetworkUnavailable")
    said = quoted(found.message, 140) if found else ""
    return blame(
        case.ref,
        f"the network of node {case.ref.name} is not available: {said or 'it does not say why'}",
        strength=STRONG,
        because=[look.at(case.subject, condition_pointer(case.subject, "NetworkUnavailable"))],
        explains=pods_hit(case.ref.name, look),
        since=case.since,
        critical=True,
    )


# Clock, storage, API server


@detector("clock_drift", symptom=node_clock_off)
def clock_off(case: Case, look: Look) -> Finding | None:
    """The node's clock differs from true time."""
    series = vitals(look).of("clock", case.ref)
    alerts = [f for f in firing(look) if f.subject == case.ref and f.about == "clock"]
    if series is None and not alerts:
        return None
    off = f" by {series.now:.3g} s" if series is not None else ""
    return blame(
        case.ref,
        f"the clock of node {case.ref.name} is off{off}",
        strength=STRONG if series is not None else GOOD,
        because=[
            cite(series, look, f"{case.ref}: clock offset{off}") if series is not None else None,
            *(alert_evidence(a, look) for a in alerts[:2]),
        ],
        since=case.since,
    )


@detector("storage_io_errors", symptom=node_storage_fails)
def node_storage(case: Case, look: Look) -> Finding | None:
    """The node's disks report errors."""
    series = vitals(look).of("disk_errors", case.ref)
    alerts = [f for f in firing(look) if f.subject == case.ref and f.about == "disk"]
    measured = series is not None and series.usable and series.now > 0
    if not measured and not alerts:
        return None
    return blame(
        case.ref,
        f"the storage of node {case.ref.name} fails: {case.text}",
        strength=GOOD if measured else LIKELY,
        because=[
            cite(series, look, f"{case.ref}: disk errors") if series is not None else None,
            *(alert_evidence(a, look) for a in alerts[:2]),
        ],
        since=case.since,
        missing=() if measured else ("kernel log of the node",),
    )


def _api(look: Look) -> Iterator[Case]:
    surging = [s for s in vitals(look).all("api_requests") if s.grew(API_SURGE, 1.0)]
    alerts = [f for f in firing(look) if f.about == "api"]
    for ref in sorted({s.subject for s in surging} | {f.subject for f in alerts}):
        obj = look.snapshot.find(ref)
        if obj is not None:
            yield about(api_flooded, obj, look, "the API server gets far more requests than before")


@detector("apiserver_request_surge", symptom=api_flooded)
def apiserver_request_surge(case: Case, look: Look) -> Finding | None:
    """Requests to the API server multiplied."""
    series = vitals(look).of("api_requests", case.ref)
    alerts = [f for f in firing(look) if f.subject == case.ref and f.about == "api"]
    grew = series is not None and series.grew(API_SURGE, 1.0)
    how = f": {series.now:.3g} a second, before {series.before:.3g}" if series is not None and grew else ""
    return blame(
        case.ref,
        f"{case.where} sees a surge of API requests{how}",
        strength=GOOD if grew else LIKELY,
        because=[
            cite(series, look, f"{case.ref}: API requests{how}") if series is not None else None,
            *(alert_evidence(a, look) for a in alerts[:2]),
        ],
        since=case.since,
        missing=("requests by client (audit log)",),
    )
