"""The tools, over REST: the same entries that chat and MCP serve."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.api.endpoints import Call, endpoint
from chalicelib.api.models import system as models
from chalicelib.api.render import listed

blueprint = Blueprint(__name__)


@endpoint(
    blueprint, "GET", "/api/v1/tools", summary="All tools with their schemas.", tag="tools",
    permission="tools:read", response=models.Tools,
)  # fmt: skip
def list_tools(call: Call) -> object:
    from chalicelib.tools.registry import TOOLS

    items = [tool.as_dict() for tool in TOOLS]
    return listed(items, total=len(items))


@endpoint(
    blueprint, "POST", "/api/v1/tools/{tool}", summary="Call a tool.", tag="tools", permission="tools:read",
    body=models.ToolArguments, response=models.ToolResult,
)  # fmt: skip
def call_tool(call: Call) -> object:
    arguments = call.body.model_dump(exclude_unset=True)
    return call.services.call_tool(call.principal, call.path["tool"], arguments).as_dict()
