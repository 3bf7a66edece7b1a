"""All mechanisms: importing this module fills the registry."""

from tests.bench.rootcause_scenarios import containers, objects, placement
from tests.bench.rootcause_scenarios.kit import MECHANISMS, NEEDS_EVENTS, NEEDS_LOGS, Answer

__all__ = ["MECHANISMS", "NEEDS_EVENTS", "NEEDS_LOGS", "Answer", "containers", "objects", "placement"]
