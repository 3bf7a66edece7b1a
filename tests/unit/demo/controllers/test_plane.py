"""The plane itself, events, and that the same seed plays the same history."""

from __future__ import annotations

import orjson

from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.programs import Program
from tests.unit.demo.controllers.builders import SPACE, Sim


def history(seed: int) -> bytes:
    """Everything that is there after a busy quarter of an hour."""
    sim = Sim(seed=seed)
    sim.deployment(replicas=3)
    sim.service()
    sim.workload("DaemonSet", "agent")
    sim.run(60)
    sim.roll("2", program=Program(listens=(8080,), crash=("boom",)))
    sim.run(600)
    sim.plane.environment.stopped_kubelets[sim.nodes[0]] = sim.clock.now()
    sim.run(240)
    resources = {one.key for one in sim.api.resources if one.stored}
    return orjson.dumps([[row.object for row in sim.api.store.list(key)] for key in sorted(resources)])


def test_the_same_seed_plays_the_same_history_to_the_byte() -> None:
    assert history(5) == history(5)


def test_another_seed_plays_another_one() -> None:
    assert history(5) != history(6)


class Beats(Controller):
    """Notes when it is called."""

    name = "beats"
    kinds = ("ConfigMap",)

    def __init__(self, plane: object) -> None:
        super().__init__(plane)  # type: ignore[arg-type]
        self.seen: list[tuple[str, str]] = []

    def reconcile(self, key: Key) -> None:
        self.seen.append((key[1], self.api.now()[14:19]))


def beats(sim: Sim) -> Beats:
    made = Beats(sim.plane)
    sim.plane.add(made)
    return made


def test_a_change_wakes_its_controller_once_however_often_it_was_queued() -> None:
    sim = Sim()
    made = beats(sim)
    for value in "abc":
        sim.api.create("ConfigMap", {"metadata": {"name": f"m-{value}"}}, namespace=SPACE)
        sim.api.patch("ConfigMap", SPACE, f"m-{value}", {"data": {"a": value}})
    sim.settle()
    assert [name for name, _ in made.seen] == ["m-a", "m-b", "m-c"]


def test_timers_fire_in_the_order_of_time_and_the_earliest_of_a_key_counts() -> None:
    sim = Sim()
    made = beats(sim)
    for name, delay in (("late", 30), ("soon", 5), ("late", 10), ("late", 50)):
        made.wake(("", name), delay)
    sim.run(20)
    assert made.seen == [("soon", "00:05"), ("late", "00:10")]


def test_time_moves_only_when_told_and_never_back() -> None:
    sim = Sim()
    before = sim.clock.now()
    sim.clock.set(before.replace(year=2020))
    assert sim.clock.now() == before
    sim.run(90)
    assert (sim.clock.now() - before).total_seconds() == 90


def event(sim: Sim, message: str, times: int = 1) -> None:
    sim.plane.events.record("kubelet", sim.get("ConfigMap", "m"), "Warning", "Sick", message, times=times)


def sick(sim: Sim) -> list[dict[str, object]]:
    return [one for one in sim.api.list("Event") if one["reason"] == "Sick"]


def test_an_equal_event_is_counted_and_a_different_one_is_new() -> None:
    sim = Sim()
    sim.create("ConfigMap", "m")
    event(sim, "a")
    sim.run(30)
    event(sim, "a", times=3)
    event(sim, "b")
    first, second = sick(sim)
    assert (first["count"], second["count"]) == (4, 1)
    assert first["lastTimestamp"] > first["firstTimestamp"]  # type: ignore[operator]


def test_many_similar_events_are_combined() -> None:
    sim = Sim()
    sim.create("ConfigMap", "m")
    for number in range(14):
        event(sim, f"cannot create pod-{number}")
    found = sick(sim)
    assert len(found) == 10
    combined = next(one for one in found if str(one["message"]).startswith("(combined from similar events): "))
    assert combined["count"] == 5


def test_events_are_gone_an_hour_after_they_were_last_seen() -> None:
    sim = Sim()
    sim.create("ConfigMap", "m")
    event(sim, "a")
    sim.run(3500)
    assert sick(sim)
    sim.run(300)
    assert sick(sim) == []
