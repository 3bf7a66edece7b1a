"""The FIFO queue in SQS."""

from __future__ import annotations

import re
import threading
from typing import Any

import msgspec

from chalicelib.state.ids import TenantId
from chalicelib.store.aws.clients import Clients, translated
from chalicelib.store.codec import encoded_message
from chalicelib.store.keys import checked_tenant, digest
from chalicelib.store.ports import Depths, QueueMessage

MAX_RECEIVE = 10
MAX_WAIT_S = 20

_GROUP = re.compile(r"[A-Za-z0-9!-/:-@\[-`{-~]{1,60}")


class SqsQueue:
    def __init__(self, clients: Clients, name: str) -> None:
        self._clients = clients
        self._name = name
        self._known_url = ""
        self._lock = threading.Lock()

    def send(self, tenant: TenantId, message: dict[str, Any], *, group: str, dedup_id: str) -> None:
        checked_tenant(tenant)
        body = encoded_message({**message, "tenant": tenant})
        with translated("SQS"):
            self._sqs.send_message(
                QueueUrl=self._url(),
                MessageBody=body,
                MessageGroupId=f"{tenant}:{group if _GROUP.fullmatch(group) else digest(group)[:32]}",
                MessageDeduplicationId=digest(tenant, dedup_id),
            )

    def receive(self, limit: int = 10, wait_s: float = 0) -> list[QueueMessage]:
        with translated("SQS"):
            answer = self._sqs.receive_message(
                QueueUrl=self._url(),
                MaxNumberOfMessages=min(limit, MAX_RECEIVE),
                WaitTimeSeconds=min(round(wait_s), MAX_WAIT_S),
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        return [
            message_of(
                found["Body"],
                found["ReceiptHandle"],
                int(found.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
            )
            for found in answer.get("Messages", ())
        ]

    def ack(self, message: QueueMessage) -> None:
        with translated("SQS"):
            self._sqs.delete_message(QueueUrl=self._url(), ReceiptHandle=message.receipt)

    def extend(self, message: QueueMessage, visible_after_s: int) -> None:
        with translated("SQS"):
            self._sqs.change_message_visibility(
                QueueUrl=self._url(), ReceiptHandle=message.receipt, VisibilityTimeout=visible_after_s
            )

    def depths(self) -> Depths:
        told = self._attributes(self._url())
        redrive = told.get("RedrivePolicy")
        dead = 0
        if redrive:
            name = msgspec.json.decode(redrive, type=dict[str, Any])["deadLetterTargetArn"].rpartition(":")[2]
            with translated("SQS"):
                url = self._sqs.get_queue_url(QueueName=name)["QueueUrl"]
            dead = int(self._attributes(url).get("ApproximateNumberOfMessages", 0))
        return Depths(
            int(told.get("ApproximateNumberOfMessages", 0)),
            int(told.get("ApproximateNumberOfMessagesNotVisible", 0)),
            dead,
        )

    def _attributes(self, url: str) -> dict[str, str]:
        with translated("SQS"):
            answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
        found: dict[str, str] = answer.get("Attributes", {})
        return found

    @property
    def _sqs(self) -> Any:
        return self._clients.get("sqs")

    def _url(self) -> str:
        if not self._known_url:
            with self._lock:
                self._known_url = self._known_url or self._sqs.get_queue_url(QueueName=self._name)["QueueUrl"]
        return self._known_url


def message_of(body: str, receipt: str, attempts: int) -> QueueMessage:
    """The message of an SQS record, as polled or as Lambda hands it over.

    Raises ValueError for a foreign one.
    """
    content = msgspec.json.decode(body, type=dict[str, Any])
    return QueueMessage(checked_tenant(TenantId(str(content.get("tenant", "")))), content, receipt, attempts)
