"""Finds the queue consumers that the Chalice app declares."""

from __future__ import annotations

import logging
from typing import Any

from chalice.app import Chalice, SQSEventConfig

from infra.local.worker.mapping import Source

_log = logging.getLogger(__name__)


def sources_of(app: Chalice, sqs: Any) -> list[Source]:
    """One source per `on_sqs_message` handler. Raises botocore's QueueDoesNotExist when its queue was not
    created.
    """
    return [_source(app, config, sqs) for config in app.event_sources if isinstance(config, SQSEventConfig)]


def _source(app: Chalice, config: SQSEventConfig, sqs: Any) -> Source:
    queue = config.queue or (config.queue_arn or "").rpartition(":")[2]
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"]).get("Attributes", {})
    if "RedrivePolicy" not in attributes:
        _log.warning("%s has no dead-letter queue: what fails is tried again until it expires", queue)
    return Source(
        queue=queue,
        url=url,
        function=config.name,
        handler=app.handler_map[config.name],
        batch_size=config.batch_size,
        concurrency=config.maximum_concurrency or Source.concurrency,
    )
