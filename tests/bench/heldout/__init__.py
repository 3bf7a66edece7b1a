"""Held-out incidents: clusters written apart from the engine, and scored without tuning it to them."""

from tests.bench.heldout import (
    admission,
    containers,
    control,
    healthy,
    partial,
    past,
    placement,
    probing,
    services,
    several,
)
from tests.bench.heldout.case import FIRST, FRESH, Case, Fault, Suite

__all__ = [
    "FIRST",
    "FRESH",
    "Case",
    "Fault",
    "Suite",
    "admission",
    "containers",
    "control",
    "healthy",
    "partial",
    "past",
    "placement",
    "probing",
    "services",
    "several",
]
