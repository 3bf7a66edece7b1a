"""Claims without a volume, and pods without a claim."""

from __future__ import annotations

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import a_cluster, only, sure

CLAIM = Ref("PersistentVolumeClaim", "shop", "data")


def mounting(cluster, claim="data"):
    return cluster.deployment("shop/cart").having(
        volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": claim}}]
    )


def test_a_claim_whose_class_does_not_exist_is_named_and_explains_its_pods():
    cluster = a_cluster()
    cluster.add(
        "PersistentVolumeClaim", "shop/data", {"spec": {"storageClassName": "fast"}, "status": {"phase": "Pending"}}
    )
    mounting(cluster).pending("0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.")
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CLAIM, "pvc_storageclass_missing")
    assert Ref("Deployment", "shop", "cart") in problem.explains


def test_the_provisioners_event_decides_where_classes_were_not_read():
    cluster = a_cluster().without("StorageClass")
    claim = cluster.add(
        "PersistentVolumeClaim", "shop/data", {"spec": {"storageClassName": "fast"}, "status": {"phase": "Pending"}}
    )
    cluster.event(claim, "ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found')
    assert sure(cluster.diagnosis()) == [(CLAIM, "pvc_storageclass_missing")]


def test_a_claim_for_volumes_made_by_hand_needs_no_class_object():
    cluster = a_cluster()
    cluster.add(
        "PersistentVolume",
        "pv-1",
        {"spec": {"storageClassName": "manual", "capacity": {"storage": "1Gi"}}, "status": {"phase": "Available"}},
    )
    cluster.add(
        "PersistentVolumeClaim", "shop/data", {"spec": {"storageClassName": "manual"}, "status": {"phase": "Pending"}}
    )
    assert "pvc_storageclass_missing" not in [p.mode for p in cluster.diagnosis().problems]


def test_a_claim_that_does_not_exist_is_blamed_on_the_workload_that_wants_it():
    cluster = a_cluster()
    mounting(cluster).pending('0/3 nodes are available: persistentvolumeclaim "data" not found.')
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (Ref("Deployment", "shop", "cart"), "pvc_absent")


def test_an_absent_claim_is_found_from_objects_alone():
    cluster = a_cluster()
    mounting(cluster).pending()
    assert sure(cluster.diagnosis()) == [(Ref("Deployment", "shop", "cart"), "pvc_absent")]


def test_a_bound_claim_is_well():
    cluster = a_cluster()
    cluster.add(
        "PersistentVolumeClaim",
        "shop/data",
        {"spec": {"storageClassName": "gone", "volumeName": "pv-1"}, "status": {"phase": "Bound"}},
    )
    mounting(cluster)
    assert cluster.diagnosis().outcome == "no_fault"


def test_a_cluster_without_a_default_class_leaves_a_claim_without_volume():
    cluster = a_cluster()
    cluster.objects["StorageClass"][0]["metadata"]["annotations"] = {}
    cluster.add("PersistentVolumeClaim", "shop/data", {"spec": {}, "status": {"phase": "Pending"}})
    assert sure(cluster.diagnosis()) == [(CLAIM, "pvc_storageclass_missing")]
