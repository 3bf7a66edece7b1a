"""MCP at `/mcp`: Streamable HTTP, stateless, over the tool registry; and its OAuth metadata."""

from __future__ import annotations

from chalice.app import Blueprint, Response

from chalicelib.api.endpoints import current_request

blueprint = Blueprint(__name__)


@blueprint.route("/mcp", methods=["GET", "POST", "DELETE"], content_types=["*/*"])
def mcp() -> Response:
    """One JSON-RPC exchange. Authentication comes first; the protocol core answers the rest."""
    from chalicelib.api.mcp_registry import exchanged

    return exchanged(current_request.get())


@blueprint.route("/.well-known/oauth-protected-resource", methods=["GET"])
def resource_metadata() -> Response:
    from chalicelib.api.mcp_registry import resource_metadata as metadata

    return metadata()


@blueprint.route("/.well-known/oauth-protected-resource/mcp", methods=["GET"])
def mcp_resource_metadata() -> Response:
    """Where a client looks first: the well-known path with the resource's own path behind it."""
    from chalicelib.api.mcp_registry import resource_metadata as metadata

    return metadata()
