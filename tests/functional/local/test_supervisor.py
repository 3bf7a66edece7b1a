"""`python -m infra.local` as a person runs it: start, second start, kills, restarts, stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.api_client import ApiClient
from infra.local.embedded_aws.serve import CLEAN_MARKER
from infra.local.instance import free_port
from infra.local.layout import ROOT, Layout
from tests.bench.stack import MODULES, child_of

WITHIN_S = 60.0


def until(true: Callable[[], bool], what: str, within_s: float = WITHIN_S) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def alive(pid: int | None) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Service:
    """One supervisor process and what it printed."""

    def __init__(self, home: Path, port: int, **variables: str) -> None:
        self.layout = Layout(home)
        self.port = port
        self.lines: list[str] = []
        self.environment = {
            **os.environ,
            "KUBILITICS_HOME": str(home),
            "PORT": str(port),
            "SAMPLE": "0",
            "DEMO": "0",
            **variables,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "infra.local"],
            env=self.environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(line.rstrip() for line in self.process.stdout)

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    @property
    def api(self) -> ApiClient:
        return ApiClient(f"http://127.0.0.1:{self.port}", self.layout.token.read_text().strip())

    def ready(self) -> Service:
        until(lambda: "is ready at" in self.said or self.process.poll() is not None, "did not start")
        assert self.process.poll() is None, self.said
        return self

    def child(self, name: str) -> int | None:
        """The process id of a part."""
        return child_of(self.process.pid, name)

    def kill(self, name: str) -> int:
        pid = self.child(name)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        return pid

    def revived(self, name: str, before: int) -> None:
        until(lambda: self.child(name) not in (None, before), f"{name} did not come back: {self.said}")

    def ask(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        """The answer of the API, once it answers again."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            try:
                return self.api.call(method, path, content)
            except OSError:
                assert time.monotonic() < deadline, "no answer"
                time.sleep(0.1)

    def text(self, path: str) -> str:
        """An answer that is not JSON."""
        headers = {"authorization": f"Bearer {self.layout.token.read_text().strip()}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/v1{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:
            return str(answer.read().decode())

    def add_cluster(self, name: str) -> None:
        self.ask("POST", "/clusters", {"name": name, "source": {"type": "recorded"}})

    def clusters(self) -> set[str]:
        return {cluster["name"] for cluster in self.ask("GET", "/clusters")["items"]}

    def back_up(self) -> None:
        """The backup job, now instead of at its next time."""
        environment = dict(
            entry.split("=", 1)
            for entry in Path(f"/proc/{self.child('worker')}/environ").read_text().split("\0")
            if "=" in entry
        )
        code = "from jobs.backup import run; run(None, {})"
        subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, check=True, timeout=WITHIN_S)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(WITHIN_S)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / ".local"


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Service]]:
    services: list[Service] = []
    port = free_port()

    def starting(**variables: str) -> Service:
        services.append(Service(home, port, **variables))
        return services[-1]

    yield starting
    for service in services:
        if service.process.poll() is None:
            service.stop()


def test_it_starts_says_where_runs_once_and_stops_cleanly(start: Callable[..., Service]) -> None:
    service = start().ready()
    layout = service.layout
    assert f"Kubilitics is ready at http://127.0.0.1:{service.port}" in service.said
    assert "Ctrl-C" in service.said
    assert str(layout.token) in service.said
    assert stat.S_IMODE(layout.home.stat().st_mode) == 0o700
    assert stat.S_IMODE(layout.token.stat().st_mode) == 0o600
    service.add_cluster("kept")

    second = start()
    assert second.process.wait(WITHIN_S) == 0
    until(lambda: bool(second.lines), "said nothing")
    expected = f"Kubilitics is already running at http://127.0.0.1:{service.port} (process {service.process.pid})."
    assert second.lines == [expected]

    token = layout.token.read_text()
    assert service.stop() == 0
    assert "everything is saved" in service.said
    assert [service.child(name) for name in MODULES] == [None, None, None]
    assert (layout.aws / CLEAN_MARKER).exists()

    again = start().ready()
    assert layout.token.read_text() == token
    assert again.clusters() == {"kept"}
    assert "did not end cleanly" not in again.said


