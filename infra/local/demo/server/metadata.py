"""Object metadata: what the server fills in, what it keeps, and the order it writes fields in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infra.local.demo.server.errors import (
    ApiError,
    FieldError,
    bad_request,
    field_forbidden,
    invalid,
    invalid_value,
    required,
)
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

_ORDER = (
    "name", "generateName", "namespace", "selfLink", "uid", "resourceVersion", "generation", "creationTimestamp",
    "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "ownerReferences", "finalizers",
    "managedFields",
)  # fmt: skip
_SERVER_OWNED = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink")


def ordered(obj: Object) -> Object:
    """The object with kind, apiVersion and metadata first, and metadata in the real server's order."""
    meta = obj.get("metadata") or {}
    first: Object = {"kind": obj["kind"], "apiVersion": obj["apiVersion"]}
    first["metadata"] = {key: meta[key] for key in _ORDER if meta.get(key) not in (None, {}, [], "")}
    for key, value in obj.items():
        if key not in first:
            first[key] = value
    return first


def prepare_create(api: Api, resource: Resource, namespace: str, obj: Object) -> None:
    """Name, namespace, uid and time of a new object; ApiError 400, 422 or 500 for what cannot be."""
    meta = obj.setdefault("metadata", {})
    _check_namespace(resource, namespace, meta)
    for key in _SERVER_OWNED:
        meta.pop(key, None)
    meta.pop("managedFields", None)
    if meta.pop("resourceVersion", ""):
        raise ApiError(500, "", "resourceVersion should not be set on objects to be created")
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = meta["generateName"][:58] + api.identity.suffix()
    meta["uid"] = api.identity.uid()
    meta["creationTimestamp"] = api.now()


def _check_namespace(resource: Resource, namespace: str, meta: Object) -> None:
    if not resource.namespaced:
        meta.pop("namespace", None)
        return
    given = meta.get("namespace") or namespace
    if namespace and given != namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if not given:
        raise bad_request("an empty namespace may not be set during creation")
    meta["namespace"] = given


_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
_QUALIFIED = re.compile(r"^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$")
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation "
    "is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_KEY_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_LABEL_NAMED = {"Namespace", "Service"}
_ANY_NAMED = {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}


def findings(resource: Resource, obj: Object) -> list[FieldError]:
    """What is wrong with names, labels and annotations."""
    meta = obj["metadata"]
    found = _name_findings(resource.kind, meta.get("name", ""))
    for key, value in (meta.get("labels") or {}).items():
        if not _QUALIFIED.match(key.rpartition("/")[2]) or len(key.rpartition("/")[2]) > 63:
            found.append(invalid_value("metadata.labels", key, _KEY_TEXT))
        if value and (not _QUALIFIED.match(value) or len(value) > 63):
            text = "must be no more than 63 bytes" if len(value) > 63 else _VALUE_TEXT
            found.append(invalid_value("metadata.labels", value, text))
    for key in meta.get("annotations") or {}:
        if not _QUALIFIED.match(key.rpartition("/")[2].lower()):
            found.append(invalid_value("metadata.annotations", key, _KEY_TEXT))
    return found


def _name_findings(kind: str, name: str) -> list[FieldError]:
    if not name:
        return [required("metadata.name", "name or generateName is required")]
    if kind in _ANY_NAMED:
        return []
    if kind in _LABEL_NAMED:
        if len(name) > 63:
            return [invalid_value("metadata.name", name, "must be no more than 63 bytes")]
        return [] if LABEL.match(name) else [invalid_value("metadata.name", name, LABEL_TEXT)]
    if len(name) > 253:
        return [invalid_value("metadata.name", name, "must be no more than 253 bytes")]
    return [] if _SUBDOMAIN.match(name) else [invalid_value("metadata.name", name, _SUBDOMAIN_TEXT)]


def check(resource: Resource, obj: Object) -> None:
    """Raise ApiError 422 when names, labels or annotations are not valid."""
    if found := findings(resource, obj):
        raise invalid(resource.kind, resource.group, obj["metadata"].get("name", ""), found)


def update_findings(resource: Resource, obj: Object, old: Object) -> list[FieldError]:
    """What may not change about metadata; a deleted object may not get new finalizers."""
    found = [finding for finding in findings(resource, obj) if finding.field != "metadata.name"]
    before, after = old["metadata"], obj["metadata"]
    if before.get("deletionTimestamp"):
        new = [name for name in after.get("finalizers") or () if name not in (before.get("finalizers") or ())]
        if new:
            listed = ", ".join(f'"{name}"' for name in new)
            text = (
                "no new finalizers can be added if the object is being deleted, found new finalizers "
                f"[]string{{{listed}}}"
            )
            found += [field_forbidden("metadata.finalizers", text)] * 2  # ObjectMeta and its access are both checked
    return found
