"""Deployments, ReplicaSets, StatefulSets, DaemonSets and replication controllers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.local.demo.server.errors import FieldError, field_forbidden, invalid_value, not_supported, required
from infra.local.demo.server.kinds.pod_spec import default_template, template_findings
from infra.local.demo.server.store import Object
from infra.local.demo.server.strategies import Strategy, strategy

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api


def not_negative(spec: Object, names: tuple[str, ...]) -> list[FieldError]:
    """A finding for each field below zero."""
    text = "must be greater than or equal to 0"
    return [invalid_value(f"spec.{name}", spec[name], text) for name in names if spec.get(name, 0) < 0]


def immutable(field: str, new: Any, old: Any) -> list[FieldError]:
    """A finding if a field that may never change did."""
    return [] if new == old else [invalid_value(field, new, "field is immutable")]


class _Workload(Strategy):
    generation = True
    zero_status: Object = {}

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        default_template(spec.setdefault("template", {}))
        self.default_spec(spec)

    def default_spec(self, spec: Object) -> None:
        spec.setdefault("replicas", 1)

    def prepare_create(self, api: Api, obj: Object) -> None:
        obj["status"] = dict(self.zero_status)

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        found = not_negative(spec, ("replicas", "minReadySeconds", "revisionHistoryLimit"))
        selector = spec.get("selector")
        if selector is None:
            found.append(required("spec.selector"))
        elif not selector.get("matchLabels") and not selector.get("matchExpressions"):
            found.append(invalid_value("spec.selector", {}, "empty selector is invalid for deployment"))
        return found + template_findings(spec["template"], selector, "spec.template")

    def validate_update(self, api: Api, obj: Object, old: Object) -> list[FieldError]:
        return immutable("spec.selector", obj["spec"].get("selector"), old["spec"].get("selector"))


@strategy("Deployment")
class DeploymentStrategy(_Workload):
    def default_spec(self, spec: Object) -> None:
        spec.setdefault("replicas", 1)
        update = spec.setdefault("strategy", {})
        update.setdefault("type", "RollingUpdate")
        if update["type"] == "RollingUpdate":
            rolling = update.setdefault("rollingUpdate", {})
            rolling.setdefault("maxUnavailable", "25%")
            rolling.setdefault("maxSurge", "25%")
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("progressDeadlineSeconds", 600)

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        found = super().validate(api, obj)
        update = obj["spec"]["strategy"]
        if update["type"] == "Recreate" and update.get("rollingUpdate") is not None:
            text = "may not be specified when strategy `type` is 'Recreate'"
            found.append(field_forbidden("spec.strategy.rollingUpdate", text))
        elif update["type"] not in ("Recreate", "RollingUpdate"):
            found.append(not_supported("spec.strategy.type", update["type"], ("Recreate", "RollingUpdate")))
        ready, deadline = obj["spec"].get("minReadySeconds", 0), obj["spec"]["progressDeadlineSeconds"]
        if deadline <= ready:
            found.append(
                invalid_value("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")
            )
        return found


@strategy("ReplicaSet")
class ReplicaSetStrategy(_Workload):
    zero_status = {"replicas": 0}


@strategy("StatefulSet")
class StatefulSetStrategy(_Workload):
    zero_status = {"replicas": 0, "availableReplicas": 0}
    _MUTABLE = (
        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
        "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
    )

    def default_spec(self, spec: Object) -> None:
        spec.setdefault("replicas", 1)
        spec.setdefault("podManagementPolicy", "OrderedReady")
        update = spec.setdefault("updateStrategy", {})
        update.setdefault("type", "RollingUpdate")
        if update["type"] == "RollingUpdate":
            update.setdefault("rollingUpdate", {}).setdefault("partition", 0)
        spec.setdefault("revisionHistoryLimit", 10)
        spec.setdefault("serviceName", "")
        retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
        retention.setdefault("whenDeleted", "Retain")
        retention.setdefault("whenScaled", "Retain")
        for claim in spec.get("volumeClaimTemplates") or ():
            claim.setdefault("kind", "PersistentVolumeClaim")
            claim.setdefault("apiVersion", "v1")
            claim.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
            claim.setdefault("status", {}).setdefault("phase", "Pending")

    def validate_update(self, api: Api, obj: Object, old: Object) -> list[FieldError]:
        free = {
            "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "minReadySeconds",
            "persistentVolumeClaimRetentionPolicy",
        }  # fmt: skip
        kept = {key: value for key, value in obj["spec"].items() if key not in free}
        before = {key: value for key, value in old["spec"].items() if key not in free}
        return [] if kept == before else [field_forbidden("spec", self._MUTABLE)]


@strategy("DaemonSet")
class DaemonSetStrategy(_Workload):
    zero_status = {"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0}

    def default_spec(self, spec: Object) -> None:
        update = spec.setdefault("updateStrategy", {})
        update.setdefault("type", "RollingUpdate")
        if update["type"] == "RollingUpdate":
            rolling = update.setdefault("rollingUpdate", {})
            rolling.setdefault("maxUnavailable", 1)
            rolling.setdefault("maxSurge", 0)
        spec.setdefault("revisionHistoryLimit", 10)


@strategy("ReplicationController")
class ReplicationControllerStrategy(_Workload):
    zero_status = {"replicas": 0}

    def default(self, obj: Object) -> None:
        super().default(obj)
        labels = (obj["spec"]["template"].get("metadata") or {}).get("labels") or {}
        obj["spec"].setdefault("selector", dict(labels))
        if labels:
            obj.setdefault("metadata", {}).setdefault("labels", dict(labels))

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        return not_negative(spec, ("replicas",)) + template_findings(
            spec["template"], {"matchLabels": spec.get("selector") or {}}, "spec.template"
        )

    def validate_update(self, api: Api, obj: Object, old: Object) -> list[FieldError]:
        return []
