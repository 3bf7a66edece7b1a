"""Every question of tests/data/questions.json over the incidents recording: its intent, filter, subject and facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.assistant import Answer
from chalicelib.state.query import Vocabulary, parse
from tests.unit.assistant.asking import a_conversation, blocks_of, subject_of, view_of

QUESTIONS = json.loads((Path(__file__).parents[2] / "data" / "questions.json").read_text(encoding="utf-8"))


def answered(case: dict[str, Any]) -> Answer:
    conversation = a_conversation(screen=case.get("screen"), role=case.get("role", "operator"))
    for before in case.get("after", ()):
        conversation.ask(before)
    return conversation.ask(case["q"])


def wrong_with(case: dict[str, Any], found: Answer) -> list[str]:
    """What an answer misses of what is expected of it."""
    missed = [] if found.intent == case["intent"] else [f"intent is {found.intent}"]
    query = parse(found.question, Vocabulary.of(view_of("incidents").world))
    tables = blocks_of(found, "table")
    names = [row.get("name") for table in tables for row in table["rows"]]
    text = json.dumps(found.blocks, default=str, ensure_ascii=False).lower()
    chips = [[c.field, c.op, c.value] for c in query.chips]
    checks = {
        "kind": lambda kind: (query.kind or query.suggested_kind or "Pod") == kind,
        "chips": lambda wanted: all(chip in chips for chip in wanted),
        "total": lambda total: bool(tables) and tables[0]["total"] == total,
        "shown": lambda count: bool(tables) and len(tables[0]["rows"]) == count,
        "rows": lambda rows: all(name in names for name in rows),
        "without_rows": lambda rows: not any(name in names for name in rows),
        "subject": lambda subject: subject_of(found) == subject,
        "says": lambda words: all(word.lower() in text for word in words),
        "without": lambda words: not any(word.lower() in text for word in words),
        "blocks": lambda types: all(blocks_of(found, type_) for type_ in types),
        "cites": lambda cites: bool(found.citations) is cites,
    }
    missed += [f"{key}: {case[key]}" for key, holds in checks.items() if key in case and not holds(case[key])]
    return missed


@pytest.mark.parametrize("case", QUESTIONS, ids=lambda case: case["q"][:60] or "(empty)")
def test_the_question_is_answered(case: dict[str, Any]) -> None:
    assert wrong_with(case, answered(case)) == []


def test_the_suite_covers_every_intent_and_is_large_enough() -> None:
    from chalicelib.assistant.intents import INTENTS

    assert len(QUESTIONS) >= 120
    assert {i.name for i in INTENTS} <= {case["intent"] for case in QUESTIONS}
