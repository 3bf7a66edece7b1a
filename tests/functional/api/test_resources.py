"""Lists, details, evidence and tools over a recorded cluster with 29 faults."""

import json

import pytest

from chalicelib.state.kinds import KINDS
from tests.functional.api.harness import CLUSTERS


def rows(api, cluster, kind, query=""):
    answer = api.get(f"/clusters/{cluster}/resources/{kind}{query}")
    assert answer.status == 200, answer.text
    return answer.json


def test_the_37_kinds_are_served_with_their_columns(api):
    kinds = api.get("/kinds").json
    assert kinds["total"] == 37
    assert kinds["items"][0]["kind"] == "Pod"
    assert {"key", "title", "type", "hidden", "description"} == set(kinds["items"][0]["columns"][0])


@pytest.mark.parametrize("kind", [entry.kind for entry in KINDS if entry.listed])
def test_every_kind_has_a_list_and_a_detail(api, incidents, kind):
    listed = rows(api, incidents, kind, "?limit=3")
    assert listed["kind"] == kind
    assert listed["items"] or listed["total"] == 0 or listed["gaps"]
    for row in listed["items"][:1]:
        path = f"/clusters/{incidents}/resources/{kind}/{row['namespace'] or '-'}/{row['name']}"
        for part in ("", "/events", "/related", "/yaml"):
            found = api.get(path + part)
            assert found.status == 200, (path + part, found.text)


def test_the_worst_comes_first_and_every_page_is_there_once(api, incidents):
    seen, cursor = [], ""
    while True:
        page = rows(api, incidents, "Pod", f"?limit=40{cursor}")
        seen += [(r["namespace"], r["name"]) for r in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == len(set(seen)) == page["total"] == 98
    first = rows(api, incidents, "Pod", "?limit=1")["items"][0]
    assert first["status"]["level"] == "crit"


def test_a_question_in_plain_words_filters_and_shows_what_was_understood(api, incidents):
    found = rows(api, incidents, "Deployment", "?q=not%20ready%20in%20shop")
    assert {r["namespace"] for r in found["items"]} == {"shop"}
    assert "catalog" in [r["name"] for r in found["items"]]
    assert "cart" not in [r["name"] for r in found["items"]]
    assert [c["text"] for c in found["query"]["chips"]]


def test_sorting_and_grouping_follow_the_request(api, incidents):
    restarts = [r["restarts"] for r in rows(api, incidents, "Pod", "?sort=-restarts")["items"]]
    assert restarts == sorted(restarts, reverse=True)
    groups = rows(api, incidents, "Pod", "?group=namespace")["groups"]
    assert sum(g["count"] for g in groups) == 98


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/resources/Podd", 404, "unknown_kind"),
        ("/resources/Pod?namespace=nowhere", 404, "unknown_namespace"),
        ("/resources/Pod?sort=colour", 400, "invalid_sort"),
        ("/resources/Pod?cursor=made-up", 400, "invalid_cursor"),
        ("/resources/Pod?limit=0", 400, "invalid_request"),
        ("/resources/Pod?colour=red", 400, "invalid_request"),
        ("/resources/Pod/shop/nobody", 404, None),
        ("/resources/Node/-/nobody", 404, None),
        ("/resources/Deployment/shop/cart/logs?container=nobody", 404, None),
        ("/resources/ConfigMap/shop/kube-root-ca.crt/logs", 400, None),
        ("/problems?severity=awful", 400, "invalid_request"),
    ],
)
def test_what_does_not_exist_is_named_with_the_valid_choices(api, incidents, path, status, code):
    refused = api.get(f"/clusters/{incidents}{path}")
    assert refused.status == status, refused.text
    assert code is None or refused.error["code"] == code
    assert refused.error["remedy"]


def test_a_secret_is_shown_without_its_values(api, incidents):
    text = api.get(f"/clusters/{incidents}/resources/Secret/payments/payments-db/yaml").json["yaml"]
    assert "hidden" in text


def test_logs_come_by_container_pod_or_workload(api, incidents):
    base = f"/clusters/{incidents}/resources"
    merged = api.get(f"{base}/Deployment/shop/cart/logs").json
    assert len({line["pod"] for line in merged["lines"]}) == 2
    only = api.get(f"{base}/Deployment/shop/cart/logs?grep=cache").json
    assert only["lines"]
    assert all("cache" in line["text"] for line in only["lines"])


