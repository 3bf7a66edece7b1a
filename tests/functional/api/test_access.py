"""Who may do what: tokens, cookies, origins, roles, tenants."""

import pytest

from chalicelib import wiring
from chalicelib.api.endpoints import ENDPOINTS
from infra.local.people import People
from tests.functional.api.harness import Api, user_token

OURS = "http://127.0.0.1:8000"


def cookie():
    return People(wiring.services()).local_admin()[0].partition(";")[0]


def as_role(api, role, tenant="local"):
    return Api(api.app, api.services, user_token(api.services, role, tenant))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer kbl_local_" + "B" * 43},
        {"authorization": "Basic dXNlcjpwYXNz"},
        {"cookie": "kubilitics_session=v1.e30.AAAA"},
        {"cookie": "kubilitics_session="},
    ],
)
def test_nobody_gets_in_without_a_valid_token_or_session(api, headers):
    refused = api.call("GET", "/api/v1/clusters", headers=headers)
    assert refused.status == 401
    assert refused.error["remedy"]
    assert "WWW-Authenticate" in refused.headers


def test_every_route_that_is_not_public_asks_who_calls(api):
    public = {e.path for e in ENDPOINTS if not e.permission}
    assert public == {"/healthz", "/readyz", "/api/v1/openapi.json", "/api/v1/shared/{share}"}
    for entry in ENDPOINTS:
        if entry.permission:
            path = entry.path.replace("{", "").replace("}", "")
            assert api.call(entry.method, path, {}, headers={}).status == 401, entry.path


def test_a_session_cookie_reads_but_changes_only_from_our_own_page(api):
    held = {"cookie": cookie()}
    body = {"name": "by-cookie", "source": {"type": "recorded"}}
    assert api.call("GET", "/api/v1/clusters", headers=held).status == 200
    for origin in ({}, {"origin": "https://evil.example"}, {"origin": "null"}, {"origin": OURS + ".evil.example"}):
        refused = api.call("POST", "/api/v1/clusters", body, headers={**held, **origin})
        assert (refused.status, refused.error["code"]) == (403, "foreign_origin")
    assert api.call("POST", "/api/v1/clusters", body, headers={**held, "origin": OURS}).status == 201


@pytest.mark.parametrize(
    ("role", "method", "path", "status"),
    [
        ("viewer", "GET", "/clusters", 200),
        ("viewer", "POST", "/clusters", 403),
        ("viewer", "GET", "/audit", 403),
        ("viewer", "GET", "/users", 403),
        ("auditor", "GET", "/audit", 200),
        ("auditor", "POST", "/chat", 403),
        ("operator", "POST", "/clusters", 400),
        ("operator", "POST", "/users", 403),
    ],
)
def test_a_role_does_what_it_includes(api, role, method, path, status):
    answer = as_role(api, role).call(method, f"/api/v1{path}", {})
    assert answer.status == status, answer.text
    if status == 403:
        assert answer.error["details"]["roles"]


def test_one_tenant_sees_nothing_of_another(api, incidents):
    theirs = as_role(api, "admin", "acme")
    assert theirs.get("/clusters").json["items"] == []
    problem = api.get(f"/clusters/{incidents}/problems").json["items"][0]
    paths = [
        f"/clusters/{incidents}", f"/clusters/{incidents}/overview", f"/clusters/{incidents}/resources/Pod",
        f"/clusters/{incidents}/problems", f"/evidence/{problem['evidence'][0]}",
    ]  # fmt: skip
    for path in paths:
        assert api.get(path).status == 200, path
        assert theirs.get(path).status == 404, path
    assert theirs.post("/tools/observe_resources", {"cluster": incidents, "kind": "Pod"}).status == 404
    assert theirs.post("/chat", {"cluster": incidents, "message": "what is wrong?"}).status == 404
    assert "cluster.add" not in theirs.get("/audit").text


def test_a_conversation_belongs_to_its_user(api, incidents):
    mine = api.post("/conversations", {"cluster": incidents}).json["id"]
    other = as_role(api, "operator")
    for path in (f"/conversations/{mine}", f"/conversations/{mine}/frames"):
        assert api.get(path).status == 200
        assert other.get(path).status == 404
    assert other.post("/chat", {"cluster": incidents, "message": "hi", "conversation": mine}).status == 404
    assert mine not in [c["id"] for c in other.get("/conversations").json["items"]]


def test_a_removed_user_is_out_at_once(api):
    created = api.post("/users", {"name": "ana", "role": "viewer"})
    assert created.status == 201
    ana = Api(api.app, api.services, created.json["token"])
    me = ana.get("/me").json
    assert {key: me[key] for key in ("user", "name", "tenant", "role")} == {
        "user": "ana", "name": "ana", "tenant": "local", "role": "viewer",
    }  # fmt: skip
    assert "changes:read" in me["permissions"]
    assert "changes:approve" not in me["permissions"]
    assert api.post("/users", {"name": "ana", "role": "viewer"}).status == 409
    assert api.call("DELETE", "/api/v1/users/ana").status == 204
    assert ana.get("/me").status == 401
    assert api.call("DELETE", "/api/v1/users/admin").status == 409


def test_what_was_done_is_in_the_audit_chain(api, incidents):
    api.post("/tools/observe_resources", {"cluster": incidents, "kind": "Pod"})
    events = api.get("/audit?limit=1000").json["items"]
    assert {"cluster.add", "cluster.check", "tool.call"} <= {e["action"] for e in events}
    assert [e["seq"] for e in events] == list(range(len(events), 0, -1))
    assert api.get("/audit/verify").json["ok"]
