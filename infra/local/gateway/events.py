"""The event JSON that API Gateway hands to a Lambda function, and Lambda's context object."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from infra.local.gateway.answer import Scope
from infra.local.gateway.routes import Match

API_ID = "local"
STAGE = "api"
ACCOUNT = "000000000000"
Event = dict[str, Any]


class LambdaContext:
    """What a handler may ask of Lambda; the deadline is real."""

    def __init__(self, function_name: str, lifetime_s: float, memory_mb: int = 512) -> None:
        self.aws_request_id = str(uuid.uuid4())
        self.function_name = function_name
        self.function_version = "$LATEST"
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function_name}"
        self.memory_limit_in_mb = str(memory_mb)
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.log_stream_name = "local"
        self._deadline = time.monotonic() + lifetime_s

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round((self._deadline - time.monotonic()) * 1000))


def header_map(pairs: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Lower-case names; a repeated field is joined as RFC 9110 section 5.3 says (cookies with a semicolon)."""
    headers: dict[str, str] = {}
    for name_bytes, value_bytes in pairs:
        name, value = name_bytes.decode("latin-1"), value_bytes.decode("latin-1")
        if name in headers:
            headers[name] += ("; " if name == "cookie" else ", ") + value
        else:
            headers[name] = value
    return headers


def rest_event(scope: Scope, headers: dict[str, str], match: Match, body: bytes, binary_types: Sequence[str]) -> Event:
    """A REST API (v1) proxy event."""
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    binary = headers.get("content-type", "").partition(";")[0].strip() in binary_types
    path = scope["raw_path"].decode("latin-1")
    return {
        "resource": match.resource,
        "path": path,
        "httpMethod": scope["method"],
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": dict(match.parameters) or None,
        "stageVariables": None,
        "requestContext": {
            **_request_context(scope, headers),
            "resourcePath": match.resource,
            "httpMethod": scope["method"],
            "path": path,
            "protocol": f"HTTP/{scope['http_version']}",
        },
        "body": base64.b64encode(body).decode() if binary else _text(body),
        "isBase64Encoded": binary,
    }


def websocket_event(
    scope: Scope, headers: dict[str, str], connection: str, connected_at_ms: int, route: str, body: str | None
) -> Event:
    """A WebSocket API event. `route` is `$connect`, `$disconnect`, or the message's route key."""
    kind = {"$connect": "CONNECT", "$disconnect": "DISCONNECT"}.get(route, "MESSAGE")
    event: Event = {
        "requestContext": {
            **_request_context(scope, headers),
            "routeKey": route,
            "eventType": kind,
            "connectionId": connection,
            "connectedAt": connected_at_ms,
            "messageDirection": "IN",
            "messageId": None if body is None else uuid.uuid4().hex[:16],
        },
        "body": body,
        "isBase64Encoded": False,
    }
    if kind != "MESSAGE":
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        event["headers"] = headers
        event["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
        event["queryStringParameters"] = {name: values[-1] for name, values in query.items()} or None
        event["multiValueQueryStringParameters"] = query or None
    return event


def _request_context(scope: Scope, headers: dict[str, str]) -> Event:
    client = scope.get("client") or ("127.0.0.1", 0)
    now_ms = time.time_ns() // 1_000_000
    return {
        "accountId": ACCOUNT,
        "apiId": API_ID,
        "stage": STAGE,
        "domainName": headers.get("host", ""),
        "requestId": uuid.uuid4().hex,
        "requestTimeEpoch": now_ms,
        "identity": {"sourceIp": client[0], "userAgent": headers.get("user-agent", "")},
    }


def _text(body: bytes) -> str | None:
    return body.decode("utf-8", "replace") if body else None
