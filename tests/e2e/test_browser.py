"""The product in a real browser: `python -m infra.local` as a person starts it, driven by Chromium.

The steps are in web/e2e/journey.test.mjs; here the service is started, and a recorded cluster is laid out both as an
archive and as a folder.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local.instance import free_port
from infra.local.layout import ROOT

RECORDED = ROOT / "tests" / "data" / "clusters"
READY_WITHIN_S = 120.0
JOURNEY_WITHIN_S = 600.0


@contextmanager
def running_service(home: Path) -> Iterator[str]:
    """The whole product with an empty installation in `home`; its URL."""
    port = free_port()
    environment = {**os.environ, "KUBILITICS_HOME": str(home), "PORT": str(port), "SAMPLE": "0", "DEMO": "0"}
    output = home.parent / "service.log"
    with output.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.local"], env=environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_until_ready(process, output)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _wait_until_ready(process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while "is ready at" not in output.read_text():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.1)


@pytest.mark.timeout(READY_WITHIN_S + JOURNEY_WITHIN_S + 60)
def test_a_person_connects_a_recorded_cluster_and_gets_an_evidenced_answer(tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node, "Node 20 or newer is needed for the browser test; `make test` says how to get it"
    assert (ROOT / "build" / "web" / "index.html").is_file(), "the web interface is not built: run `make test`"
    archive = RECORDED / "incidents.tar.xz"
    with tarfile.open(archive) as recorded:
        recorded.extractall(tmp_path / "folder", filter="data")
    answers = json.loads((RECORDED / "incidents.answers.json").read_text())

    with running_service(tmp_path / "home") as url:
        journey = subprocess.run(
            [node, "--test", "--test-reporter=spec", "e2e/journey.test.mjs"],
            cwd=ROOT / "web",
            env={
                **os.environ,
                "KUBILITICS_URL": url,
                "RECORDING": str(archive),
                "FOLDER": str(tmp_path / "folder"),
                "PROBLEMS": str(len(answers)),
            },
            capture_output=True,
            text=True,
            timeout=JOURNEY_WITHIN_S,
        )
    assert journey.returncode == 0, journey.stdout + journey.stderr
