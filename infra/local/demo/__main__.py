"""Start the demo cluster: `python -m infra.local.demo [--port N] [--home DIR] [--seed N] [--scale]`.

Prints one line when objects are served, with the kubectl command to use. Ends on SIGINT, SIGTERM, or with its parent
when `--parent PID` is given.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from infra.local.demo.control import Control
from infra.local.demo.scenarios.catalog import Faults
from infra.local.demo.server.server import VERSION
from infra.local.demo.server.serving import Serving, serving
from infra.local.demo.world.build import World
from infra.local.demo.world.exposition import Exposition
from infra.local.demo.world.openmetrics import Plan, plan_of
from infra.local.lifeline import die_with_parent


def options_from(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="infra.local.demo", description="A Kubernetes API with a demo company on it.")
    parser.add_argument("--port", type=int, default=0, help="port of the API; 0 takes a free one")
    parser.add_argument(
        "--home", type=Path, default=Path(".local/demo"), help="certificates, kubeconfigs, tokens, history"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", action="store_true", help="1,000 nodes and 10,000 pods, without history")
    parser.add_argument("--no-history", action="store_true", help="write no history")
    parser.add_argument("--parent", type=int, default=0, help="end when this process ends")
    return parser.parse_args(arguments)


def build(*, seed: int, scale: bool, now: datetime) -> tuple[World, Faults]:
    """The world asked for, at `now`, on a virtual clock."""
    gc.disable()  # building makes only objects that stay; looking through them for rubbish again and again is waste
    try:
        if scale:
            from infra.local.demo.world.scale import start_scale

            return start_scale(seed=seed, now=now)
        from infra.local.demo.world.demo import start_demo

        return start_demo(seed=seed, now=now)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


class Demo:
    """Everything that runs."""

    def __init__(self, options: argparse.Namespace) -> None:
        began = time.perf_counter()
        self.options = options
        self.home: Path = options.home.absolute()
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.world, faults = build(seed=options.seed, scale=options.scale, now=datetime.now(UTC))
        self.built_s = time.perf_counter() - began
        self.serving: Serving = serving(self.world.api, self.home, options.port)
        plan = plan_of(self.world.api, options.seed)
        if options.scale:
            plan = msgspec.structs.replace(plan, pods=())  # the large world has no written history
        self.serving.server.extension = Control(faults, self.state, Exposition(self.world, plan).text)
        self.history = History(self.home, plan)

    async def run(self) -> None:
        self.world.go_live()
        self.serving.tick = self.world.plane.tick
        self.serving.prepare()
        served = asyncio.ensure_future(self.serving.serve())
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        kubeconfig = self.serving.kubeconfigs["admin"]
        print(f"Demo cluster at {self.serving.url} - kubectl --kubeconfig {kubeconfig} get pods -A", flush=True)
        if not (self.options.no_history or self.options.scale):
            self.history.begin()
        await asyncio.wait([asyncio.ensure_future(stop.wait()), served], return_when=asyncio.FIRST_COMPLETED)
        self.history.stop()
        self.serving.stop()
        await asyncio.gather(served, return_exceptions=True)

    def state(self) -> dict[str, Any]:
        """What runs, and how far the history is."""
        return {
            "ready": True,
            "version": VERSION["gitVersion"],
            "seed": self.options.seed,
            "scale": self.options.scale,
            "built_s": round(self.built_s, 2),
            "history": self.history.state(),
        }


class History:
    """The written past: a process of its own makes it, at low priority, from a plan left for it."""

    def __init__(self, home: Path, plan: Plan) -> None:
        self._home = home
        self._folder = home / "history"
        self._plan = plan
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Leave the plan and start the writer; returns at once."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        (self._folder / "state.json").unlink(missing_ok=True)
        (self._folder / "plan.json").write_bytes(msgspec.json.encode(self._plan))
        module = [sys.executable, "-m", "infra.local.demo.world.history", "--home", str(self._home)]
        self._process = subprocess.Popen(module)

    def state(self) -> dict[str, Any]:
        """How far the writer is; `none` where there is no history."""
        if self._process is None:
            return {"state": "none"}
        path = self._folder / "state.json"
        told: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"state": "starting"}
        if self._process.poll() not in (None, 0):
            told |= {"state": "failed"}
        return told | {"folder": str(self._folder)}

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=10)


def main(arguments: list[str] | None = None) -> int:
    options = options_from(arguments)
    if options.parent:
        die_with_parent(options.parent)
    asyncio.run(Demo(options).run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
