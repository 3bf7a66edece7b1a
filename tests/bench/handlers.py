"""What it costs to import each Lambda handler in a clean interpreter."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from tests.bench.measure import in_own_process

HANDLERS = ("app", "chalicelib.api.work", "jobs.collect", "jobs.sweep")
FORBIDDEN = ("anthropic", "openai", "kubernetes", "numpy", "statsmodels")
TARGET_CPU_S = 0.45
REPEATS = 5


def run() -> list[dict[str, Any]]:
    rows = []
    for handler in HANDLERS:
        results = [in_own_process("tests.bench.handlers", handler) for _ in range(REPEATS)]
        best = min(r["cpu_s"] for r in results)
        rows.append(
            {"what": f"import {handler}", "CPU s (best of 5)": best, "modules": results[0]["modules"],
             "forbidden": ", ".join(results[0]["forbidden"]) or "none", "target": f"<= {TARGET_CPU_S}",
             "ok": best <= TARGET_CPU_S and not results[0]["forbidden"]}
        )  # fmt: skip
    for peer in ("openai", "anthropic", "kubernetes"):
        best = min(in_own_process("tests.bench.handlers", peer)["cpu_s"] for _ in range(2))
        rows.append({"what": f"(import {peer}, for comparison)", "CPU s (best of 5)": best})
    return rows


def main() -> None:
    before = time.process_time()
    __import__(sys.argv[1])
    cpu = time.process_time() - before
    loaded = [name for name in FORBIDDEN if name in sys.modules]
    print(json.dumps({"cpu_s": cpu, "modules": len(sys.modules), "forbidden": loaded}))


if __name__ == "__main__":
    main()
