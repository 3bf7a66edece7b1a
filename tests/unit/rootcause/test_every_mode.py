"""Every mode that is diagnosed has a case in which it is found, and a look-alike in which it is not claimed."""

from __future__ import annotations

import pytest

from chalicelib.rootcause import diagnose
from chalicelib.rootcause.modes import modes
from chalicelib.state.world import World
from tests.bench.heldout import FIRST, Case
from tests.bench.heldout.dump import Dump
from tests.unit.rootcause.lookalikes import LOOKALIKES

FOUNDATION = (
    *range(1, 4), *range(6, 10), 11, 18, 31, 32, *range(25, 30), 36, *range(50, 56), 56, 57, 58, 63, 68,
    72, 73, 74, 77, 78, 79, 80, 84, 85, 87, 88, 90, 93, 94, 96, 98, 100, 101, 103, 104, 114, 118,
)  # fmt: skip
"""Numbers of the modes that a release must tell, by the list of failure modes."""
MODES = tuple(sorted(m.id for m in modes().values() if m.n in FOUNDATION))


def firing() -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for case in FIRST.cases:
        if case.group == "incident":
            found.setdefault(case.make()[1][0].mode, []).append(case)
    return found


CASES = firing()


def test_there_are_fifty_modes():
    assert len(MODES) == 50


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_is_found_where_it_is(mode: str):
    assert CASES.get(mode), f"no case of {mode}"
    for case in CASES[mode]:
        dump, faults = case.make()
        problems = diagnose(World(dump.finish())).problems
        best = problems[0]
        assert (best.mode, best.resource in faults[0].refs) == (mode, True), case.name
        assert best.probability > 0.5, case.name


@pytest.mark.parametrize("mode", MODES)
def test_what_resembles_a_mode_is_not_called_so(mode: str):
    dump = Dump()
    LOOKALIKES[mode](dump)
    claims = [p for p in diagnose(World(dump.finish())).problems if p.mode == mode and p.probability > 0.5]
    assert claims == []
