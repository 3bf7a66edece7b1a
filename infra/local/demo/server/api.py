"""The API server as controllers, worlds and scenarios use it: the same rules as over HTTP, without the wire.

    api = Api(seed=1, clock=VirtualClock())
    api.create("Namespace", {"metadata": {"name": "shop"}})
    api.create("Pod", pod, namespace="shop", manager="kube-controller-manager")
    for pod in api.list("Pod", "shop", labels={"app": "cart"}): ...

Every method takes a kind by any of its names ("Pod", "pods", "po", "deployments.apps"). What is returned belongs to
the store and must not be changed in place: take `copy_of(obj)`, change that, and hand it to `update`,
`update_status` or `patch`. Refusals are `ApiError` with code, reason, message and details of the real server (a pod
over quota is a 403, a stale resourceVersion a 409).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Literal

from infra.local.demo.server import deleting, kinds, loading, managed, reading, subresources, writing
from infra.local.demo.server.access import Caller, Tokens
from infra.local.demo.server.clock import Clock, WallClock, micro_timestamp, timestamp
from infra.local.demo.server.errors import ApiError
from infra.local.demo.server.identity import Identity
from infra.local.demo.server.resources import Resource, Resources
from infra.local.demo.server.schemas import Type
from infra.local.demo.server.sources import LogLine, LogSource, MetricsSource, Usage
from infra.local.demo.server.store import Change, Object, Store, copy_of

__all__ = ["Api", "ApiError", "Caller", "LogLine", "LogSource", "MetricsSource", "Usage", "copy_of", "kinds"]

Objects = list[Object]
Propagation = Literal["Background", "Foreground", "Orphan"]
PatchType = Literal["json", "merge", "strategic", "apply"]


class Api:
    """One cluster's API, in process."""

    def __init__(self, *, seed: int = 1, clock: Clock | None = None, log_size: int = 50_000) -> None:
        self.clock: Clock = clock or WallClock()
        self.identity = Identity(seed)
        self.resources = Resources()
        self.store = Store(log_size=log_size)
        self.store.amend = partial(managed.committed_directly, self)
        self.tokens = Tokens()
        self.logs: LogSource | None = None
        self.metrics: MetricsSource | None = None
        self.storage_versions: dict[tuple[str, str], str] = {}
        self.custom_types: dict[tuple[str, str, str], Type] = {}
        self.custom_schemas: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.printer_columns: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        self.warnings: list[str] = []
        """Texts for the Warning headers of the request being served."""
        self.pending: list[Callable[[], None]] = []
        self.settle: Callable[[], None] = lambda: None
        """Called by the HTTP server after each request that wrote something: controllers do their work here."""

    def work_off(self) -> None:
        """Let the server's own controllers (definitions, API services) do what the last writes left them."""
        while self.pending:
            self.pending.pop(0)()

    # -- time ---------------------------------------------------------------------------------------------------

    def now(self) -> str:
        """The present as a Kubernetes Time."""
        return timestamp(self.clock.now())

    def now_micro(self) -> str:
        """The present as a Kubernetes MicroTime (leases, event times)."""
        return micro_timestamp(self.clock.now())

    def later(self, seconds: int) -> str:
        """A Kubernetes Time that many seconds from now."""
        return timestamp(self.clock.now() + timedelta(seconds=seconds))

    # -- reading ------------------------------------------------------------------------------------------------

    def resource(self, kind: str | Resource) -> Resource:
        return self.resources.named(kind)

    def find(self, kind: str | Resource, namespace: str, name: str) -> Object | None:
        """The object, or None."""
        stored = self.store.get(self.resource(kind), namespace, name)
        return stored.object if stored else None

    def get(self, kind: str | Resource, namespace: str, name: str) -> Object:
        """The object; ApiError 404 when there is none."""
        return reading.get(self, self.resource(kind), namespace, name).object

    def list(
        self,
        kind: str | Resource,
        namespace: str = "",
        *,
        labels: str | Mapping[str, Any] | None = None,
        fields: str = "",
    ) -> Objects:
        """Objects in key order. `labels` is a selector string, plain labels, or a LabelSelector object."""
        return reading.select(self, self.resource(kind), namespace, labels, fields)

    def owned_by(self, kind: str | Resource, owner: Object) -> Objects:
        """Objects of a kind in the owner's namespace whose controller reference names the owner's uid."""
        return reading.owned(self, self.resource(kind), owner)

    # -- writing ------------------------------------------------------------------------------------------------

    def create(
        self, kind: str | Resource, obj: Object, *, namespace: str = "", manager: str = "", caller: Caller | None = None
    ) -> Object:
        """Default, admit, validate and store a new object; name or generateName must be in its metadata."""
        return writing.create(self, self.resource(kind), namespace, copy_of(obj), self._caller(caller, manager))

    def update(
        self,
        kind: str | Resource,
        obj: Object,
        *,
        subresource: str = "",
        manager: str = "",
        caller: Caller | None = None,
    ) -> Object:
        """Replace an object; with a resourceVersion in its metadata it must be the current one (409 otherwise)."""
        who = self._caller(caller, manager)
        return writing.update(self, self.resource(kind), copy_of(obj), subresource, who)

    def update_status(self, kind: str | Resource, obj: Object, *, manager: str = "") -> Object:
        """Replace the status (and annotations) only; spec is ignored."""
        return self.update(kind, obj, subresource="status", manager=manager)

    def patch(
        self,
        kind: str | Resource,
        namespace: str,
        name: str,
        patch: Any,
        *,
        how: PatchType = "merge",
        subresource: str = "",
        manager: str = "",
        caller: Caller | None = None,
    ) -> Object:
        """Patch an object or a subresource; `how="apply"` is server-side apply under `manager`."""
        who = self._caller(caller, manager)
        return writing.patch(self, self.resource(kind), namespace, name, patch, how, subresource, who)

    def delete(
        self,
        kind: str | Resource,
        namespace: str,
        name: str,
        *,
        propagation: Propagation | None = None,
        grace_s: int | None = None,
        uid: str = "",
        caller: Caller | None = None,
    ) -> Object:
        """Delete, or mark for deletion while finalizers or a grace period hold it; returns the last state.

        A pod that runs on a node gets a deletionTimestamp and stays until somebody deletes it with `grace_s=0`
        (the kubelet's part). Dependents are removed by `collect_garbage`.
        """
        options: Object = {}
        if propagation:
            options["propagationPolicy"] = propagation
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        if uid:
            options["preconditions"] = {"uid": uid}
        return deleting.delete(self, self.resource(kind), namespace, name, options, self._caller(caller, "")).object

    def evict(self, namespace: str, name: str, *, dry_run: bool = False) -> None:
        """Evict a pod; ApiError 429 when a PodDisruptionBudget forbids it."""
        subresources.evict(self, namespace, name, {}, Caller(dry_run=dry_run))

    def bind(self, namespace: str, pod: str, node: str) -> Object:
        """Put a pod on a node, as the scheduler does (sets spec.nodeName and the PodScheduled condition)."""
        return subresources.bind(self, namespace, pod, node, Caller(manager="kube-scheduler"))

    def finalize_namespace(self, name: str, finalizers: Sequence[str]) -> Object:
        """Set spec.finalizers of a namespace; a deleted one without any is gone. What its controller does last."""
        return deleting.finalize_namespace(self, name, [*finalizers])

    def load(self, objects: Iterable[Object]) -> int:
        """Store ready-made objects as they are, fast: no defaults, admission or managers.

        Each needs apiVersion, kind and metadata.name; uid, creationTimestamp and generation are added if missing.
        CustomResourceDefinitions among them are served at once, so they must come before their objects.
        """
        return loading.load(self, objects)

    def collect_garbage(self) -> int:
        """One pass of the garbage collector over owner references and deletion finalizers; returns deletions."""
        return deleting.collect_garbage(self)

    # -- following ----------------------------------------------------------------------------------------------

    @property
    def revision(self) -> int:
        return self.store.revision

    def changes(self, after: int) -> Iterator[Change]:
        """Changes committed after a revision (controllers keep the revision they have seen)."""
        return self.store.changes(after)

    def subscribe(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Be told of every commit, synchronously; returns the way to stop. The listener must not write."""
        return self.store.subscribe(listener)

    def _caller(self, caller: Caller | None, manager: str) -> Caller:
        if caller is not None:
            return caller
        return Caller(manager=manager) if manager else Caller()
