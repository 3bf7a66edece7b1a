"""Autoscalers and disruption budgets: HorizontalPodAutoscaler, VerticalPodAutoscaler, PodDisruptionBudget."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.state.kinds.registry import KINDS, Column, KindEntry, Related, Status
from chalicelib.state.meta import Api, Condition, IntOrString, LabelSelector, Object, Quantities, Ref, condition

if TYPE_CHECKING:
    from chalicelib.state.world import World


class ScaleTarget(Api):
    kind: str = ""
    name: str = ""
    api_version: str = ""


class MetricTarget(Api):
    type: str = ""
    average_utilization: int | None = None
    average_value: str | int = ""
    value: str | int = ""


class ResourceMetric(Api):
    name: str = ""
    container: str = ""
    target: MetricTarget = MetricTarget()
    current: MetricTarget = MetricTarget()


class MetricSpec(Api):
    type: str = ""
    resource: ResourceMetric | None = None
    container_resource: ResourceMetric | None = None


class HpaSpec(Api):
    scale_target_ref: ScaleTarget = ScaleTarget()
    min_replicas: int = 1
    max_replicas: int = 0
    metrics: list[MetricSpec] = []


class HpaStatus(Api):
    current_replicas: int = 0
    desired_replicas: int = 0
    last_scale_time: datetime | None = None
    current_metrics: list[MetricSpec] | None = None
    conditions: list[Condition] = []


class HorizontalPodAutoscaler(Object):
    spec: HpaSpec = HpaSpec()
    status: HpaStatus = HpaStatus()


class VpaUpdatePolicy(Api):
    update_mode: str = ""


class VpaSpec(Api):
    target_ref: ScaleTarget = ScaleTarget()
    update_policy: VpaUpdatePolicy | None = None


class VpaContainer(Api):
    container_name: str = ""
    target: Quantities = {}
    lower_bound: Quantities = {}
    upper_bound: Quantities = {}


class VpaRecommendation(Api):
    container_recommendations: list[VpaContainer] = []


class VpaStatus(Api):
    recommendation: VpaRecommendation | None = None
    conditions: list[Condition] = []


class VerticalPodAutoscaler(Object):
    spec: VpaSpec = VpaSpec()
    status: VpaStatus = VpaStatus()


class PdbSpec(Api):
    min_available: IntOrString | None = None
    max_unavailable: IntOrString | None = None
    selector: LabelSelector | None = None
    unhealthy_pod_eviction_policy: str = ""


class PdbStatus(Api):
    current_healthy: int = 0
    desired_healthy: int = 0
    disruptions_allowed: int = 0
    expected_pods: int = 0
    observed_generation: int = 0
    conditions: list[Condition] = []


class PodDisruptionBudget(Object):
    spec: PdbSpec = PdbSpec()
    status: PdbStatus = PdbStatus()


def _hpa_refs(hpa: HorizontalPodAutoscaler) -> Iterable[Related]:
    target = hpa.spec.scale_target_ref
    if target.kind:
        yield "scales", Ref(target.kind, hpa.metadata.namespace, target.name), ""


def _vpa_refs(vpa: VerticalPodAutoscaler) -> Iterable[Related]:
    target = vpa.spec.target_ref
    if target.kind:
        yield "resizes", Ref(target.kind, vpa.metadata.namespace, target.name), ""


def _hpa_status(hpa: HorizontalPodAutoscaler, world: World) -> Status:
    for type_ in ("AbleToScale", "ScalingActive"):
        found = condition(hpa.status.conditions, type_)
        if found and found.false and found.reason != "ScalingDisabled":
            return Status("warn", found.reason or f"Not{type_}", found.message)
    limited = condition(hpa.status.conditions, "ScalingLimited")
    if limited and limited.true and limited.reason == "TooManyReplicas":
        return Status("warn", "At maximum", limited.message)
    return Status("ok", "Active")


def _pdb_status(pdb: PodDisruptionBudget, world: World) -> Status:
    if pdb.status.expected_pods == 0:
        return Status("warn", "Matches nothing", "no pod matches the selector")
    if pdb.status.disruptions_allowed == 0:
        reason = f"{pdb.status.current_healthy} healthy, {pdb.status.desired_healthy} needed"
        return Status("warn", "Blocks drain", reason)
    return Status("ok", "Allows disruption")


def _metric_text(metric: MetricSpec, current: list[MetricSpec]) -> str:
    resource = metric.resource or metric.container_resource
    if not resource:
        return metric.type
    now = next((m.resource or m.container_resource for m in current if m.type == metric.type), None)
    used = now.current.average_utilization if now else None
    target = resource.target.average_utilization
    return f"{resource.name} {'?' if used is None else used}%/{target}%" if target else resource.name


KINDS.add(
    KindEntry(
        kind="HorizontalPodAutoscaler", plural="horizontalpodautoscalers", group="autoscaling", version="v2",
        category="Scaling", title="Horizontal autoscalers", struct=HorizontalPodAutoscaler, status=_hpa_status,
        short_names=("hpa",), refs=_hpa_refs,
        columns=(
            Column("target", "Target", "ref",
                   lambda h, w: f"{h.spec.scale_target_ref.kind}/{h.spec.scale_target_ref.name}"),
            Column("metrics", "Current / target", "list",
                   lambda h, w: [_metric_text(m, h.status.current_metrics or []) for m in h.spec.metrics]),
            Column("min", "Min", "number", lambda h, w: h.spec.min_replicas),
            Column("max", "Max", "number", lambda h, w: h.spec.max_replicas),
            Column("replicas", "Replicas", "number", lambda h, w: h.status.current_replicas),
            Column("last_scale", "Last scale", "age", lambda h, w: h.status.last_scale_time),
        ),
        words=("autoscaler", "horizontal pod autoscaler"),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="VerticalPodAutoscaler", plural="verticalpodautoscalers", group="autoscaling.k8s.io", version="v1",
        category="Scaling", title="Vertical autoscalers", struct=VerticalPodAutoscaler, optional=True,
        status=lambda v, w: Status("ok", "Active"), short_names=("vpa",), refs=_vpa_refs,
        columns=(
            Column("target", "Target", "ref", lambda v, w: f"{v.spec.target_ref.kind}/{v.spec.target_ref.name}"),
            Column("mode", "Mode", "text",
                   lambda v, w: v.spec.update_policy.update_mode if v.spec.update_policy else "Auto"),
        ),
        words=("vertical pod autoscaler",),
    )
)  # fmt: skip


def _pdb_selector(pdb: PodDisruptionBudget) -> LabelSelector | None:
    return pdb.spec.selector


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


KINDS.add(
    KindEntry(
        kind="PodDisruptionBudget", plural="poddisruptionbudgets", group="policy", version="v1", category="Scaling",
        title="Disruption budgets", struct=PodDisruptionBudget, status=_pdb_status, short_names=("pdb",),
        selects=("protects", _pdb_selector),
        columns=(
            Column("min_available", "Min available", "text", lambda p, w: _text(p.spec.min_available)),
            Column("max_unavailable", "Max unavailable", "text", lambda p, w: _text(p.spec.max_unavailable)),
            Column("allowed", "Allowed disruptions", "number", lambda p, w: p.status.disruptions_allowed),
            Column("pods", "Pods", "number", lambda p, w: p.status.expected_pods),
        ),
        words=("disruption budget", "pod disruption budget"),
    )
)  # fmt: skip
