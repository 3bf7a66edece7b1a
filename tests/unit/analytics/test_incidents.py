from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.analytics.incidents import BEFORE, Incident, Nearness, Signal, SignalType, group
from chalicelib.state.meta import Ref

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
WEB, API, DB, NODE = (Ref("Deployment", "shop", n) for n in ("web", "api", "db", "node"))
CONFIG = Ref("ConfigMap", "shop", "api-config")


def signal(
    type_: SignalType, ref: Ref, minutes: float | None, text: str = "", what: str = "", cause: Ref | None = None
) -> Signal:
    at = NOW - timedelta(minutes=minutes) if minutes is not None else None
    return Signal(type_, ref, text or f"{type_} of {ref}", at, what or ("changed" if type_ == "change" else ""), cause)


def chain(*pairs: tuple[Ref, Ref]) -> Nearness:
    """Pairs of objects that depend on each other."""

    def near(ref: Ref) -> frozenset[Ref]:
        return frozenset({ref, *(b for a, b in pairs if a == ref), *(a for a, b in pairs if b == ref)})

    return near


def only(found: list[Incident]) -> Incident:
    assert len(found) == 1, found
    return found[0]


def test_a_symptom_shortly_after_a_change_of_its_own_object_is_triggered_by_it() -> None:
    found = only(group([signal("change", API, 25), signal("symptom", API, 20)], chain()))

    assert found.trigger is not None
    assert found.trigger.signal.ref == API
    assert found.trigger.before_s == 300
    assert found.started == NOW - timedelta(minutes=20)


def test_of_two_changes_the_nearer_in_time_and_in_relations_is_the_trigger() -> None:
    signals = [signal("change", CONFIG, 21), signal("change", API, 55), signal("symptom", API, 20)]
    found = only(group(signals, chain((API, CONFIG))))

    assert found.trigger is not None
    assert found.trigger.signal.ref == CONFIG
    assert [t.signal.ref for t in found.others] == [API]


def test_a_change_after_the_symptom_or_long_before_it_triggered_nothing() -> None:
    for minutes in (5, 20 + BEFORE.total_seconds() / 60 + 1):
        found = only(group([signal("change", API, minutes), signal("symptom", API, 20)], chain()))
        assert found.trigger is None


def test_a_change_of_something_that_is_not_near_is_left_out() -> None:
    found = only(group([signal("change", DB, 21), signal("symptom", WEB, 20)], chain((API, DB))))

    assert found.trigger is None
    assert len(found.signals) == 1


def test_symptoms_along_a_chain_are_one_incident_and_others_are_their_own() -> None:
    signals = [
        signal("symptom", DB, 22),
        signal("symptom", API, 20),
        signal("symptom", WEB, 18),
        signal("symptom", NODE, 20),
    ]
    found = group(signals, chain((WEB, API), (API, DB)))

    assert {frozenset(i.resources) for i in found} == {frozenset({WEB, API, DB}), frozenset({NODE})}


def test_symptoms_that_began_hours_apart_are_two_incidents_unless_one_explains_the_other() -> None:
    apart = [signal("symptom", DB, 400), signal("symptom", API, 20)]
    assert len(group(apart, chain((API, DB)))) == 2

    explained = [signal("symptom", DB, 400), signal("symptom", API, 20, cause=DB)]
    assert len(group(explained, chain())) == 1


def test_trouble_of_a_node_is_a_trigger() -> None:
    found = only(group([signal("node", NODE, 30, what="node"), signal("symptom", API, 28)], chain((API, NODE))))

    assert found.trigger is not None
    assert found.trigger.signal.ref == NODE


def test_a_symptom_without_a_time_belongs_to_what_is_near_it() -> None:
    found = only(group([signal("change", API, 5), signal("symptom", API, None)], chain()))
    assert found.trigger is not None
    assert found.started is None


def test_what_is_said_several_times_counts_once() -> None:
    found = only(
        group([signal("event", API, m, "BackOff") for m in (20, 18, 16)] + [signal("symptom", API, 20)], chain())
    )
    assert len(found.signals) == 2


@pytest.mark.parametrize("signals", [[], [signal("change", API, 5)], [signal("event", API, 5)]])
def test_without_a_symptom_there_is_no_incident(signals: list[Signal]) -> None:
    assert group(signals, chain()) == []


SIGNALS = st.lists(
    st.builds(
        signal, st.sampled_from(["symptom", "event", "change"]), st.sampled_from([WEB, API, DB, NODE]),
        st.one_of(st.none(), st.integers(0, 300)),
    ),
    max_size=12,
)  # fmt: skip


@given(SIGNALS, st.randoms())
def test_the_order_of_signals_does_not_count_and_none_is_in_two_incidents(
    signals: list[Signal], random: object
) -> None:
    near = chain((WEB, API), (API, DB))
    found = group(signals, near)
    shuffled = list(signals)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert group(shuffled, near) == found
    told = [s for i in found for s in i.signals]
    assert len(told) == len(set(told))
    assert {s.ref for s in signals if s.type == "symptom"} == {r for i in found for r in i.resources}
