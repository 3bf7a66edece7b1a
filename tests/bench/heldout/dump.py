"""Clusters of a held-out case as the API serves them: JSON lists, decoded by the product's own reader.

Written apart from the engine's tests: nothing here knows a detector. A workload is healthy until a case breaks it;
controller status, EndpointSlices, leases and ReplicaSets follow from the pods, as the controllers would write them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.state.decode import decode_page, sorted_objects
from chalicelib.state.kinds import KINDS
from chalicelib.state.snapshot import Gap, LogKey, Snapshot

Json = dict[str, Any]
NOW = datetime(2025, 3, 14, 9, 30, tzinfo=UTC)
DAY = 1440.0
NODE_NAMES = {
    "eks": "ip-10-42-{0}-1{0}7.eu-west-1.compute.internal",
    "gke": "gke-prod-europe-west4-n2-pool-8c1f2d3e-a{0}bq",
    "k3s": "k3s-agent-{0}",
    "kind": "ci-worker{0}",
    "openshift": "worker-{0}.ocp4.corp.example",
}
RUNTIMES = {"openshift": "cri-o://1.29.11-5.rhaos4.16.git", "k3s": "containerd://1.7.23-k3s2"}


def at(minutes: float) -> str:
    """RFC 3339 time so many minutes before the end of the recording."""
    return (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def cond(type_: str, status: str, reason: str = "", message: str = "", ago: float = 20) -> Json:
    """One status condition."""
    return {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": at(ago)}


def merge(base: Json, over: Json) -> Json:
    """`base` with `over` laid on it, object by object."""
    out = dict(base)
    for key, value in over.items():
        out[key] = merge(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


class Dump:
    """One recorded cluster."""

    def __init__(self, distro: str = "eks", version: str = "v1.29.6", nodes: int = 3) -> None:
        self.distro, self.version = distro, version
        self.objects: dict[str, list[Json]] = defaultdict(list)
        self.logs: dict[LogKey, str] = {}
        self.gaps: list[Gap] = []
        self.unread: set[str] = set()
        self.apps: list[App] = []
        self.usage: dict[tuple[str, str], Any] = {}
        self._serial = 0
        self.nodes = [self.node(NODE_NAMES[distro].format(i)) for i in range(1, nodes + 1)]
        self._system()

    def _system(self) -> None:
        self.add(
            "StorageClass", "", "gp3", {"provisioner": "ebs.csi.aws.com", "volumeBindingMode": "WaitForFirstConsumer"}
        )
        dns = self.app(
            "kube-system",
            "coredns",
            labels={"k8s-app": "kube-dns"},
            age=90 * DAY,
            c={
                "image": "registry.k8s.io/coredns/coredns:v1.11.1",
                "ports": [{"containerPort": 53, "protocol": "UDP", "name": "dns"}],
            },
        )
        self.service(
            "kube-system",
            "kube-dns",
            selector=dns.labels,
            ports=[{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53}],
        )
        self.app(
            "kube-system", "kube-proxy", kind="DaemonSet", age=90 * DAY, spec={"tolerations": [{"operator": "Exists"}]}
        )
        self.service("default", "kubernetes", selector={}, ports=[{"name": "https", "port": 443, "targetPort": 6443}])
        self.add(
            "EndpointSlice",
            "default",
            "kubernetes",
            {
                "addressType": "IPv4",
                "metadata": {"labels": {"kubernetes.io/service-name": "kubernetes"}},
                "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}],
                "endpoints": [{"addresses": ["172.16.0.1"], "conditions": {"ready": True}}],
            },
        )

    def uid(self) -> str:
        self._serial += 1
        return f"5b1d{self._serial:04x}-77aa-4f0e-9c1b-{self._serial * 7919:012x}"

    def add(self, kind: str, ns: str, name: str, body: Json | None = None, age: float = 30 * DAY) -> Json:
        """Any object; `body` may override any metadata."""
        meta: Json = {"name": name, "uid": self.uid(), "creationTimestamp": at(age), "generation": 1}
        meta["resourceVersion"] = str(100000 + self._serial)
        if ns:
            meta["namespace"] = ns
            self.namespace(ns)
        obj = merge({"metadata": meta}, body or {})
        obj["_kind"] = kind
        self.objects[kind].append(obj)
        return obj

    def namespace(self, name: str, labels: Json | None = None) -> Json:
        for found in self.objects["Namespace"]:
            if found["metadata"]["name"] == name:
                found["metadata"]["labels"].update(labels or {})
                return found
        made = self.add(
            "Namespace",
            "",
            name,
            {
                "metadata": {"labels": {"kubernetes.io/metadata.name": name, **(labels or {})}},
                "spec": {"finalizers": ["kubernetes"]},
                "status": {"phase": "Active"},
            },
            age=120 * DAY,
        )
        self.add("ServiceAccount", name, "default")
        self.add("ConfigMap", name, "kube-root-ca.crt", {"data": {"ca.crt": ""}})
        return made

    def node(
        self, name: str, *, cpu: str = "7910m", memory: str = "30Gi", labels: Json | None = None, **over: Any
    ) -> Json:
        ready = [
            cond("MemoryPressure", "False", "KubeletHasSufficientMemory", ago=20 * DAY),
            cond("DiskPressure", "False", "KubeletHasNoDiskPressure", ago=20 * DAY),
            cond("PIDPressure", "False", "KubeletHasSufficientPID", ago=20 * DAY),
            cond("Ready", "True", "KubeletReady", "kubelet is posting ready status", ago=20 * DAY),
        ]
        for c in ready:
            c["lastHeartbeatTime"] = at(2)
        room = {"cpu": cpu, "memory": memory, "pods": "58", "ephemeral-storage": "80Gi"}
        body: Json = {
            "metadata": {
                "labels": {
                    "kubernetes.io/hostname": name,
                    "kubernetes.io/arch": "amd64",
                    "kubernetes.io/os": "linux",
                    "topology.kubernetes.io/zone": "zone-" + "abc"[len(self.objects["Node"]) % 3],
                    **(labels or {}),
                }
            },
            "spec": {"podCIDR": f"10.244.{len(self.objects['Node'])}.0/24"},
            "status": {
                "capacity": room,
                "allocatable": dict(room),
                "conditions": ready,
                "nodeInfo": {
                    "kubeletVersion": self.version,
                    "architecture": "amd64",
                    "operatingSystem": "linux",
                    "containerRuntimeVersion": RUNTIMES.get(self.distro, "containerd://1.7.11"),
                },
            },
        }
        made = self.add("Node", "", name, merge(body, over), age=20 * DAY)
        self.add(
            "Lease",
            "kube-node-lease",
            name,
            {"spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": at(0.1)}},
            age=20 * DAY,
        )
        return made

    def node_down(self, node: Json, status: str, reason: str, message: str, ago: float = 14) -> None:
        """The node's Ready condition turns; a silent kubelet also stops its heartbeat and its lease."""
        silent = status == "Unknown"
        for c in node["status"]["conditions"]:
            if c["type"] == "Ready" or silent:
                c.update(status=status, reason=reason, message=message, lastTransitionTime=at(ago))
            if silent:
                c["lastHeartbeatTime"] = at(ago + 1)
        name = node["metadata"]["name"]
        key = "unreachable" if silent else "not-ready"
        node["spec"]["taints"] = [
            {"key": f"node.kubernetes.io/{key}", "effect": e, "timeAdded": at(ago)} for e in ("NoSchedule", "NoExecute")
        ]
        if silent:
            lease = next(x for x in self.objects["Lease"] if x["metadata"]["name"] == name)
            lease["spec"]["renewTime"] = at(ago + 1)
        self.event(node, "NodeNotReady", f"Node {name} status is now: NodeNotReady", ago=ago, count=1, type_="Normal")
        for app in self.apps:
            for pod in app.pods:
                if pod["spec"].get("nodeName") == name:
                    for c in pod["status"]["conditions"]:
                        if c["type"] == "Ready":
                            c.update(status="False", lastTransitionTime=at(ago))

    def app(self, ns: str, name: str, **made: Any) -> App:
        return App(self, ns, name, **made)

    def service(
        self, ns: str, name: str, selector: Json | None = None, ports: list[Json] | None = None, **spec: Any
    ) -> Json:
        """`selector={}` means none. EndpointSlices follow when the dump is finished."""
        metadata = spec.pop("metadata", {})
        given = {"app.kubernetes.io/name": name} if selector is None else selector
        body: Json = {
            "metadata": metadata,
            "spec": {
                "type": "ClusterIP",
                "clusterIP": f"172.20.{self._serial % 250}.10",
                "ports": ports or [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}],
                **spec,
            },
        }
        for port in body["spec"]["ports"]:
            port.setdefault("protocol", "TCP")
        if given:
            body["spec"]["selector"] = given
        return self.add("Service", ns, name, body)

    def event(
        self,
        obj: Json,
        reason: str,
        message: str,
        *,
        ago: float = 2,
        first: float = 25,
        count: int = 14,
        type_: str = "Warning",
        by: str = "kubelet",
    ) -> None:
        meta = obj["metadata"]
        first = min(first, max(ago, 58.0))  # events live for an hour
        body: Json = {
            "involvedObject": {
                "kind": obj["_kind"],
                "name": meta["name"],
                "namespace": meta.get("namespace", ""),
                "uid": meta["uid"],
            },
            "reason": reason,
            "message": message,
            "type": type_,
            "source": {"component": by},
        }
        if by == "default-scheduler" and self.version >= "v1.27":
            body |= {"eventTime": at(max(first, ago)), "reportingComponent": by, "source": {}}
            if count > 1:
                body["series"] = {"count": count, "lastObservedTime": at(ago)}
        else:
            body |= {"count": count, "firstTimestamp": at(max(first, ago)), "lastTimestamp": at(ago)}
        self.add(
            "Event", meta.get("namespace", "default"), f"{meta['name']}.{self._serial:016x}", body, age=max(first, ago)
        )

    def forbid(self, *kinds: str, reason: str = "forbidden") -> None:
        """These kinds were not readable."""
        for kind in kinds:
            self.unread.add(kind)
            self.gaps.append(Gap(kind=kind, reason=reason, message=f"{kind}: {reason}"))  # type: ignore[arg-type]

    def finish(self) -> Snapshot:
        for app in self.apps:
            app.settle()
        self._slices()
        read: dict[str, tuple[Any, ...]] = {}
        for entry in KINDS:
            items = self.objects.get(entry.kind, [])
            if entry.kind in self.unread or (entry.optional and not items):
                continue
            plain = [{k: v for k, v in item.items() if k != "_kind"} for item in items]
            page = decode_page(json.dumps({"metadata": {}, "items": plain}).encode(), entry)
            if page.rejected:
                raise ValueError(f"a case holds an object of no documented shape: {page.rejected[0]}")
            read[entry.kind] = sorted_objects(page.items)
        return Snapshot(
            "held-out",
            NOW,
            read,
            version=self.version,
            gaps=tuple(self.gaps),
            logs=self.logs,
            recorded=True,
            pod_usage=self.usage or None,
        )

    def _slices(self) -> None:
        for service in self.objects["Service"]:
            selector = service["spec"].get("selector")
            if not selector:
                continue
            ns, name = service["metadata"]["namespace"], service["metadata"]["name"]
            chosen = [
                p
                for p in self.objects["Pod"]
                if p["metadata"]["namespace"] == ns
                and selector.items() <= p["metadata"].get("labels", {}).items()
                and p["status"].get("podIP")
                and p["status"]["phase"] == "Running"
            ]
            self.add(
                "EndpointSlice",
                ns,
                f"{name}-x7k2p",
                {
                    "addressType": "IPv4",
                    "metadata": {"labels": {"kubernetes.io/service-name": name}},
                    "ports": [p for p in (_slice_port(q, chosen) for q in service["spec"]["ports"]) if p]
                    if chosen
                    else [],
                    "endpoints": [_endpoint(p) for p in chosen],
                },
            )


def _slice_port(port: Json, pods: list[Json]) -> Json | None:
    target = port.get("targetPort", port["port"])
    if isinstance(target, str):
        named = [
            q for p in pods for c in p["spec"]["containers"] for q in c.get("ports", ()) if q.get("name") == target
        ]
        if not named:
            return None
        target = named[0]["containerPort"]
    return {"name": port.get("name", ""), "port": target, "protocol": port["protocol"]}


def _endpoint(pod: Json) -> Json:
    ready = is_ready(pod)
    meta = pod["metadata"]
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready, "serving": ready, "terminating": False},
        "targetRef": {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]},
    }


def is_ready(pod: Json) -> bool:
    """The Ready condition."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))


from tests.bench.heldout.app import App  # noqa: E402  (an app is made by a dump and knows it)
