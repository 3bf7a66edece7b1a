"""The cluster as one session judges it: one reading, whatever is read of the cluster meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.accounts.identity import Principal
from chalicelib.state.snapshot import LogKey
from chalicelib.store.records import ClusterRecord
from chalicelib.tools.views import ClusterView, Views

if TYPE_CHECKING:
    from chalicelib.clusters.source import ClusterSource

MAX_LOG_CHARS = 64 * 1024
"""How much of the end of a log a session keeps."""


@dataclass(frozen=True)
class JudgedViews:
    """The views of a process, but for one cluster always the same reading. Logs that are read on the way are caught."""

    views: Views
    held: ClusterView
    logs: dict[LogKey, str] = field(default_factory=dict)

    def clusters(self, principal: Principal) -> Sequence[ClusterRecord]:
        return [self.held.record]

    def record(self, principal: Principal, cluster: str) -> ClusterRecord:
        return self.held.record

    def view(
        self, principal: Principal, cluster: str, *, max_age_s: int | None = None, namespace: str = "", kind: str = ""
    ) -> ClusterView:
        return self.held

    def at(self, principal: Principal, cluster: str, when: datetime) -> ClusterView:
        return self.views.at(principal, self.held.record.id, when)

    def kept(self, principal: Principal, cluster: str, key: str) -> ClusterView:
        return self.views.kept(principal, self.held.record.id, key)

    def history(self, principal: Principal, cluster: str) -> Sequence[datetime]:
        return [m for m in self.views.history(principal, self.held.record.id) if m <= self.held.as_of]

    def source(self, principal: Principal, cluster: str) -> ClusterSource:
        return Tapped(self.views.source(principal, self.held.record.id), self.logs)  # type: ignore[return-value]


class Tapped:
    """A cluster whose logs are kept as they are read; everything else is passed on."""

    def __init__(self, source: ClusterSource, caught: dict[LogKey, str]) -> None:
        self._source = source
        self._caught = caught

    def logs(self, namespace: str, pod: str, container: str, *, previous: bool = False, **limits: Any) -> str:
        text = self._source.logs(namespace, pod, container, previous=previous, **limits)
        self._caught[LogKey(namespace, pod, container, previous)] = text[-MAX_LOG_CHARS:]
        return text

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)
