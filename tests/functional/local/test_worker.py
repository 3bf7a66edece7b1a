"""The worker against a real SQS queue of the embedded AWS."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from chalice.app import Chalice

from infra.local.worker.mapping import Mapping
from infra.local.worker.sources import sources_of
from tests.functional.local.conftest import EmbeddedAws
from tests.functional.local.sample_app import sample_app

QUEUE = "sample-work.fifo"


@pytest.fixture
def queue(aws: EmbeddedAws) -> Iterator[tuple[Any, str, str]]:
    """The SQS client, the queue's URL, and that of its dead-letter queue (two receives)."""
    sqs = aws.client("sqs")
    dead = sqs.create_queue(QueueName=f"dead-{uuid.uuid4().hex[:8]}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})
    url = sqs.create_queue(QueueName=QUEUE, Attributes={"FifoQueue": "true", "RedrivePolicy": redrive})["QueueUrl"]
    yield sqs, url, dead
    sqs.delete_queue(QueueUrl=url)
    sqs.delete_queue(QueueUrl=dead)


@contextmanager
def working(app: Chalice, sqs: Any) -> Iterator[None]:
    stopping = threading.Event()
    threads = [threading.Thread(target=Mapping(source, sqs, stopping).run) for source in sources_of(app, sqs)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def put(sqs: Any, url: str, body: str, group: str = "one") -> None:
    sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=uuid.uuid4().hex)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline, "did not come true"
        time.sleep(0.02)


def left(sqs: Any, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


def test_messages_of_a_group_are_handled_in_order_and_deleted(queue: tuple[Any, str, str]) -> None:
    sqs, url, _ = queue
    app = sample_app()
    for n in range(6):
        put(sqs, url, f"a{n}", "a")
        put(sqs, url, f"b{n}", "b")
    with working(app, sqs):
        until(lambda: len(app.handled) == 12)
    assert [body for body in app.handled if body.startswith("a")] == [f"a{n}" for n in range(6)]
    assert [body for body in app.handled if body.startswith("b")] == [f"b{n}" for n in range(6)]
    assert left(sqs, url) == 0


def test_a_failed_message_comes_again_before_the_next_of_its_group(queue: tuple[Any, str, str]) -> None:
    sqs, url, _ = queue
    app = sample_app()
    app.fail_once.add("first")
    put(sqs, url, "first")
    put(sqs, url, "second")
    with working(app, sqs):
        until(lambda: len(app.handled) == 2)
    assert app.handled == ["first", "second"]
    assert left(sqs, url) == 0


def test_what_fails_each_time_goes_to_the_dead_letter_queue(queue: tuple[Any, str, str]) -> None:
    sqs, url, dead = queue
    app = sample_app()

    class Always(set[str]):
        def discard(self, _: str) -> None:
            """Stays, so that it fails each time."""

    app.fail_once = Always({"poison"})
    put(sqs, url, "poison")
    with working(app, sqs):
        until(lambda: left(sqs, dead) == 1)
    assert left(sqs, url) == 0
    assert app.handled == []


def test_a_batch_that_names_its_failures_keeps_only_those(queue: tuple[Any, str, str]) -> None:
    sqs, url, _ = queue
    source = sources_of(sample_app(), sqs)[0]
    seen: list[list[str]] = []

    def handler(event: dict[str, Any], _: object) -> dict[str, Any]:
        seen.append([record["body"] for record in event["Records"]])
        failed = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
        return {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}

    for body, group in (("good", "a"), ("bad", "b"), ("fine", "c")):
        put(sqs, url, body, group)
    messages = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=30, MessageSystemAttributeNames=["All"]
    )["Messages"]
    mapping = Mapping(source.__class__(**{**source.__dict__, "handler": handler}), sqs, threading.Event())
    mapping.handle(messages)
    assert sorted(seen[0]) == ["bad", "fine", "good"]
    assert left(sqs, url) == 1


def test_a_record_has_the_shape_of_lambdas_event(queue: tuple[Any, str, str]) -> None:
    sqs, url, _ = queue
    app = sample_app()
    events: list[dict[str, Any]] = []
    app.handler_map["work"] = lambda event, context: events.append(
        {**event, "left": context.get_remaining_time_in_millis()}
    )
    put(sqs, url, "hello", "group-7")
    with working(app, sqs):
        until(lambda: bool(events))
    record = events[0]["Records"][0]
    assert record["body"] == "hello"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].endswith(f":{QUEUE}")
    assert record["attributes"]["MessageGroupId"] == "group-7"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert 800_000 < events[0]["left"] <= 900_000
