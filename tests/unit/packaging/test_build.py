"""Staging and building: what ships, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from chalicelayer.build import LayerProblem, build, check_complete, fingerprint
from chalicelayer.layers import read_layer
from infra.packaging.functions import PackagingProblem, read_functions
from infra.packaging.stage import stage


def a_checkout(root: Path) -> Path:
    for name in ("app.py", "chalicelib/__init__.py", "chalicelib/rooms/data.json", "jobs/collect.py", "web/index.html"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    (root / "chalicelib" / "__pycache__").mkdir()
    (root / "chalicelib" / "__pycache__" / "__init__.cpython-311.pyc").write_text("")
    (root / ".chalice").mkdir()
    (root / ".chalice" / "config.json").write_text("{}")
    return root


def test_staged_is_what_chalice_zips_with_jobs_below_vendor(tmp_path: Path):
    stage(a_checkout(tmp_path / "checkout"), tmp_path / "staged")
    staged = {path.relative_to(tmp_path / "staged").as_posix() for path in (tmp_path / "staged").rglob("*")}
    assert {name for name in staged if (tmp_path / "staged" / name).is_file()} == {
        ".chalice/config.json",
        "app.py",
        "chalicelib/__init__.py",
        "chalicelib/rooms/data.json",
        "requirements.txt",
        "vendor/jobs/collect.py",
    }


def test_staging_again_forgets_what_was_removed(tmp_path: Path):
    checkout = a_checkout(tmp_path / "checkout")
    stage(checkout, tmp_path / "staged")
    (checkout / "chalicelib" / "rooms" / "data.json").unlink()
    stage(checkout, tmp_path / "staged")
    assert not (tmp_path / "staged" / "chalicelib" / "rooms" / "data.json").exists()


def test_a_layer_over_its_budget_is_refused(tmp_path: Path):
    core = dataclasses.replace(read_layer("core"), budget_bytes=10)
    home = tmp_path / "core" / fingerprint(core)
    (home / "python").mkdir(parents=True)
    (home / "python" / "module.py").write_text("x" * 11)
    (home / "layer.zip").write_text("")
    with pytest.raises(LayerProblem, match="11 bytes; its budget is 10"):
        build(core, tmp_path)


def test_a_changed_strip_rule_builds_the_layer_anew():
    core = read_layer("core")
    assert fingerprint(core) != fingerprint(dataclasses.replace(core, strip=(*core.strip, "yaml/**")))


def test_a_requirement_that_no_layer_holds_is_refused(tmp_path: Path):
    info = tmp_path / "widget-1.0.dist-info"
    info.mkdir()
    requires = "Requires-Dist: gadget>=2\nRequires-Dist: optional; extra == 'x'\n"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: widget\nVersion: 1.0\n{requires}")
    with pytest.raises(LayerProblem, match="widget in layer kube requires gadget"):
        check_complete(read_layer("kube"), tmp_path)
    check_complete(dataclasses.replace(read_layer("kube"), left_out=("gadget",)), tmp_path)


def test_a_grant_that_nobody_uses_is_refused(tmp_path: Path):
    (tmp_path / "functions.yaml").write_text("Api: {layers: [core], grants: [read]}")
    (tmp_path / "grants.yaml").write_text("{read: [], write: []}")
    with pytest.raises(PackagingProblem, match="write"):
        read_functions(tmp_path / "functions.yaml", tmp_path / "grants.yaml")
