"""Queues a reading of every connected cluster that is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent

from chalicelib import wiring
from chalicelib.settings import settings
from chalicelib.store.records import ClusterRecord

blueprint = Blueprint(__name__)


def run(context: Any, params: Mapping[str, Any]) -> dict[str, int]:
    """One message per due cluster, so that readings fan out; the same interval never queues a cluster twice."""
    services = wiring.services()
    now, interval = services.clock(), services.settings.collect_interval_s
    queued = 0
    for tenant in services.store.tenants.ids():
        for record in services.store.clusters.list(tenant):
            if due(record, now, interval):
                services.store.queue.send(
                    tenant,
                    {"type": "collect", "cluster": record.id},
                    group=f"collect/{record.id}",
                    dedup_id=f"{record.id}/{int(now.timestamp()) // interval}",
                )
                queued += 1
    return {"queued": queued}


def due(record: ClusterRecord, now: datetime, interval_s: int) -> bool:
    """A recording never changes, and a cluster that was never checked is not read behind its owner's back."""
    if record.source == "recorded" or record.status == "pending":
        return False
    return record.as_of is None or now - record.as_of >= timedelta(seconds=interval_s * 0.9)


@blueprint.schedule(f"rate({max(settings().collect_interval_s // 60, 1)} minutes)", name="collect")
def handler(event: CloudWatchEvent) -> dict[str, int]:
    return run(None, {})
