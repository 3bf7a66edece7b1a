"""What could go wrong when a workload is rolled out now: each risk is a fact of its specification or of the cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from chalicelib.rootcause.look import Look
from chalicelib.rootcause.placement import place
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.kinds.pod_spec import Container
from chalicelib.state.meta import Ref
from chalicelib.state.quantity import quantity
from chalicelib.state.world import pod_requests

if TYPE_CHECKING:
    from chalicelib.tools.views import ClusterView

MOVING_TAGS = ("latest", "stable", "main", "master", "edge", "nightly", "dev")


@dataclass(frozen=True, slots=True)
class Risk:
    """One reason. `weight` adds up to a score of at most 100; `pointer` is the field of the workload that shows it."""

    text: str
    weight: int
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """A workload with what its risks depend on."""

    ref: Ref
    obj: Any
    look: Look
    view: ClusterView

    @property
    def template(self) -> Any:
        return self.obj.spec.template

    @property
    def strategy(self) -> Any:
        return self.obj.spec.strategy if self.ref.kind == "Deployment" else self.obj.spec.update_strategy

    @property
    def replicas(self) -> int:
        return int(getattr(self.obj.spec, "replicas", 0) or getattr(self.obj.status, "desired_number_scheduled", 0))

    @property
    def containers(self) -> list[Container]:
        found: list[Container] = self.template.spec.containers
        return found


Check = Callable[[Subject], Iterator[Risk]]


def risks_of(ref: Ref, obj: Any, look: Look, view: ClusterView) -> list[Risk]:
    """All risks of a workload, the heaviest first."""
    subject = Subject(ref, obj, look, view)
    found = [risk for check in CHECKS for risk in check(subject)]
    return sorted(found, key=lambda r: (-r.weight, r.text))


def _broken_now(subject: Subject) -> Iterator[Risk]:
    for problem in subject.view.problems_of(subject.ref)[:1]:
        if problem.probability > 0.5 and problem.severity != "info":
            yield Risk(f"it has a problem now: {problem.title}", 40, "/status")


def _under_way(subject: Subject) -> Iterator[Risk]:
    if subject.ref.kind != "Deployment" or subject.obj.spec.paused:
        return
    if subject.obj.status.updated_replicas < subject.replicas:
        yield Risk("a rollout is under way already", 20, "/status")


def _downtime(subject: Subject) -> Iterator[Risk]:
    pointer = "/spec/strategy/type" if subject.ref.kind == "Deployment" else "/spec/updateStrategy/type"
    kind = subject.strategy.type
    if kind == "Recreate":
        yield Risk("strategy Recreate stops all pods before new ones start", 30, pointer)
    elif kind == "OnDelete":
        yield Risk("update strategy OnDelete: nothing changes until pods are deleted by hand", 10, pointer)
    elif subject.replicas == 1 and _unavailable(subject):
        yield Risk("its one replica may be taken away before the new one is ready", 25, "/spec/replicas")


def _unavailable(subject: Subject) -> bool:
    rolling = subject.strategy.rolling_update
    allowed = str(rolling.max_unavailable) if rolling and rolling.max_unavailable is not None else "25%"
    if subject.ref.kind != "Deployment":
        return True
    # Kubernetes rounds maxUnavailable down: 25% of one replica is none.
    return int(allowed) >= 1 if allowed.isdigit() else allowed == "100%"


def _unprobed(subject: Subject) -> Iterator[Risk]:
    bare = [c.name for c in subject.containers if c.ports and c.readiness_probe is None]
    if bare:
        yield Risk(
            f"no readiness probe ({', '.join(bare[:3])}): new pods get traffic before they can serve", 25, "/spec"
        )


def _moving_image(subject: Subject) -> Iterator[Risk]:
    for index, container in enumerate(subject.containers):
        name, _, digest = container.image.partition("@")
        tag = name.rpartition("/")[2].partition(":")[2]
        if not digest and (not tag or tag in MOVING_TAGS):
            pointer = f"/spec/template/spec/containers/{index}/image"
            yield Risk(f"image {container.image[:80]} may be another one at the next start", 15, pointer)
            return


def _no_way_back(subject: Subject) -> Iterator[Risk]:
    if subject.ref.kind == "Deployment" and subject.obj.spec.revision_history_limit == 0:
        yield Risk("revisionHistoryLimit 0: there is no revision to go back to", 20, "/spec/revisionHistoryLimit")


def _no_room(subject: Subject) -> Iterator[Risk]:
    """Whether a node has room for one more pod of it, by the scheduler's filters."""
    if subject.ref.kind == "DaemonSet" or not subject.look.snapshot.of("Node") or not _surges(subject):
        return
    pods = subject.look.world.pods_of(subject.ref)
    if pods and not place(_unplaced(pods[0]), subject.look).fits_somewhere:
        yield Risk("no node has room for one more pod of it", 30, "/spec/template")


def _surges(subject: Subject) -> bool:
    rolling = subject.strategy.rolling_update
    surge = str(rolling.max_surge) if rolling and rolling.max_surge is not None else "25%"
    return subject.ref.kind == "Deployment" and subject.strategy.type != "Recreate" and surge not in ("0", "0%")


def _unplaced(pod: Pod) -> Pod:
    return msgspec.structs.replace(pod, spec=msgspec.structs.replace(pod.spec, node_name=""))


def _quota(subject: Subject) -> Iterator[Risk]:
    """Whether the namespace's quota has room for one more pod of it."""
    cpu, memory = pod_requests(subject.template.spec)
    wanted = {"pods": 1.0, "requests.cpu": cpu, "cpu": cpu, "requests.memory": memory, "memory": memory}
    for quota in subject.look.snapshot.of("ResourceQuota"):
        if quota.metadata.namespace != subject.ref.namespace or not _surges(subject):
            continue
        hard = quota.status.hard or quota.spec.hard
        for name, need in wanted.items():
            if name in hard and need > quantity(hard[name]) - quantity(quota.status.used.get(name)) + 1e-9:
                yield Risk(
                    f"quota {quota.metadata.name} has no {name} left for one more pod", 30, "/spec/template/spec"
                )
                return


def _pinned(subject: Subject) -> Iterator[Risk]:
    for edge in subject.look.world.graph.into(subject.ref, "scales"):
        scaler = subject.look.snapshot.find(edge.source)
        if scaler is not None and scaler.spec.max_replicas and subject.replicas >= scaler.spec.max_replicas:
            yield Risk(
                f"autoscaler {scaler.metadata.name} is at its maximum: there is no reserve", 15, "/spec/replicas"
            )


def _broken_dependency(subject: Subject) -> Iterator[Risk]:
    world = subject.look.world
    for pod in world.pods_of(subject.ref)[:1]:
        for edge in world.graph.out(world.ref_of(pod)):
            target = subject.look.snapshot.find(edge.target)
            if edge.relation not in ("mounts", "reads_env", "claims") or not world.snapshot.was_read(
                edge.target.kind, edge.target.namespace
            ):
                continue
            if target is None and "optional" not in edge.detail:
                yield Risk(f"{edge.target} does not exist, and new pods need it", 40, "/spec/template")
                return


CHECKS: tuple[Check, ...] = (
    _broken_now, _under_way, _downtime, _unprobed, _moving_image, _no_way_back, _no_room, _quota, _pinned,
    _broken_dependency,
)  # fmt: skip
"""Every check; one more is one function and its name here."""
