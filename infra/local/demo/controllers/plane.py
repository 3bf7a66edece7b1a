"""The control plane: controllers with a work queue and timers, driven by a clock and by nothing else.

A controller says which objects a change concerns (`concerned`), and brings one of them in order (`reconcile`). The
plane calls it for every change committed and at the times it asked for. With a virtual clock, `run_until` plays
hours in an instant and in the same order on every run; with the wall clock, `tick` does what is due.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from infra.local.demo.controllers.cache import Cache
from infra.local.demo.controllers.clock import WorldClock
from infra.local.demo.controllers.environment import Environment
from infra.local.demo.controllers.events import Recorder
from infra.local.demo.controllers.programs import Programs
from infra.local.demo.server.api import Api
from infra.local.demo.server.deleting import FOREGROUND
from infra.local.demo.server.errors import ApiError
from infra.local.demo.server.store import Change, Object, ResourceKey

Key = tuple[str, str]
_RETRY_S = 2.0
_LIMIT = 200_000


class Controller:
    """One control loop. `kinds` names what it watches."""

    name = "controller"
    kinds: tuple[str, ...] = ()

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.api = plane.api

    def concerned(self, change: Change) -> Iterable[Key]:
        """Keys to bring in order after a change; by default the changed object's own."""
        return ((change.namespace, change.name),)

    def reconcile(self, key: Key) -> None:
        """Bring one object in order."""

    def now(self) -> datetime:
        return self.plane.clock.now()

    def wake(self, key: Key, delay_s: float) -> None:
        """Be called for a key again after a while."""
        self.plane.wake(self, key, self.now() + timedelta(seconds=max(delay_s, 0.001)))

    def event(self, about: Object, kind: str, reason: str, message: str, *, field: str = "", host: str = "") -> None:
        """Record an event in this controller's name; `kind` is Normal or Warning."""
        self.plane.events.record(self.name, about, kind, reason, message, field=field, host=host)


