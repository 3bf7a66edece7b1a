"""Endpoints and EndpointSlices of Services, and the addresses of load balancers."""

from __future__ import annotations

from collections.abc import Iterable

from infra.local.demo.controllers.network import target_port
from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.status import condition_of, is_ready, write_object, write_status
from infra.local.demo.server.selectors import selector_matches
from infra.local.demo.server.store import Change, Object

_SLICE_LABEL = "kubernetes.io/service-name"
_TRIGGER_TIME = "endpoints.kubernetes.io/last-change-trigger-time"
_MANAGED = "endpointslice-controller.k8s.io"


class Endpoints(Controller):
    name = "endpoint-controller"
    kinds = ("Service", "Pod")

    def __init__(self, plane: object) -> None:
        super().__init__(plane)  # type: ignore[arg-type]
        self._triggers: dict[Key, dict[str, str]] = {}

    def concerned(self, change: Change) -> Iterable[Key]:
        if change.key[1] == "services":
            return ((change.namespace, change.name),)
        if change.before is not None and _same(change.before.object, change.object) and change.type != "DELETED":
            return ()
        labels = change.object["metadata"].get("labels") or {}
        return [
            (change.namespace, stored.object["metadata"]["name"])
            for stored in self.api.store.list(("", "services"), change.namespace)
            if (selector := stored.object["spec"].get("selector"))
            and selector_matches({"matchLabels": selector}, labels)
        ]

    def reconcile(self, key: Key) -> None:
        service = self.api.find("Service", *key)
        if service is None:
            self._triggers.pop(key, None)
            if self.api.find("Endpoints", *key):
                self.api.delete("Endpoints", *key)
            return
        if service["spec"].get("type") == "LoadBalancer":
            self._balance(service)
        selector = service["spec"].get("selector")
        if not selector or service["spec"].get("type") == "ExternalName":
            return
        pods = [
            pod
            for pod in self.api.list("Pod", key[0], labels=dict(selector))
            if (pod.get("status") or {}).get("podIP")
            and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
        ]
        self._note_change(key, pods)
        trigger = self._trigger(key, service, pods)
        self._write_endpoints(key, service, pods, trigger)
        self._write_slice(key, service, pods, trigger)

    def _trigger(self, key: Key, service: Object, pods: list[Object]) -> str:
        """When the oldest thing happened that is new since the last look; empty if nothing is (a pod is gone).

        As endpointslice/trigger_time_tracker.go: a Service's creation, and changes of readiness of its pods.
        """
        before = self._triggers.get(key, {})
        times = {service["metadata"]["uid"]: service["metadata"]["creationTimestamp"]}
        for pod in pods:
            ready = condition_of(pod, "Ready")
            if ready:
                times[pod["metadata"]["uid"]] = ready["lastTransitionTime"]
        self._triggers[key] = times
        return min((moment for uid, moment in times.items() if moment > before.get(uid, "")), default="")

    def _note_change(self, key: Key, pods: list[Object]) -> None:
        """Remember when the Service lost its last ready pod or got its first."""
        old = self.api.find("Endpoints", *key)
        had = bool(old and any(one.get("addresses") for one in old.get("subsets") or ()))
        has = any(is_ready(pod) and not pod["metadata"].get("deletionTimestamp") for pod in pods)
        if had != has:
            self.plane.environment.changed_at[key] = self.now()

    def _write_endpoints(self, key: Key, service: Object, pods: list[Object], trigger: str) -> None:
        groups: dict[tuple[tuple[str, int, str], ...], dict[str, list[Object]]] = {}
        for pod in pods:
            ports = _ports(service, pod)
            if pod["metadata"].get("deletionTimestamp") or (service["spec"].get("ports") and not ports):
                continue
            side = "addresses" if is_ready(pod) else "notReadyAddresses"
            address = {
                "ip": pod["status"]["podIP"],
                "nodeName": pod["spec"]["nodeName"],
                "targetRef": _reference(pod),
            }
            groups.setdefault(ports, {}).setdefault(side, []).append(address)
        subsets = []
        for ports, sides in groups.items():
            subset: Object = dict(sides)
            if ports:
                subset["ports"] = [
                    {"name": name, "port": port, "protocol": protocol} if name else {"port": port, "protocol": protocol}
                    for name, port, protocol in ports
                ]
            subsets.append(subset)
        labels = dict(service["metadata"].get("labels") or {}) | {"endpoints.kubernetes.io/managed-by": self.name}
        if service["spec"].get("clusterIP") == "None":
            labels["service.kubernetes.io/headless"] = ""
        old = self.api.find("Endpoints", *key)
        if old is None:
            body: Object = {"metadata": _triggered({"name": key[1], "labels": labels}, trigger)}
            if subsets:
                body["subsets"] = subsets
            self.api.create("Endpoints", body, namespace=key[0], manager="kube-controller-manager")
        elif (old.get("subsets") or []) != subsets:
            changed = {**old, "metadata": _triggered({**old["metadata"], "labels": labels}, trigger)}
            changed.pop("subsets", None)
            write_object(self.api, {**changed, "subsets": subsets} if subsets else changed)

    def _write_slice(self, key: Key, service: Object, pods: list[Object], trigger: str) -> None:
        endpoints = [self._endpoint(pod) for pod in pods]
        ports = sorted({port for pod in pods for port in _ports(service, pod)})
        shown = [{"name": name, "port": port, "protocol": protocol} for name, port, protocol in ports]
        old = next(iter(self.api.list("EndpointSlice", key[0], labels={_SLICE_LABEL: key[1]})), None)
        if old is None:
            meta = service["metadata"]
            owner = {
                "apiVersion": "v1",
                "kind": "Service",
                "name": key[1],
                "uid": meta["uid"],
                "controller": True,
                "blockOwnerDeletion": True,
            }
            labels = dict(meta.get("labels") or {}) | {
                "endpointslice.kubernetes.io/managed-by": _MANAGED,
                _SLICE_LABEL: key[1],
            }
            named = {"generateName": f"{key[1]}-", "labels": labels, "ownerReferences": [owner]}
            body = {
                "metadata": _triggered(named, trigger),
                "addressType": "IPv4",
                "endpoints": endpoints,
                "ports": shown,
            }
            self.api.create("EndpointSlice", body, namespace=key[0], manager="kube-controller-manager")
        elif (old.get("endpoints") or []) != endpoints or (old.get("ports") or []) != shown:
            generation = old["metadata"].get("generation", 1) + 1
            meta = _triggered({**old["metadata"], "generation": generation}, trigger)
            write_object(self.api, {**old, "metadata": meta, "endpoints": endpoints, "ports": shown})

    def _endpoint(self, pod: Object) -> Object:
        leaving = bool(pod["metadata"].get("deletionTimestamp"))
        ready = is_ready(pod)
        node = self.api.find("Node", "", pod["spec"]["nodeName"])
        zone = ((node or {}).get("metadata", {}).get("labels") or {}).get("topology.kubernetes.io/zone")
        made: Object = {
            "addresses": [pod["status"]["podIP"]],
            "conditions": {"ready": ready and not leaving, "serving": ready, "terminating": leaving},
            "nodeName": pod["spec"]["nodeName"],
            "targetRef": _reference(pod),
        }
        return made | ({"zone": zone} if zone else {})

    def _balance(self, service: Object) -> None:
        """What the cloud does for a Service of type LoadBalancer."""
        if (service.get("status") or {}).get("loadBalancer", {}).get("ingress"):
            return
        digest = service["metadata"]["uid"].replace("-", "")
        host = f"k8s-{service['metadata']['namespace'][:8]}-{digest[:10]}-{digest[10:26]}.elb.us-west-2.amazonaws.com"
        self.plane.events.record(
            "service-controller", service, "Normal", "EnsuredLoadBalancer", "Ensured load balancer"
        )
        write_status(self.api, service, {"loadBalancer": {"ingress": [{"hostname": host}]}})


def _triggered(meta: Object, trigger: str) -> Object:
    """Metadata that says when what led to this write happened."""
    notes = {name: text for name, text in (meta.get("annotations") or {}).items() if name != _TRIGGER_TIME}
    if trigger:
        notes[_TRIGGER_TIME] = trigger
    rest = {name: value for name, value in meta.items() if name != "annotations"}
    return {**rest, "annotations": notes} if notes else rest


def _same(before: Object, after: Object) -> bool:
    def view(pod: Object) -> tuple[object, ...]:
        status, meta = pod.get("status") or {}, pod["metadata"]
        return (
            is_ready(pod),
            status.get("podIP"),
            status.get("phase"),
            meta.get("deletionTimestamp"),
            meta.get("labels"),
        )

    return view(before) == view(after)


def _ports(service: Object, pod: Object) -> tuple[tuple[str, int, str], ...]:
    found = (
        (one.get("name", ""), target_port(pod, one), one.get("protocol", "TCP"))
        for one in service["spec"].get("ports") or ()
    )
    return tuple((name, port, protocol) for name, port, protocol in found if port is not None)


def _reference(pod: Object) -> Object:
    meta = pod["metadata"]
    return {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}
