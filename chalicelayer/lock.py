"""Resolves each layer's requirements once and writes down what came out, with hashes.

    python -m chalicelayer.lock [LAYER ...]

The build then installs exactly these files: a release of some dependency's dependency cannot change a
deployment, and a wheel whose bytes differ from the one that was reviewed is refused by pip.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from chalicelayer.layers import ROOT, Layer, all_layers, normalised, pins, platforms, requirement_names

PYTHONS = ("3.11", "3.12", "3.13")
"""Interpreters whose wheels the lock covers; the first decides the versions, for it has the oldest glibc."""

_HEADER = """\
# Made by `python -m chalicelayer.lock {name}` from requirements.txt here and the pins at the top level.
# Do not edit: change those and run it again.
"""


def resolve_everything() -> dict[str, str]:
    """Versions of the whole of requirements.txt: what a layer holds is what the tests ran with."""
    pinned = [f"{name}=={version}" for name, version in pins(ROOT / "requirements.txt").items()]
    return {name: version for name, version, _ in _report(pinned, PYTHONS[0], constraints={})}


def lock(layer: Layer, everything: dict[str, str]) -> Path:
    """Resolve and write `requirements.lock`. Raises RuntimeError with pip's message when nothing fits."""
    wanted = [f"{name}=={everything[name]}" for name in layer.requirements]
    first = _report(wanted, PYTHONS[0], constraints=everything)
    elsewhere = {normalised(name) for name in (*layer.in_runtime, *layer.left_out)} | _locked_beside(layer).keys()
    versions = {name: version for name, version, _ in first if name not in elsewhere}
    hashes: dict[str, set[str]] = defaultdict(set)
    for python in PYTHONS:
        exact = [f"{name}=={version}" for name, version in versions.items()]
        for name, _, digest in _report(["--no-deps", *exact], python, constraints={}):
            hashes[name].add(digest)
    layer.lock.write_text(_HEADER.format(name=layer.name) + "".join(_entries(versions, hashes)))
    return layer.lock


def _entries(versions: dict[str, str], hashes: dict[str, set[str]]) -> list[str]:
    return [
        " \\\n".join([f"{name}=={version}", *(f"    --hash=sha256:{digest}" for digest in sorted(hashes[name]))]) + "\n"
        for name, version in sorted(versions.items())
    ]


def _locked_beside(layer: Layer) -> dict[str, str]:
    found: dict[str, str] = {}
    for other in all_layers():
        if other.name in layer.beside:
            found |= pins(other.lock)
    return found


def _report(arguments: list[str], python: str, *, constraints: dict[str, str]) -> list[tuple[str, str, str]]:
    """Name, version and SHA-256 of each wheel that pip would install on Lambda's `python`."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        limits = Path(scratch) / "constraints.txt"
        limits.write_text("".join(f"{name}=={version}\n" for name, version in constraints.items()))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["--target", scratch, "--report", str(report), *wheel_options(python)]
        command += ["--constraint", str(limits), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            raise RuntimeError("pip cannot resolve a layer:\n" + "\n".join(errors or [done.stderr[-2000:]]))
        return [_wheel(item) for item in json.loads(report.read_text())["install"]]


def wheel_options(python: str) -> list[str]:
    """pip options that take only wheels which Lambda's `python` can load."""
    options = ["--only-binary=:all:", "--implementation", "cp", "--python-version", python]
    for platform in platforms(python):
        options += ["--platform", platform]
    return options


def _wheel(item: dict[str, Any]) -> tuple[str, str, str]:
    about = item["metadata"]
    return normalised(about["name"]), about["version"], item["download_info"]["archive_info"]["hashes"]["sha256"]


def main(names: list[str]) -> int:
    missing = set(requirement_names(ROOT / "requirements.txt")) - pins(ROOT / "requirements.txt").keys()
    if missing:
        print(f"requirements.txt does not pin: {', '.join(sorted(missing))}", file=sys.stderr)
        return 1
    everything = resolve_everything()
    for layer in all_layers():
        if not names or layer.name in names:
            print(f"locked {lock(layer, everything).relative_to(ROOT)}: {len(pins(layer.lock))} distributions")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
