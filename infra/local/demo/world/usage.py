"""What metrics-server would measure now: the curves, shared by the running replicas, and what programs really hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from infra.local.demo.controllers.kubelet import Kubelet
from infra.local.demo.controllers.plane import ControlPlane
from infra.local.demo.controllers.programs import MIB
from infra.local.demo.controllers.status import is_ready
from infra.local.demo.server.quantities import parse
from infra.local.demo.server.sources import Usage
from infra.local.demo.server.store import Object
from infra.local.demo.world.curves import Curves, at, key_of
from infra.local.demo.world.manifests import App
from infra.local.demo.world.series import requests_of_one

_FIRST_S = 30.0  # metrics-server needs two scrapes
_REMEMBERED = 5_000


class WorldUsage:
    """The metrics source of the API server."""

    def __init__(self, plane: ControlPlane, curves: Curves, apps: Mapping[tuple[str, str], App]) -> None:
        self._plane = plane
        self._curves = curves
        self._apps = apps
        self._level: dict[tuple[str, int, str], float] = {}

    def node(self, node: Object) -> Usage | None:
        name = node["metadata"]["name"]
        if name in self._plane.environment.stopped_kubelets:
            return None
        used = [usage for pod in self._plane.cache.pods_on(name) for usage in (self.pod(pod) or {}).values()]
        cores = float(parse(node["status"]["capacity"]["cpu"]) or 1)
        return Usage(min(cores, 0.11 + sum(one.cpu for one in used)), int(620 * MIB + sum(one.memory for one in used)))

    def pod(self, pod: Object) -> Mapping[str, Usage] | None:
        kubelet = cast(Kubelet, self._plane.find(Kubelet))
        status = pod.get("status") or {}
        running = {
            one["name"]: one for one in status.get("containerStatuses") or () if "running" in (one.get("state") or {})
        }  # fmt: skip
        if len(running) < len(pod["spec"]["containers"]):
            return None
        now = self._plane.clock.now()
        if len(self._level) > _REMEMBERED:
            self._level.clear()
        record = kubelet.records.get(pod["metadata"]["uid"])
        found = {}
        for container in pod["spec"]["containers"]:
            one = record.containers.get(container["name"]) if record else None
            age = (now - one.started_at).total_seconds() if one and one.started_at else 3600.0
            if age < _FIRST_S:
                return None
            found[container["name"]] = self._container(pod, container, age)
        return found

    def requests(self, pod: Object) -> float:
        """Requests per second that a pod serves; nothing for one of an application nobody described."""
        meta = pod["metadata"]
        app = self._apps.get((meta["namespace"], (meta.get("labels") or {}).get("app.kubernetes.io/name", "")))
        if app is None:
            return 0.0
        now = self._plane.clock.now()
        key = (f"{app.namespace}/{app.name}", int(now.timestamp() // 10), "requests")
        if key not in self._level:
            self._level[key] = float(requests_of_one(self._curves, app, at(now))[0])
        return self._level[key] * self._share(pod, app)

    def volume(self, name: str, capacity: float, end: float) -> float:
        """Bytes used on a volume of `namespace/claim`; `end` is the time at which it has its present level."""
        return float(self._curves.growth(name, capacity, at(self._plane.clock.now()), end)[0])

    def _container(self, pod: Object, container: Object, age_s: float) -> Usage:
        meta = pod["metadata"]
        name = (meta.get("labels") or {}).get("app.kubernetes.io/name", container["name"])
        app = self._apps.get((meta["namespace"], name))
        program = self._plane.programs.of(container)
        full = f"{meta['namespace']}/{name}"
        form = app.shape if app else "flat"
        own = 0.92 + 0.16 * float(key_of(self._curves.seed, meta["uid"]) >> 11) / float(1 << 53)
        cores = program.cpu * self._now("cpu", full, form) * own * self._share(pod, app)
        limits = (container.get("resources") or {}).get("limits") or {}
        if "cpu" in limits:
            cores = min(cores, float(parse(limits["cpu"]) or cores))
        held = program.memory_mib * self._now("memory", full, form) * (0.98 + 0.04 * (own - 0.92) / 0.16)
        held = (
            held * min(1.0, 0.35 + 0.65 * age_s / max(program.grows_s, 1))
            + program.leaks_mib_per_hour * MIB * age_s / 3600
        )
        if "memory" in limits:
            held = min(held, float(parse(limits["memory"]) or held))
        return Usage(round(cores, 6), int(held))

    def _now(self, what: str, name: str, form: str) -> float:
        """The present value of a curve of mean 1; all pods of a workload in the same ten seconds share it."""
        now = self._plane.clock.now()
        key = (name, int(now.timestamp() // 10), what)
        if key not in self._level:
            curve = self._curves.cpu if what == "cpu" else self._curves.memory
            self._level[key] = float(curve(name, form, 1.0, at(now))[0])
        return self._level[key]

    def _share(self, pod: Object, app: App | None) -> float:
        """Replicas share the load: with more of them than usual each has less."""
        if app is None or app.kind not in ("Deployment", "StatefulSet"):
            return 1.0
        uid = next((one["uid"] for one in pod["metadata"].get("ownerReferences") or ()), "")
        key = (uid, int(self._plane.clock.now().timestamp() // 10), "share")
        if key not in self._level:
            ready = sum(1 for one in self._plane.cache.pods_of(uid) if is_ready(one))
            self._level[key] = max(app.replicas, 1) / max(ready, 1)
        return self._level[key]
