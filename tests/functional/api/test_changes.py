"""Change requests over HTTP against a served demo cluster: who may ask, who may say yes, what is written and kept."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chalicelib import wiring
from infra.local.demo.__main__ import build
from infra.local.demo.server.serving import Serving, serving
from jobs import anchor
from tests.functional.api.harness import Api, build_api, user_token

PRODUCT = "system:serviceaccount:kubilitics:kubilitics-reader"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    world, _ = build(seed=5, scale=False, now=datetime.now(UTC))
    server = serving(world.api, tmp_path_factory.mktemp("demo"))
    world.go_live()
    server.tick = world.plane.tick
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def api(demo: Serving) -> Iterator[Api]:
    built = build_api()
    built.services.clock = lambda: datetime.now(UTC)
    yield built
    wiring.install(None)


@pytest.fixture(scope="module")
def cluster(api: Api, demo: Serving) -> str:
    source = {"type": "kubeconfig", "kubeconfig": Path(demo.kubeconfigs["kubilitics"]).read_text()}
    added = api.post("/clusters", {"name": "demo", "source": source})
    assert api.post(f"/clusters/{added.json['id']}/check").status == 200
    return str(added.json["id"])


def as_(role: str, api: Api) -> Api:
    return Api(api.app, api.services, user_token(api.services, role))


def restart(cluster: str, name: str = "fares") -> dict[str, Any]:
    arguments = {"kind": "Deployment", "namespace": "booking", "name": name}
    return {"cluster": cluster, "action": "restart", "arguments": arguments, "reason": "it leaks"}


def writes(demo: Serving) -> list[str]:
    return [
        f"{e.verb} {e.resource} {e.namespace}/{e.name}" for e in demo.server.audit.writes() if e.user == PRODUCT
    ]  # fmt: skip


def test_a_change_is_asked_for_approved_by_another_done_verified_and_taken_back(
    api: Api, demo: Serving, cluster: str
) -> None:
    operator, other = as_("operator", api), as_("operator", api)
    asked = operator.post("/changes", restart(cluster))
    assert (asked.status, asked.json["status"], asked.json["verdict"]) == (201, "pending", "safe")
    assert asked.json["preview"]["diffs"][0]["changes"][0]["path"] == "/spec/template/metadata/annotations"
    assert [hit["name"] for hit in asked.json["preview"]["blast"]["hits"]] == ["fares"]
    assert api.work() == 0
    assert writes(demo) == []

    said = other.post(f"/changes/{asked.json['id']}/approve", {"method": "simple"})
    assert (said.status, said.json["status"]) == (202, "approved")
    again = other.post(f"/changes/{asked.json['id']}/approve", {"method": "simple"})
    assert (again.status, again.error["code"]) == (409, "change_approved")
    api.work()
    done = operator.get(f"/changes/{asked.json['id']}").json
    assert (done["status"], done["verification"]["outcome"]) == ("succeeded", "verified")
    assert writes(demo) == ["patch deployments booking/fares"]

    back = operator.post(f"/changes/{asked.json['id']}/undo")
    assert (back.status, back.json["status"], back.json["undo_of"]) == (201, "pending", asked.json["id"])
    assert other.post(f"/changes/{back.json['id']}/approve", {"method": "simple"}).status == 202
    api.work()
    assert operator.get(f"/changes/{back.json['id']}").json["status"] == "succeeded"
    assert operator.get(f"/changes/{asked.json['id']}").json["undone_by"] == back.json["id"]
    assert len(writes(demo)) == 2


@pytest.mark.parametrize(
    ("role", "may_ask", "may_approve"),
    [("viewer", 403, 403), ("auditor", 403, 403), ("operator", 201, 202), ("admin", 201, 202)],
)
def test_roles_decide_who_may_ask_and_who_may_say_yes(
    api: Api, cluster: str, role: str, may_ask: int, may_approve: int
) -> None:
    person = as_(role, api)
    assert person.post("/changes", restart(cluster)).status == may_ask
    asked = api.post("/changes", restart(cluster))
    said = person.post(f"/changes/{asked.json['id']}/approve", {"method": "simple"})
    assert said.status == may_approve, said.text
    assert api.post(f"/changes/{asked.json['id']}/cancel", {"note": "enough"}).json["status"] == "cancelled"


def test_what_hits_much_needs_an_administrator_who_types_its_name(api: Api, cluster: str) -> None:
    asked = api.post("/changes", restart(cluster, "availability")).json
    needed = asked["decision"]["requirement"]
    assert (needed["method"], needed["admin"], needed["phrase"]) == ("typed", True, "booking/availability")
    path = f"/changes/{asked['id']}/approve"
    assert as_("operator", api).post(path, {"method": "typed", "phrase": needed["phrase"]}).status == 403
    assert api.post(path, {"method": "simple"}).error["details"]["phrase"] == needed["phrase"]
    assert api.post(path, {"method": "typed", "phrase": "booking/availabilty"}).status == 400
    assert api.post(path, {"method": "typed", "phrase": needed["phrase"]}).status == 202
    assert api.post(f"/changes/{asked['id']}/cancel", {}).json["status"] == "cancelled"
    api.work()
    assert api.get(f"/changes/{asked['id']}").json["execution"] is None


def test_what_the_rules_forbid_is_refused_with_its_rule_and_nobody_can_approve_it(
    api: Api, demo: Serving, cluster: str
) -> None:
    before = writes(demo)
    arguments = {"kind": "Namespace", "name": "booking"}
    asked = api.post("/changes", {"cluster": cluster, "action": "delete", "arguments": arguments})
    assert (asked.status, asked.json["status"]) == (201, "refused")
    assert asked.json["decision"]["violations"]
    said = api.post(f"/changes/{asked.json['id']}/approve", {"method": "typed", "phrase": "booking"})
    assert (said.status, said.error["code"]) == (409, "change_refused")
    secret = {"kind": "Secret", "namespace": "booking", "name": "x", "patch": {"data": {"a": "Yg=="}}}
    refused = api.post("/changes", {"cluster": cluster, "action": "patch", "arguments": secret})
    assert (refused.status, refused.error["code"]) == (403, "no_secrets")
    assert writes(demo) == before


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"action": "explode", "arguments": {}}, 404, "unknown_action"),
        ({"action": "scale", "arguments": {"kind": "Deployment", "namespace": "booking", "name": "fares"}}, 400, ""),
        ({"action": "restart", "arguments": {"kind": "Deployment", "namespace": "booking", "name": "gone"}}, 404, ""),
    ],
)
def test_a_request_that_makes_no_sense_says_what_would(
    api: Api, cluster: str, body: dict[str, Any], status: int, code: str
) -> None:
    refused = api.post("/changes", {"cluster": cluster, **body})
    assert refused.status == status, refused.text
    assert refused.error["code"] == (code or refused.error["code"])
    assert refused.error["remedy"]


def test_lists_page_and_filter(api: Api, cluster: str) -> None:
    first = api.get(f"/changes?limit=2&cluster={cluster}").json
    second = api.get(f"/changes?limit=2&cluster={cluster}&cursor={first['next']}").json
    assert {one["id"] for one in first["items"]}.isdisjoint(one["id"] for one in second["items"])
    assert {one["status"] for one in api.get("/changes?status=refused").json["items"]} == {"refused"}


def test_another_tenant_sees_none_of_it(api: Api, cluster: str) -> None:
    stranger = Api(api.app, api.services, user_token(api.services, "admin", tenant="strangers"))
    change = api.get("/changes?limit=1").json["items"][0]["id"]
    assert stranger.get("/changes").json["items"] == []
    assert stranger.get(f"/changes/{change}").status == 404
    assert stranger.post(f"/changes/{change}/approve", {"method": "simple"}).status == 404
    assert stranger.post("/changes", restart(cluster)).status == 404


def test_the_record_is_searched_exported_verified_and_anchored(api: Api) -> None:
    found = api.get("/audit?action=change.approved&text=fares").json["items"]
    assert {event["action"] for event in found} == {"change.approved"}
    assert api.get("/audit?actor=nobody").json["items"] == []
    whole = api.get("/audit?limit=1000").json["items"]
    pages, cursor = [], ""
    while cursor is not None:
        page = api.get(f"/audit?limit=7&cursor={cursor}").json
        pages += page["items"]
        cursor = page["next"]
    assert [e["seq"] for e in pages] == [e["seq"] for e in whole]
    exported = api.get("/audit/export?format=csv&action=change")
    rows = list(csv.DictReader(io.StringIO(exported.text)))
    assert rows
    assert {row["action"].partition(".")[0] for row in rows} == {"change"}
    assert exported.headers["Content-Type"].startswith("text/csv")
    assert api.get("/audit/export?format=json&limit=3").json["next"]
    anchor.run(None, {})
    verified = api.get("/audit/verify").json
    assert verified["ok"]
    assert verified["anchored"]["seq"] == verified["events"]


def test_policies_tighten_what_a_change_needs(api: Api, cluster: str) -> None:
    held = api.get("/policies").json
    policy = {"id": "two", "name": "two people in booking", "match": {"namespaces": ["booking"]}, "second_person": True}
    body = {"policies": [policy], "revision": held["revision"]}
    stored = api.call("PUT", "/api/v1/policies", body)
    assert stored.status == 200, stored.text
    asked = api.post("/changes", restart(cluster, "reservations"))
    assert asked.json["decision"]["requirement"]["second_person"]
    needed = asked.json["decision"]["requirement"]
    yes = {"method": needed["method"], "phrase": needed["phrase"]}
    path = f"/changes/{asked.json['id']}/approve"
    assert api.post(path, yes).json["status"] == "pending"
    assert api.post(path, yes).status in (403, 409)
    assert as_("admin", api).post(path, yes).json["status"] == "approved"
    assert api.post(f"/changes/{asked.json['id']}/cancel", {}).status == 200
    emptied = {"policies": [], "revision": stored.json["revision"]}
    assert api.call("PUT", "/api/v1/policies", emptied).status == 200


def test_autonomy_is_off_and_a_standing_approval_needs_bounds_and_its_phrase(api: Api, cluster: str) -> None:
    assert api.get("/autonomy").json["level"] <= 3
    bounds = {"clusters": [cluster], "namespaces": ["sandbox"], "kinds": ["Deployment"]}
    body = {"rule": "crash", "action": "restart", "bounds": bounds, "daily_budget": 2, "days": 7, "phrase": ""}
    assert api.post("/standing-approvals", body).error["code"] == "phrase_mismatch"
    signed = api.post("/standing-approvals", {**body, "phrase": "crash restart"})
    assert signed.status == 201, signed.text
    assert [one["id"] for one in api.get("/autonomy").json["standing"]] == [signed.json["id"]]
    assert api.call("DELETE", f"/api/v1/standing-approvals/{signed.json['id']}").status == 204


def test_a_playbook_is_planned_whole_and_a_schedule_is_proposed(api: Api, cluster: str) -> None:
    names = [one["id"] for one in api.get("/playbooks").json["items"]]
    assert {"restart-and-verify", "shut-down-namespace", "wake-namespace"} <= set(names)
    planned = api.post("/runs", {"cluster": cluster, "playbook": "shut-down-namespace",
                                 "arguments": {"namespace": "sandbox"}})  # fmt: skip
    assert planned.status == 201, planned.text
    assert planned.json["steps"]
    assert api.post(f"/runs/{planned.json['id']}/reject").json["status"] == "rejected"
    awake = {"days": ["mon", "tue"], "start": "08:00", "end": "19:00", "timezone": "Europe/Berlin"}
    proposed = api.post(
        "/schedules", {"cluster": cluster, "name": "sandbox", "namespaces": ["sandbox"], "awake": awake}
    )
    assert proposed.status == 201, proposed.text
    assert api.get("/schedules").json["items"][0]["signed_by"] == ""
    assert api.call("DELETE", f"/api/v1/schedules/{proposed.json['id']}").status == 204
