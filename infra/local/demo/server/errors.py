"""Refusals as a Kubernetes API server words them: Status objects with reason, message, details and causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of `details.causes`."""

    reason: str
    message: str
    field: str = ""

    def to_json(self) -> dict[str, str]:
        body = {"reason": self.reason, "message": self.message}
        return body | {"field": self.field} if self.field else body


class ApiError(Exception):
    """A refusal with everything the Status object of the answer needs."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        *,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = None if details is None else dict(details)
        self.list_meta = dict(extra or {})

    def status(self) -> dict[str, Any]:
        """The Status object."""
        body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": self.list_meta, "status": "Failure"}
        body["message"] = self.message
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        body["code"] = self.code
        return body


def _details(name: str, group: str, kind: str, **more: Any) -> dict[str, Any]:
    given = {"name": name, "group": group, "kind": kind, **more}
    return {key: value for key, value in given.items() if value}


def qualified(plural: str, group: str) -> str:
    """`deployments.apps`, or `pods` for the core group."""
    return f"{plural}.{group}" if group else plural


def not_found(plural: str, group: str, name: str) -> ApiError:
    message = f'{qualified(plural, group)} "{name}" not found'
    return ApiError(404, "NotFound", message, _details(name, group, plural))


def no_such_resource() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(plural: str, group: str, name: str) -> ApiError:
    message = f'{qualified(plural, group)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, _details(name, group, plural))


def conflict(plural: str, group: str, name: str, why: str) -> ApiError:
    message = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(name, group, plural))


STALE = "the object has been modified; please apply your changes to the latest version and try again"


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def forbidden(plural: str, group: str, name: str, why: str) -> ApiError:
    where = f'{qualified(plural, group)} "{name}"' if name else qualified(plural, group)
    return ApiError(403, "Forbidden", f"{where} is forbidden: {why}", _details(name, group, plural))


def gone(message: str) -> ApiError:
    return ApiError(410, "Expired", message)


def internal(message: str) -> ApiError:
    return ApiError(500, "InternalError", f"Internal error occurred: {message}", {"causes": [{"message": message}]})


def method_not_allowed() -> ApiError:
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


@dataclass(frozen=True, slots=True)
class FieldError:
    """One finding of a validation: where, what type of error, and the sentence without the path."""

    field: str
    reason: str  # FieldValueInvalid, FieldValueRequired, ...
    text: str

    def cause(self) -> Cause:
        return Cause(self.reason, self.text, self.field)


def required(field: str, text: str = "") -> FieldError:
    return FieldError(field, "FieldValueRequired", "Required value" + (f": {text}" if text else ""))


def shown(value: Any) -> str:
    """A value as Go prints it inside a validation message (`%q` for strings, `%v` or JSON for others)."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, (dict, list)):
        import json

        return json.dumps(value, separators=(",", ":"))
    return str(value)


def invalid_value(field: str, value: Any, text: str) -> FieldError:
    return FieldError(field, "FieldValueInvalid", f"Invalid value: {shown(value)}: {text}")


def not_supported(field: str, value: Any, choices: Sequence[str]) -> FieldError:
    options = ", ".join(shown(choice) for choice in choices)
    return FieldError(
        field, "FieldValueNotSupported", f"Unsupported value: {shown(value)}: supported values: {options}"
    )


def field_forbidden(field: str, text: str) -> FieldError:
    return FieldError(field, "FieldValueForbidden", f"Forbidden: {text}")


def duplicate(field: str, value: Any) -> FieldError:
    return FieldError(field, "FieldValueDuplicate", f"Duplicate value: {shown(value)}")


def too_long(field: str, limit: int) -> FieldError:
    return FieldError(field, "FieldValueTooLong", f"Too long: may not be more than {limit} bytes")


def field_not_found(field: str, value: Any) -> FieldError:
    return FieldError(field, "FieldValueNotFound", f"Not found: {shown(value)}")


def invalid(kind: str, group: str, name: str, findings: Sequence[FieldError]) -> ApiError:
    """422 with one cause per finding; a single finding is not put in brackets."""
    texts = [f"{finding.field}: {finding.text}" if finding.field else finding.text for finding in findings]
    sentences = list(dict.fromkeys(texts))
    text = sentences[0] if len(sentences) == 1 else "[" + ", ".join(sentences) + "]"
    message = f'{qualified(kind, group)} "{name}" is invalid: {text}'
    causes = [finding.cause().to_json() for finding in findings]
    return ApiError(422, "Invalid", message, _details(name, group, kind, causes=causes))
