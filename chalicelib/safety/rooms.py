"""A scheduler on paper: places the pods of a change on the nodes as they are, one after the other.

Filters are those of kube-scheduler (kubernetes/pkg/scheduler/framework/plugins): resources, taints, cordons, node
selector and affinity, host ports, the number of pods, required pod (anti-)affinity, topology spread with DoNotSchedule,
and the nodes that bound volumes allow. Among nodes that pass, the emptiest is taken, as NodeResourcesFit does by
default; `packed` takes the fullest instead, to see whether the answer hangs on that choice.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from chalicelib.rootcause.placement import affine_to, selected_by, untolerated
from chalicelib.safety.neighbours import Guard, Neighbours, anti_terms, matches
from chalicelib.state.kinds.cluster import Node
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.kinds.pod_spec import PodAffinityTerm, PodSpec
from chalicelib.state.meta import Labels, Ref, expression_holds
from chalicelib.state.quantity import quantity
from chalicelib.state.world import World, pod_requests

HOSTNAME = "kubernetes.io/hostname"
MOST_WAITING = 100
"""Pods that wait for a node already and are played along."""
MOST_CONSTRAINED = 400
"""Pods with rules about other pods that are placed one by one; more are not simulated."""
_EPSILON = 1e-6


@dataclass(slots=True)
class Room:
    """What is left on one node. cpu in cores, memory in bytes; pods None where the node states no limit."""

    node: Node
    cpu: float
    memory: float
    pods: float | None
    total_cpu: float
    total_memory: float
    extended: dict[str, float] = field(default_factory=dict)
    ports: Counter[tuple[int, str]] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        return self.node.metadata.name

    @property
    def taken(self) -> float:
        """Share of the node that is requested, averaged over cpu and memory."""
        cpu = 1 - self.cpu / self.total_cpu if self.total_cpu else 1.0
        memory = 1 - self.memory / self.total_memory if self.total_memory else 1.0
        return (cpu + memory) / 2


@dataclass(frozen=True, slots=True)
class Wish:
    """What a pod asks for."""

    pod: Pod
    cpu: float
    memory: float
    extended: tuple[tuple[str, float], ...]
    ports: frozenset[tuple[int, str]]

    @classmethod
    def of(cls, pod: Pod) -> Wish:
        cpu, memory = pod_requests(pod.spec)
        return cls(pod, cpu, memory, tuple(sorted(extended_of(pod.spec).items())), frozenset(_ports(pod.spec)))

    @property
    def about_others(self) -> bool:
        """Whether it has rules about other pods."""
        affinity = self.pod.spec.affinity
        rules = affinity and (
            (affinity.pod_anti_affinity and affinity.pod_anti_affinity.required)
            or (affinity.pod_affinity and affinity.pod_affinity.required)
        )
        spread = any(c.when_unsatisfiable != "ScheduleAnyway" for c in self.pod.spec.topology_spread_constraints)
        return bool(rules or spread)


def extended_of(spec: PodSpec) -> dict[str, float]:
    """Requests for anything but cpu, memory and storage; a limit counts as a request."""
    found: dict[str, float] = defaultdict(float)
    for container in spec.containers:
        for name, value in {**container.resources.limits, **container.resources.requests}.items():
            if "/" in name or name.startswith("hugepages-"):
                found[name] += quantity(value)
    return dict(found)


def _ports(spec: PodSpec) -> Iterable[tuple[int, str]]:
    return ((p.host_port, p.protocol) for c in spec.containers for p in c.ports if p.host_port)


@dataclass(slots=True)
class _Waiting:
    """A pod that waits for a node already. `open_rooms` None: not tried yet."""

    wish: Wish
    open_rooms: list[Room] | None = None


class Rooms:
    """All nodes, and the pods on them, as a change goes on. `place` and `leave` change it."""

    def __init__(self, world: World, *, packed: bool = False) -> None:
        self._world = world
        self._packed = packed
        self._running: dict[str, dict[Ref, tuple[Pod, str]]] = defaultdict(dict)
        self._keeping_away: dict[Ref, tuple[Pod, list[PodAffinityTerm], str]] = {}
        self._freed: set[str] = set()
        self._all_again = False
        self.rooms: dict[str, Room] = {}
        for node in world.snapshot.of("Node"):
            self.rooms[node.metadata.name] = _room(world, node)
        for node_name, pods in world.pods_by_node.items():
            room = self.rooms.get(node_name)
            for pod in pods:
                if not pod.finished and room is not None:
                    self._occupy(room, pod, +1)
        waiting = [Wish.of(pod) for pod in world.snapshot.of("Pod") if _waits(pod)][:MOST_WAITING]
        self._waiting = [_Waiting(wish) for wish in waiting]

    def fork(self, *, packed: bool) -> Rooms:
        """A copy in which nothing has been tried yet; what happens in one does not show in the other."""
        other = Rooms.__new__(Rooms)
        other._world, other._packed = self._world, packed
        other._running = defaultdict(dict, {space: dict(pods) for space, pods in self._running.items()})
        other._keeping_away = dict(self._keeping_away)
        other._freed, other._all_again = set(self._freed), self._all_again
        other.rooms = {
            name: replace(room, extended=dict(room.extended), ports=Counter(room.ports))
            for name, room in self.rooms.items()
        }
        other._waiting = [_Waiting(waiting.wish) for waiting in self._waiting]
        return other

    def _occupy(self, room: Room, pod: Pod, sign: int) -> None:
        cpu, memory = pod_requests(pod.spec)
        room.cpu -= sign * cpu
        room.memory -= sign * memory
        if room.pods is not None:
            room.pods -= sign
        for name, amount in extended_of(pod.spec).items():
            room.extended[name] = room.extended.get(name, 0.0) - sign * amount
        for port in _ports(pod.spec):
            room.ports[port] += sign
        ref = Ref("Pod", pod.metadata.namespace, pod.metadata.name)
        if sign < 0:
            self._running[ref.namespace].pop(ref, None)
            self._keeping_away.pop(ref, None)
            return
        self._running[ref.namespace][ref] = (pod, room.name)
        if terms := anti_terms(pod.spec):
            self._keeping_away[ref] = (pod, terms, room.name)

    def leave(self, pod: Pod) -> None:
        """A pod goes from its node; one that is on none, or gone already, changes nothing."""
        room = self.rooms.get(pod.spec.node_name)
        ref = Ref("Pod", pod.metadata.namespace, pod.metadata.name)
        if room is None or ref not in self._running[ref.namespace]:
            return
        # What kept others away from a whole zone may open more than the one node.
        self._all_again |= ref in self._keeping_away
        self._freed.add(room.name)
        self._occupy(room, pod, -1)

    def let_others_in(self) -> None:
        """Pods that wait for a node already take what has become free before any new pod does."""
        left = []
        for number, waiting in enumerate(self._waiting):
            if waiting.open_rooms is None:
                waiting.open_rooms = tried = self.open_to(waiting.wish, None)
            elif self._all_again or waiting.wish.about_others:
                tried = waiting.open_rooms
            else:
                tried = [room for room in waiting.open_rooms if room.name in self._freed]
            if not tried or self.place(waiting.wish, tried, number):
                left.append(waiting)
        self._waiting = left
        self._freed.clear()
        self._all_again = False

    def close(self, node: str) -> None:
        """A node takes no more pods (it is being drained)."""
        self.rooms.pop(node, None)

    def open_to(self, wish: Wish, allowed: frozenset[str] | None) -> list[Room]:
        """Nodes whose own rules let the pod on, whatever is left on them. `allowed` None: volumes allow all."""
        return [
            room
            for room in self.rooms.values()
            if (allowed is None or room.name in allowed) and not gate(wish.pod, room.node)
        ]

    def fits(self, wish: Wish, room: Room) -> str:
        """Empty when the pod fits on a node now, else what is short."""
        if wish.cpu > 0 and wish.cpu > room.cpu + _EPSILON:
            return "Insufficient cpu"
        if wish.memory > 0 and wish.memory > room.memory + 1:
            return "Insufficient memory"
        if room.pods is not None and room.pods < 1:
            return "Too many pods"
        for name, amount in wish.extended:
            if amount > room.extended.get(name, 0.0) + _EPSILON:
                return f"Insufficient {name}"
        if any(room.ports.get(port) for port in wish.ports):
            return "host port in use"
        return ""

    def place(self, wish: Wish, open_rooms: list[Room], serial: int) -> str:
        """Put one pod somewhere; returns the reason when it fits nowhere, else nothing."""
        reasons: Counter[str] = Counter()
        best: Room | None = None
        neighbours = self._neighbours(wish) if self._has_rules(wish) else None
        for room in open_rooms:
            why = self.fits(wish, room) or (neighbours.why_not(room.node) if neighbours is not None else "")
            if why:
                reasons[why] += 1
            elif best is None or self._better(room, best):
                best = room
        if best is None:
            return _said(reasons, len(open_rooms))
        self._occupy(best, _named(wish.pod, best.name, serial), +1)
        return ""

    def place_many(self, wish: Wish, open_rooms: list[Room], count: int, first: int) -> tuple[int, str]:
        """(how many were placed, why not more); fast for pods without rules about others."""
        if self._has_rules(wish):
            for done in range(count):
                if why := self.place(wish, open_rooms, first + done):
                    return done, why
            return count, ""
        sign = -1 if self._packed else 1
        heap = [(sign * room.taken, index) for index, room in enumerate(open_rooms) if not self.fits(wish, room)]
        heapq.heapify(heap)
        for done in range(count):
            while heap and self.fits(wish, open_rooms[heap[0][1]]):
                heapq.heappop(heap)
            if not heap:
                reasons = Counter(self.fits(wish, room) for room in open_rooms)
                return done, _said(reasons, len(open_rooms))
            _, index = heapq.heappop(heap)
            self._occupy(open_rooms[index], _named(wish.pod, open_rooms[index].name, first + done), +1)
            heapq.heappush(heap, (sign * open_rooms[index].taken, index))
        return count, ""

    def _better(self, room: Room, than: Room) -> bool:
        return room.taken > than.taken if self._packed else room.taken < than.taken

    def _has_rules(self, wish: Wish) -> bool:
        return wish.about_others or self._guarded(wish.pod)

    def _guarded(self, pod: Pod) -> bool:
        """Whether a running pod's required anti-affinity speaks of this pod."""
        return any(matches(term, owner, pod) for owner, term, _ in self._guards())

    def _neighbours(self, wish: Wish) -> Neighbours:
        nodes = {name: room.node for name, room in self.rooms.items()}
        return Neighbours(wish.pod, nodes, self._running, self._guards())

    def _guards(self) -> Iterator[Guard]:
        """Required anti-affinity of running pods."""
        for pod, terms, node in self._keeping_away.values():
            for term in terms:
                yield pod, term, node


