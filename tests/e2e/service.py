"""The whole product as a person starts it, for the browser's journeys."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.instance import free_port
from infra.local.layout import ROOT

READY_WITHIN_S = 120.0


@contextmanager
def running_service(home: Path, *, demo: bool = False) -> Iterator[str]:
    """The whole product with an empty installation in `home`; its URL. With `demo` once that cluster is connected."""
    port = free_port()
    environment = {
        **os.environ, "KUBILITICS_HOME": str(home), "PORT": str(port), "SAMPLE": "0", "DEMO": str(int(demo)),
    }  # fmt: skip
    output = home.parent / "service.log"
    with output.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.local"], env=environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_until(process, output, "Connected the demo cluster" if demo else "is ready at")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _wait_until(process: subprocess.Popen[bytes], output: Path, said: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while said not in output.read_text():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.1)


def journey(file: str, within_s: float, **environment: str) -> None:
    """Run a journey of web/e2e in a real browser; fails with what it printed."""
    node = shutil.which("node")
    assert node, "Node 20 or newer is needed for the browser test; `make test` says how to get it"
    assert (ROOT / "build" / "web" / "index.html").is_file(), "the web interface is not built: run `make test`"
    done = subprocess.run(
        [node, "--test", "--test-reporter=spec", f"e2e/{file}"],
        cwd=ROOT / "web",
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=within_s,
    )
    assert done.returncode == 0, done.stdout + done.stderr
