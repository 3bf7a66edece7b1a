"""One supervised child process: start, notice its end, start again with growing pauses, stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from infra.local.layout import ROOT

RESTART_LIMIT = 5
"""Restarts in a row; more of them mean that trying again does not help."""
STEADY_AFTER_S = 60.0
"""A child that ran this long has recovered: the count starts again."""
_FIRST_PAUSE_S = 0.2
_LAST_LINES = 12


@dataclass
class Child:
    """A named process. `command` is complete; its output goes to `log`."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    pass_descriptors: tuple[int, ...] = ()
    grace_s: float = 15.0
    """How long it may take to stop after SIGTERM."""
    restarts: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    started_at: float = 0.0

    def start(self) -> None:
        """Start it. Call from the main thread: Linux ties a child's life to the thread that made it."""
        with self._open_log() as output:
            self.process = subprocess.Popen(
                list(self.command),
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=self.pass_descriptors,
                # Ctrl-C in the terminal reaches the whole group; the supervisor alone decides on the order.
                start_new_session=True,
            )
        self.started_at = time.monotonic()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        code = self.process.returncode if self.process else None
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
        return f"exit code {code}"

    def pause_before_restart_s(self) -> float | None:
        """How long to wait before starting it again, doubling each time; None when it was tried often enough."""
        if time.monotonic() - self.started_at > STEADY_AFTER_S:
            self.restarts = 0
        if self.restarts >= RESTART_LIMIT:
            return None
        self.restarts += 1
        return float(_FIRST_PAUSE_S * 2 ** (self.restarts - 1))

    def stop(self) -> bool:
        """SIGTERM and wait; SIGKILL when it takes longer than `grace_s`. True when it went by itself."""
        if self.process is None or self.process.poll() is not None:
            return True
        self.process.terminate()
        try:
            self.process.wait(self.grace_s)
            return True
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False

    def last_words(self) -> str:
        """The end of its log, for a message about its death."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join("    " + line for line in lines[-_LAST_LINES:])

    def _open_log(self) -> IO[bytes]:
        if self.process is None and self.log.exists():
            self.log.replace(self.log.with_suffix(".previous.log"))
        return os.fdopen(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def python_module(module: str, *arguments: str, python: Path | str = sys.executable) -> list[str]:
    """The command that runs a module of ours, telling it whose child it is."""
    return [str(python), "-m", module, str(os.getpid()), *arguments]


class ProductFailed(Exception):
    """A one-shot process of the product ended with an error; the message is its last words."""


def run_module(module: str, *arguments: str, environment: Mapping[str, str], within_s: float = 300.0) -> str:
    """Run a module of ours to its end and return what it printed. Raises ProductFailed.

    A process of its own, so that what it imports does not stay in the supervisor.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            env=dict(environment),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ProductFailed(f"{module} did not end within {within_s:g} s.") from None
    if done.returncode != 0:
        raise ProductFailed("\n".join(done.stderr.strip().splitlines()[-_LAST_LINES:]))
    return done.stdout.strip()


def wait_until(ready: Callable[[], bool], child: Child, *, within_s: float, every_s: float = 0.05) -> bool:
    """Whether `ready` came true in time; stops waiting when the child ends."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if ready():
            return True
        if not child.running:
            return False
        time.sleep(every_s)
    return False
