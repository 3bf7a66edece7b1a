"""Resources, prompts, completion, and progress."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.mcp.twin import a_server, ask, post


def test_documents_are_listed_in_pages_and_read() -> None:
    server = a_server(page_size=4)
    first = ask(server, "resources/list")["result"]
    second = ask(server, "resources/list", {"cursor": first["nextCursor"]})["result"]
    assert len(first["resources"]) == 4
    assert len(second["resources"]) == 3
    assert "nextCursor" not in second
    assert first["resources"][0] == {
        "uri": "test://one", "name": "one", "title": "One", "description": "A document.", "mimeType": "text/plain",
    }  # fmt: skip
    read = ask(server, "resources/read", {"uri": "test://one"})["result"]
    assert read == {"contents": [{"uri": "test://one", "mimeType": "text/plain", "text": "Hello."}]}


def test_families_of_documents_are_listed_apart() -> None:
    found = ask(a_server(), "resources/templates/list")["result"]["resourceTemplates"]
    assert [entry["uriTemplate"] for entry in found] == ["test://numbers/{n}"]


def test_an_unknown_document_has_its_own_code_and_a_remedy() -> None:
    error = ask(a_server(), "resources/read", {"uri": "test://nope"})["error"]
    assert (error["code"], error["data"]["code"], error["data"]["remedy"]) == (-32002, "unknown_resource", "List them.")


def test_a_cursor_of_another_list_is_refused() -> None:
    server = a_server(page_size=4)
    cursor = ask(server, "resources/list")["result"]["nextCursor"]
    assert ask(server, "tools/list", {"cursor": cursor})["error"]["data"]["field"] == "cursor"


def test_a_prompt_is_given_with_its_arguments() -> None:
    result = ask(a_server(), "prompts/get", {"name": "greet", "arguments": {"who": "Ana"}})["result"]
    assert result["messages"] == [{"role": "user", "content": {"type": "text", "text": "Hello, Ana."}}]
    listed = ask(a_server(), "prompts/list")["result"]["prompts"]
    assert listed[0]["arguments"] == [{"name": "who", "description": "Whom.", "required": True}]


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        ({"name": "nope"}, "unknown_prompt"),
        ({"name": "greet"}, "arguments.who"),
        ({"name": "greet", "arguments": {"who": ""}}, "arguments.who"),
        ({"name": "greet", "arguments": {"who": 5}}, "arguments.who"),
    ],
)
def test_a_prompt_without_what_it_needs_is_refused(params: dict[str, Any], wrong: str) -> None:
    error = ask(a_server(), "prompts/get", params)["error"]
    assert error["code"] == -32602
    assert wrong in (error["data"].get("field"), error["data"].get("code"))


def test_completion_gives_at_most_a_hundred_values_and_says_how_many_there_are() -> None:
    asked = {"ref": {"type": "ref/resource", "uri": "test://numbers/{n}"}, "argument": {"name": "n", "value": "1"}}
    assert ask(a_server(), "completion/complete", asked)["result"]["completion"] == {
        "values": [str(n) for n in range(1000) if str(n).startswith("1")][:100], "total": 111, "hasMore": True,
    }  # fmt: skip


def test_completion_of_nothing_names_the_field() -> None:
    asked = {"ref": {"type": "ref/prompt"}, "argument": {"name": "n", "value": "1"}}
    assert ask(a_server(), "completion/complete", asked)["error"]["data"]["field"] == "ref"


def slow(accept: str, meta: dict[str, Any] | None) -> Any:
    params: dict[str, Any] = {"name": "slow"} | ({"_meta": meta} if meta else {})
    message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
    return post(a_server(), message, headers={"Accept": accept})


def test_progress_that_was_asked_for_comes_before_the_result_in_one_finished_stream() -> None:
    response = slow("application/json, text/event-stream", {"progressToken": "p"})
    assert response.headers["Content-Type"] == "text/event-stream"
    messages = [json.loads(line[6:]) for line in response.body.decode().split("\n") if line.startswith("data: ")]
    assert [m["params"]["progress"] for m in messages[:-1]] == [0, 50, 100]
    assert {m["params"]["progressToken"] for m in messages[:-1]} == {"p"}
    assert (messages[-1]["id"], messages[-1]["result"]["isError"]) == (7, False)


@pytest.mark.parametrize(
    ("accept", "meta"),
    [
        ("application/json", {"progressToken": "p"}),
        ("application/json, text/event-stream", None),
        ("application/json, text/event-stream", {"progressToken": True}),
    ],
)
def test_progress_that_nobody_can_hear_is_left_out(accept: str, meta: dict[str, Any] | None) -> None:
    response = slow(accept, meta)
    assert response.headers["Content-Type"] == "application/json"
    assert json.loads(response.body)["result"]["isError"] is False
