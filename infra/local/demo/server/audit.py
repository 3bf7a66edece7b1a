"""A list of every request served, for tests and for the curious."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One request: who asked for what, and what came of it."""

    user: str
    impersonated_by: str
    verb: str
    method: str
    path: str
    query: str
    resource: str
    namespace: str
    name: str
    dry_run: bool
    status: int

    @property
    def writes(self) -> bool:
        """Whether the request changed something in the cluster."""
        changes = self.verb in ("create", "update", "patch", "delete", "deletecollection")
        review = self.resource.endswith(("reviews", "selfsubjectreviews"))
        return changes and not self.dry_run and self.status < 300 and not review


class Audit:
    """The newest entries, oldest first."""

    def __init__(self, size: int = 10_000) -> None:
        self._entries: deque[AuditEntry] = deque(maxlen=size)

    def add(self, entry: AuditEntry) -> None:
        self._entries.append(entry)

    def entries(self, where: Callable[[AuditEntry], bool] = lambda entry: True) -> list[AuditEntry]:
        return [entry for entry in self._entries if where(entry)]

    def writes(self) -> list[AuditEntry]:
        """Requests that changed something."""
        return self.entries(lambda entry: entry.writes)

    def clear(self) -> None:
        self._entries.clear()
