"""What a layer is made of, read from its folder.

`requirements.txt` names distributions, `layer.toml` says what is stripped and how large the result may be,
and `requirements.lock` holds every distribution with its version and the hashes of its wheels.
"""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""
FOLDER = Path(__file__).resolve().parent

LIMIT_BYTES = 262_144_000
"""Lambda's limit for a function and its layers, unpacked (AWS Lambda quotas: 250 MB)."""

STRIP_EVERYWHERE = ("bin/**", "**/*.pyi", "**/tests/**", "**/__pycache__/**")
"""No function runs these. Never `*.libs`: those folders hold the shared libraries of compiled wheels."""

RUNTIME = ("boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3")
"""Distributions of Lambda's own Python runtime."""


@dataclass(frozen=True)
class Layer:
    """One folder of chalicelayer/."""

    name: str
    requirements: tuple[str, ...]
    budget_bytes: int
    imports: tuple[str, ...]
    """Modules that must import from this layer and those beside it."""
    beside: tuple[str, ...] = ()
    """Layers that are always attached too; what they hold is not repeated."""
    in_runtime: tuple[str, ...] = ()
    """Distributions taken from Lambda's runtime."""
    left_out: tuple[str, ...] = ()
    """Distributions that are required on paper and never imported by us."""
    strip: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    """Files that a strip rule would take and that are imported nevertheless."""

    bytecode: bool = True
    """Whether modules carry bytecode; without it a cold start compiles what it imports."""

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    @property
    def lock(self) -> Path:
        return self.folder / "requirements.lock"

    @property
    def strip_rules(self) -> tuple[str, ...]:
        return (*STRIP_EVERYWHERE, *self.strip)


def read_layer(name: str) -> Layer:
    """The layer of that name. Raises FileNotFoundError, or TypeError for a key that a layer does not have."""
    folder = FOLDER / name
    told = tomllib.loads((folder / "layer.toml").read_text())
    settings: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in told.items()}
    return Layer(name=name, requirements=requirement_names(folder / "requirements.txt"), **settings)


def all_layers() -> tuple[Layer, ...]:
    """Every layer, those beside which others stand first."""
    layers = [read_layer(path.parent.name) for path in sorted(FOLDER.glob("*/layer.toml"))]
    return tuple(sorted(layers, key=lambda layer: (bool(layer.beside), layer.name)))


def requirement_names(file: Path) -> tuple[str, ...]:
    """Names in a requirements file, normalised, without versions."""
    return tuple(normalised(re.split(r"[=<>~!\[;@ ]", line)[0]) for line in _lines(file))


def pins(file: Path) -> dict[str, str]:
    """Version by normalised name, for the lines `name==version` of a requirements file."""
    found = {}
    for line in _lines(file):
        matched = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", line)
        if matched:
            found[normalised(matched[1])] = matched[2]
    return found


def normalised(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def runtime_version() -> str:
    """The Python that runs the build is the one that Lambda runs: bytecode and wheels fit it."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def platforms(python: str) -> tuple[str, ...]:
    """Wheel tags that Lambda's operating system can load.

    python3.11 runs on Amazon Linux 2 (glibc 2.26), later ones on Amazon Linux 2023 (glibc 2.34): see "Lambda
    runtimes" in the Lambda developer guide.
    """
    newest_glibc = 26 if python == "3.11" else 34
    modern = (f"manylinux_2_{minor}_x86_64" for minor in range(newest_glibc, 16, -1))
    return (*modern, "manylinux2014_x86_64")


def _lines(file: Path) -> list[str]:
    lines = (line.split("#")[0].strip() for line in file.read_text().splitlines())
    return [line for line in lines if line and not line.startswith("-")]
