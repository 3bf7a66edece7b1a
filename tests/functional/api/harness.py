"""The product's own API in one process: the real Chalice app over the in-memory store, driven by API Gateway events."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from chalice.app import Chalice
from chalice.local import RouteMatcher

from chalicelib import wiring
from chalicelib.accounts.tokens import create_token, token_text
from chalicelib.api import work
from chalicelib.errors import NotFound
from chalicelib.settings import Settings
from chalicelib.state.ids import TenantId
from chalicelib.store.memory import memory_store
from chalicelib.store.records import Tenant, User

CLUSTERS = Path(__file__).resolve().parents[2] / "data" / "clusters"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> dict[str, Any]:
        return self.json["error"]


class Api:
    """A client with one user's token."""

    def __init__(self, app: Chalice, services: wiring.Services, token: str) -> None:
        self.app, self.services, self.token = app, services, token
        self._routes = RouteMatcher(list(app.routes))

    def call(self, method: str, url: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Answer:
        parts = urlsplit(url)
        try:
            route = self._routes.match_route(parts.path)
        except ValueError:
            # Outside the application: the gateway answers this, in the same shape.
            return Answer(404, {"Content-Type": "application/json"}, json.dumps(NotFound("No such route.").as_dict()))
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        sent = {"authorization": f"Bearer {self.token}"} if headers is None else dict(headers)
        raw = body if isinstance(body, str) else json.dumps(body) if body is not None else ""
        event = {
            "httpMethod": method,
            "path": parts.path,
            "headers": {"content-type": "application/json", **sent},
            "multiValueHeaders": {},
            "pathParameters": dict(route.captured),
            "queryStringParameters": {k: v[-1] for k, v in query.items()} or None,
            "multiValueQueryStringParameters": query or None,
            "body": raw,
            "isBase64Encoded": False,
            "stageVariables": None,
            "requestContext": {
                "httpMethod": method, "resourcePath": route.route, "requestId": secrets.token_hex(4),
                "identity": {"sourceIp": "127.0.0.1"},
            },
        }  # fmt: skip
        found = self.app(event, None)
        return Answer(found["statusCode"], found.get("headers", {}), found.get("body", ""))

    def get(self, path: str) -> Answer:
        return self.call("GET", f"/api/v1{path}")

    def post(self, path: str, body: Any = None) -> Answer:
        return self.call("POST", f"/api/v1{path}", body)

    def work(self) -> int:
        """Handle everything queued, as the worker does; how many messages that were."""
        done = 0
        while messages := self.services.store.queue.receive(10):
            for message in messages:
                work.handle({**message.body, "tenant": message.tenant})
                self.services.store.queue.ack(message)
                done += 1
        return done

    def add_recorded(self, name: str, archive: Path) -> str:
        """Connect a recording the way a browser does; its cluster id."""
        added = self.post("/clusters", {"name": name, "source": {"type": "recorded"}})
        assert added.status == 201, added.text
        key = f"{added.json['id']}/recording/upload"
        self.services.store.objects.put(TenantId("local"), key, archive.read_bytes())
        checked = self.post(f"/clusters/{added.json['id']}/check")
        assert checked.status == 200, checked.text
        return str(added.json["id"])

    def ask(self, message: str, cluster: str, conversation: str | None = None) -> dict[str, Any]:
        """Ask, let the worker answer, and read the finished answer."""
        asked = {"message": message, "cluster": cluster}
        accepted = self.post("/chat", asked | ({"conversation": conversation} if conversation else {}))
        assert accepted.status == 202, accepted.text
        self.work()
        frames = self.get(f"/conversations/{accepted.json['conversation']}/frames").json["items"]
        return {**accepted.json, "frames": [f for f in frames if f["turn"] == accepted.json["turn"]]}


def build_api(role: str = "admin") -> Api:
    """A fresh installation with one user of that role."""
    from app import app

    began = time.monotonic()
    store = memory_store(clock=lambda: NOW.timestamp() + time.monotonic() - began)
    services = wiring.Services(Settings(mode="memory"), store, clock=lambda: NOW)
    wiring.install(services)
    token = token_text(TenantId("local"), bytes(32))
    wiring.ensure_local_tenant(token)
    if role != "admin":
        token = user_token(services, role)
    return Api(app, services, token)


def user_token(services: wiring.Services, role: Any, tenant: str = "local") -> str:
    """The token of a new user of that role."""
    held, user = TenantId(tenant), f"{role}-{secrets.token_hex(3)}"
    services.store.tenants.ensure(held, Tenant(id=held, name=tenant, plan="local", created_at=NOW))
    services.store.users.add(held, User(id=user, name=user, role=role))
    return create_token(services.store, held, user, role, name="test", now=NOW, random_bytes=secrets.token_bytes(32))
