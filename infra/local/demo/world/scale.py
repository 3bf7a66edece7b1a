"""The large world: 1,000 nodes, 10,000 pods, 60 namespaces, and twelve faults somewhere in them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from infra.local.demo.controllers.autoscaling import Autoscaling
from infra.local.demo.controllers.budgets import Budgets
from infra.local.demo.controllers.daemonsets import DaemonSets
from infra.local.demo.controllers.deployments import Deployments
from infra.local.demo.controllers.endpoints import Endpoints
from infra.local.demo.controllers.nodes import Nodes
from infra.local.demo.controllers.plane import Controller
from infra.local.demo.controllers.replicasets import ReplicaSets
from infra.local.demo.scenarios.catalog import Faults
from infra.local.demo.scenarios.hidden import hidden_faults
from infra.local.demo.server.store import Object
from infra.local.demo.world import access, policies
from infra.local.demo.world.build import AGE, World, create_all, declare, empty_world, jump, set_pace, track_managers
from infra.local.demo.world.estate import Estate, estate
from infra.local.demo.world.machines import csi_node, node
from infra.local.demo.world.manifests import App, obj, service, workload
from infra.local.demo.world.onboarding import onboard
from infra.local.demo.world.stamping import Stamp

LOG_SIZE = 20_000
"""Changes kept for watches. Heartbeats of 1,000 nodes alone make 100 a second."""
_FAULTS_BEGIN, _SHOWN_FOR = timedelta(minutes=44), timedelta(minutes=40)
_HEARTBEAT_S = 1200.0


def start_scale(*, seed: int = 1, now: datetime, drawn: Estate | None = None) -> tuple[World, Faults]:
    """A large world at `now` with its faults well under way; its clock is still virtual. Tests draw smaller ones."""
    drawn = drawn or estate(seed)
    world = build_estate(drawn, seed=seed, now=now)
    faults = Faults(world, {fault.name: fault for fault in hidden_faults(drawn, seed)})
    world.plane.run_until(now - _FAULTS_BEGIN)
    apart = (_FAULTS_BEGIN - timedelta(minutes=30)) / len(faults.catalog)
    for index, name in enumerate(faults.catalog):
        world.plane.run_until(now - _FAULTS_BEGIN + index * apart)
        faults.inject(name)
    _arrive(world, now)
    return world, faults


def build_estate(drawn: Estate, *, seed: int, now: datetime) -> World:
    """All of an estate, well, an hour before `now`."""
    world = empty_world(seed=seed, start=now - AGE, log_size=LOG_SIZE)
    track_managers(world.api, on=False)
    set_pace(world.plane, live=False)
    _heartbeats(world, _HEARTBEAT_S)
    world.plane.start()
    _found(world, drawn)
    world.plane.stop()
    _stamp(world, drawn, seed, now)
    world.plane.start(resync=False)
    _look_at_all(world)
    later = [app for app in drawn.apps if app.kind in ("StatefulSet", "CronJob")]
    create_all(world, [*_services(later), *map(workload, later)])
    world.run_for(120)
    jump(world, now - timedelta(minutes=62))
    return world


def _heartbeats(world: World, seconds: float) -> None:
    """How often kubelets and autoscalers of the large world look while its past is played."""
    nodes, scaling = world.plane.find(Nodes), world.plane.find(Autoscaling)
    assert isinstance(nodes, Nodes)
    assert isinstance(scaling, Autoscaling)
    nodes.look_s = nodes.renew_s = scaling.period_s = seconds


def _found(world: World, drawn: Estate) -> None:
    """Namespaces, classes, rights and machines."""
    for app in drawn.apps:
        declare(world, app)
    shared = [one for one in policies.namespaces() if one["metadata"]["name"] in ("edge", "observability")]
    labels = {"environment": "production"}
    create_all(world, shared + [obj("Namespace", name, labels=labels | {"team": name}) for name in drawn.teams])
    create_all(world, policies.classes())
    world.api.load(
        one for index, machine in enumerate(drawn.machines) for one in (node(machine, index), csi_node(machine))
    )
    world.plane.settle()
    onboard(world.api)
    there = {namespace["metadata"]["name"] for namespace in world.api.list("Namespace")}
    kept = access.access() + access.secrets() + access.settings()
    create_all(
        world, [one for one in kept if one["metadata"].get("namespace", "kube-system") in there and _rooted(one, there)]
    )
    world.plane.settle()


def _rooted(one: Object, there: set[str]) -> bool:
    """Whether every subject of a binding lives in a namespace of this world."""
    return all(subject.get("namespace", "kube-system") in there for subject in one.get("subjects") or ())


def _services(apps: Iterable[App]) -> list[Object]:
    return [made for app in apps if (made := service(app))]


def _stamp(world: World, drawn: Estate, seed: int, now: datetime) -> None:
    """Deployments and DaemonSets with their pods, and what stands around them."""
    now_ish = [app for app in drawn.apps if app.kind in ("Deployment", "DaemonSet")]
    create_all(
        world,
        _services(now_ish) + [one for one in policies.scaling_and_routes() if one["metadata"]["name"] == "kube-dns"],
    )
    stamp = Stamp(world, now, random.Random(f"stamp/{seed}"))
    for app in now_ish:
        create_all(world, [workload(app)])
        (stamp.deployment if app.kind == "Deployment" else stamp.daemon_set)((app.namespace, app.name))
    create_all(world, _around(drawn))


def _around(drawn: Estate) -> list[Object]:
    """Autoscalers, budgets and an Ingress for the first service of each team."""
    made: list[Object] = []
    for area, app in drawn.autoscaled.items():
        made.append(policies.autoscaler(area, app.name, max(1, app.replicas // 2), app.replicas * 2, 80))
    for area, apps in drawn.teams.items():
        front = next(app for app in apps if app.kind == "Deployment")
        if front.replicas > 2:
            made.append(policies.budget(area, front.name, maxUnavailable="25%"))
        made.append(policies.route(area, area, f"{area}.harborline.example", {"/": (front.name, 80)}))
    return made


_LOOK: tuple[tuple[type[Controller], str], ...] = (
    (ReplicaSets, "ReplicaSet"),
    (Deployments, "Deployment"),
    (DaemonSets, "DaemonSet"),
    (Endpoints, "Service"),
    (Budgets, "PodDisruptionBudget"),
    (Autoscaling, "HorizontalPodAutoscaler"),
)


def _look_at_all(world: World) -> None:
    """Let the controllers see what was made while they were stopped; the pods themselves need nothing."""
    for cls, kind in _LOOK:
        for one in world.api.list(kind):
            meta = one["metadata"]
            world.plane.enqueue(world.plane.find(cls), (meta.get("namespace", ""), meta["name"]))
        world.plane.settle()


def _arrive(world: World, now: datetime) -> None:
    """The last minute at the ordinary pace, so that leases are fresh."""
    world.plane.run_until(now - timedelta(seconds=40))
    set_pace(world.plane, live=True)
    for cls, kind in ((Nodes, "Node"), (Autoscaling, "HorizontalPodAutoscaler")):
        for one in world.api.list(kind):
            world.plane.enqueue(world.plane.find(cls), (one["metadata"].get("namespace", ""), one["metadata"]["name"]))
    world.plane.run_until(now)
