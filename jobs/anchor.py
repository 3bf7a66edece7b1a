"""Once a day: verifies every tenant's audit chain, anchors its head where nobody can change it, and tells people what
was done alone since yesterday.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent

from chalicelib import wiring

blueprint = Blueprint(__name__)
log = logging.getLogger(__name__)


class BrokenChain(Exception):
    """Fails the job, so that its alarm rings."""


def run(context: Any, params: Mapping[str, Any]) -> dict[str, int]:
    """How many chains were anchored. Raises BrokenChain when one does not hold, after all were looked at."""
    services = wiring.services()
    _tell_what_was_done_alone(services)
    day = f"{services.clock():%Y-%m-%d}"
    anchored, broken = 0, []
    for tenant in services.store.tenants.ids():
        found = services.store.audit.anchor(tenant, day)
        if found.ok:
            anchored += 1
            continue
        log.error("audit chain of %s is broken at event %s: %s", tenant, found.broken_at, found.reason)
        services.safety.warn(
            tenant, "The audit log was tampered with", f"Event {found.broken_at}: {found.reason}. Verify it, and tell "
            "who runs this installation.",
        )  # fmt: skip
        broken.append(str(tenant))
    if broken:
        raise BrokenChain(f"{len(broken)} audit chains are broken: {', '.join(broken[:10])}")
    return {"anchored": anchored}


def _tell_what_was_done_alone(services: wiring.Services) -> None:
    since = services.clock() - timedelta(days=1)
    for tenant in services.store.tenants.ids():
        report = services.autopilot.report(tenant, since)
        if report["changes"]:
            title = f"Done alone since yesterday: {len(report['changes'])}"
            services.safety.warn(tenant, title, report["text"], severity="info")


@blueprint.schedule("rate(1 day)", name="anchor")
def handler(event: CloudWatchEvent) -> dict[str, int]:
    return run(None, {})
