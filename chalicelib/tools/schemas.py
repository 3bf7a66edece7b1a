"""JSON Schemas of tools, small enough to be read by a model on every turn.

pydantic and msgspec write titles, `$defs` and null defaults that say nothing; here they are folded away. Schemas are
built on first use, so that importing the tools stays cheap.
"""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import BaseModel


def input_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The `inputSchema` of an argument model. Field descriptions stay, class docstrings do not."""
    raw = model.model_json_schema()
    found = _fold(raw, raw.get("$defs", {}), keep_descriptions=True)
    found.pop("description", None)
    # The server refuses unknown arguments by name, with the valid ones; saying so in each schema costs bytes each turn.
    found.pop("additionalProperties", None)
    for field in found.get("properties", {}).values():
        if field.get("default") in ("", None, [], {}, False):
            field.pop("default", None)
        for limit in ("maxLength", "maxItems", "minLength", "pattern"):
            field.pop(limit, None)
        if field.get("minimum") == 1:
            del field["minimum"]
    return dict(found)


def output_schema(result: type[msgspec.Struct], *, many_clusters: bool) -> dict[str, Any]:
    """The `outputSchema` of a tool: the envelope around its typed data.

    With cluster `*` the facts of each cluster are in `data.clusters` and rows of all clusters in `data.items`.
    """
    (_,), components = msgspec.json.schema_components([result], ref_template="#/$defs/{name}")
    data = _fold(components[result.__name__], components)
    if many_clusters:
        data["properties"]["clusters"] = {"type": "array"}
    texts = {"type": "array", "items": {"type": "string"}}
    return {
        "type": "object",
        "properties": {
            "data": data,
            "summary": {"type": "string"},
            "evidence": texts,
            "gaps": {"type": "array"},
            "truncated": {"type": ["object", "null"]},
            "as_of": {"type": ["string", "null"]},
            "cluster": {"type": "string"},
        },
        "required": ["data", "summary"],
    }


def _fold(node: Any, definitions: dict[str, Any], *, keep_descriptions: bool = False) -> Any:
    """A schema with references inlined, titles dropped, and `X or null` written as one type.

    Of results (`keep_descriptions` False) also `required` and the items of plain lists go: names and types stay.
    """
    if isinstance(node, list):
        return [_fold(item, definitions, keep_descriptions=keep_descriptions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[-1]]
        return _fold(target, definitions, keep_descriptions=keep_descriptions)
    dropped = {"title", "$defs", "default"} if not keep_descriptions else {"title", "$defs"}
    if not keep_descriptions:
        dropped.add("description")
    found = {k: _properties(v, definitions, keep_descriptions) if k == "properties"
             else _fold(v, definitions, keep_descriptions=keep_descriptions)
             for k, v in node.items() if k not in dropped}  # fmt: skip
    if not keep_descriptions and found.get("type") == "object":
        found.pop("required", None)
    if found.get("additionalProperties") in ({}, True):
        del found["additionalProperties"]
    if not keep_descriptions and found.get("items") in ({"type": "string"}, {"type": "object"}):
        del found["items"]
    return _one_type(found, keep_null=keep_descriptions)


def _properties(fields: dict[str, Any], definitions: dict[str, Any], keep_descriptions: bool) -> dict[str, Any]:
    """Properties are names, not keywords: one may be called `title`."""
    return {name: _fold(value, definitions, keep_descriptions=keep_descriptions) for name, value in fields.items()}


def _one_type(node: dict[str, Any], *, keep_null: bool) -> dict[str, Any]:
    """`X or null` as one type. Results leave absent values out, so theirs is plain `X`."""
    choices = node.get("anyOf")
    if not choices:
        return node
    if not keep_null:
        choices = [choice for choice in choices if choice != {"type": "null"}]
    rest = {k: v for k, v in node.items() if k != "anyOf"}
    if len(choices) == 1:
        return {**rest, **choices[0]}
    if all(set(choice) == {"type"} for choice in choices):
        return {**rest, "type": [choice["type"] for choice in choices]}
    return {**rest, "anyOf": choices}
