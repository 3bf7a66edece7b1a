"""What the control plane tidies up by the clock: events after their hour."""

from __future__ import annotations

from infra.local.demo.controllers.plane import Controller, Key

_EVERY_S = 60.0


class Housekeeping(Controller):
    name = "housekeeping"

    def reconcile(self, key: Key) -> None:
        self.plane.events.expire()
        self.wake(key, _EVERY_S)
