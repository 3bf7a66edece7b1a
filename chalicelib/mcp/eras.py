"""The two eras of the protocol, and which one a message belongs to.

2025-11-25 and before agree on a version by `initialize`. 2026-07-28 has no handshake and no session: each request says
in `params._meta` which version it speaks and what its client can do, and repeats version, method and name in headers,
so that what stands in between can route it (modelcontextprotocol.io, "Base protocol" and "Transports").
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from chalicelib.mcp.messages import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RESOURCE_NOT_FOUND,
    UNSUPPORTED_VERSION,
    HttpRequest,
    Message,
    ProtocolError,
)

HANDSHAKE_VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26")
"""Versions with `initialize`, newest first."""
STATELESS_VERSIONS = ("2026-07-28",)
VERSION_HEADER = "MCP-Protocol-Version"
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
SERVER_INFO_KEY = "io.modelcontextprotocol/serverInfo"
NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""The parameter that the header Mcp-Name repeats."""
STATUS = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    UNSUPPORTED_VERSION: 400,
    METHOD_NOT_FOUND: 404,
}
"""HTTP status of an error code in 2026-07-28; before, errors of a request were 200."""
_BASE64 = re.compile(r"=\?base64\?(.*)\?=")


def is_stateless(message: Message, request: HttpRequest) -> bool:
    """Whether a message is one of 2026-07-28: by its header, its `_meta`, or a method that only that version has."""
    if request.header(VERSION_HEADER) in STATELESS_VERSIONS:
        return True
    return VERSION_KEY in _meta(message) or message.method == "server/discover"


def check_envelope(message: Message, request: HttpRequest) -> None:
    """Raises ProtocolError unless `_meta` is complete, the headers agree with the body, and the version is spoken."""
    meta = _meta(message)
    missing = [key for key in (VERSION_KEY, CAPABILITIES_KEY) if key not in meta]
    if missing:
        raise ProtocolError(INVALID_PARAMS, f"params._meta lacks {', '.join(missing)}.", data={"field": "_meta"})
    version = meta[VERSION_KEY]
    if request.header(VERSION_HEADER) != version:
        raise _mismatch(VERSION_HEADER, f"_meta[{VERSION_KEY!r}]")
    if request.header("Mcp-Method") != message.method:
        raise _mismatch("Mcp-Method", "method")
    named_by = NAMED_BY.get(message.method)
    name = message.params.get(named_by) if named_by else None
    if name is not None and _decoded(request.header("Mcp-Name")) != name:
        raise _mismatch("Mcp-Name", f"params.{named_by}")
    if version not in STATELESS_VERSIONS:
        raise ProtocolError(
            UNSUPPORTED_VERSION,
            "This protocol version is not spoken here.",
            data={"supported": list(STATELESS_VERSIONS), "requested": version},
        )


def stateless_error(error: ProtocolError) -> ProtocolError:
    """An error with the code and the HTTP status that 2026-07-28 gives it."""
    code = INVALID_PARAMS if error.code == RESOURCE_NOT_FOUND else error.code
    status = error.status if error.status != 200 else STATUS.get(code, 200)
    return ProtocolError(code, error.message, status=status, data=error.data)


def _meta(message: Message) -> Mapping[str, Any]:
    meta = message.params.get("_meta")
    return meta if isinstance(meta, dict) else {}


def _mismatch(header: str, place: str) -> ProtocolError:
    return ProtocolError(HEADER_MISMATCH, f"The header {header} differs from {place}.", data={"field": header})


def _decoded(header: str) -> str | None:
    """A header value; names that no header can carry come as `=?base64?...?=`. None for a broken one."""
    found = _BASE64.fullmatch(header)
    if found is None:
        return header
    try:
        raw = base64.b64decode(found[1], validate=True)
        return raw.decode() if base64.b64encode(raw).decode() == found[1] else None
    except (binascii.Error, UnicodeDecodeError):
        return None
