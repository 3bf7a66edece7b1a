"""What a case is: a generator that breaks one thing of an estate, the true answer, and where its wording is from."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from chalicelib.state.meta import Ref
from tests.bench.rootcause_scenarios.estate import DAY, App, Curve, Estate, Json, merge
from tests.bench.rootcause_scenarios.topologies import TOPOLOGIES, Cast, Topology, lay

Level = Literal["objects", "logs", "extras"]


@dataclass(frozen=True)
class Fault:
    """One true cause: its mode and the objects that may be named for it.

    `near` are modes that describe the same fault as far as lesser evidence can show; below the level that a case needs
    they are not wrong, at that level they are not right either.
    """

    mode: str
    refs: frozenset[Ref]
    near: frozenset[str] = frozenset()


class Scene:
    """An estate and the names a case breaks things under."""

    def __init__(self, estate: Estate, topology: Topology, cast: Cast) -> None:
        self.d, self.topology, self.cast = estate, topology, cast
        self.space, self.name, self.port = cast.space, cast.victim, cast.port
        self.workload = Ref("Deployment", cast.space, cast.victim)
        self.app: App

    @property
    def nodes(self) -> list[Json]:
        return self.d.nodes

    def node(self, index: int = 0) -> str:
        name: str = self.d.nodes[index]["metadata"]["name"]
        return name

    def labels(self, name: str) -> dict[str, str]:
        return {self.topology.label: name}

    def image(self, name: str = "", tag: str = "5.2.0") -> str:
        return f"{self.topology.registry}/{name or self.name}:{tag}"

    def victim(self, *, kind: str = "Deployment", name: str = "", replicas: int = 2, service: bool = True,
               age: float = 45, c: Json | None = None, **made: Any) -> App:  # fmt: skip
        """The workload that breaks, with its Service."""
        name = name or self.name
        main: Json = {
            "image": self.image(name),
            "ports": [{"name": "http", "containerPort": self.port, "protocol": "TCP"}],
        }
        self.app = self.d.app(self.space, name, kind=kind, replicas=replicas, age=age, labels=self.labels(name),
                              c=merge(main, c or {}), **made)  # fmt: skip
        self.workload = Ref(kind, self.space, name)
        if service and kind in ("Deployment", "StatefulSet", "DaemonSet"):
            self.serve(name)
        return self.app

    def serve(self, name: str = "", **spec: Any) -> Json:
        name = name or self.name
        ports = spec.pop("ports", [{"name": "http", "port": 80, "targetPort": self.port}])
        selector = spec.pop("selector", self.labels(name))
        return self.d.service(self.space, name, selector=selector, ports=ports, **spec)

    def caller(self, log: str = "", env: dict[str, str] | None = None, **made: Any) -> App:
        """Who calls the victim, by an environment variable; ready, and writing `log`."""
        values = env or {"UPSTREAM_URL": f"http://{self.name}.{self.space}.svc.cluster.local"}
        main = {
            "image": self.image(self.cast.caller, "2.8.4"),
            "env": [{"name": k, "value": v} for k, v in values.items()],
        }
        app = self.d.app(self.space, self.cast.caller, replicas=2, age=30 * DAY, labels=self.labels(self.cast.caller),
                         c=merge(main, made.pop("c", {})), **made)  # fmt: skip
        self.d.call(f"{self.space}/{self.cast.caller}", f"{self.space}/{self.name}")
        if log:
            app.log(log)
        return app

    def crash(self, code: int, log: str, **how: Any) -> App:
        """A crash loop; its last words stand in the current and in the previous log."""
        self.app.crash(code, log, **how)
        if log:
            container = how.get("container", 0)
            field = "initContainerStatuses" if container == "init" else "containerStatuses"
            for pod in self.app.pods:
                name = pod["status"][field][0 if container == "init" else container]["name"]
                self.app.log(log, pod=pod, container=name, previous=True)
        return self.app

    def measure(self, metric: str, curve: Curve, pod: Json) -> None:
        """A series of the victim's container in one pod, labelled as cAdvisor's and kube-state-metrics' are."""
        name = pod["metadata"]["name"]
        self.d.metric(metric, curve, namespace=self.space, pod=name, container=self.name)

    def ref(self, text: str) -> Ref:
        """`Kind`, `Kind name` in the case's namespace, `Kind ns/name`; `Kind /name` is cluster-scoped."""
        kind, _, where = text.partition(" ")
        if not where:
            return Ref(kind, self.space, self.workload.name)
        if "/" in where:
            ns, _, name = where.partition("/")
            return Ref(kind, ns, name)
        return Ref(kind, self.space, where)

    def fault(self, mode: str, *refs: str, near: tuple[str, ...] = ()) -> list[Fault]:
        found = {self.ref(r) for r in refs} or {self.workload}
        return [Fault(mode, frozenset(found), frozenset(near))]

    def other(self) -> Scene:
        """The second cast of the same estate."""
        return Scene(self.d, self.topology, self.topology.casts[1])


Build = Callable[[Scene], list[Fault] | None]


@dataclass(frozen=True)
class Case:
    """`needs` is the least evidence with which the fault can be told; `words` are its telling words, from `source`."""

    name: str
    group: Literal["incident", "quiet", "several"]
    mode: str
    build: Build
    topology: Topology
    needs: Level = "objects"
    words: tuple[str, ...] = ()
    source: str = ""
    refs: tuple[str, ...] = ()
    near: tuple[str, ...] = ()

    def make(self) -> tuple[Estate, list[Fault]]:
        estate = lay(self.topology)
        return estate, self.play(Scene(estate, self.topology, self.topology.casts[0]))

    def play(self, scene: Scene) -> list[Fault]:
        found = self.build(scene)
        if found is not None or self.group != "incident":
            return found or []
        refs = [str_of(scene.workload), *self.refs]
        return scene.fault(self.mode, *refs, near=self.near)


def str_of(ref: Ref) -> str:
    return f"{ref.kind} {ref.namespace}/{ref.name}"


CASES: list[Case] = []


def incident(
    mode: str, *, needs: Level = "objects", words: str | tuple[str, ...] = (), source: str = "",
    refs: tuple[str, ...] = (), near: tuple[str, ...] = (), topology: Topology | None = None, name: str = "",
) -> Callable[[Build], Build]:  # fmt: skip
    """Registers a builder. It returns the faults, or None for: this mode, on the victim's workload or one of `refs`."""

    def register(build: Build) -> Build:
        # By the name, so that a new case moves no other one to another estate.
        where = topology or TOPOLOGIES[zlib.crc32((name or build.__name__).encode()) % len(TOPOLOGIES)]
        telling = (words,) if isinstance(words, str) else words
        CASES.append(Case(name or build.__name__, "incident", mode, build, where, needs, telling, source, refs, near))
        return build

    return register


def everywhere(group: Literal["quiet", "several"]) -> Callable[[Build], Build]:
    """Registers a builder in both topologies."""

    def register(build: Build) -> Build:
        CASES.extend(Case(f"{build.__name__} ({where.name})", group, "", build, where) for where in TOPOLOGIES)
        return build

    return register
