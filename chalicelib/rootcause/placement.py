"""Where a pod could run: the scheduler's filters, evaluated on the snapshot, node by node.

The reason that people need is not the one that most nodes give. Nodes that the pod itself rules out (selector,
affinity) do not count unless it rules out all; a dedicated node's taint does not count while open nodes remain; what is
left decides. Filters: kubernetes/pkg/scheduler/framework/plugins.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from chalicelib.rootcause.look import Look
from chalicelib.state.kinds.cluster import Node, Taint
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.kinds.pod_spec import NodeSelectorTerm, PodAffinityTerm, Toleration
from chalicelib.state.meta import LabelSelector, Ref, expression_holds
from chalicelib.state.quantity import quantity
from chalicelib.state.world import pod_requests

HOSTNAME = "kubernetes.io/hostname"
CLUSTER = Ref("Cluster", "", "")
"""Key of what is computed once for the whole cluster."""
SYSTEM_TAINTS = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")


@dataclass(slots=True)
class Placement:
    """The verdict for a pod. `obstacle` is the deciding reason, `counts` the nodes per reason among those it wants."""

    obstacle: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    nodes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    total: int = 0
    sole: Counter[str] = field(default_factory=Counter)
    fits_somewhere: bool = False


def place(pod: Pod, look: Look) -> Placement:
    """Why no node takes a pod. `fits_somewhere` means that by the snapshot's own numbers one would."""
    nodes: Sequence[Node] = look.snapshot.of("Node")
    found = Placement(total=len(nodes))
    wanted = [n for n in nodes if selected_by(pod, n) and affine_to(pod, n)]
    if not wanted:
        found.obstacle = _own_choice(pod, nodes)
        found.counts[found.obstacle] = len(nodes)
        return found
    occupancy = _Occupancy(pod, look)
    open_nodes: list[str] = []
    for node in wanted:
        name = node.metadata.name
        gate = _gate(pod, node)
        if gate:
            found.nodes[gate].append(name)
            continue
        obstacles = occupancy.obstacles(node)
        if not obstacles:
            found.fits_somewhere = True
        if len(obstacles) == 1:
            found.sole[obstacles[0]] += 1
        for obstacle in obstacles:
            found.nodes[obstacle].append(name)
        open_nodes.append(name)
    found.counts.update({reason: len(names) for reason, names in found.nodes.items()})
    found.obstacle = _deciding(found, open_nodes)
    return found


def _deciding(found: Placement, open_nodes: list[str]) -> str:
    """The reason that keeps the pod off the nodes that would take it; gates decide only when no node is open."""
    if found.fits_somewhere:
        return ""
    if open_nodes:
        gates = ("taint", "cordoned", "sick")
        inner = [(found.sole[reason], n, reason) for reason, n in found.counts.items() if reason not in gates]
        return max(inner)[2] if inner else ""
    # Among closed nodes cordoned ones outweigh dedicated ones: only they were meant to be open to this pod.
    return next((reason for reason in ("cordoned", "sick", "taint") if found.counts.get(reason)), "")


def _own_choice(pod: Pod, nodes: Sequence[Node]) -> str:
    """Whether the pod's nodeSelector or its affinity rules out every node."""
    if not any(selected_by(pod, n) for n in nodes):
        hosts = pod.spec.node_selector.get(HOSTNAME)
        if hosts and all(n.metadata.labels.get(HOSTNAME) != hosts for n in nodes):
            return "node_absent"
        return "selector"
    if not any(affine_to(pod, n) for n in nodes):
        names = {n.metadata.name for n in nodes} | {n.metadata.labels.get(HOSTNAME) for n in nodes}
        hosts_named = hosts_wanted(pod)
        return "node_absent" if hosts_named and names.isdisjoint(hosts_named) else "affinity"
    return "selector" if pod.spec.node_selector else "affinity"


def selected_by(pod: Pod, node: Node) -> bool:
    """Whether the pod's nodeSelector accepts a node."""
    labels = node.metadata.labels
    return all(labels.get(key) == value for key, value in pod.spec.node_selector.items())


def hosts_wanted(pod: Pod) -> list[str]:
    """Node names that the pod's only required affinity term insists on, by name or by hostname label."""
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity else None
    terms = affinity.required.node_selector_terms if affinity is not None and affinity.required is not None else []
    by_name = [e for term in terms for e in term.match_fields]
    by_label = [e for term in terms for e in term.match_expressions if e.key == HOSTNAME]
    return [v for e in (*by_name, *by_label) if e.operator == "In" for v in e.values] if len(terms) == 1 else []


def affine_to(pod: Pod, node: Node) -> bool:
    """Whether the pod's required node affinity accepts a node; terms are alternatives."""
    affinity = pod.spec.affinity.node_affinity if pod.spec.affinity else None
    if affinity is None or affinity.required is None or not affinity.required.node_selector_terms:
        return True
    return any(_term_holds(term, node) for term in affinity.required.node_selector_terms)


