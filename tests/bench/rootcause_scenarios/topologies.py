"""Two estates that the detectors' tests do not use, with the noise that real clusters carry."""

from __future__ import annotations

from dataclasses import dataclass

from tests.unit.rootcause.builders import Cluster, ago


@dataclass(frozen=True)
class Estate:
    """Names that a scenario uses: the victim, a caller of it, a neighbour, and their namespace."""

    space: str
    victim: str
    caller: str
    neighbour: str
    port: int

    def where(self, name: str) -> str:
        return f"{self.space}/{name}"


RAIL = Estate("timetable", "departures", "station-board", "seat-map", 7000)
CLINIC = Estate("ward-9", "triage", "front-desk", "lab-results", 3000)


def estate(which: Estate) -> Cluster:
    """A healthy estate: five nodes in two pools, four workloads with Services, and harmless leftovers."""
    cluster = Cluster()
    for number in range(4):
        cluster.node(
            f"worker-{number}",
            cpu="8",
            memory="32Gi",
            labels={"pool": "general", "topology.kubernetes.io/zone": f"z{number % 2}"},
        )
    cluster.node(
        "heavy-0",
        cpu="32",
        memory="128Gi",
        labels={"pool": "heavy"},
        taints=[{"key": "only", "value": "heavy", "effect": "NoSchedule"}],
    )
    cluster.add(
        "StorageClass",
        "ssd",
        {
            "provisioner": "csi.example.org",
            "metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        },
    )
    cluster.add("IngressClass", "edge", {"spec": {"controller": "example.org/edge"}})
    for name in (which.caller, which.neighbour):
        cluster.deployment(which.where(name), 2, ports=[{"name": "http", "containerPort": which.port}])
        cluster.service(which.where(name), target=which.port)
    cluster.stateful_set(which.where("records"), 2, ports=[{"containerPort": 5432}])
    cluster.service(which.where("records"), port=5432, target=5432)
    _noise(cluster, which)
    return cluster


def _noise(cluster: Cluster, which: Estate) -> None:
    veteran = cluster.deployment(which.where("veteran"), env=[{"name": "RELAY", "value": "relay.elsewhere.svc:25"}])
    veteran.restarted_long_ago()
    parked = cluster.deployment(which.where("parked"), 0)
    parked.object["metadata"].update(generation=3, annotations={"example.org/scaled-down-by": "night shift"})
    cluster.service(which.where("parked"))
    ghost = {"kind": "Pod", "metadata": {"namespace": which.space, "name": "gone-77-x", "uid": "ghost"}}
    cluster.event(ghost, "Failed", 'Failed to pull image "registry.local/gone:9": manifest unknown')
    cluster.event(ghost, "BackOff", "Back-off restarting failed container", minutes=50)
    cluster.add(
        "CronJob",
        which.where("yearly"),
        {"spec": {"schedule": "0 3 1 1 *", "suspend": True}, "status": {"lastScheduleTime": ago(90000)}},
    )
    cluster.add("Service", which.where("external"), {"spec": {"ports": [{"port": 443}]}})
    cluster.deployment(which.where("chatty")).says(
        'level=warn msg="retrying" attempt=2\nlevel=info msg="error budget '
        'ok"\nlevel=error msg="payment declined" code=402\n'
    )
