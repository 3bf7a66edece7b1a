"""What a tool may use: who asks, the clusters they may see, the store, and the time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from chalicelib.accounts.identity import Principal, require
from chalicelib.errors import InvalidRequest, unknown
from chalicelib.state.ids import TenantId
from chalicelib.state.snapshot import Snapshot
from chalicelib.state.world import World
from chalicelib.store.records import ClusterRecord, EvidenceRecord

if TYPE_CHECKING:
    from chalicelib.clusters.source import ClusterSource
    from chalicelib.store.investigation_records import Trigger
    from chalicelib.tools.changing import Changing
    from chalicelib.tools.inquiry import Investigator
    from chalicelib.tools.views import ClusterView, Views

ALL = "*"


class EvidencePort(Protocol):
    def put_many(self, tenant: TenantId, evidence: Iterable[EvidenceRecord], now: datetime) -> None: ...


class StorePort(Protocol):
    """The part of the store that tools write to."""

    @property
    def evidence(self) -> EvidencePort: ...


@dataclass(frozen=True)
class ToolContext:
    """One call's surroundings. `record` is the cluster in hand; a tool that takes no cluster has none."""

    principal: Principal
    views: Views
    store: StorePort
    now: datetime
    record: ClusterRecord | None = None
    at: datetime | None = None
    """Ask the reading of this moment again, for the next page of a list."""

    kind: str = ""
    """The kind that is asked about; a custom resource is read only when it is asked for."""

    investigator: Investigator | None = None
    """Who investigates for tools that ask for it; None inside of an investigation."""

    changing: Changing | None = None
    """Who takes change requests; None where nothing may be asked for, as inside of an investigation."""

    via: Trigger = "person"
    """How the call came, for what it starts."""

    def on(self, record: ClusterRecord, at: datetime | None = None, kind: str = "") -> ToolContext:
        """The same surroundings with a cluster in hand."""
        return replace(self, record=record, at=at, kind=kind)

    @cached_property
    def view(self) -> ClusterView:
        """The cluster in hand as it was last read. Raises ClusterError when it cannot be read at all."""
        if self.at is not None:
            earlier = self.views.at(self.principal, self.cluster_id, self.at)
            if earlier.as_of == self.at:
                return earlier
        return self.views.view(self.principal, self.cluster_id, kind=self.kind)

    @property
    def cluster_id(self) -> str:
        if self.record is None:
            raise RuntimeError("this tool was registered without a cluster argument")
        return self.record.id

    @property
    def world(self) -> World:
        return self.view.world

    @property
    def snapshot(self) -> Snapshot:
        return self.view.snapshot

    def source(self) -> ClusterSource:
        """The cluster itself, for what a snapshot does not hold (logs)."""
        return self.views.source(self.principal, self.cluster_id)

    def require(self, permission: str) -> None:
        """Raises Forbidden when the principal's role lacks a permission."""
        require(self.principal, permission)

    def clusters(self, name: str) -> list[ClusterRecord]:
        """The clusters that an argument names: an id, an exact name, `*`, or nothing when there is only one.

        Raises NotFound `unknown_cluster` with the choices.
        """
        visible = list(self.views.clusters(self.principal))
        if name == ALL and visible:
            return visible
        if not name:
            return [_only(visible)]
        found = [c for c in visible if c.id == name] or [c for c in visible if c.name == name]
        if len(found) != 1:
            raise unknown("cluster", name, (c.name for c in visible))
        return found


def _only(visible: Sequence[ClusterRecord]) -> ClusterRecord:
    if len(visible) == 1:
        return visible[0]
    names = sorted(c.name for c in visible)
    raise InvalidRequest(
        "cluster: say which cluster is meant." if visible else "cluster: no cluster is connected yet.",
        remedy=f"Choose one of: {', '.join(names[:20])}, or * for all." if visible else "Add a cluster first.",
        details={"field": "cluster", "valid": names[:20]},
    )
