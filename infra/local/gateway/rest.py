"""REST requests to the Chalice app: match, check the size, authorize, run in a thread, answer within 29 s."""

from __future__ import annotations

import asyncio
import base64
import logging
import threading
from concurrent.futures import Executor
from typing import Any

from chalice.app import Chalice, Request

from chalicelib.errors import KubiliticsError, MethodNotAllowed, TooLarge
from infra.local.gateway.answer import Answer, IntegrationTimeout, Receive, Scope, error_answer
from infra.local.gateway.authorizers import Authorizers
from infra.local.gateway.events import LambdaContext, header_map, rest_event
from infra.local.gateway.limits import Limits
from infra.local.gateway.routes import Match, RouteTable

_log = logging.getLogger(__name__)
_DRAIN_LIMIT_BYTES = 64 * 1024 * 1024


def serve_in_threads(app: Chalice) -> None:
    """Give each thread a current request of its own; in Lambda a process has one at a time."""
    if not isinstance(app, _PerThread):
        app.__class__ = _PerThread


class _PerThread(Chalice):
    _slots = threading.local()

    @property
    def current_request(self) -> Request | None:
        return getattr(self._slots, "request", None)

    @current_request.setter
    def current_request(self, value: Request | None) -> None:
        self._slots.request = value

    @property
    def lambda_context(self) -> Any:
        return getattr(self._slots, "context", None)

    @lambda_context.setter
    def lambda_context(self, value: Any) -> None:
        self._slots.context = value


class RestFront:
    """The REST half of the gateway."""

    def __init__(self, app: Chalice, executor: Executor, limits: Limits) -> None:
        serve_in_threads(app)
        self._app = app
        self._executor = executor
        self._limits = limits
        self._routes = RouteTable(app.routes)
        self._authorizers = Authorizers()

    def match(self, raw_path: bytes) -> Match | None:
        """The route of a path, None when it is not the app's."""
        return self._routes.match(raw_path.decode("latin-1"))

    async def answer(self, scope: Scope, receive: Receive, match: Match) -> Answer:
        """The app's answer; never raises."""
        headers = header_map(scope["headers"])
        try:
            self._require_method(scope["method"], match)
            body = await self._body(scope, headers, receive)
        except KubiliticsError as error:
            return _refused(error)
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._executor, self._invoke, scope, headers, match, body)
        try:
            async with asyncio.timeout(self._limits.integration_s):
                # The handler goes on, as the Lambda function behind API Gateway does.
                return await asyncio.shield(running)
        except TimeoutError:
            _log.warning("integration timeout: %s %s", scope["method"], match.resource)
            return error_answer(IntegrationTimeout(f"The answer took longer than {self._limits.integration_s:g} s."))

    def _require_method(self, method: str, match: Match) -> None:
        allowed = self._app.routes[match.resource]
        if method not in allowed:
            raise MethodNotAllowed(
                f"{method} is not possible here.", details={"method": method, "allowed": sorted(allowed)}
            )

    async def _body(self, scope: Scope, headers: dict[str, str], receive: Receive) -> bytes:
        if "content-length" not in headers and "transfer-encoding" not in headers:
            return b""
        limit = self._limits.body_bytes
        declared = headers.get("content-length", "")
        too_large = declared.isdigit() and int(declared) > limit
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            chunk = message.get("body", b"")
            size += len(chunk)
            too_large = too_large or size > limit
            # A refused body is still read, up to a bound: a client that cannot finish sending would not see
            # the answer.
            if not too_large:
                chunks.append(chunk)
            if not message.get("more_body") or size > _DRAIN_LIMIT_BYTES:
                break
        if too_large:
            raise TooLarge(f"The request body is larger than {limit} bytes.", details={"limit": limit})
        return b"".join(chunks)

    def _invoke(self, scope: Scope, headers: dict[str, str], match: Match, body: bytes) -> Answer:
        event = rest_event(scope, headers, match, body, self._app.api.binary_types)
        context = LambdaContext("api", self._limits.integration_s)
        authorizer = self._app.routes[match.resource][scope["method"]].authorizer
        try:
            if authorizer is not None:
                event["requestContext"]["authorizer"] = self._authorizers.authorize(authorizer, event, context)
            result = self._app(event, context)
        except KubiliticsError as error:
            return _refused(error)
        except Exception:
            _log.exception("handler failed: %s %s", scope["method"], match.resource)
            return error_answer(KubiliticsError("The request failed inside the service."))
        answer = _from_proxy_result(result)
        if answer.status >= 500:
            _log.error("answered %s: %s %s", answer.status, scope["method"], match.resource)
        return answer.compressed(headers.get("accept-encoding", ""))


def _refused(error: KubiliticsError) -> Answer:
    allowed = error.details.get("allowed")
    extra = [(b"allow", ", ".join(allowed).encode())] if allowed else []
    return error_answer(error, *extra)


def _from_proxy_result(result: dict[str, Any]) -> Answer:
    """Lambda's proxy result as an answer; Chalice has refused header values with line breaks."""
    pairs = list((result.get("headers") or {}).items())
    for name, values in (result.get("multiValueHeaders") or {}).items():
        pairs.extend((name, value) for value in values)
    headers = [
        (name.lower().encode("latin-1"), str(value).encode("latin-1", "replace"))
        for name, value in pairs
        if name.lower() != "content-length"
    ]
    body = result.get("body") or ""
    content = base64.b64decode(body) if result.get("isBase64Encoded") else str(body).encode()
    return Answer(int(result["statusCode"]), headers, content)
