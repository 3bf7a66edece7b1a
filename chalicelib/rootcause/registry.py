"""The registry of detectors: each is one function that looks at a case and may blame something for it."""

from __future__ import annotations

import functools
import importlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.rootcause.case import Case, Finding, SymptomType
from chalicelib.rootcause.modes import modes

if TYPE_CHECKING:
    from chalicelib.rootcause.look import Look

Found = Finding | Iterable[Finding] | None
Function = Callable[[Case, "Look"], Found]

FAMILIES = (
    "images",
    "configuration",
    "crashes",
    "probes",
    "scheduling",
    "storage",
    "admission",
    "webhooks",
    "controllers",
    "disruption",
    "services",
    "policies",
    "outside",
    "dependencies",
    "exposure",
    "volumes",
    "lifecycle",
    "admitted",
    "gateways",
    "names",
    "performance",
    "infrastructure",
    "drift",
    "rejected",
    "nodes",
    "access",
)


@dataclass(frozen=True, slots=True)
class Detector:
    mode: str
    symptom: SymptomType
    look_for: Function


_DETECTORS: dict[SymptomType, list[Detector]] = defaultdict(list)


def detector(mode: str, *, symptom: SymptomType | Sequence[SymptomType]) -> Callable[[Function], Function]:
    """Register a function as the detector of a mode for one or more symptoms."""
    if mode not in modes():
        raise ValueError(f"{mode} is not a failure mode")

    def register(function: Function) -> Function:
        for one in [symptom] if isinstance(symptom, SymptomType) else symptom:
            _DETECTORS[one].append(Detector(mode, one, function))
        return function

    return register


@functools.cache
def _families() -> dict[SymptomType, list[Detector]]:
    for family in FAMILIES:
        importlib.import_module(f"chalicelib.rootcause.{family}")
    return _DETECTORS


def detectors(symptom: SymptomType) -> Sequence[Detector]:
    """Detectors of a symptom, in the order of the families."""
    return _families().get(symptom, ())


def detected_modes() -> set[str]:
    """Ids of all modes that have a detector."""
    return {d.mode for found in _families().values() for d in found}
