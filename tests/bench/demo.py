"""The demo cluster: conformance, the start of both worlds, lists of 10,000 pods, memory, and its written past.

Targets are for CPU seconds of the demo's own process; wall seconds stand beside them and depend on the machine's load.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.demo import prometheus
from infra.local.demo_client import DemoClient
from tests.bench.measure import ROOT, in_own_process, measured
from tests.functional.demo.conformance.renaming import renamed
from tests.functional.demo.conformance.replay import Replay

SHARE, SMALL_S, SCALE_S, LIST_S, RSS_MB, HISTORY_S = 0.95, 1.0, 20.0, 1.0, 1_000.0, 60.0
REPEATS = 5
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
LISTS = (
    ("JSON", "/api/v1/pods", {}),
    ("JSON, gzip", "/api/v1/pods", {"accept-encoding": "gzip"}),
    ("Table without objects", "/api/v1/pods?includeObject=None", {"accept": TABLE}),
)
Row = dict[str, Any]


def run() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="kubilitics-demo-") as folder:
        home = Path(folder)
        return [*conformance(), *small(home / "small"), *scale(home / "scale"), *past(home / "small")]


def conformance() -> list[Row]:
    rows = []
    for what, names in (("exchanges that match", lambda value: value), ("  with other names", renamed)):
        results = Replay(names).run()
        matching = sum(result.matches for result in results)
        rows.append(
            {
                "what": what,
                "figure": f"{matching} of {len(results)}",
                "target": f">= {SHARE:.0%}",
                "ok": matching >= SHARE * len(results),
            }
        )
    return rows


def small(home: Path) -> list[Row]:
    """Its history is begun, so that its plan is left for `past`."""
    with started(home) as demo:
        return start_rows("small world", demo, SMALL_S)


def scale(home: Path) -> list[Row]:
    with started(home, "--scale", "--no-history") as demo:
        rows = start_rows("world of 1,000 nodes and 10,000 pods", demo, SCALE_S)
        rows += [list_row(demo, what, path, headers) for what, path, headers in LISTS]
        peak = demo.memory_mb("VmHWM")
        figure = f"{demo.memory_mb('VmRSS'):.0f} MB, peak {peak:.0f} MB"
        rows.append({"what": "  memory", "figure": figure, "target": f"< {RSS_MB:.0f} MB", "ok": peak < RSS_MB})
        return rows


def start_rows(what: str, demo: Demo, target_s: float) -> list[Row]:
    """What the world itself takes, and the whole process from nothing to its first answer."""
    built = in_own_process("tests.bench.demo", "scale" if demo.scale else "small")
    return [
        {
            "what": f"{what}: objects made",
            "CPU s": built["cpu_s"],
            "wall s": built["wall_s"],
            "figure": f"{built['objects']:,} objects",
            "target": f"< {target_s:.0f} s",
            "ok": built["cpu_s"] < target_s,
        },
        {"what": "  process started to first answer", "CPU s": demo.cpu_s, "wall s": demo.wall_s},
    ]


def list_row(demo: Demo, what: str, path: str, headers: dict[str, str]) -> Row:
    """The median of several lists; CPU of the server alone."""
    cpu_s, wall_s, sizes = [], [], []
    for _ in range(REPEATS):
        before, began = demo.used_cpu_s(), time.perf_counter()
        sizes.append(demo.get(path, headers))
        wall_s.append(time.perf_counter() - began)
        cpu_s.append(demo.used_cpu_s() - before)
    used = statistics.median(cpu_s)
    return {
        "what": f"  list of all pods, {what}",
        "CPU s": used,
        "wall s": statistics.median(wall_s),
        "figure": f"{sizes[-1] / 1e6:.1f} MB",
        "target": f"< {LIST_S:.0f} s",
        "ok": used < LIST_S,
    }


def past(home: Path) -> list[Row]:
    """Writing thirty days, as series chunks and for a real Prometheus; `home` is that of a demo that has ended."""
    module = [sys.executable, "-m", "infra.local.demo.world.history", "--home", str(home)]
    cpu_s, wall_s, _ = _used(lambda: subprocess.run(module, cwd=ROOT, check=True))
    files = list((home / "history").rglob("*.msgpack.zst"))
    rows: list[Row] = [
        {
            "what": "30 days of history written",
            "CPU s": cpu_s,
            "wall s": wall_s,
            "figure": f"{len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.0f} MB",
            "target": f"< {HISTORY_S:.0f} s",
            "ok": cpu_s < HISTORY_S,
        }
    ]
    if shutil.which("promtool"):
        plan = home / "history" / "plan.json"
        cpu_s, wall_s, samples = _used(lambda: prometheus.backfill(plan, home / "prometheus"))
        rows.append(
            {
                "what": "30 days as blocks of Prometheus",
                "CPU s": cpu_s,
                "wall s": wall_s,
                "figure": f"{samples:,} samples",
                "target": f"< {HISTORY_S:.0f} s",
                "ok": cpu_s < HISTORY_S,
            }
        )
    return rows


@dataclass
class Demo:
    """A demo cluster in a process of its own, which serves."""

    pid: int
    home: Path
    scale: bool
    cpu_s: float = 0.0
    wall_s: float = 0.0

    def get(self, path: str, headers: dict[str, str]) -> int:
        """Bytes of an answer."""
        url, token = DemoClient(self.home).address()
        trust = ssl.create_default_context(cafile=str(self.home / "ca.crt"))
        request = urllib.request.Request(url + path, headers={"authorization": f"Bearer {token}", **headers})
        with urllib.request.urlopen(request, context=trust, timeout=120) as answer:
            return len(answer.read())

    def used_cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self, field: str) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field + ":"))


@contextmanager
def started(home: Path, *options: str) -> Iterator[Demo]:
    """A demo that has answered its first list of pods."""
    command = [sys.executable, "-m", "infra.local.demo", "--home", str(home), "--parent", str(os.getpid()), *options]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise RuntimeError(f"the demo cluster did not start: exit status {process.wait()}")
        demo = Demo(process.pid, home, scale="--scale" in options)
        demo.get("/api/v1/pods?limit=1", {})
        demo.cpu_s, demo.wall_s = demo.used_cpu_s(), time.perf_counter() - began
        yield demo
    finally:
        process.terminate()
        process.wait(30)


def _used(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """(CPU seconds of this process and the children it waited for, wall seconds, result) of a call."""
    before, began = _cpu_s(), time.perf_counter()
    result = work()
    return _cpu_s() - before, time.perf_counter() - began, result


def _cpu_s() -> float:
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main(size: str) -> None:
    """Build one world in this process."""
    # Imported first: what Python takes to load modules is in the start of the whole process.
    import infra.local.demo.world.demo
    import infra.local.demo.world.scale  # noqa: F401
    from infra.local.demo.__main__ import build

    began = time.perf_counter()
    cpu_s, (world, _) = measured(lambda: build(seed=1, scale=size == "scale", now=datetime.now(UTC)))
    objects = sum(len(list(world.api.store.list(one.key))) for one in world.api.resources if one.stored)
    print(json.dumps({"cpu_s": cpu_s, "wall_s": time.perf_counter() - began, "objects": objects}))


if __name__ == "__main__":
    main(sys.argv[1])
