"""Container logs: what programs print, from their boot lines to the requests of the last minutes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from infra.local.demo.controllers.containers import ContainerRecord
from infra.local.demo.controllers.mounts import ConfigError, environment_of
from infra.local.demo.controllers.network import Network
from infra.local.demo.controllers.programs import Program
from infra.local.demo.server.clock import timestamp
from infra.local.demo.server.sources import LogLine
from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.controllers.kubelet import Kubelet
    from infra.local.demo.controllers.plane import ControlPlane

_SHOWN = timedelta(minutes=12)
_STEP_S = 20


class Output:
    """The log source of the API server."""

    def __init__(self, plane: ControlPlane, kubelet: Kubelet) -> None:
        self._plane = plane
        self._kubelet = kubelet

    def lines(self, pod: Object, container: str, previous: bool) -> Sequence[LogLine] | None:
        record = self._kubelet.records.get(pod["metadata"]["uid"])
        if record is None and (pod.get("status") or {}).get("startTime"):
            record = self._kubelet.record(pod)
        one = record.containers.get(container) if record else None
        if one is None or not one.starts:
            return None
        spec = next(
            c
            for c in [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]
            if c["name"] == container
        )
        if previous:
            ended = one.lines if one.state == "waiting" else one.previous
            if not one.restarts and one.state != "waiting":
                return None
            return [_stamped(line) for line in (ended if ended is not None else self._guess(spec, one))]
        lines = list(one.lines if one.lines is not None else self._guess(spec, one))
        if one.running:
            lines += self._served(pod, spec, one)
        return [_stamped(line) for line in lines if line.at <= self._plane.clock.now()]

    def _guess(self, spec: Object, one: ContainerRecord) -> list[LogLine]:
        """Lines of a container that was already running when this kubelet came."""
        program = self._plane.programs.of(spec)
        start = one.started_at or self._plane.clock.now()
        return [LogLine(start, f'level=info msg="{program.name} starting" version={program.version}')]

    def _served(self, pod: Object, spec: Object, one: ContainerRecord) -> list[LogLine]:
        program = self._plane.programs.of(spec)
        now = self._plane.clock.now()
        if program.runs_s is not None or now < one.listens_at():
            return []
        failing = self._failing(pod, spec, program)
        since = max(one.listens_at(), now - _SHOWN)
        first = int(since.timestamp()) // _STEP_S + 1
        lines: list[LogLine] = []
        for index in range(first, int(now.timestamp()) // _STEP_S + 1):
            lines += self._at(pod, program, datetime.fromtimestamp(index * _STEP_S, now.tzinfo), failing)
        return lines

    def _failing(self, pod: Object, spec: Object, program: Program) -> list[tuple[str, str, datetime | None]]:
        try:
            env = environment_of(self._plane, pod, spec)
        except ConfigError:
            env = {}
        found = []
        for call in program.calls:
            host, port = call.target(env)
            reached = Network(self._plane).connect(pod, host, port)
            if not reached.ok:
                found.append((call.what or host, f'{host}:{port}" err="{reached.error}', reached.since))
        return found

    def _at(
        self, pod: Object, program: Program, at: datetime, failing: list[tuple[str, str, datetime | None]]
    ) -> list[LogLine]:
        chance = hashlib.blake2b(f"{pod['metadata']['uid']}{at.timestamp()}".encode(), digest_size=8).digest()
        at += timedelta(milliseconds=chance[0] * 40)
        lines = []
        for what, detail, since in failing:
            if since is None or at >= since:
                lines.append(LogLine(at, f'level=error msg="call to {what} failed" target="{detail}" status=502'))
        if program.stuck_ready:
            lines.append(LogLine(at, f'level=error msg="not ready" err="{program.stuck_ready}" path=/ready status=503'))
        elif chance[1] < 150 and program.serves and not (failing and chance[2] < 128):
            path = program.serves[chance[3] % len(program.serves)]
            lines.append(
                LogLine(
                    at,
                    f'level=info msg="request served" method=GET path={path} status=200 '
                    f"duration_ms={3 + chance[4] % 60}",
                )
            )
        return lines


_OWN_TIME = (
    "Traceback",
    "  ",
    "/",
    "Error:",
    "Usage:",
    "Flags:",
    "Node.js",
    "KeyError",
    "\tat ",
    "Exception",
    "Caused by",
)


def _stamped(line: LogLine) -> LogLine:
    """Structured lines begin with their time; what a runtime prints when it dies does not."""
    if not line.text or line.text.startswith(_OWN_TIME) or not line.text.startswith("level="):
        return line
    return LogLine(line.at, f"{timestamp(line.at)} {line.text}")
