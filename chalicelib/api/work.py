"""Queue consumers: questions, investigations and readings on one queue, audit events on the other."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from chalice.app import Blueprint, SQSEvent

from chalicelib import wiring
from chalicelib.api.logs import logger_of
from chalicelib.api.turns import run_turn
from chalicelib.errors import Conflict, InvalidRequest, KubiliticsError, NotFound
from chalicelib.settings import settings
from chalicelib.state.ids import TenantId
from chalicelib.store.facade import event_of

logger = logger_of("work")
blueprint = Blueprint(__name__)
BATCH = 10
HAND_OVER_S = 60.0
"""With less than this left, long work is handed to the next invocation."""


@blueprint.on_sqs_message(queue=settings().queue, batch_size=BATCH)
def on_work(event: SQSEvent) -> dict[str, Any]:
    """Answer, investigate and read clusters; what fails is given back alone and, after five times, set aside."""
    remaining_s = remaining_of(event.context)
    failed: list[str] = []
    broken_groups: set[str] = set()
    for record in event.to_dict()["Records"]:
        group = record.get("attributes", {}).get("MessageGroupId", "")
        if group in broken_groups:
            failed.append(record["messageId"])
            continue
        try:
            handle(json.loads(record["body"]), remaining_s)
        except Exception:
            logger.exception("work failed", message_id=record["messageId"])
            failed.append(record["messageId"])
            broken_groups.add(group)
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}


@blueprint.on_sqs_message(queue=settings().audit_queue, batch_size=BATCH)
def on_audit(event: SQSEvent) -> None:
    """Append audit events to their tenant's chain. One writer per tenant: the queue's group is the tenant."""
    services = wiring.services()
    by_tenant: dict[TenantId, list[Any]] = {}
    for record in event.to_dict()["Records"]:
        message = json.loads(record["body"])
        by_tenant.setdefault(TenantId(message["tenant"]), []).append(event_of(message))
    for tenant, events in by_tenant.items():
        services.store.audit.append(tenant, events)


def remaining_of(context: Any) -> Callable[[], float]:
    """Seconds that the function may still run, by Lambda's context."""
    remaining_ms = getattr(context, "get_remaining_time_in_millis", None)
    return (lambda: remaining_ms() / 1000) if remaining_ms is not None else unlimited


def unlimited() -> float:
    return math.inf


def handle(message: Mapping[str, Any], remaining_s: Callable[[], float] = unlimited) -> None:
    """One message of the work queue. Raises InvalidRequest for a type that nobody handles."""
    services = wiring.services()
    tenant = TenantId(str(message["tenant"]))
    if message["type"] == "turn":
        try:
            run_turn(services, tenant, message["conversation"], message["turn"])
        except NotFound:
            logger.info("conversation was deleted before its answer", conversation=message["conversation"])
    elif message["type"] == "investigation":
        ending = services.investigations.work(tenant, message["investigation"], remaining_s)
        logger.info("investigation", investigation=message["investigation"], ending=ending)
    elif message["type"] == "follow_up":
        services.investigations.follow_up(tenant, message["investigation"])
    elif message["type"] == "change":
        _change(services, tenant, message["change"], remaining_s)
    elif message["type"] == "schedules":
        logger.info("schedules", runs=services.schedules.tick(tenant, services.clock()))
    elif message["type"] == "collect":
        _collect(services, tenant, message["cluster"])
    else:
        raise InvalidRequest(f"No handler for messages of type {message['type']!r}.", code="unknown_message")


def _change(services: wiring.Services, tenant: TenantId, change: str, remaining_s: Callable[[], float]) -> None:
    """Take a change to its end; when the function's own end comes first, the next one goes on."""
    while later := services.executor.run(tenant, change, services.clock()):
        if remaining_s() < HAND_OVER_S:
            services.safety.hand_over(tenant, change)
            return
        time.sleep(later)


def _collect(services: wiring.Services, tenant: TenantId, cluster: str) -> None:
    """A scheduled reading. An unreachable cluster is a state of its record, not a reason to try at once again."""
    record = services.store.clusters.find(tenant, cluster)
    if record is None:
        return
    try:
        services.act_alone(tenant, services.collector.collect(tenant, record))
    except Conflict:
        logger.info("reading under way", cluster=cluster)
    except KubiliticsError as error:
        logger.warning("reading failed", cluster=cluster, code=error.code)
