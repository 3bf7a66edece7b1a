"""What a control plane holds when it has just started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.local.demo.server import rbac
from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

SYSTEM_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
_CRITICAL = (("system-cluster-critical", 2_000_000_000), ("system-node-critical", 2_000_001_000))


def bootstrap(api: Api) -> None:
    """System namespaces, the default roles, the critical priority classes and the Service of the API itself."""
    for name in SYSTEM_NAMESPACES:
        if api.find("Namespace", "", name) is None:
            api.create("Namespace", {"metadata": {"name": name}}, manager="kube-apiserver")
    for obj in rbac.bootstrap_objects():
        if api.find(obj["kind"], "", obj["metadata"]["name"]) is None:
            api.load([obj])
    for name, value in _CRITICAL:
        if api.find("PriorityClass", "", name) is None:
            api.create("PriorityClass", {"metadata": {"name": name}, "value": value}, manager="kube-apiserver")
    if api.find("Service", "default", "kubernetes") is None:
        api.create("Service", _api_service(), namespace="default", manager="kube-apiserver")


def _api_service() -> Object:
    labels = {"component": "apiserver", "provider": "kubernetes"}
    return {
        "metadata": {"name": "kubernetes", "labels": labels},
        "spec": {"clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443, "targetPort": 6443}]},
    }
