"""Takes up what was left behind: investigations that nobody works on, and looks at old causes that are due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent

from chalicelib import wiring

blueprint = Blueprint(__name__)


def run(context: Any, params: Mapping[str, Any]) -> dict[str, int]:
    """Queue them; how many investigations were queued again or given up, and how many looks were due."""
    services = wiring.services()
    total = {"requeued": 0, "given_up": 0, "follow_ups": 0}
    for tenant in services.store.tenants.ids():
        for name, count in services.investigations.sweep(tenant).items():
            total[name] += count
    return total


@blueprint.schedule("rate(1 minute)", name="sweep")
def handler(event: CloudWatchEvent) -> dict[str, int]:
    return run(None, {})
