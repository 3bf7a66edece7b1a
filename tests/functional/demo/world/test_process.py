"""`python -m infra.local.demo`, as the supervisor runs it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from infra.local.demo.world.history import chunks, read_chunk
from infra.local.demo_client import DemoAway, DemoClient


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "home"


def start(home: Path, *more: str) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "infra.local.demo",
        "--home",
        str(home),
        "--seed",
        "5",
        "--parent",
        str(os.getpid()),
    ]
    return subprocess.Popen([*command, *more], stdout=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def process(home: Path) -> Iterator[subprocess.Popen[str]]:
    running = start(home)
    yield running
    running.kill()
    running.wait()


def first_line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().strip()


def test_it_says_where_it_is_and_how_to_use_it(process: subprocess.Popen[str], home: Path) -> None:
    line = first_line(process.stdout)
    assert line.startswith("Demo cluster at https://127.0.0.1:")
    assert line.endswith(f" - kubectl --kubeconfig {home}/admin.kubeconfig get pods -A")
    state = DemoClient(home).state()
    assert (state["ready"], state["seed"], state["scale"]) == (True, 5, False)
    assert state["version"].endswith("-sim")
    assert sum(fault["active"] for fault in DemoClient(home).faults()) == 6


def test_its_secrets_are_its_owners_alone(process: subprocess.Popen[str], home: Path) -> None:
    private = [path for path in home.iterdir() if path.suffix in (".kubeconfig", ".key", ".json", ".crt")]
    assert len(private) >= 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_the_history_is_written_in_the_background_and_tells_how_far_it_is(
    process: subprocess.Popen[str], home: Path
) -> None:
    seen = set()
    deadline = time.monotonic() + 60
    while (state := DemoClient(home).state()["history"])["state"] != "ready":
        seen.add(state["state"])
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert seen <= {"starting", "writing"}
    assert (state["days"], state["files"]) == (30, 62)
    found = list(chunks(home / "history" / "local" / "demo"))
    assert len(found) == 62
    assert len(read_chunk(found[0])) > 300


def test_it_ends_when_told_to_and_its_certificates_and_tokens_stay(process: subprocess.Popen[str], home: Path) -> None:
    before = (home / "admin.kubeconfig").read_text()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) == 0
    with pytest.raises(DemoAway):
        DemoClient(home).state()
    port = before.partition("https://127.0.0.1:")[2].split()[0]
    again = start(home, "--port", port, "--no-history")
    try:
        first_line(again.stdout)
        assert (home / "admin.kubeconfig").read_text() == before
        assert DemoClient(home).state()["history"] == {"state": "none"}
    finally:
        again.terminate()
        assert again.wait(timeout=15) == 0
