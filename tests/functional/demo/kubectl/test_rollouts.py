"""kubectl rolls out: status, history, undo, restart, scale, images, and one that cannot succeed."""

from __future__ import annotations

from tests.functional.demo.kubectl.commands import Kubectl
from tests.functional.demo.kubectl.conftest import eventually

IMAGE = "registry.example.com/web"


def image_of(web: Kubectl) -> str:
    return str(web.object("deploy", "web")["spec"]["template"]["spec"]["containers"][0]["image"])


def test_a_new_image_rolls_out_and_undo_brings_the_old_one_back(web: Kubectl) -> None:
    assert web("set", "image", "deploy/web", f"app={IMAGE}:2.0").out == "deployment.apps/web image updated\n"
    done = web("rollout", "status", "deploy/web", "--timeout=60s")
    assert done.lines[-1] == 'deployment "web" successfully rolled out'
    history = web("rollout", "history", "deploy/web").out
    assert [line.split()[0] for line in history.splitlines() if line[:1].isdigit()] == ["1", "2"]
    assert f"{IMAGE}:2.0" in web("rollout", "history", "deploy/web", "--revision=2").out
    assert web("rollout", "undo", "deploy/web").out == "deployment.apps/web rolled back\n"
    web("rollout", "status", "deploy/web", "--timeout=60s")
    assert image_of(web) == f"{IMAGE}:1.0"
    revisions = web(
        "get", "rs", "-o", "jsonpath={.items[*].metadata.annotations.deployment\\.kubernetes\\.io/revision}"
    )
    assert sorted(revisions.out.split()) == ["2", "3"]


def test_restart_replaces_every_pod(web: Kubectl) -> None:
    before = set(web("get", "pods", "-o", "name").lines)
    assert web("rollout", "restart", "deploy/web").out == "deployment.apps/web restarted\n"
    web("rollout", "status", "deploy/web", "--timeout=60s")
    assert eventually(lambda: len(web("get", "pods", "-o", "name").lines) == 2)
    assert not before & set(web("get", "pods", "-o", "name").lines)


def test_scale_follows_and_respects_its_precondition(web: Kubectl) -> None:
    assert web("scale", "deploy", "web", "--replicas=3").out == "deployment.apps/web scaled\n"
    waited = web("wait", "deploy/web", "--for=jsonpath={.status.readyReplicas}=3", "--timeout=60s")
    assert waited.out == "deployment.apps/web condition met\n"
    refused = web("scale", "deploy", "web", "--current-replicas=2", "--replicas=1", code=1)
    assert "Expected replicas to be 2, was 3" in refused.err
    web("scale", "deploy", "web", "--replicas=0")
    assert eventually(lambda: "No resources found" in web("get", "pods").err)


def test_a_pause_holds_a_rollout_back(web: Kubectl) -> None:
    web("rollout", "pause", "deploy/web")
    web("set", "image", "deploy/web", f"app={IMAGE}:2.0")
    assert len(web("get", "rs", "-o", "name").lines) == 1
    assert web("rollout", "resume", "deploy/web").out == "deployment.apps/web resumed\n"
    web("rollout", "status", "deploy/web", "--timeout=60s")
    assert len(web("get", "rs", "-o", "name").lines) == 2


def test_a_rollout_that_finds_no_room_keeps_the_old_pods_and_says_why(web: Kubectl) -> None:
    web("set", "resources", "deploy/web", "--requests=cpu=64")
    waiting = web("rollout", "status", "deploy/web", "--timeout=2s", code=1)
    assert "timed out waiting for the condition" in waiting.err
    assert web.object("deploy", "web")["status"]["availableReplicas"] == 2
    pending = web("get", "pods", "--field-selector", "status.phase=Pending", "-o", "name").lines
    assert len(pending) == 1
    assert eventually(lambda: "3 Insufficient cpu" in web("describe", *pending).out)
    assert "0/3 nodes are available" in web("describe", *pending).out
