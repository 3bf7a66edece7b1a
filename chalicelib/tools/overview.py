"""A cluster on one page: health, counts, nodes, pods, use, problems, namespaces, warnings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.analytics.health import Health, cluster_health, resource_health
from chalicelib.state.kinds import KINDS
from chalicelib.state.kinds.cluster import Event, Namespace, NamespaceStatus
from chalicelib.state.meta import ObjectMeta, Ref
from chalicelib.state.quantity import quantity
from chalicelib.state.world import World
from chalicelib.store.records import ClusterRecord
from chalicelib.tools.moments import rfc3339
from chalicelib.tools.rows import Row, gap_json, problem_json

if TYPE_CHECKING:
    from chalicelib.tools.views import ClusterView

TOP_PROBLEMS = 5
TOP_WARNINGS = 10


def overview(view: ClusterView, now: datetime | None = None) -> Row:
    """The answer of `GET /clusters/{id}/overview`. `now` gives `age_s`; without it the age is that of the view, 0."""
    world, problems = view.world, view.diagnosis.problems
    return {
        "cluster": cluster_json(view.record),
        "as_of": rfc3339(view.as_of),
        "age_s": max(0, int((now - view.as_of).total_seconds())) if now else 0,
        "version": view.snapshot.version,
        "health": cluster_health_json(cluster_health(world, problems)),
        "counts": counts(world),
        "nodes": nodes(world),
        "pods": {"by_status": pods_by_status(world), "total": len(world.snapshot.of("Pod"))},
        "usage": usage(world),
        "outcome": view.diagnosis.outcome,
        "problems": {
            "total": len(problems),
            "critical": sum(p.severity == "critical" for p in problems),
            "warning": sum(p.severity == "warning" for p in problems),
            "top": [problem_json(p) for p in problems[:TOP_PROBLEMS]],
        },
        "namespaces": namespaces(view),
        "warnings": warnings(world.snapshot.of("Event")),
        "gaps": [gap_json(g) for g in view.gaps],
    }


def cluster_json(record: ClusterRecord) -> Row:
    """A cluster as every answer of the API gives it."""
    return {
        "id": record.id, "name": record.name, "source": record.source, "server": record.server,
        "status": record.status, "message": record.message, "as_of": rfc3339(record.as_of),
        "version": record.version, "production": record.production, "created_at": rfc3339(record.created_at),
        "problems": record.problems,
    }  # fmt: skip


def cluster_health_json(health: Health) -> Row:
    factors = [{"name": f.name, "score": f.score, "weight": f.weight, "detail": f.detail} for f in health.factors]
    return {"score": health.score, "level": health.level, "factors": factors}


def counts(world: World) -> dict[str, int]:
    """Objects of each listed kind that was read; a kind that is missing here was not read."""
    return {e.kind: len(world.snapshot.of(e.kind)) for e in KINDS if e.listed and e.kind in world.snapshot.objects}


def nodes(world: World) -> Row:
    found = world.snapshot.of("Node")
    return {
        "ready": sum(n.ready for n in found),
        "total": len(found),
        "not_ready": [n.metadata.name for n in found if not n.ready],
    }


def pods_by_status(world: World) -> dict[str, int]:
    """Pods by the word that kubectl shows, most frequent first."""
    words = Counter(world.status("Pod", p).word for p in world.snapshot.of("Pod"))
    return dict(sorted(words.items(), key=lambda item: (-item[1], item[0])))


def usage(world: World) -> Row:
    """Allocatable, requested and used cores and bytes; None where nothing is known."""
    known = world.snapshot.was_read("Node")
    requested = [world.requested_on(n.metadata.name) for n in world.snapshot.of("Node")]
    used = world.snapshot.node_usage
    found = {}
    for index, resource in enumerate(("cpu", "memory")):
        allocatable = sum(quantity(n.status.allocatable.get(resource)) for n in world.snapshot.of("Node"))
        found[resource] = {
            "allocatable": round(allocatable, 3) if known else None,
            "requested": round(sum(r[index] for r in requested), 3) if known else None,
            "used": None if used is None else round(sum(u.get(resource) or 0.0 for u in used.values()), 3),
        }
    return found


def namespaces(view: ClusterView) -> list[Row]:
    """Namespaces with their pods, problems and health, the worst first."""
    world = view.world
    found: list[tuple[int, Row]] = []
    for name in world.snapshot.namespaces():
        ref = Ref("Namespace", "", name)
        problems = view.problems_of(ref)
        obj = world.snapshot.find(ref) or Namespace(
            metadata=ObjectMeta(name=name), status=NamespaceStatus(phase="Active")
        )
        health = resource_health("Namespace", obj, world, problems)
        score = 100 if health.score is None else health.score
        row = {"name": name, "pods": len(world.pods_in(name)), "problems": len(problems), "health": health.level}
        found.append((score, row))
    found.sort(key=lambda item: (item[0], -item[1]["problems"], item[1]["name"]))
    return [item for _, item in found]


def warnings(events: Iterable[Event]) -> list[Row]:
    """Warning events by reason, the most frequent first, each with its newest example."""
    by_reason: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.type == "Warning":
            by_reason[event.reason].append(event)
    found: list[dict[str, Any]] = []
    for reason, of in by_reason.items():
        newest = max(of, key=lambda e: (_seconds(e.last_seen), e.metadata.name))
        found.append({"reason": reason, "count": sum(e.count for e in of), "last": rfc3339(newest.last_seen),
                      "example": newest.message[:300], "resource": str(newest.ref)})  # fmt: skip
    return sorted(found, key=lambda w: (-w["count"], w["reason"]))[:TOP_WARNINGS]


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0
