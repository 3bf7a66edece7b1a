"""What an object is related to, in both directions, with the state of the other end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Snapshot
from chalicelib.state.world import World
from chalicelib.tools.ranking import rank
from chalicelib.tools.rows import Row, ref_json, status_json

if TYPE_CHECKING:
    from chalicelib.tools.views import ClusterView

BY_LABEL = ("selects", "protects", "isolates")
"""Services, disruption budgets and network policies name Pods by label; a person thinks of the workload."""
NOT_SHOWN = ("about",)
"""Events have a list of their own."""


def related(view: ClusterView, ref: Ref) -> list[Row]:
    """Items of `.../related`: `{relation, direction, resource, status}`, worst first, then by relation and name.

    `out` is what this object names, owns or selects; `in` is what names, owns or selects it.
    """
    world = view.world
    found: dict[tuple[str, str, Ref], Row] = {}
    for direction, relation, other, detail in _edges(world, ref):
        key = (direction, relation, other)
        if relation in NOT_SHOWN or other == ref or key in found:
            continue
        found[key] = {
            "relation": relation, "direction": direction, "resource": ref_json(other),
            "detail": detail, "status": status_of(world, other),
        }  # fmt: skip
    return sorted(found.values(), key=_order)


def _edges(world: World, ref: Ref) -> Iterator[tuple[str, str, Ref, str]]:
    """(direction, relation, other end, detail): the object's own edges, then those that it has through its Pods."""
    graph = world.graph
    for edge in graph.out(ref):
        yield "out", edge.relation, edge.target, edge.detail
    for edge in graph.into(ref):
        yield "in", edge.relation, edge.source, edge.detail
    if ref.kind == "Pod":
        return
    for pod in graph.owned_by(ref, "Pod"):
        yield "out", "owns", pod, ""
        for edge in graph.into(pod):
            if edge.relation in BY_LABEL:
                yield "in", edge.relation, edge.source, edge.detail


def status_of(world: World, ref: Ref) -> Row:
    """The status of an object by name; `Missing` where its kind was read, `unknown` where it was not."""
    obj = world.snapshot.find(ref)
    if obj is not None:
        return status_json(world.status(ref.kind, obj))
    if exists_unread(world.snapshot, ref):
        return {"level": "unknown", "word": "Not read", "reason": f"{ref.kind} objects were not read"}
    return {"level": "crit", "word": "Missing", "reason": f"there is no {ref}"}


def exists_unread(snapshot: Snapshot, ref: Ref) -> bool:
    """Whether the absence of an object proves nothing: its kind is unknown to us or could not be read."""
    return ref.kind not in KINDS or not snapshot.was_read(ref.kind, ref.namespace)


def _order(item: Row) -> tuple[int, str, str, str, str, str]:
    at = item["resource"]
    level = rank(item["status"]["level"])
    return level, item["direction"], item["relation"], at["kind"], at["namespace"], at["name"]
