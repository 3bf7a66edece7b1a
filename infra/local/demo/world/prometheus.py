"""A real Prometheus (Debian package `prometheus`) on loopback, filled with the world's history."""

from __future__ import annotations

import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

_CONFIG = "global:\n  scrape_interval: 60s\n"
_BLOCK = "744h"  # default two-hour blocks re-read the whole file for each block and take minutes


class NoPrometheus(RuntimeError):
    """The programs are not installed; the message says how to get them."""


@dataclass
class Prometheus:
    url: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)


def programs() -> tuple[str, str]:
    """Paths of prometheus and promtool; raises NoPrometheus."""
    found = [shutil.which(name) for name in ("prometheus", "promtool")]
    if not all(found):
        raise NoPrometheus("prometheus and promtool are not on the PATH. On Debian: apt-get install prometheus.")
    return str(found[0]), str(found[1])


def backfill(history: Path, data: Path) -> None:
    """Make blocks of an OpenMetrics file. Raises CalledProcessError with promtool's words."""
    _, promtool = programs()
    data.mkdir(parents=True, exist_ok=True)
    command = [
        promtool,
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        f"--max-block-duration={_BLOCK}",
        str(history),
        str(data),
    ]
    subprocess.run(command, check=True, capture_output=True)


def start(folder: Path, *, port: int = 0) -> Prometheus:
    """Start Prometheus over `folder/data`; it listens on 127.0.0.1 only."""
    prometheus, _ = programs()
    if not port:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "prometheus.yml"
    config.write_text(_CONFIG)
    command = [
        prometheus,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--storage.tsdb.retention.time=90d",
        "--storage.tsdb.allow-overlapping-blocks",
        "--query.lookback-delta=10m",
        "--log.level=warn",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=(folder / "log").open("wb"))
    return Prometheus(f"http://127.0.0.1:{port}", process)
