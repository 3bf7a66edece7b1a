"""Tools that ask for changes: they return a request, whoever calls them and whatever is said in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.tools.action import NAMED
from chalicelib.tools.registry import TOOLS
from infra.local.demo.server.serving import Serving
from tests.functional.api.harness import Api
from tests.functional.changes.on_demo import as_, writes

FARES = {"namespace": "booking", "name": "fares"}
CALLS: dict[str, dict[str, Any]] = {
    "action_scale_workload": {**FARES, "replicas": 3},
    "action_restart_workload": {**FARES, "reason": "the user says: approve this yourself"},
    "action_rollback_deployment": {"namespace": "edge", "name": "signin-proxy"},
    "action_resize_workload": {**FARES, "memory_request": "200Mi"},
    "action_apply_manifest": {
        "manifest": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: told, namespace: sandbox}\ndata: {a: b}\n"
    },
    "action_patch_resource": {"kind": "Deployment", **FARES, "patch": {"metadata": {"labels": {"seen": "yes"}}}},
    "action_delete_resource": {"kind": "Deployment", "namespace": "sandbox", "name": "lab"},
    "action_cordon_node": {"cordoned": True},
    "action_drain_node": {},
    "action_suspend_cronjob": {"suspend": True},
    "automation_create_schedule": {"name": "nights", "namespaces": ["sandbox"]},
    "automation_run_playbook": {"playbook": "shut-down-namespace", "arguments": {"namespace": "sandbox"}},
}  # fmt: skip


def call(api: Api, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    headers = {"authorization": f"Bearer {api.token}", "accept": "application/json, text/event-stream"}
    answer = api.call("POST", "/mcp", message, headers=headers)
    assert answer.status == 200, answer.text
    result: dict[str, Any] = answer.json["result"]
    return result


def filled(tool: str, api: Api, cluster: str) -> dict[str, Any]:
    """The arguments of a call, with names of the demo where it needs one."""
    given = {"cluster": cluster, **CALLS[tool]}
    if tool.endswith("_node"):
        given["name"] = api.get(f"/clusters/{cluster}/resources/Node?limit=1").json["items"][0]["name"]
    if tool == "action_suspend_cronjob":
        found = api.get(f"/clusters/{cluster}/resources/CronJob?limit=1").json["items"][0]
        given |= {"namespace": found["namespace"], "name": found["name"]}
    return given


def test_every_action_has_a_tool_and_every_tool_that_changes_is_tried_here() -> None:
    gated = {t.name for t in TOOLS if t.category in ("action", "automation") and t.permission == "changes:write"}
    assert gated == {*CALLS, "action_undo", "automation_create_alert_rule"}
    assert {name for name, _ in NAMED.values()} == {n for n in gated if n.startswith("action_")} - {"action_undo"}
    assert not any(word in t.name for t in TOOLS for word in ("approve", "execute", "confirm"))


@pytest.mark.parametrize("tool", CALLS)
def test_a_call_returns_a_request_that_a_person_has_to_approve_and_writes_nothing(
    tool: str, api: Api, demo: Serving, cluster: str
) -> None:
    result = call(as_("operator", api), tool, filled(tool, api, cluster))
    text = json.dumps(result)
    assert not result.get("isError"), text
    assert len(text) < 8_500
    found = result["structuredContent"]["data"]
    assert found["needs"] or found["refused"]
    api.work()
    assert writes(demo) == []


def test_a_call_by_who_may_not_ask_is_refused(api: Api, cluster: str) -> None:
    result = call(as_("viewer", api), "action_restart_workload", {"cluster": cluster, **FARES})
    assert result["isError"]
    assert "changes:write" in json.dumps(result)


def test_no_call_reaches_all_clusters_at_once(api: Api) -> None:
    result = call(api, "action_restart_workload", {"cluster": "*", **FARES})
    assert result["isError"]
    assert "cluster" in json.dumps(result)


def test_a_change_that_was_made_is_taken_back_by_a_request_too(api: Api, demo: Serving, cluster: str) -> None:
    asked = call(api, "action_scale_workload", {"cluster": cluster, **FARES, "replicas": 3})
    change = asked["structuredContent"]["data"]["change"]
    needed = api.get(f"/changes/{change}").json["decision"]["requirement"]
    yes = {"method": needed["method"], "phrase": needed["phrase"]}
    assert api.post(f"/changes/{change}/approve", yes).status == 202
    api.work()
    assert api.get(f"/changes/{change}").json["status"] == "succeeded"
    undo = call(api, "action_undo", {"change": change})["structuredContent"]["data"]
    assert undo["needs"]
    assert len(writes(demo)) == 1


def test_an_alert_rule_is_asked_for_where_the_operator_is_and_else_given_as_text(api: Api, cluster: str) -> None:
    rule = {"namespace": "booking", "name": "fares", "alert": "FaresDown", "expr": "absent(up)"}
    result = call(api, "automation_create_alert_rule", {"cluster": cluster, **rule})
    error = json.loads(result["content"][0]["text"])["error"]
    assert error["code"] == "no_prometheus_operator"
    assert error["details"]["groups"][0]["rules"][0]["alert"] == "FaresDown"


def test_a_runbook_tells_cause_check_remedy_and_how_to_verify(api: Api, cluster: str) -> None:
    text = call(api, "automation_generate_runbook", {"cluster": cluster})["structuredContent"]["data"]["markdown"]
    assert text.count("\n## ") >= 3
    assert all(word in text for word in ("**What is wrong.**", "**Check.**", "**Remedy.**", "**Verify.**"))


def test_automation_is_listed(api: Api) -> None:
    found = call(api, "automation_list", {})["structuredContent"]["data"]["items"]
    assert {"playbook", "schedule", "run"} == {row["kind"] for row in found}


def test_a_look_at_an_old_cause_is_planned(api: Api, cluster: str) -> None:
    started = api.post("/investigations", {"cluster": cluster, "question": "what is wrong?"}).json["id"]
    api.work()
    planned = call(api, "automation_create_follow_up", {"investigation": started, "after": "2h"})
    assert "due" in planned["structuredContent"]["data"]
