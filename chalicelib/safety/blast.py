"""The blast radius of an object: what is hit when it fails or is removed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from chalicelib.state.kinds.pod import Pod
from chalicelib.state.meta import Ref
from chalicelib.state.world import World

Level = Literal["low", "medium", "high", "critical"]
CONFIGURATION = ("ConfigMap", "Secret", "ServiceAccount", "PriorityClass")
"""Objects that running pods keep working without, until they start again."""
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob")
ENTRY_KINDS = ("Ingress", "HTTPRoute")


@dataclass(frozen=True, slots=True)
class Hit:
    """One object that is affected. `lost` of `total` replicas, endpoints or backends; `share` is their ratio."""

    ref: Ref
    how: Literal["direct", "indirect"]
    effect: str
    lost: int = 0
    total: int = 0

    @property
    def share(self) -> float:
        return round(self.lost / self.total, 3) if self.total else 1.0


@dataclass(slots=True)
class Blast:
    """Who is hit, how badly, and why that level."""

    ref: Ref
    hits: list[Hit] = field(default_factory=list)
    entry_points: list[str] = field(default_factory=list)
    stateful: list[Ref] = field(default_factory=list)
    pods: int = 0
    level: Level = "low"
    reasons: list[str] = field(default_factory=list)
    on_restart: bool = False
    """True when running pods feel it only when they start again."""
    for_a_while: bool = False
    """True when what is missing is replaced by itself."""


def blast_radius(world: World, ref: Ref) -> Blast:
    """Follow what an object carries: its pods, their workloads, Services, entry points, data, webhooks and callers."""
    return _followed(world, Blast(ref, on_restart=ref.kind in CONFIGURATION), lost_pods(world, ref), whole=True)


def blast_of_pods(world: World, ref: Ref, lost: list[Ref], *, for_a_while: bool) -> Blast:
    """What is hit when just these pods of an object are missing, for a while (they come back) or for good."""
    return _followed(world, Blast(ref, for_a_while=for_a_while), sorted(lost), whole=False)


def _followed(world: World, blast: Blast, lost: list[Ref], *, whole: bool) -> Blast:
    """`whole`: the object itself is gone, so that what names it is hit too."""
    ref = blast.ref
    blast.pods = len(lost)
    workloads = _workloads(world, ref, lost, blast.on_restart, whole=whole)
    services = _services(world, ref, lost, blast.on_restart, whole=whole)
    routes = _routes(world, ref, services, whole=whole)
    data = sorted(
        {e.target for p in lost for e in world.graph.out(p, "mounts") if e.target.kind == "PersistentVolumeClaim"}
    )
    blast.stateful = [d for d in data if d != ref]
    hooks = _webhooks(world, services)
    named = _named(world, ref) if whole else []
    blast.hits = [*workloads, *services, *routes, *hooks, *_callers(world, services), *named]
    if ref.kind in ("Node", *WORKLOADS, "Pod", "PersistentVolume"):
        blast.hits += [Hit(d, "indirect", "its data has no reader meanwhile") for d in blast.stateful]
    blast.hits = _once(blast.hits, ref)
    blast.entry_points = _entry_points(world, ref, routes, services)
    blast.level, blast.reasons = _judge(blast, workloads, services, routes, hooks)
    return blast


def lost_pods(world: World, ref: Ref) -> list[Ref]:
    """Pods that stop (or, for configuration, cannot start again) when an object is gone."""
    graph = world.graph
    if ref.kind == "Node":
        pods: Iterable[Any] = world.pods_by_node.get(ref.name, ())
        return sorted(_pod_ref(p) for p in pods if not p.finished)
    if ref.kind == "Namespace":
        return sorted(_pod_ref(p) for p in world.pods_in(ref.name) if not p.finished)
    if ref.kind == "PersistentVolume":
        claims = [e.source for e in graph.into(ref, "bound_to")]
        return sorted({p for claim in claims for p in lost_pods(world, claim)})
    if ref.kind in ("Service", *ENTRY_KINDS, "Gateway", "NetworkPolicy", "StorageClass"):
        return []
    users = [
        e.source for e in graph.into(ref) if e.relation in ("mounts", "reads_env", "claims", "runs_as", "has_priority")
    ]
    found = {r for u in (ref, *users) for r in ([u] if u.kind == "Pod" else graph.owned_by(u, "Pod"))}
    return sorted(r for r in found if (pod := world.snapshot.find(r)) is not None and not pod.finished)


def _pod_ref(pod: Pod) -> Ref:
    return Ref("Pod", pod.metadata.namespace, pod.metadata.name)


def _workloads(world: World, ref: Ref, lost: list[Ref], on_restart: bool, *, whole: bool) -> list[Hit]:
    """Workloads with lost replicas, and templates that name the object without having a pod now."""
    by_owner: dict[Ref, set[Ref]] = defaultdict(set)
    for pod in lost:
        by_owner[world.graph.standing_for(pod)].add(pod)
    found = []
    for owner, pods in sorted(by_owner.items()):
        total = max(len([p for p in world.pods_of(owner) if not p.finished]), len(pods))
        effect = "cannot start new pods" if on_restart else f"loses {len(pods)} of {total} replicas"
        found.append(Hit(owner, "direct", effect, len(pods), total))
    for edge in world.graph.into(ref) if whole else ():
        if edge.source.kind in WORKLOADS and edge.relation in ("mounts", "reads_env", "runs_as", "claims"):
            owner = world.graph.standing_for(edge.source)
            if owner not in by_owner:
                found.append(Hit(owner, "direct", "its template names it; it has no pod now", 0, 0))
    return found


def _services(world: World, ref: Ref, lost: list[Ref], on_restart: bool, *, whole: bool) -> list[Hit]:
    """Services whose endpoints are among the lost pods; the Service itself when that is what fails."""
    if ref.kind == "Service" and whole:
        ready, total = world.endpoint_counts(ref.namespace, ref.name) or (0, 0)
        return [Hit(ref, "direct", "stops resolving and balancing", ready or total, ready or total)]
    gone = set(lost)
    touched = sorted({e.source for p in lost for e in world.graph.into(p, "selects") if e.source.kind == "Service"})
    found = []
    for service in touched:
        behind = [e.target for e in world.graph.out(service, "selects")]
        serving = [p for p in behind if (pod := world.snapshot.find(p)) is not None and pod.ready] or behind
        hit = [p for p in serving if p in gone]
        if not hit:
            continue
        when = " once its pods start again" if on_restart else ""
        effect = f"loses {len(hit)} of {len(serving)} endpoints{when}"
        found.append(Hit(service, "indirect", effect, len(hit), len(serving)))
    return found


def _routes(world: World, ref: Ref, services: list[Hit], *, whole: bool) -> list[Hit]:
    """Routes to the Services that are hit, by how many of their backends are lost entirely."""
    if ref.kind in ENTRY_KINDS and whole:
        return [Hit(ref, "direct", "its hosts and paths are not routed any more", 1, 1)]
    if ref.kind == "Gateway" and whole:
        attached = sorted({e.source for e in world.graph.into(ref, "attached_to")})
        return [Hit(r, "direct", "loses its gateway", 1, 1) for r in attached]
    dead = {h.ref for h in services if h.share >= 1}
    hurt = {h.ref for h in services}
    touched = sorted({e.source for h in services for e in world.graph.into(h.ref, "routes_to")})
    found = []
    for route in touched:
        backends = {e.target for e in world.graph.out(route, "routes_to")}
        lost = len(backends & dead)
        effect = f"{lost} of {len(backends)} backends gone" if lost else f"{len(backends & hurt)} backends weakened"
        found.append(Hit(route, "indirect", effect, lost, len(backends)))
    return found


def _webhooks(world: World, services: list[Hit]) -> list[Hit]:
    found = {}
    for service in services:
        for edge in world.graph.into(service.ref, "calls"):
            if service.share >= 1:
                found[edge.source] = Hit(
                    edge.source, "indirect", "its backend is gone: requests fail or pass unchecked", 1, 1
                )
    return [found[ref] for ref in sorted(found)]


def _callers(world: World, services: list[Hit]) -> list[Hit]:
    """Services that call the ones that are hit, from a mesh or traces, where that was recorded."""
    hit = {h.ref.name for h in services if h.share >= 1}
    found = []
    for call in world.snapshot.extras.calls or ():
        target = call.target.rpartition("/")[2].split(".")[0]
        if target in hit and call.source != call.target:
            namespace, _, name = call.source.rpartition("/")
            found.append(Hit(Ref("Service", namespace, name), "indirect", f"calls {target}", 1, 1))
    return found


def _named(world: World, ref: Ref) -> list[Hit]:
    """What else names the object: bindings, autoscalers, budgets, claims."""
    effects = {
        "scales": "has nothing to scale", "resizes": "has nothing to resize", "grants": "grants nothing any more",
        "bound_to": "loses its volume", "governed_by": "loses its DNS names", "snapshot_of": "loses its source",
        "of_class": "new volumes or routes of this class are not served", "attaches": "detaches",
    }  # fmt: skip
    return [
        Hit(e.source, "direct", effects[e.relation])
        for e in sorted(world.graph.into(ref), key=lambda e: e.source)
        if e.relation in effects
    ]


def _once(hits: Iterable[Hit], ref: Ref) -> list[Hit]:
    found: dict[Ref, Hit] = {}
    for hit in hits:
        if hit.ref not in found and (hit.ref != ref or hit.ref.kind in ("Service", *ENTRY_KINDS)):
            found[hit.ref] = hit
    return sorted(found.values(), key=lambda h: (h.how != "direct", -h.share, h.ref))


def _entry_points(world: World, ref: Ref, routes: list[Hit], services: list[Hit]) -> list[str]:
    """Hosts and external addresses behind which the object works."""
    found = []
    targets = {h.ref for h in services}
    for hit in routes:
        found += [
            f"{edge.detail or hit.ref.name} ({hit.ref.kind} {hit.ref.namespace}/{hit.ref.name})"
            for edge in world.graph.out(hit.ref, "routes_to")
            if edge.target in targets or hit.how == "direct"
        ]
    for hit in services:
        service = world.snapshot.find(hit.ref)
        if service is not None and service.spec.type in ("LoadBalancer", "NodePort"):
            found.append(f"{service.spec.type} {hit.ref.namespace}/{hit.ref.name}")
    return list(dict.fromkeys(found))


def _judge(
    blast: Blast, workloads: list[Hit], services: list[Hit], routes: list[Hit], hooks: list[Hit]
) -> tuple[Level, list[str]]:
    """The level with its reasons, the gravest first."""
    whole = [h for h in workloads if h.total and h.share >= 1]
    dead = [h for h in services if h.share >= 1 and h.total]
    dark = [h for h in routes if h.lost]
    reasons: list[tuple[int, str]] = []
    soften = 1 if blast.on_restart or blast.for_a_while else 0
    if blast.ref.kind == "Namespace" and blast.pods and not blast.for_a_while:
        reasons.append((3, f"everything in it goes: {blast.pods} pods"))
    if hooks:
        reasons.append((3, f"admission depends on it: {_names(hooks)}"))
    if dark:
        reasons.append((3 - soften, f"entry points lose all of a backend: {_names(dark)}"))
    if any(h.ref.namespace == "kube-system" for h in dead):
        reasons.append((3 - soften, "a cluster service of kube-system loses all endpoints"))
    if dead:
        reasons.append((2 - soften, f"Services without any endpoint: {_names(dead)}"))
    if blast.stateful and not blast.on_restart:
        reasons.append((2, f"data mounted by what stops: {', '.join(d.name for d in blast.stateful[:5])}"))
    if whole:
        reasons.append((2 - soften if dead or dark else 1, f"workloads losing all replicas: {_names(whole)}"))
    partly = [h for h in workloads if 0 < h.share < 1]
    if partly:
        reasons.append((1, f"workloads losing some replicas: {_names(partly)}"))
    others = [h for h in blast.hits if h.ref not in {x.ref for x in (*workloads, *services, *routes, *hooks)}]
    if others:
        reasons.append((1, f"named by {_names(others)}"))
    if not reasons:
        return "low", ["nothing that was read depends on it"]
    if blast.for_a_while:
        reasons.append((0, "what is missing is replaced at once"))
    if blast.on_restart:
        reasons.append((0, "running pods keep what they have read until they start again"))
    reasons.sort(key=lambda r: -r[0])
    levels: tuple[Level, ...] = ("low", "medium", "high", "critical")
    return levels[reasons[0][0]], [text for _, text in reasons]


def _names(hits: list[Hit], most: int = 4) -> str:
    shown = ", ".join(f"{h.ref.kind} {h.ref.name}" for h in hits[:most])
    return f"{shown} and {len(hits) - most} more" if len(hits) > most else shown
