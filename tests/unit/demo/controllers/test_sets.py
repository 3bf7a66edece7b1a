"""ReplicaSets, StatefulSets and DaemonSets."""

from __future__ import annotations

from typing import Any

from infra.local.demo.world.machines import Machine
from tests.unit.demo.controllers.builders import MACHINES, SPACE, Sim, condition

READY_LATE = {"readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "initialDelaySeconds": 20}}
CLAIM = {
    "metadata": {"name": "data"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "gp3",
        "resources": {"requests": {"storage": "5Gi"}},
    },
}


def names(sim: Sim) -> list[str]:
    return [pod["metadata"]["name"] for pod in sim.pods()]


# -- ReplicaSets ------------------------------------------------------------------------------------------------------


def test_a_pod_that_is_deleted_is_replaced() -> None:
    sim = Sim()
    sim.deployment(replicas=2)
    sim.run(20)
    lost = names(sim)[0]
    sim.api.delete("Pod", SPACE, lost)
    sim.run(20)
    assert lost not in names(sim)
    assert sim.ready() == 2


def test_scaling_down_takes_pods_that_do_not_run_first() -> None:
    sim = Sim()
    sim.deployment(replicas=2)
    sim.run(20)
    running = set(names(sim))
    for node in sim.nodes:
        sim.api.patch("Node", "", node, {"spec": {"unschedulable": True}})
    sim.scale("Deployment", "cart", 4)
    sim.scale("Deployment", "cart", 2)
    sim.run(10)
    assert set(names(sim)) == running


def test_minimum_ready_seconds_delay_availability() -> None:
    sim = Sim()
    sim.deployment(replicas=1, minReadySeconds=30)
    sim.run(20)
    assert sim.status("Deployment")["readyReplicas"] == 1
    assert "availableReplicas" not in sim.status("Deployment")
    sim.run(30)
    assert sim.status("Deployment")["availableReplicas"] == 1


def test_a_refused_set_tries_again_when_the_quota_grows() -> None:
    sim = Sim()
    sim.create("ResourceQuota", "team", {"hard": {"pods": "1"}})
    sim.deployment(replicas=2)
    sim.run(5)
    assert any("exceeded quota: team" in text for text in sim.events("FailedCreate"))
    sim.api.patch("ResourceQuota", SPACE, "team", {"spec": {"hard": {"pods": "5"}}})
    sim.run(90)
    assert sim.ready() == 2
    assert condition(sim.get("Deployment"), "ReplicaFailure") is None


# -- StatefulSets -----------------------------------------------------------------------------------------------------


def stateful(sim: Sim, **more: Any) -> None:
    sim.workload("StatefulSet", replicas=3, serviceName="cart", **more)


def test_pods_come_one_after_the_other_each_when_the_one_before_is_ready() -> None:
    sim = Sim()
    stateful(sim, container=READY_LATE)
    sim.run(10)
    assert names(sim) == ["cart-0"]
    sim.run(30)
    assert names(sim) == ["cart-0", "cart-1"]
    sim.run(60)
    assert (names(sim), sim.ready()) == (["cart-0", "cart-1", "cart-2"], 3)


def test_parallel_pods_come_at_once() -> None:
    sim = Sim()
    stateful(sim, podManagementPolicy="Parallel", container=READY_LATE)
    assert len(names(sim)) == 3


def test_pods_go_in_the_opposite_order() -> None:
    sim = Sim()
    stateful(sim)
    sim.run(60)
    gone: list[str] = []
    sim.api.subscribe(lambda c: gone.append(c.name) if (c.key[1], c.type) == ("pods", "DELETED") else None)
    sim.scale("StatefulSet", "cart", 0)
    sim.run(60)
    assert gone == ["cart-2", "cart-1", "cart-0"]


def test_each_pod_has_its_claim_and_gets_it_back() -> None:
    sim = Sim()
    stateful(sim, volumeClaimTemplates=[CLAIM])
    sim.run(90)
    claims = sim.api.list("PersistentVolumeClaim", SPACE)
    assert [one["metadata"]["name"] for one in claims] == ["data-cart-0", "data-cart-1", "data-cart-2"]
    assert {one["status"]["phase"] for one in claims} == {"Bound"}
    volume = claims[1]["spec"]["volumeName"]
    sim.api.delete("Pod", SPACE, "cart-1")
    sim.run(60)
    assert sim.ready() == 3
    assert sim.get("PersistentVolumeClaim", "data-cart-1")["spec"]["volumeName"] == volume
    sim.scale("StatefulSet", "cart", 0)
    sim.run(60)
    assert len(sim.api.list("PersistentVolumeClaim", SPACE)) == 3


def test_a_new_template_replaces_pods_from_the_last_to_the_first() -> None:
    sim = Sim()
    stateful(sim)
    sim.run(60)
    old = sim.status("StatefulSet")["currentRevision"]
    made: list[str] = []
    sim.api.subscribe(lambda c: made.append(c.name) if (c.key[1], c.type) == ("pods", "ADDED") else None)
    sim.set_container("StatefulSet", "cart", image=sim.image("2"))
    sim.run(5)
    assert sim.status("StatefulSet")["updateRevision"] != old == sim.status("StatefulSet")["currentRevision"]
    sim.run(90)
    assert made == ["cart-2", "cart-1", "cart-0"]
    assert sim.status("StatefulSet")["currentRevision"] == sim.status("StatefulSet")["updateRevision"]


def test_a_partition_keeps_the_first_pods_on_the_old_revision() -> None:
    sim = Sim()
    stateful(sim, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})
    sim.run(60)
    sim.set_container("StatefulSet", "cart", image=sim.image("2"))
    sim.run(90)
    images = [pod["spec"]["containers"][0]["image"][-1] for pod in sim.pods()]
    assert images == ["1", "1", "2"]


