"""Investigations over HTTP and WebSocket: started, worked on, followed, found again, judged, shared, deleted."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chalicelib.api import work
from chalicelib.api.models import investigations as models
from chalicelib.errors import Unavailable
from chalicelib.investigations.sweep import QUIET
from chalicelib.state.ids import TenantId
from jobs import sweep
from tests.functional.api.harness import Api
from tests.functional.api.test_access import as_role
from tests.functional.api.test_chat import Sockets
from tests.functional.api.test_live_cluster import connect, later
from tests.scale.generate import generate
from tests.scale.server import ScaleServer

TENANT = TenantId("local")


@pytest.fixture
def sockets(api):
    return Sockets(api.services)


def start(api: Api, cluster: str, question: str = "why is shop/catalog failing?", **more: object) -> str:
    started = api.post("/investigations", {"cluster": cluster, "question": question, **more})
    assert started.status == 202, started.text
    assert started.json["status"] == "created"
    return str(started.json["id"])


def investigate(api: Api, cluster: str, question: str = "why is shop/catalog failing?", **more: object) -> dict:
    """A concluded investigation."""
    identifier = start(api, cluster, question, **more)
    api.work()
    found = api.get(f"/investigations/{identifier}")
    assert found.status == 200, found.text
    assert found.json["status"] == "concluded"
    return found.json


def refused(answer, status: int, code: str) -> None:
    assert (answer.status, answer.error["code"]) == (status, code), answer.text
    assert answer.error["message"]
    assert answer.error["remedy"]


def test_an_investigation_is_started_worked_on_and_read_as_the_document_says(api, incidents):
    found = investigate(api, incidents)

    whole = models.Investigation.model_validate(found)
    assert (whole.outcome, whole.trigger, whole.creator) == ("problems", "person", "admin")
    assert whole.cause is not None
    assert (whole.cause.resource.name, whole.cause.mode) == ("catalog", "oom_killed")
    assert whole.hypotheses[0].status == "supported"
    assert whole.remedy is not None
    assert [s.n for s in whole.steps] == list(range(1, whole.steps_done + 1))
    assert whole.snapshot is not None
    assert whole.snapshot.kept
    for identifier in {e for h in whole.hypotheses for e in (*h.for_, *h.against)} | {
        e for s in whole.steps for e in s.evidence
    }:
        assert api.get(f"/evidence/{identifier}?cluster={incidents}").status == 200


def test_waiting_gives_the_result_at_once(api, incidents):
    with ThreadPoolExecutor(1) as pool:
        body = {"cluster": "incidents", "question": "why?", "target": "deployment shop/catalog"}
        asked = pool.submit(api.post, "/investigations?wait=20", body)
        while not asked.done():
            api.work()
    answer = asked.result()
    assert answer.status == 200, answer.text
    assert answer.json["outcome"] == "problems"
    assert answer.json["target"] == {"kind": "Deployment", "namespace": "shop", "name": "catalog"}


def test_the_steps_are_read_after_any_number(api, incidents):
    found = investigate(api, incidents)
    path = f"/investigations/{found['id']}/steps"

    whole = api.get(path).json
    assert (whole["done"], whole["status"]) == (True, "concluded")
    assert api.get(f"{path}?after=3").json["items"] == whole["items"][3:]
    assert api.get(f"{path}?after=3&limit=2").json["items"] == whole["items"][3:5]
    assert api.get(f"{path}?after=3&limit=2").json["done"] is False
    assert api.get(f"{path}?after=9999").json == {"items": [], "done": True, "status": "concluded"}


def test_a_socket_follows_the_steps_and_gets_the_rest_after_a_reconnect(api, incidents, sockets):
    identifier = start(api, incidents)
    assert sockets.connect(api, "one") == 200
    assert sockets.say("one", {"action": "follow", "investigation": identifier}) == []
    api.work()

    frames = sockets.sent["one"]
    assert [models.StepFrame.model_validate(f).seq for f in frames] == list(range(1, len(frames) + 1))
    assert [f["seq"] for f in frames if f["ends"]] == [len(frames)]
    sockets.connect(api, "two")
    assert sockets.say("two", {"action": "follow", "investigation": identifier, "after": 5}) == frames[5:]
    sockets.connect(api, "three")
    for wrong in ({"investigation": "iv_none"}, {}, {"investigation": identifier, "after": -1}):
        assert sockets.say("three", {"action": "follow", **wrong})[-1]["t"] == "error"


def test_a_socket_that_cannot_be_reached_stops_nothing(api, incidents, sockets):
    identifier = start(api, incidents)
    sockets.connect(api, "gone")
    sockets.say("gone", {"action": "follow", "investigation": identifier})

    def unreachable(*arguments: object) -> None:
        raise Unavailable("The message could not be pushed.", code="push_failed")

    api.services._push = unreachable
    api.work()
    assert api.get(f"/investigations/{identifier}").json["status"] == "concluded"


def test_the_history_is_searched_and_paged(api, incidents):
    made = [investigate(api, incidents, f"why is catalog failing, take {n}?")["id"] for n in range(3)]

    seen, cursor = [], ""
    while True:
        page = api.get(
            f"/investigations?q=take&limit=2&cursor={cursor}" if cursor else "/investigations?q=take&limit=2"
        )
        seen += [i["id"] for i in page.json["items"]]
        cursor = page.json["next"]
        if not cursor:
            break
    assert sorted(seen) == sorted(made)
    assert {
        i["id"] for i in api.get("/investigations?resource=deploy/shop/catalog&mode=oom_killed").json["items"]
    } >= set(made)
    assert api.get("/investigations?q=take&outcome=no_fault").json["items"] == []
    assert api.get("/investigations?q=take&since=2026-11-23T00:00:00Z").json["items"] == []
    refused(api.get("/investigations?cursor=abc"), 400, "invalid_cursor")
    assert api.get("/investigations?outcome=great").status == 400


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"cluster": "nowhere", "question": "?"}, 404, "unknown_cluster"),
        ({"cluster": "incidents", "question": "?", "template": "magic"}, 404, "unknown_template"),
        ({"cluster": "incidents", "question": ""}, 400, "invalid_request"),
        ({"cluster": "incidents"}, 400, "invalid_request"),
        ({"cluster": "incidents", "question": "?", "target": {"kind": "Pod", "name": ""}}, 400, "invalid_request"),
        ({"cluster": "incidents", "question": "?", "target": 5}, 400, "invalid_request"),
        ({"cluster": "incidents", "question": "?", "colour": "red"}, 400, "invalid_request"),
    ],
)
def test_a_wrong_start_is_refused_with_a_remedy(api, incidents, body, status, code):
    refused(api.post("/investigations", body), status, code)


def test_what_cannot_be_found_or_read_is_an_outcome_with_a_remedy(api, incidents):
    missing = investigate(api, incidents, "why?", target="deployment shop/catalogue")
    assert missing["outcome"] == "object_not_found"
    assert "catalog" in missing["message"]
    unread = api.post("/clusters", {"name": "never-read", "source": {"type": "recorded"}}).json["id"]
    blind = investigate(api, unread, "what is wrong?")
    assert blind["outcome"] == "not_examined"
    assert "not uploaded yet" in blind["message"]
    assert (blind["steps"][0]["failed"], blind["failed_steps"]) == (True, 1)


def test_an_unknown_investigation_is_refused_on_every_route(api, incidents):
    for method, path, body in (
        ("GET", "", None), ("GET", "/steps", None), ("GET", "/report", None), ("GET", "/share", None),
        ("POST", "/cancel", None), ("POST", "/archive", None), ("POST", "/restore", None), ("POST", "/check", None),
        ("POST", "/feedback", {"verdict": "right"}), ("POST", "/share", {}), ("POST", "/follow-up", {}),
        ("DELETE", "", None), ("DELETE", "/follow-up", None), ("DELETE", "/share/sh_x", None),
    ):  # fmt: skip
        refused(api.call(method, f"/api/v1/investigations/iv_none{path}", body), 404, "unknown_investigation")


def test_cancelling_is_final_and_may_be_repeated(api, incidents):
    identifier = start(api, incidents)
    path = f"/investigations/{identifier}"

    refused(api.post(f"{path}/feedback", {"verdict": "right"}), 409, "not_concluded")
    refused(api.post(f"{path}/share", {}), 409, "not_concluded")
    refused(api.post(f"{path}/archive"), 409, "not_concluded")
    assert api.post(f"{path}/cancel").json["status"] == "cancelled"
    assert api.post(f"{path}/cancel").json["status"] == "cancelled"
    api.work()
    assert [s["kind"] for s in api.get(path).json["steps"]] == ["cancellation"]
    refused(api.post(f"/investigations/{investigate(api, incidents)['id']}/cancel"), 409, "investigation_settled")


def test_feedback_archive_and_export(api, incidents):
    found = investigate(api, incidents)
    path = f"/investigations/{found['id']}"

    said = api.post(f"{path}/feedback", {"verdict": "partly", "cause": "a leak", "mode": "memory_leak"})
    assert said.json["feedback"]["cause"] == "a leak"
    refused(api.post(f"{path}/feedback", {"verdict": "wrong", "mode": "gremlins"}), 400, "unknown_mode")
    assert api.post(f"{path}/feedback", {"verdict": "perhaps"}).status == 400
    told = models.FeedbackExport.model_validate(api.get("/investigation-feedback").json)
    assert told.claims[found["id"]] == [(found["cause"]["probability"], 0)]
    assert api.post(f"{path}/archive").json["status"] == "archived"
    assert found["id"] not in [i["id"] for i in api.get("/investigations?limit=200").json["items"]]
    assert api.post(f"{path}/restore").json["status"] == "concluded"


def test_looks_are_planned_made_and_called_off(api, incidents):
    found = investigate(api, incidents)
    path = f"/investigations/{found['id']}"

    planned = api.post(f"{path}/follow-up", {"after": "1h", "every": "2h", "times": 3}).json["follow_up"]
    assert (planned["left"], planned["every_s"]) == (3, 7200)
    assert api.call("DELETE", f"/api/v1{path}/follow-up").json["follow_up"]["due"] is None
    seen = api.post(f"{path}/check").json
    assert (seen["resolution"], seen["follow_up"]["rechecks"][-1]["result"]) == ("open", "still_there")
    assert seen["steps"][-1]["kind"] == "recheck"
    for wrong in ({"after": "soon"}, {"after": "1s"}, {"times": 2}, {"after": "90d"}):
        assert api.post(f"{path}/follow-up", wrong).status == 400
    healthy = investigate(api, incidents, "is everything well?", target="deployment shop/search")
    refused(api.post(f"/investigations/{healthy['id']}/check"), 409, "no_cause")


@pytest.mark.parametrize(
    ("format", "media"), [("json", "application/json"), ("markdown", "text/markdown"), ("html", "text/html")]
)
def test_a_report_is_downloaded_in_every_notation(api, incidents, format, media):
    found = investigate(api, incidents)
    report = api.get(f"/investigations/{found['id']}/report?format={format}")

    assert report.status == 200
    assert report.headers["Content-Type"].startswith(media)
    assert "default-src 'none'" in report.headers["Content-Security-Policy"]
    assert found["id"] in report.text.replace("\\", "")
    if format == "json":
        models.InvestigationReport.model_validate(report.json)


def opened(api: Api, path: str, address: str = "192.0.2.7"):
    """A link, opened by somebody without an account."""
    return api.call("GET", path, headers={"x-forwarded-for": address})


def test_a_shared_report_is_open_to_whoever_has_the_link_and_opens_nothing_else(api, incidents):
    found = investigate(api, incidents)
    made = api.post(f"/investigations/{found['id']}/share", {"expires_in": "1d"})
    assert made.status == 201
    link = made.json["path"]

    page = opened(api, link)
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "out of memory" in page.text.lower()
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "admin" not in page.text
    assert opened(api, f"{link}?format=json").json["id"] == found["id"]

    secret = link.rpartition("/")[2]
    for header in ({"authorization": f"Bearer {secret}"}, {"cookie": f"kubilitics_session={secret}"}, {}):
        for path in (
            f"/investigations/{found['id']}",
            "/investigations",
            "/clusters",
            f"/evidence/{found['steps'][0]['n']}",
        ):
            assert api.call("GET", f"/api/v1{path}", headers=header).status == 401
    listed = api.get(f"/investigations/{found['id']}/share").json["items"]
    assert secret not in json.dumps(listed)
    assert api.call("DELETE", f"/api/v1/investigations/{found['id']}/share/{listed[0]['id']}").status == 204
    refused(opened(api, link), 410, "share_revoked")
    refused(opened(api, f"/api/v1/shared/{secret[:-4]}AAAA"), 404, "unknown_share")
    refused(opened(api, "/api/v1/shared/kbs_local_x"), 404, "unknown_share")


def test_a_link_expires_and_guesses_are_slowed_down(api, incidents, monkeypatch):
    found = investigate(api, incidents)
    link = api.post(f"/investigations/{found['id']}/share", {"expires_in": "1h"}).json["path"]
    now = api.services.clock()
    monkeypatch.setattr(api.services, "clock", lambda: now + timedelta(hours=2))
    refused(opened(api, link), 410, "share_expired")
    answers = [opened(api, "/api/v1/shared/guess") for _ in range(40)]
    assert {a.status for a in answers} == {404, 429}
    refused(answers[-1], 429, "too_many_requests")
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert api.post(f"/investigations/{found['id']}/share", {"expires_in": "1y"}).status == 400


def test_a_deleted_investigation_leaves_nothing(api, incidents):
    found = investigate(api, incidents)
    link = api.post(f"/investigations/{found['id']}/share", {}).json["path"]
    assert api.call("DELETE", f"/api/v1/investigations/{found['id']}").status == 204

    refused(api.get(f"/investigations/{found['id']}"), 404, "unknown_investigation")
    refused(opened(api, link), 404, "unknown_share")
    running = start(api, incidents)
    assert api.call("DELETE", f"/api/v1/investigations/{running}").status == 204
    assert api.work() == 1


@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_who_may_only_read_does_not_start_nor_change(api, incidents, role):
    found = investigate(api, incidents)
    reader = as_role(api, role)

    assert reader.get(f"/investigations/{found['id']}").json == found
    assert reader.get(f"/investigations/{found['id']}/report").status == 200
    refused(reader.post("/investigations", {"cluster": incidents, "question": "?"}), 403, "forbidden")
    for path, body in (
        ("cancel", None),
        ("feedback", {"verdict": "right"}),
        ("share", {}),
        ("follow-up", {}),
        ("archive", None),
    ):
        refused(reader.post(f"/investigations/{found['id']}/{path}", body), 403, "forbidden")
    refused(reader.call("DELETE", f"/api/v1/investigations/{found['id']}"), 403, "forbidden")


def test_another_tenant_sees_nothing(api, incidents):
    found = investigate(api, incidents)
    theirs = as_role(api, "admin", "acme")

    assert theirs.get("/investigations").json["items"] == []
    refused(theirs.get(f"/investigations/{found['id']}"), 404, "unknown_investigation")
    refused(theirs.get(f"/investigations/{found['id']}/report"), 404, "unknown_investigation")
    refused(theirs.post("/investigations", {"cluster": incidents, "question": "?"}), 404, "unknown_cluster")


def test_what_was_done_is_in_the_audit_chain_once(api, incidents):
    found = investigate(api, incidents)
    api.post(f"/investigations/{found['id']}/share", {})
    work.handle({"type": "investigation", "tenant": "local", "investigation": found["id"]})

    events = [e for e in api.get("/audit?limit=1000").json["items"] if e["detail"].get("investigation") == found["id"]]
    actions = [e["action"] for e in events]
    assert actions.count("investigation.start") == actions.count("investigation.share") == 1
    assert actions.count("tool.call") == sum(bool(s["tool"]) for s in found["steps"])
    assert api.get("/audit/verify").json["ok"]


def test_a_session_whose_message_was_lost_is_taken_up_by_the_sweeper(api, incidents, monkeypatch):
    identifier = start(api, incidents)
    for message in api.services.store.queue.receive(10):
        api.services.store.queue.ack(message)
    now = api.services.clock()
    assert sweep.run(None, {})["requeued"] == 0
    monkeypatch.setattr(api.services, "clock", lambda: now + QUIET + timedelta(seconds=1))
    assert sweep.run(None, {})["requeued"] == 1
    api.work()

    assert api.get(f"/investigations/{identifier}").json["status"] == "concluded"


class Ending:
    """Lambda's context of a function that is about to be ended."""

    def get_remaining_time_in_millis(self) -> int:
        return 59_000


