"""Reading a cluster into the store: snapshot, logs worth having, diagnosis, findings, evidence.

One reader at a time per cluster, by a lease. A short refresh reads only what changes by the minute and is laid over
the last whole snapshot; a whole reading replaces it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from chalicelib.errors import Conflict, KubiliticsError, NotFound
from chalicelib.rootcause import Diagnosis, Problem, diagnose, logs_wanted
from chalicelib.state.evidence import Evidence
from chalicelib.state.ids import TenantId
from chalicelib.state.snapshot import Gap, Snapshot, decode_snapshot, encode_snapshot, laid_over
from chalicelib.state.world import World
from chalicelib.store.facade import Store
from chalicelib.store.findings import finding_id
from chalicelib.store.records import ClusterRecord, EvidenceRecord, FindingRecord, ResourceName
from chalicelib.tools.views import JUDGED_FOLDER, SNAPSHOT_FOLDER, snapshot_key, snapshot_time

if TYPE_CHECKING:
    from chalicelib.clusters.source import ClusterSource

FAST_KINDS = (
    "Pod", "Event", "Node", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "EndpointSlice",
    "PersistentVolumeClaim", "HorizontalPodAutoscaler",
)  # fmt: skip
"""What moves by the minute; the rest is read by whole readings."""
WHOLE_EVERY = timedelta(minutes=5)
LEASE_S = 120
LOG_BYTES = 64 * 1024
LOG_LINES = 200
KEEP_EACH = timedelta(hours=2)
KEEP_HOURLY = timedelta(days=30)
WAIT_FOR_OTHER = "Another reading of this cluster is under way."
_PRODUCTION = re.compile(r"(^|[^a-z])(prod|prd|production|live)([^a-z]|$)", re.IGNORECASE)


def looks_like_production(name: str) -> bool:
    """Whether a cluster's name says production; a person can set it either way."""
    return bool(_PRODUCTION.search(name))


class Collector:
    """Reads clusters and keeps what was read."""

    def __init__(
        self,
        store: Store,
        open_source: Callable[[TenantId, ClusterRecord], ClusterSource],
        clock: Callable[[], datetime],
        deadline_s: float,
        holder: str,
    ) -> None:
        self._store = store
        self._open_source = open_source
        self._clock = clock
        self._deadline_s = deadline_s
        self._holder = holder

    def refresh(self, tenant: TenantId, record: ClusterRecord, namespace: str = "") -> ClusterRecord:
        """A short reading over the last whole one, or a whole one when there is none or it is old.

        Raises ClusterError and its kin when the cluster cannot be read; the record then says so.
        """
        previous = self._previous(tenant, record)
        if previous is None or self._clock() - previous.taken_at > WHOLE_EVERY:
            return self.collect(tenant, record)
        return self._read(tenant, record, previous, FAST_KINDS, namespace)

    def collect(self, tenant: TenantId, record: ClusterRecord) -> ClusterRecord:
        """A whole reading."""
        return self._read(tenant, record, None, None, "")

    def _read(
        self,
        tenant: TenantId,
        record: ClusterRecord,
        previous: Snapshot | None,
        kinds: Sequence[str] | None,
        namespace: str,
    ) -> ClusterRecord:
        lease = self._store.leases.acquire(tenant, f"read#{record.id}", self._holder, LEASE_S, self._clock())
        if lease is None:
            raise Conflict(WAIT_FOR_OTHER, code="reading", remedy="Try again in a few seconds.")
        try:
            source = self._open_source(tenant, record)
            fresh = source.snapshot(kinds=kinds, namespace=namespace, deadline_s=self._deadline_s, now=self._clock())
            snapshot = laid_over(previous, fresh, namespace) if previous is not None else fresh
            snapshot = self._with_logs(source, snapshot)
            return self._keep(tenant, record, snapshot)
        except KubiliticsError as error:
            self._note_failure(tenant, record, error)
            raise
        finally:
            self._store.leases.release(tenant, lease)

    def _with_logs(self, source: ClusterSource, snapshot: Snapshot) -> Snapshot:
        """Logs of what is unwell, as far as the deadline and the rights allow. A recording brought its own."""
        if snapshot.recorded:
            return snapshot
        logs, gaps = dict(snapshot.logs), list(snapshot.gaps)
        wanted = [key for key in logs_wanted(World(snapshot)) if key not in logs]
        until = self._clock() + timedelta(seconds=self._deadline_s / 2)
        for done, key in enumerate(wanted):
            if self._clock() > until:
                gaps.append(_log_gap(f"{len(wanted) - done} of {len(wanted)} logs were not read in time", "timeout"))
                break
            try:
                logs[key] = source.logs(
                    key.namespace, key.pod, key.container, previous=key.previous, tail=LOG_LINES, limit_bytes=LOG_BYTES
                )
            except NotFound:
                continue  # a container that never ran has no log, and that is no gap
            except KubiliticsError as error:
                gaps.append(_log_gap(f"{key.namespace}/{key.pod}: {error.message}", "error"))
        return snapshot.replace(logs=logs, gaps=tuple(gaps))

    def _keep(self, tenant: TenantId, record: ClusterRecord, snapshot: Snapshot) -> ClusterRecord:
        snapshot = snapshot.replace(cluster=record.id)
        diagnosis = diagnose(World(snapshot))
        key = snapshot_key(record.id, snapshot.taken_at, record.revision)
        self._store.objects.put(tenant, key, encode_snapshot(snapshot), temporary=True)
        keep_findings(self._store, tenant, record.id, diagnosis, self._clock())
        updated = self._update(
            tenant,
            record,
            lambda r: msgspec.structs.replace(
                r, status="ready", message="", as_of=snapshot.taken_at, snapshot_key=key, version=snapshot.version,
                problems=problem_counts(diagnosis.problems),
            ),
        )  # fmt: skip
        self._prune(tenant, record.id, key, snapshot.taken_at)
        return updated

    def _note_failure(self, tenant: TenantId, record: ClusterRecord, error: KubiliticsError) -> None:
        if isinstance(error, Conflict):
            return
        self._update(tenant, record, lambda r: msgspec.structs.replace(r, status="unreachable", message=error.message))

    def _update(
        self, tenant: TenantId, record: ClusterRecord, change: Callable[[ClusterRecord], ClusterRecord]
    ) -> ClusterRecord:
        """Apply a change to the newest record; a concurrent rename must not lose a reading, nor the reverse."""
        for _ in range(5):
            newest = self._store.clusters.get(tenant, record.id)
            try:
                return self._store.clusters.update(tenant, change(newest))
            except Conflict:
                continue
        raise Conflict("The cluster was changed by others again and again.", remedy="Try again.")

    def _previous(self, tenant: TenantId, record: ClusterRecord) -> Snapshot | None:
        if not record.snapshot_key or self._store.objects.size(tenant, record.snapshot_key) is None:
            return None
        return decode_snapshot(self._store.objects.get(tenant, record.snapshot_key))

    def _prune(self, tenant: TenantId, cluster: str, newest: str, now: datetime) -> None:
        listed = self._store.objects.list
        old = superfluous([i.key for i in listed(tenant, f"{cluster}/{SNAPSHOT_FOLDER}/")], now)
        judged = {i.key.split("/")[2] for i in listed(tenant, f"{cluster}/{JUDGED_FOLDER}/")} if old else set()
        for key in old:
            if key != newest and key.rpartition("/")[2] not in judged:
                self._store.objects.delete(tenant, key)


