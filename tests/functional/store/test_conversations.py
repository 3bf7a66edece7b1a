from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from a_store import NOW, a_conversation, a_turn
from msgspec.structs import replace

from chalicelib.errors import Conflict, InvalidRequest, NotFound
from chalicelib.state.ids import TenantId
from chalicelib.store import Store


def test_conversations_of_a_user_are_listed_last_used_first(store: Store, tenant: TenantId) -> None:
    first = store.conversations.create(tenant, a_conversation())
    second = store.conversations.create(tenant, a_conversation(updated_at=NOW + timedelta(seconds=1)))
    store.conversations.create(tenant, a_conversation(user="bob"))

    later = replace(first, updated_at=NOW + timedelta(seconds=2), title="used again")
    first = store.conversations.update(tenant, later)

    assert store.conversations.list(tenant, "ada").items == (first, second)


def test_pages_of_a_list_hold_everything_once(store: Store, tenant: TenantId) -> None:
    made = [store.conversations.create(tenant, a_conversation(updated_at=NOW + timedelta(seconds=n))) for n in range(7)]

    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = store.conversations.list(tenant, "ada", limit=3, cursor=cursor)
        seen += page.items
        cursor = page.next
        pages += 1

    assert (pages, [one.id for one in seen]) == (3, [one.id for one in reversed(made)])


def test_a_cursor_of_another_list_or_tenant_is_refused(store: Store, tenant: TenantId, other_tenant: TenantId) -> None:
    for n in range(2):
        store.conversations.create(tenant, a_conversation(updated_at=NOW + timedelta(seconds=n)))
    cursor = store.conversations.list(tenant, "ada", limit=1).next
    assert cursor

    for owner, user, given in [
        (other_tenant, "ada", cursor),
        (tenant, "bob", cursor),
        (tenant, "ada", cursor[:-2]),
        (tenant, "ada", "%%%"),
        (tenant, "ada", "\u20ac"),
        (tenant, "ada", "AAAA"),
    ]:
        with pytest.raises(InvalidRequest) as refused:
            store.conversations.list(owner, user, cursor=given)
        assert refused.value.code == "invalid_cursor"


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_limit_outside_its_bounds_is_refused(store: Store, tenant: TenantId, limit: int) -> None:
    with pytest.raises(InvalidRequest) as refused:
        store.conversations.list(tenant, "ada", limit=limit)
    assert refused.value.code == "invalid_limit"


def test_a_turn_goes_through_its_states_and_stale_writers_are_refused(store: Store, tenant: TenantId) -> None:
    conversation = store.conversations.create(tenant, a_conversation())
    queued = store.conversations.add_turn(tenant, a_turn(conversation.id))
    running = store.conversations.update_turn(tenant, replace(queued, status="running"))
    store.conversations.update_turn(tenant, replace(running, status="done"))

    with pytest.raises(Conflict):
        store.conversations.update_turn(tenant, replace(running, status="failed"))

    assert store.conversations.get_turn(tenant, conversation.id, queued.id).status == "done"
    assert [turn.id for turn in store.conversations.turns(tenant, conversation.id)] == [queued.id]


def test_frames_are_numbered_without_holes(store: Store, tenant: TenantId) -> None:
    store.conversations.append_frame(tenant, "co", "tu", "status", {"text": "reading"})
    store.conversations.append_frames(tenant, "co", "tu", [("delta", {"text": str(n)}) for n in range(60)])
    store.conversations.append_frame(tenant, "co", "tu", "end", {})

    frames = store.conversations.frames(tenant, "co")

    assert [frame.seq for frame in frames] == list(range(1, 63))
    assert [frame.body["text"] for frame in frames[1:61]] == [str(n) for n in range(60)]
    assert [frame.seq for frame in store.conversations.frames(tenant, "co", after=59)] == [60, 61, 62]
    assert [frame.seq for frame in store.conversations.frames(tenant, "co", after=5, limit=2)] == [6, 7]
    assert list(store.conversations.frames(tenant, "co", after=10**12)) == []


def test_frames_of_racing_writers_are_numbered_without_holes_or_losses(shared_store: Store, tenant: TenantId) -> None:
    def write(writer: int) -> None:
        for n in range(5):
            shared_store.conversations.append_frame(tenant, "race", "tu", "delta", {"from": writer, "n": n})

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))

    frames = shared_store.conversations.frames(tenant, "race")
    assert [frame.seq for frame in frames] == list(range(1, 16))
    for writer in range(3):
        assert [frame.body["n"] for frame in frames if frame.body["from"] == writer] == [0, 1, 2, 3, 4]


