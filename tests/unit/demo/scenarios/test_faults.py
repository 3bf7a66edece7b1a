"""Every fault: it appears, it is found, it can be healed, and nothing else is blamed meanwhile."""

from __future__ import annotations

import re
from functools import partial

import pytest

from chalicelib.rootcause.modes import modes
from infra.local.demo.scenarios.catalog import Faults, UnknownFault, at_start
from infra.local.demo.scenarios.changes import Patch
from infra.local.demo.scenarios.model import FAULTS, Answer, Fault, register
from infra.local.demo.server.errors import ApiError
from infra.local.demo.world.build import World
from infra.local.demo.world.demo import start_demo
from tests.unit.demo.scenarios.observed import diagnosis_of
from tests.unit.demo.scenarios.playing import NOW, Claim, Course, claims, in_a_fork, play, sure, wanted

_LITERAL = re.compile(r"\b(?:[A-Z][a-z]+(?:[A-Z][a-z]+)+|OOMKilled)\b")
_KINDS = ("ConfigMap", "DaemonSet", "ReplicaSet", "StatefulSet", "KeyError", "PodSecurity", "ServiceAccount")
_NOT_LITERAL = set(_KINDS)


def right(fault: Fault, found: list[Claim]) -> list[Claim]:
    return [c for c in sure(found) if fault.answer.accepts(c.kind, c.namespace, c.name, c.mode)]


def others(fault: Fault, found: list[Claim]) -> list[Claim]:
    return [claim for claim in sure(found) if claim not in right(fault, found)]


@pytest.mark.parametrize("fault", sorted(FAULTS.values(), key=lambda one: one.name), ids=lambda one: one.name)
def test_a_fault_appears_is_found_alone_and_heals(fault: Fault, healthy: tuple[World, Faults]) -> None:
    course: Course = in_a_fork(partial(play, *healthy, fault))
    told = " ".join(claim.text for claim in course.early).lower()
    assert [word for word in fault.within_30s if word.lower() not in told] == []
    assert right(fault, course.settled), sure(course.settled)
    assert others(fault, course.settled) == []
    assert literal(fault) <= literals_in(course.traces)
    assert sure(course.healed) == []
    assert course.drift == []


def literal(fault: Fault) -> set[str]:
    """The names of states and events that the symptoms speak of."""
    return {word for text in fault.symptoms for word in _LITERAL.findall(text)} - _NOT_LITERAL


def literals_in(text: str) -> set[str]:
    return set(_LITERAL.findall(text))


def test_most_faults_are_told_within_half_a_minute(healthy: tuple[World, Faults]) -> None:
    assert sum(bool(fault.within_30s) for fault in FAULTS.values()) >= 50


# -- the catalog ------------------------------------------------------------------------------------------------------


def test_there_are_many_and_each_has_several_symptoms_and_a_mode_that_is_known() -> None:
    assert len(FAULTS) >= 60
    assert [name for name, fault in FAULTS.items() if len(fault.symptoms) < 2 or len(set(fault.symptoms)) < 2] == []
    assert {fault.answer.mode for fault in FAULTS.values()} <= modes().keys()
    assert len({fault.family for fault in FAULTS.values()}) >= 8


def test_the_loudest_object_is_often_not_the_one_to_blame() -> None:
    elsewhere = [fault for fault in FAULTS.values() if fault.answer.name not in fault.loudest]
    assert len(elsewhere) >= 10


def test_two_scenarios_cannot_have_one_name() -> None:
    taken = next(iter(FAULTS.values()))
    with pytest.raises(ValueError, match=taken.name):
        register(taken)


def test_injecting_twice_and_healing_what_is_well_change_nothing(healthy: tuple[World, Faults]) -> None:
    def twice() -> tuple[int, int, int]:
        world, faults = healthy
        faults.inject("bad-command")
        once = world.api.revision
        faults.inject("bad-command")
        again = world.api.revision
        faults.heal("image-tag-typo")
        return once, again, world.api.revision

    once, again, healed = in_a_fork(twice)
    assert once == again == healed


def test_an_unknown_fault_is_refused_with_the_names_there_are(healthy: tuple[World, Faults]) -> None:
    with pytest.raises(UnknownFault, match=r"no fault named 'meteor'.*bad-command"):
        healthy[1].inject("meteor")


def test_an_answer_accepts_what_is_equally_right_and_nothing_else() -> None:
    answer = Answer("Service", "a", "b", "one", also=(("Deployment", "a", "c"),), also_modes=("two",))
    assert answer.accepts("Service", "a", "b", "one")
    assert answer.accepts("Deployment", "a", "c", "two")
    assert not answer.accepts("Service", "a", "b", "three")
    assert not answer.accepts("Service", "x", "b", "one")


# -- the start --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 8])
def test_a_new_demo_has_its_six_faults_and_nothing_else_above_one_half(seed: int) -> None:
    world, faults = start_demo(seed=seed, now=NOW)
    found = claims(diagnosis_of(world))
    assert len(at_start()) == 6 == len(faults.active)
    assert all(right(fault, found) for fault in at_start())
    wrong = [claim for claim in sure(found) if not any(claim in right(fault, found) for fault in at_start())]
    assert wrong == []
    assert len(sure(found)) == 6


def test_the_start_is_listed_with_its_times(healthy: tuple[World, Faults]) -> None:
    shown = healthy[1].faults()
    assert [one["name"] for one in shown if one["active"]] == []
    assert {"name", "title", "family", "active", "since", "symptoms", "loudest", "within_30s", "answer"} == shown[
        0
    ].keys()
    assert [(one["family"], one["name"]) for one in shown] == sorted((one["family"], one["name"]) for one in shown)


def test_a_fault_that_the_cluster_refuses_halfway_leaves_nothing_behind(healthy: tuple[World, Faults]) -> None:
    def refused() -> tuple[set[str], set[str], int]:
        world, faults = healthy
        world.api.delete("Deployment", "booking", "reservations", propagation="Background")
        before = wanted(world)
        half = Fault(
            "half",
            "Half a fault",
            "tests",
            (
                Patch("Deployment", "booking", "fares", {"spec": {"replicas": 0}}),
                Patch("Deployment", "booking", "reservations", {"spec": {"replicas": 0}}),
            ),
            Answer("Deployment", "booking", "fares", "zero_replicas"),
            (),
            "",
            (),
        )
        faults.catalog = {"half": half}
        with pytest.raises(ApiError):
            faults.inject("half")
        return before, wanted(world), len(faults.active)

    before, after, active = in_a_fork(refused)
    assert before == after
    assert active == 0
