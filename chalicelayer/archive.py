"""Folders to bytecode and to zip files, so that the same input gives the same bytes.

CloudFormation uploads an artifact again, and Lambda starts cold again, whenever its bytes differ: neither a
file's time nor the builder's user may show.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can hold."""
_REGULAR_FILE = 0o100644 << 16
_EXECUTABLE_FILE = 0o100755 << 16


def files_of(folder: Path) -> list[Path]:
    """Every regular file below a folder, sorted by its path."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder: what Lambda counts against its limit."""
    return sum(path.stat().st_size for path in files_of(folder))


def compile_bytecode(folder: Path, *, mounted_at: str) -> None:
    """Put a .pyc beside each source file, valid without looking at the source.

    Lambda mounts code read-only: without .pyc files every cold start compiles everything it imports. The
    invalidation mode is `unchecked-hash` (PEP 552), because a .pyc that holds a time differs in each build.
    `mounted_at` is the path that tracebacks show.
    """
    command = [sys.executable, "-s", "-P", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(folder), "-p", mounted_at, str(folder)]
    # One process and a fixed hash seed: both decide how marshal shares strings, hence the bytes.
    environment = {"PYTHONHASHSEED": "0", "PATH": os.environ.get("PATH", os.defpath)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        # A package may ship a file for another Python (templates, async variants); it cannot be imported
        # by this one either.
        print(f"    not compiled: {done.stdout.strip().splitlines()[:1]}")


def write_zip(folder: Path, target: Path, *, inside: str = "") -> None:
    """Zip a folder's files in sorted order, each with the same time and permissions."""
    draft = target.with_suffix(".part")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in files_of(folder):
            entry = zipfile.ZipInfo(inside + path.relative_to(folder).as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = _EXECUTABLE_FILE if os.access(path, os.X_OK) else _REGULAR_FILE
            archive.writestr(entry, path.read_bytes())
    draft.replace(target)
