"""Writes to a cluster: one operation on one object, with the preconditions that keep it from hitting another state.

An operation is exactly what goes over the wire; nothing is added to it on the way but the field manager. It is sent
once. When the connection breaks after it was sent, the outcome is not known, and the caller has to look.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

import msgspec

from chalicelib.clusters.deadline import Deadline
from chalicelib.clusters.paths import segment
from chalicelib.clusters.reader import status_message
from chalicelib.clusters.transport import JSON, Answer, ApiServer, OutcomeUnknown
from chalicelib.errors import KubiliticsError

FIELD_MANAGER = "kubilitics"
WRITE_DEADLINE_S = 15.0
Verb = Literal["create", "patch", "apply", "replace", "delete", "evict"]
PatchType = Literal["", "json", "merge", "strategic"]
_CONTENT: dict[str, str] = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
_METHODS: dict[Verb, str] = {
    "create": "POST", "patch": "PATCH", "apply": "PATCH", "replace": "PUT", "delete": "DELETE", "evict": "POST",
}  # fmt: skip


class ResourceType(msgspec.Struct, frozen=True, kw_only=True):
    """Where objects of a kind are served."""

    kind: str
    group: str
    version: str
    plural: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def name(self) -> str:
        """`deployments.apps`, `pods`: as RBAC and messages say it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


class Operation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One write. `uid` and `resource_version` empty: no precondition (only for what does not exist yet).

    body: the object for create, replace and apply; the patch for patch; nothing for delete and evict.
    """

    verb: Verb
    resource: ResourceType
    namespace: str = ""
    name: str = ""
    body: Any = None
    patch_type: PatchType = ""
    uid: str = ""
    resource_version: str = ""
    propagation: str = ""
    grace_period_s: int | None = None
    force: bool = False

    @property
    def what(self) -> str:
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.verb} {self.resource.kind} {where}"

    @property
    def rbac(self) -> tuple[str, str, str, str]:
        """(verb, group, resource, subresource) that RBAC has to grant."""
        verb = {"apply": "patch", "replace": "update", "evict": "create"}.get(self.verb, self.verb)
        return verb, self.resource.group, self.resource.plural, "eviction" if self.verb == "evict" else ""


class WriteRefused(KubiliticsError):
    """The API server refused a write; nothing changed. `details` has its status, reason and causes."""

    code = "write_refused"
    status = 409
    default_remedy = "Read what the API server said, correct the change, and ask for a new preview."

    @property
    def reason(self) -> str:
        return str(self.details.get("reason", ""))

    @property
    def server_status(self) -> int:
        return int(self.details.get("status", 0))


class Writer(Protocol):
    """A cluster that can be written to."""

    def perform(self, operation: Operation, *, dry_run: bool) -> dict[str, Any]: ...


def perform(server: ApiServer, operation: Operation, *, dry_run: bool) -> dict[str, Any]:
    """Send one operation and give the object (or Status) that the server answers with.

    Raises WriteRefused when the server says no, OutcomeUnknown when the answer was lost, ClusterError when the
    request never reached the server.
    """
    query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
    if operation.verb in ("delete", "evict"):
        query = {}
    if dry_run:
        query["dryRun"] = "All"
    if operation.verb == "apply":
        query["force"] = str(operation.force).lower()
    content = _CONTENT.get(operation.patch_type or operation.verb, JSON)
    body = msgspec.json.encode(_body(operation, dry_run))
    deadline = Deadline(WRITE_DEADLINE_S)
    method = _METHODS[operation.verb]
    answer = server.write(method, _path(operation), query, body, content_type=content, deadline=deadline)
    if answer.status >= 400:
        raise refused(answer, operation)
    try:
        told = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        raise OutcomeUnknown(f"The answer to {operation.what} is not readable.") from None
    return told if isinstance(told, dict) else {}


def refused(answer: Answer, operation: Operation) -> WriteRefused:
    """The error for an answer of 400 or more, in the server's own words."""
    try:
        status = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        status = {}
    told = status if isinstance(status, dict) else {}
    details = told.get("details") if isinstance(told.get("details"), dict) else {}
    causes = [c for c in (details or {}).get("causes") or () if isinstance(c, dict)]
    message = status_message(answer.body) or f"HTTP {answer.status}"
    return WriteRefused(
        f"The API server refuses to {operation.what}: {message}",
        details={"status": answer.status, "reason": str(told.get("reason", "")), "causes": causes[:20]},
    )


def _body(operation: Operation, dry_run: bool) -> Any:
    if operation.verb == "delete":
        return _delete_options(operation)
    if operation.verb == "evict":
        options = {**_delete_options(operation), **({"dryRun": ["All"]} if dry_run else {})}
        meta = {"name": operation.name, "namespace": operation.namespace}
        return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta, "deleteOptions": options}
    if operation.verb == "patch" and operation.patch_type == "json":
        tests = [
            {"op": "test", "path": f"/metadata/{field}", "value": value}
            for field, value in (("uid", operation.uid), ("resourceVersion", operation.resource_version))
            if value
        ]
        return [*tests, *operation.body]
    held = {"uid": operation.uid, "resourceVersion": operation.resource_version}
    held = {field: value for field, value in held.items() if value}
    if not held or operation.verb == "create":
        return operation.body
    return {**operation.body, "metadata": {**(operation.body.get("metadata") or {}), **held}}


def _delete_options(operation: Operation) -> dict[str, Any]:
    options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
    held = {"uid": operation.uid, "resourceVersion": operation.resource_version}
    if held := {field: value for field, value in held.items() if value}:
        options["preconditions"] = held
    if operation.propagation:
        options["propagationPolicy"] = operation.propagation
    if operation.grace_period_s is not None:
        options["gracePeriodSeconds"] = operation.grace_period_s
    return options


def _path(operation: Operation) -> str:
    resource = operation.resource
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    where = f"/namespaces/{segment(operation.namespace)}" if operation.namespace else ""
    name = "" if operation.verb == "create" else f"/{segment(operation.name)}"
    return f"{root}{where}/{resource.plural}{name}" + ("/eviction" if operation.verb == "evict" else "")
