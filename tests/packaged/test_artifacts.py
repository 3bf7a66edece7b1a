"""What lies in build/package/: sizes, layers, and that the template names what is there."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from chalicelayer.archive import size_of
from chalicelayer.build import build
from chalicelayer.layers import LIMIT_BYTES, RUNTIME, all_layers, read_layer
from infra.packaging.functions import read_functions
from infra.packaging.lint import lint
from infra.packaging.template import FUNCTION_TYPE, functions_of
from tests.packaged.lambda_runtime import overlay, runtime_folder


def test_every_function_and_its_layers_fit_into_lambda(package: Path):
    layout = json.loads((package / "layout.json").read_text())
    told = {
        entry["function"]: entry["total_bytes"]
        for entry in json.loads((package / "sizes.json").read_text())["functions"]
    }
    for name, layers in layout.items():
        total = size_of(package / "function") + sum(size_of(package.parent / folder) for folder in layers)
        assert total == told[name] <= LIMIT_BYTES


def test_the_zip_holds_the_product_with_bytecode_and_nothing_else(package: Path):
    with zipfile.ZipFile(package / "deployment.zip") as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {"app.py", "chalice", "chalicelib", "jobs", "__pycache__"}
    sources = {name for name in names if name.endswith(".py")}
    assert len([name for name in names if name.endswith(".pyc")]) == len(sources)
    assert not [name for name in names if "test" in name.lower() or name.endswith((".md", ".map", ".tsx"))]


def test_cfn_lint_finds_no_error_in_the_template(package: Path):
    assert [finding for finding in lint(package / "sam.json") if finding.fails] == []


def test_the_template_names_artifacts_that_exist(package: Path, template: dict):
    uris = {
        entry["Properties"].get("CodeUri") or entry["Properties"].get("ContentUri") for entry in _deployed(template)
    }
    assert {uri for uri in uris if not (package / uri).is_file()} == set()


def test_each_function_has_its_own_role_and_only_its_layers(template: dict):
    for name, function in read_functions().items():
        properties = functions_of(template)[name]["Properties"]
        assert properties["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
        assert [layer["Ref"] for layer in properties["Layers"]] == [
            f"{layer.title()}Layer" for layer in function.layers
        ]


def _deployed(template: dict) -> list[dict]:
    kinds = {FUNCTION_TYPE, "AWS::Serverless::LayerVersion"}
    return [entry for entry in template["Resources"].values() if entry["Type"] in kinds]


@pytest.mark.parametrize("layer", all_layers(), ids=lambda layer: layer.name)
def test_a_layer_with_those_beside_it_imports_what_it_is_for(layer, tmp_path: Path):
    folders = [build(read_layer(name)).python for name in (*layer.beside, layer.name)]
    path = [str(overlay(folders, tmp_path / "opt")), str(runtime_folder(tmp_path / "runtime"))]
    program = f"import sys; sys.path[:0] = {path!r}; import {', '.join(layer.imports)}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_layer_does_not_bring_what_the_runtime_has_but_for_the_pinned_http_stack(package: Path):
    brought = {
        path.name
        for layer in all_layers()
        for path in build(layer).python.iterdir()
        if path.name in {"boto3", "botocore"}
    }
    assert brought == set(), f"{RUNTIME} are in Lambda's runtime"


def test_building_the_core_layer_again_gives_the_same_bytes(tmp_path: Path):
    core = read_layer("core")
    assert build(core, tmp_path).archive.read_bytes() == build(core).archive.read_bytes()
