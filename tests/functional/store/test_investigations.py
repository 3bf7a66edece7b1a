from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from a_store import MINUTE, NOW, a_piece_of_evidence, a_share, a_step, an_investigation
from msgspec.structs import replace

from chalicelib.errors import Conflict, InvalidRequest, NotFound, TooManyRequests
from chalicelib.state.ids import TenantId
from chalicelib.store import Store
from chalicelib.store.investigation_records import Conclusion, FollowUp, Investigation
from chalicelib.store.investigations import Active

TODAY = datetime.now(UTC).replace(second=0, microsecond=0)
"""For what tables forget by the clock of the wall."""


def begun(store: Store, tenant: TenantId, **given: object) -> Investigation:
    return store.investigations.begin(tenant, an_investigation(**given))


def test_a_session_is_begun_once_and_is_active_until_it_is_settled(store: Store, tenant: TenantId) -> None:
    held = begun(store, tenant)
    with pytest.raises(Conflict):
        store.investigations.begin(tenant, an_investigation(id=held.id, question="another"))
    assert [a.investigation for a in store.investigations.active(tenant)] == [held.id]

    running = store.investigations.commit(tenant, replace(held, status="investigating"), a_step(held.id))
    assert [a.investigation for a in store.investigations.active(tenant)] == [held.id]
    conclusion = Conclusion(outcome="no_fault", message="All is well.")
    ended = store.investigations.commit(tenant, replace(running, status="concluded"), a_step(held.id, 2), conclusion)

    assert store.investigations.active(tenant) == []
    assert store.investigations.get(tenant, held.id) == ended
    assert store.investigations.conclusion(tenant, held.id) == conclusion


def test_steps_are_numbered_without_holes_and_are_read_after_any_number(store: Store, tenant: TenantId) -> None:
    held = begun(store, tenant)
    for n in range(1, 13):
        held = store.investigations.commit(tenant, held, a_step(held.id, n))

    assert held.steps == 12
    for after in (-1, 0, 1, 11, 12, 10**12):
        numbers = [s.n for s in store.investigations.steps(tenant, held.id, after)]
        assert numbers == list(range(max(after, 0) + 1, 13))
    assert [s.n for s in store.investigations.steps(tenant, held.id, 3, limit=2)] == [4, 5]


def test_a_step_is_written_once_and_by_nobody_who_is_out_of_date(store: Store, tenant: TenantId) -> None:
    held = begun(store, tenant)
    newer = store.investigations.commit(tenant, held, a_step(held.id, 1, summary="first"))

    with pytest.raises(Conflict):
        store.investigations.commit(tenant, held, a_step(held.id, 1, summary="late"))
    with pytest.raises(Conflict):
        store.investigations.commit(tenant, newer, a_step(held.id, 1, summary="again"))

    assert [s.summary for s in store.investigations.steps(tenant, held.id)] == ["first"]
    assert store.investigations.get(tenant, held.id) == newer


def test_a_cancelled_session_takes_no_further_step(store: Store, tenant: TenantId) -> None:
    held = begun(store, tenant)
    store.investigations.commit(tenant, replace(held, status="cancelled"), a_step(held.id, kind="cancellation"))

    with pytest.raises(Conflict):
        store.investigations.commit(tenant, replace(held, status="investigating"), a_step(held.id))
    assert store.investigations.get(tenant, held.id).status == "cancelled"


def test_of_racing_workers_one_writes_each_step(shared_store: Store, tenant: TenantId) -> None:
    held = begun(shared_store, tenant)

    def work(worker: int) -> int:
        written = 0
        for _ in range(40):
            now = shared_store.investigations.get(tenant, held.id)
            try:
                step = a_step(held.id, now.steps + 1, summary=str(worker))
                shared_store.investigations.commit(tenant, replace(now, message=str(worker)), step)
            except Conflict:
                continue
            written += 1
        return written

    with ThreadPoolExecutor(3) as pool:
        written = sum(pool.map(work, range(3)))

    steps = shared_store.investigations.steps(tenant, held.id)
    assert [s.n for s in steps] == list(range(1, written + 1))
    assert shared_store.investigations.get(tenant, held.id).steps == written


def test_a_step_whose_answer_was_lost_counts_as_written(store: Store, tenant: TenantId) -> None:
    held = begun(store, tenant)
    first = store.investigations.commit(tenant, held, a_step(held.id))

    assert store.investigations.commit(tenant, held, a_step(held.id)) == first


def test_a_large_result_reads_back_whole(store: Store, tenant: TenantId) -> None:
    held = begun(store, tenant)
    result = {"logs": [["shop", "web", "main", False, "x" * 700_000]]}
    store.investigations.commit(tenant, held, a_step(held.id, result=result))

    assert store.investigations.steps(tenant, held.id)[0].result == result


def test_a_search_gives_every_match_once_newest_first(store: Store, tenant: TenantId) -> None:
    made = [begun(store, tenant, created_at=NOW + n * MINUTE, question=f"{n % 3}") for n in range(9)]

    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = store.investigations.search(tenant, lambda i: i.question == "1", "one", limit=2, cursor=cursor)
        seen += [i.id for i in page.items]
        cursor, pages = page.next, pages + 1

    assert seen == [made[n].id for n in (7, 4, 1)]
    first = store.investigations.search(tenant, lambda i: True, "all", limit=1).next
    with pytest.raises(InvalidRequest):
        store.investigations.search(tenant, lambda i: True, "one", cursor=first)


