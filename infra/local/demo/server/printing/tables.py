"""Table and PartialObjectMetadata answers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from infra.local.demo.server import schemas
from infra.local.demo.server.printing.ages import age
from infra.local.demo.server.printing.columns import COLUMNS, DESCRIPTIONS, Column
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api
    from infra.local.demo.server.wire import Accept

_NAME = Column("Name", lambda obj, now: obj["metadata"]["name"], format="name", doc="metadata.name")
_CREATED = Column("Created At", lambda obj, now: obj["metadata"].get("creationTimestamp"), type="date",
                  doc="metadata.creationTimestamp")  # fmt: skip
_AGE = Column(
    "Age", lambda obj, now: age(now, obj["metadata"].get("creationTimestamp")), doc="metadata.creationTimestamp"
)


def is_table(accept: Accept) -> bool:
    return accept.shape == "Table"


def partial(obj: Object, version: str = "v1") -> Object:
    """Only the metadata of an object."""
    return {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{version}", "metadata": obj["metadata"]}


def columns_of(api: Api, resource: Resource) -> list[Column]:
    if resource.custom:
        return _custom_columns(api.printer_columns.get((resource.group, resource.version, resource.plural)) or [])
    return COLUMNS.get((resource.group, resource.kind)) or [_NAME, _CREATED]


def _definitions(resource: Resource, columns: list[Column]) -> list[Object]:
    return [
        {
            "name": column.name,
            "type": column.type,
            "format": column.format,
            "description": column.description or _documentation(resource, column),
            "priority": column.priority,
        }
        for column in columns
    ]


def _documentation(resource: Resource, column: Column) -> str:
    """The field's own description, as the real server takes it from the API types."""
    if not column.doc:
        return DESCRIPTIONS.get(column.name, column.name)
    name = schemas.definition_name(resource.group, resource.version, resource.kind) or schemas.OBJECT_META
    path = column.doc.split(".")
    if path[0] == "metadata":
        name, path = schemas.OBJECT_META, path[1:]
    schema: Any = schemas.definitions().get(name, {})
    for part in path:
        reference = schema.get("$ref", "").rpartition("/")[2]
        schema = schemas.definitions()[reference] if reference else schema
        schema = (schema.get("properties") or {}).get(part, {})
    return str(schema.get("description") or column.name)


def _row(columns: list[Column], obj: Object, now: datetime, include: str) -> Object:
    row: Object = {"cells": [column.cell(obj, now) for column in columns]}
    if include == "Object":
        row["object"] = obj
    elif include != "None":
        row["object"] = partial(obj)
    else:
        row["object"] = None
    return row


def table(
    api: Api, resource: Resource, objects: Iterable[Object], meta: Object, include: str, *, definitions: bool = True
) -> bytes:
    """A Table of objects, encoded. `include` is Metadata, Object or None."""
    columns, now = columns_of(api, resource), api.clock.now()
    body: Object = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": meta}
    if definitions:
        body["columnDefinitions"] = _definitions(resource, columns)
    body["rows"] = [_row(columns, obj, now, include) for obj in objects]
    return orjson.dumps(body)


def table_event(api: Api, resource: Resource, obj: Object, include: str) -> Object:
    """One watch event as a Table of one row."""
    columns = columns_of(api, resource)
    meta = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": meta,
        "columnDefinitions": _definitions(resource, columns),
        "rows": [_row(columns, obj, api.clock.now(), include)],
    }


def _custom_columns(listed: list[Object]) -> list[Column]:
    return [_NAME, *(_custom_column(entry) for entry in listed)] if listed else [_NAME, _AGE]


def _custom_column(entry: Object) -> Column:
    path, kind = entry["jsonPath"], entry.get("type", "string")
    described = entry.get("description") or f"Custom resource definition column (in JSONPath format): {path}"
    return Column(
        entry["name"], _reader(path, kind), type=kind, format=entry.get("format", ""),
        priority=entry.get("priority", 0), description=described,
    )  # fmt: skip


def _reader(path: str, kind: str) -> Any:
    parts = [part for part in path.replace("[", ".[").split(".") if part]

    def read(obj: Object, now: datetime) -> Any:
        value: Any = obj
        for part in parts:
            value = _step(value, part)
            if value is None:
                return None
        if kind == "date":
            return age(now, value)
        return value if isinstance(value, (str, int, float, bool)) else orjson.dumps(value).decode()

    return read


def _step(value: Any, part: str) -> Any:
    if not part.startswith("["):
        return value.get(part.replace("\\", "")) if isinstance(value, dict) else None
    inside = part[1:-1]
    if not isinstance(value, list):
        return None
    if inside.startswith("?(@"):  # [?(@.type=="Ready")]
        key, _, wanted = inside[4:-1].partition("==")
        matches = [item for item in value if str(item.get(key.strip())) == wanted.strip("\"'")]
        return matches[0] if matches else None
    if inside.lstrip("-").isdigit():
        index = int(inside)
        return value[index] if -len(value) <= index < len(value) else None
    return value
