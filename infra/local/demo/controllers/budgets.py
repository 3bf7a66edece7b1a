"""PodDisruptionBudgets: how many pods may go at the moment."""

from __future__ import annotations

from collections.abc import Iterable

from infra.local.demo.controllers.deployments import share
from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.status import is_ready, set_condition, write_status
from infra.local.demo.server.selectors import selector_matches
from infra.local.demo.server.store import Change, Object


class Budgets(Controller):
    name = "controllermanager"
    kinds = ("PodDisruptionBudget", "Pod")

    def concerned(self, change: Change) -> Iterable[Key]:
        if change.key[1] == "poddisruptionbudgets":
            return ((change.namespace, change.name),)
        labels = change.object["metadata"].get("labels") or {}
        return [
            (change.namespace, stored.object["metadata"]["name"])
            for stored in self.api.store.list(("policy", "poddisruptionbudgets"), change.namespace)
            if selector_matches(stored.object["spec"].get("selector"), labels)
        ]

    def reconcile(self, key: Key) -> None:
        found = self.api.find("PodDisruptionBudget", *key)
        if found is None:
            return
        pods = [
            pod for pod in self.api.list("Pod", key[0], labels=found["spec"].get("selector") or {})
            if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
        ]  # fmt: skip
        healthy = sum(1 for pod in pods if is_ready(pod) and not pod["metadata"].get("deletionTimestamp"))
        expected = self._expected(pods)
        spec = found["spec"]
        if spec.get("maxUnavailable") is not None:
            needed = max(0, expected - share(spec["maxUnavailable"], expected, up=True))
        else:
            needed = share(spec.get("minAvailable", 1), expected, up=True)
        allowed = max(0, healthy - needed) if expected else 0
        old = found.get("status") or {}
        generation = found["metadata"].get("generation", 1)
        reason = "SufficientPods" if allowed else "InsufficientPods"
        condition = {
            "type": "DisruptionAllowed",
            "status": "True" if allowed else "False",
            "reason": reason,
            "message": "",
        }
        conditions = set_condition(
            old.get("conditions") or [], condition | {"observedGeneration": generation}, self.api.now()
        )
        status: Object = {"conditions": conditions, "currentHealthy": healthy, "desiredHealthy": needed}
        status |= {"disruptionsAllowed": allowed, "expectedPods": expected, "observedGeneration": generation}
        write_status(self.api, found, status)

    def _expected(self, pods: list[Object]) -> int:
        """What the controllers of the pods want; pods without one count as they are."""
        total, seen = 0, set()
        for pod in pods:
            owner = next((one for one in pod["metadata"].get("ownerReferences") or () if one.get("controller")), None)
            if owner is None:
                total += 1
                continue
            scaled = self._scaled(pod["metadata"]["namespace"], owner)
            if scaled is None or scaled["metadata"]["uid"] in seen:
                continue
            seen.add(scaled["metadata"]["uid"])
            total += scaled["spec"].get("replicas", 1)
        return total

    def _scaled(self, namespace: str, owner: Object) -> Object | None:
        found = self.api.find(owner["kind"], namespace, owner["name"])
        if found is not None and owner["kind"] == "ReplicaSet":
            above = next((one for one in found["metadata"].get("ownerReferences") or () if one.get("controller")), None)
            return self.api.find(above["kind"], namespace, above["name"]) if above else found
        return found if found and "replicas" in found["spec"] else None
