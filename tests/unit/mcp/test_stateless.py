"""2026-07-28: no handshake; the envelope of each request, and what its results carry."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.mcp.eras import CAPABILITIES_KEY, SERVER_INFO_KEY, VERSION_KEY
from tests.unit.mcp.twin import FewTools, a_server, ask_stateless, post

META = {VERSION_KEY: "2026-07-28", CAPABILITIES_KEY: {}}


def result(method: str, params: dict[str, Any] | None = None) -> Any:
    response = ask_stateless(a_server(), method, params)
    assert response.status == 200, response.body
    return json.loads(response.body)["result"]


def test_discovery_names_versions_capabilities_and_the_server() -> None:
    found = result("server/discover")
    assert found["supportedVersions"][:2] == ["2026-07-28", "2025-11-25"]
    assert set(found["capabilities"]) == {"tools", "resources", "prompts", "completions"}
    assert found["_meta"][SERVER_INFO_KEY] == {"name": "test", "version": "1.0", "title": "Test"}
    assert (found["resultType"], found["cacheScope"]) == ("complete", "private")


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/list", {}),
        ("resources/list", {}),
        ("resources/templates/list", {}),
        ("resources/read", {"uri": "test://one"}),
        ("prompts/list", {}),
    ],
)
def test_what_may_be_kept_says_for_how_long(method: str, params: dict[str, Any]) -> None:
    found = result(method, params)
    assert found["resultType"] == "complete"
    assert isinstance(found["ttlMs"], int)
    assert found["cacheScope"] == "private"


def test_a_call_is_complete_and_not_kept() -> None:
    found = result("tools/call", {"name": "echo", "arguments": {"a": 1}})
    assert found["structuredContent"] == {"value": {"a": 1}}
    assert found["resultType"] == "complete"
    assert "ttlMs" not in found


@pytest.mark.parametrize("method", ["initialize", "ping", "logging/setLevel", "resources/subscribe", "nope"])
def test_methods_that_this_version_has_not_are_not_found(method: str) -> None:
    response = ask_stateless(a_server(), method)
    assert response.status == 404
    assert json.loads(response.body)["error"]["code"] == -32601


@pytest.mark.parametrize(
    "headers",
    [
        {"MCP-Protocol-Version": ""},
        {"MCP-Protocol-Version": "2025-11-25"},
        {"Mcp-Method": ""},
        {"Mcp-Method": "tools/list"},
        {"Mcp-Name": ""},
        {"Mcp-Name": "act"},
        {"Mcp-Name": "=?base64?!!?="},
    ],
)
def test_headers_that_differ_from_the_body_are_refused(headers: dict[str, str]) -> None:
    response = ask_stateless(a_server(), "tools/call", {"name": "echo"}, headers)
    assert (response.status, json.loads(response.body)["error"]["code"]) == (400, -32020)


def test_a_name_that_no_header_can_carry_comes_in_base64() -> None:
    response = ask_stateless(a_server(), "tools/call", {"name": "échö"}, {"Mcp-Name": "=?base64?w6ljaMO2?="})
    assert json.loads(response.body)["error"]["data"]["code"] == "unknown_tool"


def test_a_version_of_the_future_is_told_what_is_spoken() -> None:
    meta = META | {VERSION_KEY: "2031-01-01"}
    response = ask_stateless(a_server(), "tools/list", {"_meta": meta}, {"MCP-Protocol-Version": "2031-01-01"})
    error = json.loads(response.body)["error"]
    assert (response.status, error["code"]) == (400, -32022)
    assert error["data"] == {"supported": ["2026-07-28"], "requested": "2031-01-01"}


@pytest.mark.parametrize("meta", [{}, {VERSION_KEY: "2026-07-28"}, {CAPABILITIES_KEY: {}}, "text"])
def test_an_incomplete_envelope_is_refused(meta: Any) -> None:
    response = ask_stateless(a_server(), "tools/list", {"_meta": meta})
    assert (response.status, json.loads(response.body)["error"]["code"]) == (400, -32602)


def test_errors_have_the_status_and_code_of_this_version() -> None:
    missing = ask_stateless(a_server(), "resources/read", {"uri": "test://nope"})
    unknown = ask_stateless(a_server(), "tools/call", {"name": "nope"})
    for response in (missing, unknown):
        assert (response.status, json.loads(response.body)["error"]["code"]) == (400, -32602)


def test_pages_follow_each_other() -> None:
    server = a_server(registry=FewTools(extra=5), page_size=4)
    first = json.loads(ask_stateless(server, "tools/list").body)["result"]
    second = json.loads(ask_stateless(server, "tools/list", {"cursor": first["nextCursor"]}).body)["result"]
    assert (len(first["tools"]), len(second["tools"])) == (4, 4)


def test_a_notification_is_accepted() -> None:
    message = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"_meta": META}}
    assert post(a_server(), message, headers={"MCP-Protocol-Version": "2026-07-28"}).status == 202