def _waits(pod: Pod) -> bool:
    return not (pod.spec.node_name or pod.finished or pod.metadata.deletion_timestamp or pod.spec.scheduling_gates)


def _room(world: World, node: Node) -> Room:
    have = node.status.allocatable
    cpu, memory = quantity(have.get("cpu")), quantity(have.get("memory"))
    extended = {n: quantity(v) for n, v in have.items() if "/" in n or n.startswith("hugepages-")}
    return Room(node, cpu, memory, quantity(have["pods"]) if "pods" in have else None, cpu, memory, extended)


def gate(pod: Pod, node: Node) -> str:
    """What about a node itself keeps a pod off, before anything is counted; empty when nothing does."""
    if not node.ready:
        return "not ready"
    if not selected_by(pod, node) or not affine_to(pod, node):
        return "didn't match Pod's node affinity/selector"
    if node.spec.unschedulable and not any(
        t.operator == "Exists" and t.key in ("", "node.kubernetes.io/unschedulable") for t in pod.spec.tolerations
    ):
        return "unschedulable"
    taint = untolerated(pod, node)
    return f"untolerated taint {taint.key}" if taint else ""


def _named(pod: Pod, node: str, serial: int) -> Pod:
    """The pod as it would run: with a name of its own, on its node."""
    import msgspec

    meta = msgspec.structs.replace(pod.metadata, name=f"{pod.metadata.name}-{serial}")
    return msgspec.structs.replace(pod, metadata=meta, spec=msgspec.structs.replace(pod.spec, node_name=node))


