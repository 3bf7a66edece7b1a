# ruff: noqa: E501  (messages stand as the cluster's parts write them)
"""Two estates that no test of a detector uses, with the leftovers and the noise that real clusters carry."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.heldout.dump import cond
from tests.bench.rootcause_scenarios.estate import DAY, Estate, at, counter, steady


@dataclass(frozen=True)
class Cast:
    """The names a case uses: the victim, who calls it, a healthy neighbour, and their namespace."""

    space: str
    victim: str
    caller: str
    peer: str
    port: int


@dataclass(frozen=True)
class Topology:
    name: str
    distro: str
    version: str
    nodes: int
    secrets: bool
    label: str
    registry: str
    casts: tuple[Cast, Cast]
    store: tuple[str, str, int]
    """Name, image and port of the estate's healthy database."""


HARBOUR = Topology(
    "harbour", "eks", "v1.30.4-eks-a18cd3a", 4, False, "app.kubernetes.io/name",
    "482910377164.dkr.ecr.eu-west-1.amazonaws.com/port",
    (Cast("berths", "manifest-api", "gate-kiosk", "crane-router", 8090),
     Cast("customs", "tariff-engine", "stamp-office", "bond-registry", 7070)),
    ("ledger-pg", "docker.io/library/postgres:16.3", 5432),
)  # fmt: skip
OBSERVATORY = Topology(
    "observatory", "k3s", "v1.32.5+k3s1", 5, True, "app", "registry.observatory.example:5000/sky",
    (Cast("skywatch", "plate-solver", "dome-console", "star-catalog", 9000),
     Cast("calibration", "flatfield-svc", "bias-portal", "dark-keeper", 5000)),
    ("frames-mysql", "docker.io/library/mysql:8.4.0", 3306),
)  # fmt: skip
TOPOLOGIES = (HARBOUR, OBSERVATORY)


def lay(topology: Topology) -> Estate:
    """The healthy estate with its noise; a case adds victims and their callers."""
    estate = Estate(topology.distro, topology.version, topology.nodes, secrets=topology.secrets)
    for cast in topology.casts:
        _neighbour(estate, topology, cast)
    store, image, port = topology.store
    space = topology.casts[0].space
    app = estate.app(
        space, store, kind="StatefulSet", replicas=1, age=50 * DAY, labels={topology.label: store},
        c={"image": image, "ports": [{"name": "sql", "containerPort": port}]},
        spec={"volumes": [{"name": "disk", "persistentVolumeClaim": {"claimName": f"disk-{store}-0"}}]},
    )  # fmt: skip
    app.log(f"listening on 0.0.0.0 port {port}\ncheckpoint complete\nready for connections\n")
    estate.bound_claim(space, f"disk-{store}-0")
    estate.service(
        space, store, selector={topology.label: store}, ports=[{"name": "sql", "port": port, "targetPort": port}]
    )
    _leftovers(estate, topology)
    _evidence(estate, topology)
    return estate


def _neighbour(estate: Estate, topology: Topology, cast: Cast) -> None:
    app = estate.app(
        cast.space, cast.peer, replicas=2, age=40 * DAY, labels={topology.label: cast.peer},
        c={"image": f"{topology.registry}/{cast.peer}:3.9.1", "ports": [{"name": "http", "containerPort": cast.port}],
           "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 10},
           "livenessProbe": {"httpGet": {"path": "/live", "port": "http"}, "periodSeconds": 20}},
    )  # fmt: skip
    app.log('{"level":"info","msg":"served","path":"/v1/list","status":200,"ms":14}\n' * 4)
    ports = [{"name": "http", "port": 80, "targetPort": cast.port}]
    estate.service(cast.space, cast.peer, selector={topology.label: cast.peer}, ports=ports)


