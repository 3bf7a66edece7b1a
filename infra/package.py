"""Makes the package that CloudFormation deploys, in build/package/.

    python -m infra.package

Prints what every function weighs, and fails when one is too heavy for Lambda or when cfn-lint finds an error.
Needs no AWS account; needs the package index only while a layer is built for the first time.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelayer.archive import size_of
from chalicelayer.build import BuiltLayer, LayerProblem, build
from chalicelayer.layers import LIMIT_BYTES, ROOT, all_layers, runtime_version
from infra.packaging.chalice_run import chalice_package, repackage
from infra.packaging.functions import Function, PackagingProblem, read_functions
from infra.packaging.lint import Finding, lint
from infra.packaging.sizes import Weight, table, weigh
from infra.packaging.stage import stage
from infra.packaging.template import finish, merged_resources

BUILD = ROOT / "build"


@dataclass(frozen=True)
class Package:
    """What was made, and what was found."""

    folder: Path
    weights: list[Weight]
    findings: list[Finding]

    @property
    def sound(self) -> bool:
        return all(weight.fits for weight in self.weights) and not any(finding.fails for finding in self.findings)


def make(root: Path = ROOT, target: Path = BUILD) -> Package:
    """Stage, package, merge, lint and weigh. Raises PackagingProblem or LayerProblem."""
    staged, package = target / "stage", target / "package"
    functions = read_functions()
    layers = _layers(functions, target)
    shutil.rmtree(package, ignore_errors=True)
    stage(root, staged)
    fragments = sorted((ROOT / "infra" / "resources").glob("*.yaml"))
    template = chalice_package(staged, package, merged_resources(fragments))
    code = repackage(package)
    paths = _copy_layers(layers, package)
    final = finish(template, functions, paths, f"python{runtime_version()}")
    (package / "sam.json").write_text(json.dumps(final, indent=2, sort_keys=True) + "\n")
    weights = weigh(functions, size_of(code), {layer.name: layer.unpacked_bytes for layer in layers})
    record = {"limit_bytes": LIMIT_BYTES, "functions": [weight.as_dict() for weight in weights]}
    (package / "sizes.json").write_text(json.dumps(record, indent=2) + "\n")
    _write_layout(functions, layers, package)
    return Package(package, weights, lint(package / "sam.json"))


def _layers(functions: Mapping[str, Function], target: Path) -> list[BuiltLayer]:
    wanted = {layer for function in functions.values() for layer in function.layers}
    unknown = wanted - {layer.name for layer in all_layers()}
    if unknown:
        raise PackagingProblem(f"infra/functions.yaml names layers that do not exist: {', '.join(sorted(unknown))}.")
    return [build(layer, target / "layers") for layer in all_layers() if layer.name in wanted]


def _copy_layers(layers: list[BuiltLayer], package: Path) -> dict[str, str]:
    """Put the zips beside the template, which names them by a relative path."""
    (package / "layers").mkdir()
    for layer in layers:
        shutil.copy2(layer.archive, package / "layers" / f"{layer.name}.zip")
    return {layer.name: f"./layers/{layer.name}.zip" for layer in layers}


def _write_layout(functions: Mapping[str, Function], layers: list[BuiltLayer], package: Path) -> None:
    """Where each function's code and layers lie unpacked, for those who run it without Lambda."""
    folders = {layer.name: str(layer.python.relative_to(package.parent)) for layer in layers}
    layout = {name: [folders[layer] for layer in function.layers] for name, function in functions.items()}
    (package / "layout.json").write_text(json.dumps(layout, indent=2) + "\n")


def main() -> int:
    began = time.perf_counter()
    try:
        package = make()
    except (PackagingProblem, LayerProblem) as problem:
        print(f"package: {problem}", file=sys.stderr)
        return 1
    print(table(package.weights))
    for finding in package.findings:
        print(f"cfn-lint {finding.level} {finding.rule} at {finding.path}: {finding.message}")
    errors = sum(finding.fails for finding in package.findings)
    print(f"cfn-lint: {errors} errors, {len(package.findings) - errors} other remarks")
    for weight in package.weights:
        if not weight.fits:
            over = weight.total_bytes - LIMIT_BYTES
            print(f"package: {weight.function} is {over:,} bytes over Lambda's limit", file=sys.stderr)
    print(f"build/package/sam.json in {time.perf_counter() - began:.1f} s")
    return 0 if package.sound else 1


if __name__ == "__main__":
    raise SystemExit(main())
