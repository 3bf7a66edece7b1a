"""One suite for every provider: chat, stream, parallel tools, errors, usage, cancelling, deadline. Real SDKs and HTTP.

Every answer comes in pieces that are cut at random places, also inside characters, lines and JSON.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.llm.capabilities import Capabilities, ProviderKind
from chalicelib.llm.errors import (
    LlmAnswerTooLarge,
    LlmBadRequest,
    LlmBrokenStream,
    LlmCancelled,
    LlmError,
    LlmModelUnknown,
    LlmOverflow,
    LlmOverloaded,
    LlmQuotaExceeded,
    LlmRateLimited,
    LlmTimeout,
    LlmUnauthorized,
    LlmUnreachable,
)
from chalicelib.llm.events import Answer, ToolCallDelta, ToolCallStart, Usage, collected
from chalicelib.llm.messages import Message, Request, Text, Thinking, ToolCall, ToolResult, ToolSpec, user
from chalicelib.llm.ports import Connection, Provider
from chalicelib.llm.providers import provider_of
from chalicelib.llm.stream import Limits, stream
from tests.functional.llm.dialects import DIALECTS, Dialect, Said
from tests.functional.llm.wire_server import Played, WireServer, wire_server

ALL = Capabilities(context_tokens=100_000, tools=True, json_schema=True, stream_usage=True)
TOOLS = (
    ToolSpec("observe_pods", "Lists pods.", {"type": "object", "properties": {"namespace": {"type": "string"}}}),
    ToolSpec("analyze_logs", "Reads logs.", {"type": "object", "properties": {"pod": {"type": "string"}}}),
)
TWO_CALLS = (
    ("call_a", "observe_pods", '{"namespace": "größe-ünïcode", "limit": 5}'),
    ("call_b", "analyze_logs", '{"pod": "web-1", "since": {"minutes": 10}}'),
)


class Case:
    """A provider against its fake server."""

    def __init__(self, dialect: Dialect, server: WireServer, url: str = "") -> None:
        self.dialect, self.server = dialect, server
        self.provider: Provider = provider_of(
            Connection(dialect.kind, dialect.kind, dialect.base_url(url or server.url), key="test-key-of-nobody")
        )

    def events(self, *answers: Played, limits: Limits | None = None, **request: Any) -> Iterator[Any]:
        self.server.play(*answers)
        asked = Request("the-model", **{"messages": [user("Why?")], **request})
        return stream(self.provider, asked, ALL, limits or Limits(lambda: 20.0))

    def ask(self, said: Said, **more: Any) -> Answer:
        return collected(self.events(self.dialect.stream(said), **more))

    @property
    def sent(self) -> dict[str, Any]:
        path, body = self.server.asked[-1]
        assert path.endswith(self.dialect.path)
        return body


@pytest.fixture(scope="module", params=DIALECTS)
def kept(request: pytest.FixtureRequest) -> Iterator[Case]:
    with wire_server() as server:
        yield Case(DIALECTS[request.param], server)


@pytest.fixture
def case(kept: Case) -> Case:
    """A provider whose server has not been asked anything yet."""
    kept.server.forget()
    return kept


def until_it_breaks(events: Iterator[Any]) -> Answer:
    """What came before the stream broke."""
    answer = Answer()

    def read() -> None:
        for event in events:
            answer.add(event)

    with pytest.raises(LlmBrokenStream):
        read()
    return answer


def test_a_chat_is_answered_with_text_usage_and_origin(case: Case) -> None:
    answer = case.ask(Said(texts=("The pod ", "is ✗ crashing: ", "größe.")))
    assert answer.text == "The pod is ✗ crashing: größe."
    assert answer.stop is not None
    assert answer.stop.reason == "end"
    assert answer.origin is not None
    assert (answer.origin.provider, answer.origin.model) == (case.dialect.kind, "the-model")


def test_usage_has_the_same_meaning_everywhere(case: Case) -> None:
    usage = case.ask(Said(texts=("x",))).usage
    expected = Usage(input=125, output=30) if case.dialect.kind == "ollama" else Usage(100, 20, 5, 30)
    assert usage == expected
    assert usage.prompt == 125


def test_usage_that_a_server_does_not_give_is_estimated_and_says_so(case: Case) -> None:
    if case.dialect.kind == "anthropic":
        pytest.skip("the Messages API has no answer without usage")
    usage = case.ask(Said(texts=("x" * 400,), usage=None), messages=[user("y" * 800)]).usage
    assert usage == Usage(input=200, output=100, estimated=True)


@pytest.mark.parametrize("seed", range(6))
def test_two_parallel_calls_arrive_whole_however_the_stream_is_cut(case: Case, seed: int) -> None:
    case.server.forget(seed)
    answer = case.ask(Said(texts=("Let me look.",), calls=TWO_CALLS, stop="tool"), tools=TOOLS)
    assert [(c.name, dict(c.arguments), c.problem) for c in answer.tool_calls] == [
        ("observe_pods", {"namespace": "größe-ünïcode", "limit": 5}, ""),
        ("analyze_logs", {"pod": "web-1", "since": {"minutes": 10}}, ""),
    ]
    assert len({c.id for c in answer.tool_calls}) == 2
    assert answer.stop is not None
    assert answer.stop.reason == "tool"


def test_the_pieces_of_a_call_follow_its_start(case: Case) -> None:
    events = list(case.events(case.dialect.stream(Said(calls=TWO_CALLS, stop="tool")), tools=TOOLS))
    starts = [e for e in events if isinstance(e, ToolCallStart)]
    assert [s.name for s in starts] == ["observe_pods", "analyze_logs"]
    for start in starts:
        pieces = [e for e in events if isinstance(e, ToolCallDelta) and e.index == start.index]
        assert "".join(p.text for p in pieces).startswith("{")
        assert events.index(start) < events.index(pieces[0])


@pytest.mark.parametrize(
    "habit", [{"repeats_names": True}, {"whole_calls": True}, {"without_ids": True}, {"stop": "end"}], ids=str
)
def test_the_habits_of_compatible_servers_make_no_difference(case: Case, habit: dict[str, Any]) -> None:
    answer = case.ask(Said(**{"calls": TWO_CALLS, "stop": "tool", **habit}), tools=TOOLS)
    assert [c.name for c in answer.tool_calls] == ["observe_pods", "analyze_logs"]
    assert answer.tool_calls[1].arguments == {"pod": "web-1", "since": {"minutes": 10}}
    assert all(c.id for c in answer.tool_calls)
    if case.dialect.kind != "anthropic":
        assert answer.stop is not None
        assert answer.stop.reason == "tool"


@pytest.mark.parametrize("arguments", ['{"pod": ', "[1]", "nonsense"])
def test_arguments_that_are_no_object_are_told_and_empty(case: Case, arguments: str) -> None:
    if case.dialect.kind == "ollama":
        pytest.skip("Ollama sends arguments as JSON objects")
    call = case.ask(Said(calls=[("call_a", "analyze_logs", arguments)], stop="tool"), tools=TOOLS).tool_calls[0]
    assert (dict(call.arguments), bool(call.problem)) == ({}, True)


def test_thinking_is_kept_apart_from_the_answer(case: Case) -> None:
    answer = case.ask(Said(thought="Hmm, the exit code is 137.", texts=("Out of memory.",)))
    assert answer.text == "Out of memory."
    kept = [part for part in answer.parts if isinstance(part, Thinking)]
    if case.dialect.kind == "anthropic":
        assert kept == [
            Thinking("anthropic", {"type": "thinking", "thinking": "Hmm, the exit code is 137.", "signature": "sig=="})
        ]


def test_a_turn_with_calls_and_results_is_sent_as_the_provider_wants_it(case: Case) -> None:
    block = {"type": "thinking", "thinking": "Hmm.", "signature": "sig=="}
    said = Message("assistant", (
        Thinking("anthropic", block), Text("Let me look."),
        ToolCall("call_a", "observe_pods", {"namespace": "shop"}), ToolCall("call_b", "analyze_logs", {"pod": "x"}),
    ))  # fmt: skip
    results = Message("user", (
        ToolResult("call_a", "observe_pods", "three pods"), ToolResult("call_b", "analyze_logs", "no such pod", True),
    ))  # fmt: skip
    case.ask(Said(texts=("ok",)), messages=[user("Why?"), said, results], system="Be honest.", tools=TOOLS)
    sent = case.sent["messages"]
    if case.dialect.kind == "anthropic":
        assert [m["role"] for m in sent] == ["user", "assistant", "user"]
        assert sent[1]["content"][0] == block
        assert [p["type"] for p in sent[1]["content"]] == ["thinking", "text", "tool_use", "tool_use"]
        assert [(p["tool_use_id"], p["is_error"]) for p in sent[2]["content"]] == [("call_a", False), ("call_b", True)]
        assert case.sent["system"][0]["cache_control"] == {"type": "ephemeral"}
        assert [t["name"] for t in case.sent["tools"]] == ["analyze_logs", "observe_pods"]
        return
    assert [m["role"] for m in sent] == ["system", "user", "assistant", "tool", "tool"]
    assert [c["function"]["name"] for c in sent[2]["tool_calls"]] == ["observe_pods", "analyze_logs"]
    key = "tool_name" if case.dialect.kind == "ollama" else "tool_call_id"
    assert [m[key] for m in sent[3:]] == (
        ["observe_pods", "analyze_logs"] if case.dialect.kind == "ollama" else ["call_a", "call_b"]
    )
    assert [t["function"]["name"] for t in case.sent["tools"]] == ["analyze_logs", "observe_pods"]


def test_an_answer_can_be_bound_to_a_schema(case: Case) -> None:
    schema = {"type": "object", "properties": {"cause": {"type": "string"}}}
    case.ask(Said(texts=('{"cause": "x"}',)), output_schema=schema)
    assert str(schema["properties"]) in str(case.sent)


@pytest.mark.parametrize("stop", ["length", "refusal", "overflow", "pause", "something_new"])
def test_every_reason_to_stop_has_its_name(case: Case, stop: str) -> None:
    if stop not in case.dialect.stops and stop != "something_new":
        pytest.skip("this API has no such reason")
    answer = case.ask(Said(texts=("x",), stop=stop))
    assert answer.stop is not None
    assert answer.stop.reason == ("other" if stop == "something_new" else stop)


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (401, "invalid x-api-key", LlmUnauthorized),
        (403, "not allowed", LlmUnauthorized),
        (402, "no money", LlmQuotaExceeded),
        (429, "You exceeded your current quota, insufficient_quota", LlmQuotaExceeded),
        (429, "slow down", LlmRateLimited),
        (404, "model not found", LlmModelUnknown),
        (400, "temperature is not supported", LlmBadRequest),
        (400, "This model's maximum context length is 8192 tokens", LlmOverflow),
        (400, "prompt is too long: 250000 tokens > 200000 maximum", LlmOverflow),
        (413, "request too large", LlmOverflow),
        (422, "unprocessable", LlmBadRequest),
        (408, "timeout", LlmTimeout),
        (500, "internal", LlmOverloaded),
        (503, "loading model", LlmOverloaded),
        (529, "overloaded", LlmOverloaded),
    ],
)
def test_each_class_of_error_is_known_by_its_kind(case: Case, status: int, message: str, error: type[LlmError]) -> None:
    with pytest.raises(LlmError) as caught:
        list(case.events(case.dialect.error(status, message)))
    assert type(caught.value) is error
    assert caught.value.remedy
    assert len(case.server.asked) == 1, "retries are not the SDK's"


def test_a_wait_that_the_server_asks_for_is_heard(case: Case) -> None:
    with pytest.raises(LlmRateLimited) as caught:
        list(case.events(case.dialect.error(429, "slow down", **{"retry-after": "7"})))
    assert caught.value.retry_after_s == 7


def test_an_error_message_with_a_key_in_it_is_redacted(case: Case) -> None:
    with pytest.raises(LlmUnauthorized) as caught:
        list(case.events(case.dialect.error(401, "Incorrect API key provided: sk-proj-abcdefghijklmnopqrstuvwx")))
    assert "sk-proj" not in str(caught.value)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_an_answer_that_breaks_off_is_an_error_after_what_came(case: Case, share: float) -> None:
    played = case.dialect.stream(Said(texts=["word "] * 30))
    played.cut = int(len(played.body) * share)
    answer = until_it_breaks(case.events(played))
    assert answer.text.startswith("word ")
    assert answer.stop is None


def test_an_error_inside_a_stream_is_no_end_of_it(case: Case) -> None:
    played = case.dialect.stream(Said(texts=["word "] * 4))
    lines = played.body.split(b"\n")
    played.body = b"\n".join(lines[: len(lines) // 2]).rpartition(b"\n\n" if b"\n\n" in played.body else b"\n")[0]
    played.body += (b"\n\n" if case.dialect.kind != "ollama" else b"\n") + case.dialect.error_inside()
    with pytest.raises(LlmOverloaded):
        list(case.events(played))


def test_a_call_in_a_broken_stream_is_never_whole(case: Case) -> None:
    played = case.dialect.stream(Said(texts=("Let me look.",), calls=TWO_CALLS, stop="tool"))
    played.cut = played.body.index(b"analyze_logs")
    answer = until_it_breaks(case.events(played, tools=TOOLS))
    assert answer.stop is None
    assert "analyze_logs" not in [call.name for call in answer.tool_calls]


def test_cancelling_ends_a_silent_stream_at_once_and_closes_the_connection(case: Case) -> None:
    played = case.dialect.stream(Said(texts=["word "] * 30))
    played.pause_at, played.pause_s = len(played.body) // 2, 20
    cancelled = threading.Event()
    threading.Timer(0.3, cancelled.set).start()
    began = time.monotonic()
    with pytest.raises(LlmCancelled):
        list(case.events(played, limits=Limits(lambda: 30.0, cancelled.is_set)))
    assert time.monotonic() - began < 5
    assert case.server.closed.wait(5)


@pytest.mark.parametrize("at", [0, 200])
def test_the_deadline_ends_a_silent_server(case: Case, at: int) -> None:
    played = case.dialect.stream(Said(texts=["word "] * 30))
    played.pause_at, played.pause_s = at, 20
    until = time.monotonic() + 0.5
    with pytest.raises(LlmTimeout):
        list(case.events(played, limits=Limits(lambda: until - time.monotonic())))
    assert time.monotonic() - until < 4


def test_no_time_left_asks_nobody(case: Case) -> None:
    with pytest.raises(LlmTimeout):
        list(case.events(case.dialect.stream(Said()), limits=Limits(lambda: 0.0)))
    assert case.server.asked == []


def test_a_server_that_is_not_there_is_unreachable() -> None:
    for dialect in DIALECTS.values():
        provider = provider_of(Connection(dialect.kind, "gone", dialect.base_url("http://127.0.0.1:9")))
        with pytest.raises(LlmUnreachable):
            list(stream(provider, Request("m", [user("x")]), ALL, Limits(lambda: 5.0)))


def test_an_answer_without_end_is_cut(case: Case) -> None:
    with pytest.raises(LlmAnswerTooLarge):
        case.ask(Said(texts=["x" * 500] * 30), max_output_tokens=100)


def test_silence_is_a_broken_stream(case: Case) -> None:
    with pytest.raises(LlmBrokenStream):
        list(case.events(Played(b"", media="text/event-stream")))


@pytest.mark.parametrize("body", [b"<html>gateway</html>", b"\x00\xff\xfe", b'{"a": 1}\n', b"data: nonsense\n\n"])
def test_nonsense_is_an_error_and_no_crash(case: Case, body: bytes) -> None:
    with pytest.raises(LlmError):
        list(case.events(Played(body)))


def test_models_are_listed(case: Case) -> None:
    case.server.play(case.dialect.models("a-model", "b-model"))
    assert list(case.provider.models(10)) == ["a-model", "b-model"]
    case.server.play(case.dialect.error(401, "no"))
    with pytest.raises(LlmUnauthorized):
        case.provider.models(10)


def test_the_key_goes_only_into_its_header(case: Case) -> None:
    case.ask(Said(texts=("x",)))
    headers = case.server.headers[-1]
    assert "test-key-of-nobody" in (headers.get("x-api-key", "") + headers.get("authorization", ""))
    assert "test-key-of-nobody" not in str(case.server.asked)
    assert "test-key-of-nobody" not in repr(Connection(case.dialect.kind, "x", key="test-key-of-nobody"))


def test_what_the_fake_plays_for_ollama_is_what_its_official_client_reads() -> None:
    import ollama

    with wire_server() as server:
        server.play(DIALECTS["ollama"].stream(Said(texts=("Hi ", "there"), calls=TWO_CALLS, thought="Hmm")))
        parts = list(ollama.Client(server.url).chat("the-model", [{"role": "user", "content": "x"}], stream=True))
        server.play(DIALECTS["ollama"].models("a-model"))
        listed = ollama.Client(server.url).list()
    assert "".join(part.message.content or "" for part in parts) == "Hi there"
    calls = [call for part in parts for call in part.message.tool_calls or ()]
    assert [call.function.name for call in calls] == ["observe_pods", "analyze_logs"]
    assert (parts[-1].done, parts[-1].prompt_eval_count, parts[-1].eval_count) == (True, 125, 30)
    assert [model.model for model in listed.models] == ["a-model"]


def test_ollamas_window_is_sized_from_the_prompt_and_a_full_one_is_told() -> None:
    with wire_server() as server:
        case = Case(DIALECTS["ollama"], server)
        case.ask(Said(texts=("x",)), messages=[user("y" * 16_000)], max_output_tokens=500)
        assert case.sent["options"] == {"num_ctx": 6144, "num_predict": 500}
        answer = case.ask(Said(texts=("x",), usage=(6144, 0, 0, 1)), messages=[user("y" * 16_000)])
        assert answer.stop is not None
        assert answer.stop.reason == "overflow"


@pytest.mark.parametrize("kind", DIALECTS)
def test_a_name_is_dialled_at_its_judged_addresses_under_its_own_name(
    kind: ProviderKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens at the first address; the second answers, and hears the name in the Host header."""
    from chalicelib import network

    looked_up: list[str] = []

    def resolve(host: str, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        looked_up.append(host)
        return [(0, 0, 0, "", ("127.0.0.99", 0)), (0, 0, 0, "", ("127.0.0.1", 0))]

    with wire_server() as server:
        port = server.url.rpartition(":")[2]
        monkeypatch.setattr(network.socket, "getaddrinfo", resolver_with("models.example", resolve))
        case = Case(DIALECTS[kind], server, f"http://models.example:{port}")
        assert case.ask(Said(texts=("ok",))).text == "ok"
        assert server.headers[-1]["host"] == f"models.example:{port}"
    assert looked_up == ["models.example"]


def resolver_with(name: str, resolve: Any) -> Any:
    """The system's resolver with an answer of our own for one name."""
    from socket import getaddrinfo

    return lambda host, *more, **rest: (resolve if host == name else getaddrinfo)(host, *more, **rest)
