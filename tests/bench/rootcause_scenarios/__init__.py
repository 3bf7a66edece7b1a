"""Incidents as Kubernetes writes them, made from manifests and mechanisms. Nothing here looks at the detectors."""

from tests.bench.rootcause_scenarios.suite import Scenario, scenarios

__all__ = ["Scenario", "scenarios"]
