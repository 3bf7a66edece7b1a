"""The single steps of scenarios and their ways back."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.demo.controllers.environment import External
from infra.local.demo.controllers.programs import Program
from infra.local.demo.scenarios.changes import (
    NOW,
    CordonUnder,
    Create,
    Delete,
    Evict,
    Outside,
    Patch,
    Publish,
    Restart,
    StopScheduler,
    set_container,
)
from infra.local.demo.world.build import World, declare, empty_world
from infra.local.demo.world.machines import MACHINES, node
from infra.local.demo.world.manifests import App, obj, workload
from infra.local.demo.world.policies import classes
from tests.unit.demo.scenarios.playing import NOW as START

CART = App("shop", "cart", "registry.example/cart", "1.0.0", Program("cart", listens=(8080,)))


@pytest.fixture
def world() -> World:
    """One application on three machines."""
    made = empty_world(start=START)
    made.plane.start()
    for index, machine in enumerate(MACHINES[:3]):
        made.api.create("Node", node(machine, index))
    for one in [obj("Namespace", "shop"), *classes()]:
        made.api.create(one["kind"], one)
    made.plane.settle()
    declare(made, CART)
    made.api.create("Deployment", workload(CART), namespace="shop")
    made.run_for(30)
    return made


def spec(world: World) -> Any:
    return world.api.get("Deployment", "shop", "cart")["spec"]


def pods(world: World) -> list[Any]:
    return world.api.list("Pod", "shop", labels={"app.kubernetes.io/name": "cart"})


def test_a_patch_is_taken_back_whole(world: World) -> None:
    before = spec(world)
    undo = set_container(
        "Deployment", "shop", "cart", image="registry.example/cart:2", pod={"hostNetwork": True}
    ).apply(world)
    assert spec(world) != before
    undo(world)
    assert spec(world) == before


def test_taking_back_a_patch_leaves_the_status_and_the_revision_of_the_present(world: World) -> None:
    undo = set_container("Deployment", "shop", "cart", image="registry.example/cart:2").apply(world)
    world.run_for(60)
    undo(world)
    world.run_for(60)
    found = world.api.get("Deployment", "shop", "cart")
    assert found["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    assert found["status"]["readyReplicas"] == 2


def test_a_patch_of_what_is_gone_meanwhile_is_simply_forgotten(world: World) -> None:
    undo = Patch("Deployment", "shop", "cart", {"spec": {"replicas": 9}}).apply(world)
    world.api.delete("Deployment", "shop", "cart", propagation="Background")
    undo(world)
    assert world.api.find("Deployment", "shop", "cart") is None


def test_finalizers_go_with_the_patch_that_brought_them(world: World) -> None:
    Create((obj("ConfigMap", "plan", "shop", data={}),)).apply(world)
    undo = Patch("ConfigMap", "shop", "plan", {"metadata": {"finalizers": ["example.com/x"]}}, "merge").apply(world)
    assert world.api.get("ConfigMap", "shop", "plan")["metadata"]["finalizers"]
    undo(world)
    assert "finalizers" not in world.api.get("ConfigMap", "shop", "plan")["metadata"]


def test_what_was_created_is_deleted_again_with_its_claims(world: World) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "gp3",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    labels = {"app": "db"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "db", "image": "registry.example/db:1"}]},
    }
    body = {"replicas": 1, "serviceName": "db", "selector": {"matchLabels": labels}, "template": template}
    one = obj("StatefulSet", "db", "shop", api="apps/v1", spec={**body, "volumeClaimTemplates": [claim]})
    undo = Create((one,)).apply(world)
    world.run_for(60)
    assert len(world.api.list("PersistentVolumeClaim", "shop")) == 1
    undo(world)
    world.run_for(60)
    assert world.api.list("StatefulSet", "shop") == world.api.list("PersistentVolumeClaim", "shop") == []


def test_what_was_deleted_comes_back_with_another_uid(world: World) -> None:
    world.api.create("Service", {"metadata": {"name": "cart"}, "spec": {"ports": [{"port": 80}]}}, namespace="shop")
    before = world.api.get("Service", "shop", "cart")
    undo = Delete("Service", "shop", "cart").apply(world)
    assert world.api.find("Service", "shop", "cart") is None
    undo(world)
    after = world.api.get("Service", "shop", "cart")
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert after["spec"]["ports"] == before["spec"]["ports"]


def test_what_lies_outside_is_put_back_as_it_was(world: World) -> None:
    environment, change = world.plane.environment, Outside("externals", "api.example", External("silent"))
    undo = change.apply(world)
    assert environment.externals["api.example"] == External("silent", world.clock.now())
    undo(world)
    assert "api.example" not in environment.externals
    environment.tags["registry.example/cart"] = frozenset({"1.0.0"})
    undo = Outside("tags", "registry.example/cart", frozenset()).apply(world)
    undo(world)
    assert environment.tags["registry.example/cart"] == frozenset({"1.0.0"})


def test_now_stands_for_the_time_of_injection(world: World) -> None:
    name = MACHINES[0].name
    Outside("stopped_kubelets", name, NOW).apply(world)
    assert world.plane.environment.stopped_kubelets[name] == world.clock.now()


def test_a_restart_replaces_pods_of_everywhere_or_of_one_node(world: World) -> None:
    before = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in pods(world)}
    place = next(iter(before.values()))
    Restart("shop", "cart", place).apply(world)
    world.run_for(30)
    left = {pod["metadata"]["name"] for pod in pods(world)} & before.keys()
    assert {before[name] for name in left} == set(before.values()) - {place}
    Restart("shop", "cart").apply(world)
    world.run_for(30)
    assert not {pod["metadata"]["name"] for pod in pods(world)} & before.keys()


def test_a_published_tag_behaves_in_its_own_way(world: World) -> None:
    Publish("registry.example/cart:2.0.0", Program("cart", crash=("boom",))).apply(world)
    one, two = ({"image": f"registry.example/cart:{tag}.0.0"} for tag in (1, 2))
    assert world.plane.programs.of(two).crash == ("boom",)
    assert world.plane.programs.of(one).crash == ()


def test_a_stopped_scheduler_goes_on_where_it_was(world: World) -> None:
    undo = StopScheduler().apply(world)
    world.api.patch("Deployment", "shop", "cart", {"spec": {"replicas": 4}})
    world.run_for(30)
    assert sum(not pod["spec"].get("nodeName") for pod in pods(world)) == 2
    undo(world)
    world.run_for(30)
    assert all(pod["spec"].get("nodeName") for pod in pods(world))


def test_an_eviction_that_is_refused_is_no_error(world: World) -> None:
    selector = {"matchLabels": {"app.kubernetes.io/name": "cart"}}
    budget = obj("PodDisruptionBudget", "cart", "shop", api="policy/v1", spec={"minAvailable": 2, "selector": selector})
    world.api.create("PodDisruptionBudget", budget, namespace="shop")
    world.plane.settle()
    undo = CordonUnder("shop", "cart").apply(world)
    Evict("shop", "cart").apply(world)
    assert len(pods(world)) == 2
    assert any(one["spec"].get("unschedulable") for one in world.api.list("Node"))
    undo(world)
    assert not any(one["spec"].get("unschedulable") for one in world.api.list("Node"))
