"""`python -m infra.local.chromium`: prints the browser that the end-to-end tests use, and installs one when it may."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find(environ: Mapping[str, str] = os.environ) -> str | None:
    """The path of a browser: what CHROMIUM names, else the first of the usual names on PATH."""
    named = environ.get("CHROMIUM")
    candidates = (named,) if named else _NAMES
    return next((path for name in candidates if (path := shutil.which(name, path=environ.get("PATH")))), None)


def install() -> None:
    """Install Debian's package; needs root. Raises CalledProcessError."""
    subprocess.run(["apt-get", "update", "-qq"], check=True, stdout=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"]
    subprocess.run(command, check=True, env=environment, stdout=sys.stderr)


def main() -> int:
    path = find()
    if path is None and not os.environ.get("CHROMIUM") and os.geteuid() == 0 and shutil.which("apt-get"):
        install()
        path = find()
    if path is None:
        print(
            "No Chromium was found for the browser tests. Install it (Debian: apt-get install chromium), "
            "or name one: make test CHROMIUM=/path/to/chromium",
            file=sys.stderr,
        )
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
