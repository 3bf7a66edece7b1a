"""Namespaces on their way in and out; nodes that beat, stop, fill up and are cordoned."""

from __future__ import annotations

from datetime import datetime

import pytest

from infra.local.demo.controllers.programs import Program
from infra.local.demo.server.errors import ApiError
from tests.unit.demo.controllers.builders import SPACE, Sim, condition

ALL_FIVE = {
    "NamespaceDeletionDiscoveryFailure", "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure", "NamespaceContentRemaining", "NamespaceFinalizersRemaining",
}  # fmt: skip


# -- namespaces -------------------------------------------------------------------------------------------------------


def test_a_new_namespace_has_an_account_and_the_root_certificate() -> None:
    sim = Sim()
    sim.namespace("fresh")
    assert sim.api.find("ServiceAccount", "fresh", "default")
    assert sim.api.find("ConfigMap", "fresh", "kube-root-ca.crt")


def test_a_deleted_namespace_is_terminating_for_a_while_and_takes_its_content_along() -> None:
    sim = Sim()
    sim.deployment(replicas=1)
    sim.service()
    sim.run(20)
    sim.api.delete("Namespace", "", SPACE)
    sim.run(2)
    assert sim.api.get("Namespace", "", SPACE)["status"]["phase"] == "Terminating"
    assert sim.pods(), "content stays while other servers take notice"
    with pytest.raises(ApiError, match="because it is being terminated"):
        sim.api.create("ConfigMap", {"metadata": {"name": "late"}}, namespace=SPACE)
    sim.run(60)
    assert sim.api.find("Namespace", "", SPACE) is None
    assert sim.api.list("Pod", SPACE) == sim.api.list("Service", SPACE) == []


def test_a_namespace_with_pods_left_says_so_and_deletes_the_rest_after_them() -> None:
    sim = Sim()
    sim.deployment(replicas=1)
    sim.create("ConfigMap", "settings", data={})
    sim.run(20)
    sim.plane.environment.stopped_kubelets = {name: sim.clock.now() for name in sim.nodes}
    sim.api.delete("Namespace", "", SPACE)
    sim.run(20)
    found = sim.api.get("Namespace", "", SPACE)
    assert {one["type"] for one in found["status"]["conditions"]} == ALL_FIVE
    assert "pods. has 1 resource instances" in condition(found, "NamespaceContentRemaining", "message")
    assert sim.get("ConfigMap", "settings")


def test_a_finalizer_nobody_handles_holds_the_namespace_and_is_named() -> None:
    sim = Sim()
    meta = {"name": "plan", "finalizers": ["example.com/archive"]}
    sim.api.create("ConfigMap", {"metadata": meta}, namespace=SPACE)
    sim.api.delete("Namespace", "", SPACE)
    sim.run(120)
    found = sim.api.get("Namespace", "", SPACE)
    text = condition(found, "NamespaceFinalizersRemaining", "message")
    assert text.endswith("example.com/archive in 1 resource instances")
    sim.api.patch("ConfigMap", SPACE, "plan", {"metadata": {"finalizers": []}})
    sim.run(20)
    assert sim.api.find("Namespace", "", SPACE) is None


def test_a_foreground_deletion_ends_after_its_dependents() -> None:
    sim = Sim()
    sim.deployment(replicas=2)
    sim.run(20)
    order: list[str] = []
    sim.api.subscribe(lambda c: order.append(c.key[1]) if c.type == "DELETED" and c.key[1] != "events" else None)
    sim.api.delete("Deployment", SPACE, "cart", propagation="Foreground")
    sim.settle()
    assert sim.get("Deployment")["metadata"]["finalizers"] == ["foregroundDeletion"]
    sim.run(20)
    assert order == ["pods", "pods", "replicasets", "deployments"]


def test_a_background_deletion_takes_the_owner_first() -> None:
    sim = Sim()
    sim.deployment(replicas=1)
    sim.run(20)
    sim.api.delete("Deployment", SPACE, "cart", propagation="Background")
    sim.settle()
    assert sim.api.find("Deployment", SPACE, "cart") is None
    sim.run(20)
    assert (sim.api.list("ReplicaSet", SPACE), sim.pods()) == ([], [])


# -- nodes ------------------------------------------------------------------------------------------------------------


def taints(sim: Sim, name: str) -> set[tuple[str, str]]:
    spec = sim.get("Node", name)["spec"]
    return {(one["key"].rpartition("/")[2], one["effect"]) for one in spec.get("taints") or ()}


