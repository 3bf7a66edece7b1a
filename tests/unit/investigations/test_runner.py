"""A session survives whatever ends its worker: nothing is lost, and nothing that was written is done again."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from chalicelib.errors import Conflict, NotFound, Unavailable
from chalicelib.investigations import sessions
from chalicelib.investigations.hold import LEASE_S
from chalicelib.investigations.office import Budget
from chalicelib.investigations.runner import run, work
from chalicelib.store.investigation_records import Investigation
from tests.unit.investigations.offices import ADA, ALWAYS, Killed, World, a_world, ending_at, step_by_step
from tests.unit.rootcause.builders import a_cluster
from tests.unit.tools.recorded_views import TENANT


def a_sick_world() -> World:
    cluster = a_cluster()
    cluster.deployment("shop/cart", replicas=2).crashing(exit_code=1, log="KeyError: 'CART_TTL'")
    cluster.deployment("shop/mail", envFrom=[{"configMapRef": {"name": "mail-config"}}]).waiting(
        "CreateContainerConfigError", 'configmap "mail-config" not found'
    )
    return a_world(cluster)


def whole_run() -> tuple[World, Investigation]:
    world = a_sick_world()
    return world, world.investigate("what is wrong in shop?")


def told_of(world: World, session: Investigation) -> list[tuple[int, str, str, str]]:
    """What a session's journal says, without times."""
    return [(s.n, s.kind, s.title, s.summary) for s in world.steps(session)]


STEPS = whole_run()[1].steps


def test_the_steps_are_numbered_without_holes_and_end_with_a_conclusion() -> None:
    world, session = whole_run()

    steps = world.steps(session)
    assert [s.n for s in steps] == list(range(1, session.steps + 1))
    kinds = [s.kind for s in steps]
    assert kinds[:4] == ["reading", "scope", "symptoms", "proposal"]
    assert kinds[-2:] == ["conclusion", "comparison"]
    assert set(kinds[4:-2]) == {"test", "verdict"}
    assert (session.status, session.concluded_at) == ("concluded", world.now)
    assert [s.n for s in world.told] == list(range(1, session.steps + 1))
    assert world.store.investigations.active(TENANT) == []


def test_every_tool_call_has_its_arguments_and_a_digest_and_is_audited_once() -> None:
    world, session = whole_run()

    calls = [s for s in world.steps(session) if s.tool]
    assert len(calls) > 5
    assert all(s.arguments["cluster"] == "cl_test" and len(s.result_digest) == 32 for s in calls)
    assert len({(s.tool, str(s.arguments)) for s in calls}) == len(calls)
    noted = [n for n in world.noted if n["action"] == "tool.call"]
    assert [n["tool"] for n in noted] == [s.tool for s in calls]
    assert len({n["id"] for n in noted}) == len(noted)


@pytest.mark.parametrize("after", [False, True], ids=["before it is written", "after it is written"])
@pytest.mark.parametrize("commit", range(1, STEPS + 1))
def test_a_worker_that_is_killed_at_any_step_leaves_a_session_that_goes_on(commit: int, after: bool) -> None:
    expected, plain = whole_run()
    world = a_sick_world()
    session = world.start("what is wrong in shop?")

    with pytest.raises(Killed):
        run(ending_at(world, commit, after=after), TENANT, session.id, ALWAYS)
    written = world.session(session).steps
    assert run(world.office, TENANT, session.id, ALWAYS) == "settled"

    assert written == (commit if after else commit - 1)
    assert told_of(world, session) == told_of(expected, plain)
    assert world.conclusion(session) == expected.conclusion(plain)
    # A call that was written is not made again; one that was being made when the worker died may be.
    again = Counter(world.logs.read) - Counter(expected.logs.read)
    assert sum(again.values()) <= (0 if after else 2)


def test_a_session_can_be_handed_over_after_every_step() -> None:
    expected, plain = whole_run()
    world = a_sick_world()
    session = world.start("what is wrong in shop?")
    world.queued()

    runs = 0
    while work(world.office, TENANT, session.id, step_by_step()) == "handed_over":
        runs += 1
        assert [m["investigation"] for m in world.queued()] == [session.id]

    assert runs == plain.steps - 1
    assert told_of(world, session) == told_of(expected, plain)
    assert world.logs.read == expected.logs.read


def test_with_too_little_time_nothing_is_begun() -> None:
    world = a_sick_world()
    session = world.start("what is wrong in shop?")

    assert world.run(session, Budget(lambda: 59.0)) == "handed_over"
    assert world.session(session).steps == 0


