"""Building the world: twelve days of history played in an instant, ending now, with faults and with look-alikes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import cast

from infra.local.demo.controllers.assembly import control_plane
from infra.local.demo.controllers.autoscaling import Autoscaling
from infra.local.demo.controllers.clock import WorldClock
from infra.local.demo.controllers.cronjobs import CronJobs, next_run
from infra.local.demo.controllers.kubelet import Kubelet
from infra.local.demo.controllers.nodes import LEASES, Nodes
from infra.local.demo.controllers.plane import ControlPlane
from infra.local.demo.controllers.programs import Program, split_image
from infra.local.demo.controllers.status import write_status
from infra.local.demo.server import managed
from infra.local.demo.server.api import Api
from infra.local.demo.server.bootstrap import bootstrap
from infra.local.demo.server.clock import micro_timestamp, parse_time, timestamp
from infra.local.demo.server.store import Object
from infra.local.demo.world import access, extensions, policies
from infra.local.demo.world.business import BUSINESS
from infra.local.demo.world.curves import Curves
from infra.local.demo.world.machines import MACHINES, csi_node, node
from infra.local.demo.world.manifests import REGISTRY, App, service, workload
from infra.local.demo.world.onboarding import onboard
from infra.local.demo.world.platform import PLATFORM
from infra.local.demo.world.usage import WorldUsage

AGE = timedelta(days=12)
LAST_HOUR = timedelta(minutes=64)
_DEPLOYER = "helm"


@dataclass
class World:
    """A running demo cluster."""

    api: Api
    clock: WorldClock
    plane: ControlPlane
    curves: Curves
    apps: dict[tuple[str, str], App]
    usage: WorldUsage

    @property
    def kubelet(self) -> Kubelet:
        return cast(Kubelet, self.plane.find(Kubelet))

    def run_for(self, seconds: float) -> None:
        self.plane.run_for(seconds)

    def go_live(self) -> None:
        """From now on the clock is the machine's own; writes over HTTP are followed by the controllers."""
        self.clock.follow()
        track_managers(self.api, on=True)
        set_pace(self.plane, live=True)
        self.api.settle = self.plane.settle
        self.plane.tick()


def track_managers(api: Api, *, on: bool) -> None:
    """Whether direct commits of controllers get managedFields; the past needs none, and is played faster without."""
    api.store.amend = partial(managed.committed_directly, api) if on else _untracked


def _untracked(key: tuple[str, str], obj: Object, before: Object | None) -> None:
    return None


def set_pace(plane: ControlPlane, *, live: bool) -> None:
    """Heartbeats and autoscalers look less often while hours are played."""
    nodes, scaling = cast(Nodes, plane.find(Nodes)), cast(Autoscaling, plane.find(Autoscaling))
    nodes.look_s, nodes.renew_s = (10.0, 10.0) if live else (120.0, 100.0)
    scaling.period_s = 15.0 if live else 300.0


def empty_world(*, seed: int = 1, start: datetime, log_size: int = 50_000) -> World:
    """A control plane with its system namespaces and nothing else."""
    clock = WorldClock(start)
    api = Api(seed=seed, clock=clock, log_size=log_size)
    bootstrap(api)
    plane = control_plane(api, clock)
    curves = Curves(seed)
    apps: dict[tuple[str, str], App] = {}
    usage = WorldUsage(plane, curves, apps)
    api.metrics = usage
    return World(api, clock, plane, curves, apps, usage)


def build_world(*, seed: int = 1, now: datetime) -> World:
    """The small world, healthy, as it is at `now`; the clock is still virtual. See `World.go_live`."""
    world = empty_world(seed=seed, start=now - AGE)
    track_managers(world.api, on=False)
    set_pace(world.plane, live=False)
    world.plane.start()
    world.plane.settle()
    _found(world)
    _deploy(world, PLATFORM)
    world.run_for(240)
    jump(world, now - AGE + timedelta(hours=3))
    _deploy(world, [app for app in BUSINESS if app.kind == "StatefulSet"])
    world.run_for(120)
    _deploy(world, [app for app in BUSINESS if app.kind != "StatefulSet"])
    create_all(world, policies.scaling_and_routes() + policies.network_policies() + policies.unused())
    world.run_for(180)
    _past(world, now)
    _last_hour(world, now)
    return world


def create_all(world: World, objects: Iterable[Object]) -> None:
    """Create objects as a deployment tool does."""
    for one in objects:
        world.api.create(_kind(one), one, namespace=one["metadata"].get("namespace", ""), manager=_DEPLOYER)


def _kind(one: Object) -> str:
    group = one["apiVersion"].rpartition("/")[0]
    return one["kind"] if one["kind"] != "Event" else f"events.{group}"


def _found(world: World) -> None:
    """Machines, classes, namespaces, rights."""
    for app in (*PLATFORM, *BUSINESS):
        declare(world, app)
    world.plane.environment.private |= {f"{REGISTRY}/vault", "ghcr.io/harborline"}
    create_all(world, policies.namespaces() + policies.classes())
    for index, machine in enumerate(MACHINES):
        create_all(world, [node(machine, index), csi_node(machine)])
    world.plane.settle()
    onboard(world.api)
    create_all(world, access.access() + access.secrets() + access.settings() + policies.quotas())
    create_all(world, extensions.definitions() + extensions.flow_schemas() + extensions.releases(()))
    world.plane.settle()


