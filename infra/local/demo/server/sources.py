"""What a kubelet and a metrics server tell the API server; the world of the demo implements both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from infra.local.demo.server.store import Object


@dataclass(frozen=True, slots=True)
class LogLine:
    at: datetime
    text: str


class LogSource(Protocol):
    """Where container output comes from (a fake kubelet)."""

    def lines(self, pod: Object, container: str, previous: bool) -> Sequence[LogLine] | None:
        """Oldest first. None: the container has not started, or there is no previous one."""
        ...


@dataclass(frozen=True, slots=True)
class Usage:
    """What metrics.k8s.io tells: cores and bytes."""

    cpu: float
    memory: int


class MetricsSource(Protocol):
    """What metrics-server would have scraped."""

    def node(self, node: Object) -> Usage | None: ...

    def pod(self, pod: Object) -> Mapping[str, Usage] | None:
        """By container name; None when the pod has no metrics yet."""
        ...
