"""A served demo cluster, connected to an API in this process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chalicelib import wiring
from infra.local.demo.__main__ import build
from infra.local.demo.server.serving import Serving, serving
from tests.functional.api.harness import Api, build_api


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    world, _ = build(seed=5, scale=False, now=datetime.now(UTC))
    server = serving(world.api, tmp_path_factory.mktemp("demo"))
    world.go_live()
    server.tick = world.plane.tick
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def api(demo: Serving) -> Iterator[Api]:
    built = build_api()
    built.services.clock = lambda: datetime.now(UTC)
    yield built
    wiring.install(None)


@pytest.fixture(scope="module")
def cluster(api: Api, demo: Serving) -> str:
    source = {"type": "kubeconfig", "kubeconfig": Path(demo.kubeconfigs["kubilitics"]).read_text()}
    added = api.post("/clusters", {"name": "demo", "source": source})
    assert api.post(f"/clusters/{added.json['id']}/check").status == 200
    return str(added.json["id"])
