"""metrics.k8s.io: the curves' present value, shared by replicas, and what programs really hold."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.demo.controllers.programs import MIB, Program
from infra.local.demo.server.server import Server
from infra.local.demo.server.wire import HttpRequest, HttpResponse
from infra.local.demo.world.build import World, declare, empty_world
from infra.local.demo.world.curves import at
from infra.local.demo.world.machines import MACHINES, node
from infra.local.demo.world.manifests import App, obj, workload
from tests.unit.demo.world.conftest import NOW


def pods(world: World, namespace: str, name: str) -> list[Any]:
    return world.api.list("Pod", namespace, labels={"app.kubernetes.io/name": name})


def used(world: World, namespace: str, name: str) -> tuple[float, float]:
    """Cores and bytes of all replicas."""
    found = [world.usage.pod(pod) or {} for pod in pods(world, namespace, name)]
    return sum(u.cpu for one in found for u in one.values()), sum(u.memory for one in found for u in one.values())


@pytest.mark.parametrize(("namespace", "name"), [("booking", "reservations"), ("tracking", "geo-index")])
def test_replicas_together_use_what_the_curve_says_now(namespace: str, name: str, company: World) -> None:
    app = company.apps[namespace, name]
    cores, held = used(company, namespace, name)
    now = at(company.clock.now())
    wanted = app.replicas * float(company.curves.cpu(f"{namespace}/{name}", app.shape, app.program.cpu, now)[0])
    assert cores == pytest.approx(wanted, rel=0.09)
    level = float(company.curves.memory(f"{namespace}/{name}", app.shape, app.program.memory_mib, now)[0])
    assert held == pytest.approx(app.replicas * level, rel=0.05)


def test_the_api_serves_the_same_numbers(company: World) -> None:
    server = Server(company.api)
    company.api.tokens.add("t", "admin", ["system:masters"])
    path = "/apis/metrics.k8s.io/v1beta1/namespaces/booking/pods"
    answer = server.serve(HttpRequest.of("GET", path, {"authorization": "Bearer t"}))
    assert isinstance(answer, HttpResponse)
    assert answer.status == 200
    for pod in pods(company, "booking", "fares"):
        assert pod["metadata"]["name"].encode() in answer.body


def test_nodes_use_what_their_pods_use_and_never_more_than_they_have(company: World) -> None:
    for one in company.api.list("Node"):
        usage = company.usage.node(one)
        assert usage is not None
        own = [
            u
            for pod in company.plane.cache.pods_on(one["metadata"]["name"])
            for u in (company.usage.pod(pod) or {}).values()
        ]
        assert sum(u.cpu for u in own) < usage.cpu <= int(one["status"]["capacity"]["cpu"])
        assert usage.memory > sum(u.memory for u in own)


def a_world(program: Program, **more: Any) -> World:
    world = empty_world(start=NOW)
    world.plane.start()
    world.api.create("Node", node(MACHINES[0], 0))
    world.api.create("Namespace", obj("Namespace", "shop"))
    world.plane.settle()
    app = App("shop", "cart", "registry.example/cart", "1", program, shape="flat", **more)
    declare(world, app)
    world.api.create("Deployment", workload(app), namespace="shop")
    return world


def test_a_new_pod_has_no_metrics_until_it_was_scraped_twice() -> None:
    world = a_world(Program(listens=(8080,), grows_s=1), replicas=1)
    world.run_for(20)
    assert world.usage.pod(pods(world, "shop", "cart")[0]) is None
    world.run_for(30)
    assert world.usage.pod(pods(world, "shop", "cart")[0])


def test_fewer_replicas_share_the_same_load() -> None:
    world = a_world(Program(listens=(8080,), cpu=0.1), replicas=4)
    world.run_for(120)
    before = used(world, "shop", "cart")[0]
    world.api.patch("Deployment", "shop", "cart", {"spec": {"replicas": 2}})
    world.run_for(60)
    assert used(world, "shop", "cart")[0] == pytest.approx(before, rel=0.15)


def test_a_leak_grows_up_to_the_limit_and_never_beyond() -> None:
    world = a_world(
        Program(listens=(8080,), memory_mib=50, leaks_mib_per_hour=1200),
        replicas=1,
        memory="64Mi",
        memory_limit="100Mi",
    )
    seen = []
    for _ in range(12):
        world.run_for(10)
        seen.append(used(world, "shop", "cart")[1])
    measured = [value for value in seen if value]
    assert measured == sorted(measured)
    assert measured[-1] > measured[0] + 10 * MIB
    assert max(measured) <= 100 * MIB


def test_a_dead_machine_is_not_measured() -> None:
    world = a_world(Program(), replicas=1)
    world.plane.environment.stopped_kubelets[MACHINES[0].name] = NOW
    assert world.usage.node(world.api.get("Node", "", MACHINES[0].name)) is None
