"""Injecting and healing: the part of the demo that people and tests use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from infra.local.demo.scenarios import (  # noqa: F401 - importing registers the entries
    configuration,
    images,
    networking,
    placing,
    probing,
    resources,
    steering,
    storing,
)
from infra.local.demo.scenarios.changes import Undo
from infra.local.demo.scenarios.model import FAULTS, Fault
from infra.local.demo.server.errors import ApiError
from infra.local.demo.world.build import World


class UnknownFault(LookupError):
    """No scenario has this name; the message lists those there are."""


@dataclass
class Active:
    since: datetime
    undo: list[Undo]


@dataclass
class Faults:
    """The scenarios of one world, and which of them are active."""

    world: World
    catalog: Mapping[str, Fault] = field(default_factory=lambda: FAULTS)
    active: dict[str, Active] = field(default_factory=dict)

    def faults(self) -> list[dict[str, object]]:
        """All scenarios with their state, by family and name."""
        ordered = sorted(self.catalog.values(), key=lambda fault: (fault.family, fault.name))
        return [self._shown(fault) for fault in ordered]

    def _shown(self, fault: Fault) -> dict[str, object]:
        running = self.active.get(fault.name)
        answer = fault.answer
        return {
            "name": fault.name,
            "title": fault.title,
            "family": fault.family,
            "active": running is not None,
            "since": running.since.isoformat() if running else None,
            "symptoms": list(fault.symptoms),
            "loudest": fault.loudest,
            "within_30s": list(fault.within_30s),
            "answer": {"kind": answer.kind, "namespace": answer.namespace, "name": answer.name, "mode": answer.mode},
        }

    def inject(self, name: str) -> dict[str, object]:
        """Make a fault happen; nothing if it is active already.

        Raises UnknownFault, or ApiError when the cluster refuses a change; the changes before that one are taken back.
        """
        fault = self._fault(name)
        if name not in self.active:
            running = Active(self.world.clock.now(), [])
            try:
                for change in fault.changes:
                    running.undo.append(change.apply(self.world))
            except ApiError:
                self._take_back(running)
                raise
            self.active[name] = running
            self.world.plane.settle()
        return self._shown(fault)

    def heal(self, name: str) -> dict[str, object]:
        """Take a fault's changes back, in reverse order; nothing if it is not active. Raises UnknownFault."""
        fault = self._fault(name)
        running = self.active.pop(name, None)
        if running is not None:
            self._take_back(running)
        return self._shown(fault)

    def _take_back(self, running: Active) -> None:
        for undo in reversed(running.undo):
            undo(self.world)
        self.world.plane.settle()

    def _fault(self, name: str) -> Fault:
        if name not in self.catalog:
            raise UnknownFault(f"There is no fault named {name!r}. Known: {', '.join(sorted(self.catalog))}.")
        return self.catalog[name]


def at_start() -> list[Fault]:
    """The faults a new demo begins with."""
    return [fault for fault in FAULTS.values() if fault.at_start]
