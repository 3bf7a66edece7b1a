"""Load as a function of (seed, series, time): daily and weekly form, noise, drift, and steps at deployments.

Nothing is stored: a month of history, one value, or the present are all the same function. Arrays and single values go
through the same arithmetic, so that what metrics.k8s.io serves now is what history will show later.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
DAY_S, WEEK_S = 86_400.0, 604_800.0
_NOISE_STEP_S = 300.0
SHAPES = ("consumer", "office", "flat", "night", "dev")


def key_of(seed: int, *parts: str) -> np.uint64:
    """The number that stands for a series."""
    digest = hashlib.blake2b("/".join((str(seed), *parts)).encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "big"))


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64, a good hash of consecutive numbers (Steele, Lea, Flood: Fast Splittable PRNGs, 2014)."""
    with np.errstate(over="ignore"):
        value = value + np.uint64(0x9E3779B97F4A7C15)
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return value ^ (value >> np.uint64(31))


def _uniform(key: np.uint64, index: NDArray[np.int64]) -> Times:
    return (_mix(index.astype(np.uint64) ^ key) >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def noise(key: np.uint64, times: Times, step_s: float = _NOISE_STEP_S) -> Times:
    """Smooth noise around zero, between -1 and 1: random values at every step, joined by straight lines."""
    place = times / step_s
    index = np.floor(place).astype(np.int64)
    part = place - index
    return 2 * (_uniform(key, index) * (1 - part) + _uniform(key, index + 1) * part) - 1


def shape(name: str, times: Times) -> Times:
    """Load relative to its mean. Times are seconds since the epoch, UTC; the company works eight hours behind."""
    local = times - 8 * 3600
    hour = (local % DAY_S) / 3600
    weekday = (np.floor(local / DAY_S).astype(np.int64) + 3) % 7  # the epoch was a Thursday; Monday is 0
    weekend = weekday >= 5
    if name == "consumer":
        day = 1 + 0.45 * np.sin((hour - 9) / 24 * 2 * np.pi) + 0.12 * np.sin((hour - 4) / 12 * 2 * np.pi)
        return np.asarray(day * np.where(weekend, 1.18, 0.95))
    if name == "office":
        work = np.clip(np.minimum(hour - 6.5, 19 - hour) / 2, 0, 1)
        return np.asarray(0.45 + 1.1 * work * np.where(weekend, 0.15, 1.0))
    if name == "night":
        away = np.minimum(np.abs(hour - 2.5), 24 - np.abs(hour - 2.5))
        return np.asarray(0.6 + 2.2 * np.exp(-((away / 1.6) ** 2)))
    if name == "dev":
        work = np.clip(np.minimum(hour - 8, 18.5 - hour), 0, 1) * ~weekend
        return np.asarray(0.02 + 2.4 * work)
    return np.ones_like(times)


class Curves:
    """All curves of one world."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def load(self, name: str, form: str, times: Times) -> Times:
        """Relative load of a workload: form, noise, a slow drift, and a step every week or two (a deployment)."""
        key = key_of(self.seed, name, "load")
        drift = 1 + 0.0018 * (float(key >> np.uint64(40)) / float(1 << 24) - 0.35) * (times - 1.76e9) / DAY_S
        period = DAY_S * (6 + float((key >> np.uint64(8)) & np.uint64(7)))
        steps = 1 + 0.05 * (2 * _uniform(key, np.floor(times / period).astype(np.int64)) - 1)
        wobble = 1 + 0.09 * noise(key, times) + 0.05 * noise(key ^ np.uint64(77), times, 3600.0)
        return np.asarray(np.maximum(shape(form, times) * np.clip(drift, 0.7, 1.4) * steps * wobble, 0.005))

    def cpu(self, name: str, form: str, mean: float, times: Times) -> Times:
        """Cores of one replica when the usual number of them runs."""
        return np.asarray(mean * self.load(name, form, times))

    def memory(self, name: str, form: str, mean_mib: float, times: Times) -> Times:
        """Working set in bytes: mostly constant, a little with the load, a saw-tooth of a few hours."""
        key = key_of(self.seed, name, "memory")
        tooth = 0.04 * ((times / (3600 * (3 + float(key & np.uint64(3))))) % 1)
        part = 0.86 + 0.06 * np.minimum(self.load(name, form, times), 2) + tooth + 0.015 * noise(key, times)
        return np.asarray(mean_mib * 1024 * 1024 * np.minimum(part, 1.06))

    def requests(self, name: str, form: str, mean: float, times: Times) -> Times:
        """Requests per second of a workload."""
        return np.asarray(mean * self.load(name, form, times))

    def latency(self, name: str, form: str, mean_s: float, times: Times) -> Times:
        """95th percentile of response times; it grows with the load."""
        key = key_of(self.seed, name, "latency")
        return np.asarray(mean_s * (0.75 + 0.3 * self.load(name, form, times) ** 1.4) * (1 + 0.08 * noise(key, times)))

    def growth(self, name: str, capacity: float, times: Times, end: float) -> Times:
        """Bytes used on a volume: it fills slowly, up to about its present level."""
        key = key_of(self.seed, name, "disk")
        level = 0.25 + 0.45 * float(key >> np.uint64(11)) / float(1 << 53)
        per_day = 0.001 + 0.006 * float(key & np.uint64(1023)) / 1023
        return np.asarray(
            capacity * np.clip(level + per_day * (times - end) / DAY_S + 0.002 * noise(key, times, 7200), 0.01, 0.99)
        )


def at(moment: datetime) -> Times:
    """One moment as an array."""
    return np.array([moment.astimezone(UTC).timestamp()])
