"""The controllers and the kubelet that work behind the API server during a replay."""

from __future__ import annotations

from datetime import UTC, datetime

from infra.local.demo.controllers.assembly import control_plane
from infra.local.demo.controllers.autoscaling import Autoscaling
from infra.local.demo.controllers.clock import WorldClock
from infra.local.demo.controllers.plane import Controller
from infra.local.demo.controllers.programs import Program
from infra.local.demo.server.api import Api

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class Controllers:
    """The demo's own control plane, on the replay's clock."""

    def __init__(self, api: Api, clock: WorldClock) -> None:
        self.plane = control_plane(api, clock)
        self.plane.programs.declare("registry.example.com/job", Program(runs_s=0.2))
        self._without(Autoscaling)  # the recording shows an autoscaler before its first sync
        self.plane.start()

    def _without(self, cls: type[Controller]) -> None:
        self.plane.controllers = [one for one in self.plane.controllers if not isinstance(one, cls)]
        for watching in self.plane._watching.values():
            watching[:] = [one for one in watching if not isinstance(one, cls)]

    def play(self, seconds: float) -> None:
        """Let time pass."""
        self.plane.run_for(seconds)
