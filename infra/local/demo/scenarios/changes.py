"""What a scenario does to the world: small declarative changes, each of which knows its own inverse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from infra.local.demo.controllers.environment import External
from infra.local.demo.controllers.nodes import Nodes
from infra.local.demo.controllers.programs import Program
from infra.local.demo.controllers.scheduler import Scheduler
from infra.local.demo.controllers.status import is_ready
from infra.local.demo.server.errors import ApiError
from infra.local.demo.server.store import Object, copy_of
from infra.local.demo.world.build import World, publish

Undo = Callable[[World], None]
MANAGER = "kubectl"


class Change(Protocol):
    """One step of a scenario."""

    def apply(self, world: World) -> Undo:
        """Make the change and return the way back."""
        ...


@dataclass(frozen=True)
class Patch:
    """Change an object as `kubectl patch --type=strategic` does."""

    kind: str
    namespace: str
    name: str
    patch: Any
    how: str = "strategic"

    def apply(self, world: World) -> Undo:
        before = copy_of(world.api.get(self.kind, self.namespace, self.name))
        how: Any = self.how
        world.api.patch(self.kind, self.namespace, self.name, self.patch, how=how, manager=MANAGER)

        def undo(later: World) -> None:
            _restore(later, self.kind, before)

        return undo


def _restore(world: World, kind: str, before: Object) -> None:
    """Give an object back everything but status; pods of a StatefulSet that do not get ready are replaced."""
    meta = before["metadata"]
    current = world.api.find(kind, meta.get("namespace", ""), meta["name"])
    if current is None:
        return
    kept = {key: copy_of(current[key]) for key in ("kind", "apiVersion", "metadata", "status") if key in current}
    kept["metadata"]["finalizers"] = meta.get("finalizers") or []
    for field in ("labels", "annotations"):
        if field in meta:
            own = {
                name: value for name, value in meta[field].items() if not name.startswith("deployment.kubernetes.io/")
            }
            kept["metadata"][field] = {**(kept["metadata"].get(field) or {}), **own}
    rest = {key: value for key, value in before.items() if key not in kept and key != "status"}
    world.api.update(kind, {**kept, **copy_of(rest)}, manager=MANAGER)
    if kind == "StatefulSet":
        for pod in world.plane.cache.pods_of(meta["uid"]):
            if not is_ready(pod):
                world.api.delete("Pod", meta["namespace"], pod["metadata"]["name"])


def set_container(kind: str, namespace: str, name: str, *, pod: Object | None = None, **container: Any) -> Patch:
    """A patch of the container that has the workload's name, and of fields of its pod."""
    spec: Object = dict(pod or {})
    if container:
        spec["containers"] = [{"name": name, **container}]
    return Patch(kind, namespace, name, {"spec": {"template": {"spec": spec}}})


def set_image(namespace: str, name: str, image: str, kind: str = "Deployment") -> Patch:
    return set_container(kind, namespace, name, image=image)