def superfluous(keys: Iterable[str], now: datetime) -> list[str]:
    """Snapshots that retention lets go: all are kept for 2 hours, one an hour for 30 days."""
    kept_hours: set[str] = set()
    found = []
    for key in sorted(keys):
        moment = snapshot_time(key)
        if moment is None or now - moment <= KEEP_EACH:
            continue
        hour = f"{moment:%Y%m%d%H}"
        if now - moment > KEEP_HOURLY or hour in kept_hours:
            found.append(key)
        kept_hours.add(hour)
    return found


def problem_counts(problems: Iterable[Problem]) -> dict[str, int]:
    """Problems by severity that are more likely than not."""
    likely = [p for p in problems if p.probability > 0.5]
    return {s: sum(p.severity == s for p in likely) for s in ("critical", "warning")}


def keep_findings(store: Store, tenant: TenantId, cluster: str, diagnosis: Diagnosis, now: datetime) -> None:
    """Store a diagnosis: one finding per problem, and the evidence that it cites."""
    found = []
    evidence: list[EvidenceRecord] = []
    for problem in diagnosis.problems:
        resource = ResourceName(
            kind=problem.resource.kind, namespace=problem.resource.namespace, name=problem.resource.name
        )
        found.append(
            FindingRecord(
                id=finding_id(cluster, problem.mode, resource),
                cluster=cluster,
                rule=problem.mode,
                resource=resource,
                severity=problem.severity,
                first_seen=now,
                last_seen=now,
                probability=problem.probability,
                summary=problem.summary,
                evidence=tuple(e.id for e in problem.evidence),
            )
        )
        evidence.extend(evidence_record(cluster, item) for item in problem.evidence)
    store.evidence.put_many(tenant, evidence, now)
    store.findings.upsert_many(tenant, cluster, found, now)


def evidence_record(cluster: str, item: Evidence) -> EvidenceRecord:
    """The stored form of evidence; its namespace is what a reader's scope is checked on."""
    body = msgspec.to_builtins(item)
    body["resource"] = {"kind": item.ref.kind, "namespace": item.ref.namespace, "name": item.ref.name}
    del body["ref"]
    return EvidenceRecord(id=item.id, cluster=cluster, namespace=item.ref.namespace, body=body)


def _log_gap(message: str, reason: str) -> Gap:
    return Gap(kind="Log", reason=reason, message=message)  # type: ignore[arg-type]
