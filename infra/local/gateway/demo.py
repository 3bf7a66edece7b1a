"""`/local/demo/{faults,inject,heal}`: the demo cluster's faults, for whoever may use the API of this installation.

Only this gateway has these routes: the product's own app, and so everything that ships to AWS, knows nothing of them.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any, Protocol

from chalicelib.errors import InvalidRequest, KubiliticsError, MethodNotAllowed, NotFound, Unavailable
from infra.local.demo_client import DemoAway, DemoClient, DemoRefused
from infra.local.gateway.answer import Answer, Receive, Scope, error_answer, json_answer, small_body
from infra.local.gateway.events import header_map

PREFIX = "/local/demo/"
_ROUTES = {"faults": ("GET", "clusters:read"), "inject": ("POST", "clusters:write"), "heal": ("POST", "clusters:write")}
_log = logging.getLogger(__name__)


class Authorize(Protocol):
    """Whether the sender of a request has a permission, by token, or by cookie and our Origin.

    Raises Unauthenticated or Forbidden.
    """

    def __call__(self, method: str, headers: Mapping[str, str], permission: str) -> None: ...


class DemoFront:
    """Answers below PREFIX. Without `demo` the demo cluster is off."""

    def __init__(self, demo: DemoClient | None, authorize: Authorize, executor: Executor) -> None:
        self._demo = demo
        self._authorize = authorize
        self._executor = executor

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """The demo's answer in the API's forms; never raises."""
        try:
            body = await small_body(receive)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, self._serve, scope, body)
        except KubiliticsError as error:
            return error_answer(error)
        except Exception:
            _log.exception("demo route failed: %s %s", scope["method"], scope["path"])
            return error_answer(KubiliticsError("The request failed inside the service."))

    def _serve(self, scope: Scope, body: bytes) -> Answer:
        action = scope["path"].removeprefix(PREFIX)
        if action not in _ROUTES:
            raise NotFound(
                f"There is nothing at {scope['path']}.", code="unknown_route",
                remedy=f"Use {', '.join(PREFIX + name for name in _ROUTES)}.",
            )  # fmt: skip
        method, permission = _ROUTES[action]
        if scope["method"] != method:
            raise MethodNotAllowed(f"{scope['method']} is not possible here.", details={"allowed": [method]})
        self._authorize(scope["method"], header_map(scope["headers"]), permission)
        if self._demo is None:
            raise Unavailable(
                "The demo cluster is off.", code="demo_off", remedy="Start without DEMO=0: make run.",
            )  # fmt: skip
        return json_answer(200, _asked(self._demo, action, body))


def _asked(demo: DemoClient, action: str, body: bytes) -> Any:
    try:
        if action == "faults":
            return {"items": demo.faults()}
        name = _name(body)
        return demo.inject(name) if action == "inject" else demo.heal(name)
    except DemoAway as error:
        raise Unavailable(
            "The demo cluster does not answer.", code="demo_away",
            remedy="It is starting, or starts again, by itself; try again in a few seconds.",
            details={"reason": str(error)},
        ) from None  # fmt: skip
    except DemoRefused as error:
        if error.status == 404:
            raise NotFound(
                str(error), code="unknown_fault", remedy=f"GET {PREFIX}faults lists the faults by name."
            ) from None
        raise Unavailable(
            f"The demo cluster refused: {error}", code="demo_refused", remedy="See the demo cluster's log."
        ) from None


def _name(body: bytes) -> str:
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    name = content.get("name") if isinstance(content, dict) else None
    if not isinstance(name, str) or not name or set(content) != {"name"}:
        raise InvalidRequest(
            "The body names no fault.", remedy='Send JSON: {"name": "..."}.', details={"field": "name"}
        )
    return name
