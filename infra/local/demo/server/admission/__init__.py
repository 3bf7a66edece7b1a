"""What is checked and added to every write, in the order of the real server's plugins."""

from __future__ import annotations

from infra.local.demo.server.admission import (
    limits,
    namespaces,
    pod_defaults,
    pod_security,
    quota,
    webhooks,
)  # fmt: skip
from infra.local.demo.server.admission.request import Request

__all__ = ["Request", "after_write", "mutate", "validate"]


def mutate(request: Request) -> None:
    """Namespace checks first, then everything that changes the object; ApiError refuses it."""
    namespaces.check(request)
    pod_defaults.service_account(request)
    limits.apply_defaults(request)
    pod_defaults.priority(request)
    pod_defaults.tolerations(request)
    webhooks.call(request, mutating=True)


def validate(request: Request) -> None:
    """What only looks, quota last: nothing is counted that something else refuses."""
    limits.check(request)
    pod_security.check(request)
    webhooks.call(request, mutating=False)
    quota.check(request)


def after_write(request: Request) -> None:
    """What follows a stored write."""
    quota.count(request)