def _leftovers(estate: Estate, topology: Topology) -> None:
    """Harmless things: what is over, what is meant, and what never mattered."""
    space, other = (cast.space for cast in topology.casts)
    veteran = estate.app(space, "pilot-desk", replicas=2, age=60 * DAY, labels={topology.label: "pilot-desk"},
                         c={"env": [{"name": "FAX_GATEWAY", "value": "http://fax-gateway.legacy.svc:8088"}]})  # fmt: skip
    for _, status in veteran.statuses(0):
        end = {"exitCode": 137, "reason": "OOMKilled", "startedAt": at(22 * DAY), "finishedAt": at(21 * DAY)}
        status.update(restartCount=3, lastState={"terminated": end})
    veteran.log("WARN retry 1/3 after 503 from upstream, next in 200ms\nINFO recovered after 1 retry\n" * 2)
    parked = estate.app(other, "winter-mode", replicas=0, age=80 * DAY, labels={topology.label: "winter-mode"},
                        annotations={"note": "off until November"})  # fmt: skip
    parked.obj["metadata"]["generation"] = 4
    ghost = {
        "_kind": "Pod",
        "metadata": {"namespace": space, "name": f"{veteran.name}-5c9d8f7b66-old4x", "uid": "ghost-1"},
    }
    estate.event(
        ghost,
        "FailedMount",
        f'MountVolume.SetUp failed for volume "kube-api-access-7xk2p" : object "{space}"/"kube-root-ca.crt" not registered',
        ago=41,
        count=3,
    )
    estate.event(
        ghost,
        "Unhealthy",
        'Readiness probe failed: Get "http://10.244.0.9:8080/ready": dial tcp 10.244.0.9:8080: connect: connection refused',
        ago=44,
        count=2,
    )
    estate.event(ghost, "Killing", "Stopping container pilot-desk", ago=40, count=1, type_="Normal")
    estate.app(other, "leap-audit", kind="CronJob", age=120 * DAY, over={
        "metadata": {"generation": 1}, "spec": {"schedule": "10 4 * * *", "suspend": False},
        "status": {"lastScheduleTime": at(320), "lastSuccessfulTime": at(318)}})  # fmt: skip
    done = estate.app(other, "leap-audit-29032570", kind="Job", age=320, spec={"restartPolicy": "OnFailure"}, over={
        "status": {"succeeded": 1, "startTime": at(320), "completionTime": at(318), "conditions": [
            cond("Complete", "True", "", "", 318)]}})  # fmt: skip
    done.finished(True, 318)
    estate.add(
        "Service",
        other,
        "courier-external",
        {"spec": {"type": "ClusterIP", "ports": [{"port": 443, "protocol": "TCP"}]}},
    )
    estate.add("ConfigMap", space, "berth-colours", {"data": {"north": "red", "south": "green"}})


def _evidence(estate: Estate, topology: Topology) -> None:
    """Optional evidence of a cluster that is well: an alert that always fires, node services, usage, reachability."""
    estate.alert("Watchdog", "This is an alert meant to ensure that the entire alerting pipeline is functional.",
                 severity="none", ago=9 * DAY)  # fmt: skip
    runtime = "crio" if topology.distro == "openshift" else "containerd"
    for node in estate.nodes:
        for service in ("kubelet", runtime, "kube-proxy"):
            estate.node_service(node, service)
        instance = node["status"]["addresses"][0]["address"] + ":9100"
        estate.metric("node_load1", steady(0.9), instance=instance, node=node["metadata"]["name"], job="node-exporter")
        estate.metric("node_netstat_Tcp_RetransSegs", counter(steady(0.4)), instance=instance,
                      node=node["metadata"]["name"], job="node-exporter")  # fmt: skip
        estate.metric("node_timex_offset_seconds", steady(0.0002), instance=instance, node=node["metadata"]["name"],
                      job="node-exporter")  # fmt: skip
    for cast in topology.casts:
        estate.connect(cast.space, cast.peer, 80)
        pod = next(p for app in estate.apps if app.name == cast.peer for p in app.pods)["metadata"]["name"]
        labels = {"namespace": cast.space, "pod": pod, "container": cast.peer}
        estate.metric("container_cpu_usage_seconds_total", counter(steady(0.08)), **labels)
        estate.metric("container_memory_working_set_bytes", steady(140e6), **labels)
