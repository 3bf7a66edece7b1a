"""A fixed sample of random changes and undos; `make bench` runs all of them."""

from __future__ import annotations

import pytest

from tests.functional.safety.random_changes import trial, undo_trial

CHANGES = range(60)
UNDOS = range(30)


@pytest.mark.parametrize("seed", CHANGES)
def test_what_a_preview_calls_safe_ends_well(seed: int) -> None:
    found = trial(seed)
    assert not found.wrong, found.text


@pytest.mark.parametrize("seed", UNDOS)
def test_what_is_taken_back_is_as_it_was(seed: int) -> None:
    found = undo_trial(seed)
    assert not found.wrong, found.text


def test_the_samples_reach_what_they_are_about() -> None:
    assert sum(trial(seed).verdict == "safe" for seed in CHANGES[:20]) >= 3
    assert sum(undo_trial(seed).outcome == "undone" for seed in UNDOS[:10]) >= 4
