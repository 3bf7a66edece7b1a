"""Namespaces: the default ServiceAccount and root CA of each, and emptying those on their way out."""

from __future__ import annotations

from collections.abc import Iterable

from infra.local.demo.controllers.cache import PODS
from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.status import set_condition, write_status
from infra.local.demo.server.clock import parse_time
from infra.local.demo.server.errors import ApiError
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.store import Change, Object

_GRACE_S = 5.0
"""Other servers get time to see that the namespace is being deleted (namespaceDeletionGracePeriod)."""
_AGAIN_S = 5.0


class Namespaces(Controller):
    name = "namespace-controller"
    kinds = ("Namespace", "ServiceAccount")

    def concerned(self, change: Change) -> Iterable[Key]:
        return (("", change.namespace or change.name),)

    def reconcile(self, key: Key) -> None:
        found = self.api.find("Namespace", "", key[1])
        if found is None:
            return
        if found["metadata"].get("deletionTimestamp"):
            self._empty(key, found)
            return
        if self.api.find("ServiceAccount", key[1], "default") is None:
            self.api.create(
                "ServiceAccount",
                {"metadata": {"name": "default"}},
                namespace=key[1],
                manager="kube-controller-manager",
            )
        if self.api.find("ConfigMap", key[1], "kube-root-ca.crt") is None:
            notes = {
                "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when "
                "using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
                "guaranteed across distributions of Kubernetes clusters."
            }
            body = {"metadata": {"name": "kube-root-ca.crt", "annotations": notes}, "data": {"ca.crt": ""}}
            self.api.create("ConfigMap", body, namespace=key[1], manager="kube-controller-manager")

    def _empty(self, key: Key, found: Object) -> None:
        """Delete what is in it, pods before the rest, until nothing is left; then let the namespace go."""
        left_s = _GRACE_S - (self.now() - parse_time(found["metadata"]["deletionTimestamp"])).total_seconds()
        if left_s > 0:
            self.wake(key, left_s)
            return
        resources = {one.key: one for one in self.api.resources if one.namespaced and one.stored}
        left = self._delete_all(resources.pop(PODS), key[1])
        if not left:
            left = [one for resource in resources.values() for one in self._delete_all(resource, key[1])]
        self._explain(found, left)
        if left:
            self.wake(key, _AGAIN_S)
        else:
            self.api.finalize_namespace(key[1], [])

    def _delete_all(self, resource: Resource, namespace: str) -> list[tuple[Resource, Object]]:
        """Delete every object of a resource; returns those that something still holds."""
        left: list[tuple[Resource, Object]] = []
        for stored in list(self.api.store.list(resource, namespace)):
            meta = stored.object["metadata"]
            if not meta.get("deletionTimestamp"):
                try:
                    self.api.delete(resource, namespace, meta["name"], propagation="Background")
                except ApiError as error:
                    if error.code != 404:
                        raise
            still = self.api.store.get(resource, namespace, meta["name"])
            if still:
                left.append((resource, still.object))
        return left

    def _explain(self, found: Object, left: list[tuple[Resource, Object]]) -> None:
        """Conditions as the namespace controller writes them: what remains, and which finalizers hold it."""
        kinds: dict[str, int] = {}
        finalizers: dict[str, int] = {}
        for resource, obj in left:
            name = f"{resource.plural}.{resource.group}" if resource.group else resource.plural + "."
            kinds[name] = kinds.get(name, 0) + 1
            for finalizer in obj["metadata"].get("finalizers") or ():
                finalizers[finalizer] = finalizers.get(finalizer, 0) + 1
        remaining = ", ".join(f"{name} has {count} resource instances" for name, count in sorted(kinds.items()))
        held = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(finalizers.items()))
        wanted = [*_ALL_WELL]
        if remaining:
            text = f"Some resources are remaining: {remaining}"
            wanted[3] = ("NamespaceContentRemaining", "True", "SomeResourcesRemain", text)
        if held:
            text = f"Some content in the namespace has finalizers remaining: {held}"
            wanted[4] = ("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", text)
        status = dict(found.get("status") or {})
        conditions = list(status.get("conditions") or [])
        for kind, word, reason, message in wanted:
            condition = {"type": kind, "status": word, "reason": reason, "message": message}
            conditions = set_condition(conditions, condition, self.api.now())
        write_status(self.api, found, {**status, "conditions": conditions})


_ALL_WELL = (
    ("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered"),
    (
        "NamespaceDeletionGroupVersionParsingFailure",
        "False",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    (
        "NamespaceDeletionContentFailure",
        "False",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    ("NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed"),
    (
        "NamespaceFinalizersRemaining",
        "False",
        "ContentHasNoFinalizers",
        "All content-preserving finalizers finished",
    ),
)
