"""Investigations outlive the processes that run them: a small sample of the bench suite `chaos`."""

from __future__ import annotations

import pytest

from tests.bench.chaos import SEED, chaos


@pytest.mark.timeout(600)
def test_investigations_conclude_whatever_is_killed() -> None:
    seen = chaos(waves=1, a_wave=6, seed=SEED, aws_stops=1)
    assert seen.wrong == []
    assert seen.started == seen.concluded == 6
    assert dict(seen.kills) == {"worker": 1, "gateway": 1, "aws": 1}
