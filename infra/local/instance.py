"""One running service per private folder, and the port it answers on."""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import socket
import time
from pathlib import Path

from infra.local.options import Options

NEEDED_BYTES = 200 * 1024 * 1024
"""Free space below which the embedded AWS may fail to save."""

_ENDING_TAKES_S = 2.0
_PORTS = range(20_000, 32_000)


class CannotStart(Exception):
    """The message says why and what to do."""


class AlreadyRunning(Exception):
    """Another supervisor holds the folder; the message names its URL."""


def hold(path: Path, url: str) -> int:
    """Lock the run file until this process ends, however it ends. Raises AlreadyRunning."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AlreadyRunning(_who(path)) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "url": url}).encode(), 0)
    return descriptor


def listen(options: Options, patience_s: float = _ENDING_TAKES_S) -> socket.socket:
    """The socket that the gateway serves. Raises CannotStart when the port is taken or not allowed.

    A gateway whose supervisor was just killed may hold the port for another moment.
    """
    deadline = time.monotonic() + patience_s
    while True:
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind(("127.0.0.1", options.port))
            opened.listen(1024)
            return opened
        except PermissionError:
            opened.close()
            reason = f"Port {options.port} needs administrator rights. Choose another: make run PORT=8080"
            raise CannotStart(reason) from None
        except OSError:
            opened.close()
            if time.monotonic() > deadline:
                reason = f"Port {options.port} is used by another program. Stop it, or choose another port:"
                raise CannotStart(f"{reason} make run PORT={free_port()}") from None
            time.sleep(0.1)


def free_port() -> int:
    """A port that nobody listens on, below those that the system gives to outgoing connections.

    One of the latter could be taken between this look and the moment when the child opens it.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise CannotStart("No port between 20000 and 32000 is free.")


def require_space(folder: Path, free_bytes: int | None = None) -> None:
    """Raises CannotStart when the disk of `folder` is (nearly) full."""
    free = shutil.disk_usage(_existing(folder)).free if free_bytes is None else free_bytes
    if free < NEEDED_BYTES:
        raise CannotStart(disk_full(folder, free))


def disk_full(folder: Path, free: int) -> str:
    return (
        f"The disk of {folder} is full: {free // 2**20} MB are free, {NEEDED_BYTES // 2**20} MB are needed. "
        "Free some space and start again."
    )


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _who(path: Path) -> str:
    try:
        running = json.loads(path.read_text())
        return f"Kubilitics is already running at {running['url']} (process {running['pid']})."
    except (OSError, ValueError, KeyError):
        return "Kubilitics is already starting."
