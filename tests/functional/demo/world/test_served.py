"""The served demo: the product reads it with its own account, people break and mend it, and outsiders may not."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from chalicelib.clusters.connect import connect
from chalicelib.clusters.kubeconfig import read_kubeconfig
from chalicelib.clusters.live import LiveCluster
from chalicelib.errors import NotFound
from chalicelib.rootcause import diagnose, logs_wanted
from chalicelib.state.world import World as ReadWorld
from infra.local.demo.scenarios.catalog import at_start
from infra.local.demo_client import DemoClient, DemoRefused
from tests.functional.demo.kubectl.commands import Kubectl, find
from tests.functional.demo.world.conftest import Running


@pytest.fixture(scope="module")
def cluster(demo: Running) -> LiveCluster:
    """The demo as the product connects it."""
    text = demo.serving.kubeconfigs["kubilitics"].read_text()
    found = connect(read_kubeconfig(text), hosted=False, name="demo")
    assert isinstance(found, LiveCluster)
    return found


def problems(cluster: LiveCluster) -> list[tuple[str, str, str, str]]:
    """What a diagnosis through the API tells: kind, namespace, name, mode."""
    snapshot = cluster.snapshot(now=datetime.now(UTC))
    logs = {}
    for key in logs_wanted(ReadWorld(snapshot)):
        try:
            logs[key] = cluster.logs(key.namespace, key.pod, key.container, previous=key.previous)
        except NotFound:
            continue
    found = diagnose(ReadWorld(snapshot.replace(logs=logs)))
    return [(*problem.resource, problem.mode) for problem in found.problems]


def test_the_product_finds_the_six_faults_through_its_own_reading_and_nothing_else(cluster: LiveCluster) -> None:
    found = problems(cluster)
    assert all(any(fault.answer.accepts(*one) for one in found) for fault in at_start())
    assert len(found) == 6


def test_the_version_says_that_it_is_a_simulation_and_secrets_are_a_gap(cluster: LiveCluster) -> None:
    snapshot = cluster.snapshot(now=datetime.now(UTC))
    assert snapshot.version.endswith("-sim")
    assert {gap.kind for gap in snapshot.gaps if gap.reason == "forbidden"} == {"Secret"}
    assert len(snapshot.pod_usage or {}) > 80
    assert len(snapshot.node_usage or {}) == 6


def test_a_fault_is_injected_found_within_half_a_minute_and_healed(demo: Running, cluster: LiveCluster) -> None:
    fault = next(one for one in demo.client.faults() if one["name"] == "bad-command")
    where = tuple(fault["answer"][key] for key in ("kind", "namespace", "name", "mode"))
    assert not fault["active"]
    assert demo.client.inject("bad-command")["active"]
    assert eventually(lambda: where in problems(cluster), within_s=30)
    assert not demo.client.heal("bad-command")["active"]
    assert eventually(lambda: where not in problems(cluster), within_s=60)


def eventually(true: Callable[[], bool], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(1)
    return True


def test_the_printed_command_works_and_readers_see_no_secret(demo: Running, tmp_path: Path) -> None:
    admin = Kubectl(find(), demo.serving.kubeconfigs["admin"], tmp_path)
    assert len(admin("get", "pods", "-A").lines) > 90
    assert "m7i.xlarge" in admin("get", "nodes", "-L", "node.kubernetes.io/instance-type").out
    assert admin("top", "nodes").lines[0].split()[:2] == ["NAME", "CPU(cores)"]
    assert "Critical" in admin("get", "vulnerabilityreports", "-A").out or admin("get", "vuln", "-A").lines
    reader = Kubectl(find(), demo.serving.kubeconfigs["kubilitics"], tmp_path)
    assert reader("auth", "can-i", "list", "pods").out == "yes\n"
    assert "cannot list resource" in reader("get", "secrets", "-A", code=1).err
    assert "cannot delete resource" in reader("delete", "namespace", "edge", code=1).err
    viewer = Kubectl(find(), demo.serving.kubeconfigs["viewer"], tmp_path)
    assert "cannot delete resource" in viewer("delete", "pod", "-n", "edge", "--all", code=1).err


# -- /sim/ ------------------------------------------------------------------------------------------------------------


def ask(demo: Running, user: str, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
    config = yaml.safe_load(demo.serving.kubeconfigs[user].read_text())
    token = config["users"][0]["user"]["token"]
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    trust = ssl.create_default_context(cafile=str(demo.home / "ca.crt"))
    request = urllib.request.Request(demo.serving.url + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, context=trust, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.mark.parametrize("user", ["editor", "viewer", "kubilitics"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/sim/faults"), ("GET", "/sim/state"), ("POST", "/sim/inject"), ("GET", "/sim/metrics")],
)
def test_only_an_administrator_gets_in(user: str, method: str, path: str, demo: Running) -> None:
    status, told = ask(demo, user, method, path, b'{"name": "bad-command"}' if method == "POST" else None)
    assert status == 403
    assert told["message"].startswith('forbidden: User "')
    assert told["message"].endswith(f'cannot {method.lower()} path "{path}"')


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "/sim/inject", b'{"name": "meteor"}', 404, "There is no fault named 'meteor'"),
        ("POST", "/sim/heal", b"{", 400, "The body names no fault"),
        ("POST", "/sim/heal", b'["x"]', 400, "The body names no fault"),
        ("GET", "/sim/inject", None, 405, "the server does not allow this method on the requested resource"),
        ("GET", "/sim/everything", None, 404, "There is nothing at /sim/everything"),
    ],
)
def test_what_it_cannot_do_it_says(
    method: str, path: str, body: bytes | None, status: int, said: str, demo: Running
) -> None:
    code, told = ask(demo, "admin", method, path, body)
    assert (code, told["kind"]) == (status, "Status")
    assert told["message"].startswith(said)


def test_a_cluster_that_was_changed_by_hand_may_refuse_and_says_why(demo: Running, tmp_path: Path) -> None:
    admin = Kubectl(find(), demo.serving.kubeconfigs["admin"], tmp_path)
    kept = admin("get", "networkpolicy", "-n", "booking", "pg-booking-clients", "-o", "json").json
    admin("delete", "networkpolicy", "-n", "booking", "pg-booking-clients")
    with pytest.raises(DemoRefused, match="Was it changed by hand") as refused:
        DemoClient(demo.home).inject("policy-too-strict")
    assert refused.value.status == 409
    assert not next(one for one in demo.client.faults() if one["name"] == "policy-too-strict")["active"]
    kept["metadata"] = {name: kept["metadata"][name] for name in ("name", "namespace")}
    admin("create", "-n", "booking", "-f", "-", stdin=json.dumps(kept))
