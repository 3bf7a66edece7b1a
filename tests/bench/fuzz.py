"""The API fuzzed against its own OpenAPI document, with many more examples than `make test` has time for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

from tests.bench.measure import ROOT

EXAMPLES = 200


def run() -> list[dict[str, Any]]:
    """Rows: operations fuzzed, requests at most, and how many operations broke a rule."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/functional/api/test_fuzz.py", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, "FUZZ_EXAMPLES": str(EXAMPLES)},
        capture_output=True,
        text=True,
        check=False,
    )
    passed, failed = (_count(done.stdout, word) for word in ("passed", "failed"))
    subtests = _count(done.stdout, "subtests passed")
    if failed or done.returncode:
        print(done.stdout[-4000:])
    operations = subtests or passed
    return [
        {"what": "operations fuzzed", "n": operations, "examples each": EXAMPLES},
        {"what": "operations with a 5xx or an answer outside the document", "n": failed, "target": "0",
         "ok": failed == 0 and done.returncode == 0},
    ]  # fmt: skip


def _count(output: str, word: str) -> int:
    found = re.search(rf"(\d+) {word}", output)
    return int(found[1]) if found else 0
