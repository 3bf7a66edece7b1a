from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence

import pytest

from chalicelib.state.ids import ID_BYTES, TenantId, new_id
from chalicelib.store import codec
from chalicelib.store.conversations import Conversations
from chalicelib.store.memory import MemoryObjects, MemoryTable
from chalicelib.store.memory_queue import MAX_RECEIVES, VISIBILITY_S, MemoryQueue
from chalicelib.store.ports import ConditionFailed, Item, Write
from chalicelib.store.spill import SpillingTable

ACME = TenantId("acme")


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_an_item_is_gone_when_it_expires() -> None:
    clock = Clock()
    table = MemoryTable(clock)
    table.write(ACME, Write(Item("p", "s", b"{}", expires_at=1_000_060, index=("i", "1"))))

    assert table.get(ACME, "p", "s")
    clock.now += 60
    assert table.get(ACME, "p", "s") is None
    assert table.query(ACME, "p") == table.query(ACME, "i", by_index=True) == list(table.scan()) == []


def test_writes_together_happen_all_or_not_at_all() -> None:
    table = MemoryTable()
    table.write(ACME, Write(Item("p", "2", b"old")))

    with pytest.raises(ConditionFailed):
        table.write_together(ACME, [Write(Item("p", n, b"new"), expected=0) for n in ("1", "2", "3")])

    assert [(item.sort, item.body) for item in table.query(ACME, "p")] == [("2", b"old")]


def test_a_message_that_nobody_finishes_comes_back_and_at_last_is_set_aside() -> None:
    clock = Clock()
    queue = MemoryQueue(clock)
    queue.send(ACME, {"n": 1}, group="g", dedup_id="1")

    for attempt in range(1, MAX_RECEIVES + 1):
        (message,) = queue.receive()
        assert message.attempts == attempt
        assert queue.receive() == []
        clock.now += VISIBILITY_S + 1

    assert queue.receive() == []
    assert [dead["n"] for dead in queue.dead] == [1]


def test_a_group_waits_for_its_message_in_hand_and_others_do_not() -> None:
    queue = MemoryQueue(Clock())
    for group in ("a", "b"):
        for n in range(2):
            queue.send(ACME, {"group": group, "n": n}, group=group, dedup_id=f"{group}{n}")

    first = queue.receive(1)[0]
    assert [(m.body["group"], m.body["n"]) for m in queue.receive()] == [("b", 0), ("b", 1)]
    queue.ack(first)
    assert [(m.body["group"], m.body["n"]) for m in queue.receive()] == [("a", 1)]


def test_an_acknowledgement_of_a_delivery_that_was_given_to_another_is_void() -> None:
    clock = Clock()
    queue = MemoryQueue(clock)
    queue.send(ACME, {}, group="g", dedup_id="1")
    (late,) = queue.receive()
    clock.now += VISIBILITY_S + 1
    (current,) = queue.receive()

    queue.ack(late)
    clock.now += VISIBILITY_S + 1
    assert [message.attempts for message in queue.receive()] == [current.attempts + 1]


def test_a_receiver_that_waits_is_woken_by_a_message() -> None:
    queue = MemoryQueue()
    received: list[int] = []
    waiter = threading.Thread(target=lambda: received.extend(m.body["n"] for m in queue.receive(wait_s=30)))
    waiter.start()
    queue.send(ACME, {"n": 7}, group="g", dedup_id="1")
    waiter.join(timeout=30)

    assert received == [7]


def test_a_large_body_is_kept_as_an_object_and_goes_with_its_partition() -> None:
    objects, table = MemoryObjects(), MemoryTable()
    spilling = SpillingTable(table, objects, spill_above_bytes=10)
    spilling.write_together(ACME, [Write(Item("p", "small", b"1234567890")), Write(Item("p", "large", b"x" * 11))])
    spilling.write_many(ACME, [Item("q", "large", b"x" * 11)])

    stored = table.get(ACME, "p", "large")
    assert stored
    assert stored.body != b"x" * 11
    assert [item.body for item in spilling.query(ACME, "p")] == [b"x" * 11, b"1234567890"]
    assert [item.body for item in spilling.get_many(ACME, [("q", "large")])] == [b"x" * 11]
    spilling.delete_partition(ACME, "p")
    assert len(objects.list(ACME)) == 1


def test_a_record_reads_back_from_plain_and_from_compressed_bytes() -> None:
    short, long = {"text": "x"}, {"text": "x" * 10_000}

    assert codec.encode(short) == b'{"text":"x"}'
    assert len(codec.encode(long)) < 200
    assert [codec.decode(codec.encode(value), dict) for value in (short, long)] == [short, long]


def test_an_id_is_made_from_the_randomness_it_is_given() -> None:
    assert new_id("cl", b"\xff" * ID_BYTES) == "cl_77777777777777777777777774"
    with pytest.raises(ValueError, match="16 random bytes"):
        new_id("cl", b"short")


def test_the_store_in_memory_loads_no_aws_library() -> None:
    program = (
        "import sys, chalicelib.store, chalicelib.accounts; chalicelib.store.memory_store();"
        "print([m for m in ('boto3', 'botocore', 'pynamodb', 'cryptography', 'pydantic') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


class LosesAnswers(MemoryTable):
    """Carries out each write and then, once, answers as a retried request is answered: the item is there already."""

    def __init__(self) -> None:
        super().__init__()
        self.answers_to_lose = 1

    def write_together(self, tenant: TenantId, writes: Sequence[Write]) -> None:
        super().write_together(tenant, writes)
        if self.answers_to_lose:
            self.answers_to_lose -= 1
            raise ConditionFailed


def test_a_frame_whose_answer_was_lost_is_not_appended_a_second_time() -> None:
    conversations = Conversations(LosesAnswers())
    conversations.append_frame(ACME, "co", "tu", "delta", {"text": "once"})
    conversations.append_frame(ACME, "co", "tu", "delta", {"text": "once"})

    assert [(frame.seq, frame.body["text"]) for frame in conversations.frames(ACME, "co")] == [(1, "once"), (2, "once")]
