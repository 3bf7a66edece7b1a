"""What a Prometheus scrapes from the running demo, so that its present goes on where the written history ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from infra.local.demo.server.quantities import parse
from infra.local.demo.server.store import Object
from infra.local.demo.world import openmetrics
from infra.local.demo.world.build import World
from infra.local.demo.world.openmetrics import (
    CPU,
    RECEIVED,
    SENT,
    Labels,
    Plan,
    of_container,
    of_state,
    of_volume,
    sample_name,
)
from infra.local.demo.world.series import RECEIVED_BYTES, SENT_BYTES

Sample = tuple[Labels, float]


class Exposition:
    """Counters of running containers, from where the plan's history leaves them; they move with every scrape."""

    def __init__(self, world: World, plan: Plan) -> None:
        self._world = world
        self._until = plan.until
        self._began = datetime.fromtimestamp(plan.until, UTC)
        self._past = {(pod.namespace, pod.pod): pod for pod in plan.pods if pod.until is None}
        self._counters: dict[tuple[str, str, str], tuple[float, datetime]] = {}

    def text(self) -> str:
        """The exposition format, version 0.0.4."""
        families: dict[tuple[str, str], list[Sample]] = {}
        for name, kind, sample in self._samples():
            families.setdefault((name + ("_total" if kind == "counter" else ""), kind), []).append(sample)
        lines = []
        for (name, kind), samples in families.items():
            lines.append(f"# TYPE {name} {kind}")
            lines += [f"{sample_name(name, labels)} {value:.10g}" for labels, value in samples]
        return "\n".join(lines) + "\n"

    def _samples(self) -> Iterator[tuple[str, str, Sample]]:
        api = self._world.api
        for pod in api.list("Pod"):
            yield from self._of_pod(pod)
        for node in api.list("Node"):
            for name, unit in (("cpu", "core"), ("memory", "byte")):
                labels = of_state("", node=node["metadata"]["name"], resource=name, unit=unit)
                value = float(parse(node["status"]["allocatable"][name]) or 0)
                yield "kube_node_status_allocatable", "gauge", (labels, value)

    def _of_pod(self, pod: Object) -> Iterator[tuple[str, str, Sample]]:
        meta, status = pod["metadata"], pod.get("status") or {}
        space, name, node = meta["namespace"], meta["name"], pod["spec"].get("nodeName", "")
        owner = next(iter(meta.get("ownerReferences") or ()), None)
        if owner:
            labels = of_state(space, pod=name, owner_kind=owner["kind"], owner_name=owner["name"])
            yield "kube_pod_owner", "gauge", (labels, 1.0)
        for one in status.get("containerStatuses") or ():
            labels = of_state(space, pod=name, container=one["name"])
            yield "kube_pod_container_status_restarts", "counter", (labels, float(one["restartCount"]))
        yield from _resources(pod)
        usage = self._world.usage.pod(pod)
        for container, used in (usage or {}).items():
            labels = of_container(space, name, container, node)
            yield CPU, "counter", (labels, self._moved(meta, container, CPU, used.cpu))
            yield "container_memory_working_set_bytes", "gauge", (labels, float(used.memory))
            requests = self._world.usage.requests(pod)
            yield RECEIVED, "counter", (labels, self._moved(meta, container, RECEIVED, requests * RECEIVED_BYTES))
            yield SENT, "counter", (labels, self._moved(meta, container, SENT, requests * SENT_BYTES))
        yield from self._volumes(pod, node)

    def _volumes(self, pod: Object, node: str) -> Iterator[tuple[str, str, Sample]]:
        space = pod["metadata"]["namespace"]
        for volume in pod["spec"].get("volumes") or ():
            name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            claim = self._world.api.find("PersistentVolumeClaim", space, name) if name else None
            capacity = ((claim or {}).get("status") or {}).get("capacity")
            if capacity:
                size = float(parse(capacity["storage"]) or 0)
                labels = of_volume(space, name, node)
                used = self._world.usage.volume(f"{space}/{name}", size, self._until)
                yield "kubelet_volume_stats_used_bytes", "gauge", (labels, used)
                yield "kubelet_volume_stats_capacity_bytes", "gauge", (labels, size)

    def _moved(self, meta: Object, container: str, what: str, rate: float) -> float:
        """A counter after the time since the last scrape at this rate."""
        now, key = self._world.clock.now(), (meta["uid"], container, what)
        value, since = self._counters.get(key) or (self._written(meta, what), self._began)
        value += rate * max(0.0, (now - since).total_seconds())
        self._counters[key] = (value, now)
        return value

    def _written(self, meta: Object, what: str) -> float:
        """Where the history leaves a counter; nothing for a pod that came later."""
        pod = self._past.get((meta["namespace"], meta["name"]))
        if pod is None:
            return 0.0
        curves, times = self._world.curves, openmetrics.history_times(self._until)
        times = times[pod.lived(times)]
        if not len(times):
            return 0.0
        if what == CPU:
            return float(openmetrics.cpu_total(curves, pod, times)[-1])
        each = RECEIVED_BYTES if what == RECEIVED else SENT_BYTES
        return float(openmetrics.traffic_total(curves, pod, each, times)[-1])


def _resources(pod: Object) -> Iterator[tuple[str, str, Sample]]:
    meta, node = pod["metadata"], pod["spec"].get("nodeName", "")
    for container in pod["spec"]["containers"]:
        for half in ("requests", "limits"):
            for name, amount in ((container.get("resources") or {}).get(half) or {}).items():
                unit = {"cpu": "core", "memory": "byte"}.get(name, "integer")
                labels = of_state(
                    meta["namespace"],
                    pod=meta["name"],
                    container=container["name"],
                    node=node,
                    resource=name,
                    unit=unit,
                )
                yield f"kube_pod_container_resource_{half}", "gauge", (labels, float(parse(amount) or 0))
