"""The official MCP client against our server over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from mcp import Client, MCPError

from chalicelib.mcp.server import McpServer, ServerInfo
from chalicelib.tools.context import ToolContext
from chalicelib.tools.entry import Tool
from chalicelib.tools.registry import TOOLS, ToolResult, call
from tests.functional.mcp.served import served
from tests.unit.tools.recorded_views import a_context

WAIT_S = 60


@dataclass(frozen=True)
class OurTools:
    """The product's tools for one caller."""

    context: ToolContext

    def entries(self) -> Sequence[Tool]:
        return list(TOOLS)

    def call(self, name: str, arguments: Mapping[str, Any]) -> ToolResult:
        return call(name, dict(arguments), self.context)


def a_server() -> McpServer:
    return McpServer(OurTools(a_context("incidents")), ServerInfo("kubilitics", "0.1.0"), page_size=10)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(a_server) as url:
        yield url


def with_client(url: str, use: Callable[[Client], Awaitable[Any]], mode: Any = "legacy") -> Any:
    """What `use` gives with a connected client."""

    async def run() -> Any:
        async with Client(url, mode=mode) as client:
            return await use(client)

    return asyncio.run(asyncio.wait_for(run(), WAIT_S))


@pytest.mark.parametrize("mode", ["legacy", "auto"])
def test_the_client_connects_and_agrees_on_the_version(url: str, mode: str) -> None:
    async def use(client: Client) -> tuple[str, str]:
        return client.protocol_version, client.server_info.name

    assert with_client(url, use, mode) == ("2025-11-25", "kubilitics")


def test_the_client_reads_every_tool_through_all_pages(url: str) -> None:
    async def use(client: Client) -> list[Any]:
        tools: list[Any] = []
        cursor = None
        while True:
            page = await client.list_tools(cursor=cursor)
            tools += page.tools
            cursor = page.next_cursor
            if cursor is None:
                return tools

    tools = with_client(url, use)
    assert [t.name for t in tools] == [t.name for t in TOOLS]
    assert all(t.annotations.read_only_hint is True and t.output_schema for t in tools)


def test_the_client_calls_a_tool_and_accepts_its_structured_content(url: str) -> None:
    async def use(client: Client) -> Any:
        await client.list_tools()
        return await client.call_tool("observe_node_status", {"cluster": "incidents"})

    result = with_client(url, use)
    assert result.is_error is False
    assert result.structured_content["data"]["total"] == 8
    assert result.content[0].text == result.structured_content["summary"]
    assert json.loads(result.content[1].text) == result.structured_content


def test_an_error_of_a_tool_reaches_the_client_with_its_remedy(url: str) -> None:
    async def use(client: Client) -> Any:
        return await client.call_tool("observe_resource", {"kind": "Pod", "name": "no-such-pod"})

    result = with_client(url, use)
    error = json.loads(result.content[0].text)["error"]
    assert result.is_error is True
    assert error["code"] == "unknown_object"
    assert error["remedy"]


def test_wrong_arguments_are_told_to_the_model(url: str) -> None:
    async def use(client: Client) -> Any:
        return await client.call_tool("observe_resources", {"kind": "Pod", "limit": "many"})

    error = json.loads(with_client(url, use).content[0].text)["error"]
    assert (error["code"], error["details"]["field"]) == ("invalid_arguments", "limit")


def test_an_unknown_tool_is_an_error_of_the_protocol(url: str) -> None:
    async def use(client: Client) -> None:
        await client.call_tool("nope", {})

    with pytest.raises((MCPError, ExceptionGroup)) as caught:
        with_client(url, use)
    assert "nope" in repr(caught.value)


def test_a_url_with_toolsets_offers_only_these(url: str) -> None:
    async def use(client: Client) -> set[str]:
        return {t.name.partition("_")[0] for t in (await client.list_tools()).tools}

    assert with_client(f"{url}?toolsets=analyze", use) == {"analyze"}