# -- DaemonSets -------------------------------------------------------------------------------------------------------


def nodes_of(sim: Sim) -> list[str]:
    return sorted(pod["spec"].get("nodeName", "") for pod in sim.pods())


def test_a_daemon_set_has_one_pod_on_each_node_and_follows_new_ones() -> None:
    from infra.local.demo.world.machines import node

    sim = Sim()
    sim.workload("DaemonSet")
    sim.run(20)
    assert nodes_of(sim) == sorted(sim.nodes)
    fourth = Machine("10.0.1.99", "m7i.xlarge", "a", 4, 16, 58)
    sim.api.create("Node", node(fourth, 3))
    sim.run(20)
    assert nodes_of(sim) == sorted([*sim.nodes, fourth.name])
    assert sim.status("DaemonSet")["numberReady"] == sim.status("DaemonSet")["desiredNumberScheduled"] == 4


def test_a_daemon_set_keeps_off_tainted_nodes_unless_it_tolerates_them() -> None:
    tainted = Machine("10.0.3.14", "m7g.xlarge", "c", 4, 16, 58, arch="arm64", taint="arch=arm64:NoSchedule")
    sim = Sim(machines=(*MACHINES, tainted))
    sim.workload("DaemonSet")
    sim.workload("DaemonSet", "everywhere", pod={"tolerations": [{"operator": "Exists"}]})
    sim.run(20)
    assert tainted.name not in nodes_of(sim)
    assert len(sim.pods("everywhere")) == 4


def test_a_daemon_sets_bad_image_stops_after_the_first_pod() -> None:
    sim = Sim()
    sim.workload("DaemonSet")
    sim.run(20)
    sim.plane.environment.tags["registry.example.com/cart"] = frozenset({"1"})
    sim.set_container("DaemonSet", "cart", image="registry.example.com/cart:nope")
    sim.run(120)
    assert sorted(pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in sim.pods()) == ["1", "1", "nope"]
