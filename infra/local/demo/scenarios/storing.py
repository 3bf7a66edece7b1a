"""Volumes that cannot be had."""

from __future__ import annotations

from infra.local.demo.scenarios.changes import Create, set_container
from infra.local.demo.scenarios.model import Answer, Fault, register
from infra.local.demo.world.manifests import obj

_NAME = {"app.kubernetes.io/name": "archive"}
_UPLOADS = {"app.kubernetes.io/name": "uploads"}
_IMAGE = "docker.io/library/nginx:1.29.3"


def _container(name: str) -> dict[str, object]:
    return {
        "name": name,
        "image": _IMAGE,
        "ports": [{"containerPort": 80}],
        "volumeMounts": [{"name": "data", "mountPath": "/srv"}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
    }


_ARCHIVE = (
    obj(
        "Service",
        "archive",
        "tracking",
        spec={"clusterIP": "None", "selector": _NAME, "ports": [{"name": "http", "port": 80}]},
    ),
    obj(
        "StatefulSet",
        "archive",
        "tracking",
        api="apps/v1",
        labels=_NAME,
        spec={
            "replicas": 2,
            "serviceName": "archive",
            "selector": {"matchLabels": _NAME},
            "template": {"metadata": {"labels": _NAME}, "spec": {"containers": [_container("archive")]}},
            "volumeClaimTemplates": [
                {
                    "metadata": {"name": "data"},
                    "spec": {
                        "accessModes": ["ReadWriteOnce"],
                        "storageClassName": "gp3-fast",
                        "resources": {"requests": {"storage": "30Gi"}},
                    },
                }
            ],
        },
    ),
)
_SHARED = (
    obj(
        "PersistentVolumeClaim",
        "uploads",
        "booking",
        spec={
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "gp3",
            "resources": {"requests": {"storage": "20Gi"}},
        },
    ),
    obj(
        "Deployment",
        "uploads",
        "booking",
        api="apps/v1",
        labels=_UPLOADS,
        spec={
            "replicas": 2,
            "selector": {"matchLabels": _UPLOADS},
            "template": {
                "metadata": {"labels": _UPLOADS},
                "spec": {
                    "containers": [_container("uploads")],
                    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "uploads"}}],
                    "nodeSelector": {"topology.kubernetes.io/zone": "us-west-2b"},
                    "affinity": {
                        "podAntiAffinity": {
                            "requiredDuringSchedulingIgnoredDuringExecution": [
                                {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": _UPLOADS}}
                            ]
                        }
                    },
                },
            },
        },
    ),
)

register(
    Fault(
        "storage-class",
        "A claim of a storage class that does not exist",
        "storage",
        (Create(_ARCHIVE),),
        Answer(
            "PersistentVolumeClaim",
            "tracking",
            "data-archive-0",
            "pvc_storageclass_missing",
            also=(("StatefulSet", "tracking", "archive"),),
        ),
        ("archive-0 stays Pending", "the claim stays Pending: ProvisioningFailed", "archive-1 is never made"),
        loudest="Pod archive-0",
        within_30s=("data-archive-0", "gp3-fast"),
        at_start=True,
    ),
    Fault(
        "claim-missing",
        "A pod wants a claim that was never made",
        "storage",
        (
            set_container(
                "Deployment",
                "sandbox",
                "lab",
                pod={"volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "lab-home"}}]},
                volumeMounts=[{"name": "home", "mountPath": "/home/jovyan"}],
            ),
        ),
        Answer("Deployment", "sandbox", "lab", "pvc_absent", also=(("PersistentVolumeClaim", "sandbox", "lab-home"),)),
        ("the new pod stays Pending", 'FailedScheduling: persistentvolumeclaim "lab-home" not found'),
        loudest="Pod of lab",
        within_30s=("lab", "lab-home"),
    ),
    Fault(
        "multi-attach",
        "Two nodes want the same disk",
        "storage",
        (Create(_SHARED),),
        Answer(
            "Deployment",
            "booking",
            "uploads",
            "rwo_multi_attach",
            also=(("PersistentVolumeClaim", "booking", "uploads"),),
        ),
        ("one of two pods stays in ContainerCreating", "FailedAttachVolume: Multi-Attach error"),
        loudest="Pod of uploads",
        within_30s=("uploads", "another node"),
    ),
)