def test_a_healthy_node_renews_its_lease_and_keeps_its_conditions() -> None:
    sim = Sim()
    sim.run(35)
    lease = sim.api.get("Lease", "kube-node-lease", sim.nodes[0])
    renewed = datetime.fromisoformat(lease["spec"]["renewTime"].replace("Z", "+00:00"))
    assert (sim.clock.now() - renewed).total_seconds() <= 10
    assert condition(sim.get("Node", sim.nodes[0]), "Ready") == "True"


def test_a_dead_machine_is_unknown_after_50_s_and_loses_its_pods_after_five_minutes() -> None:
    sim = Sim()
    sim.deployment(replicas=3)
    sim.service()
    sim.run(30)
    dead = sim.nodes[1]
    sim.plane.environment.stopped_kubelets[dead] = sim.clock.now()
    sim.run(40)
    assert condition(sim.get("Node", dead), "Ready") == "True"
    sim.run(25)
    assert condition(sim.get("Node", dead), "Ready", "reason") == "NodeStatusUnknown"
    assert {("unreachable", "NoSchedule"), ("unreachable", "NoExecute")} <= taints(sim, dead)
    assert sim.ready() == 2
    assert len(sim.get("Endpoints")["subsets"][0]["addresses"]) == 2
    assert sim.events("NodeNotReady", "cart") == ["Node is not ready"]
    sim.run(290)
    assert any("Marking for deletion" in text for text in sim.events("TaintManagerEviction"))
    lost = [pod for pod in sim.pods() if pod["spec"].get("nodeName") == dead]
    assert all(pod["metadata"].get("deletionTimestamp") for pod in lost), "nobody there to end them"
    assert sim.ready() == 3


def test_a_machine_that_comes_back_ends_what_was_deleted_meanwhile() -> None:
    sim = Sim()
    sim.deployment(replicas=3)
    sim.run(30)
    dead = sim.nodes[1]
    sim.plane.environment.stopped_kubelets[dead] = sim.clock.now()
    sim.run(400)
    del sim.plane.environment.stopped_kubelets[dead]
    sim.kubelet.look_again(dead)
    sim.run(60)
    assert condition(sim.get("Node", dead), "Ready") == "True"
    assert taints(sim, dead) == set()
    assert len(sim.pods()) == 3


def test_a_dead_runtime_makes_the_node_not_ready_and_new_pods_wait() -> None:
    sim = Sim()
    broken = sim.nodes[0]
    sim.plane.environment.broken_runtimes[broken] = sim.clock.now()
    sim.deployment(replicas=3)
    sim.run(60)
    assert "container runtime is down" in condition(sim.get("Node", broken), "Ready", "message")
    assert ("not-ready", "NoExecute") in taints(sim, broken)
    waiting = next(pod for pod in sim.pods() if pod["spec"].get("nodeName") == broken)
    assert any("containerd.sock" in text for text in sim.events("FailedCreatePodSandBox", waiting["metadata"]["name"]))


def test_a_full_disk_evicts_its_filler_and_keeps_others_away() -> None:
    sim = Sim()
    sim.image("fill", Program(listens=(), disk_full_after_s=60))
    sim.deployment(replicas=1, container={"image": "registry.example.com/cart:fill"})
    sim.run(100)
    evicted = next(pod for pod in sim.pods() if pod["status"]["phase"] == "Failed")
    node = evicted["spec"]["nodeName"]
    assert evicted["status"]["reason"] == "Evicted"
    assert "The node was low on resource: ephemeral-storage" in evicted["status"]["message"]
    assert condition(sim.get("Node", node), "DiskPressure") == "True"
    assert ("disk-pressure", "NoSchedule") in taints(sim, node)
    successor = next(pod for pod in sim.pods() if pod["status"]["phase"] != "Failed")
    assert successor["spec"]["nodeName"] != node


def test_a_cordon_is_a_taint_and_lifting_it_takes_the_taint_away() -> None:
    sim = Sim()
    sim.api.patch("Node", "", sim.nodes[0], {"spec": {"unschedulable": True}})
    sim.run(1)
    assert taints(sim, sim.nodes[0]) == {("unschedulable", "NoSchedule")}
    sim.api.patch("Node", "", sim.nodes[0], {"spec": {"unschedulable": None}})
    sim.run(1)
    assert taints(sim, sim.nodes[0]) == set()
