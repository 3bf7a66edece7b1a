"""In-memory twin of the views: recorded clusters behind the `Views` protocol, and a context to call tools with."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from chalicelib.accounts.identity import Principal
from chalicelib.clusters.recorded import RecordedCluster, read_recording
from chalicelib.errors import ClusterError, NotFound, unknown
from chalicelib.investigations.desk import Desk
from chalicelib.investigations.office import Office
from chalicelib.state.ids import TenantId
from chalicelib.state.snapshot import Snapshot
from chalicelib.store.memory import memory_store
from chalicelib.store.records import ClusterRecord, EvidenceRecord
from chalicelib.tools.registry import ToolContext
from chalicelib.tools.views import ClusterView, snapshot_key

DUMPS = Path(__file__).parents[2] / "data" / "clusters"
TENANT = TenantId("acme")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@cache
def recorded(name: str) -> RecordedCluster:
    """A recorded cluster of tests/data/clusters."""
    return read_recording(DUMPS / f"{name}.tar.xz", cluster=f"cl_{name}")


@cache
def recorded_snapshot(name: str) -> Snapshot:
    return recorded(name).snapshot(now=NOW)


@cache
def view_of(name: str) -> ClusterView:
    return a_view(recorded_snapshot(name), name)


def a_view(snapshot: Snapshot, name: str = "test", note: str = "") -> ClusterView:
    """A view of a snapshot as cluster `cl_<name>`."""
    key = snapshot_key(f"cl_{name}", snapshot.taken_at, 1)
    return ClusterView(msgspec.structs.replace(a_record(name), snapshot_key=key), snapshot, note=note)


def a_record(name: str) -> ClusterRecord:
    return ClusterRecord(id=f"cl_{name}", tenant=TENANT, name=name, source="recorded", created_at=NOW, status="ready")


@dataclass
class RecordedViews:
    """Clusters by name, each with its readings, oldest first. A name in `down` cannot be read."""

    readings: dict[str, list[ClusterView]]
    down: set[str] = field(default_factory=set)
    sources: dict[str, Any] = field(default_factory=dict)

    def clusters(self, principal: Principal) -> Sequence[ClusterRecord]:
        return [a_record(name) for name in sorted({*self.readings, *self.down})] if principal.tenant == TENANT else []

    def record(self, principal: Principal, cluster: str) -> ClusterRecord:
        for found in self.clusters(principal):
            if cluster in (found.id, found.name):
                return found
        raise unknown("cluster", cluster, (c.name for c in self.clusters(principal)))

    def view(
        self, principal: Principal, cluster: str, *, max_age_s: int | None = None, namespace: str = "", kind: str = ""
    ) -> ClusterView:
        name = self.record(principal, cluster).name
        if name in self.down:
            raise ClusterError(f"{name} does not answer.")
        return self.readings[name][-1]

    def at(self, principal: Principal, cluster: str, when: datetime) -> ClusterView:
        name = self.record(principal, cluster).name
        before = [v for v in self.readings[name] if v.as_of <= when]
        if not before:
            raise NotFound("no snapshot", code="no_snapshot")
        return before[-1]

    def kept(self, principal: Principal, cluster: str, key: str) -> ClusterView:
        for view in self.readings[self.record(principal, cluster).name]:
            if view.record.snapshot_key == key:
                return view
        raise NotFound("This reading is no longer kept.", code="no_snapshot")

    def history(self, principal: Principal, cluster: str) -> Sequence[datetime]:
        return [v.as_of for v in reversed(self.readings[self.record(principal, cluster).name])]

    def source(self, principal: Principal, cluster: str) -> Any:
        name = self.record(principal, cluster).name
        return self.sources.get(name) or recorded(name)


@dataclass
class KeptEvidence:
    """In-memory twin of the evidence store."""

    records: dict[str, EvidenceRecord] = field(default_factory=dict)

    def put_many(self, tenant: TenantId, evidence: Any, now: datetime) -> None:
        self.records.update({e.id: e for e in evidence})


@dataclass
class KeptStore:
    evidence: KeptEvidence = field(default_factory=KeptEvidence)


def a_principal(role: str = "viewer", tenant: str = "acme") -> Principal:
    return Principal(tenant=TenantId(tenant), user="u1", name="Ada", role=role)  # type: ignore[arg-type]


def a_context(*names: str, role: str = "viewer", views: RecordedViews | None = None) -> ToolContext:
    """A context over recorded clusters."""
    views = views or RecordedViews({n: [view_of(n)] for n in names})
    investigator = Desk(an_office(views, a_principal(role)))
    return ToolContext(principal=a_principal(role), views=views, store=KeptStore(), now=NOW, investigator=investigator)  # type: ignore[arg-type]


def an_office(views: RecordedViews, principal: Principal) -> Office:
    """Surroundings of investigations, with a store of their own."""
    return Office(
        store=memory_store(), views=views, clock=lambda: NOW, random=secrets.token_bytes, holder="test",
        principal_of=lambda tenant, user: principal, note=lambda *args, **more: None, tell=lambda tenant, step: None,
        pause=lambda seconds: None,
    )  # fmt: skip
