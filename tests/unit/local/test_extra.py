"""Optional parts: revived after pauses, given up after several deaths, never waited for."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.local import faults
from infra.local.demo_client import DemoAway, DemoClient
from infra.local.demo_parts import demo_child, kept_port, prometheus_child
from infra.local.environment import for_demo, for_product
from infra.local.extra import Extra
from infra.local.options import InvalidOption, read_options
from infra.local.process import RESTART_LIMIT


@dataclass
class Part:
    """A process as the supervisor sees one, without the process."""

    name: str = "demo cluster"
    running: bool = False
    ending: str = "exit code 1"
    starts: int = 0
    deaths: int = 0

    def start(self) -> None:
        self.starts += 1
        self.running = True

    def stop(self) -> bool:
        self.running = False
        return True

    def die(self) -> None:
        self.running = False

    def pause_before_restart_s(self) -> float | None:
        self.deaths += 1
        return None if self.deaths > RESTART_LIMIT else 2.0

    def last_words(self) -> str:
        return "    the world ended"


class Bench:
    def __init__(self) -> None:
        self.said: list[str] = []
        self.now = 100.0
        self.part = Part()
        self.extra = Extra(self.part, self.said.append, lambda: self.now)
        self.extra.start()


def test_a_part_that_ends_is_started_again_after_its_pause_and_not_before() -> None:
    bench = Bench()
    bench.part.die()
    bench.extra.look()
    assert bench.said == ["The demo cluster ended (exit code 1); starting it again."]
    bench.now += 1.9
    bench.extra.look()
    assert bench.part.starts == 1
    bench.now += 0.2
    bench.extra.look()
    assert bench.part.starts == 2
    assert len(bench.said) == 1


def test_a_part_that_ends_again_and_again_stays_off_and_the_reason_is_said_once() -> None:
    bench = Bench()
    for _ in range(3 * RESTART_LIMIT):
        bench.part.die()
        bench.extra.look()
        bench.now += 10
        bench.extra.look()
    assert bench.part.starts == RESTART_LIMIT + 1
    assert "the world ended" in bench.said[-1]
    assert sum("again and again" in line for line in bench.said) == 1


def test_a_stopped_part_stays_stopped() -> None:
    bench = Bench()
    bench.extra.stop()
    for _ in range(3):
        bench.now += 10
        bench.extra.look()
    assert bench.part.starts == 1


def test_a_program_that_cannot_be_started_is_said_and_not_tried_again(tmp_path: Path) -> None:
    from infra.local.process import Child

    said: list[str] = []
    extra = Extra(Child("Prometheus", ["/no/such/program"], {}, tmp_path / "log"), said.append)
    extra.start()
    extra.look()
    assert len(said) == 1
    assert "Prometheus could not be started" in said[0]


def test_a_port_is_kept_from_start_to_start_until_another_program_has_it(tmp_path: Path) -> None:
    file = tmp_path / "port"
    port = kept_port(file)
    assert kept_port(file) == port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        moved = kept_port(file)
    assert moved != port
    assert kept_port(file) == moved


@pytest.mark.parametrize("written", ["", "no number", "99999999", "-1"])
def test_a_damaged_port_file_is_replaced(tmp_path: Path, written: str) -> None:
    (tmp_path / "port").write_text(written)
    port = kept_port(tmp_path / "port")
    assert (tmp_path / "port").read_text() == f"{port}\n"


def test_the_demo_is_on_by_default_and_small() -> None:
    demo = read_options({}).demo
    assert (demo.on, demo.scale, demo.prometheus, demo.seed) == (True, False, False, 1)


@pytest.mark.parametrize(
    "variables", [{"DEMO": "no"}, {"SCALE": "big"}, {"PROMETHEUS": "2"}, {"DEMO_SEED": "x"}, {"DEMO_SEED": "-1"}]
)
def test_a_wrong_value_is_refused_with_an_example(variables: dict[str, str]) -> None:
    with pytest.raises(InvalidOption, match="make run "):
        read_options(variables)


def test_the_demos_command_carries_what_was_asked_for(tmp_path: Path) -> None:
    options = read_options({"KUBILITICS_HOME": str(tmp_path), "SCALE": "1", "DEMO_SEED": "7"})
    options.layout.prepare()
    command = list(demo_child(options).command)
    assert command[command.index("--home") + 1] == str(tmp_path / "demo")
    assert command[command.index("--seed") + 1] == "7"
    assert "--scale" in command
    assert sys.executable in command
    assert str(tmp_path / "demo") in prometheus_child(options).command


def test_the_demo_gets_nothing_of_the_product_and_the_gateway_learns_where_it_is(tmp_path: Path) -> None:
    given = {"AWS_SECRET_ACCESS_KEY": "real", "KUBILITICS_HOME": "/x", "PATH": "/bin"}
    assert set(for_demo(given)) == {"PATH", "PYTHONPATH", "PYTHONUNBUFFERED"}
    on = read_options({"KUBILITICS_HOME": str(tmp_path)})
    off = read_options({"KUBILITICS_HOME": str(tmp_path), "DEMO": "0"})
    on.layout.prepare()
    assert for_product(on, 4566)["KUBILITICS_DEMO"] == str(tmp_path / "demo")
    assert "KUBILITICS_DEMO" not in for_product(off, 4566)


def test_a_demo_that_has_written_nothing_yet_is_away(tmp_path: Path) -> None:
    with pytest.raises(DemoAway, match=r"admin\.kubeconfig"):
        DemoClient(tmp_path).faults()
    assert not DemoClient(tmp_path).ready()


def test_the_terminal_says_how_to_start_a_demo_that_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBILITICS_HOME", str(tmp_path))
    assert faults.main([]) == 1
    assert "make run" in capsys.readouterr().err
    assert faults.main(["inject"]) == 1
    assert "make demo-fault NAME=" in capsys.readouterr().err


def test_active_faults_are_listed_first_and_marked() -> None:
    lines = faults.table(
        [
            {"name": "a-quiet", "title": "Quiet", "active": False},
            {"name": "b", "title": "Loud", "active": True},
        ]
    )
    assert lines[:2] == ["* b        Loud", "  a-quiet  Quiet"]
