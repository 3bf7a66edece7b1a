"""NamespaceLifecycle: nothing is created where there is no namespace, or one that is going away."""

from __future__ import annotations

from infra.local.demo.server.admission.request import Request
from infra.local.demo.server.errors import ApiError, Cause, forbidden, not_found

IMMORTAL = ("default", "kube-system", "kube-public")


def check(request: Request) -> None:
    if request.resource.kind == "Namespace" and not request.resource.group:
        if request.operation == "DELETE" and request.name in IMMORTAL:
            raise forbidden("namespaces", "", request.name, "this namespace may not be deleted")
        return
    if request.operation != "CREATE" or not request.namespace:
        return
    found = request.api.store.get(("", "namespaces"), "", request.namespace)
    if found is None:
        raise not_found("namespaces", "", request.namespace)
    if found.object["metadata"].get("deletionTimestamp"):
        why = f"unable to create new content in namespace {request.namespace} because it is being terminated"
        error = forbidden(request.resource.plural, request.resource.group, request.name, why)
        cause = Cause(
            "NamespaceTerminating", f"namespace {request.namespace} is being terminated", "metadata.namespace"
        )
        raise ApiError(403, "Forbidden", error.message, {**(error.details or {}), "causes": [cause.to_json()]})
