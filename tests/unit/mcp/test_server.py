"""The protocol core: transport rules, lifecycle, errors, toolsets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.mcp.eras import HANDSHAKE_VERSIONS
from chalicelib.mcp.messages import HttpRequest
from tests.unit.mcp.twin import FewTools, a_server, ask, post

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@pytest.mark.parametrize("version", HANDSHAKE_VERSIONS)
def test_a_version_that_is_spoken_is_agreed_to(version: str) -> None:
    result = ask(a_server(), "initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": {}})["result"]
    assert result["protocolVersion"] == version
    assert result["serverInfo"] == {"name": "test", "version": "1.0", "title": "Test"}
    assert result["capabilities"] == {
        "tools": {"listChanged": False},
        "resources": {"listChanged": False, "subscribe": False},
        "prompts": {"listChanged": False},
        "completions": {},
    }


def test_an_unknown_version_is_answered_with_the_newest() -> None:
    assert (
        ask(a_server(), "initialize", {"protocolVersion": "1999-01-01"})["result"]["protocolVersion"]
        == HANDSHAKE_VERSIONS[0]
    )


def test_initialize_without_a_version_names_the_field() -> None:
    error = ask(a_server(), "initialize")["error"]
    assert (error["code"], error["data"]["field"]) == (-32602, "protocolVersion")


def test_a_notification_is_accepted_without_a_body() -> None:
    response = post(a_server(), {"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (response.status, response.body) == (202, b"")


def test_a_response_of_the_client_is_accepted() -> None:
    assert post(a_server(), {"jsonrpc": "2.0", "id": 9, "result": {}}).status == 202


def test_ping_answers_with_nothing() -> None:
    assert ask(a_server(), "ping")["result"] == {}


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_other_methods_than_post_are_not_allowed(method: str) -> None:
    response = a_server().handle(HttpRequest(method))
    assert (response.status, response.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
        ({"Content-Type": "Application/JSON"}, 200),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": ""}, 415),
        ({"Accept": "*/*"}, 200),
        ({"Accept": ""}, 200),
        ({"Accept": "application/json;q=0.9"}, 200),
        ({"Accept": "text/html"}, 406),
        ({"Accept": "application/json;q=0"}, 406),
        ({"MCP-Protocol-Version": "2025-06-18"}, 200),
        ({"mcp-protocol-version": "2025-11-25"}, 200),
        ({"MCP-Protocol-Version": "1999-01-01"}, 400),
    ],
)
def test_headers_are_checked(headers: dict[str, str], status: int) -> None:
    assert post(a_server(), PING, headers=headers).status == status


def test_a_foreign_origin_is_refused_where_origins_are_known() -> None:
    server = a_server(allowed_origins=frozenset({"https://ours.example"}))
    assert post(server, PING, headers={"Origin": "https://evil.example"}).status == 403
    assert post(server, PING, headers={"Origin": "https://ours.example"}).status == 200
    assert post(server, PING).status == 200


def test_a_body_that_is_too_large_is_refused() -> None:
    assert post(a_server(max_body_bytes=100), b" " * 101).status == 413


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{not json", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        ([PING], -32600),
        ([], -32600),
        ("text", -32600),
        ({"id": 1, "method": "ping"}, -32600),
        ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": None, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": True, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": {}, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": 5}, -32600),
        ({"jsonrpc": "2.0", "id": 1}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}, -32602),
    ],
)
def test_what_is_no_message_is_an_error_of_the_request(body: Any, code: int) -> None:
    response = post(a_server(), body)
    assert response.status == 400
    assert json.loads(response.body)["error"]["code"] == code


def test_an_unknown_method_keeps_the_id_of_its_request() -> None:
    answer = json.loads(post(a_server(), {"jsonrpc": "2.0", "id": "abc", "method": "nope"}).body)
    assert (answer["id"], answer["error"]["code"]) == ("abc", -32601)


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_bytes_get_an_answer(body: bytes) -> None:
    assert post(a_server(), body).status in (200, 202, 400, 413)


def test_a_call_gives_text_and_structured_content() -> None:
    result = ask(a_server(), "tools/call", {"name": "echo", "arguments": {"a": 1}})["result"]
    assert result["structuredContent"] == {"value": {"a": 1}}
    assert [c["text"] for c in result["content"]] == ["It was done.", '{"value":{"a":1}}']
    assert result["isError"] is False


def test_an_error_of_a_tool_is_a_result_with_code_message_and_remedy() -> None:
    result = ask(a_server(), "tools/call", {"name": "missing"})["result"]
    error = json.loads(result["content"][0]["text"])["error"]
    assert result["isError"] is True
    assert "structuredContent" not in result
    assert (error["code"], error["message"], error["remedy"]) == (
        "unknown_thing", "There is no such thing.", "Look elsewhere.",
    )  # fmt: skip


def test_an_unknown_tool_is_a_protocol_error_with_the_choices() -> None:
    error = ask(a_server(), "tools/call", {"name": "nope"})["error"]
    assert error["code"] == -32602
    assert error["data"]["valid"] == ["act", "broken", "echo", "missing", "slow"]


@pytest.mark.parametrize("params", [{}, {"name": 5}, {"name": "echo", "arguments": [1]}])
def test_a_malformed_call_names_the_field(params: dict[str, Any]) -> None:
    error = ask(a_server(), "tools/call", params)["error"]
    assert error["code"] == -32602
    assert error["data"]["field"] in ("name", "arguments")


def test_an_unexpected_failure_is_logged_and_tells_nothing() -> None:
    heard: list[Exception] = []
    answer = ask(a_server(on_error=heard.append), "tools/call", {"name": "broken"})
    assert answer["error"]["code"] == -32603
    assert "secret detail" not in json.dumps(answer)
    assert [str(e) for e in heard] == ["a secret detail"]


def test_lists_are_paged_in_a_stable_order() -> None:
    server = a_server(registry=FewTools(extra=11), page_size=4)
    names: list[str] = []
    cursor: str | None = None
    while True:
        result = ask(server, "tools/list", {"cursor": cursor} if cursor else {})["result"]
        names += [t["name"] for t in result["tools"]]
        cursor = result.get("nextCursor")
        if cursor is None:
            break
    assert names == [e.name for e in FewTools(extra=11).entries()]


@pytest.mark.parametrize("cursor", ["!!", "MA", "OTk5OmFiYw", ""])
def test_a_cursor_of_no_list_is_refused(cursor: str) -> None:
    assert ask(a_server(), "tools/list", {"cursor": cursor})["error"]["code"] == -32602


def test_a_cursor_of_another_selection_is_refused() -> None:
    server = a_server(registry=FewTools(extra=9), page_size=4)
    cursor = ask(server, "tools/list")["result"]["nextCursor"]
    answer = ask(server, "tools/list", {"cursor": cursor}, query={"toolsets": "analyze"})
    assert answer["error"]["code"] == -32602


@pytest.mark.parametrize(
    "choice",
    [{"query": {"toolsets": "observe"}}, {"headers": {"x-kubilitics-toolsets": "observe"}}],
)
def test_a_client_chooses_toolsets_by_url_or_header(choice: dict[str, Any]) -> None:
    names = [t["name"] for t in ask(a_server(), "tools/list", **choice)["result"]["tools"]]
    assert names == ["echo", "missing", "broken"]
    assert ask(a_server(), "tools/call", {"name": "act"}, **choice)["error"]["code"] == -32602


def test_read_only_leaves_out_every_tool_that_writes() -> None:
    choice = {"query": {"readonly": "true"}}
    assert "act" not in [t["name"] for t in ask(a_server(), "tools/list", **choice)["result"]["tools"]]
    assert ask(a_server(), "tools/call", {"name": "act"}, **choice)["error"]["data"]["code"] == "unknown_tool"


def test_an_unknown_toolset_is_named_with_the_valid_ones() -> None:
    response = post(a_server(), PING, query={"toolsets": "observe,nope"})
    error = json.loads(response.body)["error"]
    assert response.status == 400
    assert error["data"] == {"code": "unknown_toolset", "given": "nope", "valid": ["observe", "action", "all"]}


def test_all_tools_list_their_four_hints() -> None:
    for tool in ask(a_server(), "tools/list")["result"]["tools"]:
        assert len(tool["annotations"]) == 4
