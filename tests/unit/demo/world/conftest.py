"""One healthy world for all tests that only look."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from infra.local.demo.world.build import World
from infra.local.demo.world.demo import healthy_world

NOW = datetime(2026, 3, 4, 19, 20, tzinfo=UTC)


@pytest.fixture(scope="session")
def company() -> World:
    return healthy_world(seed=2, now=NOW)[0]
