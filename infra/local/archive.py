"""A recorded cluster on disk as one file to upload."""

from __future__ import annotations

import tarfile
from pathlib import Path

_PACKED = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".zip")


class NotARecording(Exception):
    """The path holds nothing that could be a recorded cluster."""


def packed(path: Path, into: Path) -> Path:
    """`path` itself when it is an archive, else a tar of the folder (regular files only) in folder `into`."""
    if path.is_file():
        if not path.name.lower().endswith(_PACKED):
            raise NotARecording(f"{path} is not an archive. Give a folder or a file ending in {', '.join(_PACKED)}.")
        return path
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.is_symlink())
    if not files:
        raise NotARecording(f"{path} holds no files.")
    target = into / f"{path.name}.tar.gz"
    # Level 1: most of the size of JSON goes at little cost.
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        for file in files:
            archive.add(file, arcname=str(file.relative_to(path)), recursive=False)
    return target


def name_of(path: Path) -> str:
    """The cluster name that a path suggests."""
    name = path.name
    for ending in sorted(_PACKED, key=len, reverse=True):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name
