"""The history: found again, judged, put aside; and what was left behind taken up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.errors import Conflict, Forbidden, InvalidRequest, NotFound
from chalicelib.investigations import sessions, templates
from chalicelib.investigations.calibration import exported
from chalicelib.investigations.hold import hold
from chalicelib.investigations.reads import READS
from chalicelib.investigations.sessions import Filter
from chalicelib.investigations.sweep import MAX_REQUEUES, QUIET
from chalicelib.rootcause.modes import modes
from chalicelib.store.records import ResourceName
from chalicelib.tools.registry import TOOLS
from tests.unit.investigations.offices import ADA, World, a_world, step_by_step
from tests.unit.rootcause.builders import a_cluster
from tests.unit.tools.recorded_views import TENANT, a_principal


def a_history() -> World:
    """Three sessions, an hour apart: cart, mail, and one without a fault."""
    cluster = a_cluster()
    cluster.deployment("shop/cart", replicas=2).crashing(exit_code=1, log="KeyError: 'CART_TTL'")
    cluster.deployment("billing/mail", envFrom=[{"configMapRef": {"name": "mail-config"}}]).waiting(
        "CreateContainerConfigError", 'configmap "mail-config" not found'
    )
    world = a_world(cluster)
    for question in ("why is cart failing?", "why is mail down?", "is web well?"):
        world.investigate(question)
        world.now += timedelta(hours=1)
    return world


def found(world: World, **wanted: Any) -> list[str]:
    return [s.question for s in sessions.search(world.office, ADA, Filter(**wanted)).items]


@pytest.mark.parametrize(
    ("wanted", "questions"),
    [
        ({}, ["is web well?", "why is mail down?", "why is cart failing?"]),
        ({"text": "cart"}, ["why is cart failing?"]),
        ({"text": "MAIL-config billing"}, ["why is mail down?"]),
        ({"text": "cart mail"}, []),
        ({"resource": "cart"}, ["why is cart failing?"]),
        ({"resource": "deploy/billing/mail"}, ["why is mail down?"]),
        ({"resource": "pod/mail"}, []),
        ({"mode": "missing_configmap"}, ["why is mail down?"]),
        ({"outcome": "no_fault"}, ["is web well?"]),
        ({"namespace": "billing"}, ["why is mail down?"]),
        ({"cluster": "test", "status": "concluded"}, ["is web well?", "why is mail down?", "why is cart failing?"]),
        ({"cluster": "another"}, []),
        ({"resolution": "open"}, ["why is mail down?", "why is cart failing?"]),
        ({"trigger": "alert"}, []),
    ],
)
def test_the_history_is_found_by_words_object_mode_outcome_and_state(
    wanted: dict[str, Any], questions: list[str]
) -> None:
    assert found(a_history(), **wanted) == questions


def test_the_history_is_found_by_time() -> None:
    world = a_history()
    begin = world.now - timedelta(hours=3)

    assert found(world, since=begin + timedelta(minutes=30)) == ["is web well?", "why is mail down?"]
    assert found(world, until=begin + timedelta(minutes=30)) == ["why is cart failing?"]


def test_an_archived_session_is_left_out_until_it_is_asked_for_and_comes_back() -> None:
    world = a_history()
    first = sessions.search(world.office, ADA, Filter(text="cart")).items[0]

    assert sessions.archive(world.office, ADA, first.id).status == "archived"
    assert found(world, text="cart") == []
    assert found(world, status="archived") == found(world, text="cart", archived=True) == ["why is cart failing?"]
    assert sessions.archive(world.office, ADA, first.id, restore=True).status == "concluded"
    assert found(world, text="cart") == ["why is cart failing?"]


def test_cancelling_twice_changes_nothing_and_what_has_ended_cannot_be_cancelled() -> None:
    world = a_history()
    session = world.start("again?")
    once = sessions.cancel(world.office, ADA, session.id)

    assert sessions.cancel(world.office, ADA, session.id) == once
    with pytest.raises(Conflict) as refused:
        sessions.cancel(world.office, ADA, sessions.search(world.office, ADA, Filter(text="cart")).items[0].id)
    assert (refused.value.code, bool(refused.value.remedy)) == ("investigation_settled", True)
    assert sessions.archive(world.office, ADA, session.id).status == "archived"
    assert sessions.archive(world.office, ADA, session.id, restore=True).status == "cancelled"


def test_feedback_on_a_session_that_runs_is_refused_with_a_remedy() -> None:
    world = a_history()
    running = world.start("again?")

    for do in (
        lambda: sessions.give_feedback(world.office, ADA, running.id, "right"),
        lambda: sessions.archive(world.office, ADA, running.id),
    ):
        with pytest.raises(Conflict) as refused:
            do()
        assert refused.value.code == "not_concluded"
        assert "cancel it" in refused.value.remedy


def test_feedback_is_kept_and_exported_for_calibration() -> None:
    world = a_history()
    cart, mail = (sessions.search(world.office, ADA, Filter(text=name)).items[0] for name in ("cart", "mail"))
    sessions.give_feedback(world.office, ADA, cart.id, "right")
    sessions.give_feedback(
        world.office, ADA, mail.id, "wrong", cause="it was the secret", mode="missing_secret",
        resource=ResourceName(kind="Secret", namespace="billing", name="mail"),
    )  # fmt: skip

    told = exported(world.office, ADA)

    assert cart.cause is not None
    assert mail.cause is not None
    assert told["claims"] == {cart.id: [[cart.cause.probability, 1]], mail.id: [[mail.cause.probability, 0]]}
    assert {c["true_mode"] for c in told["cases"]} == {"", "missing_secret"}
    with pytest.raises(InvalidRequest) as refused:
        sessions.give_feedback(world.office, ADA, cart.id, "wrong", mode="bad_luck")
    assert refused.value.code == "unknown_mode"


def test_a_viewer_reads_and_does_not_write() -> None:
    world = a_history()
    viewer = a_principal("viewer")
    first = sessions.search(world.office, viewer, Filter()).items[0]

    assert sessions.get(world.office, viewer, first.id) == first
    for do in (
        lambda: sessions.cancel(world.office, viewer, first.id),
        lambda: sessions.archive(world.office, viewer, first.id),
        lambda: sessions.give_feedback(world.office, viewer, first.id, "right"),
        lambda: sessions.remove(world.office, viewer, first.id),
        lambda: world.desk.check_again(viewer, first.id),
    ):
        with pytest.raises(Forbidden):
            do()


def test_another_tenant_sees_nothing() -> None:
    world = a_history()
    stranger = a_principal("admin", tenant="other")
    first = sessions.search(world.office, ADA, Filter()).items[0]

    assert sessions.search(world.office, stranger, Filter()).items == ()
    with pytest.raises(NotFound):
        sessions.get(world.office, stranger, first.id)


def test_a_session_whose_message_was_lost_is_queued_again() -> None:
    world = a_history()
    lost, stuck = world.start("first?"), world.start("second?")
    world.run(stuck, step_by_step(3))
    world.queued()

    assert world.desk.sweep(TENANT) == {"requeued": 0, "given_up": 0, "follow_ups": 0}
    world.now += QUIET + timedelta(seconds=1)
    assert world.desk.sweep(TENANT)["requeued"] == 2

    assert {m["investigation"] for m in world.queued()} == {lost.id, stuck.id}
    for session in (lost, stuck):
        assert world.desk.work(TENANT, session.id, lambda: 1e9) == "settled"
    world.now += QUIET * 2
    assert world.desk.sweep(TENANT)["requeued"] == 0


def test_a_session_with_a_long_step_is_left_to_the_worker_that_has_it() -> None:
    world = a_history()
    session = world.start("first?")
    world.now += QUIET * 2
    with hold(world.office, TENANT, session.id) as held:
        assert held is not None
        assert world.desk.sweep(TENANT)["requeued"] == 0
    assert world.desk.sweep(TENANT)["requeued"] == 1


def test_a_session_that_stands_still_is_given_up_and_says_so() -> None:
    world = a_history()
    session = world.start("first?")
    for _ in range(MAX_REQUEUES):
        world.now += QUIET * 2
        assert world.desk.sweep(TENANT)["requeued"] == 1
    world.now += QUIET * 2
    assert world.desk.sweep(TENANT)["given_up"] == 1

    ended, last = world.session(session), world.steps(session)[-1]
    assert (ended.status, ended.outcome, ended.failed_steps) == ("concluded", "not_examined", 1)
    assert last.failed
    assert last.error is not None
    assert last.error["code"] == "gave_up"
    assert world.desk.sweep(TENANT) == {"requeued": 0, "given_up": 0, "follow_ups": 0}


def test_templates_name_reads_of_tools_that_only_read_and_modes_that_exist() -> None:
    for template in templates.templates().values():
        assert template.reads
        assert set(template.reads) <= set(READS)
        assert template.modes is None or template.modes <= set(modes())
    assert all(TOOLS[read.tool].read_only for read in READS.values())


@pytest.mark.parametrize(
    ("question", "kind", "template"),
    [
        ("why does the rollout of cart not finish?", "Deployment", "rollout"),
        ("cannot connect to checkout", "", "network"),
        ("502 from shop", "", "network"),
        ("why?", "PersistentVolumeClaim", "storage"),
        ("the volume claim is pending", "", "storage"),
        ("node is NotReady", "", "node"),
        ("checkout is slow", "Deployment", "performance"),
        ("who eats all the memory?", "", "resources"),
        ("errors in several services at the same time", "", "errors"),
        ("why is cart failing?", "Deployment", "pod_failure"),
        ("what is wrong?", "", "general"),
        ("why is it red?", "Node", "node"),
    ],
)
def test_a_template_is_chosen_by_the_words_and_the_kind(question: str, kind: str, template: str) -> None:
    assert templates.fitting(question, kind).id == template
