"""MCP at `/mcp`: Streamable HTTP, stateless, over the tool registry."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from chalicelib.api.endpoints import current_request

blueprint = Blueprint(__name__)


@blueprint.route("/mcp", methods=["GET", "POST", "DELETE"], content_types=["*/*"])
def mcp() -> Response:
    """One JSON-RPC exchange. Authentication comes first; the protocol core answers the rest."""
    from chalicelib.api.mcp_registry import respond

    return respond(current_request.get())
