"""What every cluster offers to the rest of the product, live or recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from chalicelib.state.kinds import KindEntry
from chalicelib.state.meta import Api
from chalicelib.state.snapshot import ApiResource, Gap, Snapshot

DEFAULT_DEADLINE_S = 20.0
DEFAULT_LOG_LINES = 1000
DEFAULT_LOG_BYTES = 1024 * 1024


class Permission(Api):
    """One feature, and what is missing for it: `list pods`, `get pods/log`, `list nodes.metrics.k8s.io`."""

    feature: str
    missing: list[str] = []
    optional: bool = False
    """True where the feature is an extra that a tenant opts in to, so that its absence is no fault."""

    @property
    def granted(self) -> bool:
        return not self.missing


class CheckReport(Api, omit_defaults=False):
    """The answer of a connection check."""

    reachable: bool
    version: str = ""
    latency_ms: int = 0
    permissions: list[Permission] = []
    metrics: bool = False
    counts: dict[str, int] = {}
    """Objects by kind; only for a recorded cluster, where counting costs nothing."""
    captured_at: datetime | None = None
    gaps: list[Gap] = []
    notes: list[str] = []

    @property
    def message(self) -> str:
        """What to tell a person first: why it is not reachable, or what is worth knowing."""
        return self.notes[0] if self.notes else ""


class ClusterSource(Protocol):
    """A cluster to read from. Implementations: `LiveCluster`, `RecordedCluster`."""

    def snapshot(
        self,
        *,
        kinds: Sequence[str] | None = None,
        namespace: str = "",
        deadline_s: float = DEFAULT_DEADLINE_S,
        now: datetime,
    ) -> Snapshot:
        """All objects, or those of some kinds or one namespace.

        What could not be read is a gap, never an empty success.
        """
        ...

    def raw(self, resource: KindEntry | ApiResource | str, namespace: str, name: str) -> dict[str, Any]:
        """One object as the API gives it, Secret values masked. Raises NotFound."""
        ...

    def logs(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        previous: bool = False,
        tail: int | None = DEFAULT_LOG_LINES,
        since_s: int | None = None,
        limit_bytes: int = DEFAULT_LOG_BYTES,
    ) -> str:
        """Log text of one container. Raises NotFound where there is none."""
        ...

    def check(self, now: datetime) -> CheckReport:
        """Reachable, version, permissions by feature, metrics or not."""
        ...

    def discover(self) -> tuple[ApiResource, ...]:
        """The kinds the server offers beyond the registry."""
        ...
