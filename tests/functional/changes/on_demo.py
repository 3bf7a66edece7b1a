"""What tests of changes on a served demo cluster share; their fixtures are in conftest.py."""

from __future__ import annotations

from typing import Any

from infra.local.demo.server.serving import Serving
from tests.functional.api.harness import Api, user_token

PRODUCT = "system:serviceaccount:kubilitics:kubilitics-reader"


def as_(role: str, api: Api) -> Api:
    """The same API for a new person of that role."""
    return Api(api.app, api.services, user_token(api.services, role))


def writes(demo: Serving) -> list[str]:
    """What the product's account changed, by the demo's own audit list; dry runs are not in it."""
    return [
        f"{e.verb} {e.resource} {e.namespace}/{e.name}" for e in demo.server.audit.writes() if e.user == PRODUCT
    ]  # fmt: skip


def restart(cluster: str, name: str = "fares") -> dict[str, Any]:
    arguments = {"kind": "Deployment", "namespace": "booking", "name": name}
    return {"cluster": cluster, "action": "restart", "arguments": arguments, "reason": "it leaks"}
