"""Namespaces: the default ServiceAccount and root CA of each, and emptying those on their way out."""

from __future__ import annotations

from collections.abc import Iterable

from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.status import set_condition, write_object
from infra.local.demo.server.errors import ApiError
from infra.local.demo.server.resources import Resource
from infra.local.demo.server.store import Change, Object

_NOT_MINE = ("events", "leases")


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
        left: list[tuple[Resource, Object]] = []
        for resource in {one.key: one for one in self.api.resources if one.namespaced and one.stored}.values():
            for stored in list(self.api.store.list(resource, key[1])):
                meta = stored.object["metadata"]
                if not meta.get("deletionTimestamp"):
                    try:
                        self.api.delete(resource, key[1], meta["name"], propagation="Background")
                    except ApiError as error:
                        if error.code != 404:
                            raise
                still = self.api.store.get(resource, key[1], meta["name"])
                if still:
                    left.append((resource, still.object))
        if not left:
            self.api.store.remove(("", "namespaces"), "", key[1])
            return
        self._explain(found, left)
        self.wake(key, 5)

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
        wanted = [
            (
                "NamespaceDeletionDiscoveryFailure",
                "False",
                "ResourcesDiscovered",
                "All resources successfully discovered",
            ),
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
            ("NamespaceContentRemaining", "True", "SomeResourcesRemain", f"Some resources are remaining: {remaining}"),
        ]
        if held:
            text = f"Some content in the namespace has finalizers remaining: {held}"
            wanted.append(("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", text))
        status = dict(found.get("status") or {})
        conditions = list(status.get("conditions") or [])
        for kind, word, reason, message in wanted:
            condition = {"type": kind, "status": word, "reason": reason, "message": message}
            conditions = set_condition(conditions, condition, self.api.now())
        if conditions != status.get("conditions"):
            write_object(
                self.api,
                {
                    **found,
                    "metadata": dict(found["metadata"]),
                    "status": {**status, "conditions": conditions},
                },
            )
