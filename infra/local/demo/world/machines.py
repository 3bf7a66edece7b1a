"""The six nodes: named EC2 types in three zones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from infra.local.demo.server.store import Object

REGION = "us-west-2"


@dataclass(frozen=True)
class Machine:
    address: str
    type: str
    zone: str
    cpu: int
    memory_gib: int
    pods: int
    pool: str = "general"
    arch: str = "amd64"
    taint: str = ""

    @property
    def name(self) -> str:
        return f"ip-{self.address.replace('.', '-')}.{REGION}.compute.internal"


MACHINES = (
    Machine("10.20.11.37", "m7i.xlarge", "a", 4, 16, 58),
    Machine("10.20.12.84", "m7i.xlarge", "b", 4, 16, 58),
    Machine("10.20.13.16", "m7i.2xlarge", "c", 8, 32, 58),
    Machine("10.20.11.142", "r7i.xlarge", "a", 4, 32, 58, pool="memory"),
    Machine("10.20.12.201", "c7i.2xlarge", "b", 8, 16, 58, pool="compute"),
    Machine("10.20.13.95", "m7g.xlarge", "c", 4, 16, 58, pool="arm", arch="arm64", taint="arch=arm64:NoSchedule"),
)


def node(machine: Machine, index: int) -> Object:
    """A Node as its kubelet registers it."""
    zone = f"{REGION}{machine.zone}"
    digest = hashlib.sha256(machine.name.encode()).hexdigest()
    labels = {
        "beta.kubernetes.io/arch": machine.arch,
        "beta.kubernetes.io/os": "linux",
        "eks.amazonaws.com/nodegroup": machine.pool,
        "kubernetes.io/arch": machine.arch,
        "kubernetes.io/hostname": machine.name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": machine.type,
        "pool": machine.pool,
        "topology.kubernetes.io/region": REGION,
        "topology.kubernetes.io/zone": zone,
        "eks.amazonaws.com/capacityType": "ON_DEMAND",
    }
    capacity = {
        "cpu": str(machine.cpu),
        "ephemeral-storage": "83873772Ki",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": f"{machine.memory_gib * 1024 * 1024 - 262_144}Ki",
        "pods": str(machine.pods),
    }
    room = capacity | {
        "cpu": f"{machine.cpu * 1000 - 80}m",
        "ephemeral-storage": "76224326324",
        "memory": f"{machine.memory_gib * 1024 * 1024 - 1_279_000}Ki",
    }
    subnet = f"10.{244 + index // 256}.{index % 256}.0"
    spec: Object = {
        "podCIDR": f"{subnet}/24",
        "podCIDRs": [f"{subnet}/24"],
        "providerID": f"aws:///{zone}/i-{digest[:17]}",
    }
    if machine.taint:
        key, _, rest = machine.taint.partition("=")
        value, _, effect = rest.partition(":")
        spec["taints"] = [{"key": key, "value": value, "effect": effect}]
    notes = {"node.alpha.kubernetes.io/ttl": "0", "volumes.kubernetes.io/controller-managed-attach-detach": "true"}
    info = {
        "architecture": machine.arch,
        "bootID": _uuid(digest[:32]),
        "containerRuntimeVersion": "containerd://2.1.4",
        "kernelVersion": "6.12.40-63.114.amzn2023." + ("aarch64" if machine.arch == "arm64" else "x86_64"),
        "kubeProxyVersion": "",
        "kubeletVersion": "v1.36.0",
        "machineID": digest[32:],
        "operatingSystem": "linux",
        "osImage": "Amazon Linux 2023",
        "systemUUID": "ec2" + _uuid(digest[16:48])[3:],
    }
    addresses = [{"address": machine.address, "type": "InternalIP"}, {"address": machine.name, "type": "Hostname"}]
    status = {
        "addresses": addresses,
        "allocatable": room,
        "capacity": capacity,
        "conditions": [],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": info,
    }
    meta = {"name": machine.name, "labels": labels, "annotations": notes}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": spec, "status": status}


def csi_node(machine: Machine) -> Object:
    digest = hashlib.sha256(machine.name.encode()).hexdigest()
    driver = {"name": "ebs.csi.aws.com", "nodeID": f"i-{digest[:17]}", "topologyKeys": ["topology.kubernetes.io/zone"]}
    driver["allocatable"] = {"count": 25}  # type: ignore[assignment]
    meta = {"name": machine.name}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": meta, "spec": {"drivers": [driver]}}


def _uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"
