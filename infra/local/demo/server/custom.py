"""CustomResourceDefinitions: what they serve, how their objects are pruned, defaulted and validated."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from infra.local.demo.server.errors import FieldError, invalid_value, not_supported, required, shown
from infra.local.demo.server.errors import FieldError as Finding
from infra.local.demo.server.resources import CUSTOM_VERBS, METRICS, Resource, Subresource
from infra.local.demo.server.schemas import OBJECT_META, Type, build, named
from infra.local.demo.server.store import Object, copy_of

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

Schema = dict[str, Any]


# -- serving ----------------------------------------------------------------------------------------------------------


def after_write(api: Api, resource: Resource, obj: Object) -> None:
    """Serve what a written definition or API service announces."""
    if resource.kind == "CustomResourceDefinition":
        _serve(api, obj)
        _accept(api, resource, obj)
    elif resource.kind == "APIService" and obj["metadata"]["name"] == "v1beta1.metrics.k8s.io":
        for metrics in METRICS:
            api.resources.add(metrics)
    if resource.kind == "APIService" and not (obj.get("status") or {}).get("conditions"):
        api.pending.append(lambda: _available(api, resource, obj["metadata"]["name"]))


def _available(api: Api, resource: Resource, name: str) -> None:
    """The availability controller: what has no Service is local; the one behind a Service must have it."""
    stored = api.store.get(resource, "", name)
    if stored is None or (stored.object.get("status") or {}).get("conditions"):
        return
    obj = copy_of(stored.object)
    service = obj["spec"].get("service")
    if service is None:
        status, reason, message = "True", "Local", "Local APIServices are always available"
    elif api.store.get(("", "services"), service.get("namespace", ""), service.get("name", "")):
        status, reason, message = "True", "Passed", "all checks passed"
    else:
        where = f"{service.get('namespace')}/{service.get('name')}"
        status, reason, message = "False", "ServiceNotFound", f"service/{service.get('name')} in {where} is not present"
    found = {**_condition("Available", reason, message, api.now()), "status": status}
    obj["status"] = {"conditions": [found]}
    api.update(resource, obj, subresource="status", manager="kube-apiserver")


def after_delete(api: Api, resource: Resource, obj: Object) -> None:
    """Stop serving what a removed definition or API service announced."""
    if resource.kind == "CustomResourceDefinition":
        spec = obj["spec"]
        api.resources.remove(spec["group"], spec["names"]["plural"])
    elif resource.kind == "APIService" and obj["metadata"]["name"] == "v1beta1.metrics.k8s.io":
        for metrics in METRICS:
            api.resources.remove(metrics.group, metrics.plural)


def _serve(api: Api, definition: Object) -> None:
    spec = definition["spec"]
    group, names = spec["group"], spec["names"]
    served = [version["name"] for version in spec.get("versions") or () if version.get("served", True)]
    api.resources.remove(group, names["plural"], keep=served)
    for version in spec.get("versions") or ():
        schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
        if version.get("storage"):
            api.storage_versions[group, names["plural"]] = version["name"]
        if version["name"] in served:
            api.resources.add(_resource(spec, version))
            api.custom_types[group, version["name"], names["kind"]] = _type(schema)
            api.custom_schemas[group, version["name"], names["kind"]] = schema
            api.printer_columns[group, version["name"], names["plural"]] = version.get("additionalPrinterColumns") or []


def _resource(spec: Object, version: Object) -> Resource:
    names = spec["names"]
    subresources = []
    if "status" in (version.get("subresources") or {}):
        subresources.append(Subresource("status", names["kind"]))
    if "scale" in (version.get("subresources") or {}):
        subresources.append(Subresource("scale", "Scale", group="autoscaling", version="v1"))
    return Resource(
        spec["group"], version["name"], names["plural"], names["kind"], spec.get("scope") == "Namespaced",
        singular=names.get("singular") or names["kind"].lower(),
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        verbs=CUSTOM_VERBS,
        subresources=tuple(subresources),
        custom=True,
        selectable=tuple(field["jsonPath"].lstrip(".") for field in version.get("selectableFields") or ()),
    )  # fmt: skip


def _type(schema: Schema) -> Type:
    """The type of the objects: the schema with apiVersion, kind and metadata added."""
    properties = dict(schema.get("properties") or {})
    properties |= {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
    properties["metadata"] = {"$ref": "#/$defs/" + OBJECT_META}
    made = build({**schema, "type": "object", "properties": properties})
    made.required = ()
    named(OBJECT_META)
    return made


def _accept(api: Api, resource: Resource, definition: Object) -> None:
    """The names controller: conditions and accepted names, as its own write."""
    if ((definition.get("status") or {}).get("acceptedNames") or {}).get("plural"):
        return
    api.pending.append(lambda: _establish(api, resource, definition["metadata"]["name"]))


def _establish(api: Api, resource: Resource, name: str) -> None:
    stored = api.store.get(resource, "", name)
    if stored is None:
        return
    obj = copy_of(stored.object)
    now = api.now()
    conditions = [
        _condition("NamesAccepted", "NoConflicts", "no conflicts found", now),
        _condition("Established", "InitialNamesAccepted", "the initial names have been accepted", now),
    ]
    status = obj.setdefault("status", {})
    status["conditions"] = conditions
    status["acceptedNames"] = copy_of(obj["spec"]["names"])
    api.update(resource, obj, subresource="status", manager="kube-apiserver")


def _condition(kind: str, reason: str, message: str, now: str) -> Object:
    return {"type": kind, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message}


def schema_of(api: Api, resource: Resource) -> Schema | None:
    return api.custom_schemas.get((resource.group, resource.version, resource.kind)) if resource.custom else None


# -- pruning and defaults ---------------------------------------------------------------------------------------------


def default_and_prune(api: Api, resource: Resource, obj: Object) -> list[str]:
    """Drop what the schema does not have and fill in its defaults; returns the paths dropped."""
    schema = schema_of(api, resource)
    if schema is None:
        return []
    unknown: list[str] = []
    for key in [key for key in obj if key not in ("apiVersion", "kind", "metadata")]:
        member = (schema.get("properties") or {}).get(key)
        if member is None and not schema.get("x-kubernetes-preserve-unknown-fields"):
            unknown.append(key)
            del obj[key]
        elif member is not None:
            _prune(member, obj[key], key, unknown)
    _default(schema, obj)
    return unknown


def _prune(schema: Schema, value: Any, path: str, unknown: list[str]) -> None:
    if isinstance(value, dict):
        properties, extra = schema.get("properties") or {}, schema.get("additionalProperties")
        for key in list(value):
            below = f"{path}.{key}"
            if key in properties:
                _prune(properties[key], value[key], below, unknown)
            elif isinstance(extra, dict):
                _prune(extra, value[key], below, unknown)
            elif (
                not schema.get("x-kubernetes-preserve-unknown-fields") and extra is None and not _embedded(schema, key)
            ):
                unknown.append(below)
                del value[key]
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            _prune(schema["items"], item, f"{path}[{index}]", unknown)


def _embedded(schema: Schema, key: str) -> bool:
    return bool(schema.get("x-kubernetes-embedded-resource")) and key in ("apiVersion", "kind", "metadata")


def _default(schema: Schema, value: Any) -> None:
    if isinstance(value, dict):
        for key, member in (schema.get("properties") or {}).items():
            if key not in value and "default" in member:
                value[key] = copy_of(member["default"])
            if key in value:
                _default(member, value[key])
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict):
            for key, item in value.items():
                if key not in (schema.get("properties") or {}):
                    _default(extra, item)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for item in value:
            _default(schema["items"], item)


# -- validation -------------------------------------------------------------------------------------------------------


def findings(api: Api, resource: Resource, obj: Object) -> list[Finding]:
    """What the schema says against an object, with the words of the real validator."""
    schema = schema_of(api, resource)
    if schema is None:
        return []
    view = {key: value for key, value in obj.items() if key not in ("apiVersion", "kind", "metadata")}
    return _check(schema, view, "")


_JSON_TYPE = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}


def _check(schema: Schema, value: Any, path: str) -> list[Finding]:
    if value is None and schema.get("nullable"):
        return []
    wanted = schema.get("type")
    if wanted and not _is(wanted, value) and not schema.get("x-kubernetes-int-or-string"):
        got = _JSON_TYPE[type(value)]
        text = f'Invalid value: {shown(got)}: {_name(path)} in body must be of type {wanted}: "{got}"'
        return [FieldError(path, "FieldValueTypeInvalid", text)]
    found: list[Finding] = []
    if isinstance(value, dict):
        found += _check_object(schema, value, path)
    elif isinstance(value, list):
        found += _check_list(schema, value, path)
    elif isinstance(value, str):
        found += _check_text(schema, value, path)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        found += _check_number(schema, value, path)
    if "enum" in schema and value not in schema["enum"]:
        found.append(not_supported(path, value, schema["enum"]))
    return found


def _is(wanted: str, value: Any) -> bool:
    got = _JSON_TYPE[type(value)]
    return (
        got == wanted
        or (wanted == "number" and got == "integer")
        or (wanted == "integer" and isinstance(value, float) and value.is_integer())
    )


def _name(path: str) -> str:
    return path or "<nil>"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _check_object(schema: Schema, value: Object, path: str) -> list[Finding]:
    found = []
    properties, extra = schema.get("properties") or {}, schema.get("additionalProperties")
    found += [required(_join(path, key)) for key in schema.get("required") or () if key not in value]
    for key in sorted(value):
        if key in properties:
            found += _check(properties[key], value[key], _join(path, key))
        elif isinstance(extra, dict):
            found += _check(extra, value[key], _join(path, key))
    return found


def _check_list(schema: Schema, value: list[Any], path: str) -> list[Finding]:
    found = []
    items = schema.get("items")
    if "minItems" in schema and len(value) < schema["minItems"]:
        text = f"{path} in body should have at least {schema['minItems']} items"
        found.append(invalid_value(path, len(value), text))
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        found.append(
            FieldError(
                path, "FieldValueTooMany", f"Too many: {len(value)}: must have at most {schema['maxItems']} items"
            )
        )
    if isinstance(items, dict):
        for index, item in enumerate(value):
            found += _check(items, item, f"{path}[{index}]")
    return found


def _check_text(schema: Schema, value: str, path: str) -> list[Finding]:
    found = []
    if "minLength" in schema and len(value) < schema["minLength"]:
        found.append(invalid_value(path, value, f"{path} in body should be at least {schema['minLength']} chars long"))
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        found.append(
            FieldError(path, "FieldValueTooLong", f"Too long: may not be more than {schema['maxLength']} bytes")
        )
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(invalid_value(path, value, f"{path} in body should match '{schema['pattern']}'"))
    if schema.get("format") == "date-time" and not _is_time(value):
        found.append(invalid_value(path, value, f'{path} in body must be of type date-time: "{value}"'))
    return found


def _is_time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(UTC) is not None
    except ValueError:
        return False


def _check_number(schema: Schema, value: float, path: str) -> list[Finding]:
    found = []
    if "minimum" in schema:
        strict = schema.get("exclusiveMinimum")
        if value < schema["minimum"] or (strict and value == schema["minimum"]):
            than = "greater than" if strict else "greater than or equal to"
            found.append(invalid_value(path, value, f"{path} in body should be {than} {schema['minimum']}"))
    if "maximum" in schema:
        strict = schema.get("exclusiveMaximum")
        if value > schema["maximum"] or (strict and value == schema["maximum"]):
            than = "less than" if strict else "less than or equal to"
            found.append(invalid_value(path, value, f"{path} in body should be {than} {schema['maximum']}"))
    if schema.get("multipleOf") and value % schema["multipleOf"]:
        found.append(invalid_value(path, value, f"{path} in body should be a multiple of {schema['multipleOf']}"))
    return found
