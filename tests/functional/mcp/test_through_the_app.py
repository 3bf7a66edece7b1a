"""MCP and REST over the real Chalice app: the same tools, the same answers, evidence that resolves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.tools.registry import TOOLS
from tests.functional.api.harness import CLUSTERS, Answer, Api, build_api
from tests.unit.tools.test_every_tool import arguments


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    yield build_api()
    wiring.install(None)


@pytest.fixture(scope="module")
def incidents(api: Api) -> str:
    return api.add_recorded("incidents", CLUSTERS / "incidents.tar.xz")


def send(api: Api, method: str, params: dict[str, Any] | None = None, **headers: str) -> Answer:
    sent = {"authorization": f"Bearer {api.token}", "accept": "application/json, text/event-stream", **headers}
    return api.call("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}, headers=sent)


@pytest.mark.parametrize("name", [tool.name for tool in TOOLS])
def test_rest_and_mcp_give_the_same_answer(api: Api, incidents: str, name: str) -> None:
    given = {**arguments("incidents").get(name, {}), "cluster": incidents}
    over_mcp = send(api, "tools/call", {"name": name, "arguments": given}).json["result"]
    over_rest = api.post(f"/tools/{name}", given)
    assert over_rest.status == 200, over_rest.text
    assert over_mcp["isError"] is False
    assert over_mcp["structuredContent"] == over_rest.json
    assert over_rest.json["cluster"] == (incidents if TOOLS[name].takes_cluster else "")


def test_every_cited_id_resolves(api: Api, incidents: str) -> None:
    cited = set()
    for name in ("observe_cluster_overview", "observe_resources", "observe_events", "analyze_resource_health"):
        given = {**arguments("incidents").get(name, {}), "cluster": incidents}
        cited |= set(api.post(f"/tools/{name}", given).json["evidence"])
    assert len(cited) > 40
    for id_ in sorted(cited):
        found = api.get(f"/evidence/{id_}")
        assert (found.status, found.json["id"]) == (200, id_)


def test_a_charset_in_the_content_type_is_no_obstacle(api: Api) -> None:
    assert send(api, "ping", **{"content-type": "application/json; charset=utf-8"}).json["result"] == {}


def test_without_a_token_there_is_no_tool(api: Api) -> None:
    answer = api.call("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers={})
    assert answer.status == 401


def test_get_is_not_allowed(api: Api) -> None:
    answer = api.call("GET", "/mcp", headers={"authorization": f"Bearer {api.token}"})
    assert answer.status == 405


def test_a_foreign_origin_is_refused(api: Api) -> None:
    assert send(api, "ping", origin="https://evil.example").status == 403


def test_an_error_says_the_same_over_both(api: Api, incidents: str) -> None:
    given = {"cluster": incidents, "kind": "Pod", "name": "nope"}
    over_mcp = send(api, "tools/call", {"name": "observe_resource", "arguments": given}).json["result"]
    over_rest = api.post("/tools/observe_resource", given)
    assert over_rest.status == 404
    assert json.loads(over_mcp["content"][0]["text"]) == over_rest.json
