from __future__ import annotations

from a_store import NOW, a_conversation, a_turn, an_investigation

from chalicelib.state.ids import TenantId
from chalicelib.store.memory import memory_store
from chalicelib.store.requeue import requeue_work


def test_after_a_restore_waiting_questions_are_queued_and_answered_ones_are_not() -> None:
    store, tenant = memory_store(), TenantId("acme")
    held = a_conversation()
    store.conversations.begin(tenant, a_turn(held.id, id="tu_waiting"), held)
    store.conversations.begin(tenant, a_turn(held.id, id="tu_done", status="done"))
    store.conversations.begin(tenant, a_turn(held.id, id="tu_running", status="running"))

    assert requeue_work(store, NOW) == 2

    first = store.queue.receive(10)
    assert [m.tenant for m in first] == [tenant] * len(first)
    assert {m.body["turn"] for m in first} <= {"tu_waiting", "tu_running"}


def test_after_a_restore_investigations_that_had_not_ended_go_on() -> None:
    store, tenant = memory_store(), TenantId("acme")
    for status in ("created", "investigating", "concluded", "cancelled", "archived"):
        store.investigations.begin(tenant, an_investigation(id=f"iv_{status}", status=status))

    assert requeue_work(store, NOW) == 2

    assert {m.body["investigation"] for m in store.queue.receive(10)} == {"iv_created", "iv_investigating"}