def test_a_follow_up_is_due_when_its_time_has_come_and_no_longer_once_it_is_done(
    store: Store, tenant: TenantId
) -> None:
    early, late = begun(store, tenant), begun(store, tenant)
    early = store.investigations.update(tenant, replace(early, follow_up=FollowUp(due=NOW + MINUTE, by="ada", left=1)))
    store.investigations.update(tenant, replace(late, follow_up=FollowUp(due=NOW + 9 * MINUTE, by="ada", left=1)))

    assert store.investigations.due(tenant, NOW) == []
    assert store.investigations.due(tenant, NOW + MINUTE) == [early.id]
    assert store.investigations.due(tenant, NOW + 9 * MINUTE) == [early.id, late.id]

    store.investigations.update(tenant, replace(early, follow_up=FollowUp(due=None, by="ada")))
    assert store.investigations.due(tenant, NOW + 9 * MINUTE) == [late.id]


def test_requeueing_is_counted(store: Store, tenant: TenantId) -> None:
    held = begun(store, tenant)
    store.investigations.note_requeued(tenant, Active(held.id, 2, 7))
    assert list(store.investigations.active(tenant)) == [Active(held.id, 2, 7)]


def test_links_are_found_by_hash_listed_and_revoked(store: Store, tenant: TenantId) -> None:
    held = begun(store, tenant)
    tomorrow = TODAY + timedelta(days=1)
    first = store.investigations.add_share(tenant, a_share(held.id, expires_at=tomorrow))
    second = store.investigations.add_share(tenant, a_share(held.id, expires_at=tomorrow, created_at=NOW + MINUTE))

    assert store.investigations.share(tenant, first.hash) == first
    assert store.investigations.share(tenant, "another") is None
    assert list(store.investigations.shares(tenant, held.id)) == [first, second]
    revoked = store.investigations.update_share(tenant, replace(first, revoked_at=NOW))
    assert store.investigations.share(tenant, first.hash) == revoked
    with pytest.raises(Conflict):
        store.investigations.update_share(tenant, first)


def test_removing_a_session_removes_all_that_it_held(store: Store, tenant: TenantId) -> None:
    held = begun(store, tenant)
    share = store.investigations.add_share(tenant, a_share(held.id, expires_at=TODAY + timedelta(days=1)))
    held = store.investigations.commit(
        tenant,
        replace(held, follow_up=FollowUp(due=NOW, by="ada")),
        a_step(held.id),
        Conclusion(outcome="", message=""),
    )

    store.investigations.remove(tenant, held.id)

    assert store.investigations.find(tenant, held.id) is None
    assert store.investigations.steps(tenant, held.id) == []
    assert store.investigations.conclusion(tenant, held.id) is None
    assert store.investigations.share(tenant, share.hash) is None
    assert (store.investigations.active(tenant), store.investigations.due(tenant, NOW)) == ([], [])
    with pytest.raises(NotFound):
        store.investigations.remove(tenant, held.id)
    with pytest.raises(Conflict):
        store.investigations.update(tenant, held)


def test_kept_evidence_outlives_the_cluster_and_goes_with_its_owner(store: Store, tenant: TenantId) -> None:
    evidence = a_piece_of_evidence()
    store.evidence.put_many(tenant, [evidence], NOW)
    store.evidence.keep(tenant, "iv_1", [evidence])

    store.evidence.remove_cluster(tenant, evidence.cluster)

    assert store.evidence.get(tenant, evidence.id, evidence.cluster) == evidence
    assert list(store.evidence.kept(tenant, "iv_1", evidence.cluster, [evidence.id, "ev_no"])) == [evidence]
    store.evidence.release(tenant, "iv_1", evidence.cluster, [evidence.id])
    with pytest.raises(NotFound):
        store.evidence.get(tenant, evidence.id)


def test_a_limit_holds_for_a_minute_and_for_its_own_name(store: Store, tenant: TenantId) -> None:
    # Of now and not of the start of the run: tables forget by the clock of the wall.
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    for _ in range(3):
        store.rates.take(tenant, "door", 3, minute)
    with pytest.raises(TooManyRequests) as refused:
        store.rates.take(tenant, "door", 3, minute + timedelta(seconds=50))

    assert refused.value.details["retry_after_s"] == 10
    store.rates.take(tenant, "another", 3, minute)
    store.rates.take(tenant, "door", 3, minute + MINUTE)


def test_a_queue_counts_what_waits_and_what_is_in_hand(empty_store: Store, tenant: TenantId) -> None:
    for n in range(3):
        empty_store.queue.send(tenant, {"n": n}, group=str(n), dedup_id=f"{tenant}{n}")
    empty_store.queue.receive(1)

    depths = empty_store.queue.depths()
    assert (depths.waiting, depths.in_hand, depths.dead) == (2, 1, 0)
