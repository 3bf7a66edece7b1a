"""The server: one HTTP request with one message in, one answer out, nothing kept in between.

Versions 2025-11-25, 2025-06-18 and 2025-03-26 (modelcontextprotocol.io, "Transports" and "Lifecycle"). A session is
not needed: every request carries its authorization and its choice of toolsets in the URL or a header.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.errors import KubiliticsError
from chalicelib.mcp.features import Feature, Handler, Params, Selection, ToolFeature, ToolPort, params_of
from chalicelib.mcp.messages import (
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

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26")
"""Versions that are spoken, newest first."""
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
    website: str = ""


class InitializeParams(Params):
    protocolVersion: str


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
        self._methods: dict[str, Handler] = {"initialize": self._initialize, "ping": lambda params, selection: {}}
        for feature in self._features:
            self._methods.update(feature.methods)

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request. Never raises for what a client sent."""
        id_: str | int | None = None
        try:
            self._check_transport(request)
            message = read_message(request.body)
            id_ = message.id
            selection = self._selection(request)
            if not message.expects_answer:
                return accepted()
            return answer(id_, self._dispatch(message, request, selection))
        except ProtocolError as error:
            return failure(id_, error)

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
        if not accepts_json(request.header("Accept")):
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

    def _dispatch(self, message: Message, request: HttpRequest, selection: Selection) -> Mapping[str, Any]:
        version = request.header("MCP-Protocol-Version").strip()
        if message.method != "initialize" and version and version not in VERSIONS:
            raise ProtocolError(
                INVALID_REQUEST,
                f"MCP-Protocol-Version {version[:40]!r} is not spoken here.",
                status=400,
                data={"supported": list(VERSIONS), "requested": version[:40]},
            )
        handler = self._methods.get(message.method)
        if handler is None:
            raise ProtocolError(METHOD_NOT_FOUND, f"There is no method {message.method[:80]!r}.")
        try:
            return handler(message.params, selection)
        except ProtocolError:
            raise
        except KubiliticsError as error:
            raise ProtocolError(INTERNAL_ERROR, error.message, data=error.as_dict()["error"]) from error
        except Exception as error:
            if self._on_error is None:
                raise
            self._on_error(error)
            raise ProtocolError(INTERNAL_ERROR, "The request failed; the service log has the reason.") from error

    def _initialize(self, params: Mapping[str, Any], selection: Selection) -> Mapping[str, Any]:
        """The version that was asked for when it is spoken, else the newest one."""
        asked = params_of(InitializeParams, params).protocolVersion
        info = {"name": self._info.name, "version": self._info.version}
        if self._info.title:
            info["title"] = self._info.title
        if self._info.website:
            info["websiteUrl"] = self._info.website
        found: dict[str, Any] = {
            "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
            "capabilities": dict(feature.capability for feature in self._features),
            "serverInfo": info,
        }
        if self._info.instructions:
            found["instructions"] = self._info.instructions
        return found


def accepts_json(header: str) -> bool:
    """Whether an Accept header takes JSON; a missing one takes everything."""
    if not header.strip():
        return True
    for part in header.split(","):
        media, _, parameters = part.partition(";")
        refused = any(p.replace(" ", "") in ("q=0", "q=0.0") for p in parameters.split(";"))
        if media.strip().lower() in (JSON, "application/*", "*/*") and not refused:
            return True
    return False


__all__ = ["READ_ONLY_HEADER", "TOOLSETS_HEADER", "VERSIONS", "HttpRequest", "HttpResponse", "McpServer", "ServerInfo"]