def test_a_large_frame_reads_back_whole(store: Store, tenant: TenantId) -> None:
    # Random-looking text does not compress: this is beyond what a DynamoDB item may hold.
    text = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOP", k=600_000))
    store.conversations.append_frame(tenant, "big", "tu", "block", {"text": text})

    assert store.conversations.frames(tenant, "big")[0].body == {"text": text}
    assert [info.key.split("/")[0] for info in store.objects.list(tenant)] == ["blobs"]


def test_removing_a_conversation_removes_all_that_it_held(store: Store, tenant: TenantId) -> None:
    conversation = store.conversations.create(tenant, a_conversation())
    turn = store.conversations.add_turn(tenant, a_turn(conversation.id))
    store.conversations.append_frames(tenant, conversation.id, turn.id, [("delta", {"n": n}) for n in range(30)])
    store.conversations.put_step_once(tenant, conversation.id, turn.id, 1, {"tool": "observe"})

    store.conversations.remove(tenant, conversation.id)

    assert list(store.conversations.frames(tenant, conversation.id)) == []
    assert list(store.conversations.turns(tenant, conversation.id)) == []
    assert list(store.conversations.steps(tenant, conversation.id, turn.id)) == []
    assert store.conversations.list(tenant, "ada").items == ()
    with pytest.raises(NotFound):
        store.conversations.remove(tenant, conversation.id)


def test_a_step_is_journalled_once_and_its_first_answer_is_given_to_later_writers(
    store: Store, tenant: TenantId
) -> None:
    assert store.conversations.put_step_once(tenant, "co", "tu", 2, {"answer": 1}) is None
    assert store.conversations.put_step_once(tenant, "co", "tu", 2, {"answer": 2}) == {"answer": 1}
    assert store.conversations.put_step_once(tenant, "co", "tu", 10, {"answer": 3}) is None

    assert list(store.conversations.steps(tenant, "co", "tu")) == [(2, {"answer": 1}), (10, {"answer": 3})]


def test_text_that_cannot_be_stored_is_refused_with_a_remedy(store: Store, tenant: TenantId) -> None:
    with pytest.raises(InvalidRequest) as refused:
        store.conversations.append_frame(tenant, "co", "tu", "block", {"text": "\ud800"})
    assert refused.value.code == "not_storable"


def test_an_answer_ends_its_turn_and_keeps_the_memory_in_one_write(store: Store, tenant: TenantId) -> None:
    held = a_conversation()
    asked = store.conversations.begin(tenant, a_turn(held.id, id="tu_x"), held)
    found, turn = store.conversations.turn_with_conversation(tenant, held.id, asked.id)
    answer = [("delta", {"n": n}) for n in range(45)]

    frames = store.conversations.conclude(
        tenant, replace(found, memory={"it": "cart"}), replace(turn, status="done"), answer
    )

    assert [f.seq for f in frames] == list(range(1, 46))
    assert list(store.conversations.frames(tenant, held.id)) == list(frames)
    assert store.conversations.get(tenant, held.id).memory == {"it": "cart"}
    assert store.conversations.get_turn(tenant, held.id, turn.id).status == "done"


def test_frames_after_any_number_are_given_from_the_next_one_on(store: Store, tenant: TenantId) -> None:
    held = store.conversations.create(tenant, a_conversation())
    store.conversations.append_frames(tenant, held.id, "t", [("delta", {"n": n}) for n in range(33)])
    store.conversations.append_frame(tenant, held.id, "t", "end", {})

    for after in range(36):
        numbers = [f.seq for f in store.conversations.frames(tenant, held.id, after=after, limit=50)]
        assert numbers == list(range(after + 1, 35))
    assert [f.seq for f in store.conversations.frames(tenant, held.id, after=7, limit=3)] == [8, 9, 10]


def test_a_turn_that_was_cancelled_meanwhile_is_not_answered(store: Store, tenant: TenantId) -> None:
    held = a_conversation()
    store.conversations.begin(tenant, a_turn(held.id, id="tu_x"), held)
    found, turn = store.conversations.turn_with_conversation(tenant, held.id, "tu_x")
    store.conversations.update_turn(tenant, replace(turn, status="cancelled"))

    with pytest.raises(Conflict):
        store.conversations.conclude(tenant, found, replace(turn, status="done"), [("end", {})])

    assert list(store.conversations.frames(tenant, held.id)) == []
    assert store.conversations.get_turn(tenant, held.id, turn.id).status == "cancelled"


def test_a_question_is_begun_once(store: Store, tenant: TenantId) -> None:
    held = a_conversation()
    store.conversations.begin(tenant, a_turn(held.id, id="tu_x"), held)
    with pytest.raises(Conflict):
        store.conversations.begin(tenant, a_turn(held.id, id="tu_x"), held)
