"""The whole product on this machine, started for a benchmark in a home of its own, and stopped."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
READY = "Kubilitics is ready"
MODULES = {"aws": "infra.local.embedded_aws.serve", "gateway": "infra.local.gateway", "worker": "infra.local.worker"}
START_S, STOP_S = 120.0, 60.0


@dataclass(frozen=True)
class Stack:
    url: str
    token: str
    home: Path
    pid: int
    """The supervisor's."""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Raises urllib.error.HTTPError for an error answer, OSError for none."""
        data = None if body is None else json.dumps(body).encode()
        headers = self.headers if data is None else {**self.headers, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def child(self, part: str) -> int | None:
        """The process id of a part, or None while it is down."""
        return child_of(self.pid, part)


@contextmanager
def running(environment: Mapping[str, str] | None = None, home: Path | None = None) -> Iterator[Stack]:
    """Start the product and wait for its ready line. Raises RuntimeError with its output when it does not come."""
    with tempfile.TemporaryDirectory(prefix="kubilitics-") as folder:
        place = home or Path(folder) / "home"
        port = free_port()
        extra = {"PORT": str(port), "KUBILITICS_HOME": str(place), "DEMO": "0", **(environment or {})}
        log = Path(folder) / "output"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "infra.local"],
                cwd=ROOT,
                env={**os.environ, **extra},
                stdout=output,
                stderr=output,
            )
            try:
                wait_ready(process, log)
                yield Stack(f"http://127.0.0.1:{port}", (place / "token").read_text().strip(), place, process.pid)
            finally:
                process.terminate()
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()


def wait_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while READY not in log.read_text():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"the product did not start:\n{log.read_text()}")
        time.sleep(0.2)


def child_of(supervisor: int, part: str) -> int | None:
    """The process id of a part of a running product, or None while it is down."""
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    for line in listed.splitlines():
        pid, parent, state, arguments = line.split(None, 3)
        if int(parent) == supervisor and not state.startswith("Z") and f"-m {MODULES[part]} " in arguments:
            return int(pid)
    return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
