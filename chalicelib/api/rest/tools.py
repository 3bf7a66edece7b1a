"""The tools, over REST: the same entries that chat and MCP serve."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.api.endpoints import Call, endpoint
from chalicelib.api.models import system as models
from chalicelib.api.render import listed, plain
from chalicelib.tools.registry import TOOLS

blueprint = Blueprint(__name__)


@endpoint(
    blueprint, "GET", "/api/v1/tools", summary="All tools with their schemas.", tag="tools",
    permission="tools:read", response=models.Tools,
)  # fmt: skip
def list_tools(call: Call) -> object:
    items = [
        {
            "name": t.name,
            "category": t.category,
            "description": t.description,
            "input_schema": t.input_schema,
            "output_schema": t.output_schema,
            "annotations": plain(t.annotations),
            "cost": t.cost,
        }
        for t in TOOLS
    ]
    return listed(items, total=len(items))


@endpoint(
    blueprint, "POST", "/api/v1/tools/{tool}", summary="Call a tool.", tag="tools", permission="tools:read",
    body=models.ToolArguments, response=models.ToolResult,
)  # fmt: skip
def call_tool(call: Call) -> object:
    arguments = call.body.model_dump(exclude_unset=True)
    return plain(call.services.call_tool(call.principal, call.path["tool"], arguments))
