"""What a reading leads to by itself: inside level and standing approval what a preview calls safe, else a request."""

from __future__ import annotations

from typing import Any

from chalicelib.state.ids import TenantId
from infra.local.demo.server.serving import Serving
from tests.functional.api.harness import Api
from tests.functional.changes.on_demo import writes

TENANT = TenantId("local")


def mendable(api: Api, cluster: str) -> dict[str, Any]:
    """The problem of the demo that a rollback mends."""
    found = [p for p in api.get(f"/clusters/{cluster}/problems").json["items"] if p["remedy"]["change"]]
    return next(p for p in found if p["remedy"]["change"]["action"] == "rollback")


def collect(api: Api, cluster: str) -> list[dict[str, Any]]:
    """Let the worker read the cluster; the changes that came of it."""
    api.services.store.queue.send(
        TENANT, {"type": "collect", "cluster": cluster}, group="c", dedup_id=str(id(object()))
    )
    api.work()
    return [c for c in api.get(f"/changes?cluster={cluster}").json["items"] if c["channel"] == "autopilot"]


def test_only_level_and_standing_approval_together_let_a_reading_act(api: Api, demo: Serving, cluster: str) -> None:
    problem = mendable(api, cluster)
    change, namespace = problem["remedy"]["change"], problem["resource"]["namespace"]
    assert collect(api, cluster) == []
    bounds = {"clusters": [cluster], "namespaces": [namespace], "kinds": ["*"], "worst_level": "critical"}
    rule, action = problem["mode"], change["action"]
    body = {"rule": rule, "action": action, "bounds": bounds, "daily_budget": 1, "days": 1,
            "phrase": f"{rule} {action}"}  # fmt: skip
    assert api.post("/standing-approvals", body).status == 201
    assert collect(api, cluster) == []
    level = {"level": 4, "scopes": [], "revision": api.get("/autonomy").json["revision"]}
    assert api.call("PUT", "/api/v1/autonomy", level).status == 200
    assert writes(demo) == []

    # The preview is not sure that all goes well, so it stays a request: a person looks at it and says yes.
    (asked,) = collect(api, cluster)
    assert (asked["action"], asked["status"], asked["verdict"]) == ("rollback", "pending", "caution")
    why = [event["detail"]["why"] for event in api.get("/audit?action=autopilot.declined").json["items"]]
    assert why == ["the preview says caution"]
    assert writes(demo) == []
    needed = api.get(f"/changes/{asked['id']}").json["decision"]["requirement"]
    yes = {"method": needed["method"], "phrase": needed["phrase"]}
    assert api.post(f"/changes/{asked['id']}/approve", yes).status == 202
    api.work()
    assert api.get(f"/changes/{asked['id']}").json["status"] == "succeeded"
    assert writes(demo) == [f"patch deployments {namespace}/{problem['resource']['name']}"]
    collect(api, cluster)
    assert problem["id"] not in [p["id"] for p in api.get(f"/clusters/{cluster}/problems").json["items"]]
