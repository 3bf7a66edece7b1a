"""The import rules cover every room, and engines do not read a clock where import rules cannot see it."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LIBRARY = ROOT / "chalicelib"
ENGINES = ("state", "rootcause", "analytics", "cost", "security")
CLOCKS = {"now", "utcnow", "today"}


def rooms() -> list[str]:
    folders = [path.parent.name for path in LIBRARY.glob("*/__init__.py")]
    modules = [path.stem for path in LIBRARY.glob("*.py") if path.stem != "__init__"]
    return sorted(folders + modules)


@pytest.mark.parametrize("room", rooms())
def test_a_room_is_under_the_import_rules(room: str):
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    ruled = {module for contract in contracts for module in contract.get("source_modules", [])}
    # api stands on top and may import everything.
    assert room == "api" or f"chalicelib.{room}" in ruled


@pytest.mark.parametrize("room", [room for room in ENGINES if (LIBRARY / room).is_dir()])
def test_an_engine_reads_no_clock(room: str):
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (LIBRARY / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS
    ]
    assert calls == []