@dataclass(frozen=True)
class Create:
    """Create objects; going back deletes them."""

    objects: tuple[Object, ...]

    def apply(self, world: World) -> Undo:
        for one in self.objects:
            world.api.create(one["kind"], one, namespace=one["metadata"].get("namespace", ""), manager=MANAGER)

        def undo(later: World) -> None:
            for one in reversed(self.objects):
                _delete(later, one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"])
                _delete_claims(later, one)

        return undo


def _delete(world: World, kind: str, namespace: str, name: str) -> None:
    try:
        world.api.delete(kind, namespace, name, propagation="Background")
    except ApiError as error:
        if error.code != 404:
            raise


def _delete_claims(world: World, one: Object) -> None:
    """The volumes of a StatefulSet stay when it goes; whoever tidies up deletes its claims as well."""
    for template in one.get("spec", {}).get("volumeClaimTemplates") or ():
        prefix = f"{template['metadata']['name']}-{one['metadata']['name']}-"
        for claim in world.api.list("PersistentVolumeClaim", one["metadata"]["namespace"]):
            if claim["metadata"]["name"].startswith(prefix):
                _delete(world, "PersistentVolumeClaim", one["metadata"]["namespace"], claim["metadata"]["name"])


@dataclass(frozen=True)
class Delete:
    """Delete an object; going back creates it again (with a new uid)."""

    kind: str
    namespace: str
    name: str
    lets_go: bool = True
    """Whether going back restores it at all."""

    def apply(self, world: World) -> Undo:
        before = copy_of(world.api.get(self.kind, self.namespace, self.name))
        world.api.delete(self.kind, self.namespace, self.name, propagation="Background")

        def undo(later: World) -> None:
            if not self.lets_go or later.api.find(self.kind, self.namespace, self.name):
                return
            fresh = {key: value for key, value in before.items() if key != "status"}
            kept = ("name", "namespace", "labels", "annotations")
            fresh["metadata"] = {key: before["metadata"][key] for key in kept if key in before["metadata"]}
            later.api.create(self.kind, fresh, namespace=self.namespace, manager=MANAGER)

        return undo


@dataclass(frozen=True)
class Publish:
    """Push an image whose program behaves in its own way."""

    image: str
    program: Program

    def apply(self, world: World) -> Undo:
        publish(world, self.image, self.program)
        return lambda later: None


@dataclass(frozen=True)
class Restart:
    """Delete the pods of an application, as `kubectl delete pod -l` does; its controller makes new ones.

    With `node` only those that run there.
    """

    namespace: str
    name: str
    node: str = ""

    def apply(self, world: World) -> Undo:
        def restart(later: World) -> None:
            for pod in later.api.list("Pod", self.namespace, labels={"app.kubernetes.io/name": self.name}):
                if self.node in ("", pod["spec"].get("nodeName")):
                    later.api.delete("Pod", self.namespace, pod["metadata"]["name"])

        restart(world)
        return restart


@dataclass(frozen=True)
class Outside:
    """Change something outside the API: a machine, a registry, a server elsewhere.

    `field` is an attribute of `Environment` that is a mapping; `value` may be `NOW` for the present time.
    """

    field: str
    key: Any
    value: Any
    look_again: bool = True

    def apply(self, world: World) -> Undo:
        mapping = getattr(world.plane.environment, self.field)
        had, before = self.key in mapping, mapping.get(self.key)
        mapping[self.key] = world.clock.now() if self.value is NOW else self._dated(world)
        self._wake(world)

        def undo(later: World) -> None:
            if had:
                mapping[self.key] = before
            else:
                mapping.pop(self.key, None)
            self._wake(later)

        return undo

    def _dated(self, world: World) -> Any:
        if isinstance(self.value, External) and self.value.since is None:
            return External(self.value.state, world.clock.now())
        return self.value

    def _wake(self, world: World) -> None:
        if self.look_again:
            world.kubelet.look_again()
        for node in world.api.list("Node"):
            world.plane.enqueue(world.plane.find(Nodes), ("", node["metadata"]["name"]))


NOW = object()


@dataclass(frozen=True)
class StopScheduler:
    """The scheduler stops; pods wait without a word."""

    def apply(self, world: World) -> Undo:
        scheduler = world.plane.find(Scheduler)
        assert isinstance(scheduler, Scheduler)
        scheduler.stopped = True

        def undo(later: World) -> None:
            scheduler.stopped = False
            scheduler.look_again()

        return undo


@dataclass(frozen=True)
class Evict:
    """Try to evict the pods of an application from wherever they run, as a drain does; refusals are expected."""

    namespace: str
    name: str

    def apply(self, world: World) -> Undo:
        for pod in world.api.list("Pod", self.namespace, labels={"app.kubernetes.io/name": self.name})[:1]:
            try:
                world.api.evict(self.namespace, pod["metadata"]["name"])
            except ApiError as error:
                if error.code != 429:
                    raise
        return lambda later: None


@dataclass(frozen=True)
class CordonUnder:
    """Cordon the node that the first pod of an application runs on."""

    namespace: str
    name: str

    def apply(self, world: World) -> Undo:
        pod = world.api.list("Pod", self.namespace, labels={"app.kubernetes.io/name": self.name})[0]
        return Patch("Node", "", pod["spec"]["nodeName"], {"spec": {"unschedulable": True}}).apply(world)
