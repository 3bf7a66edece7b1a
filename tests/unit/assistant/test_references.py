"""Follow-ups find what they refer to, and say so when there is nothing."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.assistant.memory import Memory, title_of
from tests.unit.assistant.asking import a_conversation, blocks_of, said, subject_of

GRAFANA = {"kind": "Deployment", "namespace": "monitoring", "name": "grafana", "page": "detail"}


@pytest.mark.parametrize(
    ("before", "follow_up", "subject"),
    [
        ("why is webhook-dispatcher crashing?", "its logs", "Pod payments/webhook-dispatcher-7f7f7fc5dc-hg9fd"),
        ("why is webhook-dispatcher crashing?", "what depends on it?", "Deployment payments/webhook-dispatcher"),
        ("failing pods in shop", "describe the second one", "Pod shop/catalog-68466c597d-lgqxp"),
        ("failing pods in shop", "why is the last one failing?", "Pod shop/recommendations-5b5c495cd8-vcgw4"),
        ("failing pods in shop", "describe number 1", "Pod shop/catalog-68466c597d-7bpqm"),
        ("status of ledger service", "why?", "Service payments/ledger"),
        ("is kafka healthy?", "what about prometheus?", "StatefulSet monitoring/prometheus"),
        ("why is catalog in shop failing?", "and in staging?", "Deployment staging/catalog"),
        ("describe pod grafana-f75b6f94b-rr6gl", "describe that pod", "Pod monitoring/grafana-f75b6f94b-rr6gl"),
        ("why is grafana failing?", "events", "Deployment monitoring/grafana"),
    ],
)
def test_a_follow_up_finds_its_subject(before: str, follow_up: str, subject: str) -> None:
    conversation = a_conversation()
    conversation.ask(before)
    assert subject_of(conversation.ask(follow_up)) == subject


def test_and_in_another_namespace_keeps_the_filter() -> None:
    conversation = a_conversation()
    conversation.ask("failing pods in shop")
    found = conversation.ask("and in payments?")
    assert found.question == "failing pods in payments"
    assert "`payments`" in said(found)
    assert [r["namespace"] for r in blocks_of(found, "table")[0]["rows"]] == ["payments"]


def test_and_in_another_namespace_keeps_the_intent() -> None:
    conversation = a_conversation()
    conversation.ask("what is wrong in shop?")
    found = conversation.ask("same for dev")
    assert found.intent == "wrong"
    assert found.memory["namespace"] == "dev"


def test_a_list_of_one_is_what_why_asks_about() -> None:
    conversation = a_conversation()
    conversation.ask("suspended cronjobs")
    assert subject_of(conversation.ask("why?")) == "CronJob payments/settlement"


def test_why_after_a_list_of_many_is_a_question_back() -> None:
    conversation = a_conversation()
    conversation.ask("failing pods")
    assert blocks_of(conversation.ask("why?"), "choices")


@pytest.mark.parametrize("question", ["the second one", "describe the third pod", "why is the first one failing?"])
def test_a_reference_to_nothing_is_said(question: str) -> None:
    found = a_conversation().ask(question)
    assert found.intent == "reference"
    assert "no list before it" in said(found)


def test_a_place_beyond_the_list_is_said() -> None:
    conversation = a_conversation()
    conversation.ask("which nodes are cordoned?")
    assert "the last list had 1" in said(conversation.ask("describe the fifth one"))


@pytest.mark.parametrize(
    "question", ["why is this failing?", "why is it failing?", "why?", "why is this deployment down?"]
)
def test_the_screen_is_the_subject_when_nothing_is_named(question: str) -> None:
    assert subject_of(a_conversation(screen=GRAFANA).ask(question)) == "Deployment monitoring/grafana"


def test_a_named_object_wins_over_the_screen() -> None:
    assert subject_of(a_conversation(screen=GRAFANA).ask("why is checkout failing?")) == "Deployment shop/checkout"


def test_moving_to_another_page_moves_what_it_means() -> None:
    conversation = a_conversation()
    conversation.ask("why is checkout failing?")
    conversation.screen = GRAFANA
    assert subject_of(conversation.ask("why is it failing?")) == "Deployment monitoring/grafana"


def test_staying_on_a_page_keeps_what_the_conversation_is_about() -> None:
    conversation = a_conversation(screen=GRAFANA)
    conversation.ask("why is checkout failing?")
    assert subject_of(conversation.ask("what depends on it?")) == "Deployment shop/checkout"


@pytest.mark.parametrize(
    "stored", [{}, {"subject": "x"}, {"items": 3}, {"turns": "many"}, {"unknown": 1}, {"items": [{"kind": "Pod"}]}]
)
def test_memory_that_cannot_be_read_is_forgotten_not_an_error(stored: dict[str, Any]) -> None:
    assert isinstance(Memory.of(stored), Memory)


def test_memory_survives_its_stored_form() -> None:
    conversation = a_conversation()
    conversation.ask("failing pods in shop")
    assert Memory.of(conversation.memory).as_dict() == conversation.memory


def test_a_conversation_is_named_after_its_first_question() -> None:
    conversation = a_conversation()
    conversation.ask("why is checkout failing?")
    conversation.ask("its logs")
    assert conversation.memory["title"] == "Why is checkout failing"


def test_a_long_title_is_cut_at_a_word() -> None:
    title = title_of("please tell me " + "very " * 40 + "much")
    assert len(title) <= 61
    assert title.endswith("very…")


def test_the_page_of_an_investigation_is_spoken_of_until_another_is_begun() -> None:
    conversation = a_conversation()
    first = conversation.ask("investigate checkout in shop").memory["investigation"]
    second = conversation.ask("investigate catalog in shop").memory["investigation"]
    assert first != second
    conversation.screen = {"page": "investigation", "investigation": first}
    assert conversation.ask("what did you find?").memory["investigation"] == first
    third = conversation.ask("investigate grafana").memory["investigation"]
    assert conversation.ask("show the steps").memory["investigation"] == third


def test_a_page_of_an_investigation_that_is_gone_is_no_error() -> None:
    conversation = a_conversation(screen={"page": "investigation", "investigation": "iv_" + "a" * 26})
    assert "no investigation yet" in said(conversation.ask("what did you find?"))
