from __future__ import annotations

from a_store import a_conversation, a_turn

from chalicelib.state.ids import TenantId
from chalicelib.store.memory import memory_store
from chalicelib.store.requeue import requeue_turns


def test_after_a_restore_waiting_questions_are_queued_and_answered_ones_are_not() -> None:
    store, tenant = memory_store(), TenantId("acme")
    held = a_conversation()
    store.conversations.begin(tenant, a_turn(held.id, id="tu_waiting"), held)
    store.conversations.begin(tenant, a_turn(held.id, id="tu_done", status="done"))
    store.conversations.begin(tenant, a_turn(held.id, id="tu_running", status="running"))

    assert requeue_turns(store) == 2

    first = store.queue.receive(10)
    assert [m.tenant for m in first] == [tenant] * len(first)
    assert {m.body["turn"] for m in first} <= {"tu_waiting", "tu_running"}
