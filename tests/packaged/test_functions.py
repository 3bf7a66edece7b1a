"""The packaged functions under Lambda's own runtime client, with events as AWS sends them."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest

from chalicelib.settings import Settings
from chalicelib.store import Store
from infra.package import ROOT
from tests.packaged.conftest import TENANT, Aws, Sockets, an_event
from tests.packaged.lambda_runtime import LambdaProcess
from tests.packaged.permissions import refused

INCIDENTS = ROOT / "tests" / "data" / "clusters" / "incidents.tar.xz"

Start = Callable[[str], LambdaProcess]
Send = Callable[..., dict[str, Any]]


def test_health_is_answered(rest: Send):
    answer = rest("GET", "/healthz", bearer="")
    assert (answer["statusCode"], answer["body"]["status"]) == (200, "ok")


def test_the_store_is_reached_with_the_runtimes_own_boto3(rest: Send):
    answer = rest("GET", "/readyz", bearer="")
    assert (answer["statusCode"], answer["body"]["status"]) == (200, "ready")


def test_kinds_are_listed_for_a_token(rest: Send):
    answer = rest("GET", "/api/v1/kinds")
    assert answer["statusCode"] == 200
    assert {"Pod", "Deployment", "Node", "PersistentVolumeClaim"} <= {kind["kind"] for kind in answer["body"]["items"]}


@pytest.mark.parametrize("bearer", ["", "kbl_forged"], ids=["without a token", "with a forged token"])
def test_a_request_is_refused(rest: Send, bearer: str):
    answer = rest("GET", "/api/v1/kinds", bearer=bearer)
    assert answer["statusCode"] == 401
    assert answer["body"]["error"].keys() >= {"code", "message", "remedy"}


def test_a_question_asked_over_rest_is_answered_by_the_worker(rest: Send, function: Start, store: Store):
    cluster = _recorded_cluster(rest)
    problems = rest("GET", "/api/v1/clusters/{cluster}/problems", path={"cluster": cluster})
    assert problems["body"]["outcome"] == "several_independent_faults"
    asked = rest("POST", "/api/v1/chat", body={"message": "what is wrong?", "cluster": cluster})
    assert asked["statusCode"] == 202, asked["body"]
    assert function("OnWork").invoke(_next_message(Settings().queue)) == {"batchItemFailures": []}
    frames = rest(
        "GET",
        "/api/v1/conversations/{conversation}/frames",
        path={"conversation": asked["body"]["conversation"]},
        query={"after": "0"},
    )["body"]
    assert frames["done"]
    assert frames["items"][-1]["t"] == "end"


def test_an_investigation_is_worked_on_shared_and_followed_up(rest: Send, function: Start, store: Store):
    cluster = _recorded_cluster(rest, "investigated")
    body = {"cluster": cluster, "question": "why is shop/catalog failing?"}
    started = rest("POST", "/api/v1/investigations", body=body)
    assert started["statusCode"] == 202, started["body"]
    one = {"investigation": started["body"]["id"]}
    assert function("OnWork").invoke(_next_message(Settings().queue)) == {"batchItemFailures": []}
    found = rest("GET", "/api/v1/investigations/{investigation}", path=one)["body"]
    assert (found["status"], found["outcome"], found["failed_steps"]) == ("concluded", "problems", 0)
    shared = rest("POST", "/api/v1/investigations/{investigation}/share", path=one, body={})
    link = {"share": shared["body"]["path"].rpartition("/")[2]}
    opened = rest("GET", "/api/v1/shared/{share}", path=link, query={"format": "json"}, bearer="")
    assert (opened["statusCode"], opened["body"]["id"]) == (200, one["investigation"])
    for path, sent in (("check", None), ("follow-up", {"after": "1m"}), ("feedback", {"verdict": "right"})):
        answer = rest("POST", f"/api/v1/investigations/{{investigation}}/{path}", path=one, body=sent)
        assert answer["statusCode"] == 200, answer["body"]
    assert rest("GET", "/api/v1/queues")["body"]["work"]["dead"] == 0
    assert rest("DELETE", "/api/v1/investigations/{investigation}", path=one)["statusCode"] == 204


def test_the_sweeper_looks_for_what_was_left_behind(rest: Send, function: Start, store: Store):
    cluster = _recorded_cluster(rest, "left-behind")
    started = rest("POST", "/api/v1/investigations", body={"cluster": cluster, "question": "what is wrong?"})
    lost = store.investigations.get(TENANT, started["body"]["id"])
    long_ago = lost.updated_at - timedelta(minutes=10)
    store.investigations.update(TENANT, msgspec.structs.replace(lost, updated_at=long_ago))
    _next_message(Settings().queue)
    assert function("Sweep").invoke(an_event("schedule"))["requeued"] >= 1
    assert function("OnWork").invoke(_next_message(Settings().queue)) == {"batchItemFailures": []}
    assert store.investigations.get(TENANT, lost.id).status == "concluded"


def test_a_socket_is_opened_with_a_token_and_answers(function: Start, sockets: Sockets, token: str):
    connect = an_event("websocket_connect")
    connect["headers"]["Authorization"] = f"Bearer {token}"
    assert function("WebsocketConnect").invoke(connect)["statusCode"] == 200
    assert function("WebsocketMessage").invoke(an_event("websocket_message"))["statusCode"] == 200
    assert sockets.posted[-1] == {"t": "pong"}
    assert function("WebsocketDisconnect").invoke(an_event("websocket_disconnect"))["statusCode"] == 200


def test_a_socket_without_a_token_is_refused(function: Start):
    assert function("WebsocketConnect").invoke(an_event("websocket_connect"))["statusCode"] == 401


def test_audit_events_join_the_chain_of_their_tenant(rest: Send, function: Start, store: Store):
    rest("POST", "/api/v1/clusters", body={"name": "for the audit", "source": {"type": "recorded"}})
    function("OnAudit").invoke(_next_message(Settings().audit_queue))
    chain = store.audit.verify(TENANT)
    assert chain.ok
    assert chain.events >= 1


def test_the_chain_is_verified_and_its_head_anchored_where_nobody_changes_it(rest: Send, function: Start, store: Store):
    assert function("Anchor").invoke(an_event("schedule"))["anchored"] >= 1
    verified = rest("GET", "/api/v1/audit/verify")["body"]
    assert verified["ok"]
    assert verified["anchored"]["seq"] >= 1


def test_a_change_of_a_recording_is_refused_within_the_roles(rest: Send, store: Store):
    cluster = _recorded_cluster(rest, "not to be changed")
    arguments = {"kind": "Deployment", "namespace": "shop", "name": "cart"}
    body = {"cluster": cluster, "action": "restart", "arguments": arguments}
    refused = rest("POST", "/api/v1/changes", body=body)
    assert (refused["statusCode"], refused["body"]["error"]["code"]) == (409, "recorded_cluster")
    assert rest("GET", "/api/v1/changes")["body"]["items"] == []


def test_a_schedule_starts_the_collection(function: Start):
    assert "queued" in function("Collect").invoke(an_event("schedule"))


def test_a_message_that_nobody_handles_is_given_back(function: Start):
    event = an_event("sqs")
    event["Records"][0]["body"] = json.dumps({"type": "unheard-of", "tenant": TENANT})
    failed = [{"itemIdentifier": event["Records"][0]["messageId"]}]
    assert function("OnWork").invoke(event) == {"batchItemFailures": failed}


def test_no_function_asked_for_more_than_its_role_allows(aws: Aws, template: dict[str, Any]):
    # Last in this file: it judges what the functions did in the tests above.
    asked = {name: requests for name, requests in aws.requests.asked.items() if f"{name}Role" in template["Resources"]}
    assert asked.keys() >= {"APIHandler", "Anchor", "OnAudit", "OnWork", "Sweep", "WebsocketConnect"}
    assert [(name, need) for name, requests in asked.items() for need in refused(requests, name, template)] == []


def _recorded_cluster(rest: Send, name: str = "incidents") -> str:
    """A recorded cluster, uploaded and checked as a browser does it. Returns its id."""
    added = rest("POST", "/api/v1/clusters", body={"name": name, "source": {"type": "recorded"}})
    assert added["statusCode"] == 201, added["body"]
    upload = added["body"]["upload"]
    _put(upload, INCIDENTS)
    checked = rest("POST", "/api/v1/clusters/{cluster}/check", path={"cluster": added["body"]["id"]})
    assert checked["statusCode"] == 200, checked["body"]
    assert checked["body"]["reachable"], checked["body"]
    return added["body"]["id"]


def _put(upload: dict[str, Any], file: Path) -> None:
    request = urllib.request.Request(
        upload["url"], data=file.read_bytes(), method=upload["method"], headers=upload["headers"]
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def _next_message(queue: str) -> dict[str, Any]:
    """Lambda's event for every message that waits in a queue."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    event = an_event("sqs")
    pattern = event["Records"].pop()
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    ).get("Messages"):
        for message in messages:
            attributes = pattern["attributes"] | message["Attributes"]
            given = {"messageId": message["MessageId"], "body": message["Body"], "attributes": attributes}
            event["Records"].append(pattern | given)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert event["Records"], f"no message waits in {queue}"
    return event
