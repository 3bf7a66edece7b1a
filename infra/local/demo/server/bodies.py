"""Request bodies: JSON, YAML or protobuf, of the right size and kind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson
import yaml

from infra.local.demo.server import decoding, protobuf, writing
from infra.local.demo.server.access import Caller
from infra.local.demo.server.custom import default_and_prune
from infra.local.demo.server.errors import ApiError, FieldError, bad_request, invalid
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.store import Object, copy_of
from infra.local.demo.server.wire import Context, HttpRequest

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

LIMIT_BYTES = 3 * 1024 * 1024
_ACCEPTED = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
PATCH_TYPES = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}


def media_type(request: HttpRequest) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def check_size(request: HttpRequest) -> None:
    if len(request.body) > LIMIT_BYTES:
        text = f"Request entity too large: limit is {LIMIT_BYTES}"
        raise ApiError(413, "RequestEntityTooLarge", text)


def document(request: HttpRequest, kind: str) -> Any:
    """The body, decoded; ApiError 400 or 415."""
    given = media_type(request) or "application/json"
    if given == protobuf.MEDIA_TYPE:
        return protobuf.decode(request.body)
    if given not in ("application/json", "application/yaml"):
        text = f"the body of the request was in an unknown format - accepted media types include: {_ACCEPTED}"
        raise ApiError(415, "UnsupportedMediaType", text)
    if not request.body:
        return None
    if given == "application/yaml":
        return from_yaml(request.body)
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise _unreadable(request.body, kind, error) from None


def from_yaml(body: bytes) -> Any:
    try:
        return orjson.loads(json.dumps(yaml.safe_load(body), default=str))  # dates and huge numbers as JSON has them
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise bad_request(f"error converting YAML to JSON: {error}") from None


def _unreadable(body: bytes, kind: str, error: orjson.JSONDecodeError) -> ApiError:
    text = body.decode(errors="replace")
    shown = text if len(text) <= 30 else text[:30] + " ..."
    if not text.startswith("{"):
        shown = body.hex() if len(body) <= 15 else body[:15].hex() + " ..."
    return bad_request(
        f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; "
        f"json parse error: {go_json_error(text, error.pos)} ({shown})"
    )


def go_json_error(text: str, position: int) -> str:
    """What Go's decoder says at the same place."""
    if position >= len(text.rstrip()):
        return "unexpected end of JSON input"
    return f"invalid character '{text[position]}' looking for beginning of value"


def object_of(api: Api, resource: Resource, context: Context, caller: Caller) -> Object:
    """The object in the body of a create or update, checked against its type."""
    request = context.request
    body = document(request, resource.kind)
    if body is None:
        body = {}
    if not isinstance(body, dict):
        what = "array" if isinstance(body, list) else type(body).__name__
        raise bad_request(
            f"the object provided is unrecognized (must be of type {resource.kind}): couldn't get version/kind; "
            f"json parse error: json: cannot unmarshal {what} into Go value of type "
            "struct { APIVersion string; Kind string }"
        )
    repeated: tuple[str, ...] = ()
    if caller.field_validation != "Ignore" and media_type(request) in ("", "application/json"):
        repeated = decoding.duplicate_fields(request.body)
    _check_type_meta(body)
    if (body.get("kind") or resource.kind) != resource.kind:
        return writing.typed(resource, body)  # refuses it
    if resource.custom:
        return _custom(api, resource, body, caller, context.warnings)
    return decoding.decoded(
        resource, decoding.type_for(api, resource), body, caller.field_validation, context.warnings, repeated
    )


def _check_type_meta(body: Object) -> None:
    for name in ("apiVersion", "kind"):
        if not isinstance(body.get(name) or "", str):
            found = decoding.found_kind(body[name])
            raise bad_request(
                "couldn't get version/kind; json parse error: json: cannot unmarshal "
                f"{found} into Go struct field .{name} of type string"
            )


def _custom(api: Api, resource: Resource, body: Object, caller: Caller, warnings: list[str]) -> Object:
    """Unknown fields of a custom resource are dropped when it is stored; here they are only told."""
    decoding.check_custom(resource, body)
    unknown = default_and_prune(api, resource, copy_of(body))
    found = [f'unknown field "{path}"' for path in unknown]
    if found and caller.field_validation == "Strict":
        what = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
        raise bad_request(what + "strict decoding error: " + ", ".join(found))
    if caller.field_validation == "Warn":
        warnings += found
    return body


def caller_of(context: Context, options: str) -> Caller:
    """Field manager, dry-run, validation and force of a write; ApiError 422 for values that are none."""
    request = context.request
    dry = dry_run(request.query.get("dryRun") or [], options)
    validation = request.one("fieldValidation") or "Warn"
    if validation not in ("Ignore", "Warn", "Strict"):
        text = f'Unsupported value: "{validation}": supported values: "Ignore", "Strict", "Warn"'
        raise _options_error(options, FieldError("fieldValidation", "FieldValueNotSupported", text))
    manager = request.one("fieldManager")
    if not manager and options == "PatchOptions" and media_type(request) == "application/apply-patch+yaml":
        manager = ""
    elif not manager:
        manager = (request.headers.get("user-agent") or "unknown").partition("/")[0]
    return Caller(context.user, manager, dry, validation, request.flag("force"))  # type: ignore[arg-type]


def dry_run(values: list[str], options: str) -> bool:
    """True for ["All"]; ApiError 422 for anything else that is not empty."""
    given = [value for value in values if value]
    if not given:
        return False
    if given != ["All"]:
        listed = ",".join(f'"{value}"' for value in given)
        text = f'Unsupported value: [{listed}]: supported values: "All"'
        raise _options_error(options, FieldError("dryRun", "FieldValueNotSupported", text))
    return True


def _options_error(options: str, finding: FieldError) -> ApiError:
    return invalid(options, "meta.k8s.io", "", [finding])


def delete_options(request: HttpRequest) -> Object:
    """Options of a deletion, from the body and the query."""
    options: Object = {}
    if request.body:
        body = document(request, "DeleteOptions")
        if isinstance(body, dict):
            options = dict(body)
    if request.one("gracePeriodSeconds"):
        options["gracePeriodSeconds"] = int(request.one("gracePeriodSeconds"))
    if request.one("propagationPolicy"):
        options["propagationPolicy"] = request.one("propagationPolicy")
    values = [*(request.query.get("dryRun") or []), *(options.get("dryRun") or [])]
    options["dryRun"] = dry_run(list(dict.fromkeys(values)), "DeleteOptions")
    policy = options.get("propagationPolicy")
    if policy not in (None, "Background", "Foreground", "Orphan"):
        text = f'Unsupported value: "{policy}": supported values: "Foreground", "Background", "Orphan", "nil"'
        raise _options_error("DeleteOptions", FieldError("propagationPolicy", "FieldValueNotSupported", text))
    return options
