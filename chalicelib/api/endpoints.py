"""One declaration per route: it parses the request, checks the caller, maps errors, and documents itself.

A route is a function `(call: Call) -> body | Reply` under `@endpoint(...)`. Its models are used to parse the query and
body and to generate OpenAPI, so the documentation cannot differ from the code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import msgspec
from chalice.app import Blueprint, Request, Response
from pydantic import BaseModel, ValidationError

from chalicelib import wiring
from chalicelib.accounts.identity import Principal, require
from chalicelib.api.authentication import authenticate
from chalicelib.api.logs import logger_of
from chalicelib.errors import InvalidRequest, KubiliticsError
from chalicelib.store.keys import SYSTEM

JSON = "application/json"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
logger = logger_of("api")

current_request: ContextVar[Request] = ContextVar("current_request")
"""The request of this thread; Chalice's own attribute is shared between threads."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with another status or headers than 200. A `str` or `bytes` body is sent as it is."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One parsed request. `query` and `body` are instances of the models that the endpoint declared."""

    principal: Principal
    path: Mapping[str, str]
    query: Any
    body: Any
    services: wiring.Services
    request: Request


Handler = Callable[[Call], Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A documented route. `permission` empty: anybody may call it."""

    method: str
    path: str
    summary: str
    tag: str
    permission: str
    response: Any
    status: int
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    others: Mapping[int, Any]
    media: tuple[str, ...]
    """Content types of text that the route may answer with instead of JSON."""
    handler: Handler


ENDPOINTS: list[Endpoint] = []
ANONYMOUS = Principal(SYSTEM, "anonymous", "Anonymous", "viewer")
"""The caller of routes that need no permission; it is never asked for one."""


def endpoint(
    blueprint: Blueprint,
    method: str,
    path: str,
    *,
    summary: str,
    tag: str,
    response: Any,
    permission: str,
    status: int = 200,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    others: Mapping[int, Any] | None = None,
    media: tuple[str, ...] = (),
) -> Callable[[Handler], Handler]:
    """Register a route with Chalice and with the OpenAPI document."""

    def register(handler: Handler) -> Handler:
        entry = Endpoint(
            method, path, summary, tag, permission, response, status, query, body, others or {}, media, handler
        )
        ENDPOINTS.append(entry)

        def view(**parameters: str) -> Response:
            return answer(entry, parameters, current_request.get())

        view.__name__ = f"{handler.__name__}_{method.lower()}"
        accepted = [JSON] if body is not None else ["*/*"]
        blueprint.route(path, methods=[method], name=view.__name__, content_types=accepted)(view)
        return handler

    return register


def answer(entry: Endpoint, parameters: Mapping[str, str], request: Request) -> Response:
    """Run an endpoint; every failure becomes the one error shape."""
    try:
        services = wiring.services()
        principal = authenticate(request, services) if entry.permission else ANONYMOUS
        if entry.permission:
            require(principal, entry.permission)
        call = Call(
            principal=principal,
            path=checked_path({name: unquote(value) for name, value in parameters.items()}),
            query=parse_query(entry.query, request),
            body=parse_body(entry.body, request),
            services=services,
            request=request,
        )
        return respond(entry.handler(call), entry.status)
    except KubiliticsError as error:
        return error_response(error)
    except Exception:
        logger.exception("unhandled", path=request.path, method=request.method)
        return error_response(
            KubiliticsError("Something went wrong on our side.", details={"request_id": request_id(request)})
        )


def request_id(request: Request) -> str:
    context = request.context or {}
    return str(context.get("requestId", ""))


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def checked_path(parameters: Mapping[str, str]) -> Mapping[str, str]:
    """Path parameters without control characters. Raises InvalidRequest."""
    for name, value in parameters.items():
        if _CONTROL.search(value) or len(value) > 512:
            raise InvalidRequest(f"The {name} in the path is not a valid name.", details={"field": name})
    return parameters


def parse_query(model: type[BaseModel] | None, request: Request) -> Any:
    """The query string as `model`; a repeated or unknown parameter is refused."""
    given = request.query_params
    pairs = {name: given.getlist(name) for name in given} if given else {}
    if model is None:
        if pairs:
            raise InvalidRequest(
                f"This route takes no query parameter {sorted(pairs)[0]!r}.", remedy="Leave it out.",
                details={"valid": []},
            )  # fmt: skip
        return None
    for name, values in pairs.items():
        if len(values) > 1:
            raise InvalidRequest(f"The query parameter {name!r} is given {len(values)} times.", remedy="Give it once.")
    return validate(lambda: model.model_validate({k: v[0] for k, v in pairs.items()}), model, "query parameter")


def parse_body(model: type[BaseModel] | None, request: Request) -> Any:
    """The JSON body as `model`."""
    if model is None:
        return None
    raw = request.raw_body
    if not raw:
        raise InvalidRequest("The request has no body.", remedy="Send a JSON object.", code="missing_body")
    return validate(lambda: model.model_validate_json(raw), model, "field")


def validate(parse: Callable[[], BaseModel], model: type[BaseModel], what: str) -> BaseModel:
    """Run a pydantic parse and turn its error into a plain one that names the field."""
    try:
        return parse()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        details: dict[str, Any] = {"field": place}
        remedy = f"Correct the {what} {place!r}."
        if first["type"] == "extra_forbidden":
            details["valid"] = sorted(model.model_fields)
            remedy = f"Valid {what}s: {', '.join(sorted(model.model_fields)) or 'none'}."
        raise InvalidRequest(f"{place}: {first['msg']}.", remedy=remedy, details=details) from error


def encode(body: Any) -> str:
    """JSON text of any answer: structs, dataclasses, pydantic models, plain values."""
    return msgspec.json.encode(body, enc_hook=_plain).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def respond(result: Any, status: int = 200) -> Response:
    reply = result if isinstance(result, Reply) else Reply(result, status)
    if isinstance(reply.body, str | bytes):
        return Response(reply.body, headers=dict(reply.headers), status_code=reply.status)
    headers = {"Content-Type": JSON, "Cache-Control": "no-store", **reply.headers}
    return Response(encode(reply.body), headers=headers, status_code=reply.status)


def error_response(error: KubiliticsError) -> Response:
    headers = {"Content-Type": JSON, "Cache-Control": "no-store"}
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="kubilitics"'
    if error.status == HTTPStatus.TOO_MANY_REQUESTS and "retry_after_s" in error.details:
        headers["Retry-After"] = str(error.details["retry_after_s"])
    return Response(encode(error.as_dict()), headers=headers, status_code=error.status)
