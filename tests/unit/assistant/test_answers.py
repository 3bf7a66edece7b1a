"""What every answer keeps: evidence that resolves, honesty about what is not known, and the same answer twice."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from chalicelib.api.models import chat
from chalicelib.assistant import AssistantContext, answer, frames_of
from chalicelib.assistant.intents import INTENTS
from chalicelib.errors import ClusterError, NotFound
from chalicelib.state.snapshot import Gap
from tests.unit.assistant.asking import a_conversation, ask, blocks_of, over, said, subject_of, view_of
from tests.unit.assistant.test_questions import QUESTIONS
from tests.unit.tools.recorded_views import DUMPS, a_context, a_view

INCIDENTS = json.loads((DUMPS / "incidents.answers.json").read_text(encoding="utf-8"))
SOME = [case["q"] for case in QUESTIONS if not case.get("after") and not case.get("screen")][::4]


@pytest.mark.parametrize("question", SOME)
def test_every_citation_resolves(question: str) -> None:
    conversation = a_conversation()
    found = conversation.ask(question)
    kept: Any = conversation.tools.store.evidence
    diagnosed = {e.id for p in view_of("incidents").diagnosis.problems for e in p.evidence}
    assert set(found.citations) <= set(kept.records) | diagnosed
    assert len(found.citations) == len(set(found.citations))


@pytest.mark.parametrize("question", SOME)
def test_the_same_question_has_the_same_answer(question: str) -> None:
    first, second = ask(question), ask(question)
    assert (first.blocks, first.citations, first.memory) == (second.blocks, second.citations, second.memory)


@pytest.mark.parametrize("question", SOME)
def test_blocks_are_those_of_the_contract(question: str) -> None:
    from pydantic import TypeAdapter

    TypeAdapter(list[chat.Block]).validate_python(json.loads(json.dumps(ask(question).blocks, default=str)))


def test_what_is_wrong_names_every_planted_fault() -> None:
    text = json.dumps(ask("what is wrong?").blocks)
    for planted in INCIDENTS:
        assert f'"name": "{planted["name"]}"' in text


@pytest.mark.parametrize("planted", INCIDENTS, ids=lambda p: f"{p['kind']}-{p['name']}")
def test_why_gives_the_cause_of_each_planted_fault(planted: dict[str, Any]) -> None:
    where = f"{planted['namespace']}/{planted['name']}" if planted["namespace"] else planted["name"]
    found = ask(f"why is {planted['kind'].lower()} {where} failing?")
    assert blocks_of(found, "problem")[0]["problem"]["mode"] == planted["mode"]
    assert found.citations


def test_a_healthy_cluster_has_no_fault_and_says_what_was_looked_at() -> None:
    text = said(ask("what is wrong?", "healthy"))
    assert "no fault" in text
    assert "87 of 87 pods" in text


def test_a_symptom_without_a_known_cause_is_not_explained_away() -> None:
    found = ask("why is payments-api slow?")
    assert "I can't tell" in said(found)
    assert "latency" in said(found)


def test_what_could_not_be_read_is_said_and_marks_the_answer() -> None:
    snapshot = view_of("incidents").snapshot
    without = {kind: objects for kind, objects in snapshot.objects.items() if kind != "Secret"}
    gap = Gap(kind="Secret", reason="forbidden", message="secrets is forbidden")
    conversation = over({"partial": [a_view(snapshot.replace(objects=without, gaps=(gap,)), "partial")]})
    found = conversation.ask("list secrets")
    assert found.degraded
    assert "forbidden" in said(found)
    assert "0 secrets" not in said(found)


def test_a_stale_reading_is_dated() -> None:
    view = a_view(view_of("incidents").snapshot, "old", note="The cluster does not answer.")
    found = over({"old": [view]}).ask("failing pods")
    assert found.degraded
    assert "2026-11-22 08:56 UTC" in said(found)
    assert "does not answer" in said(found)


def test_all_clusters_answer_and_the_silent_one_is_named() -> None:
    views = {"incidents": [view_of("incidents")], "healthy": [view_of("healthy")]}
    found = over(views, cluster="*", down={"prod-us"}).ask("failing pods")
    text = said(found)
    assert "2 of 3 clusters answered" in text
    assert "`prod-us` did not answer" in text
    assert found.degraded
    assert [t["total"] for t in blocks_of(found, "table")] == [23]


def test_in_all_clusters_asks_them_all() -> None:
    views = {"incidents": [view_of("incidents")], "healthy": [view_of("healthy")]}
    found = over(views, cluster="healthy").ask("what is wrong in all clusters?")
    assert "2 of 2 clusters answered" in said(found)
    assert blocks_of(found, "problem")


def test_an_unknown_cluster_is_an_error_with_the_choices() -> None:
    with pytest.raises(NotFound):
        answer("what is wrong?", AssistantContext(a_context("incidents"), "nope"))


def test_a_cluster_that_cannot_be_read_at_all_is_an_error() -> None:
    with pytest.raises(ClusterError):
        over({}, cluster="gone", down={"gone"}).ask("what is wrong?")


def test_changes_compare_with_the_reading_before() -> None:
    after = view_of("incidents").snapshot
    resumed = tuple(
        msgspec.structs.replace(c, spec=msgspec.structs.replace(c.spec, suspend=False)) for c in after.of("CronJob")
    )
    before = after.replace(objects={**after.objects, "CronJob": resumed}, taken_at=after.taken_at.replace(hour=7))
    found = over({"two": [a_view(before, "two"), a_view(after, "two")]}).ask("what changed in the last hour?")
    edited = [row for row in blocks_of(found, "table")[0]["rows"] if row["what"] == "edited"]
    assert [(row["resource"]["name"], row["detail"]) for row in edited] == [
        ("settlement", "/spec/suspend: False → True")
    ]
    assert "no earlier reading" not in said(found)


def test_nothing_is_executed_and_the_command_says_so() -> None:
    found = ask("scale catalog in shop to 5")
    action = blocks_of(found, "action")[0]
    assert action["command"] == "kubectl scale deployment/catalog -n shop --replicas=5"
    assert "Not executed" in action["text"]


@pytest.mark.parametrize(
    "asked", ["delete namespace legacy", "delete pvc data-kafka-0", "apply this manifest to checkout"]
)
def test_what_would_lose_data_gets_no_command(asked: str) -> None:
    assert blocks_of(ask(asked), "action") == []


def test_did_it_work_claims_no_deed() -> None:
    conversation = a_conversation()
    conversation.ask("restart auth-proxy")
    found = conversation.ask("did it work?")
    assert "changed nothing" in said(found)
    assert "kubectl rollout restart" in said(found)
    assert subject_of(found) == "Deployment platform/auth-proxy"


@pytest.mark.parametrize("name", [i.name for i in INTENTS])
def test_the_examples_of_an_intent_reach_it(name: str) -> None:
    from chalicelib.assistant.answers.talk import fill
    from chalicelib.assistant.desk import Desk
    from chalicelib.assistant.memory import Memory
    from chalicelib.assistant.turn import Turn

    tools = a_context("incidents", role="operator")
    investigator: Any = tools.investigator
    context = AssistantContext(tools, "incidents", investigations=investigator)
    desk = Desk(context, tools.clusters("incidents")[0])
    for example in INTENTS[name].examples:
        blank = Turn("", "", context, desk, Memory())
        question = fill(blank, example)
        assert INTENTS.route(Turn(question, question, context, desk, Memory())).name == name


@pytest.mark.parametrize("question", SOME[::2])
def test_every_suggestion_is_understood(question: str) -> None:
    conversation = a_conversation()
    for suggestion in conversation.ask(question).suggestions:
        followed = replace(conversation, memory=dict(conversation.memory)).ask(suggestion)
        assert followed.intent not in ("unknown", "reference")
        assert not followed.unparsed


@pytest.mark.parametrize(
    "question", ["why is catalog failing?", "failing pods in production", "describe catlog", "logs"]
)
def test_every_choice_is_a_question_that_needs_no_further_choice(question: str) -> None:
    choices = [item for block in blocks_of(ask(question), "choices") for item in block["items"]]
    assert choices
    for item in choices:
        assert blocks_of(ask(item["message"]), "choices") == []


def test_frames_come_in_order_and_end_once() -> None:
    found = ask("what is wrong?")
    types = [t for t, _ in frames_of(found)]
    assert types[0] == "status"
    assert types[-1] == "end"
    assert types.count("end") == 1
    assert types.count("block") == len(found.blocks)
    assert types.index("tool") < types.index("block")


def test_steps_are_measured_by_the_clock_that_is_given() -> None:
    ticks = iter(range(1000))
    context = AssistantContext(a_context("incidents"), "incidents", clock=lambda: float(next(ticks)))
    assert all(step.ms >= 1000 for step in answer("what is wrong?", context).steps)


def test_a_question_on_ten_thousand_pods_stays_small() -> None:
    found = ask("count pods per namespace", "scale")
    assert "10,000 pods" in said(found)
    assert len(json.dumps(found.blocks)) < 8192


@pytest.mark.parametrize("question", ["pods neither in shop", "pods unless in shop", "pods never mentioned in shop"])
def test_a_word_that_turns_a_condition_around_is_never_left_out(question: str) -> None:
    assert blocks_of(ask(question), "table") == []
