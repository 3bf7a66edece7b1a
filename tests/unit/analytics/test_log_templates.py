"""Templates of log lines: what is one message, and what is new, surging, vanished, or of failing pods only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.analytics import log_templates
from chalicelib.analytics.drain import drain_miner
from chalicelib.analytics.log_templates import REST, Template, continues, mask_miner, templates_of
from chalicelib.tools.logs import Line

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
RECENT = timedelta(minutes=10)


def lines(*given: tuple[str, int | None], pod: str = "web-a", level: str = "info") -> list[Line]:
    """Lines with their age in minutes."""
    return [
        Line(n, text, None if age is None else NOW - timedelta(minutes=age), level, pod, "app")
        for n, (text, age) in enumerate(given, 1)
    ]


def change_of(found: Sequence[Line], text: str) -> str:
    templates, _ = templates_of(found, NOW, RECENT)
    return next(t.change for t in templates if t.text == text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("GET /item/17 took 12ms", "GET /item/2041 took 7ms"),
        ("dial tcp 10.0.3.7:5432: refused", "dial tcp 10.8.0.1:5433: refused"),
        ("2026-03-01T10:00:00Z ready", "2026-03-02 11:12:13,123 ready"),
        ("request 5f0c2a5e-7b1a-4a5e-9f63-1c2d3e4f5a6b failed", "request 00000000-7b1a-4a5e-9f63-1c2d3e4f5a6c failed"),
        ('lookup "db" failed', "lookup 'cache' failed"),
        (json.dumps({"msg": "slow", "ms": 12}), json.dumps({"msg": "slow", "ms": 1230})),
    ],
)
def test_one_message_is_one_template(one: str, other: str) -> None:
    assert len(set(mask_miner([one, other]))) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (json.dumps({"level": "error", "msg": "no route"}), json.dumps({"level": "error", "msg": "no space"})),
        ('level=error msg="no route"', 'level=error msg="no space"'),
        ("connected", "disconnected"),
        ("deadbeef", "decades"),
    ],
)
def test_different_messages_are_different_templates(one: str, other: str) -> None:
    assert len(set(mask_miner([one, other]))) == 2


def test_what_is_new_surging_or_vanished() -> None:
    usual = [("usual", age) for age in range(60)]
    found = lines(
        *usual, ("out of disk", 3), *[("retry", 30)], *[("retry", 2)] * 6, *[("heartbeat", age) for age in (40, 35, 30)]
    )
    assert change_of(found, "out of disk") == "new"
    assert change_of(found, "retry") == "surging"
    assert change_of(found, "heartbeat") == "vanished"
    assert change_of(found, "usual") == ""


def test_nothing_is_new_where_nothing_was_read_from_before_and_nothing_vanished_where_nothing_is_recent() -> None:
    assert change_of(lines(("boom", 3), ("usual", 2)), "boom") == ""
    assert change_of(lines(*[("heartbeat", age) for age in (40, 35, 30)]), "heartbeat") == ""


def test_lines_without_a_time_count_but_say_nothing_of_change() -> None:
    found, split = templates_of(lines(("plain", None), ("plain", None)), NOW, RECENT)
    assert [(t.count, t.change, t.first) for t in found] == [(2, "", None)]
    assert (split.recent, split.before) == (0, 0)


def test_what_every_failing_pod_says_and_no_well_one() -> None:
    found, _ = templates_of(
        lines(("no route", 3), ("hello", 3), pod="a")
        + lines(("no route", 4), ("hello", 4), ("only b", 4), pod="b")
        + lines(("hello", 5), pod="well"),
        NOW, RECENT, subjects={"a", "b"}, others={"well"},
    )  # fmt: skip
    assert [t.text for t in found if t.only_in] == ["no route"]


def test_without_siblings_nothing_is_said_of_them() -> None:
    found, _ = templates_of(lines(("no route", 3)), NOW, RECENT, subjects={"web-a"}, others=set())
    assert not found[0].only_in


def test_what_went_wrong_comes_before_what_is_frequent() -> None:
    found, _ = templates_of(lines(*[("usual", 1)] * 50) + lines(("broken", 1), level="error"), NOW, RECENT)
    assert [t.text for t in found] == ["broken", "usual"]


def test_random_text_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_templates, "MAX_TEMPLATES", 10)
    words = ["".join(chr(97 + (n // 26**k) % 26) for k in range(3)) for n in range(100)]
    found, _ = templates_of(lines(*[(word, 1) for word in words]), NOW, RECENT)
    assert len(found) == 11
    assert next(t.count for t in found if t.text == REST) == 90


@given(
    st.lists(st.tuples(st.sampled_from(["a 1", "a 2", "b", ""]), st.one_of(st.none(), st.integers(0, 90))), max_size=60)
)
def test_every_line_is_counted_once(given_lines: list[tuple[str, int | None]]) -> None:
    held = lines(*given_lines)
    found, split = templates_of(held, NOW, RECENT)
    assert sum(t.count for t in found) == len(held)
    assert split.recent + split.before == sum(1 for line in held if line.at is not None)
    assert all(_consistent(t) for t in found)


def _consistent(template: Template) -> bool:
    return template.recent + template.before <= template.count and len(template.lines) <= log_templates.LINES_KEPT


# The miner

SAYS = "connection from {} closed after handshake by peer"


def test_words_that_differ_become_a_wildcard_when_the_rest_is_one_message() -> None:
    found = set(drain_miner([SAYS.format(name) for name in ("alice", "bob", "carol")]))
    assert found == {SAYS.format("*")}


@pytest.mark.parametrize(
    ("one", "other"), [("link up", "link down"), ("disk full on /data now", "disk fine on /data now")]
)
def test_a_word_that_makes_the_message_keeps_it_apart(one: str, other: str) -> None:
    assert len(set(drain_miner([one, other]))) == 2


def test_frames_of_stack_traces_go_on_with_the_line_before() -> None:
    frames = [
        "\tat com.example.Cart.add(Cart.java:17)", "Caused by: java.net.ConnectException: refused", "... 12 more",
        '  File "app.py", line 3, in main', "goroutine 17 [running]:", "main.main()", "        /app/main.go:12 +0x1d",
    ]  # fmt: skip
    assert [f for f in frames if not continues(f)] == ["main.main()"]
    assert not continues("ERROR at startup: no route")


def test_lines_cost_bounded_memory_and_the_same_templates_each_time() -> None:
    many = [
        f"event {'abcdefghij'[i % 10]}{'klmnopqrst'[i // 10 % 10]} of user x{chr(97 + i % 26)} stored"
        for i in range(20_000)
    ]
    found = drain_miner(many)
    assert found == drain_miner(many)
    assert len(set(found)) <= 64 * 100
    one = drain_miner(["word " * 2_000_000])
    assert len(one[0]) <= 400


@given(st.lists(st.text(max_size=80), max_size=30))
def test_any_text_has_a_template(texts: list[str]) -> None:
    assert len(drain_miner(texts)) == len(texts)
