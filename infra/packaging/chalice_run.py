"""Runs `chalice package` over a staged copy and makes its zip the same each time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from chalicelayer.archive import compile_bytecode, write_zip
from infra.packaging.functions import PackagingProblem

STAGE = "production"
CODE_MOUNTED_AT = "/var/task"
"""Where Lambda puts a function's code."""


def chalice_package(staged: Path, package: Path, merge: dict[str, Any]) -> dict[str, Any]:
    """Chalice's template with `merge` laid over it; the code is left in `package/deployment.zip`.

    Raises PackagingProblem with Chalice's own message, for instance when app.py does not import.
    """
    merge_file = staged / "merge.json"
    merge_file.write_text(json.dumps(merge, indent=1))
    program = Path(sys.executable).with_name("chalice")
    command = [str(program), "package", "--stage", STAGE, "--merge-template", str(merge_file), str(package)]
    done = subprocess.run(command, cwd=staged, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PackagingProblem(f"chalice package failed:\n{(done.stderr or done.stdout).strip()}")
    template: dict[str, Any] = json.loads((package / "sam.json").read_text())
    return template


def repackage(package: Path) -> Path:
    """Unpack Chalice's zip into `package/function`, add bytecode and zip it so that the bytes repeat."""
    code = package / "function"
    shutil.rmtree(code, ignore_errors=True)
    archive = package / "deployment.zip"
    with zipfile.ZipFile(archive) as given:
        given.extractall(code)
    compile_bytecode(code, mounted_at=CODE_MOUNTED_AT)
    write_zip(code, archive)
    return code


def _environment() -> dict[str, str]:
    """No index: with empty requirements pip has nothing to fetch, and must not try. No AWS account either."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "KUBILITICS_"))}
    return ours | {"PIP_NO_INDEX": "1", "AWS_DEFAULT_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"}
