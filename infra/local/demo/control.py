"""What a real cluster does not have: the paths below `/sim/`, by which people break this one and mend it.

    GET  /sim/state     seed, size, version, and how far the written history is
    GET  /sim/faults    every scenario, and whether it is active
    POST /sim/inject    {"name": ...}
    POST /sim/heal      {"name": ...}
    GET  /sim/metrics   what Prometheus would scrape from kubelets and kube-state-metrics

They are ordinary paths of the API server, so its authentication and authorization stand before them: an
administrator gets in, an editor or a viewer gets the 403 that any path without a rule gets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from infra.local.demo.scenarios.catalog import Faults, UnknownFault
from infra.local.demo.server.errors import ApiError, bad_request, method_not_allowed
from infra.local.demo.server.wire import HttpRequest, HttpResponse, json_response

PREFIX = "/sim/"
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


class Control:
    """An extension of the API server; runs on the thread that owns the store."""

    def __init__(self, faults: Faults, state: Callable[[], dict[str, Any]], metrics: Callable[[], str]) -> None:
        self._faults = faults
        self._state = state
        self._metrics = metrics

    def __call__(self, request: HttpRequest) -> HttpResponse | None:
        """The answer to a request below PREFIX; None for every other path."""
        if not request.path.startswith(PREFIX):
            return None
        routes: dict[str, tuple[str, Callable[[HttpRequest], HttpResponse]]] = {
            "state": ("GET", lambda _: json_response(self._state())),
            "faults": ("GET", lambda _: json_response({"items": self._faults.faults()})),
            "inject": ("POST", lambda given: json_response(self._change(self._faults.inject, given))),
            "heal": ("POST", lambda given: json_response(self._change(self._faults.heal, given))),
            "metrics": ("GET", lambda _: HttpResponse(200, self._metrics().encode(), EXPOSITION)),
        }
        method, answer = routes.get(request.path.removeprefix(PREFIX), ("", None))
        if answer is None:
            known = ", ".join(PREFIX + name for name in routes)
            raise ApiError(404, "NotFound", f"There is nothing at {request.path}. Known: {known}.", {})
        if request.method != method:
            raise method_not_allowed()
        return answer(request)

    def _change(self, change: Callable[[str], dict[str, object]], request: HttpRequest) -> dict[str, object]:
        name = _name(request.body)
        try:
            return change(name)
        except UnknownFault as error:
            raise ApiError(404, "NotFound", str(error), {}) from None
        except ApiError as error:
            text = f"The cluster refuses: {error.message}. Was it changed by hand? A restart gives a fresh world."
            raise ApiError(409, "Conflict", text, {}) from None


def _name(body: bytes) -> str:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        given = None
    name = given.get("name") if isinstance(given, dict) else None
    if not isinstance(name, str) or not name:
        raise bad_request('The body names no fault. Send JSON: {"name": "..."}.')
    return name
