"""Controllers that keep Pods running: Deployment, ReplicaSet, StatefulSet, DaemonSet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from chalicelib.state.kinds.pod_spec import PodTemplate, pod_references
from chalicelib.state.kinds.registry import KINDS, Column, KindEntry, Related, Status
from chalicelib.state.meta import Api, Condition, IntOrString, LabelSelector, Object, Ref, condition

if TYPE_CHECKING:
    from chalicelib.state.world import World


class RollingUpdate(Api):
    max_surge: IntOrString | None = None
    max_unavailable: IntOrString | None = None
    partition: int = 0


class Strategy(Api):
    type: str = ""
    rolling_update: RollingUpdate | None = None


class DeploymentSpec(Api):
    replicas: int = 1
    selector: LabelSelector | None = None
    template: PodTemplate = PodTemplate()
    strategy: Strategy = Strategy()
    paused: bool = False
    progress_deadline_seconds: int = 600
    revision_history_limit: int | None = None
    min_ready_seconds: int = 0


class DeploymentStatus(Api):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    conditions: list[Condition] = []


class Deployment(Object):
    spec: DeploymentSpec = DeploymentSpec()
    status: DeploymentStatus = DeploymentStatus()


class ReplicaSetSpec(Api):
    replicas: int = 1
    selector: LabelSelector | None = None
    template: PodTemplate = PodTemplate()


class ReplicaSetStatus(Api):
    replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    fully_labeled_replicas: int = 0
    observed_generation: int = 0
    conditions: list[Condition] = []


class ReplicaSet(Object):
    spec: ReplicaSetSpec = ReplicaSetSpec()
    status: ReplicaSetStatus = ReplicaSetStatus()

    @property
    def revision(self) -> int:
        text = self.metadata.annotations.get("deployment.kubernetes.io/revision", "")
        return int(text) if text.isdigit() else 0


class ClaimTemplate(Object):
    spec: dict[str, Any] = {}


class StatefulSetSpec(Api):
    replicas: int = 1
    selector: LabelSelector | None = None
    template: PodTemplate = PodTemplate()
    service_name: str = ""
    update_strategy: Strategy = Strategy()
    pod_management_policy: str = ""
    volume_claim_templates: list[ClaimTemplate] = []


class StatefulSetStatus(Api):
    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    current_replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""
    conditions: list[Condition] = []


class StatefulSet(Object):
    spec: StatefulSetSpec = StatefulSetSpec()
    status: StatefulSetStatus = StatefulSetStatus()


class DaemonSetSpec(Api):
    selector: LabelSelector | None = None
    template: PodTemplate = PodTemplate()
    update_strategy: Strategy = Strategy()


class DaemonSetStatus(Api):
    observed_generation: int = 0
    desired_number_scheduled: int = 0
    current_number_scheduled: int = 0
    number_ready: int = 0
    number_available: int = 0
    number_unavailable: int = 0
    number_misscheduled: int = 0
    updated_number_scheduled: int = 0
    conditions: list[Condition] = []


class DaemonSet(Object):
    spec: DaemonSetSpec = DaemonSetSpec()
    status: DaemonSetStatus = DaemonSetStatus()


def template_refs(obj: Any) -> Iterable[Related]:
    """What the pod template names: the same edges a pod made from it would have."""
    namespace = obj.metadata.namespace
    spec = obj.spec.template.spec
    for relation, kind, name, detail, _ in pod_references(spec):
        yield relation, Ref(kind, namespace, name), detail
    if spec.service_account_name:
        yield "runs_as", Ref("ServiceAccount", namespace, spec.service_account_name), ""


def statefulset_refs(sts: StatefulSet) -> Iterable[Related]:
    yield from template_refs(sts)
    if sts.spec.service_name:
        yield "governed_by", Ref("Service", sts.metadata.namespace, sts.spec.service_name), ""
    for template in sts.spec.volume_claim_templates:
        for ordinal in range(min(sts.spec.replicas, 1000)):
            name = f"{template.metadata.name}-{sts.metadata.name}-{ordinal}"
            yield "claims", Ref("PersistentVolumeClaim", sts.metadata.namespace, name), ""


def replica_status(
    desired: int, ready: int, updated: int | None = None, conditions: Iterable[Condition] = ()
) -> Status:
    """Ready against desired: scaled to zero is a choice, none ready is critical, some missing is a warning."""
    listed = list(conditions)
    progressing = condition(listed, "Progressing")
    if progressing and progressing.false:
        return Status("crit" if ready == 0 and desired else "warn", progressing.reason or "Stuck", progressing.message)
    failure = condition(listed, "ReplicaFailure")
    if failure and failure.true:
        return Status("crit" if ready == 0 and desired else "warn", failure.reason or "ReplicaFailure", failure.message)
    if desired == 0:
        return Status("ok", "Scaled to zero")
    if ready == 0:
        return Status("crit", "Unavailable", f"0 of {desired} ready")
    if ready < desired:
        return Status("warn", "Degraded", f"{ready} of {desired} ready")
    if updated is not None and updated < desired:
        return Status("progress", "Updating", f"{updated} of {desired} updated")
    return Status("ok", "Available")


def _deployment_status(d: Deployment, world: World) -> Status:
    return replica_status(d.spec.replicas, d.status.ready_replicas, d.status.updated_replicas, d.status.conditions)


def _replicaset_status(rs: ReplicaSet, world: World) -> Status:
    if rs.spec.replicas == 0:
        return Status("ok", "Old revision" if rs.metadata.controller else "Scaled to zero")
    return replica_status(rs.spec.replicas, rs.status.ready_replicas, None, rs.status.conditions)


def _statefulset_status(s: StatefulSet, world: World) -> Status:
    return replica_status(s.spec.replicas, s.status.ready_replicas, s.status.updated_replicas or None)


def _daemonset_status(d: DaemonSet, world: World) -> Status:
    if d.status.desired_number_scheduled == 0:
        return Status("ok", "No matching nodes")
    return replica_status(d.status.desired_number_scheduled, d.status.number_ready, d.status.updated_number_scheduled)


def _images(obj: Any, _: World) -> list[str]:
    return [c.image for c in obj.spec.template.spec.containers]


READY = Column("ready", "Ready", "text", lambda o, w: f"{o.status.ready_replicas}/{o.spec.replicas}")
IMAGES = Column("images", "Images", "list", _images)
OWNER = Column("owner", "Owner", "ref", lambda o, w: w.owner_text(o))

KINDS.add(
    KindEntry(
        kind="Deployment", plural="deployments", group="apps", version="v1", category="Workloads", title="Deployments",
        struct=Deployment, status=_deployment_status, short_names=("deploy",), has_logs=True, refs=template_refs,
        columns=(
            READY,
            Column("updated", "Updated", "number", lambda d, w: d.status.updated_replicas),
            Column("available", "Available", "number", lambda d, w: d.status.available_replicas, hidden=True),
            Column("restarts", "Restarts", "number", lambda d, w: w.restarts_of(d)),
            Column("strategy", "Strategy", "text", lambda d, w: d.spec.strategy.type or None, hidden=True),
            IMAGES,
            Column("rollout_age", "Last rollout", "age", lambda d, w: w.last_rollout(d)),
            Column("hpa", "HPA", "text", lambda d, w: w.scaled_by(d)),
        ),
        words=("deployment",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="ReplicaSet", plural="replicasets", group="apps", version="v1", category="Workloads", title="ReplicaSets",
        struct=ReplicaSet, status=_replicaset_status, short_names=("rs",), has_logs=True,
        columns=(
            READY, OWNER,
            Column("revision", "Revision", "number", lambda r, w: r.revision or None),
            IMAGES,
        ),
        words=("replica set",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="StatefulSet", plural="statefulsets", group="apps", version="v1", category="Workloads",
        title="StatefulSets", struct=StatefulSet, status=_statefulset_status, short_names=("sts",), has_logs=True,
        refs=statefulset_refs,
        columns=(
            READY,
            Column("restarts", "Restarts", "number", lambda s, w: w.restarts_of(s)),
            Column("service", "Service", "text", lambda s, w: s.spec.service_name or None),
            Column("claims", "Claims", "number", lambda s, w: len(s.spec.volume_claim_templates) * s.spec.replicas),
            Column("partition", "Partition", "number",
                   lambda s, w: s.spec.update_strategy.rolling_update.partition
                   if s.spec.update_strategy.rolling_update else None, hidden=True),
            Column("strategy", "Update strategy", "text", lambda s, w: s.spec.update_strategy.type or None),
            IMAGES,
        ),
        words=("stateful set",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="DaemonSet", plural="daemonsets", group="apps", version="v1", category="Workloads", title="DaemonSets",
        struct=DaemonSet, status=_daemonset_status, short_names=("ds",), has_logs=True, refs=template_refs,
        columns=(
            Column("ready", "Ready", "text",
                   lambda d, w: f"{d.status.number_ready}/{d.status.desired_number_scheduled}"),
            Column("misscheduled", "Misscheduled", "number", lambda d, w: d.status.number_misscheduled),
            Column("restarts", "Restarts", "number", lambda d, w: w.restarts_of(d)),
            Column("node_selector", "Node selector", "list",
                   lambda d, w: [f"{k}={v}" for k, v in sorted(d.spec.template.spec.node_selector.items())]),
            IMAGES,
        ),
        words=("daemon set",),
    )
)  # fmt: skip


def rollout_strategy_contradicts(strategy: Strategy) -> bool:
    """A rolling update that may neither add nor remove a Pod can never start."""
    rolling = strategy.rolling_update
    if not rolling:
        return False
    return all(str(v).rstrip("%") == "0" for v in (rolling.max_surge, rolling.max_unavailable) if v is not None) and (
        rolling.max_surge is not None and rolling.max_unavailable is not None
    )


__all__ = [
    "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet", "replica_status", "rollout_strategy_contradicts",
]  # fmt: skip
