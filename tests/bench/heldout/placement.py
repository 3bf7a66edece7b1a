# ruff: noqa: E501  (messages stand as kubelet, scheduler and runtimes write them)
"""Incidents before a container exists: scheduling and storage."""

from __future__ import annotations

from tests.bench.heldout.case import FIRST, Fault, fault
from tests.bench.heldout.dump import DAY, Dump
from tests.bench.heldout.props import claim, volume

case = FIRST.case


# Scheduling


@case("incident", "eks", "v1.29.8-eks-a737599")
def cpu_request_larger_than_any_node(d: Dump) -> list[Fault]:
    """16 cores asked, 7.9 allocatable on every node."""
    a = d.app("sim", "solver", replicas=1, c={"resources": {"requests": {"cpu": "16", "memory": "4Gi"}}})
    a.unscheduled(
        "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."
    )
    return [fault("insufficient_cpu", "Deployment sim/solver")]


@case("incident", "k3s", "v1.24.10+k3s1", 2)
def cluster_is_full_of_cpu_requests(d: Dump) -> list[Fault]:
    """Each pod would fit an empty node; what runs has requested nearly all. Old wording without preemption text."""
    d.app(
        "batch", "cruncher", replicas=4, c={"resources": {"requests": {"cpu": "3500m", "memory": "1Gi"}}}, age=9 * DAY
    )
    a = d.app("shop", "basket", replicas=3, c={"resources": {"requests": {"cpu": "1500m", "memory": "256Mi"}}})
    a.unscheduled("0/2 nodes are available: 2 Insufficient cpu.", a.pods[1:])
    return [fault("insufficient_cpu", "Deployment shop/basket")]


@case("incident", "gke", "v1.30.8-gke.1051000")
def memory_request_above_the_pool(d: Dump) -> list[Fault]:
    """A StatefulSet asks 64Gi; the autoscaler says that no pool could hold it."""
    a = d.app(
        "graph", "neo", kind="StatefulSet", replicas=1, c={"resources": {"requests": {"cpu": "1", "memory": "64Gi"}}}
    )
    a.unscheduled(
        "0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    a.event(
        "NotTriggerScaleUp",
        "pod didn't trigger scale-up: 1 Insufficient memory, 2 max node group size reached",
        by="cluster-autoscaler",
        type_="Normal",
    )
    return [fault("insufficient_memory", "StatefulSet graph/neo")]


