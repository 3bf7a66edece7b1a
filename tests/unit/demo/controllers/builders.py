"""A control plane with three nodes on a virtual clock, and short ways to ask what came of things."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from infra.local.demo.controllers.assembly import control_plane
from infra.local.demo.controllers.clock import WorldClock
from infra.local.demo.controllers.kubelet import Kubelet
from infra.local.demo.controllers.plane import ControlPlane
from infra.local.demo.controllers.programs import Program
from infra.local.demo.server.api import Api, Usage
from infra.local.demo.server.bootstrap import bootstrap
from infra.local.demo.server.store import Object
from infra.local.demo.world.machines import Machine, node

START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
SPACE = "shop"
IMAGE = "registry.example.com/cart"
MACHINES = (
    Machine("10.0.1.11", "m7i.xlarge", "a", 4, 16, 58),
    Machine("10.0.2.12", "m7i.xlarge", "b", 4, 16, 58),
    Machine("10.0.3.13", "m7i.xlarge", "c", 4, 16, 58),
)


class Metrics:
    """The same usage for every running container; a test may change it."""

    def __init__(self) -> None:
        self.cpu, self.memory = 0.05, 64 * 2**20

    def node(self, node: Any) -> Usage:
        return Usage(0.2, 2**30)

    def pod(self, pod: Any) -> dict[str, Usage] | None:
        if (pod.get("status") or {}).get("phase") != "Running":
            return None
        return {one["name"]: Usage(self.cpu, self.memory) for one in pod["spec"]["containers"]}


class Sim:
    """The demo's own control plane over a store with one namespace."""

    def __init__(self, *, seed: int = 5, machines: tuple[Machine, ...] = MACHINES) -> None:
        self.clock = WorldClock(START)
        self.api = Api(seed=seed, clock=self.clock)
        bootstrap(self.api)
        self.metrics = Metrics()
        self.api.metrics = self.metrics
        self.plane: ControlPlane = control_plane(self.api, self.clock)
        self.plane.start()
        self.nodes = [machine.name for machine in machines]
        for index, machine in enumerate(machines):
            self.api.create("Node", node(machine, index))
        self.namespace(SPACE)
        self.storage_class()

    # -- making -----------------------------------------------------------------------------------------------------

    def namespace(self, name: str, **labels: str) -> None:
        self.api.create("Namespace", {"metadata": {"name": name, "labels": labels}})
        self.settle()

    def storage_class(self, name: str = "gp3", *, mode: str = "WaitForFirstConsumer", **more: Any) -> None:
        fields = {"provisioner": "ebs.csi.aws.com", "volumeBindingMode": mode, "reclaimPolicy": "Delete", **more}
        self.api.create("StorageClass", {"metadata": {"name": name}, **fields})

    def create(self, kind: str, name: str, spec: Object | None = None, **more: Any) -> Object:
        """An object in the namespace, and what controllers do about it at once."""
        meta = {"name": name} | {key: more.pop(key) for key in ("labels", "annotations") if key in more}
        body = {"metadata": meta, **({"spec": spec} if spec is not None else {}), **more}
        made = self.api.create(kind, body, namespace=SPACE)
        self.settle()
        return made

    def workload(self, kind: str, name: str = "cart", **spec: Any) -> Object:
        """A Deployment, StatefulSet or DaemonSet; `container` and `pod` add to its template."""
        container, pod = spec.pop("container", {}), spec.pop("pod", {})
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [a_container(**container)], **pod}}
        body = {"selector": {"matchLabels": labels}, "template": template, **spec}
        return self.create(kind, name, body, labels=labels)

    def deployment(self, name: str = "cart", replicas: int = 3, **more: Any) -> Object:
        return self.workload("Deployment", name, replicas=replicas, **more)

    def service(self, name: str = "cart", selector: dict[str, str] | None = None, **spec: Any) -> Object:
        ports = [{"name": "http", "port": 80, "targetPort": 8080}]
        return self.create("Service", name, {"selector": selector or {"app": name}, "ports": ports, **spec})

    def image(self, tag: str, program: Program | None = None) -> str:
        """Push a tag whose program behaves in its own way."""
        if program is not None:
            self.plane.programs.declare_tag(f"{IMAGE}:{tag}", program)
        return f"{IMAGE}:{tag}"

    def roll(self, tag: str, name: str = "cart", program: Program | None = None) -> None:
        """Give a Deployment another image."""
        self.set_container("Deployment", name, image=self.image(tag, program))

    def set_container(self, kind: str, name: str, **fields: Any) -> None:
        patch = {"spec": {"template": {"spec": {"containers": [{"name": "app", **fields}]}}}}
        self.patch(kind, name, patch)

    def patch(self, kind: str, name: str, patch: Any, **more: Any) -> None:
        self.api.patch(kind, SPACE, name, patch, how="strategic", **more)
        self.settle()

    def scale(self, kind: str, name: str, replicas: int) -> None:
        self.patch(kind, name, {"spec": {"replicas": replicas}})

    # -- time -------------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        self.plane.settle()

    def run(self, seconds: float) -> None:
        self.plane.run_for(seconds)

    # -- asking -----------------------------------------------------------------------------------------------------

    @property
    def kubelet(self) -> Kubelet:
        return cast(Kubelet, self.plane.find(Kubelet))

    def get(self, kind: str, name: str = "cart") -> Object:
        return self.api.get(kind, SPACE if self.api.resource(kind).namespaced else "", name)

    def status(self, kind: str, name: str = "cart") -> Object:
        return self.get(kind, name).get("status") or {}

    def pods(self, name: str = "cart") -> list[Object]:
        return self.api.list("Pod", SPACE, labels={"app": name})

    def ready(self, name: str = "cart") -> int:
        return sum(condition(pod, "Ready") == "True" for pod in self.pods(name))

    def events(self, reason: str, about: str = "") -> list[str]:
        """Messages of events, oldest first."""
        return [
            event["message"]
            for event in sorted(self.api.list("Event"), key=lambda one: one["metadata"]["resourceVersion"].zfill(9))
            if event["reason"] == reason and event["involvedObject"]["name"].startswith(about)
        ]


def a_container(**more: Any) -> Object:
    """A small server on port 8080."""
    resources = {"requests": {"cpu": "100m", "memory": "64Mi"}}
    return {"name": "app", "image": f"{IMAGE}:1", "ports": [{"containerPort": 8080}], "resources": resources, **more}


def condition(obj: Object, kind: str, field: str = "status") -> Any:
    """A field of one condition; None when there is none."""
    found = (obj.get("status") or {}).get("conditions") or ()
    return next((one.get(field) for one in found if one["type"] == kind), None)


def state(pod: Object) -> Object:
    """The state of the first container."""
    found: Object = pod["status"]["containerStatuses"][0]
    return found
