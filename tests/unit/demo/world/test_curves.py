"""Load as a function of (seed, series, time)."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.demo.world.curves import DAY_S, SHAPES, WEEK_S, Curves, Times, at, noise, shape

MONDAY = datetime(2026, 3, 2, 8, 0, tzinfo=UTC).timestamp()
"""Midnight from Sunday to Monday where the company works."""
HOUR = 3600.0


def days(count: float, start: float = MONDAY, step: float = 300.0) -> Times:
    return np.arange(start, start + count * DAY_S, step)


def hourly(form: str, day: int) -> Times:
    return shape(form, MONDAY + day * DAY_S + np.arange(24) * HOUR)


def test_an_office_works_by_day_and_rests_at_the_weekend() -> None:
    weekday, sunday = hourly("office", 1), hourly("office", 6)
    assert weekday[11] > 3 * weekday[3]
    assert sunday.max() < weekday.max() / 2


def test_consumers_come_in_the_evening_and_more_at_the_weekend() -> None:
    assert 12 <= int(hourly("consumer", 2).argmax()) <= 20
    assert hourly("consumer", 5).mean() > hourly("consumer", 2).mean()


def test_what_runs_at_night_peaks_at_night() -> None:
    assert int(hourly("night", 3).argmax()) in (2, 3)


def test_development_is_idle_at_night_and_at_the_weekend() -> None:
    assert hourly("dev", 1)[2] < 0.05
    assert hourly("dev", 5).max() < 0.05
    assert hourly("dev", 1)[12] > 1


@pytest.mark.parametrize("form", SHAPES)
def test_every_form_repeats_by_the_week(form: str) -> None:
    times = days(7, step=900)
    assert np.allclose(shape(form, times), shape(form, times + WEEK_S))


@given(st.integers(0, 2**63), st.floats(1.6e9, 2e9))
def test_noise_stays_within_its_bounds_and_is_continuous(key: int, start: float) -> None:
    times = start + np.arange(0, 600, 0.5)
    values = noise(np.uint64(key), times)
    assert np.abs(values).max() <= 1
    assert np.abs(np.diff(values)).max() < 0.01


@given(st.integers(0, 1000), st.sampled_from(["a/b", ""]), st.sampled_from(SHAPES), st.floats(1.7e9, 1.9e9))
def test_one_value_is_what_the_history_says_of_that_time(seed: int, name: str, form: str, moment: float) -> None:
    curves, times = Curves(seed), moment + np.arange(-5, 5) * 300.0
    for of in (curves.load, lambda n, f, t: curves.cpu(n, f, 0.2, t), lambda n, f, t: curves.memory(n, f, 200, t)):
        assert of(name, form, times)[5] == of(name, form, np.array([times[5]]))[0]


def test_series_differ_by_name_and_seed_and_nothing_else() -> None:
    times = days(2)
    base = Curves(1).load("a/b", "flat", times)
    assert np.array_equal(base, Curves(1).load("a/b", "flat", times))
    for other in (Curves(2).load("a/b", "flat", times), Curves(1).load("a/c", "flat", times)):
        assert np.corrcoef(base, other)[0, 1] < 0.6


def test_a_month_drifts_and_has_steps_at_deployments() -> None:
    daily = Curves(3).load("billing/payments", "flat", days(60)).reshape(60, -1).mean(axis=1)
    assert abs(np.polyfit(np.arange(60), daily, 1)[0]) > 1e-5
    jumps = np.abs(np.diff(daily))
    assert jumps.max() > 3 * np.median(jumps)


def test_memory_hardly_follows_the_load_and_latency_does() -> None:
    times = days(7)
    curves = Curves(1)
    load, memory = curves.load("a/b", "office", times), curves.memory("a/b", "office", 100, times)
    assert memory.std() / memory.mean() < 0.1 < load.std() / load.mean()
    assert np.corrcoef(load, curves.latency("a/b", "office", 0.1, times))[0, 1] > 0.8


def test_a_volume_fills_slowly_up_to_its_present_level() -> None:
    times = days(30)
    used = Curves(1).growth("a/data-0", 1e9, times, float(times[-1]))
    assert 0 < used.min() < used[-1] < 1e9
    weekly = used[:: 7 * 288]
    assert (np.diff(weekly) > 0).all()


def test_a_moment_is_an_array_of_one() -> None:
    assert at(datetime(2026, 3, 4, 12, tzinfo=UTC)).tolist() == [datetime(2026, 3, 4, 12, tzinfo=UTC).timestamp()]
