"""The official MCP client against our server over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
from mcp import Client, MCPError
from mcp_types import PromptReference

from chalicelib.mcp.feature import Exchange
from chalicelib.mcp.prompts import CompletionFeature, PromptFeature
from chalicelib.mcp.resources import ResourceFeature
from chalicelib.mcp.server import McpServer, ServerInfo
from chalicelib.mcp.tools import ToolAnswer, structured_answer
from chalicelib.tools.context import ToolContext
from chalicelib.tools.entry import Tool
from chalicelib.tools.registry import TOOLS, call
from tests.functional.mcp.conformance.fixtures import (
    TOOLS as FIXTURES,
)
from tests.functional.mcp.conformance.fixtures import (
    FixtureDocuments,
    FixturePrompts,
    fixture_server,
)
from tests.functional.mcp.served import origins_of, served
from tests.unit.tools.recorded_views import a_context

WAIT_S = 60


@dataclass(frozen=True)
class OurTools:
    """The product's tools for one caller."""

    context: ToolContext

    def entries(self) -> Sequence[Tool]:
        return list(TOOLS)

    def call(self, name: str, arguments: Mapping[str, Any], exchange: Exchange) -> ToolAnswer:
        found = call(name, dict(arguments), self.context)
        return structured_answer(found.summary, found.as_dict())


def a_server(url: str) -> McpServer:
    context = a_context("incidents")
    documents, prompts = FixtureDocuments(), FixturePrompts()
    features = (ResourceFeature(documents, 2), PromptFeature(prompts), CompletionFeature(prompts))
    return McpServer(OurTools(context), ServerInfo("kubilitics", "0.1.0"), page_size=10, features=features)


ERAS = {"legacy": "2025-11-25", "2026-07-28": "2026-07-28"}


class Connection(NamedTuple):
    url: str
    mode: str


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with served(a_server) as url:
        yield url


@pytest.fixture(params=ERAS)
def url(server: str, request: pytest.FixtureRequest) -> Connection:
    """The server, spoken to as a client of each era does."""
    return Connection(server, request.param)


def with_client(at: Connection, use: Callable[[Client], Awaitable[Any]]) -> Any:
    """What `use` gives with a connected client."""

    async def run() -> Any:
        async with Client(at.url, mode=at.mode) as client:
            return await use(client)

    return asyncio.run(asyncio.wait_for(run(), WAIT_S))


@pytest.mark.parametrize(("mode", "version"), [("legacy", "2025-11-25"), ("auto", "2026-07-28")])
def test_the_client_connects_and_agrees_on_the_version(server: str, mode: str, version: str) -> None:
    async def use(client: Client) -> tuple[str, str]:
        return client.protocol_version, client.server_info.name

    assert with_client(Connection(server, mode), use) == (version, "kubilitics")


def test_the_client_reads_every_tool_through_all_pages(url: Connection) -> None:
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
    assert all(t.annotations.read_only_hint is TOOLS[t.name].read_only and t.output_schema for t in tools)


def test_the_client_calls_a_tool_and_accepts_its_structured_content(url: Connection) -> None:
    async def use(client: Client) -> Any:
        await client.list_tools()
        return await client.call_tool("observe_node_status", {"cluster": "incidents"})

    result = with_client(url, use)
    assert result.is_error is False
    assert result.structured_content["data"]["total"] == 8
    assert result.content[0].text == result.structured_content["summary"]
    assert json.loads(result.content[1].text) == result.structured_content


def test_an_error_of_a_tool_reaches_the_client_with_its_remedy(url: Connection) -> None:
    async def use(client: Client) -> Any:
        return await client.call_tool("observe_resource", {"kind": "Pod", "name": "no-such-pod"})

    result = with_client(url, use)
    error = json.loads(result.content[0].text)["error"]
    assert result.is_error is True
    assert error["code"] == "unknown_object"
    assert error["remedy"]


def test_wrong_arguments_are_told_to_the_model(url: Connection) -> None:
    async def use(client: Client) -> Any:
        return await client.call_tool("observe_resources", {"kind": "Pod", "limit": "many"})

    error = json.loads(with_client(url, use).content[0].text)["error"]
    assert (error["code"], error["details"]["field"]) == ("invalid_arguments", "limit")


def test_an_unknown_tool_is_an_error_of_the_protocol(url: Connection) -> None:
    async def use(client: Client) -> None:
        await client.call_tool("nope", {})

    with pytest.raises((MCPError, ExceptionGroup)) as caught:
        with_client(url, use)
    assert "nope" in repr(caught.value)


def test_a_url_with_toolsets_offers_only_these(url: Connection) -> None:
    async def use(client: Client) -> set[str]:
        return {t.name.partition("_")[0] for t in (await client.list_tools()).tools}

    assert with_client(url._replace(url=f"{url.url}?toolsets=analyze"), use) == {"analyze"}


def test_the_client_reads_documents_prompts_and_completions(url: Connection) -> None:
    async def use(client: Client) -> tuple[Any, ...]:
        first = await client.list_resources()
        rest = await client.list_resources(cursor=first.next_cursor)
        read = await client.read_resource("test://template/7/data")
        prompt = await client.get_prompt("test_prompt_with_arguments", {"arg1": "a", "arg2": "b"})
        reference = PromptReference(name="test_prompt_with_arguments")
        completed = await client.complete(reference, {"name": "arg1", "value": "te"})
        return [*first.resources, *rest.resources], read, prompt, completed

    resources, read, prompt, completed = with_client(url, use)
    assert [r.uri for r in resources] == ["test://static-text", "test://static-binary", "test://watched-resource"]
    assert json.loads(read.contents[0].text)["id"] == "7"
    assert prompt.messages[0].content.text == "Prompt with arguments: arg1='a', arg2='b'"
    assert completed.completion.values == ["test", "testing"]


def test_the_fixtures_of_the_conformance_suite_answer_the_client() -> None:
    """The whole suite runs in `make mcp-conformance`; here, that its fixtures answer the client."""

    async def use(client: Client) -> list[str]:
        return [
            (await client.call_tool(name, {})).content[0].type for name in FIXTURES if name != "test_error_handling"
        ]

    with served(lambda url: fixture_server(origins_of(url))) as url:
        kinds = with_client(Connection(url, "legacy"), use)
    assert kinds == ["text", "image", "audio", "resource", "text", "text", "text", "text"]