def _term_holds(term: NodeSelectorTerm, node: Node) -> bool:
    labels = node.metadata.labels
    if not term.match_expressions and not term.match_fields:
        return False
    return all(
        expression_holds(e.operator, e.values, e.key in labels, labels.get(e.key, "")) for e in term.match_expressions
    ) and all(expression_holds(e.operator, e.values, True, node.metadata.name) for e in term.match_fields)


def _gate(pod: Pod, node: Node) -> str:
    if not node.ready:
        return "sick"
    taint = untolerated(pod, node)
    if node.spec.unschedulable and not _tolerated(
        Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule"), pod
    ):
        return "cordoned"
    if taint is None:
        return ""
    return "sick" if taint.key.startswith(SYSTEM_TAINTS) else "taint"


def untolerated(pod: Pod, node: Node) -> Taint | None:
    """The first NoSchedule or NoExecute taint of a node that the pod does not tolerate; cordons are told apart."""
    for taint in node.spec.taints:
        closes = taint.effect in ("NoSchedule", "NoExecute") and taint.key != "node.kubernetes.io/unschedulable"
        if closes and not _tolerated(taint, pod):
            return taint
    return None


def _tolerated(taint: Taint, pod: Pod) -> bool:
    return any(_tolerates(t, taint) for t in pod.spec.tolerations)


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if not toleration.key:
        return toleration.operator == "Exists"
    if toleration.key != taint.key:
        return False
    return toleration.operator == "Exists" or toleration.value == taint.value


class _Occupancy:
    """What the pod needs, against what each node has left."""

    def __init__(self, pod: Pod, look: Look) -> None:
        self.pod = pod
        self.look = look
        self.cpu, self.memory = pod_requests(pod.spec)
        self.extended = _extended(pod)
        self.ports = {(p.host_port, p.protocol) for c in pod.spec.containers for p in c.ports if p.host_port}
        self.blocked_domains = _blocked_domains(pod, look)
        self.rooms = look.once("rooms", CLUSTER, lambda: _rooms(look))

    def obstacles(self, node: Node) -> list[str]:
        """Every resource filter that this node fails."""
        name, room = node.metadata.name, node.status.allocatable
        cpu, memory, pods = self.rooms[name]
        found = []
        if self.cpu > 0 and self.cpu > cpu + 1e-6:
            found.append("cpu")
        if self.memory > 0 and self.memory > memory + 1:
            found.append("memory")
        for resource, wanted in self.extended.items():
            if wanted > quantity(room.get(resource)) - self._extended_used(name, resource):
                found.append(f"extended:{resource}")
        if pods is not None and pods <= 0:
            found.append("pods")
        if self.ports and self.ports & self._ports_used(name):
            found.append("ports")
        if any(node.metadata.labels.get(key) in values for key, values in self.blocked_domains.items()):
            found.append("anti_affinity")
        return found

    def _extended_used(self, node: str, resource: str) -> float:
        pods = self.look.world.pods_by_node.get(node, ())
        return sum(_extended(p).get(resource, 0.0) for p in pods if not p.finished)

    def _ports_used(self, node: str) -> set[tuple[int, str]]:
        pods = self.look.world.pods_by_node.get(node, ())
        return {
            (q.host_port, q.protocol)
            for p in pods if not p.finished
            for c in p.spec.containers for q in c.ports if q.host_port
        }  # fmt: skip


def _rooms(look: Look) -> dict[str, tuple[float, float, float | None]]:
    """(cores, bytes, pods) left on each node; pods None where the node states no limit."""
    found: dict[str, tuple[float, float, float | None]] = {}
    for node in look.snapshot.of("Node"):
        name, room = node.metadata.name, node.status.allocatable
        cpu, memory = look.world.requested_on(name)
        pods = quantity(room["pods"]) - look.world.pods_on(name) if "pods" in room else None
        found[name] = (quantity(room.get("cpu")) - cpu, quantity(room.get("memory")) - memory, pods)
    return found


def _extended(pod: Pod) -> dict[str, float]:
    """Requests for anything but cpu, memory and storage; limits count as requests for extended resources."""
    found: dict[str, float] = defaultdict(float)
    for container in pod.spec.containers:
        for name, value in {**container.resources.limits, **container.resources.requests}.items():
            if "/" in name or name.startswith("hugepages-"):
                found[name] += quantity(value)
    return dict(found)


