"""The web interface's types are the API's: generated from its models, and checked to be current."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from infra.local.layout import ROOT


def test_the_types_of_the_web_interface_match_the_api() -> None:
    node = shutil.which("node")
    assert node, "Node 20 or newer is needed; `make test` says how to get it"
    checked = subprocess.run(
        [node, "scripts/types.mjs", "--check"],
        cwd=ROOT / "web",
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert checked.returncode == 0, checked.stderr