class ControlPlane:
    """All controllers of one cluster over one API."""

    def __init__(self, api: Api, clock: WorldClock, *, environment: Environment | None = None) -> None:
        self.api = api
        self.clock = clock
        self.environment = environment or Environment()
        self.programs = Programs()
        self.cache = Cache(api)
        self.events = Recorder(api)
        self.controllers: list[Controller] = []
        self._watching: dict[ResourceKey, list[Controller]] = {}
        self._queue: deque[tuple[Controller, Key]] = deque()
        self._queued: set[tuple[int, Key]] = set()
        self._timers: list[tuple[datetime, int, Controller, Key]] = []
        self._earliest: dict[tuple[int, Key], datetime] = {}
        self._sequence = 0
        self._orphans = False
        self._blocked: set[str] = set()
        self._stop: Callable[[], None] | None = None

    def add(self, controller: Controller) -> None:
        """Register a controller; the order of registration is the order of work."""
        self.controllers.append(controller)
        for kind in controller.kinds:
            self._watching.setdefault(self.api.resource(kind).key, []).append(controller)

    def start(self, *, resync: bool = True) -> None:
        """Follow the store; with `resync` every object that is there already is looked at once."""
        self.cache.prime()
        self._stop = self.api.subscribe(self._heard)
        if not resync:
            return
        for controller in self.controllers:
            for kind in controller.kinds:
                resource = self.api.resource(kind)
                for stored in self.api.store.list(resource):
                    meta = stored.object["metadata"]
                    name, space = meta["name"], meta.get("namespace", "")
                    for key in controller.concerned(Change(0, "ADDED", resource.key, space, name, stored, None)):
                        self.enqueue(controller, key)

    def stop(self) -> None:
        if self._stop:
            self._stop()
            self._stop = None

    def _heard(self, change: Change) -> None:
        self.cache.heard(change)
        for controller in self._watching.get(change.key, ()):
            for key in controller.concerned(change):
                self.enqueue(controller, key)
        if self._makes_garbage(change):
            self._orphans = True

    def _makes_garbage(self, change: Change) -> bool:
        """Whether a change gives the garbage collector something to do.

        Of what goes all the time only dependents count whose owner waits for them (foreground deletion).
        """
        meta, gone = change.object["metadata"], change.type == "DELETED"
        if change.key[1] in ("events", "leases", "pods", "endpoints", "endpointslices"):
            waited_for = (one["uid"] in self._blocked for one in meta.get("ownerReferences") or ())
            return gone and any(waited_for)
        if gone:
            self._blocked.discard(meta["uid"])
        elif meta.get("deletionTimestamp") and FOREGROUND in (meta.get("finalizers") or ()):
            self._blocked.add(meta["uid"])
        return gone or bool(meta.get("deletionTimestamp"))

    def enqueue(self, controller: Controller, key: Key) -> None:
        mark = (id(controller), key)
        if mark not in self._queued:
            self._queued.add(mark)
            self._queue.append((controller, key))

    def find(self, cls: type[Controller]) -> Controller:
        """The registered controller of a class; LookupError if there is none."""
        for controller in self.controllers:
            if isinstance(controller, cls):
                return controller
        raise LookupError(cls.__name__)

    def wake(self, controller: Controller, key: Key, at: datetime) -> None:
        """Queue a key at a time. An earlier wake-up that is still to come makes a later one unnecessary."""
        mark = (id(controller), key)
        planned = self._earliest.get(mark)
        if planned is not None and planned <= at:
            return
        self._earliest[mark] = at
        self._sequence += 1
        heapq.heappush(self._timers, (at, self._sequence, controller, key))

    def settle(self) -> None:
        """Work until nothing is left to do at this moment."""
        done = 0
        while True:
            while self._queue:
                controller, key = self._queue.popleft()
                self._queued.discard((id(controller), key))
                self._reconcile(controller, key)
                done += 1
                if done > _LIMIT:
                    raise RuntimeError(f"controllers do not come to rest: {controller.name} at {key}")
            self.api.work_off()
            if self._orphans:
                self._orphans = False
                while self.api.collect_garbage():
                    pass
            if not self._queue:
                return

    def _reconcile(self, controller: Controller, key: Key) -> None:
        try:
            controller.reconcile(key)
        except ApiError as error:
            # A conflict or a missing object is the normal fate of a control loop: it looks again a little later.
            if error.code not in (404, 409):
                controller.wake(key, _RETRY_S * 10)
            else:
                controller.wake(key, _RETRY_S)

    def next_due(self) -> datetime | None:
        return self._timers[0][0] if self._timers else None

    def run_until(self, moment: datetime) -> None:
        """Play everything that happens up to a moment of the virtual clock."""
        self.settle()
        while self._timers and self._timers[0][0] <= moment:
            due = self._timers[0][0]
            self.clock.set(due)
            self._release(due)
            self.settle()
        self.clock.set(moment)

    def run_for(self, seconds: float) -> None:
        """Play a number of seconds of the virtual clock."""
        self.run_until(self.clock.now() + timedelta(seconds=seconds))

    def jump_to(self, moment: datetime) -> None:
        """Move the clock without playing what would have happened; what was planned comes due at once."""
        self.clock.set(moment)

    def forget_timers(self, controller: Controller) -> None:
        """Drop the plans of a controller, before a jump over a time whose work is not wanted."""
        self._timers = [timer for timer in self._timers if timer[2] is not controller]
        heapq.heapify(self._timers)
        self._earliest = {mark: at for mark, at in self._earliest.items() if mark[0] != id(controller)}

    def tick(self) -> None:
        """Do what is due now (for a clock that follows the wall)."""
        self._release(self.clock.now())
        self.settle()

    def _release(self, moment: datetime) -> None:
        while self._timers and self._timers[0][0] <= moment:
            at, _, controller, key = heapq.heappop(self._timers)
            mark = (id(controller), key)
            if self._earliest.get(mark) == at:
                del self._earliest[mark]
            self.enqueue(controller, key)
