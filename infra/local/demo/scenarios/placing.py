"""Pods that find no node, and nodes that fail."""

from __future__ import annotations

from infra.local.demo.controllers.programs import Program
from infra.local.demo.scenarios.changes import (
    NOW,
    CordonUnder,
    Create,
    Evict,
    Outside,
    Patch,
    Publish,
    Restart,
    StopScheduler,
    set_container,
    set_image,
)
from infra.local.demo.scenarios.model import Answer, Fault, register
from infra.local.demo.world.machines import MACHINES
from infra.local.demo.world.manifests import REGISTRY, obj

_A, _B, _C, _MEMORY, _COMPUTE, _ARM = (machine.name for machine in MACHINES)
_NO_ADDRESS = (
    'rpc error: code = Unknown desc = failed to setup network for sandbox "8d1f0c6b": plugin '
    'type="aws-cni" name="aws-cni" failed '
    "(add): add cmd: failed to assign an IP address to container"
)
_APART = {
    "requiredDuringSchedulingIgnoredDuringExecution": [
        {
            "topologyKey": "kubernetes.io/hostname",
            "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "crew-roster"}},
        }
    ]
}
_P5 = {"matchExpressions": [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["p5.48xlarge"]}]}
_SPAMMER = obj(
    "Deployment",
    "trace-dump",
    "sandbox",
    api="apps/v1",
    labels={"app.kubernetes.io/name": "trace-dump"},
    spec={
        "replicas": 1,
        "selector": {"matchLabels": {"app.kubernetes.io/name": "trace-dump"}},
        "template": {
            "metadata": {"labels": {"app.kubernetes.io/name": "trace-dump"}},
            "spec": {
                "containers": [
                    {
                        "name": "trace-dump",
                        "image": f"{REGISTRY}/sandbox/trace-dump:0.1.0",
                        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
                    }
                ]
            },
        },
    },
)

