"""The same folder gives the same bytes."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from chalicelayer.archive import compile_bytecode, files_of, size_of, write_zip
from chalicelayer.build import strip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "a package"
    (made / "inner").mkdir(parents=True)
    (made / "module.py").write_text("NUMBERS = (1, 2, 'three')\n\n\ndef double(x):\n    return 2 * x\n")
    (made / "inner" / "__init__.py").write_text("from module import double\n")
    return made


def test_a_zip_does_not_show_when_it_was_made(folder: Path, tmp_path: Path):
    write_zip(folder, tmp_path / "first.zip")
    os.utime(folder / "module.py", (0, 1_000_000_000))
    write_zip(folder, tmp_path / "second.zip")
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()


def test_a_zip_holds_every_file_below_the_given_prefix(folder: Path, tmp_path: Path):
    write_zip(folder, tmp_path / "layer.zip", inside="python/")
    with zipfile.ZipFile(tmp_path / "layer.zip") as archive:
        assert archive.namelist() == ["python/inner/__init__.py", "python/module.py"]
        assert archive.read("python/module.py") == (folder / "module.py").read_bytes()


def test_bytecode_repeats_and_is_used_whatever_the_sources_time(folder: Path):
    compile_bytecode(folder, mounted_at="/var/task")
    first = {path.name: path.read_bytes() for path in files_of(folder) if path.suffix == ".pyc"}
    for path in folder.rglob("*.pyc"):
        path.unlink()
    os.utime(folder / "module.py", (0, 1_000_000_000))
    compile_bytecode(folder, mounted_at="/var/task")
    assert {path.name: path.read_bytes() for path in files_of(folder) if path.suffix == ".pyc"} == first
    # PEP 552: flag 1 is "hash-based", without flag 2, "check the source".
    assert len(first) == 2
    assert {content[4:8] for content in first.values()} == {b"\x01\x00\x00\x00"}


def test_size_counts_files_below_folders(folder: Path):
    assert size_of(folder) == sum(path.stat().st_size for path in (folder / "module.py", folder / "inner/__init__.py"))


def test_strip_takes_what_it_is_told_and_never_the_libraries_of_a_wheel(tmp_path: Path):
    kept = ["pkg/core.py", "pkg.libs/tests/libopenblas.so", "pkg/deep/tests/needed.py"]
    taken = ["pkg/tests/test_core.py", "pkg/core.pyi", "bin/tool", "pkg/deep/tests/test_more.py"]
    for name in kept + taken:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    strip(tmp_path, ["bin/**", "**/tests/**", "**/*.pyi"], keep=["pkg/deep/tests/needed.py"])
    assert {path.relative_to(tmp_path).as_posix() for path in files_of(tmp_path)} == set(kept)
    assert not (tmp_path / "bin").exists()
