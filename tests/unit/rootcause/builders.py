"""Clusters in a few words: plain Kubernetes objects as the API writes them, decoded like a real snapshot.

    cluster = a_cluster()
    cluster.deployment("shop/cart").crashing(exit_code=1, log="KeyError: 'X'")
    diagnosis = cluster.diagnosis()

Everything is healthy until a test says otherwise. EndpointSlices are derived from Services and pods, as the controller
would.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from chalicelib.rootcause import Diagnosis, Problem, diagnose
from chalicelib.state.decode import decode_items, sorted_objects
from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Gap, LogKey, Snapshot
from chalicelib.state.world import World
from tests.unit.rootcause.workloads import NOW, Plain, Workload, ago, condition, is_ready, split

ALWAYS_READ = tuple(entry.kind for entry in KINDS if not entry.optional)

__all__ = ["NOW", "Cluster", "Plain", "Workload", "a_cluster", "ago", "condition", "only", "split", "sure"]


class Cluster:
    """Objects by kind, logs and gaps."""

    def __init__(self) -> None:
        self.objects: dict[str, list[Plain]] = defaultdict(list)
        self.logs: dict[LogKey, str] = {}
        self.gaps: list[Gap] = []
        self._unread: set[str] = set()
        self._count = 0

    def add(self, kind: str, where: str, body: Plain | None = None) -> Plain:
        """Any object; metadata that a test does not give is filled in."""
        namespace, name = split(where)
        self._count += 1
        meta = {"name": name, "uid": f"uid-{self._count:06d}", "creationTimestamp": ago(9000), "generation": 1}
        if namespace:
            meta["namespace"] = namespace
            self.namespace(namespace)
        obj = {**(body or {})}
        obj["metadata"] = {**meta, **obj.get("metadata", {})}
        obj["kind"] = kind
        self.objects[kind].append(obj)
        return obj

    def namespace(self, name: str, **labels: str) -> Plain:
        found = next((n for n in self.objects["Namespace"] if n["metadata"]["name"] == name), None)
        if found is None:
            found = self.add(
                "Namespace",
                name,
                {"status": {"phase": "Active"}, "metadata": {"labels": {"kubernetes.io/metadata.name": name}}},
            )
            self.add("ServiceAccount", f"{name}/default")
        found["metadata"].setdefault("labels", {}).update(labels)
        return found

    def node(
        self,
        name: str,
        *,
        cpu: str = "4",
        memory: str = "16Gi",
        ready: str = "True",
        cordoned: bool = False,
        labels: Plain | None = None,
        taints: list[Plain] | None = None,
        extended: Plain | None = None,
        conditions: Iterable[Plain] = (),
    ) -> Plain:
        return self.add(
            "Node",
            name,
            {
                "metadata": {
                    "labels": {"kubernetes.io/hostname": name, "kubernetes.io/arch": "amd64", **(labels or {})}
                },
                "spec": {"unschedulable": cordoned, "taints": taints or []},
                "status": {
                    "allocatable": {"cpu": cpu, "memory": memory, "pods": "110", **(extended or {})},
                    "conditions": [
                        condition("Ready", ready, "KubeletReady" if ready == "True" else "NodeStatusUnknown"),
                        *conditions,
                    ],
                },
            },
        )

    def _workload(self, kind: str, where: str, replicas: int, container: Plain) -> Workload:
        namespace, name = split(where)
        return Workload(self, kind, namespace, name, replicas, container)

    def deployment(self, where: str, replicas: int = 1, **container: Any) -> Workload:
        return self._workload("Deployment", where, replicas, container)

    def stateful_set(self, where: str, replicas: int = 1, **container: Any) -> Workload:
        return self._workload("StatefulSet", where, replicas, container)

    def pod(self, where: str, **container: Any) -> Workload:
        return self._workload("Pod", where, 1, container)

    def service(
        self, where: str, selector: Plain | None = None, *, port: int = 80, target: int | str = 8080, **spec: Any
    ) -> Plain:
        name = split(where)[1]
        ports = [{"name": "http", "port": port, "targetPort": target, "protocol": "TCP"}]
        return self.add(
            "Service",
            where,
            {"spec": {"selector": {"app": name} if selector is None else selector, "ports": ports, **spec}},
        )

    def event(
        self, obj: Plain, reason: str, message: str, *, minutes: float = 2, count: int = 3, type_: str = "Warning"
    ) -> Plain:
        meta = obj["metadata"]
        involved = {
            "kind": obj["kind"],
            "name": meta["name"],
            "uid": meta["uid"],
            **({"namespace": meta["namespace"]} if "namespace" in meta else {}),
        }
        return self.add(
            "Event",
            f"{meta.get('namespace', 'default')}/{meta['name']}.{self._count}",
            {
                "involvedObject": involved,
                "reason": reason,
                "message": message,
                "type": type_,
                "count": count,
                "firstTimestamp": ago(minutes + 10),
                "lastTimestamp": ago(minutes),
            },
        )

    def log(self, pod: Plain, container: str, text: str, *, previous: bool = False) -> None:
        self.logs[LogKey(pod["metadata"]["namespace"], pod["metadata"]["name"], container, previous)] = text

    def without(self, *kinds: str, reason: str = "not_recorded") -> Cluster:
        """Kinds that were not read, with the gap that says so."""
        for kind in kinds:
            self._unread.add(kind)
            self.gaps.append(Gap(kind=kind, reason=reason, message=f"{kind} was not read"))  # type: ignore[arg-type]
        return self

    def without_events(self) -> Cluster:
        """An hour later: events have expired."""
        self.objects["Event"] = []
        return self

    def without_logs(self) -> Cluster:
        self.logs = {}
        return self

    def _slices(self) -> list[Plain]:
        found = []
        for service in self.objects["Service"]:
            selector, meta = service["spec"].get("selector"), service["metadata"]
            if not selector:
                continue
            pods = [
                p
                for p in self.objects["Pod"]
                if p["metadata"]["namespace"] == meta["namespace"]
                and p["status"].get("podIP")
                and selector.items() <= p["metadata"].get("labels", {}).items()
            ]
            endpoints = [
                {
                    "addresses": [p["status"]["podIP"]],
                    "conditions": {"ready": is_ready(p)},
                    "targetRef": {"kind": "Pod", "name": p["metadata"]["name"], "namespace": meta["namespace"]},
                }
                for p in pods
            ]
            found.append(
                {
                    "metadata": {
                        "name": f"{meta['name']}-x",
                        "namespace": meta["namespace"],
                        "labels": {"kubernetes.io/service-name": meta["name"]},
                    },
                    "endpoints": endpoints,
                }
            )
        return found

    def snapshot(self) -> Snapshot:
        plain = {kind: self.objects.get(kind, []) for kind in ALWAYS_READ}
        plain.update({k: v for k, v in self.objects.items() if k not in plain})
        plain["EndpointSlice"] = self._slices()
        objects = {}
        for kind, items in plain.items():
            if kind in self._unread:
                continue
            decoded, rejected = decode_items(items, KINDS.get(kind))
            assert not rejected, rejected
            objects[kind] = sorted_objects(decoded)
        return Snapshot("test", NOW, objects, gaps=tuple(self.gaps), logs=self.logs)

    def diagnosis(self, **question: Any) -> Diagnosis:
        found = diagnose(World(self.snapshot()), **question)
        broken = [g for g in found.gaps if g.kind == "rootcause"]
        assert not broken, broken
        return found


def a_cluster(nodes: int = 3) -> Cluster:
    """Three nodes of 4 cores and a small healthy shop: web -> api -> db, each with a Service."""
    cluster = Cluster()
    for number in range(nodes):
        cluster.node(f"node-{number}")
    cluster.add(
        "StorageClass",
        "standard",
        {
            "provisioner": "ebs.csi.example.com",
            "metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        },
    )
    cluster.add("IngressClass", "public", {"spec": {"controller": "example.com/ingress"}})
    for name in ("web", "api"):
        cluster.deployment(f"shop/{name}", replicas=2)
        cluster.service(f"shop/{name}")
    cluster.stateful_set("shop/db", ports=[{"containerPort": 5432}])
    cluster.service("shop/db", port=5432, target=5432)
    return cluster


def sure(diagnosis: Diagnosis) -> list[tuple[Ref, str]]:
    """What a diagnosis is sure of: (resource, mode) above one half."""
    return [(p.resource, p.mode) for p in diagnosis.problems if p.probability > 0.5]


def only(diagnosis: Diagnosis) -> Problem:
    """The one thing that is wrong."""
    found = [p for p in diagnosis.problems if p.probability > 0.5]
    assert len(found) == 1, [(str(p.resource), p.mode, p.probability) for p in diagnosis.problems]
    return found[0]