def declare(world: World, app: App) -> None:
    """Make an application's image known: what it does, and that its tag exists."""
    world.apps[app.namespace, app.name] = app
    world.plane.programs.declare(app.image, app.program)
    if app.image.startswith(REGISTRY):
        known = world.plane.environment.tags.get(app.image, frozenset())
        world.plane.environment.tags[app.image] = known | {app.tag}


def publish(world: World, image: str, program: Program) -> None:
    """Push a tag whose program differs from its repository's."""
    repository, tag = split_image(image)
    world.plane.programs.declare_tag(image, replace(program, version=program.version or tag))
    if repository in world.plane.environment.tags:
        world.plane.environment.tags[repository] |= {tag}


def _deploy(world: World, apps: tuple[App, ...] | list[App]) -> None:
    for app in apps:
        made = service(app)
        create_all(world, [workload(app)] + ([made] if made else []))


def jump(world: World, moment: datetime) -> None:
    """Skip a time in which nothing worth telling happens."""
    for cls in (CronJobs, Nodes, Autoscaling):
        world.plane.forget_timers(world.plane.find(cls))
    _close_cron_jobs(world, moment)
    world.plane.jump_to(moment)
    for stored in list(world.api.store.list(LEASES, "kube-node-lease")):
        spec = {**stored.object["spec"], "renewTime": micro_timestamp(moment)}
        world.api.store.put(LEASES, {**stored.object, "metadata": dict(stored.object["metadata"]), "spec": spec})
    for cls, kind in ((Nodes, "Node"), (CronJobs, "CronJob"), (Autoscaling, "HorizontalPodAutoscaler")):
        for one in world.api.list(kind):
            key = (one["metadata"].get("namespace", ""), one["metadata"]["name"])
            world.plane.enqueue(world.plane.find(cls), key)
    world.plane.events.expire()


def _close_cron_jobs(world: World, moment: datetime) -> None:
    """CronJobs have run all the time; only their last run before the moment is remembered."""
    for cron in world.api.list("CronJob"):
        created = parse_time(cron["metadata"]["creationTimestamp"])
        last = _last_before(cron["spec"]["schedule"], created, moment)
        if last is None or cron["spec"].get("suspend"):
            continue
        status = {**(cron.get("status") or {}), "lastScheduleTime": timestamp(last)}
        status["lastSuccessfulTime"] = timestamp(last + timedelta(seconds=100))
        write_status(world.api, cron, {key: value for key, value in status.items() if key != "active"})


def _last_before(schedule: str, after: datetime, moment: datetime) -> datetime | None:
    """The last run that had ended by a moment: nearly always one of the last hours, else one of the last two days."""
    for window in (timedelta(hours=2), timedelta(days=2)):
        run, last = next_run(schedule, max(after, moment - window)), None
        while run is not None and run <= moment - timedelta(minutes=5):
            last, run = run, next_run(schedule, run)
        if last is not None:
            return last
    return None


def _past(world: World, now: datetime) -> None:
    """Rollouts and accidents of the last days: over, healed, and still visible in numbers."""
    jump(world, now - timedelta(days=9, hours=4))
    for pod in world.api.list("Pod", "tracking", labels={"app.kubernetes.io/name": "geo-index"}):
        for _ in range(3):
            world.kubelet.restart_now(
                "tracking", pod["metadata"]["name"], "geo-index", exit_code=137, reason="OOMKilled"
            )
            world.run_for(90)
    jump(world, now - timedelta(days=6, hours=2))
    _roll(world, "booking", "storefront", "5.12.1", "5.12.0")
    for pod in world.api.list("Pod", "fleet", labels={"app.kubernetes.io/name": "dispatch"})[:1]:
        world.kubelet.restart_now("fleet", pod["metadata"]["name"], "dispatch", exit_code=1, reason="Error")
    world.run_for(240)
    jump(world, now - timedelta(days=2, hours=5))
    _roll(world, "booking", "storefront", "5.12.0", "5.12.1")
    _roll(world, "billing", "invoices", "6.5.1", "6.5.2")
    world.run_for(240)
    _reports(world)


def _roll(world: World, namespace: str, name: str, old: str, new: str) -> None:
    app = world.apps[namespace, name]
    world.plane.environment.tags[app.image] = world.plane.environment.tags[app.image] | {old, new}
    patch = {"spec": {"template": {"spec": {"containers": [{"name": name, "image": f"{app.image}:{new}"}]}}}}
    world.api.patch("Deployment", namespace, name, patch, how="strategic", manager=_DEPLOYER)
    world.plane.settle()


def _reports(world: World) -> None:
    made = []
    for app in world.apps.values():
        if app.kind == "CronJob" or app.replicas == 0:
            continue
        replica_set = ""
        if app.kind == "Deployment":
            found = world.api.get("Deployment", app.namespace, app.name)
            sets = [one for one in world.api.owned_by("ReplicaSet", found) if one["spec"].get("replicas")]
            replica_set = sets[0]["metadata"]["name"] if sets else ""
        made.append(extensions.report(app, replica_set, world.clock.now()))
    world.api.load(made)


def _last_hour(world: World, now: datetime) -> None:
    """The hour that events remember: quiet, but for look-alikes of faults."""
    from infra.local.demo.scenarios.lookalikes import play

    jump(world, now - LAST_HOUR)
    play(world, now)
