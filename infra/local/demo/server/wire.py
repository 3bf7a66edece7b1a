"""Requests and responses of the HTTP interface, and what the Accept header asks for."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

import orjson

from infra.local.demo.server.access import User
from infra.local.demo.server.errors import ApiError

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
GZIP_FROM_BYTES = 128 * 1024  # as the real server: small answers are not worth it


@dataclass
class HttpRequest:
    """One request; headers have lower-case names, the query keeps every value of a name."""

    method: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of(cls, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> HttpRequest:
        """From a request target such as `/api/v1/pods?limit=5`."""
        path, _, query = target.partition("?")
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        return cls(method, unquote(path), parse_qs(query, keep_blank_values=True), lower, body)

    def one(self, name: str, default: str = "") -> str:
        values = self.query.get(name)
        return values[0] if values else default

    def flag(self, name: str) -> bool:
        return self.one(name).lower() in ("1", "true")


@dataclass
class HttpResponse:
    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)

    def compressed(self, request: HttpRequest) -> HttpResponse:
        """With gzip, if the client takes it and the body is worth it."""
        accepts = "gzip" in request.headers.get("accept-encoding", "")
        if accepts and len(self.body) > GZIP_FROM_BYTES:
            headers = {**self.headers, "content-encoding": "gzip", "vary": "Accept-Encoding"}
            return HttpResponse(self.status, gzip.compress(self.body, 1), self.content_type, headers)
        return self


def json_response(value: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(status, orjson.dumps(value))


def error_response(error: ApiError) -> HttpResponse:
    response = json_response(error.status(), error.code)
    retry = (error.details or {}).get("retryAfterSeconds")
    if retry:
        response.headers["retry-after"] = str(retry)
    return response


@dataclass(frozen=True, slots=True)
class Accept:
    """What representation an answer should have."""

    shape: str = ""  # "", "Table", "PartialObjectMetadata", "PartialObjectMetadataList", "APIGroupDiscoveryList"
    group: str = ""
    version: str = ""
    yaml: bool = False


_TYPES = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
_SHAPES = {
    ("meta.k8s.io", "Table"), ("meta.k8s.io", "PartialObjectMetadata"), ("meta.k8s.io", "PartialObjectMetadataList"),
    ("apidiscovery.k8s.io", "APIGroupDiscoveryList"),
}  # fmt: skip


def negotiate(header: str) -> Accept:
    """The first acceptable representation; protobuf is passed over, since JSON is always offered with it."""
    ranges = [part.strip() for part in (header or "*/*").split(",")]
    for part in ranges:
        media, *parameters = [piece.strip() for piece in part.split(";")]
        given = dict(piece.partition("=")[::2] for piece in parameters)
        if media in ("*/*", "application/*", JSON):
            shape = given.get("as", "")
            if not shape:
                return Accept()
            if (given.get("g", ""), shape) in _SHAPES and given.get("v") in ("v1", "v2", "v1beta1", "v2beta1"):
                return Accept(shape, given["g"], given["v"])
        elif media == "application/yaml":
            return Accept(yaml=True)
    if any(part.partition(";")[0].strip() == _TYPES[2] for part in ranges):
        return Accept()
    offered = ", ".join(_TYPES) + f", {JSON};stream=watch, {_TYPES[2]};stream=watch"
    text = f"406: Not Acceptable\n\nAvailable representations: {offered}"
    raise ApiError(406, "NotAcceptable", text, {})


@dataclass
class Context:
    """A request with what the server found out about it."""

    request: HttpRequest
    user: User
    accept: Accept
    warnings: list[str] = field(default_factory=list)
