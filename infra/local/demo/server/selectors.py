"""Label and field selectors, as strings of a query and as LabelSelector objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from infra.local.demo.server.errors import bad_request
from infra.local.demo.server.resources import Resource

Labels = Mapping[str, str]
Predicate = Callable[[dict[str, Any]], bool]
_SET = re.compile(r"^\s*(\S+)\s+(in|notin)\s*\(([^)]*)\)\s*$")
_COMMA = re.compile(r",(?![^(]*\))")
_KEY = re.compile(r"^([a-zA-Z0-9.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")


def label_selector(text: str) -> Callable[[Labels], bool]:
    """`app=web,tier!=x,env in (a,b),!old,present`; raises ApiError 400 for what cannot be read."""
    if not text.strip():
        return lambda labels: True
    tests = [_label_test(part) for part in _COMMA.split(text) if part.strip()]
    return lambda labels: all(test(labels) for test in tests)


def _label_test(part: str) -> Callable[[Labels], bool]:
    part = part.strip()
    if match := _SET.match(part):
        key, operator, listed = match.groups()
        values = {value.strip() for value in listed.split(",")}
        wanted = operator == "in"
        return lambda labels: labels.get(key) in values if wanted else labels.get(key) not in values
    for sign in ("!=", "==", "="):
        if sign in part:
            key, _, value = (piece.strip() for piece in part.partition(sign))
            _check_key(key, part)
            if sign == "!=":
                return lambda labels: labels.get(key) != value
            return lambda labels: labels.get(key) == value
    for sign in (">", "<"):
        if sign in part:
            return _number_test(part, sign)
    key = part.removeprefix("!")
    _check_key(key, part)
    if part.startswith("!"):
        return lambda labels: key not in labels
    return lambda labels: key in labels


def _number_test(part: str, sign: str) -> Callable[[Labels], bool]:
    key, _, text = (piece.strip() for piece in part.partition(sign))
    try:
        bound = int(text)
    except ValueError:
        raise bad_request(f'unable to parse requirement: values[0][{key}]: Invalid value: "{text}"') from None

    def test(labels: Labels) -> bool:
        value = labels.get(key, "")
        if not value.lstrip("-").isdigit():
            return False
        return int(value) > bound if sign == ">" else int(value) < bound

    return test


def _check_key(key: str, part: str) -> None:
    if not _KEY.match(key):
        raise bad_request(f"unable to parse requirement: found '{part}', expected: identifier")


def selector_matches(selector: Mapping[str, Any] | None, labels: Labels) -> bool:
    """Whether a LabelSelector object selects these labels; None selects nothing, an empty one everything."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_expression(term, labels) for term in selector.get("matchExpressions") or ())


def _expression(term: Mapping[str, Any], labels: Labels) -> bool:
    key: str = term.get("key", "")
    values: list[str] = term.get("values") or []
    match term.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case "Gt":
            return labels.get(key, "").isdigit() and int(labels[key]) > int(values[0])
        case "Lt":
            return labels.get(key, "").isdigit() and int(labels[key]) < int(values[0])
    return False


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """A LabelSelector in the form of a query, as Scale.status.selector and tables show it."""
    if not selector:
        return ""
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for term in selector.get("matchExpressions") or ():
        key, values = term.get("key", ""), ",".join(sorted(term.get("values") or ()))
        match term.get("operator"):
            case "In":
                parts.append(f"{key} in ({values})")
            case "NotIn":
                parts.append(f"{key} notin ({values})")
            case "Exists":
                parts.append(key)
            case _:
                parts.append(f"!{key}")
    return ",".join(parts)


_EVENT_FIELDS = (
    "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
    "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath",
    "reason", "reportingComponent", "source", "type",
)  # fmt: skip
_FIELDS: dict[str, tuple[str, ...]] = {
    "Pod": (
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
        "spec.hostNetwork", "status.phase", "status.podIP", "status.podIPs", "status.nominatedNodeName",
    ),
    "Event": _EVENT_FIELDS,
    "Node": ("spec.unschedulable",),
    "Namespace": ("status.phase",),
    "Secret": ("type",),
    "Service": ("spec.clusterIP", "spec.type"),
    "ReplicaSet": ("status.replicas",),
    "ReplicationController": ("status.replicas",),
    "Job": ("status.successful",),
    "CertificateSigningRequest": ("spec.signerName",),
}  # fmt: skip
_EVENTS_V1 = tuple(field.replace("involvedObject.", "regarding.") for field in _EVENT_FIELDS)


def field_selector(text: str, resource: Resource) -> Predicate:
    """`status.phase=Running,spec.nodeName!=n9`; raises ApiError 400 for a field the kind cannot be selected by."""
    extra = resource.selectable if resource.custom else _FIELDS.get(resource.kind, ())
    allowed = ("metadata.name", "metadata.namespace", *extra)
    if resource.group == "events.k8s.io":
        allowed = ("metadata.name", "metadata.namespace", *_EVENTS_V1)
    tests: list[tuple[str, str, bool]] = []
    for part in filter(None, text.split(",")):
        field, sign, value = _field_term(part)
        if field not in allowed:
            raise bad_request(f"field label not supported: {field}")
        tests.append((field, value, sign != "!="))
    return lambda obj: all((field_value(obj, field) == value) == wanted for field, value, wanted in tests)


def _field_term(part: str) -> tuple[str, str, str]:
    for sign in ("!=", "==", "="):
        if sign in part:
            field, _, value = part.partition(sign)
            return field.strip(), sign, value.strip()
    raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")


_RENAMED = {"regarding": "involvedObject", "reportingController": "reportingComponent"}


def field_value(obj: Mapping[str, Any], field: str) -> str:
    """The text a field selector compares; absent fields are empty."""
    if field == "source" and isinstance(obj.get("source"), Mapping):
        return str(obj["source"].get("component") or obj.get("reportingComponent") or "")
    value: Any = obj
    for part in field.split("."):
        if not isinstance(value, Mapping):
            return ""
        value = value.get(_RENAMED.get(part, part))
    if field == "status.successful":
        return str((obj.get("status") or {}).get("succeeded", 0))
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "false" if field in ("spec.unschedulable", "spec.hostNetwork") else ""
    return str(value)
