"""Pods the scheduler has refused: what could help each of them, and when it may be tried again.

As in kube-scheduler, an event brings back only pods whose refusal it could end (queueing hints), and not before their
back-off is over: 1 s after the first attempt, doubled with each, at most 10 s.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from infra.local.demo.controllers import fitting
from infra.local.demo.controllers.plane import Key

_FIRST_S, _LONGEST_S = 1.0, 10.0
NODES, PODS, VOLUMES = "nodes", "pods", "volumes"
_HELP = {
    fitting.PORTS: (NODES, PODS), fitting.ANTI_AFFINITY: (NODES, PODS), fitting.POD_AFFINITY: (NODES, PODS),
    fitting.SPREAD: (NODES, PODS), fitting.TOO_MANY: (NODES, PODS), fitting.VOLUME_ZONE: (NODES, VOLUMES),
}  # fmt: skip


class Waiting:
    """The scheduler's queues of pods that found no node."""

    def __init__(self) -> None:
        self._helped_by: dict[Key, set[str]] = {}
        self._attempts: dict[Key, int] = {}
        self._until: dict[Key, datetime] = {}

    def refused(self, key: Key, reasons: set[str], now: datetime) -> None:
        """Remember a refusal by what was in the way; without reasons, a volume was."""
        help_from = {VOLUMES} if not reasons else set()
        for reason in reasons:
            fits = reason.startswith("Insufficient ")
            help_from.update((NODES, PODS) if fits else _HELP.get(reason, (NODES,)))
        self._helped_by[key] = help_from
        tries = self._attempts[key] = self._attempts.get(key, 0) + 1
        self._until[key] = now + timedelta(seconds=min(_FIRST_S * 2 ** min(tries - 1, 6), _LONGEST_S))

    def forget(self, key: Key) -> None:
        for known in (self._helped_by, self._attempts, self._until):
            known.pop(key, None)

    def helped_by(self, what: str) -> list[Key]:
        """The pods that a change of nodes, pods or volumes could help."""
        return [key for key, helped in self._helped_by.items() if what in helped]

    def left_s(self, key: Key, now: datetime) -> float:
        """How long the pod's back-off still lasts."""
        until = self._until.get(key)
        return max(0.0, (until - now).total_seconds()) if until else 0.0