register(
    Fault(
        "node-selector",
        "A node pool that does not exist",
        "scheduling",
        (set_container("Deployment", "fleet", "dispatch", pod={"nodeSelector": {"pool": "gpu"}}),),
        Answer("Deployment", "fleet", "dispatch", "node_selector_mismatch"),
        ("a pod stays Pending", "FailedScheduling", "old pods serve"),
        loudest="Pod of dispatch",
        within_30s=("dispatch", "pool=gpu"),
    ),
    Fault(
        "untolerated-taint",
        "A pool that keeps others out",
        "scheduling",
        (
            set_container(
                "Deployment", "analytics", "report-builder", pod={"nodeSelector": {"kubernetes.io/arch": "arm64"}}
            ),
        ),
        Answer("Deployment", "analytics", "report-builder", "taint_not_tolerated"),
        ("a pod stays Pending", "FailedScheduling names a taint but not its key"),
        loudest="Pod of report-builder",
        within_30s=("report-builder", "arch=arm64"),
    ),
    Fault(
        "node-affinity",
        "A node affinity nothing matches",
        "scheduling",
        (
            set_container(
                "Deployment",
                "analytics",
                "ingest",
                pod={
                    "affinity": {
                        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [_P5]}}
                    }
                },
            ),
        ),
        Answer("Deployment", "analytics", "ingest", "node_affinity_mismatch"),
        ("a pod stays Pending", "FailedScheduling"),
        loudest="Pod of ingest",
        within_30s=("ingest", "node affinity"),
    ),
    Fault(
        "anti-affinity",
        "More replicas than nodes that may hold them",
        "scheduling",
        (
            set_container("Deployment", "fleet", "crew-roster", pod={"affinity": {"podAntiAffinity": _APART}}),
            Patch("Deployment", "fleet", "crew-roster", {"spec": {"replicas": 8}}),
        ),
        Answer("Deployment", "fleet", "crew-roster", "pod_anti_affinity"),
        ("some pods stay Pending", "FailedScheduling: anti-affinity rules"),
        loudest="Pods of crew-roster",
        within_30s=("crew-roster", "anti-affinity"),
    ),
    Fault(
        "cordoned-pool",
        "The only node of a pool is cordoned",
        "scheduling",
        (Patch("Node", "", _MEMORY, {"spec": {"unschedulable": True}}), Restart("tracking", "geo-index")),
        Answer("Deployment", "tracking", "geo-index", "nodes_cordoned"),
        (
            "geo-index stays Pending",
            "parcel-tracker logs errors: its Service has no endpoints",
            "FailedScheduling: unschedulable",
        ),
        loudest="Pods of parcel-tracker",
        within_30s=("geo-index", "cordoned"),
    ),
    Fault(
        "absent-node",
        "A pod bound to a node that is gone",
        "scheduling",
        (
            set_container(
                "Deployment", "booking", "seat-map", pod={"nodeName": "ip-10-20-11-250.us-west-2.compute.internal"}
            ),
        ),
        Answer("Deployment", "booking", "seat-map", "node_name_absent"),
        ("a pod stays Pending without any event", "the rollout stands still"),
        loudest="Pod of seat-map",
        within_30s=("seat-map", "ip-10-20-11-250"),
    ),
    Fault(
        "scheduler-down",
        "The scheduler is silent",
        "scheduling",
        (
            StopScheduler(),
            Patch("Deployment", "booking", "fares", {"spec": {"replicas": 4}}),
            Patch("Deployment", "fleet", "dispatch", {"spec": {"replicas": 3}}),
        ),
        Answer(
            "Deployment",
            "kube-system",
            "kube-scheduler",
            "scheduler_down",
            also=(("Deployment", "booking", "fares"), ("Deployment", "fleet", "dispatch")),
        ),
        ("pods stay Pending", "no FailedScheduling event at all"),
        loudest="Pods of fares",
        within_30s=("fares", "scheduler"),
    ),
    Fault(
        "node-down",
        "A machine dies",
        "nodes",
        (Outside("stopped_kubelets", _COMPUTE, NOW),),
        Answer("Node", "", _COMPUTE, "kubelet_down"),
        (
            "the node's lease is stale",
            "NodeNotReady after 50 s",
            "its pods become unready and are evicted after five minutes",
            "every DaemonSet misses one pod",
        ),
        loudest="many Pods",
        within_30s=(),
        settles_s=420,
    ),
    Fault(
        "runtime-down",
        "containerd is dead on one node",
        "nodes",
        (Outside("broken_runtimes", _C, NOW), Restart("observability", "node-stats", _C)),
        Answer("Node", "", _C, "container_runtime_down"),
        (
            "Ready is False: container runtime is down",
            "node-stats stays in ContainerCreating there: FailedCreatePodSandBox",
            "the node is tainted",
        ),
        loudest="Pods on the node",
        within_30s=(),
        settles_s=240,
    ),
    Fault(
        "disk-pressure",
        "A pod fills the disk of its node",
        "nodes",
        (
            Publish(
                f"{REGISTRY}/sandbox/trace-dump:0.1.0",
                Program("trace-dump", listens=(), memory_mib=40, disk_full_after_s=150, serves=()),
            ),
            Create((_SPAMMER,)),
        ),
        Answer(
            "Deployment",
            "sandbox",
            "trace-dump",
            "ephemeral_storage_or_disk_full",
            also=tuple(("Node", "", machine.name) for machine in MACHINES),
            also_modes=("node_pressure_eviction",),
        ),
        (
            "the pod is evicted: low on ephemeral-storage",
            "the node reports DiskPressure",
            "its successor does the same elsewhere",
        ),
        loudest="the Node",
        within_30s=(),
        settles_s=300,
    ),
    Fault(
        "no-addresses",
        "A node has no addresses left for pods",
        "nodes",
        (
            Outside("sandbox_errors", _C, _NO_ADDRESS),
            set_container("Deployment", "fleet", "dispatch", pod={"nodeSelector": {"kubernetes.io/hostname": _C}}),
        ),
        Answer(
            "Deployment",
            "fleet",
            "dispatch",
            "pod_ip_exhaustion",
            also=(("Node", "", _C),),
            also_modes=("sandbox_create_failure",),
        ),
        ("pods stay in ContainerCreating", "FailedCreatePodSandBox: failed to assign an IP address"),
        loudest="Pods of dispatch",
        within_30s=("dispatch", "sandbox"),
    ),
    Fault(
        "blocked-drain",
        "A drain that a disruption budget holds up",
        "nodes",
        (
            Patch("PodDisruptionBudget", "booking", "reservations", {"spec": {"minAvailable": 3}}, "merge"),
            CordonUnder("booking", "reservations"),
            Evict("booking", "reservations"),
        ),
        Answer("PodDisruptionBudget", "booking", "reservations", "pdb_blocks_drain"),
        ("a node stays cordoned with pods on it", "evictions are refused with 429"),
        loudest="the cordoned Node",
        within_30s=("reservations", "drain"),
    ),
    Fault(
        "bad-release-everywhere",
        "A DaemonSet's new image does not exist",
        "nodes",
        (
            set_image("observability", "node-agent", f"{REGISTRY}/observability/node-agent:5.0.0", kind="DaemonSet"),
            Outside("tags", f"{REGISTRY}/observability/node-agent", frozenset({"4.9.0"})),
        ),
        Answer("DaemonSet", "observability", "node-agent", "image_not_found"),
        ("one pod after the other fails to pull", "logs of that node are no longer shipped"),
        loudest="Pod of node-agent",
        within_30s=("node-agent:5.0.0",),
    ),
)
