"""One SQS queue feeding one Chalice handler, as Lambda's event source mapping does.

What is kept of Lambda's behaviour: messages come in batches in the event shape of Lambda, a batch is deleted
when the handler returns, `batchItemFailures` keeps the named messages, a failed message is visible again
later (SQS moves it to the dead-letter queue after the receives that the queue's redrive policy allows), and
the groups of a FIFO queue run side by side while each stays in order.

What differs: while a handler runs, its messages are hidden for a short time again and again instead of once
for six times the function's timeout, so that the work of a killed worker is taken up within half a minute.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from infra.local.gateway.events import ACCOUNT, LambdaContext

_HIDDEN_S = 30
_RENEW_EVERY_S = 10.0
# Short, because a poll that a killed worker leaves behind may still take a message, which is then hidden for
# a while.
_POLL_S = 2
_FIRST_RETRY_S = 1
_PAUSE_AFTER_ERROR_S = 1.0
_LIFETIME_S = 900.0
_log = logging.getLogger(__name__)
Handler = Callable[[dict[str, Any], LambdaContext], Any]
Message = dict[str, Any]


@dataclass(frozen=True)
class Source:
    """A queue and who consumes it."""

    queue: str
    url: str
    function: str
    handler: Handler
    batch_size: int = 1
    concurrency: int = 4
    """Batches at once; a FIFO queue never gives two of one group."""


class Mapping:
    """Polls one source until it is told to stop. `sqs` is a boto3 SQS client."""

    def __init__(self, source: Source, sqs: Any, stopping: threading.Event) -> None:
        self._source = source
        self._sqs = sqs
        self._stopping = stopping
        self._free = threading.Semaphore(source.concurrency)

    def run(self) -> None:
        """Receive and handle until told to stop, then finish the batches in hand.

        Messages of different groups go to the handler apart, so that a question does not wait for a slow reading.
        """
        source = self._source
        with ThreadPoolExecutor(source.concurrency + source.batch_size, thread_name_prefix=source.function) as pool:
            while not self._stopping.is_set():
                if not self._free.acquire(timeout=0.5):
                    continue
                batches = by_group(self._receive())
                for batch in batches:
                    pool.submit(self._handle_and_free, batch)
                # All of them run already; only receiving more waits until there are fewer.
                for _ in batches[1:]:
                    self._free.acquire()
                if not batches:
                    self._free.release()

    def _handle_and_free(self, messages: Sequence[Message]) -> None:
        try:
            self.handle(messages)
        finally:
            self._free.release()

    def handle(self, messages: Sequence[Message]) -> None:
        """Run the handler over one batch, then delete what succeeded and put back what did not."""
        done = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(messages, done), daemon=True)
        renewing.start()
        try:
            failed = self._invoke(messages)
        finally:
            done.set()
            renewing.join()
        for message in messages:
            try:
                if message["MessageId"] in failed:
                    self._put_back(message)
                else:
                    self._sqs.delete_message(QueueUrl=self._source.url, ReceiptHandle=message["ReceiptHandle"])
            except Exception as error:
                # It comes again; handlers are idempotent because Lambda, too, may deliver twice.
                _log.warning("cannot settle %s of %s: %s", message["MessageId"], self._source.queue, error)

    def _receive(self) -> list[Message]:
        try:
            answer = self._sqs.receive_message(
                QueueUrl=self._source.url,
                MaxNumberOfMessages=min(self._source.batch_size, 10),
                WaitTimeSeconds=_POLL_S,
                VisibilityTimeout=_HIDDEN_S,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        except Exception as error:
            _log.warning("cannot receive from %s: %s", self._source.queue, error)
            self._stopping.wait(_PAUSE_AFTER_ERROR_S)
            return []
        messages: list[Message] = answer.get("Messages", [])
        return messages

    def _invoke(self, messages: Sequence[Message]) -> set[str]:
        """The ids of the messages that failed."""
        source = self._source
        context = LambdaContext(source.function, _LIFETIME_S)
        started = time.monotonic()
        try:
            result = source.handler(sqs_event(source.queue, messages), context)
        except Exception:
            _log.exception("handler failed: %s", source.function)
            return {message["MessageId"] for message in messages}
        _log.info("handled %s of %s in %.2f s", len(messages), source.queue, time.monotonic() - started)
        failures = result.get("batchItemFailures", []) if isinstance(result, dict) else []
        return {failure["itemIdentifier"] for failure in failures}

    def _renew(self, messages: Sequence[Message], done: threading.Event) -> None:
        while not done.wait(_RENEW_EVERY_S):
            for message in messages:
                try:
                    self._hide(message, _HIDDEN_S)
                except Exception as error:
                    _log.warning("cannot hide %s longer: %s", message["MessageId"], error)

    def _put_back(self, message: Message) -> None:
        """Visible again after a pause that doubles with each receive."""
        self._hide(message, _FIRST_RETRY_S * 2 ** (_receives(message) - 1))

    def _hide(self, message: Message, seconds: int) -> None:
        self._sqs.change_message_visibility(
            QueueUrl=self._source.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds
        )


def by_group(messages: Sequence[Message]) -> list[list[Message]]:
    """Messages of one FIFO group together and in order; without groups all together."""
    groups: dict[str, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.get("Attributes", {}).get("MessageGroupId", ""), []).append(message)
    return list(groups.values())


def sqs_event(queue: str, messages: Sequence[Message]) -> dict[str, Any]:
    """Lambda's event for a batch of messages, as boto3 received them."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {
                    name: {
                        "stringValue": value.get("StringValue"),
                        "binaryValue": value.get("BinaryValue"),
                        "dataType": value["DataType"],
                    }
                    for name, value in message.get("MessageAttributes", {}).items()
                },
                "md5OfBody": message.get("MD5OfBody", ""),
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{queue}",
                "awsRegion": "us-east-1",
            }
            for message in messages
        ]
    }


def _receives(message: Message) -> int:
    return int(message.get("Attributes", {}).get("ApproximateReceiveCount", "1"))
