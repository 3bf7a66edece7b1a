"""Checks the finished template with cfn-lint."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REGIONS = ("us-east-1", "eu-central-1")


@dataclass(frozen=True)
class Finding:
    """One remark of cfn-lint."""

    level: str
    rule: str
    message: str
    path: str

    @property
    def fails(self) -> bool:
        return self.level == "Error"


def lint(template: Path) -> list[Finding]:
    """What cfn-lint says. Raises RuntimeError when it does not run at all."""
    program = Path(sys.executable).with_name("cfn-lint")
    command = [str(program), "--format", "json", "--regions", *REGIONS, "--template", str(template)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    # Its exit code is a sum of bits for the levels that were met; 1 means that it could not run.
    if done.returncode == 1 or not done.stdout.strip():
        raise RuntimeError(f"cfn-lint did not run: {done.stderr.strip()[-500:]}")
    return [_finding(entry) for entry in json.loads(done.stdout)]


def _finding(entry: dict[str, Any]) -> Finding:
    path = "/".join(str(part) for part in entry["Location"].get("Path") or [])
    return Finding(level=entry["Level"], rule=entry["Rule"]["Id"], message=entry["Message"], path=path)
