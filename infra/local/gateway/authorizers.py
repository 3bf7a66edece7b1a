"""Runs the app's custom authorizers as API Gateway does: a token, a policy, a cached decision."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from chalice.app import ChaliceAuthorizer

from chalicelib.errors import Forbidden, KubiliticsError, Unauthenticated
from infra.local.gateway.events import ACCOUNT, API_ID, STAGE, Event, LambdaContext

_DEFAULT_TTL_S = 300
"""API Gateway's own default for a cached authorizer result."""
_CACHED_RESULTS = 1024


class AuthorizerFailure(KubiliticsError):
    code = "authorizer_failure"
    status = 500


class Authorizers:
    """Decides with the authorizer of a route; fails closed on what it does not know."""

    def __init__(self) -> None:
        self._results: OrderedDict[tuple[str, str], tuple[float, dict[str, Any]]] = OrderedDict()

    def authorize(self, authorizer: object, event: Event, context: LambdaContext) -> Mapping[str, Any]:
        """The `requestContext.authorizer` of an allowed request.

        Raises Unauthenticated without a token, Forbidden when the policy does not allow the route,
        AuthorizerFailure when the authorizer is of a kind that only AWS runs.
        """
        if not isinstance(authorizer, ChaliceAuthorizer):
            raise AuthorizerFailure(f"An authorizer of type {type(authorizer).__name__} runs in AWS only.")
        token = event["headers"].get("authorization")
        if not token:
            raise Unauthenticated("The request carries no Authorization header.")
        arn = _method_arn(event)
        result = self._result(authorizer, token, arn, context)
        if not _allows(result.get("policyDocument", {}), arn):
            raise Forbidden("This token does not allow the request.")
        return {**(result.get("context") or {}), "principalId": result["principalId"]}

    def _result(self, authorizer: ChaliceAuthorizer, token: str, arn: str, context: LambdaContext) -> dict[str, Any]:
        ttl = getattr(authorizer.config, "ttl_seconds", None)
        ttl = _DEFAULT_TTL_S if ttl is None else ttl
        key = (authorizer.name, token)
        cached = self._results.get(key)
        if cached is not None and cached[0] > time.monotonic():
            return cached[1]
        result = authorizer({"type": "TOKEN", "authorizationToken": token, "methodArn": arn}, context)  # type: ignore[arg-type]
        if result is None:
            raise AuthorizerFailure("The authorizer gave no policy.")
        if ttl:
            self._results[key] = (time.monotonic() + ttl, result)
            while len(self._results) > _CACHED_RESULTS:
                self._results.popitem(last=False)
        return result


def _method_arn(event: Event) -> str:
    return f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{API_ID}/{STAGE}/{event['httpMethod']}{event['path']}"


def _allows(policy: Mapping[str, Any], arn: str) -> bool:
    decision = False
    for statement in policy.get("Statement", []):
        actions = _listed(statement.get("Action"))
        if not any(_glob(action, "execute-api:Invoke") for action in actions):
            continue
        if any(_glob(resource, arn) for resource in _listed(statement.get("Resource"))):
            if statement.get("Effect") == "Deny":
                return False
            decision = decision or statement.get("Effect") == "Allow"
    return decision


def _listed(value: object) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])  # type: ignore[call-overload]


def _glob(pattern: str, text: str) -> bool:
    """IAM's wildcards: `*` any characters, `?` one."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text) is not None
