"""OpenAPI 3.1, generated from the registered endpoints and their models."""

from __future__ import annotations

import functools
import re
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from chalicelib import __version__
from chalicelib.api.endpoints import ENDPOINTS, Endpoint
from chalicelib.api.models import chat, investigations
from chalicelib.api.models.base import Error

REF = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"{(\w+)}")
ERRORS = {
    "400": "The request is not valid.",
    "401": "No valid token or cookie.",
    "403": "The caller's role does not allow this.",
    "404": "No such thing; the error names the valid choices.",
    "405": "Not with this method.",
    "409": "In conflict with the present state.",
    "410": "Gone; start from the first page.",
    "413": "Too large.",
    "415": "Not JSON.",
    "429": "Too many requests.",
    "502": "The cluster could not be read.",
    "503": "A service that is needed did not answer.",
    "504": "The cluster answered too slowly.",
}


@functools.lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The OpenAPI document of all registered endpoints."""
    frames = [m for m in get_args(get_args(chat.Frame)[0]) if issubclass(m, BaseModel)]
    blocks = [m for m in get_args(get_args(chat.Block)[0]) if issubclass(m, BaseModel)]
    models = {m for e in ENDPOINTS for m in (e.query, e.body, e.response, *e.others.values()) if _is_model(m)}
    models |= {Error, *frames, *blocks, investigations.StepFrame}
    ordered = sorted(models, key=lambda m: m.__name__)
    references, schemas = models_json_schema([(m, _mode(m)) for m in ordered], ref_template=REF)
    paths: dict[str, Any] = {}
    for entry in ENDPOINTS:
        paths.setdefault(entry.path, {})[entry.method.lower()] = _operation(entry, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kubilitics AI",
            "version": __version__,
            "description": "Reads clusters, says what is wrong and why, and shows the evidence.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


def _mode(model: type[BaseModel]) -> Any:
    return "validation" if model.model_config.get("str_strip_whitespace") else "serialization"


def _schema(model: Any, references: dict[Any, Any]) -> dict[str, Any]:
    if _is_model(model):
        return references[model, _mode(model)]  # type: ignore[no-any-return]
    return TypeAdapter(model).json_schema(ref_template=REF)


def _operation(entry: Endpoint, references: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": entry.handler.__name__,
        "summary": entry.summary,
        "tags": [entry.tag],
        "parameters": [*_path_parameters(entry), *_query_parameters(entry)],
        "responses": _responses(entry, references),
    }
    if entry.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _schema(entry.body, references)}},
        }
    if not entry.permission:
        operation["security"] = []
    return operation


def _path_parameters(entry: Endpoint) -> list[dict[str, Any]]:
    schema = {"type": "string", "minLength": 1, "maxLength": 512}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in _PARAMETER.findall(entry.path)]


def _query_parameters(entry: Endpoint) -> list[dict[str, Any]]:
    if entry.query is None:
        return []
    schema = entry.query.model_json_schema(ref_template=REF)
    found = []
    for name, shape in schema.get("properties", {}).items():
        plain = {k: v for k, v in shape.items() if k not in ("title", "description")}
        found.append(
            {"name": name, "in": "query", "required": False, "schema": plain,
             "description": shape.get("description", "")}
        )  # fmt: skip
    return found


def _responses(entry: Endpoint, references: dict[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {str(entry.status): _response("Done.", entry.response, references)}
    if entry.media:
        text = {"schema": {"type": "string"}}
        found[str(entry.status)].setdefault("content", {}).update(dict.fromkeys(entry.media, text))
    for status, model in entry.others.items():
        found[str(status)] = _response("See the schema.", model, references)
    for status, text in ERRORS.items():
        if status in ("401", "403") and not entry.permission:
            continue
        found[status] = _response(text, Error, references)
    return found


def _response(text: str, model: Any, references: dict[Any, Any]) -> dict[str, Any]:
    if model is None:
        return {"description": text}
    return {"description": text, "content": {"application/json": {"schema": _schema(model, references)}}}
