"""The cluster as it was when the recording began: users, nodes, and the metrics manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from infra.local.demo.server.api import Api, Usage
from infra.local.demo.server.bootstrap import bootstrap
from tests.functional.demo.conformance.recording import manifests

USERS = {
    "admin": (("system:masters",), "1"),
    "editor": (("team-shop",), "6"),
    "viewer": ((), "7"),
    "kubilitics": ((), "8"),
}
ZONES = "abc"


def token(user: str) -> str:
    return f"token-of-{user}"


def prepare(api: Api, rename: Any) -> None:
    """Users, system objects, nodes n1-n3 and metrics.yaml, then the restart that cut the history."""
    for name, (groups, uid) in USERS.items():
        api.tokens.add(token(name), rename(name), [rename(group) for group in groups], uid)
    bootstrap(api)
    add_nodes(api, rename)
    add_metrics_service(api)
    api.store.compact()


def add_metrics_service(api: Api) -> None:
    """Announce metrics.k8s.io, as the manifest of a metrics server does."""
    for document in yaml.safe_load_all(manifests()["metrics.yaml"]):
        group, _, _ = document["apiVersion"].rpartition("/")
        kind = "APIService" if group else "Service"
        meta = document["metadata"]
        meta["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(document) + "\n"}
        api.create(kind, document, manager="kubectl-client-side-apply")
    api.work_off()


def add_nodes(api: Api, rename: Any = lambda name: name) -> None:
    """Three nodes in three zones."""
    for index, zone in enumerate(ZONES):
        _node(api, rename(f"n{index + 1}"), index, zone)


def _node(api: Api, name: str, index: int, zone: str) -> None:
    labels = {
        "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": "m6i.xlarge", "topology.kubernetes.io/region": "us-east-1",
        "topology.kubernetes.io/zone": f"us-east-1{zone}",
    }  # fmt: skip
    notes = {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}
    spec = {"providerID": f"aws:///us-east-1{zone}/i-0480a93d2e9b094b{index}"}
    api.create(
        "Node", {"metadata": {"name": name, "labels": labels, "annotations": notes}, "spec": spec}, manager="Python"
    )
    beta = {"beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux"}
    patch = {"metadata": {"labels": beta, "annotations": {"node.alpha.kubernetes.io/ttl": "0"}}}
    api.patch("Node", "", name, patch, how="strategic")
    api.patch(
        "Node", "", name, {"status": _status(api, name, index)}, how="strategic", subresource="status", manager="Python"
    )


def _status(api: Api, name: str, index: int) -> dict[str, Any]:
    size = {
        "cpu": "4",
        "ephemeral-storage": "83873772Ki",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
        "memory": "16Gi",
        "pods": "58",
    }
    info = {
        "machineID": "m", "systemUUID": "s", "bootID": "b", "kernelVersion": "6.12.40", "osImage": "Amazon Linux 2023",
        "containerRuntimeVersion": "containerd://2.1.4", "kubeletVersion": "v1.36.2", "kubeProxyVersion": "",
        "operatingSystem": "linux", "architecture": "amd64",
    }  # fmt: skip
    now = api.now()
    conditions = [
        {"type": kind, "status": status, "lastHeartbeatTime": now, "lastTransitionTime": now, "reason": reason,
         "message": "-"}
        for kind, status, reason in (
            ("MemoryPressure", "False", "KubeletHasSufficientMemory"),
            ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
            ("PIDPressure", "False", "KubeletHasSufficientPID"), ("Ready", "True", "KubeletReady"),
        )
    ]  # fmt: skip
    addresses = [{"type": "InternalIP", "address": f"10.0.{index + 1}.11"}, {"type": "Hostname", "address": name}]
    return {
        "capacity": size, "allocatable": {**size, "cpu": "3920m", "memory": "15384Mi"}, "conditions": conditions,
        "addresses": addresses, "nodeInfo": info, "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
    }  # fmt: skip


class Metrics:
    """The same usage for everything that runs."""

    def node(self, node: Mapping[str, Any]) -> Usage | None:
        return Usage(0.2, 700 * 2**20)

    def pod(self, pod: Mapping[str, Any]) -> Mapping[str, Usage] | None:
        if (pod.get("status") or {}).get("phase") != "Running":
            return None
        return {container["name"]: Usage(0.03, 60 * 2**20) for container in pod["spec"]["containers"]}
