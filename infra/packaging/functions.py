"""What each function is given besides its code: layers, permissions, and where its failures go.

`infra/functions.yaml` has one entry a function and `infra/grants.yaml` names the permissions. A function that
has no entry is not packaged: a new handler gets a role of its own or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from chalicelayer.layers import ROOT

FUNCTIONS = ROOT / "infra" / "functions.yaml"
GRANTS = ROOT / "infra" / "grants.yaml"

Statement = Mapping[str, Any]
"""An IAM policy statement, with CloudFormation's references in it."""


class PackagingProblem(Exception):
    """The package cannot be made. The message says what to change."""


@dataclass(frozen=True)
class Function:
    """One Lambda function, by its logical id in the template."""

    name: str
    layers: tuple[str, ...]
    statements: tuple[Statement, ...]
    partial_batches: bool = False
    """It answers which messages of a batch failed; only those come again."""
    dead_letters: str = ""
    """The queue that keeps events which failed every retry; for functions that nobody waits for."""


def read_functions(functions: Path = FUNCTIONS, grants: Path = GRANTS) -> dict[str, Function]:
    """Every entry. Raises PackagingProblem for a grant that is not defined or not used."""
    named = yaml.safe_load(grants.read_text())
    entries = yaml.safe_load(functions.read_text())
    used = {grant for entry in entries.values() for grant in entry["grants"]}
    if used ^ named.keys():
        raise PackagingProblem(f"Grants defined or used, but not both: {', '.join(sorted(used ^ named.keys()))}.")
    return {name: _function(name, entry, named) for name, entry in entries.items()}


def _function(name: str, entry: Mapping[str, Any], named: Mapping[str, list[Statement]]) -> Function:
    options = {key: value for key, value in entry.items() if key not in ("layers", "grants")}
    statements = tuple(statement for grant in entry["grants"] for statement in named[grant])
    return Function(name=name, layers=tuple(entry["layers"]), statements=statements, **options)
