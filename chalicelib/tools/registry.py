"""The one registry of tools, and the one way to call a tool.

`call` checks the arguments and the permission, resolves the cluster (`*` for all that the caller may see) and runs the
function; `chalicelib.tools.assembly` cuts what it found to the budget and stores the evidence of what is shown.
"""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from chalicelib.errors import InvalidRequest, KubiliticsError
from chalicelib.store.records import ClusterRecord
from chalicelib.tools import cursors
from chalicelib.tools.assembly import Part, ToolResult, assemble, part_of
from chalicelib.tools.context import ALL, ToolContext
from chalicelib.tools.entry import TOOLS, Args, Tool, ToolRegistry, tool

# Importing a category's module registers its tools; the order is the order within a category.
from chalicelib.tools import observe_cluster, observe_objects, observe_network, observe_storage  # isort: skip  # noqa: F401
from chalicelib.tools import observe_history, analyze_relations, analyze_patterns  # isort: skip  # noqa: F401
from chalicelib.tools import analyze_logs, analyze_workloads, recommend_actions, troubleshoot, discover  # isort: skip  # noqa: F401
from chalicelib.tools import action, automation  # isort: skip  # noqa: F401

__all__ = ["TOOLS", "ToolContext", "ToolResult", "call", "checked", "tool"]


def call(name: str, args: dict[str, Any], context: ToolContext, registry: ToolRegistry = TOOLS) -> ToolResult:
    """Call a tool.

    Raises NotFound `unknown_tool` or `unknown_cluster`, InvalidRequest naming the field, Forbidden, and whatever the
    tool itself raises: an error is never an empty result.
    """
    entry = registry[name]
    context.require(entry.permission)
    given = checked(entry, args)
    scope = cursors.scope_of("tool", entry.name, given.model_dump(exclude={"cursor", "limit"}))
    cursor = getattr(given, "cursor", "") if entry.pages else ""
    position = cursors.decode(context.principal.tenant, scope, cursor)
    if not entry.takes_cluster:
        parts = [part_of(None, entry.function(given, context))]
        return assemble(entry, given, context, parts, scope=scope, position=position)
    cluster = getattr(given, "cluster", "")
    records = context.clusters(cluster)
    if cluster == ALL:
        parts, failures = _each(entry, given, context, records)
        return assemble(entry, given, context, parts, failures, scope=scope, position=position, many=True)
    on = context.on(records[0], position.taken_at, getattr(given, "kind", ""))
    return assemble(entry, given, context, [_part(entry, given, on)], scope=scope, position=position)


def checked(entry: Tool, args: dict[str, Any]) -> Args:
    """The arguments, typed. Raises InvalidRequest `invalid_arguments` naming the field and what it accepts."""
    if not entry.takes_cluster:
        # Callers name a cluster in every call; a tool that reads none is indifferent to it.
        args = {name: value for name, value in args.items() if name != "cluster"}
    try:
        return entry.args.model_validate(args)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "arguments"
        raise InvalidRequest(
            f"{where}: {first['msg']}.",
            code="invalid_arguments",
            remedy=f"{entry.name} takes: {', '.join(entry.args.model_fields)}.",
            details={"tool": entry.name, "field": where, "problems": error.error_count()},
        ) from None


def _part(entry: Tool, given: Args, context: ToolContext) -> Part:
    answer = entry.function(given, context)
    return part_of(context.record, answer, context.view.as_of, context.view.note)


def _each(
    entry: Tool, given: Args, context: ToolContext, records: list[ClusterRecord]
) -> tuple[list[Part], list[dict[str, Any]]]:
    """The answers of many clusters. One that fails is a named gap; when all fail, the first error is raised."""
    parts: list[Part] = []
    failures: list[dict[str, Any]] = []
    first: KubiliticsError | None = None
    for record in records:
        try:
            parts.append(_part(entry, given, context.on(record, kind=getattr(given, "kind", ""))))
        except KubiliticsError as error:
            first = first or error
            message = f"{error.message} {error.remedy}"
            failures.append({"cluster": record.name, "kind": "Cluster", "reason": error.code, "message": message})
    if first is not None and not parts:
        raise first
    return parts, failures
