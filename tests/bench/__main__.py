"""`make bench`: runs every benchmark, prints one table, writes `build/bench/*.json`.

Figures are CPU seconds and ratios of one run, since wall time depends on what else the machine does. The load is
printed beside them; wall-time bars hold at a load below 2.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

SUITES = ("reading", "engines", "rootcause", "safety", "handlers", "users", "streams", "demo", "chaos", "fuzz")
OUT = Path(__file__).resolve().parents[2] / "build" / "bench"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="suite", help=f"which of: {', '.join(SUITES)} (default: all)")
    parser.add_argument("-v", "--verbose", action="store_true", help="list what a suite got wrong, where it can tell")
    arguments = parser.parse_args()
    wanted = arguments.suites or SUITES
    unknown = sorted(set(wanted) - set(SUITES))
    if unknown:
        parser.error(f"unknown suite {unknown[0]!r}; valid: {', '.join(SUITES)}")
    OUT.mkdir(parents=True, exist_ok=True)
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, load {load()}")
    missed = 0
    for suite in wanted:
        started = time.monotonic()
        run = importlib.import_module(f"tests.bench.{suite}").run
        told = arguments.verbose and "verbose" in inspect.signature(run).parameters
        rows = run(verbose=True) if told else run()
        (OUT / f"{suite}.json").write_text(json.dumps({"load": load(), "rows": rows}, indent=1, default=str))
        print(f"\n== {suite} ({time.monotonic() - started:.0f} s, load {load()})")
        print(table(rows))
        missed += sum(row.get("ok") is False for row in rows)
    print(f"\n{missed} figures miss their target." if missed else "\nEvery figure meets its target.")
    return 0


def load() -> str:
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as aligned text; the columns are the keys in order of first appearance."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [columns, *([_cell(row.get(key)) for key in columns] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
