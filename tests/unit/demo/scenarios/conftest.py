"""The healthy world that scenarios are played on."""

from __future__ import annotations

import gc

import pytest

from infra.local.demo.scenarios.catalog import Faults
from infra.local.demo.world.build import World
from infra.local.demo.world.demo import healthy_world
from tests.unit.demo.scenarios.playing import NOW


@pytest.fixture(scope="session")
def healthy() -> tuple[World, Faults]:
    """Read only: play on it in a fork."""
    made = healthy_world(seed=1, now=NOW)
    gc.freeze()  # forks share what nobody looks through for rubbish
    return made