def test_a_worker_that_is_about_to_end_hands_over(api, incidents):
    identifier = start(api, incidents)
    for message in api.services.store.queue.receive(10):
        api.services.store.queue.ack(message)
    message = json.dumps({"type": "investigation", "tenant": "local", "investigation": identifier})
    record = {
        "messageId": "m", "receiptHandle": "r", "body": message,
        "eventSource": "aws:sqs", "attributes": {"MessageGroupId": "g"}, "messageAttributes": {}, "md5OfBody": "",
        "awsRegion": "eu-central-1", "eventSourceARN": "arn:aws:sqs:eu-central-1:1:q",
    }  # fmt: skip
    assert work.on_work({"Records": [record]}, Ending()) == {"batchItemFailures": []}
    assert api.get(f"/investigations/{identifier}").json["status"] == "created"

    assert api.work() == 1
    assert api.get(f"/investigations/{identifier}").json["status"] == "concluded"


def test_messages_that_were_set_aside_are_counted(api):
    assert api.get("/queues").json == {
        "work": {"waiting": 0, "in_hand": 0, "dead": 0}, "audit": {"waiting": 0, "in_hand": 0, "dead": 0},
    }  # fmt: skip
    assert as_role(api, "viewer").get("/queues").status == 403


def test_a_conversation_starts_follows_and_judges_an_investigation(api, incidents):
    first = api.ask("investigate deployment shop/catalog", incidents)
    block = next(f["block"] for f in first["frames"] if f["t"] == "block" and f["block"]["type"] == "investigation")
    found = api.get(f"/investigations/{block['id']}").json
    assert (found["status"], found["trigger"]) == ("concluded", "chat")
    assert found["links"] == [{"type": "conversation", "id": first["conversation"]}]

    work.handle({"type": "turn", "tenant": "local", "conversation": first["conversation"], "turn": first["turn"]})
    assert len([i for i in api.get("/investigations?trigger=chat").json["items"] if i["id"] == block["id"]]) == 1
    for question, words in (
        ("what did you find?", "out of memory"), ("show the steps", "Read the cluster"), ("is it fixed?", "not yet"),
        ("it was the batch that Ada started", "the batch that Ada started"),
    ):  # fmt: skip
        assert words in json.dumps(api.ask(question, incidents, first["conversation"])["frames"])
    assert api.get(f"/investigations/{block['id']}").json["feedback"]["cause"] == "the batch that Ada started"


