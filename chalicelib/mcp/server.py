"""The server: one HTTP request with one message in, one answer out, nothing kept in between.

Two eras are served over the same features (`chalicelib.mcp.eras`). A session is not needed in either: every request
carries its authorization, and its choice of toolsets in the URL or a header.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.errors import KubiliticsError
from chalicelib.mcp import eras
from chalicelib.mcp.feature import Exchange, Feature, Handler, Params, Selection, params_of
from chalicelib.mcp.messages import (
    EVENT_STREAM,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    JSON,
    METHOD_NOT_FOUND,
    HttpRequest,
    HttpResponse,
    Message,
    ProtocolError,
    accepted,
    answer,
    failure,
    read_message,
)
from chalicelib.mcp.tools import ToolFeature, ToolPort

MAX_BODY_BYTES = 1024 * 1024
TOOLSETS_HEADER = "X-Kubilitics-Toolsets"
READ_ONLY_HEADER = "X-Kubilitics-Readonly"
TRUE = ("1", "true", "yes", "on")
FALSE = ("", "0", "false", "no", "off")


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """How the server introduces itself. `instructions` tell a model how to use it."""

    name: str
    version: str
    title: str = ""
    instructions: str = ""


class McpServer:
    """The protocol over a registry of tools that is bound to its caller.

    `allowed_origins` None leaves the check of the Origin header to the HTTP front end. `on_error` hears of unexpected
    failures, for the log.
    """

    def __init__(
        self,
        registry: ToolPort,
        info: ServerInfo,
        *,
        features: Sequence[Feature] = (),
        allowed_origins: frozenset[str] | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        on_error: Callable[[Exception], None] | None = None,
        page_size: int = 50,
    ) -> None:
        self._tools = ToolFeature(registry, page_size)
        self._features: tuple[Feature, ...] = (self._tools, *features)
        self._info = info
        self._allowed_origins = allowed_origins
        self._max_body_bytes = max_body_bytes
        self._on_error = on_error
        offered: dict[str, Handler] = {}
        for feature in self._features:
            offered.update(feature.methods)
        self._with_handshake = {"initialize": self._initialize, "ping": _pong, **offered}
        self._stateless = {"server/discover": self._discover, **offered}
        self._lifetimes = {"server/discover": 0}
        for feature in self._features:
            self._lifetimes.update(feature.cacheable)

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request. Never raises for what a client sent."""
        id_: str | int | None = None
        stateless = request.header(eras.VERSION_HEADER) in eras.STATELESS_VERSIONS
        try:
            self._check_transport(request)
            message = read_message(request.body)
            id_ = message.id
            stateless = eras.is_stateless(message, request)
            selection = self._selection(request)
            if not message.expects_answer:
                return accepted()
            exchange = Exchange(selection, _progress_token(message))
            result = (
                self._answer_stateless(message, request, exchange)
                if stateless
                else (self._answer(message, request, exchange))
            )
            return answer(id_, result, exchange.told if accepts(request.header("Accept"), EVENT_STREAM) else ())
        except ProtocolError as error:
            return failure(id_, eras.stateless_error(error) if stateless else error)

    def _check_transport(self, request: HttpRequest) -> None:
        if request.method.upper() != "POST":
            # A stream that a client opened with GET would hold a function until its timeout.
            error = ProtocolError(INVALID_REQUEST, "Only POST is served here: there are no streams.", status=405)
            error.headers = {"Allow": "POST"}
            raise error
        origin = request.header("Origin")
        if origin and self._allowed_origins is not None and origin not in self._allowed_origins:
            raise ProtocolError(INVALID_REQUEST, "This origin is not allowed.", status=403)
        media = request.header("Content-Type").partition(";")[0].strip().lower()
        if media != JSON:
            raise ProtocolError(INVALID_REQUEST, f"Content-Type: send {JSON}.", status=415)
        if not accepts(request.header("Accept"), JSON):
            raise ProtocolError(
                INVALID_REQUEST, f"Accept: the answer is {JSON}; send {JSON}, text/event-stream.", status=406
            )
        if len(request.body) > self._max_body_bytes:
            raise ProtocolError(INVALID_REQUEST, f"The body is larger than {self._max_body_bytes} bytes.", status=413)

    def _selection(self, request: HttpRequest) -> Selection:
        """Toolsets and read-only mode of the URL, else of the headers. Raises ProtocolError for unknown ones."""
        text = request.query.get("toolsets") or request.header(TOOLSETS_HEADER)
        flag = (request.query.get("readonly") or request.header(READ_ONLY_HEADER)).strip().lower()
        if flag not in TRUE + FALSE:
            raise ProtocolError(INVALID_REQUEST, "readonly is true or false.", status=400, data={"field": "readonly"})
        names = [name.strip() for name in text.split(",") if name.strip()]
        valid = self._tools.toolsets
        wrong = [name for name in names if name not in (*valid, "all")]
        if wrong:
            raise ProtocolError(
                INVALID_REQUEST,
                f"There is no toolset called {wrong[0][:60]!r}. Choose from: {', '.join(valid)}, all.",
                status=400,
                data={"code": "unknown_toolset", "given": wrong[0][:60], "valid": [*valid, "all"]},
            )
        chosen = None if not names or "all" in names else frozenset(names)
        return Selection(chosen, read_only=flag in TRUE)

    def _answer(self, message: Message, request: HttpRequest, exchange: Exchange) -> Mapping[str, Any]:
        version = request.header(eras.VERSION_HEADER).strip()
        if message.method != "initialize" and version and version not in eras.HANDSHAKE_VERSIONS:
            raise ProtocolError(
                INVALID_REQUEST,
                f"MCP-Protocol-Version {version[:40]!r} is not spoken here.",
                status=400,
                data={"supported": [*eras.STATELESS_VERSIONS, *eras.HANDSHAKE_VERSIONS], "requested": version[:40]},
            )
        return self._run(self._with_handshake, message, exchange)

    def _answer_stateless(self, message: Message, request: HttpRequest, exchange: Exchange) -> Mapping[str, Any]:
        """The result with what 2026-07-28 adds: that it is complete, how long it holds, and who answered."""
        eras.check_envelope(message, request)
        found = dict(self._run(self._stateless, message, exchange))
        found.setdefault("resultType", "complete")
        if message.method in self._lifetimes:
            found |= {"ttlMs": self._lifetimes[message.method], "cacheScope": "private"}
        return {**found, "_meta": {eras.SERVER_INFO_KEY: self._introduction()}}

    def _run(self, methods: Mapping[str, Handler], message: Message, exchange: Exchange) -> Mapping[str, Any]:
        handler = methods.get(message.method)
        if handler is None:
            raise ProtocolError(METHOD_NOT_FOUND, f"There is no method {message.method[:80]!r}.")
        try:
            return handler(message.params, exchange)
        except ProtocolError:
            raise
        except KubiliticsError as error:
            raise ProtocolError(INTERNAL_ERROR, error.message, data=error.as_dict()["error"]) from error
        except Exception as error:
            if self._on_error is None:
                raise
            self._on_error(error)
            raise ProtocolError(INTERNAL_ERROR, "The request failed; the service log has the reason.") from error

    def _initialize(self, params: Mapping[str, Any], exchange: Exchange) -> Mapping[str, Any]:
        """The version that was asked for when it is spoken, else the newest one that has a handshake."""
        asked = params_of(_InitializeParams, params).protocolVersion
        version = asked if asked in eras.HANDSHAKE_VERSIONS else eras.HANDSHAKE_VERSIONS[0]
        return {"protocolVersion": version, "serverInfo": self._introduction(), **self._offer()}

    def _discover(self, params: Mapping[str, Any], exchange: Exchange) -> Mapping[str, Any]:
        return {"supportedVersions": [*eras.STATELESS_VERSIONS, *eras.HANDSHAKE_VERSIONS], **self._offer()}

    def _offer(self) -> dict[str, Any]:
        found: dict[str, Any] = {"capabilities": dict(feature.capability for feature in self._features)}
        if self._info.instructions:
            found["instructions"] = self._info.instructions
        return found

    def _introduction(self) -> dict[str, str]:
        info = {"name": self._info.name, "version": self._info.version}
        if self._info.title:
            info["title"] = self._info.title
        return info


class _InitializeParams(Params):
    protocolVersion: str


def _pong(params: Mapping[str, Any], exchange: Exchange) -> Mapping[str, Any]:
    return {}


def _progress_token(message: Message) -> str | int | None:
    meta = message.params.get("_meta")
    token = meta.get("progressToken") if isinstance(meta, dict) else None
    return token if isinstance(token, str | int) and not isinstance(token, bool) else None


def accepts(header: str, wanted: str) -> bool:
    """Whether an Accept header takes a media type; a missing one takes everything."""
    if not header.strip():
        return True
    for part in header.split(","):
        media, _, parameters = part.partition(";")
        refused = any(p.replace(" ", "") in ("q=0", "q=0.0") for p in parameters.split(";"))
        if media.strip().lower() in (wanted, wanted.split("/")[0] + "/*", "*/*") and not refused:
            return True
    return False
