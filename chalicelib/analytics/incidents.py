"""Groups what happened into incidents, each with the change that most likely triggered it.

Signals (symptoms, events, changes) belong together when one object is near the other in the cluster's relations and
they are near in time. The trigger of a group is a change, or a node's own trouble, that came before the first symptom:
the nearer in time and in relations, the likelier. Pure: relations and times are arguments.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from chalicelib.state.meta import Ref

SignalType = Literal["symptom", "event", "change", "node"]

TOGETHER = timedelta(minutes=30)
"""Symptoms and events of near objects that began within it are one incident."""
BEFORE = timedelta(minutes=60)
"""How long before the first symptom a change may have triggered it."""
SLACK = timedelta(minutes=2)
"""Clocks differ, and a controller reports later than it acts."""
HALF_LIFE = timedelta(minutes=10)
"""A change that is so much earlier is half as likely the trigger."""
CHANGE_WEIGHT = {"changed": 1.0, "removed": 0.9, "node": 0.8, "added": 0.5}
"""What kinds of change trigger incidents, relative to a changed specification: by judgement, ordered as in faults of
configuration change studies (Gunawi et al. 2016, "Why does the cloud stop computing?", section 4)."""
SAME, NEAR = 1.0, 0.7
"""Whether the change is of an object that shows a symptom, or of one that it depends on."""
CLAIMED_FROM = 0.25
"""Below it no change is named as the trigger."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that happened. `what` says how an object changed; `cause` names the object whose fault explains it."""

    type: SignalType
    ref: Ref
    text: str
    at: datetime | None
    what: str = ""
    cause: Ref | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """A change that may have begun an incident; `confidence` is relative to the other changes, not a probability."""

    signal: Signal
    confidence: float
    before_s: float | None


@dataclass(frozen=True, slots=True)
class Incident:
    """Signals that belong together, the earliest first. `others` are further changes, most likely first."""

    signals: tuple[Signal, ...]
    trigger: Trigger | None
    others: tuple[Trigger, ...]
    started: datetime | None

    @property
    def symptoms(self) -> tuple[Signal, ...]:
        return tuple(s for s in self.signals if s.type == "symptom")

    @property
    def resources(self) -> tuple[Ref, ...]:
        return tuple(dict.fromkeys(s.ref for s in self.signals if s.type == "symptom"))


Nearness = Callable[[Ref], frozenset[Ref]]
"""Objects that an object depends on or that depend on it, itself among them."""


def group(signals: Iterable[Signal], near: Nearness) -> list[Incident]:
    """Incidents with a symptom, the latest begun first. Signals without any symptom near them are in none.

    What is said of an object several times counts once, at its first time.
    """
    every = sorted({(s.type, s.ref, s.text): s for s in sorted(signals, key=_order, reverse=True)}.values(), key=_order)
    parts = _joined(every, near)
    found = [_incident(part, near) for part in parts if any(s.type == "symptom" for s in part)]
    return sorted(found, key=lambda i: (-(i.started.timestamp() if i.started else math.inf), i.resources))


def _order(signal: Signal) -> tuple[float, str, Ref, str]:
    return (signal.at.timestamp() if signal.at else math.inf, signal.type, signal.ref, signal.text)


def _joined(signals: Sequence[Signal], near: Nearness) -> list[list[Signal]]:
    """Connected groups of signals. Only signals of near objects are compared, so that cost follows the relations."""
    by_ref: dict[Ref, list[int]] = defaultdict(list)
    for index, signal in enumerate(signals):
        by_ref[signal.ref].append(index)
    parent = list(range(len(signals)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for index, signal in enumerate(signals):
        around = near(signal.ref) | ({signal.cause} if signal.cause else set())
        for ref in around:
            for other in by_ref.get(ref, ()):
                if other != index and _together(signal, signals[other]):
                    parent[root(other)] = root(index)
    groups: dict[int, list[Signal]] = defaultdict(list)
    for index, signal in enumerate(signals):
        groups[root(index)].append(signal)
    return list(groups.values())


def _together(one: Signal, other: Signal) -> bool:
    """Whether two signals of near objects are one incident by their times."""
    if one.cause == other.ref or other.cause == one.ref:
        return True
    if one.at is None or other.at is None:
        # A symptom without a time is there now: it belongs to whatever is near it.
        return "symptom" in (one.type, other.type)
    changes = [s for s in (one, other) if s.type in ("change", "node")]
    if len(changes) == 2:
        return abs(one.at - other.at) <= TOGETHER
    if len(changes) == 1 and changes[0].at is not None:
        effect = other.at if changes[0] is one else one.at
        return -SLACK <= effect - changes[0].at <= BEFORE
    return abs(one.at - other.at) <= TOGETHER


def _incident(signals: list[Signal], near: Nearness) -> Incident:
    times = [s.at for s in signals if s.type == "symptom" and s.at is not None]
    started = min(times, default=None)
    unwell = {s.ref for s in signals if s.type == "symptom"}
    around = frozenset().union(*(near(ref) for ref in unwell)) if unwell else frozenset()
    weighed = [
        Trigger(s, round(score, 3), (started - s.at).total_seconds() if started and s.at else None)
        for s in signals
        if s.type in ("change", "node") and (score := _score(s, started, unwell, around)) > 0
    ]
    weighed.sort(key=lambda t: (-t.confidence, _order(t.signal)))
    first = weighed[0] if weighed and weighed[0].confidence >= CLAIMED_FROM else None
    return Incident(tuple(signals), first, tuple(weighed[1:] if first else weighed), started)


def _score(signal: Signal, started: datetime | None, unwell: set[Ref], around: frozenset[Ref]) -> float:
    """How likely a change began the incident, from 0 to 1; 0 for one that came after it."""
    place = SAME if signal.ref in unwell else NEAR if signal.ref in around else NEAR * NEAR
    weight = CHANGE_WEIGHT.get("node" if signal.type == "node" else signal.what, 0.5)
    if started is None or signal.at is None:
        return place * weight / 2
    early = (started - signal.at).total_seconds()
    if early < -SLACK.total_seconds() or early > BEFORE.total_seconds():
        return 0.0
    return float(place * weight * 0.5 ** (max(early, 0.0) / HALF_LIFE.total_seconds()))
