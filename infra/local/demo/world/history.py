"""Writing thirty days of history as series chunks of the product, after the plan that the demo left in its folder.

    python -m infra.local.demo.world.history --home .local/demo

Run as a process of its own, at low priority, so that the API server stays quick; `state.json` tells how far it is.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import zstandard

from infra.local.demo.world.curves import Times
from infra.local.demo.world.openmetrics import DAYS, read_plan
from infra.local.demo.world.series import Series, all_series

STEPS = {"5m": 300, "1h": 3600}
_DAY_S = 86_400
_DIGITS = 5


class Progress:
    """The file other processes look at."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "state.json"
        self._started = time.monotonic()

    def tell(self, state: str, **more: Any) -> None:
        seconds = round(time.monotonic() - self._started, 2)
        temporary = self.path.with_suffix(".new")
        temporary.write_text(json.dumps({"state": state, "seconds": seconds, **more}))
        temporary.replace(self.path)


def write_history(folder: Path, *, tenant: str, cluster: str, seed: int, until: datetime, days: int = DAYS) -> int:
    """Write all chunks below `folder/<tenant>/<cluster>/series`, newest day first; returns the number of files."""
    progress = Progress(folder)
    end = until.astimezone(UTC).timestamp()
    series = list(all_series(seed, cluster, end))
    base = folder / tenant / cluster / "series"
    written = 0
    first_day = datetime.fromtimestamp(end, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for back in range(days + 1):
        day = first_day - timedelta(days=back)
        for name, step in STEPS.items():
            written += _write_day(base / name, series, day, step, end)
        progress.tell("writing", days_done=back, days=days, series=len(series))
    progress.tell("ready", days_done=days, days=days, series=len(series), files=written)
    return written


def _write_day(folder: Path, series: list[Series], day: datetime, step: int, end: float) -> int:
    start = day.timestamp()
    times: Times = np.arange(start, min(start + _DAY_S, end + 1), step, dtype=np.float64)
    if not len(times):
        return 0
    rows = [
        {
            "name": one.name,
            "labels": one.labels,
            "start": int(start),
            "step_s": step,
            "values": _rounded(one.values(times)),
        }
        for one in series
    ]
    folder.mkdir(parents=True, exist_ok=True)
    packed = zstandard.ZstdCompressor(level=3).compress(msgspec.msgpack.encode(rows))
    (folder / f"{day:%Y%m%d}.msgpack.zst").write_bytes(packed)
    return 1


def _rounded(values: Times) -> list[float | None]:
    """Five digits are more than any gauge has; fewer bytes are written and packed."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 10.0 ** (_DIGITS - 1 - np.floor(np.log10(np.abs(values))))
    scale = np.where(np.isfinite(scale), scale, 1.0)
    listed: list[float | None] = (np.round(values * scale) / scale).tolist()
    return [None if value != value else value for value in listed] if np.isnan(values).any() else listed


def read_chunk(path: Path) -> list[dict[str, Any]]:
    """The rows of one chunk."""
    rows: list[dict[str, Any]] = msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(path.read_bytes()))
    return rows


def chunks(folder: Path) -> Iterator[Path]:
    """All chunk files below a folder, by name."""
    yield from sorted(folder.rglob("*.msgpack.zst"))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the history of the demo cluster.")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--tenant", default="local")
    parser.add_argument("--cluster", default="demo")
    options = parser.parse_args()
    folder: Path = options.home / "history"
    os.nice(10)
    plan = read_plan(folder / "plan.json")
    until = datetime.fromtimestamp(plan.until, UTC)
    write_history(folder, tenant=options.tenant, cluster=options.cluster, seed=plan.seed, until=until)


if __name__ == "__main__":
    main()
