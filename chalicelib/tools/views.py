"""A cluster in hand: the newest snapshot that is fresh enough, its relations, its diagnosis, its rows.

A view is built once per snapshot and kept in the process, so that a hundred readers share one. Freshness follows one
rule: data older than `max_age_s` is first refreshed within the deadline; when that fails the older snapshot answers
and says so in `note`.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from chalicelib.accounts.identity import Principal
from chalicelib.analytics.health import Health, inside, resource_health
from chalicelib.errors import ClusterError, Conflict, KubiliticsError, NotFound, unknown
from chalicelib.rootcause import Diagnosis, Problem, diagnose
from chalicelib.state.ids import TenantId
from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref
from chalicelib.state.query import Vocabulary
from chalicelib.state.snapshot import Gap, Snapshot, decode_snapshot
from chalicelib.state.world import World
from chalicelib.store.facade import Store
from chalicelib.store.records import ClusterRecord

if TYPE_CHECKING:
    from chalicelib.clusters.source import ClusterSource

SNAPSHOTS_KEPT_WARM = 8
SNAPSHOT_FOLDER = "snapshots"
JUDGED_FOLDER = "judged"
"""Marks of snapshots that an investigation judged: retention leaves those alone."""
DISCOVERED_DEADLINE_S = 10.0
RECORD_KEPT_S = 1.0
"""A burst of requests reads a cluster's record once; another process's change shows a second later."""


class ClusterView:
    """One snapshot of one cluster with everything derived from it. `note` says why it may be out of date."""

    def __init__(self, record: ClusterRecord, snapshot: Snapshot, *, note: str = "") -> None:
        self.record = record
        self.snapshot = snapshot
        self.note = note
        self.world = World(snapshot)
        self._lock = threading.Lock()
        self._rows: dict[str, list[dict[str, Any]]] = {}

    @property
    def as_of(self) -> datetime:
        return self.snapshot.taken_at

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be read, and the staleness of what was."""
        stale = (Gap(kind="*", reason="stale", message=self.note),) if self.note else ()
        return (*stale, *self.snapshot.gaps)

    @cached_property
    def diagnosis(self) -> Diagnosis:
        return diagnose(self.world)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The names a question about this cluster may use."""
        return Vocabulary.of(self.world)

    @cached_property
    def _problems_by_ref(self) -> dict[Ref, list[Problem]]:
        found: dict[Ref, list[Problem]] = defaultdict(list)
        for problem in self.diagnosis.problems:
            for ref in {problem.resource, *problem.explains}:
                found[ref].append(problem)
        return found

    def problems_of(self, ref: Ref) -> Sequence[Problem]:
        """Problems of this resource or that explain its state, most probable first.

        A diagnosis names the workload; what is unwell below a workload has the workload's problems, and a namespace
        has those inside it.
        """
        own = self._problems_by_ref.get(ref, ())
        if ref.kind == "Namespace":
            inner = (p for p in self.diagnosis.problems if inside(p, ref))
            return [*own, *(p for p in inner if p not in own)]
        owner = self.world.graph.owner_of(ref)
        if owner == ref or own:
            return own
        obj = self.snapshot.find(ref)
        unwell = obj is not None and self.world.status(ref.kind, obj).level in ("warn", "crit")
        return self._problems_by_ref.get(owner, ()) if unwell else ()

    def health_of(self, kind: str, obj: Any) -> Health:
        entry = KINDS.get(kind)
        ref = entry.ref(obj) if entry else Ref(kind, obj.metadata.namespace, obj.metadata.name)
        return resource_health(kind, obj, self.world, self.problems_of(ref))

    def with_more(self, fresh: Snapshot) -> ClusterView:
        """This view with what was just read laid over it. A kind that no detector knows changes no diagnosis."""
        merged = self.snapshot.replace(
            objects={**self.snapshot.objects, **fresh.objects}, gaps=(*self.snapshot.gaps, *fresh.gaps)
        )
        twin = ClusterView(self.record, merged, note=self.note)
        twin.__dict__["diagnosis"] = self.diagnosis
        return twin

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """List rows of a kind, computed once per snapshot."""
        with self._lock:
            found = self._rows.get(kind)
            if found is None:
                from chalicelib.tools.rows import rows_of

                found = self._rows[kind] = rows_of(self, kind)
        return found


class Views(Protocol):
    """Reads clusters for a caller; `cluster` is an id or an exact name."""

    def clusters(self, principal: Principal) -> Sequence[ClusterRecord]: ...

    def record(self, principal: Principal, cluster: str) -> ClusterRecord: ...

    def view(
        self, principal: Principal, cluster: str, *, max_age_s: int | None = None, namespace: str = "", kind: str = ""
    ) -> ClusterView:
        """The cluster as it is now. A discovered `kind` (a custom resource) is read too: only what is asked for is."""
        ...

    def at(self, principal: Principal, cluster: str, when: datetime) -> ClusterView: ...

    def kept(self, principal: Principal, cluster: str, key: str) -> ClusterView:
        """Exactly the reading of an object key. Raises NotFound `no_snapshot` when it is no longer kept."""
        ...

    def history(self, principal: Principal, cluster: str) -> Sequence[datetime]: ...

    def source(self, principal: Principal, cluster: str) -> ClusterSource: ...


Refresh = Callable[[TenantId, ClusterRecord, str], ClusterRecord]
"""Reads the cluster anew (one namespace or all) and stores the snapshot; returns the updated record."""


class StoredViews:
    """Views over stored snapshots, refreshed on demand."""

    def __init__(
        self,
        store: Store,
        refresh: Refresh,
        open_source: Callable[[TenantId, ClusterRecord], ClusterSource],
        clock: Callable[[], datetime],
        default_max_age_s: int,
    ) -> None:
        self._store = store
        self._refresh = refresh
        self._open_source = open_source
        self._clock = clock
        self._default_max_age_s = default_max_age_s
        self._warm: OrderedDict[tuple[str, str, str], ClusterView] = OrderedDict()
        self._lock = threading.Lock()
        self._records: dict[tuple[TenantId, str], tuple[float, ClusterRecord]] = {}
        self._building: dict[tuple[str, str, str], threading.Lock] = defaultdict(threading.Lock)

    def clusters(self, principal: Principal) -> Sequence[ClusterRecord]:
        return self._store.clusters.list(principal.tenant)

    def record(self, principal: Principal, cluster: str) -> ClusterRecord:
        """By id, else by exact name. Raises NotFound with the valid names."""
        known = self._records.get((principal.tenant, cluster))
        if known is not None and known[0] > time.monotonic():
            return known[1]
        found = self._store.clusters.find(principal.tenant, cluster)
        if found is not None:
            self._records[principal.tenant, cluster] = (time.monotonic() + RECORD_KEPT_S, found)
            return found
        records = self.clusters(principal)
        named = [r for r in records if r.name == cluster]
        if len(named) == 1:
            return named[0]
        if len(named) > 1:
            raise Conflict(
                f"{len(named)} clusters are called {cluster!r}.", code="ambiguous_cluster",
                remedy=f"Use the id: {', '.join(r.id for r in named)}.",
            )  # fmt: skip
        raise unknown("cluster", cluster, (f"{r.id} ({r.name})" for r in records))

    def view(
        self, principal: Principal, cluster: str, *, max_age_s: int | None = None, namespace: str = "", kind: str = ""
    ) -> ClusterView:
        record = self.record(principal, cluster)
        limit = self._default_max_age_s if max_age_s is None else max_age_s
        note = ""
        if self._too_old(record, limit):
            try:
                record = self._refresh(principal.tenant, record, namespace)
                self.forget_records()
            except KubiliticsError as error:
                if not record.snapshot_key:
                    raise
                age = int((self._clock() - record.as_of).total_seconds()) if record.as_of else 0
                note = f"{error.message} This is what was read {age} s before."
        view = self._load(principal.tenant, record, record.snapshot_key, note)
        return self._covering(principal.tenant, view, kind) if kind else view

    def _covering(self, tenant: TenantId, view: ClusterView, kind: str) -> ClusterView:
        """The view with a discovered kind laid over it; the view itself for kinds that every reading has."""
        resource, record = view.snapshot.resource(kind), view.record
        if resource is None or resource.name in view.snapshot.objects or record.source == "recorded":
            return view
        warm = (tenant, record.id, f"{record.snapshot_key}+{resource.name}")
        found = self._warm.get(warm)
        if found is None:
            source = self._open_source(tenant, record)
            fresh = source.snapshot(kinds=[resource.name], deadline_s=DISCOVERED_DEADLINE_S, now=self._clock())
            found = view.with_more(fresh)
            self._keep_warm(warm, found)
        return found

    def _keep_warm(self, warm: tuple[str, str, str], view: ClusterView) -> None:
        with self._lock:
            self._warm[warm] = view
            while len(self._warm) > SNAPSHOTS_KEPT_WARM:
                dropped, _ = self._warm.popitem(last=False)
                self._building.pop(dropped, None)

    def forget_records(self) -> None:
        """After this process changed a cluster: its next reader sees the change."""
        self._records.clear()

    def _too_old(self, record: ClusterRecord, max_age_s: int) -> bool:
        if not record.snapshot_key or record.as_of is None:
            return True
        if record.source == "recorded":
            return False
        return (self._clock() - record.as_of).total_seconds() > max_age_s

    def at(self, principal: Principal, cluster: str, when: datetime) -> ClusterView:
        """The newest stored snapshot of `when` or before. Raises NotFound naming what there is."""
        record = self.record(principal, cluster)
        known = self._snapshots(principal.tenant, record)
        before = [moment for moment in known if moment <= when]
        if not before:
            raise NotFound(
                f"There is no snapshot of {record.name} from {when.isoformat()} or before.",
                code="no_snapshot",
                remedy=f"The oldest one is of {min(known).isoformat()}." if known else "Refresh the cluster first.",
            )
        return self._load(principal.tenant, record, known[max(before)], "")

    def kept(self, principal: Principal, cluster: str, key: str) -> ClusterView:
        record = self.record(principal, cluster)
        known = key.startswith(f"{record.id}/{SNAPSHOT_FOLDER}/")
        if not known or self._store.objects.size(principal.tenant, key) is None:
            raise NotFound(
                f"This reading of {record.name} is no longer kept.",
                code="no_snapshot",
                remedy="Readings are kept for 30 days, those that an investigation judged for 120; start a new one.",
            )
        return self._load(principal.tenant, record, key, "")

    def history(self, principal: Principal, cluster: str) -> Sequence[datetime]:
        """Times of the stored snapshots, newest first."""
        return sorted(self._snapshots(principal.tenant, self.record(principal, cluster)), reverse=True)

    def _snapshots(self, tenant: TenantId, record: ClusterRecord) -> dict[datetime, str]:
        found = {}
        for info in self._store.objects.list(tenant, f"{record.id}/{SNAPSHOT_FOLDER}/"):
            moment = snapshot_time(info.key)
            if moment is not None:
                found[moment] = info.key
        return found

    def source(self, principal: Principal, cluster: str) -> ClusterSource:
        return self._open_source(principal.tenant, self.record(principal, cluster))

    def _load(self, tenant: TenantId, record: ClusterRecord, key: str, note: str) -> ClusterView:
        if not key:
            raise ClusterError(
                f"{record.name} has not been read yet.", code="no_snapshot", remedy="Run its connection check."
            )
        warm = (tenant, record.id, key)
        with self._lock:
            building = self._building[warm]
        with building:
            found = self._warm.get(warm)
            if found is None:
                found = ClusterView(record, decode_snapshot(self._store.objects.get(tenant, key)))
                self._keep_warm(warm, found)
        with self._lock:
            if warm in self._warm:
                self._warm.move_to_end(warm)
        if note or found.record.revision != record.revision:
            return _relabelled(found, record, note)
        return found


def _relabelled(view: ClusterView, record: ClusterRecord, note: str) -> ClusterView:
    """The same snapshot and derived data under a newer record or a note of staleness."""
    twin = ClusterView.__new__(ClusterView)
    _ = view.diagnosis
    twin.__dict__.update(view.__dict__)
    twin.record, twin.note = record, note
    return twin


def snapshot_key(cluster: str, taken_at: datetime, number: int) -> str:
    """Object key of a snapshot: sorts by time; `number` keeps two of one second apart."""
    return f"{cluster}/{SNAPSHOT_FOLDER}/{taken_at:%Y%m%dT%H%M%S}-{number:06d}.msgpack.zst"


def judged_mark(key: str, investigation: str) -> str:
    """Key of the empty object that keeps a snapshot for an investigation; "" for a key that is none."""
    cluster, _, name = key.partition(f"/{SNAPSHOT_FOLDER}/")
    return f"{cluster}/{JUDGED_FOLDER}/{name}/{investigation}" if name else ""


def snapshot_time(key: str) -> datetime | None:
    """The time in a snapshot's key, None for another object."""
    name = key.rpartition("/")[2].partition("-")[0]
    try:
        return datetime.strptime(name + "+0000", "%Y%m%dT%H%M%S%z")
    except ValueError:
        return None
