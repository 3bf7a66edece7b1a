"""The demo cluster and its Prometheus as parts of the local stack: their commands, ports and files.

Both keep their port from start to start, since kubeconfigs and the connected cluster name it.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from infra.local import environment
from infra.local.extra import Extra
from infra.local.instance import free_port
from infra.local.layout import write_private
from infra.local.options import Options
from infra.local.process import Child, python_module

_GRACE_S = 5.0
# The service comes first where two want the same processor.
_NICE = ("nice", "-n", "5")


class DemoParts:
    """The optional processes of one installation. `say` prints one line to the person who started it."""

    def __init__(self, options: Options, say: Callable[[str], None]) -> None:
        self._options = options
        self._say = say
        self.extras: list[Extra] = []

    def start(self) -> None:
        """Start what was asked for; returns at once. Call from the main thread."""
        if not self._options.demo.on:
            return
        self._add(demo_child(self._options))
        if self._options.demo.prometheus:
            self._start_prometheus()

    def look(self) -> None:
        """Revive what ended; never blocks."""
        for extra in self.extras:
            extra.look()

    def stop(self) -> None:
        for extra in reversed(self.extras):
            extra.stop()

    def _start_prometheus(self) -> None:
        missing = next((name for name in ("prometheus", "promtool") if shutil.which(name) is None), None)
        if missing:
            self._say(f"PROMETHEUS=1: {missing} is not installed; go on without it. {HOW_TO_INSTALL}")
            return
        self._add(prometheus_child(self._options))

    def _add(self, child: Child) -> None:
        extra = Extra(child, self._say)
        self.extras.append(extra)
        extra.start()


HOW_TO_INSTALL = (
    "Debian and Ubuntu: apt-get install --no-install-recommends prometheus; macOS: brew install prometheus."
)


def demo_child(options: Options) -> Child:
    """The demo cluster's API server, controllers and faults."""
    folder = options.layout.demo
    port = kept_port(folder / "port")
    arguments = ["--port", str(port), "--home", str(folder), "--seed", str(options.demo.seed)]
    if options.demo.scale:
        arguments.append("--scale")
    module = python_module("infra.local.demo", *arguments)
    # The parent's id comes first from `python_module`; the demo takes it by name.
    command = [*module[:3], "--parent", *module[3:]]
    return Child(
        "demo cluster", _polite(command), environment.for_demo(), options.layout.logs / "demo.log", grace_s=_GRACE_S
    )


def prometheus_child(options: Options) -> Child:
    """A real Prometheus over the demo's written history."""
    folder = options.layout.demo
    port = kept_port(folder / "prometheus-port")
    command = python_module("infra.local.demo.prometheus", str(folder), str(port))
    return Child(
        "Prometheus", _polite(command), environment.for_demo(), options.layout.logs / "prometheus.log", grace_s=_GRACE_S
    )


def kept_port(path: Path) -> int:
    """The port written in a file while nobody else uses it, else a free one that is written there."""
    with contextlib.suppress(OSError, ValueError):
        port = int(path.read_text())
        if _free(port):
            return port
    port = free_port()
    write_private(path, f"{port}\n")
    return port


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
        return True


def _polite(command: list[str]) -> list[str]:
    nice = shutil.which(_NICE[0])
    return [nice, *_NICE[1:], *command] if nice else command
