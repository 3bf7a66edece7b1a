"""Start the demo cluster: `python -m infra.local.demo [--port N] [--home DIR] [--seed N] [--scale] [--prometheus]`.

Prints one line when objects are served, with the kubectl command to use. Ends on SIGINT, SIGTERM, or with its parent
when `--parent PID` is given.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn

from infra.local.demo.admin import ADDRESS_FILE, Admin, make_token
from infra.local.demo.scenarios.catalog import Faults
from infra.local.demo.server.certificates import write_private
from infra.local.demo.server.serving import HOST, Serving, serving
from infra.local.demo.world import openmetrics, prometheus
from infra.local.demo.world.build import World
from infra.local.demo.world.demo import start_demo
from infra.local.demo.world.scale import start_scale
from infra.local.lifeline import die_with_parent

_LOG_SIZE_SCALE = 20_000


def options_from(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="infra.local.demo", description="A Kubernetes API with a demo company on it.")
    parser.add_argument("--port", type=int, default=0, help="port of the API; 0 takes a free one")
    parser.add_argument(
        "--home", type=Path, default=Path(".local/demo"), help="certificates, kubeconfigs, tokens, history"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", action="store_true", help="1,000 nodes and 10,000 pods")
    parser.add_argument("--prometheus", action="store_true", help="start a Prometheus with the history")
    parser.add_argument("--no-history", action="store_true", help="write no history")
    parser.add_argument("--parent", type=int, default=0, help="end when this process ends")
    return parser.parse_args(arguments)


class Demo:
    """Everything that runs."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.home: Path = options.home.absolute()
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.world, self.faults = self._build()
        self.serving: Serving = serving(self.world.api, self.home, options.port)
        self.history: subprocess.Popen[bytes] | None = None
        self.prometheus: prometheus.Prometheus | None = None

    def _build(self) -> tuple[World, Faults]:
        gc.disable()  # building makes only objects that stay; looking through them for rubbish again and again is waste
        try:
            make = start_scale if self.options.scale else start_demo
            return make(seed=self.options.seed, now=datetime.now(UTC))
        finally:
            gc.collect()
            gc.freeze()
            gc.enable()

    async def run(self) -> None:
        self.world.go_live()
        self.serving.tick = self.world.plane.tick
        self.serving.prepare()
        admin = self._admin()
        tasks = [
            asyncio.ensure_future(self.serving.serve()),
            asyncio.ensure_future(admin.serve(sockets=[self._admin_socket])),
        ]
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        self._announce()
        background = asyncio.ensure_future(self._background())
        await asyncio.wait([asyncio.ensure_future(stop.wait()), *tasks], return_when=asyncio.FIRST_COMPLETED)
        background.cancel()
        admin.should_exit = True
        self.serving.stop()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.close()

    def _admin(self) -> uvicorn.Server:
        self._admin_socket = socket.create_server((HOST, 0))
        port = self._admin_socket.getsockname()[1]
        write_private(self.home / ADDRESS_FILE, f"http://{HOST}:{port}\n".encode())
        config = uvicorn.Config(
            Admin(self.faults, make_token(self.home), self.state), log_level="warning", access_log=False
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        return server

    def _announce(self) -> None:
        kubeconfig = self.serving.kubeconfigs["admin"]
        print(f"Demo cluster at {self.serving.url} - kubectl --kubeconfig {kubeconfig} get pods -A", flush=True)

    def state(self) -> dict[str, Any]:
        """What runs, and how far the history is."""
        path = self.home / "history" / "state.json"
        written = (
            json.loads(path.read_text())
            if self.history and path.exists()
            else {"state": "none" if not self.history else "starting"}
        )
        return {
            "url": self.serving.url,
            "seed": self.options.seed,
            "scale": self.options.scale,
            "history": written,
            "history_folder": str(path.parent),
            "prometheus": self.prometheus.url if self.prometheus else None,
        }

    async def _background(self) -> None:
        """Write the history in a process of its own, then start Prometheus if asked to."""
        if self.options.no_history or self.options.scale:
            return
        (self.home / "history").mkdir(exist_ok=True)
        (self.home / "history" / "state.json").unlink(missing_ok=True)
        (self.home / "pods.json").write_text(json.dumps(openmetrics.pods_listed(self.world.api)))
        command = [
            sys.executable,
            "-m",
            "infra.local.demo.world.history",
            "--home",
            str(self.home),
            "--seed",
            str(self.options.seed),
        ]
        command += ["--until", datetime.now(UTC).isoformat(), *(["--openmetrics"] if self.options.prometheus else [])]
        self.history = subprocess.Popen(command)
        while self.history.poll() is None:
            await asyncio.sleep(0.5)
        if self.options.prometheus and self.history.returncode == 0:
            folder = self.home / "prometheus"
            await asyncio.to_thread(prometheus.backfill, self.home / "history" / "history.om", folder / "data")
            self.prometheus = prometheus.start(folder)
            print(f"Prometheus at {self.prometheus.url}", flush=True)

    def close(self) -> None:
        if self.history and self.history.poll() is None:
            self.history.terminate()
        if self.prometheus:
            self.prometheus.stop()
        (self.home / ADDRESS_FILE).unlink(missing_ok=True)


def main(arguments: list[str] | None = None) -> int:
    began = time.perf_counter()
    options = options_from(arguments)
    if options.parent:
        die_with_parent(options.parent)
    demo = Demo(options)
    if os.environ.get("KUBILITICS_DEMO_TIMES"):
        print(f"built in {time.perf_counter() - began:.2f} s", file=sys.stderr, flush=True)
    asyncio.run(demo.run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