@pytest.mark.parametrize("steps", range(STEPS))
def test_a_session_is_cancelled_at_any_point_and_writes_nothing_more(steps: int) -> None:
    world = a_sick_world()
    session = world.start("what is wrong in shop?")
    if steps:
        assert world.run(session, step_by_step(steps)) == "handed_over"

    sessions.cancel(world.office, ADA, session.id)
    assert world.run(session) == "settled"

    ended = world.session(session)
    assert (ended.status, ended.steps) == ("cancelled", steps + 1)
    assert world.steps(session)[-1].kind == "cancellation"
    assert world.store.investigations.active(TENANT) == []


def test_a_step_that_is_being_done_when_the_session_is_cancelled_is_not_written() -> None:
    world = a_sick_world()
    session = world.start("what is wrong in shop?")
    view = world.views.view

    def cancel_meanwhile(*arguments: object, **more: object) -> object:
        sessions.cancel(world.office, ADA, session.id)
        return view(*arguments, **more)  # type: ignore[arg-type]

    world.views.view = cancel_meanwhile  # type: ignore[method-assign]
    assert world.run(session) == "settled"

    assert [s.kind for s in world.steps(session)] == ["cancellation"]


def test_a_session_that_another_worker_has_is_left_to_it() -> None:
    world = a_sick_world()
    session = world.start("what is wrong in shop?")
    lease = world.store.leases.acquire(TENANT, f"investigation#{session.id}", "another", LEASE_S, world.now)

    assert world.run(session) == "busy"
    assert world.session(session).steps == 0

    world.now += timedelta(seconds=LEASE_S + 1)
    assert lease is not None
    assert world.run(session) == "settled"


def test_of_racing_workers_each_step_is_written_by_one() -> None:
    expected, plain = whole_run()
    world = a_sick_world()
    session = world.start("what is wrong in shop?")

    def worker(number: int) -> None:
        office = replace(world.office, holder=f"worker-{number}")
        while world.session(session).status in ("created", "investigating"):
            with suppress(Conflict):
                run(office, TENANT, session.id, step_by_step(3))

    threads = [threading.Thread(target=worker, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert told_of(world, session) == told_of(expected, plain)
    assert world.logs.read == expected.logs.read


def test_feedback_of_others_on_the_record_does_not_disturb_a_run() -> None:
    world = a_sick_world()
    session = world.start("what is wrong in shop?")
    world.run(session, step_by_step(3))
    touched = world.session(session)
    world.store.investigations.update(TENANT, msgspec.structs.replace(touched, links=()))

    assert world.run(session) == "settled"
    assert world.session(session).status == "concluded"


def test_a_store_that_does_not_answer_leaves_the_session_for_the_next_run() -> None:
    world = a_sick_world()
    session = world.start("what is wrong in shop?")

    def unavailable(*arguments: object, **more: object) -> None:
        raise Unavailable("DynamoDB does not answer.")

    keep = world.store.evidence.keep
    world.store.evidence.keep = unavailable
    with pytest.raises(Unavailable):
        world.run(session)
    assert world.session(session).status == "investigating"
    world.store.evidence.keep = keep

    assert world.run(session) == "settled"
    assert all(not s.failed for s in world.steps(session))


def test_a_step_that_fails_is_visible_and_the_others_are_done() -> None:
    world = a_sick_world()
    session = world.start("what is wrong in shop?")

    def broken(*arguments: object, **more: object) -> str:
        raise ZeroDivisionError("a fault of ours")

    world.logs.logs = broken  # type: ignore[method-assign]
    assert world.run(session) == "settled"

    ended = world.session(session)
    failed = [s for s in world.steps(session) if s.failed]
    assert failed
    assert {s.error["code"] for s in failed if s.error} == {"internal_error"}
    assert (ended.status, ended.failed_steps) == ("concluded", len(failed))
    assert ended.cause is not None
    assert any(g.reason == "error" for g in world.conclusion(session).gaps)


def test_a_deleted_session_is_no_error_for_the_worker() -> None:
    world = a_sick_world()
    session = world.start("what is wrong in shop?")
    sessions.remove(world.office, ADA, session.id)

    assert world.desk.work(TENANT, session.id, lambda: 1e9) == "settled"
    with pytest.raises(NotFound):
        world.session(session)


def test_the_same_start_twice_is_one_session() -> None:
    world = a_sick_world()
    first = world.start(id="iv_aaaaaaaaaaaaaaaaaaaaaaaaaa")
    second = world.start(id="iv_aaaaaaaaaaaaaaaaaaaaaaaaaa")

    assert first.id == second.id
    # The audit chain takes an event's id once.
    assert len({n["id"] for n in world.noted if n["action"] == "investigation.start"}) == 1


def test_a_run_within_a_callers_time_goes_on_in_a_worker() -> None:
    world = a_sick_world()
    session = world.start("what is wrong in shop?")
    world.queued()

    assert world.desk.run_here(TENANT, session.id, seconds=1.0) == "handed_over"
    assert world.queued()
    assert world.desk.run_here(TENANT, session.id, seconds=30.0) == "settled"
