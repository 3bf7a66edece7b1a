"""What the large world consists of: machines, namespaces and applications, drawn from a seed.

Only descriptions are made here, of the same kind as those of the small world; `stamping` makes objects of them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from infra.local.demo.controllers.programs import Program
from infra.local.demo.world.machines import Machine
from infra.local.demo.world.manifests import REGISTRY, App
from infra.local.demo.world.platform import PLATFORM

NODES, PODS, NAMESPACES = 1_000, 10_000, 60
_AREAS = (
    "berths", "bonded", "brokerage", "bunkers", "cargo", "claims", "coldchain", "containers", "courier", "cranes",
    "customs", "depots", "docks", "drayage", "emissions", "ferries", "forwarding", "freight", "gates", "hazmat",
    "inland", "insurance", "intermodal", "invoicing", "ledgers", "lockers", "loyalty", "manifests", "marina", "mooring",
    "offers", "pallets", "parcels", "partners", "payouts", "pilots", "portal", "quotes", "rail", "reefers", "returns",
    "routing", "salvage", "schedules", "sorting", "stevedores", "stowage", "surveys", "tariffs", "telematics",
    "terminals", "tolls", "tracing", "transit", "tugs", "vessels", "warehouse", "yards",
)  # fmt: skip
_ROLES = (
    "api", "archiver", "auth", "catalog", "dispatcher", "events", "export", "gateway", "importer", "indexer", "mailer",
    "matcher", "planner", "pricing", "profile", "reports", "search", "sync", "webhooks", "workers",
)  # fmt: skip
_SHAPES = ("consumer", "office", "flat", "night", "consumer", "office")
_DEPLOYMENTS_EACH, _QUEUE_REPLICAS = 7, 3
_KEPT = ("aws-node", "coredns", "metrics-server", "router", "node-agent", "alert-router", "dashboards")
"""What of the small world's platform runs here too; two of them on every node."""


@dataclass(frozen=True)
class Estate:
    """Everything the large world is made of. `teams` maps each team's namespace to its applications."""

    machines: tuple[Machine, ...]
    platform: tuple[App, ...]
    teams: dict[str, tuple[App, ...]]

    @property
    def apps(self) -> tuple[App, ...]:
        return (*self.platform, *(app for apps in self.teams.values() for app in apps))

    @property
    def autoscaled(self) -> dict[str, App]:
        """The application that has an autoscaler, of every second team."""
        areas = list(self.teams)[::2]
        return {area: [app for app in self.teams[area] if app.kind == "Deployment"][1] for area in areas}


def estate(seed: int, *, nodes: int = NODES, pods: int = PODS, teams: int = len(_AREAS)) -> Estate:
    """Draw a company with so many nodes, pods and team namespaces; the same seed gives the same."""
    chance = random.Random(f"estate/{seed}")
    machines = tuple(_machine(index) for index in range(nodes))
    platform = tuple(app for app in PLATFORM if app.name in _KEPT)
    areas = sorted(chance.sample(_AREAS, teams))
    drawn = {area: _team(area, chance) for area in areas}
    taken = sum(nodes if app.kind == "DaemonSet" else app.replicas for app in platform)
    taken += sum(app.replicas for apps in drawn.values() for app in apps if app.kind == "StatefulSet")
    shares = _shares(chance, pods - taken, sum(app.kind == "Deployment" for apps in drawn.values() for app in apps))
    return Estate(machines, platform, {area: _sized(apps, shares) for area, apps in drawn.items()})


def _machine(index: int) -> Machine:
    address = f"10.{40 + index // 2500}.{index // 25 % 100 + 1}.{index % 25 * 9 + 11}"
    zone = "abc"[index % 3]
    if index % 20 == 7:
        return Machine(address, "r7i.2xlarge", zone, 8, 64, 58, pool="memory")
    if index % 20 == 13:
        return Machine(address, "m7g.2xlarge", zone, 8, 32, 58, pool="arm", arch="arm64", taint="arch=arm64:NoSchedule")
    if index % 5 == 2:
        return Machine(address, "c7i.2xlarge", zone, 8, 16, 58, pool="compute")
    return Machine(address, "m7i.2xlarge", zone, 8, 32, 58)


def _team(area: str, chance: random.Random) -> list[App]:
    """Seven services, a queue with volumes and two scheduled tasks."""
    made = [_service(area, role, chance) for role in chance.sample(_ROLES, _DEPLOYMENTS_EACH)]
    # The second may get an autoscaler. Its size is drawn, so it fits the load at any hour only if the load is even.
    made[1] = replace(made[1], shape="flat")
    made.append(_queue(area, chance))
    for task, schedule in (
        ("cleanup", f"{chance.randrange(60)} * * * *"),
        ("digest", f"{chance.randrange(60)} 3 * * *"),
    ):
        program = Program(f"{area}-{task}", runs_s=20.0 + chance.randrange(60), memory_mib=70)
        image, tag = f"{REGISTRY}/{area}/{task}", _tag(chance)
        made.append(App(area, f"{area}-{task}", image, tag, program, kind="CronJob", schedule=schedule, shape="flat"))
    return made


def _service(area: str, role: str, chance: random.Random) -> App:
    mib, cpu = chance.randrange(60, 400, 20), chance.randrange(3, 15) / 100
    program = Program(
        f"{area}-{role}",
        listens=(8080,),
        memory_mib=mib,
        cpu=cpu,
        style=chance.choice(("go", "java", "node", "python")),
        serves=(f"/v1/{area}", f"/v1/{area}/{role}"),
        needs_env=("REGION",),
    )
    return App(
        area,
        f"{area}-{role}",
        f"{REGISTRY}/{area}/{role}",
        _tag(chance),
        program,
        cpu=f"{max(50, int(cpu * 1300) // 10 * 10)}m",
        memory=f"{mib + 32}Mi",
        memory_limit=f"{(mib + 32) * 2}Mi",
        env={"REGION": "us-west"},
        shape=chance.choice(_SHAPES),
        team=area,
    )


def _queue(area: str, chance: random.Random) -> App:
    program = Program("nats", listens=(4222,), memory_mib=120, cpu=0.05, serves=())
    return App(
        area,
        f"{area}-queue",
        "docker.io/library/nats",
        "2.12.2",
        program,
        kind="StatefulSet",
        replicas=_QUEUE_REPLICAS if chance.random() < 0.34 else 1,
        port=4222,
        port_name="nats",
        service_port=4222,
        memory="192Mi",
        memory_limit="384Mi",
        claim=f"{chance.randrange(10, 60, 10)}Gi",
        probes="tcp",
        shape="flat",
        team=area,
        spec_extra={"podManagementPolicy": "Parallel"},
    )


def _tag(chance: random.Random) -> str:
    return f"{chance.randrange(1, 9)}.{chance.randrange(40)}.{chance.randrange(10)}"


def _shares(chance: random.Random, total: int, count: int) -> list[int]:
    """`count` replica numbers, few large and many small, that sum up to `total`."""
    weights = [1 + chance.paretovariate(1.6) for _ in range(count)]
    shares = [max(1, int(total * weight / sum(weights))) for weight in weights]
    place = 0
    while (left := total - sum(shares)) > 0 or (left < 0 and max(shares) > 1):
        step = 1 if left > 0 else -1
        shares[place % count] = max(1, shares[place % count] + step)
        place += 1
    return shares


def _sized(apps: list[App], shares: list[int]) -> tuple[App, ...]:
    return tuple(replace(app, replicas=shares.pop()) if app.kind == "Deployment" else app for app in apps)
