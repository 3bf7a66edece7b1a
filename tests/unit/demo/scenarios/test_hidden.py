"""The faults of the large world, on a smaller draw of it."""

from __future__ import annotations

import pytest

from infra.local.demo.scenarios.catalog import Faults
from infra.local.demo.scenarios.hidden import hidden_faults
from infra.local.demo.world.build import World
from infra.local.demo.world.estate import estate
from infra.local.demo.world.scale import start_scale
from tests.unit.demo.scenarios.observed import diagnosis_of
from tests.unit.demo.scenarios.playing import NOW, claims, sure


@pytest.fixture(scope="module")
def running() -> tuple[World, Faults]:
    return start_scale(seed=4, now=NOW, drawn=estate(4, nodes=40, pods=900, teams=14))


def test_all_twelve_are_found_and_nothing_else(running: tuple[World, Faults]) -> None:
    world, faults = running
    found = sure(claims(diagnosis_of(world)))
    assert len(faults.active) == 12
    missed = [
        name
        for name, fault in faults.catalog.items()
        if not any(fault.answer.accepts(c.kind, c.namespace, c.name, c.mode) for c in found)
    ]
    assert missed == []
    assert len(found) == 12


def test_they_lie_in_different_places_for_different_seeds_and_the_same_for_one() -> None:
    drawn = estate(1)
    places = [tuple(fault.answer.name for fault in hidden_faults(drawn, seed)) for seed in (1, 1, 2)]
    assert places[0] == places[1]
    assert not set(places[0]) & set(places[2])
    assert len({fault.answer.namespace for fault in hidden_faults(drawn, 1)}) == 12


def test_they_can_be_healed(running: tuple[World, Faults]) -> None:
    world, faults = running
    for name in list(faults.active):
        faults.heal(name)
    world.run_for(500)
    assert sure(claims(diagnosis_of(world))) == []
