"""`/local/people`, `.../switch`, `.../link`, `.../add`: whose sessions a browser holds, and new people of this machine.

Only this gateway has these routes: the product's own app, and so everything that ships to AWS, knows nothing of them.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Protocol

from chalicelib.accounts import Principal
from chalicelib.errors import InvalidRequest, KubiliticsError, MethodNotAllowed, NotFound
from infra.local.gateway.answer import Answer, Receive, Scope, error_answer, json_answer, no_content, small_body
from infra.local.gateway.events import header_map
from infra.local.people import People

PREFIX = "/local/people"
_log = logging.getLogger(__name__)
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "switch": ("tenant", "user"), "link": ("user",), "add": ("name", "role", "tenant"),
}  # fmt: skip


class Identify(Protocol):
    """Who sent a request, by token, or by cookie and our Origin. Raises Unauthenticated or Forbidden."""

    def __call__(self, method: str, headers: Mapping[str, str]) -> Principal: ...


class PeopleFront:
    """Answers below PREFIX."""

    def __init__(self, people: People, identify: Identify, executor: Executor) -> None:
        self._people = people
        self._identify = identify
        self._executor = executor

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """The answer in the API's forms; never raises."""
        try:
            body = await small_body(receive)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, self._serve, scope, body)
        except KubiliticsError as error:
            return error_answer(error)
        except Exception:
            _log.exception("people route failed: %s %s", scope["method"], scope["path"])
            return error_answer(KubiliticsError("The request failed inside the service."))

    def _serve(self, scope: Scope, body: bytes) -> Answer:
        method, action = scope["method"], scope["path"].removeprefix(PREFIX).strip("/")
        headers = header_map(scope["headers"])
        cookies = headers.get("cookie", "")
        if action and action not in _FIELDS:
            raise NotFound(
                f"There is nothing at {PREFIX}/{action}.", code="unknown_route",
                remedy=f"Use {', '.join((PREFIX, *(f'{PREFIX}/{name}' for name in _FIELDS)))}.",
            )  # fmt: skip
        wanted = "POST" if action else "GET"
        if method != wanted:
            raise MethodNotAllowed(f"{method} is not possible here.", details={"allowed": [wanted]})
        if not action:
            return json_answer(200, {"items": self._held(cookies)})
        given = _texts(body, _FIELDS[action])
        if action == "switch":
            return no_content(*_headers(self._people.switch(cookies, given["tenant"], given["user"])))
        by = self._identify(method, headers)
        if action == "link":
            return json_answer(201, {"path": self._people.link(by, given["user"])})
        return json_answer(201, self._people.add(by, given["name"], given["role"], given["tenant"]))

    def _held(self, cookies: str) -> list[dict[str, object]]:
        now = self._people.present(cookies)
        return [
            {"tenant": one.tenant, "user": one.user, "name": one.name, "role": one.role, "present": one == now}
            for one in self._people.held(cookies)
        ]


def _headers(cookies: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    return [(b"set-cookie", cookie.encode("latin-1")) for cookie in cookies]


def _texts(body: bytes, fields: tuple[str, ...]) -> dict[str, str]:
    """The fields of a body. Raises InvalidRequest."""
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if isinstance(content, dict) and set(content) == set(fields):
        found = {name: value for name, value in content.items() if isinstance(value, str)}
        if len(found) == len(fields):
            return found
    raise InvalidRequest(
        "The body is not what this takes.", remedy=f"Send a JSON object of texts: {', '.join(fields)}.",
        details={"fields": list(fields)},
    )  # fmt: skip
