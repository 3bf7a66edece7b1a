"""A demo control plane with three nodes, and kubectl in a namespace of its own for each test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from infra.local.demo.controllers.assembly import control_plane
from infra.local.demo.controllers.clock import WorldClock
from infra.local.demo.server.api import Api
from infra.local.demo.server.serving import Serving, serving
from tests.functional.demo.conformance.start_state import Metrics, add_metrics_service, add_nodes
from tests.functional.demo.kubectl.commands import Kubectl, find, version_line
from tests.functional.demo.kubectl.manifests import WEB

_ran = count()
_counter = count()
_which: list[str] = []
User = Callable[[str], Kubectl]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("demo")
    clock = WorldClock(datetime.now(UTC))
    clock.follow()
    api = Api(seed=9, clock=clock)
    api.metrics = Metrics()
    server = serving(api, folder)
    server.prepare()
    add_nodes(api)
    add_metrics_service(api)
    plane = control_plane(api, clock)
    plane.start()
    api.settle, server.tick = plane.settle, plane.tick
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def binary() -> str:
    found = find()
    _which.append(f"{found}, {version_line(found)}")
    return found


@pytest.fixture
def kubectl(cluster: Serving, binary: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Kubectl]:
    """The administrator's kubectl in a new namespace."""
    namespace = f"t{next(_ran)}"
    admin = Kubectl(binary, cluster.kubeconfigs["admin"], tmp_path, namespace, _counter)
    created = admin("create", "namespace", namespace)
    assert created.out == f"namespace/{namespace} created\n"
    (tmp_path / "web.yaml").write_text(WEB)
    yield admin
    admin("delete", "namespace", namespace, "--wait=false")


@pytest.fixture
def user(kubectl: Kubectl, cluster: Serving) -> User:
    """kubectl of another user in the same namespace."""
    return lambda name: replace(kubectl, kubeconfig=cluster.kubeconfigs[name])


@pytest.fixture
def web(kubectl: Kubectl) -> Kubectl:
    """With a Deployment `web` of two ready pods, its Service and its ConfigMap."""
    kubectl("apply", "-f", "web.yaml")
    kubectl("rollout", "status", "deploy/web", "--timeout=60s")
    return kubectl


def eventually(true: Callable[[], bool], within_s: float = 30.0) -> bool:
    """Whether something comes true in time; controllers work in the machine's own time here."""
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for which in _which:
        terminalreporter.write_line(f"kubectl suite: {next(_counter)} commands by {which}")
