"""Builds the layers under build/layers/, each once for its lock and its strip rules.

python -m chalicelayer.build [LAYER ...]
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from chalicelayer.archive import compile_bytecode, size_of, write_zip
from chalicelayer.layers import LIMIT_BYTES, ROOT, Layer, all_layers, normalised, pins, platforms, runtime_version
from chalicelayer.lock import wheel_options

BUILT = ROOT / "build" / "layers"
MOUNTED_AT = "/opt/python"
"""Where Lambda puts the folder `python/` of a layer; it is on sys.path."""

_FORMAT = "1"
"""Counted up when this module builds differently from the same inputs."""


class LayerProblem(Exception):
    """A layer cannot be built, or is not what its folder says. The message names the remedy."""


@dataclass(frozen=True)
class BuiltLayer:
    """A layer on disk: its folder of modules, the zip that is uploaded, and its unpacked size."""

    name: str
    python: Path
    archive: Path
    unpacked_bytes: int


def build(layer: Layer, built: Path = BUILT) -> BuiltLayer:
    """The layer, from an earlier build when nothing that goes into it has changed.

    Raises LayerProblem when pip refuses, when the result is larger than its budget, or when a distribution
    needs one that is nowhere.
    """
    key = fingerprint(layer)
    home = built / layer.name / key
    if not (home / "layer.zip").exists():
        _build_into(layer, home)
    for old in home.parent.iterdir():
        if old.name != key:
            shutil.rmtree(old, ignore_errors=True)
    result = BuiltLayer(layer.name, home / "python", home / "layer.zip", size_of(home / "python"))
    if result.unpacked_bytes > layer.budget_bytes:
        raise LayerProblem(
            f"Layer {layer.name} has {result.unpacked_bytes:,} bytes; its budget is {layer.budget_bytes:,}. "
            f"Strip more, or raise budget_bytes in chalicelayer/{layer.name}/layer.toml and say why."
        )
    return result


def fingerprint(layer: Layer) -> str:
    """Changes with whatever changes the built bytes."""
    parts = [_FORMAT, runtime_version(), sys.version.split()[0], *platforms(runtime_version())]
    parts += [layer.lock.read_text(), *layer.strip_rules, *layer.keep, str(layer.bytecode)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _build_into(layer: Layer, home: Path) -> None:
    """Build beside the final place and move there, so that a stopped build leaves nothing half done."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="draft-") as scratch:
        draft = Path(scratch)
        python = draft / "python"
        _install(layer, python)
        strip(python, layer.strip_rules, layer.keep)
        check_complete(layer, python)
        if layer.bytecode:
            compile_bytecode(python, mounted_at=MOUNTED_AT)
        write_zip(python, draft / "layer.zip", inside="python/")
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        python.rename(home / "python")
        (draft / "layer.zip").rename(home / "layer.zip")


def _install(layer: Layer, python: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--require-hashes"]
    command += ["--target", str(python), *wheel_options(runtime_version()), "--requirement", str(layer.lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        errors = "\n".join(line for line in done.stderr.splitlines() if not line.startswith("WARNING"))
        raise LayerProblem(f"pip cannot install layer {layer.name}; after a change of pins lock it anew.\n{errors}")


def strip(python: Path, rules: Sequence[str], keep: Sequence[str] = ()) -> None:
    """Delete the files that the rules match and the folders that this empties.

    What is below a `*.libs` folder stays whatever the rules say, and so does what `keep` matches.
    """
    kept = {path for pattern in keep for path in python.glob(pattern)}
    for rule in rules:
        for path in files_matching(python, rule):
            if path not in kept and not any(part.endswith(".libs") for part in path.relative_to(python).parts):
                path.unlink()
    for folder in sorted((path for path in python.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def files_matching(python: Path, rule: str) -> list[Path]:
    """Files that a strip rule means; a rule that ends in `/**` means everything below that folder."""
    # pathlib's `**` at the end of a pattern finds folders only.
    pattern = rule + "/*" if rule.endswith("/**") else rule
    return [path for path in python.glob(pattern) if path.is_file()]


def check_complete(layer: Layer, python: Path) -> None:
    """Every distribution's requirements are in the layer, beside it, in the runtime or left out on purpose.

    Raises LayerProblem naming the first that is not.
    """
    present = {normalised(found.name) for found in distributions(path=[str(python)])}
    allowed = present | {normalised(name) for name in (*layer.in_runtime, *layer.left_out)}
    for other in all_layers():
        if other.name in layer.beside:
            allowed |= pins(other.lock).keys()
    for found in distributions(path=[str(python)]):
        missing = _requires(found) - allowed
        if missing:
            raise LayerProblem(
                f"{found.name} in layer {layer.name} requires {sorted(missing)[0]}, which no layer holds: "
                f"lock the layer anew or list it under left_out in its layer.toml."
            )


def _requires(distribution: Distribution) -> set[str]:
    """Names that a distribution requires here, without its extras."""
    from packaging.requirements import Requirement

    requirements = [Requirement(text) for text in distribution.requires or ()]
    return {
        normalised(requirement.name)
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    }


def main(names: list[str]) -> int:
    unknown = set(names) - {layer.name for layer in all_layers()}
    if unknown:
        print(f"no such layer: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    for layer in all_layers():
        if names and layer.name not in names:
            continue
        began = time.perf_counter()
        try:
            made = build(layer)
        except LayerProblem as problem:
            print(problem, file=sys.stderr)
            return 1
        took = time.perf_counter() - began
        print(f"{made.name:6} {made.unpacked_bytes:>12,} of {LIMIT_BYTES:,} bytes  {took:6.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
