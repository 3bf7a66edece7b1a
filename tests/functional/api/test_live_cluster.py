"""A live cluster through the whole product: connect, check, read, refresh, and what happens when it goes away."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from chalicelib import wiring
from infra.local import plugin_context
from tests.functional.api.harness import build_api
from tests.scale.generate import generate
from tests.scale.server import ScaleServer


@pytest.fixture
def api():
    yield build_api()
    wiring.install(None)


@pytest.fixture
def server():
    with ScaleServer(generate(nodes=4, pods=60)) as running:
        yield running


def connect(api, server, name="live"):
    source = {"type": "kubeconfig", "kubeconfig": server.kubeconfig()}
    added = api.post("/clusters", {"name": name, "source": source})
    assert added.status == 201, added.text
    return added.json["id"]


def kill(server):
    """No new connections, and open ones are dropped."""
    server.faults.cut_after = 0
    server.shutdown()
    server.server_close()


def later(api, seconds):
    now = api.services.clock()
    api.services.clock = lambda: now + timedelta(seconds=seconds)
    api.services.views._clock = api.services.collector._clock = api.services.clock


def test_a_check_says_reachable_version_permissions_and_metrics(api, server):
    identifier = connect(api, server)
    report = api.post(f"/clusters/{identifier}/check").json
    assert (report["reachable"], report["version"], report["metrics"]) == (True, "v1.36.2-scale", True)
    assert report["cluster"]["status"] == "ready"
    assert api.get(f"/clusters/{identifier}/overview").json["counts"]["Node"] == 4


def test_missing_permissions_are_named_by_feature_and_become_gaps(api, server):
    server.faults.forbidden = {"secrets", "configmaps"}
    server.allowed = lambda attributes: attributes.get("resource") not in ("secrets", "configmaps")
    identifier = connect(api, server)
    report = api.post(f"/clusters/{identifier}/check").json
    assert any("configmaps" in " ".join(p["missing"]) for p in report["permissions"])
    listed = api.get(f"/clusters/{identifier}/resources/ConfigMap").json
    assert listed["total"] is None
    assert listed["gaps"][0]["reason"] == "forbidden"


def test_a_cluster_that_is_not_there_is_unreachable_and_can_be_tried_again(api, server):
    identifier = connect(api, server)
    kill(server)
    report = api.post(f"/clusters/{identifier}/check").json
    assert report["reachable"] is False
    assert report["message"]
    assert api.get(f"/clusters/{identifier}").json["status"] == "unreachable"
    refused = api.get(f"/clusters/{identifier}/overview")
    assert refused.status in (502, 504)
    assert refused.error["remedy"]


def test_when_it_goes_away_the_last_reading_answers_and_says_its_age(api, server):
    identifier = connect(api, server)
    api.post(f"/clusters/{identifier}/check")
    kill(server)
    later(api, 90)
    overview = api.get(f"/clusters/{identifier}/overview").json
    assert overview["counts"]["Pod"] > 0
    assert overview["age_s"] >= 90
    assert [g for g in overview["gaps"] if g["reason"] == "stale"]
    listed = api.get(f"/clusters/{identifier}/resources/Pod?limit=1").json
    assert [g for g in listed["gaps"] if g["reason"] == "stale"]


def test_a_cluster_that_breaks_off_in_the_middle_gives_a_partial_labelled_answer(api, server):
    identifier = connect(api, server)
    server.faults.broken = {"services": b'{"kind": "ServiceList", "items": [{"metadata"'}
    api.post(f"/clusters/{identifier}/refresh")
    listed = api.get(f"/clusters/{identifier}/resources/Service").json
    assert listed["total"] is None or [g for g in listed["gaps"] if g["kind"] == "Service"]
    assert api.get(f"/clusters/{identifier}/resources/Pod").json["total"] >= 60


def test_old_data_is_refreshed_before_it_answers_and_fresh_data_is_not(api, server):
    identifier = connect(api, server)
    api.post(f"/clusters/{identifier}/check")
    before = len(server.requests)
    api.get(f"/clusters/{identifier}/resources/Pod")
    assert len(server.requests) == before
    later(api, 60)
    api.get(f"/clusters/{identifier}/resources/Pod")
    asked = {r.path.rpartition("/")[2] for r in server.requests[before:]}
    assert "pods" in asked
    assert "clusterroles" not in asked
    later(api, 400)
    api.get(f"/clusters/{identifier}/resources/Pod?max_age=0")
    assert "clusterroles" in {r.path.rpartition("/")[2] for r in server.requests[before:]}


def test_time_travel_shows_the_snapshot_of_then(api, server):
    identifier = connect(api, server)
    api.post(f"/clusters/{identifier}/check")
    first = api.get(f"/clusters/{identifier}").json["as_of"]
    later(api, 600)
    api.post(f"/clusters/{identifier}/refresh")
    then = api.get(f"/clusters/{identifier}/resources/Pod?limit=1&at={first.replace('+', '%2B')}").json
    assert then["as_of"] == first
    too_early = api.get(f"/clusters/{identifier}/resources/Pod?at=2020-01-01T00:00:00Z")
    assert (too_early.status, too_early.error["code"]) == (404, "no_snapshot")


def test_logs_and_manifests_come_from_the_cluster_itself(api, server):
    identifier = connect(api, server)
    api.post(f"/clusters/{identifier}/check")
    pod = api.get(f"/clusters/{identifier}/resources/Pod?limit=1").json["items"][0]
    base = f"/clusters/{identifier}/resources/Pod/{pod['namespace']}/{pod['name']}"
    assert api.get(f"{base}/logs?tail=5").json["lines"]
    assert f"name: {pod['name']}" in api.get(f"{base}/yaml").json["yaml"]


def test_readings_are_queued_for_clusters_that_are_due_and_never_twice(api, server):
    from jobs import collect

    identifier = connect(api, server)
    assert collect.run(None, {}) == {"queued": 0}
    api.post(f"/clusters/{identifier}/check")
    later(api, 400)
    assert collect.run(None, {}) == {"queued": 1}
    collect.run(None, {})
    assert api.work() == 1
    assert collect.run(None, {}) == {"queued": 0}


def test_one_of_two_clusters_down_gives_one_answer_and_one_named_error(api, server):
    good = connect(api, server, "good")
    api.post(f"/clusters/{good}/check")
    with ScaleServer(generate(nodes=2, pods=10)) as other:
        connect(api, other, "gone")
    result = api.post("/tools/observe_cluster_overview", {"cluster": "*"}).json
    assert [c["name"] for c in result["data"]["clusters"]] == ["good"]
    assert [g["cluster"] for g in result["gaps"] if g["kind"] == "Cluster"] == ["gone"]


def test_a_context_of_the_operators_own_file_may_run_its_plugin(api, server, tmp_path):
    server.tokens = {"from-the-plugin"}
    plugin = tmp_path / "plugin"
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
              "status": {"token": "from-the-plugin"}}  # fmt: skip
    plugin.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
    plugin.chmod(0o700)
    kubeconfig = json.loads(server.kubeconfig())
    kubeconfig["users"][0]["user"] = {
        "exec": {"apiVersion": answer["apiVersion"], "command": str(plugin), "interactiveMode": "Never"}
    }
    file = tmp_path / "config"
    file.write_text(json.dumps(kubeconfig))
    refused = api.post("/clusters", {"name": "x", "source": {"type": "kubeconfig", "kubeconfig": file.read_text()}})
    assert refused.status == 400

    identifier = plugin_context.connect(str(file), "scale")
    assert api.post(f"/clusters/{identifier}/check").json["reachable"] is True
    assert api.get(f"/clusters/{identifier}/resources/Pod?limit=1").json["total"] >= 60


def test_a_custom_resource_is_read_when_it_is_asked_for(api, server):
    identifier = connect(api, server)
    api.post(f"/clusters/{identifier}/check")
    assert not [r for r in server.requests if r.path.endswith("/things0")]
    listed = api.get(f"/clusters/{identifier}/resources/things0.example.com?limit=2").json
    assert listed["total"] > 0
    first = listed["items"][0]
    path = f"/clusters/{identifier}/resources/Thing0/{first['namespace']}/{first['name']}"
    assert api.get(path).json["resource"]["name"] == first["name"]
    assert first["name"] in api.get(f"{path}/yaml").json["yaml"]
    found = api.post("/tools/observe_custom_resources", {"cluster": identifier, "kind": "Thing0"}).json
    assert found["data"]["items"]
