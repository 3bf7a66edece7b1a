"""The demo as it starts: the small world with six faults of the last forty minutes."""

from __future__ import annotations

from datetime import datetime, timedelta

from infra.local.demo.controllers.autoscaling import Autoscaling
from infra.local.demo.controllers.nodes import Nodes
from infra.local.demo.scenarios.catalog import Faults, at_start
from infra.local.demo.world.build import World, build_world, set_pace

_FIRST, _APART = timedelta(minutes=41), timedelta(minutes=4)


def start_demo(*, seed: int = 1, now: datetime) -> tuple[World, Faults]:
    """A world at `now` with the start faults well under way; its clock is still virtual."""
    world = build_world(seed=seed, now=now)
    faults = Faults(world)
    for index, fault in enumerate(at_start()):
        world.plane.run_until(now - _FIRST + index * _APART)
        faults.inject(fault.name)
    _arrive(world, now)
    return world, faults


def healthy_world(*, seed: int = 1, now: datetime) -> tuple[World, Faults]:
    """The same world with look-alikes only."""
    world = build_world(seed=seed, now=now)
    _arrive(world, now)
    return world, Faults(world)


def _arrive(world: World, now: datetime) -> None:
    """The last minutes at the ordinary pace, so that leases and metrics are fresh."""
    world.plane.run_until(now - timedelta(minutes=3))
    set_pace(world.plane, live=True)
    for cls, kind in ((Nodes, "Node"), (Autoscaling, "HorizontalPodAutoscaler")):
        for one in world.api.list(kind):
            world.plane.enqueue(world.plane.find(cls), (one["metadata"].get("namespace", ""), one["metadata"]["name"]))
    world.plane.run_until(now)
