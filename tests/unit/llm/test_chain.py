"""Fallbacks, retries, breaker, and what an answer states about itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chalicelib.llm.answers import Asked, KeptAnswers
from chalicelib.llm.chain import Chain, LlmUnavailable, Settled, Switched
from chalicelib.llm.errors import (
    LlmBadRequest,
    LlmBrokenStream,
    LlmCancelled,
    LlmOverloaded,
    LlmRateLimited,
    LlmUnauthorized,
)
from chalicelib.llm.events import Origin, Stop, TextDelta, ToolCallEnd, ToolCallStart, Usage
from chalicelib.llm.messages import Request, ToolCall, ToolSpec, user
from chalicelib.llm.stream import Limits
from chalicelib.state.ids import TenantId
from chalicelib.store.llm import LlmBudget
from tests.unit.llm.scripted import ACME, Scripted, World, said

LIMITS = Limits(lambda: 60.0)
BUSY = LlmOverloaded("busy")
REQUEST = Request("", [user("Why?")])


@pytest.fixture
def world() -> World:
    return World()


def run(chain: Chain, request: Request = REQUEST, limits: Limits = LIMITS) -> list[Any]:
    return list(chain.ask(request, limits))


def text(events: list[Any]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def settled(events: list[Any]) -> Settled:
    assert isinstance(events[-1], Settled)
    assert sum(isinstance(event, Settled) for event in events) == 1
    return events[-1]


def test_an_answer_states_provider_model_tokens_and_cost(world: World) -> None:
    events = run(world.chain(Scripted("first", [said("All ", "well.")])))
    assert text(events) == "All well."
    assert settled(events) == Settled("first", "m", Usage(100, 0, 0, 10), 0, False, ())


def test_a_busy_provider_is_tried_again_with_growing_waits(world: World) -> None:
    first = Scripted("first", [[BUSY], [BUSY], said("ok")])
    events = run(world.chain(first))
    assert (text(events), len(first.asked)) == ("ok", 3)
    assert world.waits == [0.375, 0.75]
    assert settled(events).degraded


def test_the_server_says_how_long_to_wait(world: World) -> None:
    run(world.chain(Scripted("first", [[LlmRateLimited("slow", retry_after_s=7)], said("ok")])))
    assert world.waits == [7]


def test_no_wait_is_longer_than_the_time_that_is_left(world: World) -> None:
    second = Scripted("second", [said("ok")])
    first = Scripted("first", [[LlmRateLimited("slow", retry_after_s=59)], said("never")])
    events = run(world.chain(first, second))
    assert (text(events), world.waits) == ("ok", [])


@pytest.mark.parametrize("error", [LlmUnauthorized("no"), LlmBadRequest("no")])
def test_a_permanent_error_goes_to_the_next_provider_at_once(world: World, error: Exception) -> None:
    first, second = Scripted("first", [[error]]), Scripted("second", [said("ok")])
    events = run(world.chain(first, second))
    assert (text(events), len(first.asked), world.waits) == ("ok", 1, [])
    assert [e for e in events if isinstance(e, Switched)] == [Switched("first", "second", "no", False)]
    assert settled(events).attempts[0].code == error.code  # type: ignore[attr-defined]


def test_a_stream_that_breaks_goes_on_elsewhere_and_says_so(world: World) -> None:
    first = Scripted("first", [[Origin("x", "m"), TextDelta("The pod is "), LlmBrokenStream("gone")]])
    second = Scripted("second", [said("out of memory.")])
    events = run(world.chain(first, second))
    assert text(events) == "The pod is out of memory."
    assert [e for e in events if isinstance(e, Switched)] == [Switched("first", "second", "gone", True)]
    assert len(first.asked) == 1, "what was said is not said again"
    assert [m.text for m in second.asked[0].messages][1] == "The pod is "
    assert settled(events).usage.estimated


def test_calls_of_a_broken_stream_are_never_given(world: World) -> None:
    call = ToolCall("c1", "action_scale_workload", {"replicas": 0})
    start = ToolCallStart(0, "c1", call.name)
    broken = [Origin("x", "m"), TextDelta("I will. "), start, ToolCallEnd(0, call), LlmBrokenStream("gone")]
    whole = [Origin("x", "m"), start, ToolCallEnd(0, call), Usage(1), Stop("tool")]
    events = run(world.chain(Scripted("first", [broken]), Scripted("second", [whole])))
    assert sum(isinstance(e, ToolCallEnd) for e in events) == 1


def test_when_nobody_answers_the_reasons_are_told(world: World) -> None:
    chain = world.chain(Scripted("first", [[LlmUnauthorized("bad key")]]), Scripted("second", [[BUSY]]))
    with pytest.raises(LlmUnavailable) as caught:
        run(chain)
    assert [(a.provider, a.code) for a in caught.value.attempts] == [
        ("first", "llm_unauthorized"), ("second", "llm_overloaded"), ("second", "llm_overloaded"),
        ("second", "llm_overloaded"),
    ]  # fmt: skip
    with pytest.raises(LlmUnavailable, match="No provider is set up"):
        run(world.chain())


def test_cancelling_asks_nobody_else(world: World) -> None:
    second = Scripted("second", [said("never")])
    with pytest.raises(LlmCancelled):
        run(world.chain(Scripted("first", [said("x")]), second), limits=Limits(lambda: 60.0, lambda: True))
    assert second.asked == []


def test_a_prompt_that_does_not_fit_goes_to_a_larger_model(world: World) -> None:
    small = Scripted("small", [said("never")])
    with pytest.raises(LlmUnavailable) as caught:
        run(world.chain(small, context_tokens=1000), Request("", [user("x" * 9000)]))
    assert (caught.value.attempts[0].code, small.asked) == ("llm_context_overflow", [])


def test_a_model_without_tools_is_asked_for_them_as_json(world: World) -> None:
    tool = ToolSpec("observe_pods", "Lists pods.", {"type": "object"})
    first = Scripted("first", [said('{"tool": "observe_pods", "arguments": {}}')])
    events = run(world.chain(first, tools=False), Request("", [user("?")], tools=(tool,)))
    assert [e.call.name for e in events if isinstance(e, ToolCallEnd)] == ["observe_pods"]


def test_five_failures_open_the_circuit_and_one_caller_tries_it_again(world: World) -> None:
    first, second = Scripted("first", [[BUSY]]), Scripted("second", [said("ok")])
    for _ in range(2):
        run(world.chain(first, second))
    asked = len(first.asked)
    events = run(world.chain(first, second))
    assert len(first.asked) == asked, "it rests"
    assert settled(events).attempts[0].code == "llm_circuit_open"
    world.now += timedelta(seconds=31)
    first.answers = [said("back")]
    assert world.breaker.allows(ACME, "first/m", world.now)
    assert not world.breaker.allows(ACME, "first/m", world.now), "one at a time"
    world.now += timedelta(seconds=31)
    assert text(run(world.chain(first, second))) == "back"
    assert text(run(world.chain(first, second))) == "back"


def test_permanent_errors_do_not_open_the_circuit(world: World) -> None:
    first = Scripted("first", [[LlmUnauthorized("bad key")]])
    for _ in range(8):
        with pytest.raises(LlmUnavailable):
            run(world.chain(first))
    assert len(first.asked) == 8


def test_circuits_of_tenants_are_apart(world: World) -> None:
    for _ in range(5):
        world.breaker.failed(ACME, "first/m", world.now)
    assert not world.breaker.allows(ACME, "first/m", world.now)
    assert world.breaker.allows(TenantId("other"), "first/m", world.now)


def test_a_budget_stops_a_call_before_it_is_made(world: World) -> None:
    world.store.llm.set_budgets(ACME, [LlmBudget(scope="tenant", period="month", tokens=100)])
    first = Scripted("first", [said("never")])
    with pytest.raises(LlmUnavailable) as caught:
        run(world.chain(first))
    assert (caught.value.attempts[0].code, first.asked) == ("llm_budget_exceeded", [])


def test_a_budget_that_is_nearly_used_is_told_once(world: World) -> None:
    world.store.llm.set_budgets(ACME, [LlmBudget(scope="tenant", period="month", tokens=5000)])
    first = Scripted("first", [said("ok", usage=Usage(2000, 0, 0, 10))])
    for _ in range(2):
        run(world.chain(first))
    assert [(w.what, w.used, w.limit) for w in world.warned] == [("tokens", 4020, 5000)]


def test_what_failed_calls_used_is_counted_too(world: World) -> None:
    broken = [Origin("x", "m"), TextDelta("x" * 400), LlmBrokenStream("gone")]
    run(world.chain(Scripted("first", [broken]), Scripted("second", [said("ok")])))
    counter = world.store.llm.counter(ACME, "2026-11")
    assert (counter.calls, counter.failed, counter.reserved) == (2, 1, ())
    assert counter.output_tokens == 110


def test_an_answer_that_is_left_in_the_middle_is_settled(world: World) -> None:
    events = world.chain(Scripted("first", [said("a", "b", "c")])).ask(REQUEST, LIMITS)
    next(events)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert world.store.llm.counter(ACME, "2026-11").reserved == ()


ASKED = Asked(("tools:read",), "c1", "s1", "Why is  cart down?", "t1", "m", "p1")


@pytest.mark.parametrize(
    "other",
    [{"permissions": ("tools:read", "x")}, {"cluster": "c2"}, {"state": "s2"}, {"question": "What?"}, {"tools": "t2"},
     {"model": "n"}, {"prompt": "p2"}],
    ids=str,
)  # fmt: skip
def test_a_kept_answer_is_for_the_same_question_alone(world: World, other: dict[str, Any]) -> None:
    kept = KeptAnswers(world.store.cache)
    kept.put(ACME, ASKED, {"text": "x"}, world.now)
    same = Asked(("tools:read",), "c1", "s1", "Why is cart down?", "t1", "m", "p1")
    changed = Asked(**{**{name: getattr(ASKED, name) for name in Asked.__slots__}, **other})
    assert kept.get(ACME, same, world.now) == {"text": "x"}
    assert kept.get(ACME, changed, world.now) is None
    assert kept.get(TenantId("other"), same, world.now) is None
    assert kept.get(ACME, same, world.now + timedelta(seconds=301)) is None
