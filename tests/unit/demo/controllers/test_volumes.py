"""Claims and volumes: binding, provisioning, attaching, protection and release."""

from __future__ import annotations

from typing import Any

from tests.unit.demo.controllers.builders import SPACE, Sim, a_container, condition


def claim(sim: Sim, name: str = "data", storage_class: str = "gp3", size: str = "5Gi") -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    sim.create("PersistentVolumeClaim", name, spec | {"storageClassName": storage_class})


def user(sim: Sim, name: str = "p", of: str = "data", **spec: Any) -> None:
    volumes = [{"name": "d", "persistentVolumeClaim": {"claimName": of}}]
    container = a_container(volumeMounts=[{"name": "d", "mountPath": "/data"}])
    sim.create("Pod", name, {"containers": [container], "volumes": volumes, **spec})


def phase(sim: Sim, name: str = "data") -> str:
    return str(sim.status("PersistentVolumeClaim", name).get("phase", "Pending"))


def test_a_claim_that_waits_for_its_first_pod_gets_a_volume_in_that_pods_zone() -> None:
    sim = Sim()
    claim(sim)
    sim.run(20)
    assert phase(sim) == "Pending"
    assert "waiting for first consumer to be created before binding" in sim.events("WaitForFirstConsumer", "data")
    user(sim)
    sim.run(20)
    assert (phase(sim), condition(sim.get("Pod", "p"), "Ready")) == ("Bound", "True")
    volume = sim.get("PersistentVolume", sim.get("PersistentVolumeClaim", "data")["spec"]["volumeName"])
    terms = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    node = sim.get("Node", sim.get("Pod", "p")["spec"]["nodeName"])
    zone = node["metadata"]["labels"]["topology.kubernetes.io/zone"]
    assert terms[0]["matchExpressions"][0]["values"] == [zone]
    assert sim.events("SuccessfulAttachVolume", "p")


def test_an_immediate_class_binds_without_a_pod() -> None:
    sim = Sim()
    sim.storage_class("fast", mode="Immediate")
    claim(sim, storage_class="fast")
    sim.run(5)
    assert phase(sim) == "Bound"


def test_a_class_that_does_not_exist_leaves_the_claim_and_its_pod_pending() -> None:
    sim = Sim()
    claim(sim, storage_class="gp9")
    user(sim)
    sim.run(60)
    assert phase(sim) == "Pending"
    assert sim.events("ProvisioningFailed", "data") == ['storageclass.storage.k8s.io "gp9" not found']
    assert "unbound immediate PersistentVolumeClaims" in condition(sim.get("Pod", "p"), "PodScheduled", "message")
    sim.storage_class("gp9")
    sim.run(60)
    assert phase(sim) == "Bound"


def test_a_ready_made_volume_of_the_right_size_is_taken() -> None:
    sim = Sim()
    csi = {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1"}
    for name, size in (("small", "1Gi"), ("right", "8Gi")):
        spec = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], "storageClassName": "old", "csi": csi}
        sim.api.create("PersistentVolume", {"metadata": {"name": name}, "spec": spec})
    sim.settle()
    assert sim.status("PersistentVolume", "right")["phase"] == "Available"
    claim(sim, storage_class="old")
    sim.run(5)
    assert sim.get("PersistentVolumeClaim", "data")["spec"]["volumeName"] == "right"


def test_two_nodes_cannot_have_one_disk() -> None:
    sim = Sim()
    claim(sim)
    user(sim, "first")
    sim.run(20)
    first = sim.get("Pod", "first")["spec"]["nodeName"]
    zone = sim.get("Node", first)["metadata"]["labels"]["topology.kubernetes.io/zone"]
    other = next(name for name in sim.nodes if name != first)
    sim.api.patch("Node", "", other, {"metadata": {"labels": {"topology.kubernetes.io/zone": zone}}})
    user(sim, "second", nodeSelector={"kubernetes.io/hostname": other})
    sim.run(60)
    waiting = sim.get("Pod", "second")["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] == "ContainerCreating"
    assert any("Multi-Attach error for volume" in text for text in sim.events("FailedAttachVolume", "second"))
    sim.api.delete("Pod", SPACE, "first")
    sim.run(150)
    assert condition(sim.get("Pod", "second"), "Ready") == "True"


def test_a_claim_in_use_is_protected_until_its_pod_is_gone() -> None:
    sim = Sim()
    claim(sim)
    user(sim)
    sim.run(20)
    volume = sim.get("PersistentVolumeClaim", "data")["spec"]["volumeName"]
    sim.api.delete("PersistentVolumeClaim", SPACE, "data")
    sim.run(20)
    assert sim.get("PersistentVolumeClaim", "data")["metadata"]["deletionTimestamp"]
    sim.api.delete("Pod", SPACE, "p")
    sim.run(30)
    assert sim.api.find("PersistentVolumeClaim", SPACE, "data") is None
    assert sim.api.find("PersistentVolume", "", volume) is None


def test_a_volume_that_is_to_be_retained_is_released() -> None:
    sim = Sim()
    sim.storage_class("keep", mode="Immediate", reclaimPolicy="Retain")
    claim(sim, storage_class="keep")
    sim.run(5)
    volume = sim.get("PersistentVolumeClaim", "data")["spec"]["volumeName"]
    sim.api.delete("PersistentVolumeClaim", SPACE, "data")
    sim.run(5)
    assert sim.status("PersistentVolume", volume)["phase"] == "Released"


def test_a_claim_whose_volume_is_gone_is_lost() -> None:
    sim = Sim()
    sim.storage_class("fast", mode="Immediate")
    claim(sim, storage_class="fast")
    sim.run(5)
    volume = sim.get("PersistentVolumeClaim", "data")["spec"]["volumeName"]
    sim.api.store.remove(("", "persistentvolumes"), "", volume)
    sim.run(5)
    assert phase(sim) == "Lost"
