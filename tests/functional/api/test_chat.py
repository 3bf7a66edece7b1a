"""Questions: over HTTP and WebSocket, answered by the worker, journalled once, whatever is delivered twice."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import TypeAdapter

from chalicelib import wiring
from chalicelib.api import websocket, work
from chalicelib.api.models.chat import Frame
from chalicelib.state.ids import TenantId
from infra.local.people import People

TENANT = TenantId("local")


class Sockets:
    """What the gateway would have sent, by connection."""

    def __init__(self, services: wiring.Services) -> None:
        self.sent: dict[str, list] = {}
        services._push = self.push

    def push(self, tenant: TenantId, connection: str, payload: bytes) -> None:
        assert len(payload) <= 32 * 1024
        message = json.loads(payload)
        self.sent.setdefault(connection, []).extend(message if isinstance(message, list) else [message])

    def connect(self, api, connection: str, **headers: str) -> int:
        given = headers or {"Authorization": f"Bearer {api.token}"}
        return websocket.on_connect({"headers": given, "requestContext": {"connectionId": connection}})["statusCode"]

    def say(self, connection: str, message: object) -> list:
        before = len(self.sent.get(connection, []))
        body = message if isinstance(message, str) else json.dumps(message)
        websocket.on_message({"body": body, "requestContext": {"connectionId": connection}})
        return self.sent.get(connection, [])[before:]


@pytest.fixture
def sockets(api):
    return Sockets(api.services)


def test_a_question_is_answered_with_blocks_that_fit_the_model(api, incidents):
    answer = api.ask("what is wrong?", incidents)
    frames = [TypeAdapter(Frame).validate_python(f) for f in answer["frames"]]
    assert [f.seq for f in frames] == list(range(1, len(frames) + 1))
    assert frames[-1].t == "end"
    assert "29 problems" in json.dumps(answer["frames"])
    assert frames[-1].citations
    for identifier in frames[-1].citations:
        assert api.get(f"/evidence/{identifier}").status == 200


def test_waiting_gives_the_whole_answer_at_once(api, incidents):
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(api.post, "/chat?wait=20", {"cluster": "incidents", "message": "show failing pods"})
        while not asked.done():
            api.work()
    answer = asked.result()
    assert answer.status == 200
    assert answer.json["status"] == "done"
    assert {b["type"] for b in answer.json["blocks"]} >= {"table"}


def test_a_follow_up_refers_to_the_answer_before_it(api, incidents):
    first = api.ask("failing pods in shop", incidents)
    second = api.ask("why is the first one failing?", incidents, first["conversation"])
    assert "catalog" in json.dumps(second["frames"])
    turns = api.get(f"/conversations/{first['conversation']}").json["turns"]
    assert [t["status"] for t in turns] == ["done", "done"]


def test_a_message_that_is_delivered_twice_is_answered_once(api, incidents):
    answer = api.ask("how is the cluster?", incidents)
    path = f"/conversations/{answer['conversation']}/frames"
    before = api.get(path).text
    work.handle({"type": "turn", "tenant": "local", "conversation": answer["conversation"], "turn": answer["turn"]})
    assert api.get(path).text == before


def test_a_cancelled_question_is_not_answered(api, incidents):
    asked = api.post("/chat", {"cluster": incidents, "message": "what is wrong?"}).json
    path = f"/conversations/{asked['conversation']}"
    assert api.post(f"{path}/turns/{asked['turn']}/cancel").json["status"] == "cancelled"
    api.work()
    frames = api.get(f"{path}/frames").json
    assert (frames["items"], frames["done"]) == ([], True)


def test_a_question_about_a_cluster_that_cannot_be_read_ends_with_an_error_and_a_remedy(api):
    identifier = api.post("/clusters", {"name": "unread", "source": {"type": "recorded"}}).json["id"]
    frames = api.ask("what is wrong?", identifier)["frames"]
    said = json.dumps(frames)
    assert frames[-1]["t"] in ("error", "end")
    assert "remedy" in said or "upload" in said.lower()


def test_conversations_are_listed_named_and_deleted(api, incidents):
    asked = api.ask("count pods by namespace", incidents)
    titles = {c["id"]: c["title"] for c in api.get("/conversations?limit=200").json["items"]}
    assert titles[asked["conversation"]] == "count pods by namespace"
    assert api.call("DELETE", f"/api/v1/conversations/{asked['conversation']}").status == 204
    assert api.get(f"/conversations/{asked['conversation']}").status == 404


def test_a_socket_gets_every_frame_in_order_and_the_rest_after_a_reconnect(api, incidents, sockets):
    assert sockets.connect(api, "one") == 200
    accepted = sockets.say("one", {"action": "chat", "message": "what is wrong?", "cluster": incidents})[0]
    assert accepted["t"] == "accepted"
    api.work()
    frames = [m for m in sockets.sent["one"] if "seq" in m]
    assert [f["seq"] for f in frames] == list(range(1, len(frames) + 1))
    assert frames[-1]["t"] == "end"

    assert sockets.connect(api, "two") == 200
    rest = sockets.say("two", {"action": "resume", "conversation": accepted["conversation"], "after": 4})
    assert rest == frames[4:]


def test_a_socket_is_refused_without_a_token_or_from_a_foreign_page(api, sockets):
    cookie = People(wiring.services()).local_admin()[0].partition(";")[0]
    assert sockets.connect(api, "x", Host="127.0.0.1") == 401
    assert sockets.connect(api, "x", Cookie=cookie, Origin="https://evil.example") == 403
    assert sockets.connect(api, "x", Cookie=cookie) == 403
    assert sockets.connect(api, "x", Cookie=cookie, Origin="http://127.0.0.1:8000") == 200


@pytest.mark.parametrize(
    "message",
    ["", "no json", "[]", {"action": "dance"}, {}, {"action": "chat"}, {"action": "resume", "conversation": "cv_none"},
     {"action": "resume", "conversation": 5}, {"action": "chat", "message": "x", "cluster": "nowhere"}],
)  # fmt: skip
def test_a_wrong_message_is_answered_with_an_error_on_the_socket(api, sockets, message):
    sockets.connect(api, "wrong")
    answer = sockets.say("wrong", message)[-1]
    assert answer["t"] == "error"
    assert answer["error"]["remedy"]


def test_a_closed_socket_is_forgotten_and_pings_are_answered(api, sockets):
    sockets.connect(api, "brief")
    assert sockets.say("brief", {"action": "ping"}) == [{"t": "pong"}]
    websocket.on_disconnect({"requestContext": {"connectionId": "brief"}})
    assert sockets.say("brief", {"action": "ping"}) == []


def sqs(body: object, group: str = "g", identifier: str = "m1") -> dict:
    return {
        "messageId": identifier, "receiptHandle": "r", "body": json.dumps(body), "eventSource": "aws:sqs",
        "attributes": {"MessageGroupId": group}, "messageAttributes": {}, "md5OfBody": "", "awsRegion": "eu-central-1",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:1:q",
    }  # fmt: skip


def test_a_message_that_fails_is_given_back_with_the_rest_of_its_group_and_others_go_on(api, incidents):
    asked = api.post("/chat", {"cluster": incidents, "message": "how is the cluster?"}).json
    good = {"type": "turn", "tenant": "local", **asked}
    bad = {"type": "mystery", "tenant": "local"}
    batch = {"Records": [sqs(bad, "a", "m1"), sqs(good, "a", "m2"), sqs(good, "b", "m3")]}
    failed = work.on_work(batch, None)["batchItemFailures"]
    assert [f["itemIdentifier"] for f in failed] == ["m1", "m2"]
    assert api.get(f"/conversations/{asked['conversation']}/frames").json["done"]
    api.work()


def test_audit_events_from_the_queue_get_their_place_in_the_chain_once(api):
    event = {"id": "au_x", "at": "2026-11-22T12:00:00Z", "actor": "ana", "action": "tested"}
    message = {"type": "audit", "tenant": "local", "event": event}
    for _ in range(2):
        work.on_audit({"Records": [sqs(message, "audit")]}, None)
    events = [e for e in api.services.store.audit.list(TENANT, 1000).items if e.id == "au_x"]
    assert len(events) == 1
    assert (events[0].actor, events[0].action) == ("ana", "tested")
    assert api.services.store.audit.verify(TENANT).ok


@pytest.mark.parametrize(
    ("question", "verdict"),
    [
        ("is payments ok?", "No, it is not well"),
        ("is kube-public ok?", "Yes, it is well"),
        ("is deployment shop/catalog ok?", "No, it is not well"),
        ("is deployment shop/search ok?", "Yes, it is well"),
    ],
)
def test_a_yes_or_no_is_never_better_than_the_diagnosis(api, incidents, question, verdict):
    assert verdict in json.dumps(api.ask(question, incidents)["frames"])