@case("incident", "eks", "v1.31.5-eks-5d632ec")
def gpu_on_a_cluster_without_gpus(d: Dump) -> list[Fault]:
    """nvidia.com/gpu requested, no node offers it (device plugin absent)."""
    a = d.app(
        "llm",
        "vllm",
        replicas=1,
        c={"resources": {"limits": {"nvidia.com/gpu": "1"}, "requests": {"nvidia.com/gpu": "1", "cpu": "2"}}},
    )
    a.unscheduled(
        "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    return [fault("insufficient_gpu_or_extended", "Deployment llm/vllm")]


@case("incident", "openshift", "v1.27.16+03a907c")
def sriov_resources_used_up(d: Dump) -> list[Fault]:
    """An SR-IOV resource exists on one node and is used up; the others lack it."""
    d.nodes[0]["status"]["allocatable"]["openshift.io/mlxnics"] = "1"
    d.app(
        "ran",
        "du",
        replicas=1,
        c={"resources": {"requests": {"openshift.io/mlxnics": "1"}, "limits": {"openshift.io/mlxnics": "1"}}},
        age=3 * DAY,
    )
    a = d.app(
        "ran",
        "cu",
        replicas=1,
        c={"resources": {"requests": {"openshift.io/mlxnics": "1"}, "limits": {"openshift.io/mlxnics": "1"}}},
    )
    a.unscheduled(
        "0/3 nodes are available: 3 Insufficient openshift.io/mlxnics. preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling."
    )
    return [fault("insufficient_gpu_or_extended", "Deployment ran/cu")]


@case("incident", "gke", "v1.28.14-gke.1175000")
def node_selector_of_a_retired_pool(d: Dump) -> list[Fault]:
    """nodeSelector names a pool label that no node carries any more."""
    a = d.app("img", "thumbs", spec={"nodeSelector": {"cloud.google.com/gke-nodepool": "highmem-old"}})
    a.unscheduled(
        "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    return [fault("node_selector_mismatch", "Deployment img/thumbs")]


@case("incident", "eks", "v1.25.9-eks-0a21954")
def required_affinity_to_a_missing_zone(d: Dump) -> list[Fault]:
    """requiredDuringScheduling nodeAffinity for a zone that has no node."""
    term = {"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-f"]}]}
    spec = {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
    }
    a = d.app("log", "loki", kind="StatefulSet", replicas=1, spec=spec)
    a.unscheduled(
        "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    return [fault("node_affinity_mismatch", "StatefulSet log/loki")]


@case("incident", "eks", "v1.30.4-eks-a737599")
def anti_affinity_with_more_replicas_than_nodes(d: Dump) -> list[Fault]:
    """Required anti-affinity by host, four replicas, three nodes."""
    rule = {
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "etcd-x"}},
        "topologyKey": "kubernetes.io/hostname",
    }
    a = d.app(
        "kv",
        "etcd-x",
        kind="StatefulSet",
        replicas=4,
        spec={"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}}},
    )
    a.unscheduled(
        "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.",
        a.pods[3:],
    )
    return [fault("pod_anti_affinity", "StatefulSet kv/etcd-x")]


@case("incident", "k3s", "v1.27.4+k3s1", 3)
def anti_affinity_rollout_deadlock(d: Dump) -> list[Fault]:
    """The new ReplicaSet's pod cannot go beside the old ones, maxUnavailable 0 keeps those: old wording with satisfy."""
    rule = {
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "dns-edge"}},
        "topologyKey": "kubernetes.io/hostname",
    }
    a = d.app("edge", "dns-edge", replicas=3, age=8 * DAY, spec={"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}}},
              over={"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}})  # fmt: skip
    a.unscheduled(
        "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. preemption: 0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules.",
        a.new_revision({"image": "quay.io/acme/dns-edge:2"}),
    )
    return [fault("pod_anti_affinity", "Deployment edge/dns-edge")]


@case("incident", "eks", "v1.32.1-eks-5d632ec")
def tainted_pool_without_toleration(d: Dump) -> list[Fault]:
    """The only nodes with the label carry a taint that the pod does not tolerate; the rest lack the label."""
    for node in d.nodes[:2]:
        node["metadata"]["labels"]["pool"] = "spot"
        node["spec"]["taints"] = [{"key": "acme.io/spot", "value": "true", "effect": "NoSchedule"}]
    a = d.app("crawl", "fetcher", spec={"nodeSelector": {"pool": "spot"}})
    a.unscheduled(
        "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 2 node(s) had untolerated taint {acme.io/spot: true}. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    return [fault("taint_not_tolerated", "Deployment crawl/fetcher")]


@case("incident", "openshift", "v1.24.16+d65b6c1")
def old_taint_wording_on_control_plane(d: Dump) -> list[Fault]:
    """1.2x wording 'had taint {..}, that the pod didn't tolerate' for a bare pod."""
    for node in d.nodes:
        node["spec"]["taints"] = [{"key": "node-role.kubernetes.io/infra", "value": "reserved", "effect": "NoExecute"}]
    a = d.app(
        "tools",
        "dbg",
        kind="Pod",
        spec={"tolerations": [{"key": "node-role.kubernetes.io/infra", "effect": "NoSchedule", "operator": "Exists"}]},
    )
    a.unscheduled(
        "0/3 nodes are available: 3 node(s) had taint {node-role.kubernetes.io/infra: reserved}, that the pod didn't tolerate."
    )
    return [fault("taint_not_tolerated", "Pod tools/dbg")]


@case("incident", "kind", "v1.29.2", 2)
def every_node_is_cordoned(d: Dump) -> list[Fault]:
    """All nodes unschedulable after an unfinished upgrade."""
    for node in d.nodes:
        node["spec"]["unschedulable"] = True
        node["spec"]["taints"] = [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]
    a = d.app("ci", "runner", kind="StatefulSet", replicas=1)
    a.unscheduled(
        "0/2 nodes are available: 2 node(s) were unschedulable. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
    )
    return [fault("nodes_cordoned", "StatefulSet ci/runner", *(f"Node {n['metadata']['name']}" for n in d.nodes))]


@case("incident", "eks", "v1.31.3-eks-59bf375", 4)
def cordoned_nodes_and_a_full_rest(d: Dump) -> list[Fault]:
    """Two of four nodes cordoned; the other two are full: the cordon is what took the room away... but the filter names both."""
    for node in d.nodes[2:]:
        node["spec"]["unschedulable"] = True
        node["spec"]["taints"] = [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]
    d.app("web", "front", replicas=2, c={"resources": {"requests": {"cpu": "7200m", "memory": "1Gi"}}}, age=5 * DAY)
    a = d.app("web", "bff", replicas=2, c={"resources": {"requests": {"cpu": "1", "memory": "512Mi"}}})
    a.unscheduled(
        "0/4 nodes are available: 2 Insufficient cpu, 2 node(s) were unschedulable. preemption: 0/4 nodes are available: 2 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling."
    )
    return [
        fault("insufficient_cpu", "Deployment web/bff"),
    ]


@case("incident", "gke", "v1.29.9-gke.1541000")
def hostname_selector_to_a_deleted_node(d: Dump) -> list[Fault]:
    """A nodeSelector on kubernetes.io/hostname names a node that was replaced."""
    a = d.app(
        "lic",
        "dongle",
        replicas=1,
        spec={"nodeSelector": {"kubernetes.io/hostname": "gke-prod-europe-west4-n2-pool-8c1f2d3e-zz9"}},
    )
    a.unscheduled(
        "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    return [fault("node_name_absent", "Deployment lic/dongle")]


@case("incident", "kind", "v1.27.3", 2)
def node_name_of_no_node(d: Dump) -> list[Fault]:
    """spec.nodeName skips the scheduler and names a node that does not exist: Pending without any event."""
    a = d.app("test", "pinned", replicas=1, spec={})
    a.unscheduled("", event=False)
    for pod in a.pods:
        pod["spec"]["nodeName"] = "ci-worker9"
        pod["status"] = {"phase": "Pending", "qosClass": "Burstable"}
    a.obj["spec"]["template"]["spec"]["nodeName"] = "ci-worker9"
    return [fault("node_name_absent", "Deployment test/pinned")]


# Storage


@case("incident", "k3s", "v1.30.6+k3s1", 1)
def claim_for_a_class_of_another_cloud(d: Dump) -> list[Fault]:
    """A chart asks for gp2 on a k3s cluster."""
    pvc = claim(d, "db", "data-pg-0", storageClassName="gp2")
    d.event(pvc, "ProvisioningFailed", 'storageclass.storage.k8s.io "gp2" not found', by="persistentvolume-controller")
    a = d.app("db", "pg", kind="StatefulSet", replicas=1, spec=volume("data-pg-0"))
    a.unscheduled(
        "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )
    return [fault("pvc_storageclass_missing", "PersistentVolumeClaim db/data-pg-0", "StatefulSet db/pg")]


@case("incident", "openshift", "v1.28.9+8ca3b3f")
def claim_without_class_and_no_default(d: Dump) -> list[Fault]:
    """No storageClassName, no default class, no volume: 'no persistent volumes available ... no storage class is set'."""
    d.objects["StorageClass"].clear()
    pvc = claim(d, "jenkins", "jenkins-home")
    d.event(
        pvc,
        "FailedBinding",
        "no persistent volumes available for this claim and no storage class is set",
        by="persistentvolume-controller",
        type_="Normal",
        count=140,
    )
    a = d.app("jenkins", "controller", replicas=1, spec=volume("jenkins-home"))
    a.unscheduled(
        "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    return [
        fault("pvc_storageclass_missing", "PersistentVolumeClaim jenkins/jenkins-home", "Deployment jenkins/controller")
    ]


@case("incident", "eks", "v1.28.9-eks-036c24b")
def deployment_mounts_an_absent_claim(d: Dump) -> list[Fault]:
    """The claim that the pod names does not exist."""
    a = d.app("share", "files", replicas=1, spec=volume("files-data"))
    a.unscheduled(
        '0/3 nodes are available: persistentvolumeclaim "files-data" not found. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.'
    )
    return [fault("pvc_absent", "Deployment share/files", "PersistentVolumeClaim share/files-data")]


@case("incident", "gke", "v1.25.16-gke.1460000")
def job_mounts_a_deleted_claim(d: Dump) -> list[Fault]:
    """A restore Job names a claim that was deleted; old wording."""
    a = d.app(
        "ops",
        "restore",
        kind="Job",
        spec={**volume("backup-2025"), "restartPolicy": "Never"},
        over={"status": {"active": 1}},
    )
    a.unscheduled('persistentvolumeclaim "backup-2025" not found')
    return [fault("pvc_absent", "Job ops/restore", "PersistentVolumeClaim ops/backup-2025")]
