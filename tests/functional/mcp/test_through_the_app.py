"""MCP and REST over the real Chalice app: the same tools, the same answers, evidence that resolves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.tools.registry import TOOLS
from tests.functional.api.harness import CLUSTERS, Answer, Api, build_api, user_token
from tests.unit.tools.test_every_tool import NAMES, arguments


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


@pytest.mark.parametrize("name", NAMES)
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


def test_without_a_token_there_is_no_tool_but_a_pointer_to_the_metadata(api: Api) -> None:
    answer = api.call("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers={})
    assert answer.status == 401
    pointer = re.search(r'resource_metadata="([^"]+)"', answer.headers["WWW-Authenticate"])
    assert pointer is not None
    path = pointer[1].removeprefix(api.services.settings.public_origin)
    for where in (path, "/.well-known/oauth-protected-resource"):
        metadata = api.call("GET", where, headers={})
        assert metadata.status == 200
        assert metadata.json["resource"] == api.services.settings.public_origin + "/mcp"
        assert metadata.json["bearer_methods_supported"] == ["header"]


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


def result_of(api: Api, method: str, params: dict[str, Any] | None = None) -> Any:
    return send(api, method, params).json["result"]


def test_a_cluster_its_problems_and_an_investigation_are_documents(api: Api, incidents: str) -> None:
    asked = {"cluster": incidents, "question": "Why is checkout failing?"}
    started = api.post("/investigations", asked)
    api.work()
    uris = {entry["uri"] for entry in result_of(api, "resources/list")["resources"]}
    id_ = started.json["id"]
    wanted = {
        f"kubilitics://clusters/{incidents}",
        f"kubilitics://clusters/{incidents}/problems",
        f"kubilitics://investigations/{id_}",
        f"kubilitics://investigations/{id_}/report",
    }
    assert wanted <= uris
    read = {uri: result_of(api, "resources/read", {"uri": uri})["contents"][0]["text"] for uri in wanted}
    problems = json.loads(read[f"kubilitics://clusters/{incidents}/problems"])
    rest = api.get(f"/clusters/{incidents}/problems").json
    assert (problems["total"], problems["outcome"]) == (rest["total"], rest["outcome"])
    assert problems["items"] == rest["items"][:25]
    assert json.loads(read[f"kubilitics://clusters/{incidents}"])["cluster"] == incidents
    assert read[f"kubilitics://investigations/{id_}/report"].startswith("#")
    evidence = problems["items"][0]["evidence"][0]
    found = json.loads(
        result_of(api, "resources/read", {"uri": f"kubilitics://evidence/{evidence}"})["contents"][0]["text"]
    )
    assert found == api.get(f"/evidence/{evidence}").json


@pytest.mark.parametrize("uri", [
    "kubilitics://clusters/nope", "kubilitics://clusters/../x", "file:///etc/passwd", "kubilitics://evidence/ev_x",
    "kubilitics://investigations/nope/report",
])  # fmt: skip
def test_a_document_that_is_not_ours_is_not_found(api: Api, uri: str) -> None:
    assert send(api, "resources/read", {"uri": uri}).json["error"]["code"] == -32002


def test_the_documents_of_a_tenant_are_not_anothers(api: Api, incidents: str) -> None:
    stranger = user_token(api.services, "admin", tenant="other")
    sent = {"authorization": f"Bearer {stranger}"}
    listed = send(api, "resources/list", **sent).json["result"]["resources"]
    read = send(api, "resources/read", {"uri": f"kubilitics://clusters/{incidents}"}, **sent).json
    assert (listed, "error" in read) == ([], True)


def test_prompts_name_tools_that_exist(api: Api, incidents: str) -> None:
    prompts = {entry["name"]: entry for entry in result_of(api, "prompts/list")["prompts"]}
    assert {"triage", "rollout_review"} <= set(prompts)
    for name, entry in prompts.items():
        given = {argument["name"]: "shop" for argument in entry["arguments"]}
        told = result_of(api, "prompts/get", {"name": name, "arguments": given})["messages"][0]["content"]["text"]
        named = set(re.findall(r"\b[a-z]+_[a-z_]+\b", told)) - {"as_of"}
        assert named <= {tool.name for tool in TOOLS}
        assert "'shop'" in told


def test_the_names_of_clusters_are_completed(api: Api, incidents: str) -> None:
    asked = {"ref": {"type": "ref/prompt", "name": "triage"}, "argument": {"name": "cluster", "value": "inc"}}
    assert result_of(api, "completion/complete", asked)["completion"]["values"] == ["incidents"]
    asked["ref"] = {"type": "ref/resource", "uri": "kubilitics://clusters/{cluster}"}
    asked["argument"]["value"] = ""
    assert incidents in result_of(api, "completion/complete", asked)["completion"]["values"]