def test_killed_parts_come_back_and_nothing_acknowledged_is_lost(start: Callable[..., Service]) -> None:
    service = start().ready()
    for round_number in range(3):
        service.add_cluster(f"before-{round_number}")
        gateway, worker = service.kill("gateway"), service.kill("worker")
        service.add_cluster(f"while-down-{round_number}")
        service.revived("gateway", gateway)
        service.revived("worker", worker)
    expected = {f"{when}-{n}" for when in ("before", "while-down") for n in range(3)}
    assert service.clusters() == expected
    assert "The gateway ended (killed by SIGKILL); starting it again." in service.said


def test_a_question_survives_the_death_of_the_worker_and_the_gateway(start: Callable[..., Service]) -> None:
    service = start().ready()
    service.add_cluster("one")
    cluster = service.ask("GET", "/clusters")["items"][0]["id"]
    worker = service.kill("worker")
    asked = service.ask("POST", "/chat", {"message": "what is wrong?", "cluster": cluster})
    gateway = service.kill("gateway")
    service.revived("worker", worker)
    service.revived("gateway", gateway)
    frames: dict[str, Any] = {}

    def answered() -> bool:
        frames.update(service.ask("GET", f"/conversations/{asked['conversation']}/frames?after=0"))
        return bool(frames["done"])

    until(answered, "the question was not answered")
    numbers = [frame["seq"] for frame in frames["items"]]
    assert numbers == sorted(set(numbers))
    assert frames["items"][-1]["t"] in ("end", "error")


def test_children_die_with_a_killed_supervisor_and_the_next_start_works(start: Callable[..., Service]) -> None:
    service = start().ready()
    service.add_cluster("kept")
    children = [service.child(name) for name in MODULES]
    service.process.kill()
    service.process.wait()
    again = start().ready()
    until(lambda: not any(alive(pid) for pid in children), "children live on")
    assert again.clusters() == {"kept"}
    assert "did not end cleanly" not in again.said


def test_an_unclean_end_of_the_embedded_aws_loses_only_what_came_after_the_backup(
    start: Callable[..., Service],
) -> None:
    service = start().ready()
    service.add_cluster("backed-up")
    service.back_up()
    service.add_cluster("too-late")
    aws = service.kill("aws")
    service.revived("aws", aws)
    until(lambda: "Restored the backup of" in service.said, service.said)
    assert service.clusters() == {"backed-up"}


def test_everything_killed_at_once_restores_the_backup_at_the_next_start(start: Callable[..., Service]) -> None:
    service = start().ready()
    service.add_cluster("backed-up")
    service.back_up()
    service.add_cluster("too-late")
    # Stopped first, so that it cannot save on the signal that its supervisor's death sends.
    aws = service.child("aws")
    assert aws is not None
    os.kill(aws, signal.SIGSTOP)
    service.process.kill()
    service.process.wait()
    os.kill(aws, signal.SIGKILL)
    again = start().ready()
    assert "Restored the backup of" in again.said
    assert "at most 5 minutes" in again.said
    assert again.clusters() == {"backed-up"}


def test_a_busy_port_is_a_clear_message_and_leaves_nothing_running(start: Callable[..., Service]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        service = start(PORT=str(port))
        assert service.process.wait(WITHIN_S) == 1
    until(lambda: bool(service.lines), "said nothing")
    assert service.lines[0].startswith(f"Port {port} is used by another program.")


def test_a_part_that_cannot_run_is_named_with_its_last_words(start: Callable[..., Service], tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho the disk is on fire\nexit 7\n")
    broken.chmod(0o755)
    service = start(MINISTACK_PYTHON=str(broken))
    assert service.process.wait(WITHIN_S) == 1
    until(lambda: "Log:" in service.said, service.said)
    assert "The embedded AWS did not start (exit code 7)" in service.said
    assert "the disk is on fire" in service.said


def test_the_first_start_connects_the_sample_and_an_import_only_once(
    start: Callable[..., Service], tmp_path: Path
) -> None:
    folder = tmp_path / "my-dump"
    folder.mkdir()
    (folder / "nodes.json").write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": []}))
    service = start(SAMPLE="1", RECORDED_IMPORT=str(folder)).ready()
    until(lambda: "my-dump" in service.said, service.said)
    assert "Connected the sample cluster" in service.said
    assert service.clusters() == {"sample-incidents", "my-dump"}
    service.stop()
    again = start(SAMPLE="1", RECORDED_IMPORT=str(folder)).ready()
    until(lambda: "is connected already" in again.said, again.said)
    assert again.clusters() == {"sample-incidents", "my-dump"}
    assert "Connected the sample" not in again.said
