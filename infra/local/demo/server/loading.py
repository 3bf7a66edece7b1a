"""Putting a whole ready-made cluster into the store at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from infra.local.demo.server import custom
from infra.local.demo.server.errors import no_such_resource
from infra.local.demo.server.metadata import ordered
from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api

_WITH_GENERATION = {
    "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "PodDisruptionBudget", "Ingress",
    "NetworkPolicy", "Pod", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration",
    "CustomResourceDefinition",
}  # fmt: skip


def load(api: Api, objects: Iterable[Object]) -> int:
    """See `Api.load`."""
    count = 0
    for given in objects:
        group, _, version = given["apiVersion"].rpartition("/")
        resource = api.resources.of_kind(group, version, given["kind"])
        if resource is None:
            raise no_such_resource()
        obj = ordered(given)
        meta = obj["metadata"]
        meta.setdefault("uid", api.identity.uid())
        meta.setdefault("creationTimestamp", api.now())
        if obj["kind"] in _WITH_GENERATION or resource.custom:
            meta.setdefault("generation", 1)
        obj["metadata"] = ordered(obj)["metadata"]
        api.store.put(resource.key, obj, tracked=True)
        custom.after_write(api, resource, obj)
        count += 1
    return count
