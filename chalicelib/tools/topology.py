"""Relations as questions: the neighbourhood of an object, what it depends on, what depends on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from chalicelib.state.graph import Graph
from chalicelib.state.kinds import Edge
from chalicelib.state.meta import Ref
from chalicelib.state.world import World

MAX_NODES = 60
MAX_EDGES = 120

PUBLISHED = "kube-root-ca.crt"
"""The ConfigMap that the control plane puts into every namespace and every pod mounts."""

DEPENDS_ON = (
    "routes_to", "selects", "owns", "mounts", "reads_env", "claims", "bound_to", "scheduled_on", "runs_as",
    "pulls_with", "governed_by", "terminates_tls_with", "calls", "grants", "has_priority", "of_class",
)  # fmt: skip
"""Relations whose source cannot do its work without the target."""
NEEDED_BY = ("attached_to", "grants_to", "isolates")
"""Relations whose target is served or governed by the source: a Gateway by its routes, an account by its bindings."""
QUIET = ("about", "endpoints_of", "claimed_by")
"""Relations that repeat what another one says, from the other end."""
BOOKKEEPING = ("Event", "EndpointSlice", "Lease", "VolumeAttachment", "controllerrevisions.apps")
"""Kinds that the control plane writes about others; they answer no question about dependence."""


def dependencies(graph: Graph, ref: Ref) -> Iterator[tuple[str, Ref, str]]:
    """(relation, object, detail) of what an object needs directly."""
    for edge in graph.out(ref):
        if edge.relation in DEPENDS_ON and _needs(edge) and _telling(edge.target):
            yield edge.relation, edge.target, edge.detail
    for edge in graph.into(ref):
        if edge.relation in NEEDED_BY and _telling(edge.source):
            yield f"{edge.relation} (by)", edge.source, edge.detail


def dependents(graph: Graph, ref: Ref) -> Iterator[tuple[str, Ref, str]]:
    """(relation, object, detail) of what needs an object directly."""
    for edge in graph.into(ref):
        if edge.relation in DEPENDS_ON and _needs(edge) and _telling(edge.source):
            yield edge.relation, edge.source, edge.detail
    for edge in graph.out(ref):
        if edge.relation in NEEDED_BY and _telling(edge.source) and _telling(edge.target):
            yield edge.relation, edge.target, edge.detail


def _telling(ref: Ref) -> bool:
    return ref.kind not in BOOKKEEPING and ref.name != PUBLISHED


def _needs(edge: Edge) -> bool:
    """Only a Service needs what it selects, and a Node none of what is recorded as its own (static pods, leases)."""
    if edge.relation == "owns":
        return edge.source.kind != "Node"
    return edge.relation != "selects" or edge.source.kind == "Service"


@dataclass(frozen=True, slots=True)
class Link:
    """One step of a chain: `ref` is reached from `via` by `relation`, `depth` steps from the start."""

    ref: Ref
    relation: str
    via: Ref
    depth: int
    detail: str = ""


def walk(
    world: World,
    start: Ref,
    step: Callable[[Graph, Ref], Iterable[tuple[str, Ref, str]]],
    *,
    depth: int,
    most: int,
) -> tuple[list[Link], bool]:
    """Breadth-first links from `start`, each object once, replicas folded into their workload.

    The second value says whether `most` cut the walk short.
    """
    graph = world.graph
    found: list[Link] = []
    seen = {start, *members(world, start)}
    front = sorted(seen)
    for level in range(1, depth + 1):
        following: list[Ref] = []
        for here in front:
            for relation, raw, detail in step(graph, here):
                other = world.graph.standing_for(raw)
                if other in seen or raw in seen:
                    continue
                if len(found) >= most:
                    return found, True
                seen |= {raw, other}
                found.append(Link(other, relation, world.graph.standing_for(here), level, detail))
                group = members(world, other)
                seen.update(group)
                following += [other, *group]
        front = sorted(set(following))
    return found, False


def members(world: World, ref: Ref) -> list[Ref]:
    """Pods and revisions that a workload stands for."""
    return world.graph.owned_by(ref) if ref.kind not in ("Pod", "Node", "Namespace", "Service") else []


@dataclass(slots=True)
class Neighbourhood:
    """A bounded part of the graph. `omitted` counts objects that did not fit."""

    nodes: list[Ref] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    omitted: int = 0


def around(world: World, start: Ref, depth: int, most: int = MAX_NODES) -> Neighbourhood:
    """Objects within `depth` relations of an object, nearest first, and the edges among them."""
    graph, found = world.graph, Neighbourhood(nodes=[start])
    seen, front = {start}, [start]
    for _ in range(depth):
        following: set[Ref] = set()
        for here in front:
            for edge in (*graph.out(here), *graph.into(here)):
                other = edge.target if edge.source == here else edge.source
                if edge.relation not in QUIET and other not in seen and _telling(other):
                    following.add(other)
        for other in sorted(following):
            seen.add(other)
            if len(found.nodes) < most:
                found.nodes.append(other)
            else:
                found.omitted += 1
        front = [n for n in sorted(following) if n in set(found.nodes) and n.kind not in ("Node", "Namespace")]
    found.edges = list(edges_among(graph, found.nodes))
    return found


def of_namespace(world: World, namespace: str, most: int = MAX_NODES) -> Neighbourhood:
    """Workloads, Services, routes, claims and configuration of a namespace, with pods folded into workloads."""
    order = ("Ingress", "HTTPRoute", "Gateway", "Service", "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job",
             "HorizontalPodAutoscaler", "PersistentVolumeClaim", "ConfigMap", "Secret", "Pod")  # fmt: skip
    found = Neighbourhood()
    for kind in order:
        for obj in world.snapshot.of(kind):
            ref = Ref(kind, namespace, obj.metadata.name)
            if obj.metadata.namespace != namespace or world.graph.standing_for(ref) != ref:
                continue
            if len(found.nodes) < most:
                found.nodes.append(ref)
            else:
                found.omitted += 1
    found.edges = list(folded_edges(world, found.nodes))
    return found


def edges_among(graph: Graph, nodes: Iterable[Ref]) -> Iterator[Edge]:
    """Edges whose both ends are given, each pair and relation once, at most MAX_EDGES."""
    inside = set(nodes)
    seen: set[tuple[Ref, Ref, str]] = set()
    for ref in nodes:
        for edge in graph.out(ref):
            key = (edge.source, edge.target, edge.relation)
            if edge.target in inside and edge.relation not in QUIET and key not in seen and len(seen) < MAX_EDGES:
                seen.add(key)
                yield edge


def folded_edges(world: World, nodes: Iterable[Ref]) -> Iterator[Edge]:
    """Edges among objects with every pod and revision standing for its workload."""
    inside = set(nodes)
    seen: set[tuple[Ref, Ref, str]] = set()
    for ref in nodes:
        for source in (ref, *members(world, ref)):
            for edge in world.graph.out(source):
                target = world.graph.standing_for(edge.target)
                key = (ref, target, edge.relation)
                inner = target == ref or edge.relation in QUIET
                if target in inside and not inner and key not in seen and len(seen) < MAX_EDGES:
                    seen.add(key)
                    yield Edge(ref, target, edge.relation, edge.detail)
