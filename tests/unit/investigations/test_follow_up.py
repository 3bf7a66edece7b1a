"""Looking again: gone, still there, back again, and what cannot be looked at."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.errors import Conflict, InvalidRequest
from chalicelib.investigations import follow_up
from chalicelib.store.investigation_records import Investigation
from tests.unit.investigations.offices import ADA, World, a_world
from tests.unit.rootcause.builders import Cluster, a_cluster
from tests.unit.tools.recorded_views import TENANT

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def broken() -> Cluster:
    cluster = a_cluster()
    cluster.deployment("shop/cart", replicas=2).crashing(exit_code=1, log="KeyError: 'CART_TTL'")
    return cluster


def repaired() -> Cluster:
    cluster = a_cluster()
    cluster.deployment("shop/cart", replicas=2, image="registry.local/cart:1.1")
    return cluster


def a_found_cause() -> tuple[World, Investigation]:
    world = a_world(broken())
    return world, world.investigate("why is cart failing?")


def look(world: World, session: Investigation) -> Investigation:
    return world.desk.check_again(ADA, session.id)


def test_a_cause_that_is_gone_closes_the_incident_and_says_what_changed() -> None:
    world, session = a_found_cause()
    world.read_again(repaired(), minutes=20)

    seen = look(world, session)

    assert seen.resolution == "resolved"
    assert seen.follow_up is not None
    assert seen.follow_up.rechecks[-1].result == "gone"
    assert "cart:1.0 -> registry.local/cart:1.1" in seen.follow_up.rechecks[-1].text
    assert world.steps(session)[-1].kind == "recheck"


def test_a_cause_that_is_back_opens_the_incident_again() -> None:
    world, session = a_found_cause()
    for cluster, resolution in (
        (broken(), "open"),
        (repaired(), "resolved"),
        (broken(), "reopened"),
        (repaired(), "resolved"),
    ):
        world.read_again(cluster, minutes=20)
        assert look(world, session).resolution == resolution


def test_another_problem_of_the_same_object_is_a_change_and_not_an_end() -> None:
    world, session = a_found_cause()
    other = a_cluster()
    other.deployment("shop/cart", replicas=2).waiting("ImagePullBackOff", "manifest unknown: not found")
    world.read_again(other, minutes=20)

    seen = look(world, session)
    assert seen.follow_up is not None
    assert (seen.resolution, seen.follow_up.rechecks[-1].result) == ("open", "changed")


def test_an_object_that_was_deleted_ends_its_incident() -> None:
    world, session = a_found_cause()
    world.read_again(a_cluster(), minutes=20)

    seen = look(world, session)
    assert seen.resolution == "resolved"
    assert seen.follow_up is not None
    assert "no longer exists" in seen.follow_up.rechecks[-1].text


def test_a_cluster_that_does_not_answer_proves_nothing() -> None:
    world, session = a_found_cause()
    world.views.down.add("test")

    seen = look(world, session)
    assert seen.resolution == "open"
    assert seen.follow_up is not None
    assert seen.follow_up.rechecks[-1].result == "not_checked"
    assert world.steps(session)[-1].failed


def test_looks_are_made_when_they_are_due_as_often_as_they_were_planned() -> None:
    world, session = a_found_cause()
    follow_up.plan(world.office, ADA, session.id, 10 * MINUTE, HOUR, 2)

    world.desk.sweep(TENANT)
    assert not [m for m in world.queued() if m["type"] == "follow_up"]
    for minutes, left in ((10, 1), (60, 0)):
        world.read_again(broken(), minutes=minutes)
        world.desk.sweep(TENANT)
        assert [m["investigation"] for m in world.queued() if m["type"] == "follow_up"] == [session.id]
        world.desk.follow_up(TENANT, session.id)
        planned = world.session(session).follow_up
        assert planned is not None
        assert planned.left == left
    world.read_again(broken(), minutes=600)
    world.desk.sweep(TENANT)

    assert world.queued() == []
    assert len(world.session(session).follow_up.rechecks) == 2


def test_a_look_that_was_queued_twice_is_made_once() -> None:
    world, session = a_found_cause()
    follow_up.plan(world.office, ADA, session.id, 10 * MINUTE, None, 1)
    world.read_again(broken(), minutes=11)

    world.desk.follow_up(TENANT, session.id)
    world.desk.follow_up(TENANT, session.id)

    assert len(world.session(session).follow_up.rechecks) == 1


def test_a_plan_can_be_called_off() -> None:
    world, session = a_found_cause()
    follow_up.plan(world.office, ADA, session.id, 10 * MINUTE, None, 1)
    follow_up.unplan(world.office, ADA, session.id)
    world.read_again(broken(), minutes=11)

    world.desk.sweep(TENANT)
    assert world.queued() == []


@pytest.mark.parametrize(
    ("after", "every", "times"),
    [
        (timedelta(0), None, 1),
        (timedelta(days=31), None, 1),
        (HOUR, timedelta(seconds=5), 2),
        (HOUR, None, 2),
        (HOUR, HOUR, 51),
        (HOUR, None, 0),
    ],
)
def test_a_plan_out_of_bounds_is_refused(after: timedelta, every: timedelta | None, times: int) -> None:
    world, session = a_found_cause()
    with pytest.raises(InvalidRequest):
        follow_up.plan(world.office, ADA, session.id, after, every, times)


def test_what_runs_or_found_nothing_cannot_be_followed_up() -> None:
    world = a_world(a_cluster())
    running = world.start()
    with pytest.raises(Conflict) as refused:
        follow_up.plan(world.office, ADA, running.id, HOUR, None, 1)
    assert refused.value.code == "not_concluded"
    world.run(running)
    with pytest.raises(Conflict) as refused:
        look(world, running)
    assert refused.value.code == "no_cause"
