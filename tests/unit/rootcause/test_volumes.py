"""Claims that no volume fits, by the field that keeps them apart."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import Cluster, a_cluster, only, sure

DATA = Ref("PersistentVolumeClaim", "shop", "data")
FITS: dict[str, Any] = {
    "storageClassName": "manual",
    "accessModes": ["ReadWriteOnce"],
    "capacity": {"storage": "10Gi"},
}


def waiting(
    volume: dict[str, Any], *, phase: str = "Available", labels: dict[str, str] | None = None, **claim: Any
) -> Cluster:
    cluster = a_cluster()
    cluster.add("StorageClass", "manual", {"provisioner": "kubernetes.io/no-provisioner"})
    body = {
        "storageClassName": "manual",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "5Gi"}},
        **claim,
    }
    cluster.add("PersistentVolumeClaim", "shop/data", {"spec": body, "status": {"phase": "Pending"}})
    meta = {"metadata": {"labels": labels or {}}}
    cluster.add("PersistentVolume", "disk-1", {**meta, "spec": {**FITS, **volume}, "status": {"phase": phase}})
    return cluster


OTHERS = {"kind": "PersistentVolumeClaim", "namespace": "bank", "name": "ledger"}
OWN = {"kind": "PersistentVolumeClaim", "namespace": "shop", "name": "data", "uid": "of-an-earlier-one"}


@pytest.mark.parametrize(
    ("mode", "cluster"),
    [
        ("pvc_access_mode", waiting({}, accessModes=["ReadWriteMany"])),
        ("pvc_selector", waiting({}, selector={"matchLabels": {"disk": "fast"}})),
        ("pvc_capacity", waiting({"capacity": {"storage": "1Gi"}})),
        ("pv_already_bound", waiting({"claimRef": OTHERS}, phase="Bound", volumeName="disk-1")),
        ("pv_released_failed", waiting({"claimRef": OWN}, phase="Released")),
        ("pv_released_failed", waiting({}, phase="Failed", volumeName="disk-1")),
    ],
)
def test_the_field_that_keeps_claim_and_volume_apart_is_named(mode: str, cluster: Cluster):
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (DATA, mode)


@pytest.mark.parametrize("phase", ["Bound", "Released"])
def test_volumes_of_others_decide_nothing_where_volumes_are_made_on_demand(phase: str):
    cluster = waiting({"claimRef": OTHERS, "storageClassName": "standard"}, phase=phase, storageClassName="standard")
    assert sure(cluster.diagnosis()) == []


def test_a_claim_that_is_bound_has_no_fault():
    cluster = waiting({}, accessModes=["ReadWriteMany"])
    cluster.objects["PersistentVolumeClaim"][0]["status"]["phase"] = "Bound"
    assert cluster.diagnosis().outcome == "no_fault"


def test_a_provisioner_that_refuses_an_access_mode_is_believed():
    cluster = waiting({}, storageClassName="standard", accessModes=["ReadWriteMany"])
    claim = cluster.objects["PersistentVolumeClaim"][0]
    cluster.event(
        claim,
        "ProvisioningFailed",
        "rpc error: code = InvalidArgument desc = unsupported access mode MULTI_NODE_MULTI_WRITER",
    )
    assert only(cluster.diagnosis()).mode == "pvc_access_mode"


def test_a_claim_that_lost_its_volume_says_so():
    cluster = waiting({}, volumeName="disk-9")
    cluster.objects["PersistentVolumeClaim"][0]["status"]["phase"] = "Lost"
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode, problem.severity) == (DATA, "pv_released_failed", "critical")