def test_every_problem_cites_evidence_that_resolves(api, incidents):
    problems = api.get(f"/clusters/{incidents}/problems?limit=100").json
    ids = {e for p in problems["items"] for e in p["evidence"]}
    assert len(ids) > 29
    for identifier in sorted(ids):
        found = api.get(f"/evidence/{identifier}")
        assert found.status == 200, identifier
        assert found.json["text"]
    assert api.get("/evidence/ev_aaaaaaaaaaaaaaaaaaaaaaaaaa").status == 404


def test_every_recorded_fault_is_found_and_nothing_else(api, incidents):
    answers = json.loads((CLUSTERS / "incidents.answers.json").read_text())
    listed = api.get(f"/clusters/{incidents}/problems?limit=200&min_probability=0.5").json
    assert listed["outcome"] == "several_independent_faults"
    found = {
        (p["resource"]["namespace"], p["resource"]["kind"], p["resource"]["name"], p["mode"]) for p in listed["items"]
    }
    for answer in answers:
        accepted = [answer, *({"namespace": answer["namespace"], **also} for also in answer.get("also", []))]
        keys = {(a.get("namespace", ""), a["kind"], a["name"], answer["mode"]) for a in accepted}
        keys |= {("", k, n, m) for _, k, n, m in keys}
        assert keys & found, answer
    assert len(found) == len(answers)


def test_a_healthy_cluster_raises_no_alarm(api):
    healthy = api.add_recorded("healthy", CLUSTERS / "healthy.tar.xz")
    found = api.get(f"/clusters/{healthy}/problems").json
    assert found["outcome"] == "no_fault"
    assert not [p for p in found["items"] if p["probability"] > 0.5]
    assert api.get(f"/clusters/{healthy}/overview").json["health"]["score"] > 95


def test_tools_answer_with_summary_evidence_and_gaps(api, incidents):
    tools = api.get("/tools").json["items"]
    assert len(tools) >= 22
    result = api.post("/tools/observe_resources", {"cluster": incidents, "kind": "Pod", "limit": 5}).json
    assert len(result["data"]["items"]) == 5
    assert result["summary"]
    assert result["truncated"]["total"] == 98
    for identifier in result["evidence"]:
        assert api.get(f"/evidence/{identifier}").status == 200


def test_a_tool_over_all_clusters_reports_the_one_that_fails(api, incidents):
    api.post("/clusters", {"name": "never-uploaded", "source": {"type": "recorded"}})
    result = api.post("/tools/observe_cluster_overview", {"cluster": "*"}).json
    assert result["cluster"] == "*"
    assert "never-uploaded" in json.dumps(result["gaps"])
    assert incidents in json.dumps(result["data"])


@pytest.mark.parametrize(
    ("tool", "arguments", "status"),
    [
        ("observe_nothing", {"cluster": "incidents"}, 404),
        ("observe_resources", {"cluster": "incidents"}, 400),
        ("observe_resources", {"cluster": "incidents", "kind": "Pod", "color": 1}, 400),
        ("observe_resources", {"cluster": "nowhere", "kind": "Pod"}, 404),
        ("observe_resource", {"cluster": "incidents", "kind": "Pod", "name": "nobody"}, 404),
    ],
)
def test_a_wrong_tool_call_is_an_error_and_never_an_empty_result(api, incidents, tool, arguments, status):
    refused = api.post(f"/tools/{tool}", arguments)
    assert refused.status == status, refused.text
    assert refused.error["remedy"]


def test_a_failing_pod_carries_the_problem_of_its_workload_and_a_healthy_sibling_does_not(api, incidents):
    pods = rows(api, incidents, "Pod", "?namespace=shop&limit=200")["items"]
    modes = {p["name"]: p["problem"]["mode"] for p in pods if p["problem"]}
    assert {m for n, m in modes.items() if n.startswith("catalog-")} == {"oom_killed"}
    assert not [n for n in modes if n.startswith("frontend-")]
    failing = next(n for n in modes if n.startswith("catalog-"))
    detail = api.get(f"/clusters/{incidents}/resources/Pod/shop/{failing}").json
    assert [p["mode"] for p in detail["problems"]] == ["oom_killed"]
