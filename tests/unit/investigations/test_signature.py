from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.investigations.signature import ALIKE_FROM, likeness, shape_of, signature_of, template_of_text
from chalicelib.store.investigation_records import SeenSymptom, Signature
from chalicelib.store.records import ResourceName
from tests.unit.investigations.offices import ADA, World, a_world
from tests.unit.rootcause.builders import Cluster, a_cluster

WORDS = st.sampled_from(["checkout", "payments", "cart", "db", "web-frontend", "etl"])
MODES = st.sampled_from(["oom_killed", "missing_configmap", "image_not_found"])
MESSAGES = st.lists(st.sampled_from(["connection refused", "no such host db", "exit code 137", "timeout"]), max_size=4)


def a_signature(
    name: str, mode: str, messages: list[str], symptom: str = "container_crashing", kind: str = "Deployment"
) -> Signature:
    resource = ResourceName(kind=kind, namespace="shop", name=name)
    return signature_of(resource, mode, [SeenSymptom(type=symptom, resource=resource, text="")], messages)


SIGNATURES = st.builds(a_signature, WORDS, MODES, MESSAGES)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("checkout", "checkout"),
        ("checkout-6d4cf56db6-x7k2p", "checkout"),
        ("db-0", "db-#"),
        ("db-11", "db-#"),
        ("export-28934510", "export-#"),
        ("web-frontend", "web-frontend"),
        ("ip-10-0-2-58.ec2.internal", "ip-#-#-#-#.ec#.internal"),
        ("42", "#"),
    ],
)
def test_a_name_is_known_by_what_is_not_made_up_anew(name: str, shape: str) -> None:
    assert shape_of(name) == shape


def test_a_message_is_known_by_what_does_not_vary() -> None:
    one = template_of_text('dial tcp 10.0.3.4:5432: connection refused after 31ms (id 3f2a9bce71) for "cart-7d"')
    two = template_of_text('dial tcp 10.9.8.1:5432: connection refused after 7ms (id 90ab12cd34) for "web-1"')
    assert one == two == "dial tcp #: connection refused after #ms (id #) for *"


@given(SIGNATURES, SIGNATURES)
def test_likeness_is_symmetric_between_zero_and_one_and_whole_for_the_same(one: Signature, other: Signature) -> None:
    assert likeness(one, other).score == likeness(other, one).score
    assert 0 <= likeness(one, other).score <= 1
    assert likeness(one, one).score == 1.0


@given(WORDS, MODES, MESSAGES, st.sampled_from(["prod", "staging", "dev"]))
def test_the_namespace_and_the_order_of_messages_do_not_count(
    name: str, mode: str, messages: list[str], place: str
) -> None:
    resource = ResourceName(kind="Deployment", namespace=place, name=name)
    moved = signature_of(
        resource, mode, [SeenSymptom(type="container_crashing", resource=resource, text="")], messages[::-1]
    )
    one = a_signature(name, mode, messages)

    assert one.hash == moved.hash
    assert likeness(one, moved).score == 1.0


def test_another_mode_of_another_workload_is_not_alike_and_the_same_fault_elsewhere_is() -> None:
    one = a_signature("checkout", "oom_killed", ["exit code 137"])
    elsewhere = a_signature("payments", "oom_killed", ["exit code 137"])
    another = a_signature("payments", "image_not_found", ["no such host db"], symptom="image_not_pulled")

    assert likeness(one, elsewhere).score >= ALIKE_FROM
    assert likeness(one, another).score < ALIKE_FROM
    assert any("failure mode" in r for r in likeness(one, elsewhere).reasons)


def crashing(name: str = "cart") -> Cluster:
    cluster = a_cluster()
    cluster.deployment(f"shop/{name}", replicas=2).crashing(exit_code=1, log="KeyError: 'CART_TTL'")
    return cluster


def after_a_week(world: World) -> None:
    world.now += timedelta(days=7)


def test_an_incident_looks_like_the_one_before_and_says_what_solved_that() -> None:
    world = a_world(crashing())
    first = world.investigate("why is cart failing?")
    fixed = a_cluster()
    fixed.deployment("shop/cart", replicas=2, env=[{"name": "CART_TTL", "value": "60"}])
    world.read_again(fixed, minutes=30)
    world.desk.check_again(ADA, first.id)
    after_a_week(world)
    world.read_again(crashing(), minutes=1)

    second = world.investigate("cart again?")

    alike = world.conclusion(second).alike
    assert [a.investigation for a in alike] == [first.id]
    assert alike[0].similarity == 1.0
    assert "the same object of the same cluster" in alike[0].reasons
    assert "CART_TTL" in alike[0].solved_by
    assert world.steps(second)[-1].summary.startswith("Looks like the one of 2026-03-04")


def test_what_a_person_said_it_was_is_told_too() -> None:
    from chalicelib.investigations import sessions

    world = a_world(crashing())
    first = world.investigate("why is cart failing?")
    sessions.give_feedback(world.office, ADA, first.id, "right", cause="the chart lost the variable")
    world.read_again(crashing(), minutes=60)

    assert world.conclusion(world.investigate("again?")).alike[0].solved_by == "the chart lost the variable"


def test_an_incident_that_resembles_none_says_so() -> None:
    world = a_world(crashing())
    world.investigate("why is cart failing?")
    other = a_cluster()
    other.deployment("dev/notebook").waiting("ImagePullBackOff", "manifest unknown: not found")
    world.read_again(other, minutes=60)

    found = world.investigate("why is notebook failing?")
    assert world.conclusion(found).alike == ()
    assert world.steps(found)[-1].summary == "No past investigation is like this one."
