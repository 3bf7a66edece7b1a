from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace as with_changes

import pytest
from a_store import an_event
from msgspec.structs import replace

from chalicelib.errors import InvalidRequest
from chalicelib.state.ids import TenantId
from chalicelib.store import Store, codec, event_of
from chalicelib.store.audit import GENESIS, event_hash
from chalicelib.store.ports import Item, Write
from chalicelib.store.records import AuditEvent


def test_events_form_a_chain_from_the_first_one(store: Store, tenant: TenantId) -> None:
    store.audit.append(tenant, [an_event(action=f"step-{n}") for n in range(30)])
    store.audit.append(tenant, [an_event(action="last", detail={"pods": (1, 2), "name": "né"})])

    newest = store.audit.list(tenant, limit=1).items[0]
    oldest = store.audit.list(tenant).items[-1]
    assert (newest.seq, newest.action, newest.detail) == (31, "last", {"pods": [1, 2], "name": "né"})
    assert (oldest.seq, oldest.prev) == (1, GENESIS)
    found = store.audit.verify(tenant)
    assert (found.ok, found.events, found.head) == (True, 31, newest.hash)


def test_a_submitted_event_reaches_the_chain_through_its_one_writer(store: Store, tenant: TenantId) -> None:
    submitted = [an_event(action="a"), an_event(action="b")]
    for event in submitted:
        store.audit.submit(tenant, event)
    deliver(store)

    assert [event.id for event in store.audit.list(tenant).items] == [event.id for event in reversed(submitted)]


def test_an_event_that_is_delivered_again_is_in_the_chain_once(store: Store, tenant: TenantId) -> None:
    first, second = an_event(), an_event()
    store.audit.append(tenant, [first, first])
    store.audit.append(tenant, [first, second])
    store.audit.append(tenant, [second])

    assert [event.id for event in store.audit.list(tenant).items] == [second.id, first.id]


def test_racing_writers_lose_nothing_and_keep_the_chain_whole(shared_store: Store, tenant: TenantId) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: [shared_store.audit.append(tenant, [an_event()]) for _ in range(3)], range(3)))

    found = shared_store.audit.verify(tenant)
    assert (found.ok, found.events) == (True, 9)


def test_pages_of_the_log_hold_everything_once(store: Store, tenant: TenantId) -> None:
    store.audit.append(tenant, [an_event() for _ in range(5)])

    first = store.audit.list(tenant, limit=3)
    second = store.audit.list(tenant, limit=3, cursor=first.next)

    assert [event.seq for event in first.items + second.items] == [5, 4, 3, 2, 1]
    assert second.next is None


def test_a_changed_event_is_named(store: Store, tenant: TenantId) -> None:
    store.audit.append(tenant, [an_event() for _ in range(4)])
    tamper(store, tenant, 3, actor="mallory")

    found = store.audit.verify(tenant)

    assert (found.broken_at, found.events, found.reason) == (3, 2, "the event was changed after it was written")


def test_an_event_that_was_changed_and_sealed_again_is_named_by_the_next(store: Store, tenant: TenantId) -> None:
    store.audit.append(tenant, [an_event() for _ in range(4)])
    tamper(store, tenant, 2, sealed=True, actor="mallory")

    assert store.audit.verify(tenant).broken_at == 3


def test_a_last_event_that_was_changed_and_sealed_again_is_named_by_the_checkpoint(
    store: Store, tenant: TenantId
) -> None:
    store.audit.append(tenant, [an_event() for _ in range(4)])
    tamper(store, tenant, 4, sealed=True, actor="mallory")

    found = store.audit.verify(tenant)
    assert (found.broken_at, found.reason) == (4, "the event is not the one that the checkpoint names")


@pytest.mark.parametrize(
    ("removed", "reason"), [(2, "event 2 is missing"), (4, "the chain ends before its checkpoint")]
)
def test_a_removed_event_is_named(store: Store, tenant: TenantId, removed: int, reason: str) -> None:
    store.audit.append(tenant, [an_event() for _ in range(4)])
    store.tables["audit"].delete(tenant, "", f"EVENT#{removed:012d}")

    found = store.audit.verify(tenant)

    assert (found.broken_at, found.reason) == (removed, reason)


def test_an_event_of_another_tenant_does_not_fit_into_a_chain(
    store: Store, tenant: TenantId, other_tenant: TenantId
) -> None:
    store.audit.append(tenant, [an_event()])
    store.audit.append(other_tenant, [an_event()])
    foreign = store.tables["audit"].get(other_tenant, "", "EVENT#000000000001")
    assert foreign
    store.tables["audit"].write(tenant, Write(foreign))

    assert store.audit.verify(tenant).broken_at == 1


def test_an_empty_chain_verifies(store: Store, tenant: TenantId) -> None:
    assert store.audit.verify(tenant).ok


def test_a_message_without_a_valid_event_is_refused() -> None:
    for body in ({}, {"event": {}}, {"event": {"id": 1}}):
        with pytest.raises(InvalidRequest) as refused:
            event_of(body)
        assert refused.value.code == "invalid_message"


def deliver(store: Store) -> None:
    """What the audit queue's consumer does."""
    while messages := store.audit_queue.receive():
        for message in messages:
            store.audit.append(message.tenant, [event_of(message.body)])
            store.audit_queue.ack(message)


def tamper(store: Store, tenant: TenantId, seq: int, *, sealed: bool = False, **changes: object) -> None:
    table = store.tables["audit"]
    item = table.get(tenant, "", f"EVENT#{seq:012d}")
    assert isinstance(item, Item)
    changed = replace(codec.decode(item.body, AuditEvent), **changes)
    if sealed:
        changed = replace(changed, hash=event_hash(tenant, changed))
    table.write(tenant, Write(with_changes(item, body=codec.encode(changed))))