def test_a_tool_over_mcp_keeps_an_investigation_that_is_read_by_its_id(api, incidents):
    call = {
        "name": "troubleshoot_pod_failures",
        "arguments": {"cluster": incidents, "namespace": "shop", "name": "catalog"},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    headers = {"authorization": f"Bearer {api.token}", "accept": "application/json, text/event-stream"}
    data = api.call("POST", "/mcp", body, headers=headers).json["result"]["structuredContent"]["data"]

    found = api.get(f"/investigations/{data['investigation']}").json
    assert (found["trigger"], found["outcome"]) == ("mcp", data["outcome"])


def test_a_cluster_that_may_not_be_read_ends_without_a_guess_and_the_judged_reading_is_kept(api):
    with ScaleServer(generate(nodes=3, pods=30)) as server:
        identifier = connect(api, server, "guarded")
        api.post(f"/clusters/{identifier}/check")
        well = investigate(api, identifier, "what is wrong?")
        server.faults.forbidden = {"pods"}
        later(api, 600)
        blind = investigate(api, identifier, "what is wrong?")
        assert blind["outcome"] == "insufficient_permission"
        assert "connection check" in blind["message"]

        later(api, 3600 * 24 * 40)
        server.faults.forbidden = set()
        for _ in range(3):
            later(api, 600)
            api.post(f"/clusters/{identifier}/refresh")
        again = api.get(f"/investigations/{well['id']}").json
        assert again["snapshot"]["kept"] is True
        kept = api.services.store.objects.list(TENANT, f"{identifier}/snapshots/")
        assert len(kept) < 7
