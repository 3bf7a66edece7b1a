"""Access and identity reviews: questions that are answered and not stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.local.demo.server import managed, rbac
from infra.local.demo.server.access import Caller, User
from infra.local.demo.server.errors import invalid, required
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api


def answer(api: Api, resource: Resource, namespace: str, body: Object, caller: Caller) -> Object:
    """The review with its status."""
    review = {"kind": resource.kind, "apiVersion": resource.group_version, **body}
    review["metadata"] = dict(body.get("metadata") or {})
    review["metadata"].pop("creationTimestamp", None)
    review.pop("status", None)
    match resource.kind:
        case "SelfSubjectReview":
            review.pop("spec", None)
            review["metadata"]["creationTimestamp"] = api.now()
            review["status"] = {"userInfo": user_info(caller.user)}
            return review
        case "SelfSubjectRulesReview":
            return _rules(api, review, caller.user)
        case "TokenReview":
            return _token(api, review)
    return _access(api, resource, namespace, review, caller)


def user_info(user: User) -> Object:
    info: Object = {"username": user.name}
    if user.uid:
        info["uid"] = user.uid
    info["groups"] = list(user.groups)
    if user.extra:
        info["extra"] = {key: list(values) for key, values in user.extra}
    return info


def _rules(api: Api, review: Object, user: User) -> Object:
    namespace = (review.get("spec") or {}).get("namespace", "")
    resources, paths = rbac.rules_for(api, user, namespace)
    review["spec"] = {}
    review["status"] = {"resourceRules": resources, "nonResourceRules": paths, "incomplete": False}
    return review


def _token(api: Api, review: Object) -> Object:
    user = api.tokens.user(str((review.get("spec") or {}).get("token", "")))
    status: Object = {"authenticated": True, "user": user_info(user)} if user else {"user": {}}
    return {**review, "status": status}


def _access(api: Api, resource: Resource, namespace: str, review: Object, caller: Caller) -> Object:
    spec: Object = review.get("spec") or {}
    wanted, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if not wanted and not path:
        finding = required(
            "spec.resourceAttributes", "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        )
        raise invalid(resource.kind, resource.group, "", [finding])
    user = caller.user
    if not resource.kind.startswith("Self"):
        user = User(spec.get("user", ""), tuple(spec.get("groups") or ()))
    managed.updated(api, resource, review, None, caller, "")
    decision = rbac.authorize(api, user, _attributes(wanted, path or {}))
    status: dict[str, Any] = {"allowed": decision.allowed}
    if decision.reason:
        status["reason"] = decision.reason
    review["status"] = status
    return review


def _attributes(wanted: Object | None, path: Object) -> rbac.Attributes:
    if wanted is None:
        return rbac.Attributes(path.get("verb", ""), path=path.get("path", "/"))
    return rbac.Attributes(
        wanted.get("verb", ""), wanted.get("group", ""), wanted.get("resource", ""), wanted.get("subresource", ""),
        wanted.get("namespace", ""), wanted.get("name", ""),
    )  # fmt: skip
