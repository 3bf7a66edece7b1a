"""Runs the periodic jobs, as EventBridge does in AWS: each alone, never two of one job at a time."""

from __future__ import annotations

import importlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.local.gateway.events import LambdaContext

BACKUP_EVERY_S = 300.0
SWEEP_EVERY_S = 30.0
ANCHOR_EVERY_S = 86_400.0
_FIRST_BACKUP_S = 20.0
_LIFETIME_S = 900.0
_log = logging.getLogger(__name__)
Run = Callable[[LambdaContext, Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Schedule:
    """`jobs.<name>.run(context, params)` every `every_s`, first after `first_s`."""

    name: str
    every_s: float
    first_s: float
    params: Mapping[str, Any] = field(default_factory=dict)


def schedules(collect_interval_s: float) -> tuple[Schedule, ...]:
    """The jobs of an embedded installation."""
    return (
        Schedule("collect", collect_interval_s, first_s=5.0),
        Schedule("sweep", SWEEP_EVERY_S, first_s=10.0),
        Schedule("anchor", ANCHOR_EVERY_S, first_s=60.0),
        Schedule("backup", BACKUP_EVERY_S, first_s=_FIRST_BACKUP_S),
    )


class ScheduleRunner:
    """One thread per schedule. `find` gives the job's function; a job that fails is logged and runs at its
    next time.
    """

    def __init__(
        self, planned: Sequence[Schedule], stopping: threading.Event, find: Callable[[str], Run] | None = None
    ) -> None:
        self._planned = planned
        self._stopping = stopping
        self._find = find or _job

    def start(self) -> list[threading.Thread]:
        threads = [
            threading.Thread(target=self._repeat, args=(schedule,), name=f"schedule-{schedule.name}")
            for schedule in self._planned
        ]
        for thread in threads:
            thread.start()
        return threads

    def run_once(self, schedule: Schedule) -> bool:
        """Whether the job ended without an error."""
        started = time.monotonic()
        try:
            self._find(schedule.name)(LambdaContext(f"job_{schedule.name}", _LIFETIME_S), schedule.params)
        except Exception:
            _log.exception("job failed: %s", schedule.name)
            return False
        _log.info("job %s done in %.2f s", schedule.name, time.monotonic() - started)
        return True

    def _repeat(self, schedule: Schedule) -> None:
        pause = schedule.first_s
        while not self._stopping.wait(pause):
            began = time.monotonic()
            self.run_once(schedule)
            pause = max(1.0, schedule.every_s - (time.monotonic() - began))


def _job(name: str) -> Run:
    run: Run = importlib.import_module(f"jobs.{name}").run
    return run
