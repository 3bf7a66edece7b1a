"""ResourceQuota status, recounted when what it counts goes away or changes."""

from __future__ import annotations

from collections.abc import Iterable

from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.status import write_status
from infra.local.demo.server.admission.quota import current_usage
from infra.local.demo.server.quantities import canonical
from infra.local.demo.server.store import Change


class Quotas(Controller):
    name = "resourcequota-controller"
    kinds = ("ResourceQuota", "Pod", "Service", "PersistentVolumeClaim", "ConfigMap", "Secret")

    def concerned(self, change: Change) -> Iterable[Key]:
        if change.key[1] == "resourcequotas":
            return ((change.namespace, change.name),)
        if change.type == "MODIFIED" and not (change.key[1] == "pods" and _ended(change)):
            return ()
        return [
            (change.namespace, stored.object["metadata"]["name"])
            for stored in self.api.store.list(("", "resourcequotas"), change.namespace)
        ]

    def reconcile(self, key: Key) -> None:
        quota = self.api.find("ResourceQuota", *key)
        if quota is None:
            return
        hard = quota["spec"].get("hard") or {}
        used = current_usage(self.api, quota)
        write_status(
            self.api,
            quota,
            {"hard": dict(hard), "used": {name: canonical(used[name], str(hard[name])) for name in hard}},
        )


def _ended(change: Change) -> bool:
    return (change.object.get("status") or {}).get("phase") in ("Succeeded", "Failed")
