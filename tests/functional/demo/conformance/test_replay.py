"""The replay of the golden traces, with its threshold and its list of known differences."""

from __future__ import annotations

from pathlib import Path

import pytest

import infra.local.demo
from tests.functional.demo.conformance.known_differences import KNOWN
from tests.functional.demo.conformance.renaming import renamed
from tests.functional.demo.conformance.replay import Replay, Result

WANTED_SHARE = 0.95
_SIGNS = ("golden_traces", "golden_steps", "data/kube", "tests.functional", "tests.unit")


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return Replay().run()


def test_at_least_95_percent_of_all_exchanges_match(results: list[Result]) -> None:
    assert sum(result.matches for result in results) >= WANTED_SHARE * len(results)


def test_every_difference_is_known_and_has_a_reason(results: list[Result]) -> None:
    found = {result.exchange.id: result.differences[:3] for result in results if not result.matches}
    assert {name: found[name] for name in found.keys() - KNOWN.keys()} == {}


def test_no_known_difference_has_become_a_match(results: list[Result]) -> None:
    assert KNOWN.keys() <= {result.exchange.id for result in results if not result.matches}


def test_other_names_give_the_same_result(results: list[Result]) -> None:
    again = Replay(renamed).run()
    assert [result.matches for result in again] == [result.matches for result in results]


def test_two_replays_give_the_same_answers(results: list[Result]) -> None:
    assert [result.differences for result in Replay().run()] == [result.differences for result in results]


def test_nothing_in_the_demo_reads_the_recording() -> None:
    folder = Path(infra.local.demo.__file__).parent
    texts = {path: path.read_text() for path in folder.rglob("*.py")}
    assert [path.name for path, text in texts.items() if any(one in text for one in _SIGNS)] == []
