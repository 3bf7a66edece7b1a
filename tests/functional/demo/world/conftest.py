"""The demo as a person runs it, served in a thread of the tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from infra.local.demo.__main__ import build
from infra.local.demo.control import Control
from infra.local.demo.scenarios.catalog import Faults
from infra.local.demo.server.serving import Serving, serving
from infra.local.demo.world.build import World
from infra.local.demo.world.exposition import Exposition
from infra.local.demo.world.openmetrics import Plan, plan_of
from infra.local.demo_client import DemoClient


@dataclass
class Running:
    """A served demo and its folder."""

    world: World
    faults: Faults
    serving: Serving
    home: Path
    plan: Plan

    @property
    def client(self) -> DemoClient:
        return DemoClient(self.home)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("demo")
    world, faults = build(seed=3, scale=False, now=datetime.now(UTC))
    plan = plan_of(world.api, 3)
    plan = msgspec.structs.replace(plan, pods=tuple(pod for pod in plan.pods if pod.namespace == "booking"))
    (home / "history").mkdir()
    (home / "history" / "plan.json").write_bytes(msgspec.json.encode(plan))
    server = serving(world.api, home)
    state = {"ready": True, "scale": False}
    server.server.extension = Control(faults, lambda: state, Exposition(world, plan).text)
    world.go_live()
    server.tick = world.plane.tick
    server.start()
    yield Running(world, faults, server, home, plan)
    server.stop()
