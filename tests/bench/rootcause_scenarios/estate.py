"""One made-up cluster as a reader would record it: objects, events, logs, and the optional evidence beside them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec

from chalicelib.state.decode import decode_page, sorted_objects
from chalicelib.state.kinds import KINDS
from chalicelib.state.snapshot import Alert, Call, Connectivity, Extras, Gap, LogKey, NodeService, Snapshot, Usage
from tests.bench.heldout.app import App
from tests.bench.heldout.dump import DAY, NOW, Dump, Json, at, is_ready, merge

LEVELS = ("objects", "logs", "extras")
"""What is read: objects and events; logs too; metrics, alerts, node services, connectivity and calls too."""
STEP_MIN = 2
WINDOW_MIN = 60
Curve = Callable[[float], float]
"""Value by minutes before the end of the window."""
_SYSTEM = {"default", "coredns", "kube-proxy", "kubernetes", "metrics-server", "kube-dns", "Watchdog"}
_RENAMED = frozenset(
    [
        "Namespace",
        "Node",
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "Pod",
        "Service",
        "ConfigMap",
        "Secret",
        "PersistentVolumeClaim",
        "PersistentVolume",
        "Ingress",
        "IngressClass",
        "NetworkPolicy",
        "ResourceQuota",
        "LimitRange",
        "HorizontalPodAutoscaler",
        "Gateway",
        "PodDisruptionBudget",
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
        "HTTPRoute",
    ]
)


class Exact:
    """A curve that is measured without noise: counters, limits, states."""

    def __init__(self, curve: Curve) -> None:
        self._curve = curve

    def __call__(self, minutes: float) -> float:
        return self._curve(minutes)


def steady(value: float) -> Curve:
    return Exact(lambda _: value)


def jump(before: float, after: float, ago: float = 25) -> Curve:
    """From `before` to `after`, so many minutes before the end."""
    return lambda m: after if m <= ago else before


def ramp(first: float, last: float, start: float = WINDOW_MIN) -> Curve:
    return lambda m: last - (last - first) * min(m / start, 1.0)


def saw(low: float, high: float, period: float) -> Curve:
    """Rises from `low` to `high` again and again."""
    return lambda m: low + (high - low) * (1 - (m % period) / period)


def counter(curve: Curve) -> Curve:
    """A counter whose rate per second is `curve`."""
    return Exact(lambda m: 1000 + sum(curve(float(k)) * 60 for k in range(int(m), WINDOW_MIN)))


class Estate(Dump):
    """A cluster with the optional evidence of a recording (`extra/*.json`)."""

    def __init__(self, distro: str, version: str, nodes: int, *, secrets: bool) -> None:
        self.alerts: list[Json] = []
        self.series: list[Json] = []
        self.services: list[Json] = []
        self.connectivity: list[Json] = []
        self.calls: list[Json] = []
        self.node_usage: dict[str, Usage] = {}
        self.typos: set[str] = set()
        self.secrets = secrets
        super().__init__(distro, version, nodes)
        for index, node in enumerate(self.nodes):
            address = f"10.42.{index + 1}.11"
            node["status"]["addresses"] = [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": node["metadata"]["name"]},
            ]

    def secret(self, ns: str, name: str, keys: tuple[str, ...] = ("password",), age: float = 30 * DAY) -> None:
        """A Secret by its key names, in a cluster whose owner lets them be listed."""
        self.add("Secret", ns, name, {"type": "Opaque", "keys": list(keys), "keyCount": len(keys)}, age)

    def alert(self, name: str, text: str, *, ago: float = 18, severity: str = "warning", **labels: str) -> None:
        """An alert that fires now; labels and wording as its rule writes them."""
        body = {
            "labels": {"alertname": name, "severity": severity, "prometheus": "monitoring/k8s", **labels},
            "annotations": {"description": text, "summary": text.split(".")[0]},
            "startsAt": at(ago),
            "endsAt": (NOW + timedelta(minutes=4)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "updatedAt": at(0.5),
            "fingerprint": f"{len(self.alerts) + 4096:016x}",
            "receivers": [{"name": "default"}],
            "status": {"state": "active", "inhibitedBy": [], "silencedBy": []},
        }
        self.alerts.append(body)

    def metric(self, name: str, curve: Curve, **labels: str) -> None:
        """One series of a Prometheus range query; `curve` gives the value by minutes before the end.

        Replaces a series of the same name and labels.
        """
        end = NOW.timestamp()
        values = []
        for minutes in range(WINDOW_MIN, -1, -STEP_MIN):
            value = curve(float(minutes))
            noise = 0.0 if isinstance(curve, Exact) else 0.01 * math.sin(minutes * 1.7 + len(self.series))
            values.append([end - minutes * 60, f"{value * (1 + noise):.9g}"])
        metric = {"__name__": name, **labels}
        self.series = [s for s in self.series if s["metric"] != metric] + [{"metric": metric, "values": values}]

    def connect(self, ns: str, service: str, port: int, error: str = "") -> None:
        self.connectivity.append({"namespace": ns, "service": service, "port": port, "ok": not error, "error": error})

    def node_service(self, node: Json, service: str, active: bool = True, state: str = "", ago: float = 20) -> None:
        """What the node's service manager says of a daemon; replaces an earlier statement."""
        name = node["metadata"]["name"]
        self.services = [s for s in self.services if (s["node"], s["service"]) != (name, service)]
        since = at(20 * DAY if active else ago)
        state = state or ("running" if active else "dead")
        self.services.append({"node": name, "service": service, "active": active, "state": state, "since": since})

    def call(self, source: str, target: str) -> None:
        self.calls.append({"from": source, "to": target})

    def bound_claim(
        self, ns: str, name: str, *, size: str = "20Gi", mode: str = "ReadWriteOnce", **volume: Any
    ) -> Json:
        """A claim with its volume."""
        pv = f"pvc-{self.uid()[:8]}-{len(self.objects['PersistentVolume']):04x}"
        self.add("PersistentVolume", "", pv, {
            "spec": {"capacity": {"storage": size}, "accessModes": [mode], "storageClassName": "gp3",
                     "persistentVolumeReclaimPolicy": "Delete",
                     "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": f"vol-{pv[-8:]}"},
                     "claimRef": {"kind": "PersistentVolumeClaim", "namespace": ns, "name": name}, **volume},
            "status": {"phase": "Bound"}})  # fmt: skip
        return self.add("PersistentVolumeClaim", ns, name, {
            "spec": {"accessModes": [mode], "storageClassName": "gp3", "volumeName": pv, "volumeMode": "Filesystem",
                     "resources": {"requests": {"storage": size}}},
            "status": {"phase": "Bound", "capacity": {"storage": size}, "accessModes": [mode]}})  # fmt: skip

    def finish(self) -> Snapshot:
        """The whole recording."""
        return self.snapshot()

    def snapshot(self, rename: bool = False) -> Snapshot:
        """The recording; `rename` writes every name that a user chose in another alphabet, everywhere alike."""
        for app in self.apps:
            app.settle()
        self._slices()
        self._name_endpoint_nodes()
        self._symptom_alerts()
        swap = self.cipher() if rename else (lambda text: text)
        read: dict[str, tuple[Any, ...]] = {}
        gaps = list(self.gaps)
        for entry in KINDS:
            items = self.objects.get(entry.kind, [])
            if entry.kind == "Secret" and not self.secrets:
                gaps.append(Gap(kind="Secret", reason="forbidden", message="secrets is forbidden"))
                continue
            if entry.kind in self.unread or (entry.optional and not items):
                continue
            plain = [{k: v for k, v in item.items() if k != "_kind"} for item in items]
            page = decode_page(swap(json.dumps({"metadata": {}, "items": plain})).encode(), entry)
            if page.rejected:
                raise ValueError(f"a case holds an object of no documented shape: {page.rejected[0]}")
            read[entry.kind] = sorted_objects(page.items)
        logs = {LogKey(*(swap(p) if isinstance(p, str) else p for p in k)): swap(v) for k, v in self.logs.items()}
        usage = {(swap(ns), swap(pod)): use for (ns, pod), use in self.usage.items()}
        nodes = {swap(name): use for name, use in self.node_usage.items()}
        return Snapshot(
            "scenario", NOW, read, version=self.version, gaps=tuple(gaps), logs=logs, recorded=True,
            pod_usage=usage or None, node_usage=nodes or None, extras=self._extras(swap),
        )  # fmt: skip

    def _extras(self, swap: Callable[[str], str]) -> Extras:
        def typed(value: list[Json], of: Any) -> Any:
            return msgspec.json.decode(swap(json.dumps(value)).encode(), type=list[of], strict=False)

        return Extras(
            alerts=typed(self.alerts, Alert),
            metrics=typed(self.series, dict[str, Any]),
            node_services=typed(self.services, NodeService),
            connectivity=typed(self.connectivity, Connectivity),
            calls=typed(self.calls, Call),
        )

    def _name_endpoint_nodes(self) -> None:
        """The EndpointSlice controller writes the node of each endpoint."""
        where = {pod["metadata"]["uid"]: pod["spec"].get("nodeName", "") for pod in self.objects["Pod"]}
        for slice_ in self.objects["EndpointSlice"]:
            for endpoint in slice_["endpoints"]:
                if "targetRef" in endpoint:
                    endpoint["nodeName"] = where.get(endpoint["targetRef"]["uid"], "")

    def _symptom_alerts(self) -> None:
        """What kubernetes-mixin's rules fire for pods that are not well for a quarter of an hour: symptoms only."""
        for app in self.apps:
            sick = [p for p in app.pods if p["status"].get("phase") in ("Pending", "Running") and not is_ready(p)]
            if app.age < 15 or app.kind in ("Job", "CronJob") or not sick:
                continue
            pod = sick[0]["metadata"]["name"]
            text = f"Pod {app.ns}/{pod} has been in a non-ready state for longer than 15 minutes on cluster ."
            self.alert("KubePodNotReady", text, namespace=app.ns, pod=pod)
            for status in sick[0]["status"].get("containerStatuses", ()):
                if (status["state"].get("waiting") or {}).get("reason") == "CrashLoopBackOff":
                    text = (
                        f'Pod {app.ns}/{pod} ({status["name"]}) is in waiting state (reason: "CrashLoopBackOff") on '
                        "cluster ."
                    )
                    self.alert("KubePodCrashLooping", text, namespace=app.ns, pod=pod, container=status["name"],
                               reason="CrashLoopBackOff")  # fmt: skip

    def cipher(self) -> Callable[[str], str]:
        """A fixed permutation of letters over all chosen names: near-equal names stay near, lengths stay equal."""
        table = str.maketrans("abcdefghijklmnopqrstuvwxyz", "qjxzwkvhgfydnmbpaltsuoeric")
        names = {
            item["metadata"]["name"]
            for kind, items in self.objects.items()
            if kind in _RENAMED
            for item in items
            if not item["metadata"].get("namespace", item["metadata"]["name"]).startswith(("kube-", "default"))
        }
        names |= self.typos
        names = {n for n in names if len(n) > 3 and n not in _SYSTEM and not n.startswith(("kube-", "system:"))}
        known = re.compile(
            r"(?<![A-Za-z0-9])(" + "|".join(sorted(map(re.escape, names), key=len, reverse=True)) + r")(?![A-Za-z0-9])"
        )

        def swap(text: str) -> str:
            return known.sub(lambda found: found[0].translate(table), text)

        return swap


def at_level(snapshot: Snapshot, level: str) -> Snapshot:
    """The same recording with only the evidence of a level."""
    if level == "extras":
        return snapshot
    missing = [
        Gap(kind=kind, reason="not_recorded", message=f"The recording holds no extra/{kind}.json.")
        for kind in ("alerts", "metrics", "node_services", "connectivity", "calls")
    ]
    logs = snapshot.logs if level == "logs" else {}
    if level == "objects":
        missing.append(Gap(kind="Log", reason="not_recorded", message="The recording holds no logs."))
    return snapshot.replace(
        logs=logs, extras=Extras(), pod_usage=None, node_usage=None, gaps=(*snapshot.gaps, *missing)
    )


__all__ = [
    "DAY",
    "LEVELS",
    "NOW",
    "App",
    "Estate",
    "Json",
    "at",
    "at_level",
    "counter",
    "jump",
    "merge",
    "ramp",
    "saw",
    "steady",
]
