"""Quotas, disruption budgets, autoscalers, access rules, admission webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.local.demo.server.errors import FieldError, field_forbidden, invalid_value, required
from infra.local.demo.server.kinds.workloads import immutable
from infra.local.demo.server.store import Object
from infra.local.demo.server.strategies import Strategy, strategy

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api


@strategy("ResourceQuota")
class ResourceQuotaStrategy(Strategy):
    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})

    def prepare_create(self, api: Api, obj: Object) -> None:
        obj["status"] = {}


@strategy("PodDisruptionBudget")
class BudgetStrategy(Strategy):
    generation = True

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})

    def prepare_create(self, api: Api, obj: Object) -> None:
        obj["status"] = {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
            text = "minAvailable and maxUnavailable cannot be both set"
            return [invalid_value("spec", spec, text)]
        return []


@strategy("HorizontalPodAutoscaler")
class AutoscalerStrategy(Strategy):
    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("minReplicas", 1)
        if not spec.get("metrics"):
            target = {"type": "Utilization", "averageUtilization": 80}
            spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]

    def prepare_create(self, api: Api, obj: Object) -> None:
        obj["status"] = {"desiredReplicas": 0, "currentMetrics": None}

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        low, high = spec["minReplicas"], spec.get("maxReplicas", 0)
        found = []
        if low < 1:
            found.append(invalid_value("spec.minReplicas", low, "must be greater than or equal to 1"))
        if high < 1:
            found.append(invalid_value("spec.maxReplicas", high, "must be greater than 0"))
        elif high < low:
            found.append(invalid_value("spec.maxReplicas", high, "must be greater than or equal to `minReplicas`"))
        if not (spec.get("scaleTargetRef") or {}).get("name"):
            found.append(required("spec.scaleTargetRef.name"))
        return found


@strategy("Role", "ClusterRole")
class RoleStrategy(Strategy):
    def default(self, obj: Object) -> None:
        obj.setdefault("rules", None)

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        found = []
        for index, rule in enumerate(obj.get("rules") or ()):
            if not rule.get("verbs"):
                found.append(required(f"rules[{index}].verbs", "verbs must contain at least one value"))
        return found


@strategy("RoleBinding", "ClusterRoleBinding")
class BindingStrategy(Strategy):
    def default(self, obj: Object) -> None:
        for subject in obj.get("subjects") or ():
            if subject.get("kind") in ("User", "Group"):
                subject.setdefault("apiGroup", "rbac.authorization.k8s.io")
        (obj.get("roleRef") or {}).setdefault("apiGroup", "rbac.authorization.k8s.io")

    def validate_update(self, api: Api, obj: Object, old: Object) -> list[FieldError]:
        if obj.get("roleRef") == old.get("roleRef"):
            return []
        return [invalid_value("roleRef", obj.get("roleRef"), "cannot change roleRef")]


@strategy("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
class WebhookStrategy(Strategy):
    generation = True

    def default(self, obj: Object) -> None:
        for hook in obj.get("webhooks") or ():
            hook.setdefault("failurePolicy", "Fail")
            hook.setdefault("matchPolicy", "Equivalent")
            hook.setdefault("namespaceSelector", {})
            hook.setdefault("objectSelector", {})
            hook.setdefault("timeoutSeconds", 10)
            service = (hook.get("clientConfig") or {}).get("service")
            if service is not None:
                service.setdefault("port", 443)
            for rule in hook.get("rules") or ():
                rule.setdefault("scope", "*")
            if obj["kind"].startswith("Mutating"):
                hook.setdefault("reinvocationPolicy", "Never")


@strategy("PriorityClass")
class PriorityClassStrategy(Strategy):
    def default(self, obj: Object) -> None:
        obj.setdefault("preemptionPolicy", "PreemptLowerPriority")

    def validate_update(self, api: Api, obj: Object, old: Object) -> list[FieldError]:
        if obj.get("value", 0) != old.get("value", 0):
            return [field_forbidden("value", "may not be changed in an update.")]
        return immutable("preemptionPolicy", obj.get("preemptionPolicy"), old.get("preemptionPolicy"))