def _blocked_domains(pod: Pod, look: Look) -> dict[str, set[str]]:
    """Topology domains that required anti-affinity closes: the pod's own terms, and those of running pods."""
    found: dict[str, set[str]] = defaultdict(set)
    affinity = pod.spec.affinity.pod_anti_affinity if pod.spec.affinity else None
    nodes = {n.metadata.name: n.metadata.labels for n in look.snapshot.of("Node")}
    for term in affinity.required if affinity else ():
        for other in _matching(term, pod.metadata.namespace, look):
            domain = nodes.get(other.spec.node_name, {}).get(term.topology_key)
            if domain is not None and not other.finished and other.metadata.uid != pod.metadata.uid:
                found[term.topology_key].add(domain)
    return found


def _matching(term: PodAffinityTerm, namespace: str, look: Look) -> list[Pod]:
    selector = term.label_selector or LabelSelector()
    spaces = term.namespaces or ([n for n in look.namespaces] if term.namespace_selector is not None else [namespace])
    return [p for space in sorted(spaces) for p in look.world.pods_selected_by(space, selector)]


# The scheduler's own words

_NODES = r"(\d+) node\(s\) "
_SYSTEM = r"node\.(?:kubernetes|cloudprovider\.kubernetes)\.io/"
_SAID: tuple[tuple[str, str], ...] = (
    ("extended", r"(\d+) Insufficient ((?!cpu\b|memory\b|pods\b|ephemeral-storage\b)[\w./-]{1,80}\w)"),
    ("cpu", r"(\d+) Insufficient cpu\b"),
    ("memory", r"(\d+) Insufficient memory\b"),
    ("pods", r"(\d+) (?:Insufficient pods|Too many pods)"),
    ("anti_affinity", _NODES + r"didn't match pod (?:anti-affinity|affinity/anti-affinity|affinity)"),
    ("anti_affinity", _NODES + r"didn't satisfy existing pods anti-affinity"),
    ("selection", _NODES + r"didn't match (?:Pod's )?node (?:affinity/selector|affinity|selector)"),
    ("cordoned", _NODES + r"were unschedulable"),
    ("sick", _NODES + rf"had (?:untolerated )?taint \{{{_SYSTEM}(?!unschedulable)[^}}]{{0,120}}\}}"),
    ("sick", _NODES + r"(?:were not ready|had (?:disk|memory|pid) pressure)"),
    ("taint", _NODES + r"had untolerated taint\(s\)"),
    ("taint", _NODES + rf"had untolerated taint \{{(?!{_SYSTEM})[^}}]{{0,120}}\}}"),
    ("taint", _NODES + rf"had taint \{{(?!{_SYSTEM})[^}}]{{0,120}}\}}, that the pod didn't tolerate"),
    ("taint", _NODES + r"had taints that the pod didn't tolerate"),
    ("cpu", r"Insufficient cpu \((\d+)\)"),
    ("memory", r"Insufficient memory \((\d+)\)"),
    ("selection", r"MatchNodeSelector \((\d+)\)"),
    ("taint", r"PodToleratesNodeTaints \((\d+)\)"),
    ("cordoned", r"NodeUnschedulable \((\d+)\)"),
    ("anti_affinity", r"MatchInterPodAffinity \((\d+)\)"),
    ("ports", _NODES + r"didn't have free ports"),
    ("spread", _NODES + r"didn't match pod topology spread constraints"),
    ("cordoned", _NODES + r"had (?:untolerated )?taint \{node\.kubernetes\.io/unschedulable:[^}]{0,120}\}"),
    ("volume", r"NoVolume(?:Zone|Node)Conflict \((\d+)\)"),
    ("ports", r"PodFitsHostPorts \((\d+)\)"),
    ("volume", _NODES + r"(?:had volume node affinity conflict|had no available volume zone|exceed max volume count)"),
    ("volume", _NODES + r"(?:didn't find available persistent volumes to bind|unavailable due to one or more pvc)"),
)
_PARTS = tuple((reason, re.compile(text, re.I)) for reason, text in _SAID)
_CLAIM = re.compile(
    r"unbound immediate PersistentVolumeClaims|persistentvolumeclaim \"([^\"]{1,253})\" (?:not found|is being deleted)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A FailedScheduling message, parsed: nodes per reason, and whether it speaks of a claim."""

    counts: dict[str, int]
    resource: str = ""
    claim: str = ""
    about_claims: bool = False


def parse_refusal(message: str) -> Refusal:
    """Read a scheduler message of any version; what follows `preemption:` speaks of another question and is dropped."""
    text = re.split(r"(?:\.|,) (?:no new claims to deallocate, )?preemption:", message[:4000], maxsplit=1, flags=re.I)[
        0
    ]
    counts: Counter[str] = Counter()
    resource = ""
    for reason, pattern in _PARTS:
        for match in pattern.finditer(text):
            counts[reason] += int(match.group(1))
            if reason == "extended":
                resource = match.group(2).rstrip(".,")
    claim = _CLAIM.search(text)
    return Refusal(dict(counts), resource, (claim.group(1) or "") if claim else "", claim is not None)
