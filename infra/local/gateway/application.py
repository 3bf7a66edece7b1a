"""The gateway as one ASGI application: who may come in, and who answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from chalice.app import Chalice

from chalicelib.errors import MethodNotAllowed, NotFound, Unauthenticated
from infra.local.demo_client import DemoClient
from infra.local.gateway.access import OneTimeLink, Persons, SessionCookies, refusal
from infra.local.gateway.answer import Answer, Receive, Scope, Send, error_answer
from infra.local.gateway.connections import PREFIX as CONNECTIONS_PREFIX
from infra.local.gateway.connections import Connections
from infra.local.gateway.demo import PREFIX as DEMO_PREFIX
from infra.local.gateway.demo import Authorize, DemoFront
from infra.local.gateway.events import header_map
from infra.local.gateway.limits import Limits
from infra.local.gateway.pages import Pages
from infra.local.gateway.people import PREFIX as PEOPLE_PREFIX
from infra.local.gateway.people import Identify, PeopleFront
from infra.local.gateway.rest import RestFront
from infra.local.gateway.websocket import WebSocketFront
from infra.local.people import People
from infra.local.signature import SignatureCheck

_SWEEP_S = 5.0
PERSONAL_LINK = "link_"
"""How a person's sign-in link begins; see chalicelib/accounts/tokens.py."""
_API_PREFIXES = ("/api/", "/mcp")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SignIn:
    """How a browser gets its session. Without `cookies` there are none; with `link` only the one-time link
    gives one.
    """

    cookies: SessionCookies | None = None
    link: OneTimeLink | None = None
    cookie_name: str = ""
    """With it, a browser that already has the cookie is not asked for the link again."""
    persons: Persons | None = None
    """With them, `?key=` also takes a person's sign-in link, and who signed in so stays who they are."""


@dataclass(frozen=True)
class Demo:
    """The demo cluster of this installation; `client` is None while it is off."""

    client: DemoClient | None
    authorize: Authorize


@dataclass(frozen=True)
class PeopleRoutes:
    """The people of this machine, and who sends a request."""

    people: People
    identify: Identify


class Gateway:
    """ASGI over a Chalice app, as API Gateway, a CDN and an authorizer are in AWS."""

    def __init__(
        self,
        app: Chalice,
        pages: Pages,
        signature: SignatureCheck,
        sign_in: SignIn,
        limits: Limits | None = None,
        demo: Demo | None = None,
        people: PeopleRoutes | None = None,
    ) -> None:
        limits = limits or Limits()
        self._executor = ThreadPoolExecutor(limits.threads, thread_name_prefix="handler")
        self._connections = Connections(limits, signature)
        self._rest = RestFront(app, self._executor, limits)
        self._websocket = WebSocketFront(app, self._executor, limits, self._connections)
        self._demo = DemoFront(demo.client, demo.authorize, self._executor) if demo else None
        self._people = PeopleFront(people.people, people.identify, self._executor) if people else None
        self._pages = pages
        self._sign_in = sign_in
        self._sweep_s = min(_SWEEP_S, limits.websocket_idle_s / 2)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            answer = await self._answer(scope, receive)
            await answer.send(send, head=scope["method"] == "HEAD")
        elif kind == "websocket":
            await self._websocket.serve(scope, receive, send)
        elif kind == "lifespan":
            await self._lifespan(receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if scope["path"].startswith(CONNECTIONS_PREFIX):
            return await self._connections.answer(scope, receive)
        headers = header_map(scope["headers"])
        refused = refusal(scope["method"], headers)
        if refused is not None:
            return error_answer(refused)
        if self._demo is not None and scope["path"].startswith(DEMO_PREFIX):
            return await self._demo.answer(scope, receive)
        if self._people is not None and scope["path"].startswith(PEOPLE_PREFIX):
            return await self._people.answer(scope, receive)
        match = self._rest.match(scope["raw_path"])
        if match is not None:
            return await self._rest.answer(scope, receive, match)
        if scope["path"].startswith(_API_PREFIXES) or scope["path"] == "/mcp":
            return error_answer(_no_route(scope))
        return await self._page(scope, headers)

    async def _page(self, scope: Scope, headers: Mapping[str, str]) -> Answer:
        if scope["method"] not in ("GET", "HEAD"):
            error = MethodNotAllowed("Only GET is possible here.", details={"allowed": ["GET", "HEAD"]})
            return error_answer(error, (b"allow", b"GET, HEAD"))
        answer = self._pages.answer(unquote(scope["path"]), headers)
        if answer is None:
            return error_answer(_no_route(scope))
        if not _is_document(answer):
            return answer
        # Not on the loop: to know who somebody is may take a look into the store.
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._signed_in, answer, scope, headers)

    def _signed_in(self, answer: Answer, scope: Scope, headers: Mapping[str, str]) -> Answer:
        """The document with a session cookie; with `LOCAL_AUTH=link` only for the holder of the link."""
        sign_in = self._sign_in
        if sign_in.cookies is None:
            return answer
        cookies = headers.get("cookie", "")
        offered = parse_qs(scope["query_string"].decode("latin-1")).get("key", [""])[0]
        if offered.startswith(PERSONAL_LINK) and sign_in.persons is not None:
            try:
                return _with_cookies(_home(), sign_in.persons.redeem(offered))
            except Unauthenticated:
                return self._pages.link_needed()
        if sign_in.link is not None:
            if not offered:
                known = sign_in.cookie_name and f"{sign_in.cookie_name}=" in cookies
                return answer if known else self._pages.link_needed()
            if not sign_in.link.take(offered):
                return self._pages.link_needed()
            return _with_cookies(_home(), sign_in.cookies())
        if sign_in.persons is not None and sign_in.persons.present(cookies) is not None:
            return answer
        return _with_cookies(answer, sign_in.cookies())

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with _repeating(self._connections.close_overdue, self._sweep_s):
            await send({"type": "lifespan.startup.complete"})
            await receive()
        self._executor.shutdown(wait=False, cancel_futures=True)
        await send({"type": "lifespan.shutdown.complete"})


def _home() -> Answer:
    """To the start page: so a key leaves the address bar and the history."""
    return Answer(303, [(b"location", b"/"), (b"cache-control", b"no-store")])


def _with_cookies(answer: Answer, cookies: tuple[str, ...]) -> Answer:
    more = [(b"set-cookie", cookie.encode("latin-1")) for cookie in cookies]
    return Answer(answer.status, [*answer.headers, *more], answer.body)


def _is_document(answer: Answer) -> bool:
    return any(name == b"content-type" and value.startswith(b"text/html") for name, value in answer.headers)


def _no_route(scope: Scope) -> NotFound:
    return NotFound(
        f"There is nothing at {scope['path']}.",
        code="unknown_route",
        remedy="The routes are listed at /api/v1/openapi.json.",
        details={"method": scope["method"], "path": scope["path"]},
    )


@contextlib.asynccontextmanager
async def _repeating(action: object, every_s: float) -> AsyncIterator[None]:
    async def repeat() -> None:
        while True:
            await asyncio.sleep(every_s)
            await action()  # type: ignore[operator]

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
