"""Models without tools, and what the test of a provider learns."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.llm.capabilities import Capabilities, capabilities_of
from chalicelib.llm.events import Answer, collected
from chalicelib.llm.messages import Message, Request, ToolCall, ToolResult, ToolSpec, user
from chalicelib.llm.ports import Connection
from chalicelib.llm.probe import Probe, Prober
from chalicelib.llm.providers import provider_of
from chalicelib.llm.shim import ShimmedTools
from chalicelib.llm.stream import Limits, stream
from tests.functional.llm.dialects import DIALECTS, Said
from tests.functional.llm.wire_server import Played, WireServer, wire_server

COMPATIBLE = DIALECTS["compatible"]
TOOL = ToolSpec("observe_pods", "Lists pods.", {"type": "object", "properties": {"namespace": {"type": "string"}}})
LIMITS = Limits(lambda: 20.0)


@pytest.fixture(scope="module")
def kept() -> Iterator[WireServer]:
    with wire_server() as server:
        yield server


@pytest.fixture
def server(kept: WireServer) -> WireServer:
    kept.forget()
    return kept


def shimmed(server: WireServer, said: str, messages: list[Message] | None = None) -> Answer:
    server.play(COMPATIBLE.stream(Said(texts=[said[i : i + 7] for i in range(0, len(said), 7)])))
    provider = provider_of(Connection("compatible", "local", COMPATIBLE.base_url(server.url)))
    request = Request("m", messages or [user("Which pods?")], tools=(TOOL,))
    return collected(stream(ShimmedTools(provider), request, Capabilities(json_schema=True), LIMITS))


@pytest.mark.parametrize(
    "said",
    [
        '{"tool": "observe_pods", "arguments": {"namespace": "shop"}}',
        '```json\n{"tool": "observe_pods", "arguments": {"namespace": "shop"}}\n```',
        'I will look. {"tool": "observe_pods", "arguments": {"namespace": "shop"}} Wait.',
    ],
)
def test_a_call_in_the_text_is_a_call(server: WireServer, said: str) -> None:
    answer = shimmed(server, said)
    assert [(c.name, dict(c.arguments)) for c in answer.tool_calls] == [("observe_pods", {"namespace": "shop"})]
    assert answer.stop is not None
    assert answer.stop.reason == "tool"
    sent = server.asked[-1][1]
    assert "tools" not in sent
    assert "observe_pods" in sent["messages"][0]["content"]
    assert sent["response_format"]["type"] == "json_schema"


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ('{"answer": "All is well."}', "All is well."),
        ('{"tool": "", "answer": "All is well."}', "All is well."),
        ("All is well.", "All is well."),
        ("{not json", "{not json"),
        ('{"other": 1}', '{"other": 1}'),
    ],
)
def test_anything_else_is_an_answer(server: WireServer, said: str, text: str) -> None:
    answer = shimmed(server, said)
    assert (answer.text, answer.tool_calls) == (text, [])


def test_arguments_that_are_no_object_are_told(server: WireServer) -> None:
    call = shimmed(server, '{"tool": "observe_pods", "arguments": "shop"}').tool_calls[0]
    assert (dict(call.arguments), call.problem) == ({}, "The arguments are not a JSON object.")


def test_past_calls_and_results_are_told_as_text(server: WireServer) -> None:
    past = [
        user("Which pods?"),
        Message("assistant", (ToolCall("c", "observe_pods", {"namespace": "shop"}),)),
        Message("user", (ToolResult("c", "observe_pods", "three pods"),)),
    ]
    shimmed(server, "Three.", past)
    said = [message["content"] for message in server.asked[-1][1]["messages"][1:]]
    assert json.loads(said[1]) == {"tool": "observe_pods", "arguments": {"namespace": "shop"}}
    assert said[2] == "Result of observe_pods:\nthree pods"


def probed(server: WireServer, kind: Any, *answers: Played, model: str = "m") -> Probe:
    dialect = DIALECTS[kind]
    server.play(*answers)
    provider = provider_of(Connection(kind, "tested", dialect.base_url(server.url)))
    return Prober(provider, kind, model, LIMITS, time.perf_counter).run()


def test_a_full_server_is_learned_as_one(server: WireServer) -> None:
    found = probed(
        server, "compatible",
        COMPATIBLE.models("m", "n"),
        COMPATIBLE.stream(Said(texts=("o", "k"))),
        COMPATIBLE.stream(Said(texts=("ok",))),
        COMPATIBLE.stream(Said(calls=[("c", "ping", '{"word":"ok"}')], stop="tool")),
        COMPATIBLE.stream(Said(texts=('{"ok": true}',))),
    )  # fmt: skip
    assert found.ok
    assert [(step.name, step.ok) for step in found.steps] == [
        ("models", True), ("chat", True), ("usage", True), ("tools", True), ("json_schema", True),
    ]  # fmt: skip
    assert found.capabilities == Capabilities(tools=True, json_schema=True, stream_usage=True, known=True)
    assert found.models == ("m", "n")


def test_a_poor_server_is_learned_as_one(server: WireServer) -> None:
    found = probed(
        server, "compatible",
        COMPATIBLE.error(404, "no such route"),
        COMPATIBLE.stream(Said(texts=("ok",), usage=None)),
        COMPATIBLE.error(400, "unknown field stream_options"),
        COMPATIBLE.stream(Said(texts=("I am ping",))),
        COMPATIBLE.error(500, "only text and json_object"),
    )  # fmt: skip
    assert found.ok
    assert [step.ok for step in found.steps] == [False, True, False, False, False]
    assert found.capabilities == Capabilities(known=True)
    assert all(step.message for step in found.steps)


@pytest.mark.parametrize("kind", DIALECTS)
def test_a_wrong_key_ends_the_test_with_what_the_server_said(server: WireServer, kind: str) -> None:
    found = probed(server, kind, DIALECTS[kind].error(401, "invalid key"))  # type: ignore[index]
    assert not found.ok
    assert "invalid key" in found.steps[-1].message
    assert len(found.steps) == 2


def test_known_models_have_their_profile_from_data() -> None:
    assert capabilities_of("anthropic", "claude-sonnet-5-5").context_tokens == 1_000_000
    assert capabilities_of("openai", "gpt-5.4-mini").output_limit == "max_completion_tokens"
    unknown = capabilities_of("compatible", "my-model")
    assert (unknown.known, unknown.tools) == (False, False)
    assert not capabilities_of("anthropic", "claude-9").known
