"""Lays out a copy of the product as Chalice packages it.

Chalice zips app.py, chalicelib/ and vendor/ and nothing else, so jobs/ goes below vendor/, whose content ends
up at the top of the zip. The staged requirements.txt is empty: layers carry the dependencies.
"""

from __future__ import annotations

import shutil
from pathlib import Path

_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*", "*.md")


def stage(root: Path, staged: Path) -> None:
    """Replace `staged` by a fresh copy of what ships from `root`. Raises FileNotFoundError for a missing part."""
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    shutil.copy2(root / "app.py", staged / "app.py")
    shutil.copytree(root / "chalicelib", staged / "chalicelib", ignore=_IGNORED)
    shutil.copytree(root / "jobs", staged / "vendor" / "jobs", ignore=_IGNORED)
    (staged / ".chalice").mkdir()
    shutil.copy2(root / ".chalice" / "config.json", staged / ".chalice" / "config.json")
    (staged / "requirements.txt").write_text("")
