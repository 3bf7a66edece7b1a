"""A gateway over the sample app, served by uvicorn on a free loopback port."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from chalice.app import Chalice

from infra.local.gateway.access import OneTimeLink
from infra.local.gateway.application import Demo, Gateway, PeopleRoutes, SignIn
from infra.local.gateway.limits import Limits
from infra.local.gateway.pages import Pages
from infra.local.signature import SignatureCheck
from tests.functional.local.sample_app import sample_app

KEY = ("AKIALOCAL", "secret-of-this-installation")
COOKIE = "kubilitics_session=signed; HttpOnly; SameSite=Strict; Path=/"


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Served:
    app: Chalice
    port: int

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answered:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            pairs: dict[str, str] = {}
            for name, value in answer.getheaders():
                pairs[name.lower()] = f"{pairs[name.lower()]}, {value}" if name.lower() in pairs else value
            return Answered(answer.status, pairs, answer.read())
        finally:
            connection.close()

    def push(self, connection_id: str, text: str = "", method: str = "POST", key: str = KEY[1]) -> Answered:
        path = f"/@connections/{connection_id}"
        request = AWSRequest(method, self.origin + path, data=text.encode())
        SigV4Auth(Credentials(KEY[0], key), "execute-api", "us-east-1").add_auth(request)
        return self.ask(method, path, dict(request.headers), text.encode())


@contextlib.contextmanager
def serving(
    tmp: Path,
    limits: Limits | None = None,
    *,
    link: Path | None = None,
    ui: Mapping[str, str] | None = None,
    demo: Demo | None = None,
    people: PeopleRoutes | None = None,
) -> Iterator[Served]:
    folder = tmp / "web"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (ui or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    app = sample_app()
    limits = limits or Limits()
    persons = people.people if people else None
    cookies = persons.local_admin if persons else lambda: (COOKIE,)
    sign_in = SignIn(cookies, OneTimeLink(link) if link else None, "kubilitics_session", persons)
    pages = Pages(folder, ("http://127.0.0.1:4566",))
    gateway = Gateway(app, pages, SignatureCheck(*KEY), sign_in, limits, demo, people)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        gateway,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=(limits.websocket_message_bytes, limits.websocket_frame_bytes),  # type: ignore[arg-type]
        ws_per_message_deflate=False,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Served(app, listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
