"""The large world: its numbers, and that what was stamped is what controllers would have made."""

from __future__ import annotations

import pytest

from infra.local.demo.controllers.status import is_ready
from infra.local.demo.world.build import World
from infra.local.demo.world.estate import NAMESPACES, NODES, PODS, estate
from infra.local.demo.world.scale import build_estate
from tests.unit.demo.world.conftest import NOW

SMALL = estate(3, nodes=30, pods=400, teams=5)


@pytest.fixture(scope="module")
def large() -> World:
    return build_estate(SMALL, seed=3, now=NOW)


def test_the_draw_has_exactly_the_numbers_asked_for() -> None:
    drawn = estate(1)
    assert len(drawn.machines) == NODES == 1_000
    assert len({machine.name for machine in drawn.machines}) == NODES
    pods = sum(NODES if app.kind == "DaemonSet" else app.replicas for app in drawn.apps if app.kind != "CronJob")
    assert pods == PODS == 10_000
    assert len(drawn.teams) + 2 == NAMESPACES == 60
    assert len({(app.namespace, app.name) for app in drawn.apps}) == len(drawn.apps)


def test_the_draw_follows_from_the_seed() -> None:
    assert estate(1) == estate(1) != estate(2)


def test_all_pods_run_on_machines_that_have_room(large: World) -> None:
    pods = [pod for pod in large.api.list("Pod") if pod["status"]["phase"] not in ("Succeeded", "Failed")]
    assert len(pods) == pytest.approx(400, abs=20)
    assert all(is_ready(pod) for pod in pods)
    assert len({pod["status"]["podIP"] for pod in pods if not pod["spec"].get("hostNetwork")}) == sum(
        not pod["spec"].get("hostNetwork") for pod in pods
    )
    for node in large.api.list("Node"):
        use = large.plane.cache.use_of(node["metadata"]["name"])
        assert all(use.total.get(kind, 0) <= large.plane.cache.room_of(node)[kind] for kind in ("cpu", "memory"))


def test_controllers_find_nothing_to_change_in_what_was_stamped(large: World) -> None:
    names = {pod["metadata"]["name"] for pod in large.api.list("Pod")}
    for controller in large.plane.controllers:
        for kind in ("Deployment", "ReplicaSet", "DaemonSet"):
            if kind in controller.kinds:
                for one in large.api.list(kind):
                    large.plane.enqueue(controller, (one["metadata"]["namespace"], one["metadata"]["name"]))
    large.plane.settle()
    assert {pod["metadata"]["name"] for pod in large.api.list("Pod")} == names
    for one in large.api.list("Deployment"):
        assert one["status"].get("readyReplicas", 0) == one["spec"]["replicas"], one["metadata"]["name"]


def test_a_stamped_pod_looks_like_one_of_the_ordinary_way(large: World) -> None:
    stamped = next(pod for pod in large.api.list("Pod") if pod["metadata"]["name"].startswith("router-"))
    ordinary = next(pod for pod in large.api.list("Pod") if "-queue-" in pod["metadata"]["name"])
    same = {"hostname", "subdomain", "volumes", "priorityClassName", "priority"}
    assert stamped["spec"].keys() - same == ordinary["spec"].keys() - same
    assert stamped["status"].keys() == ordinary["status"].keys()
    assert stamped["metadata"].keys() == ordinary["metadata"].keys()


def test_a_stamped_pod_can_be_deleted_and_is_replaced(large: World) -> None:
    pod = next(pod for pod in large.api.list("Pod") if pod["metadata"]["name"].startswith("router-"))
    large.api.delete("Pod", "edge", pod["metadata"]["name"])
    large.run_for(30)
    routers = large.api.list("Pod", "edge", labels={"app.kubernetes.io/name": "router"})
    assert len(routers) == 2
    assert pod["metadata"]["name"] not in {one["metadata"]["name"] for one in routers}
    assert all(is_ready(one) for one in routers)