def _said(reasons: Counter[str], nodes: int) -> str:
    parts = ", ".join(f"{count} {why}" for why, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])))
    return f"0 of {nodes} nodes would take it: {parts}" if parts else "no node lets it on"


def gates_of(world: World, pod: Pod, allowed: frozenset[str] | None) -> Counter[str]:
    """Why nodes do not let a pod on, counted."""
    found: Counter[str] = Counter()
    for node in world.snapshot.of("Node"):
        if allowed is not None and node.metadata.name not in allowed:
            found["its volume is elsewhere"] += 1
        elif why := gate(pod, node):
            found[why] += 1
    return found


def nodes_of_volumes(world: World, namespace: str, spec: PodSpec) -> frozenset[str] | None:
    """Nodes that the bound volumes of a pod's claims allow; None when they allow all."""
    allowed: set[str] | None = None
    for volume in spec.volumes:
        claim_name = volume.persistent_volume_claim.claim_name if volume.persistent_volume_claim else ""
        claim = world.snapshot.get("PersistentVolumeClaim", namespace, claim_name) if claim_name else None
        held = world.snapshot.get("PersistentVolume", "", claim.spec.volume_name) if claim is not None else None
        rule = held.spec.node_affinity.required if held is not None and held.spec.node_affinity else None
        if rule is None or not rule.node_selector_terms:
            continue
        near = {
            node.metadata.name
            for node in world.snapshot.of("Node")
            if any(_term_holds(term.match_expressions, node) for term in rule.node_selector_terms)
        }
        allowed = near if allowed is None else allowed & near
    return None if allowed is None else frozenset(allowed)


def _term_holds(expressions: Iterable[object], node: Node) -> bool:
    labels: Labels = node.metadata.labels
    return all(
        expression_holds(e.operator, e.values, e.key in labels, labels.get(e.key, ""))  # type: ignore[attr-defined]
        for e in expressions
    )
