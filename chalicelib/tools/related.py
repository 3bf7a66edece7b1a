"""What an object is related to, in both directions, with the state of the other end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Snapshot
from chalicelib.state.world import World
from chalicelib.tools.ranking import rank
from chalicelib.tools.rows import Row, ref_json, status_json

if TYPE_CHECKING:
    from chalicelib.tools.views import ClusterView

NOT_SHOWN = ("about",)
"""Events have a list of their own."""


def related(view: ClusterView, ref: Ref) -> list[Row]:
    """Items of `.../related`: `{relation, direction, resource, status}`, worst first, then by relation and name.

    `out` is what this object names, owns or selects; `in` is what names, owns or selects it.
    """
    graph, world = view.world.graph, view.world
    found: dict[tuple[str, str, Ref], Row] = {}
    for direction, edges in (("out", graph.out(ref)), ("in", graph.into(ref))):
        for edge in edges:
            other = edge.target if direction == "out" else edge.source
            key = (direction, edge.relation, other)
            if edge.relation in NOT_SHOWN or other == ref or key in found:
                continue
            found[key] = {
                "relation": edge.relation, "direction": direction, "resource": ref_json(other),
                "detail": edge.detail, "status": status_of(world, other),
            }  # fmt: skip
    return sorted(found.values(), key=_order)


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
