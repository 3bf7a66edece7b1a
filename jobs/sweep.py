"""Takes up what was left behind: investigations and changes that nobody works on; and what is due: looks at old causes,
and schedules whose hours have come.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent

from chalicelib import wiring

blueprint = Blueprint(__name__)


def run(context: Any, params: Mapping[str, Any]) -> dict[str, int]:
    """Queue them; how many of each there were."""
    services = wiring.services()
    now = services.clock()
    total = {"requeued": 0, "given_up": 0, "follow_ups": 0, "changes": 0, "schedules": 0}
    for tenant in services.store.tenants.ids():
        for name, count in services.investigations.sweep(tenant).items():
            total[name] += count
        total["changes"] += services.safety.sweep(tenant)
        due = services.schedules.due(tenant, now)
        total["schedules"] += len(due)
        if due:
            # Planning a run reads the cluster, which this function may not.
            minute = f"{now:%Y%m%dT%H%M}"
            services.store.queue.send(tenant, {"type": "schedules"}, group="schedules", dedup_id=f"schedules/{minute}")
    return total


@blueprint.schedule("rate(1 minute)", name="sweep")
def handler(event: CloudWatchEvent) -> dict[str, int]:
    return run(None, {})
