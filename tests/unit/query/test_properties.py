"""What holds for every text: no exception, chips that name their words, an end to taking chips out, linear cost."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.state.query import parse
from chalicelib.state.query.lexer import lex
from tests.unit.query.rows import a_row, a_vocabulary

VOCABULARY = a_vocabulary()
WORDS = (
    "failing", "pods", "in", "shop", "not", "running", "with", "more", "than", "5", "restarts", "memory",
    "above", "1Gi", "cpu", ">", "500m", "top", "10", "by", "last", "hour", "since", "yesterday", "except",
    "kube-system", "and", "or", ",", "older", "10m", "app=checkout", "tier!=web", "name", "contains", "cart",
    "node", "ip-10-0-2-58", "per", "namespace", "without", "endpoints", "most", "high", "restarted", "today",
    "count", "how", "many", '"x y"', "(", ")", "=", "%", "80%", "the", "deployment", "checkout", "label",
    "production", "crashlooping", "images", "from", "registry.example.com", "sorted", "group", "of",
)  # fmt: skip
questions = st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)
ROWS = [a_row(f"pod-{i}", restarts=i, level=("ok", "crit")[i % 2]) for i in range(6)]


@given(st.text(max_size=200))
@settings(max_examples=400, deadline=None)
def test_no_text_raises(text: str) -> None:
    query = parse(text, VOCABULARY)
    query.apply(ROWS)
    query.groups(ROWS)
    assert all(chip.text in text for chip in query.chips)


@given(questions)
@settings(max_examples=400, deadline=None)
def test_chips_quote_the_question_and_rows_only_shrink(text: str) -> None:
    query = parse(text, VOCABULARY)
    assert all(chip.text and chip.text in text for chip in query.chips)
    names = [row["name"] for row in query.apply(ROWS)]
    assert len(names) == len(set(names)) <= len(ROWS)
    assert set(names) <= {row["name"] for row in ROWS}


@given(questions)
@settings(max_examples=300, deadline=None)
def test_taking_chips_out_one_by_one_ends_with_no_condition(text: str) -> None:
    query = parse(text, VOCABULARY)
    for _ in range(len(lex(text)) + 1):
        if not query.chips:
            break
        shorter = query.without(query.chips[0])
        assert len(shorter) < len(query.text)
        query = parse(shorter, VOCABULARY)
    assert query.conditions == ()
    assert query.sort == ""
    assert query.limit is None


@given(questions)
@settings(max_examples=200, deadline=None)
def test_the_same_question_is_understood_alike(text: str) -> None:
    assert parse(text, VOCABULARY) == parse(text, VOCABULARY)


def test_a_very_long_question_is_cut_rather_than_slow() -> None:
    assert len(lex("failing pods " * 10_000)) < 400


class CountedRow(dict):  # type: ignore[type-arg]
    """A row that counts how often it is looked at."""

    looks = 0

    def get(self, key: object, default: object = None) -> object:
        CountedRow.looks += 1
        return super().get(key, default)


def looks(text: str, count: int) -> int:
    CountedRow.looks = 0
    parse(text, VOCABULARY).apply([CountedRow(a_row(f"pod-{i}")) for i in range(count)])
    return CountedRow.looks


def test_the_cost_of_a_filter_grows_linearly() -> None:
    text = "failing pods in shop with more than 5 restarts"
    assert looks(text, 1000) == 10 * looks(text, 100)
