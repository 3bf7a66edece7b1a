"""Incidents as Kubernetes and its applications write them, made from mechanisms; nothing here looks at detectors."""

from tests.bench.rootcause_scenarios import (
    admission,
    application,
    configuration,
    controllers,
    crowding,
    dependencies,
    images,
    network,
    nodes,
    probing,
    quiet_past,
    quiet_present,
    resources,
    routes,
    scaling,
    scheduling,
    services,
    several,
    storage,
)
from tests.bench.rootcause_scenarios.case import CASES, Case, Fault
from tests.bench.rootcause_scenarios.estate import LEVELS, at_level

several.register_pairs()

__all__ = [
    "CASES",
    "LEVELS",
    "Case",
    "Fault",
    "admission",
    "application",
    "at_level",
    "configuration",
    "controllers",
    "crowding",
    "dependencies",
    "images",
    "network",
    "nodes",
    "probing",
    "quiet_past",
    "quiet_present",
    "resources",
    "routes",
    "scaling",
    "scheduling",
    "services",
    "several",
    "storage",
]
