"""Pods: the spec and status fields that explain why a container does or does not run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from chalicelib.state.kinds.registry import KINDS, Column, KindEntry, Related, Status
from chalicelib.state.meta import (
    Api,
    Condition,
    IntOrString,
    LabelSelector,
    LocalReference,
    MatchExpression,
    Object,
    ObjectMeta,
    Quantities,
    Ref,
    condition,
)
from chalicelib.state.quantity import quantity

if TYPE_CHECKING:
    from chalicelib.state.world import World


REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


class ContainerPort(Api):
    container_port: int = 0
    name: str = ""
    protocol: str = "TCP"
    host_port: int = 0


class KeyReference(Api):
    """`configMapKeyRef` / `secretKeyRef`."""

    name: str = ""
    key: str = ""
    optional: bool = False


class FieldReference(Api):
    field_path: str = ""


class EnvSource(Api):
    config_map_key_ref: KeyReference | None = None
    secret_key_ref: KeyReference | None = None
    field_ref: FieldReference | None = None


class EnvVar(Api):
    name: str = ""
    value: str = ""
    value_from: EnvSource | None = None


class OptionalReference(Api):
    name: str = ""
    optional: bool = False


class EnvFrom(Api):
    prefix: str = ""
    config_map_ref: OptionalReference | None = None
    secret_ref: OptionalReference | None = None


class Resources(Api):
    requests: Quantities = {}
    limits: Quantities = {}


class VolumeMount(Api):
    name: str = ""
    mount_path: str = ""
    sub_path: str = ""
    read_only: bool = False


class HttpGet(Api):
    path: str = ""
    port: IntOrString = 0
    scheme: str = "HTTP"
    host: str = ""


class TcpSocket(Api):
    port: IntOrString = 0
    host: str = ""


class Grpc(Api):
    port: int = 0
    service: str = ""


class ExecAction(Api):
    command: list[str] = []


class Probe(Api):
    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    grpc: Grpc | None = None
    exec: ExecAction | None = None
    initial_delay_seconds: int = 0
    period_seconds: int = 10
    timeout_seconds: int = 1
    failure_threshold: int = 3
    success_threshold: int = 1

    @property
    def protocol(self) -> str:
        """`http`, `https`, `tcp`, `grpc` or `exec`."""
        if self.http_get:
            return self.http_get.scheme.lower() or "http"
        return "tcp" if self.tcp_socket else "grpc" if self.grpc else "exec"

    @property
    def port(self) -> IntOrString | None:
        target = self.http_get or self.tcp_socket or self.grpc
        return target.port if target else None


class Capabilities(Api):
    add: list[str] = []
    drop: list[str] = []


class SeccompProfile(Api):
    type: str = ""


class SecurityContext(Api):
    privileged: bool = False
    run_as_non_root: bool | None = None
    run_as_user: int | None = None
    run_as_group: int | None = None
    allow_privilege_escalation: bool | None = None
    read_only_root_filesystem: bool = False
    capabilities: Capabilities | None = None
    seccomp_profile: SeccompProfile | None = None
    fs_group: int | None = None


class Container(Api):
    name: str = ""
    image: str = ""
    image_pull_policy: str = ""
    command: list[str] = []
    args: list[str] = []
    ports: list[ContainerPort] = []
    env: list[EnvVar] = []
    env_from: list[EnvFrom] = []
    resources: Resources = Resources()
    volume_mounts: list[VolumeMount] = []
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    security_context: SecurityContext | None = None
    restart_policy: str = ""

    def port_number(self, port: IntOrString | None) -> int | None:
        """The number behind a port or port name; None when no container port has that name."""
        if port is None or isinstance(port, int):
            return port
        if port.isdigit():
            return int(port)
        return next((p.container_port for p in self.ports if p.name == port), None)


class KeyToPath(Api):
    key: str = ""
    path: str = ""


class ConfigMapVolume(Api):
    name: str = ""
    items: list[KeyToPath] = []
    optional: bool = False


class SecretVolume(Api):
    secret_name: str = ""
    items: list[KeyToPath] = []
    optional: bool = False


class ClaimVolume(Api):
    claim_name: str = ""
    read_only: bool = False


class EphemeralVolume(Api):
    volume_claim_template: dict[str, object] = {}


class ProjectedSecret(Api):
    name: str = ""
    items: list[KeyToPath] = []
    optional: bool = False


class ProjectedSource(Api):
    config_map: ConfigMapVolume | None = None
    secret: ProjectedSecret | None = None


class ProjectedVolume(Api):
    sources: list[ProjectedSource] = []


class HostPath(Api):
    path: str = ""
    type: str = ""


class EmptyDir(Api):
    medium: str = ""
    size_limit: str | int = ""


class CsiVolume(Api):
    driver: str = ""


class Volume(Api):
    name: str = ""
    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None
    persistent_volume_claim: ClaimVolume | None = None
    ephemeral: EphemeralVolume | None = None
    projected: ProjectedVolume | None = None
    host_path: HostPath | None = None
    empty_dir: EmptyDir | None = None
    csi: CsiVolume | None = None


class Toleration(Api):
    key: str = ""
    operator: str = ""
    value: str = ""
    effect: str = ""
    toleration_seconds: int | None = None


class NodeSelectorTerm(Api):
    match_expressions: list[MatchExpression] = []
    match_fields: list[MatchExpression] = []


class NodeSelector(Api):
    node_selector_terms: list[NodeSelectorTerm] = []


class PreferredNodeTerm(Api):
    weight: int = 0
    preference: NodeSelectorTerm = NodeSelectorTerm()


class NodeAffinity(Api):
    required: NodeSelector | None = msgspec.field(name=REQUIRED, default=None)


class PodAffinityTerm(Api):
    label_selector: LabelSelector | None = None
    topology_key: str = ""
    namespaces: list[str] = []
    namespace_selector: LabelSelector | None = None


class PodAffinity(Api):
    required: list[PodAffinityTerm] = msgspec.field(name=REQUIRED, default_factory=list)


class Affinity(Api):
    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


class TopologySpread(Api):
    max_skew: int = 1
    topology_key: str = ""
    when_unsatisfiable: str = ""
    label_selector: LabelSelector | None = None


class DnsConfig(Api):
    nameservers: list[str] = []
    searches: list[str] = []


class GateName(Api):
    name: str = ""
    condition_type: str = ""


class PodSpec(Api):
    containers: list[Container] = []
    init_containers: list[Container] = []
    volumes: list[Volume] = []
    node_name: str = ""
    service_account_name: str = ""
    node_selector: dict[str, str] = {}
    affinity: Affinity | None = None
    tolerations: list[Toleration] = []
    topology_spread_constraints: list[TopologySpread] = []
    priority_class_name: str = ""
    priority: int = 0
    restart_policy: str = ""
    termination_grace_period_seconds: int = 30
    host_network: bool = False
    host_pid: bool = msgspec.field(name="hostPID", default=False)
    host_ipc: bool = msgspec.field(name="hostIPC", default=False)
    hostname: str = ""
    subdomain: str = ""
    dns_policy: str = ""
    dns_config: DnsConfig | None = None
    image_pull_secrets: list[LocalReference] = []
    scheduler_name: str = ""
    security_context: SecurityContext | None = None
    runtime_class_name: str = ""
    overhead: Quantities = {}
    automount_service_account_token: bool | None = None
    readiness_gates: list[GateName] = []
    scheduling_gates: list[GateName] = []

    @property
    def all_containers(self) -> Iterator[Container]:
        yield from self.init_containers
        yield from self.containers


class StateWaiting(Api):
    reason: str = ""
    message: str = ""


class StateRunning(Api):
    started_at: datetime | None = None


class StateTerminated(Api):
    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ContainerState(Api):
    waiting: StateWaiting | None = None
    running: StateRunning | None = None
    terminated: StateTerminated | None = None


class ContainerStatus(Api):
    name: str = ""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    image: str = ""
    image_id: str = msgspec.field(name="imageID", default="")
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()


class PodStatus(Api):
    phase: str = ""
    reason: str = ""
    message: str = ""
    pod_ip: str = msgspec.field(name="podIP", default="")
    host_ip: str = msgspec.field(name="hostIP", default="")
    start_time: datetime | None = None
    qos_class: str = ""
    nominated_node_name: str = ""
    conditions: list[Condition] = []
    container_statuses: list[ContainerStatus] = []
    init_container_statuses: list[ContainerStatus] = []

    @property
    def all_statuses(self) -> Iterator[ContainerStatus]:
        yield from self.init_container_statuses
        yield from self.container_statuses


class PodTemplate(Api):
    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()


class Pod(Object):
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def ready(self) -> bool:
        found = condition(self.status.conditions, "Ready")
        return bool(found and found.true)

    @property
    def restarts(self) -> int:
        return sum(s.restart_count for s in self.status.all_statuses)

    @property
    def finished(self) -> bool:
        return self.status.phase in ("Succeeded", "Failed")


def pod_references(spec: PodSpec) -> Iterable[tuple[str, str, str, str, bool]]:
    """What a pod spec names: (relation, kind, name, detail, optional). `detail` is a key or the container."""
    for volume in spec.volumes:
        yield from _volume_references(volume)
    for container in spec.all_containers:
        for env in container.env:
            source = env.value_from
            if source and source.config_map_key_ref:
                key = source.config_map_key_ref
                yield "reads_env", "ConfigMap", key.name, key.key, key.optional
            if source and source.secret_key_ref:
                key = source.secret_key_ref
                yield "reads_env", "Secret", key.name, key.key, key.optional
        for bulk in container.env_from:
            if bulk.config_map_ref:
                yield "reads_env", "ConfigMap", bulk.config_map_ref.name, "", bulk.config_map_ref.optional
            if bulk.secret_ref:
                yield "reads_env", "Secret", bulk.secret_ref.name, "", bulk.secret_ref.optional
    for pull in spec.image_pull_secrets:
        yield "pulls_with", "Secret", pull.name, "", True


def _volume_references(volume: Volume) -> Iterable[tuple[str, str, str, str, bool]]:
    if volume.config_map:
        yield "mounts", "ConfigMap", volume.config_map.name, "", volume.config_map.optional
    if volume.secret:
        yield "mounts", "Secret", volume.secret.secret_name, "", volume.secret.optional
    if volume.persistent_volume_claim:
        yield "mounts", "PersistentVolumeClaim", volume.persistent_volume_claim.claim_name, "", False
    for source in volume.projected.sources if volume.projected else ():
        if source.config_map:
            yield "mounts", "ConfigMap", source.config_map.name, "", source.config_map.optional
        if source.secret:
            yield "mounts", "Secret", source.secret.name, "", source.secret.optional


def _refs(pod: Pod) -> Iterable[Related]:
    namespace = pod.metadata.namespace
    for relation, kind, name, detail, _ in pod_references(pod.spec):
        yield relation, Ref(kind, namespace, name), detail
    if pod.spec.node_name:
        yield "scheduled_on", Ref("Node", "", pod.spec.node_name), ""
    if pod.spec.service_account_name:
        yield "runs_as", Ref("ServiceAccount", namespace, pod.spec.service_account_name), ""
    if pod.spec.priority_class_name:
        yield "has_priority", Ref("PriorityClass", "", pod.spec.priority_class_name), ""


def pod_status(pod: Pod, world: World | None = None) -> Status:
    """The word `kubectl get pods` shows, with a level (rules of kubectl's printPod)."""
    status = pod.status
    if pod.metadata.deletion_timestamp:
        return Status("progress", "Terminating")
    if status.phase == "Succeeded":
        return Status("ok", "Completed")
    if status.reason in ("Evicted", "NodeLost", "Shutdown", "NodeShutdown"):
        return Status("warn", status.reason, status.message)
    for index, init in enumerate(status.init_container_statuses):
        found = _init_status(pod, index, init.state)
        if found:
            return found
    for container in status.container_statuses:
        if container.state.waiting and container.state.waiting.reason:
            word = container.state.waiting.reason
            level = "progress" if word in ("ContainerCreating", "PodInitializing") else "crit"
            return Status(level, word, container.state.waiting.message)  # type: ignore[arg-type]
    for container in status.container_statuses:
        ended = container.state.terminated
        if ended and (ended.exit_code or ended.reason != "Completed"):
            return Status("crit", ended.reason or f"ExitCode:{ended.exit_code}", ended.message)
    if status.phase == "Failed":
        return Status("crit", status.reason or "Failed", status.message)
    if status.phase == "Pending":
        scheduled = condition(status.conditions, "PodScheduled")
        if scheduled and scheduled.false:
            return Status("warn", "Pending", scheduled.message)
        return Status("progress", "Pending")
    if status.phase == "Running" and not pod.ready:
        return Status("warn", "NotReady", _not_ready_reason(pod))
    if status.phase == "Running":
        return Status("ok", "Running")
    return Status("unknown", status.phase or "Unknown", status.message)


def _init_status(pod: Pod, index: int, state: ContainerState) -> Status | None:
    spec = pod.spec.init_containers[index] if index < len(pod.spec.init_containers) else None
    if spec is not None and spec.restart_policy == "Always":
        return None
    if state.terminated and state.terminated.exit_code == 0:
        return None
    if state.terminated:
        return Status("crit", f"Init:{state.terminated.reason or 'Error'}", state.terminated.message)
    if state.waiting and state.waiting.reason and state.waiting.reason != "PodInitializing":
        return Status("crit", f"Init:{state.waiting.reason}", state.waiting.message)
    return Status("progress", f"Init:{index}/{len(pod.spec.init_containers)}")


def _not_ready_reason(pod: Pod) -> str:
    found = condition(pod.status.conditions, "Ready")
    return found.message if found else ""


def _usage(pod: Pod, world: World, resource: str) -> float | None:
    usage = world.pod_usage(pod.metadata.namespace, pod.metadata.name)
    return usage.get(resource) if usage else None


def _last_restart(pod: Pod) -> datetime | None:
    ends = [s.last_state.terminated.finished_at for s in pod.status.all_statuses if s.last_state.terminated]
    return max((e for e in ends if e), default=None)


def _limit(pod: Pod, resource: str) -> float | None:
    """The pod's limit; None when a container has none, because then the pod has none."""
    limits = [c.resources.limits.get(resource) for c in pod.spec.containers]
    return None if None in limits or not limits else sum(quantity(limit) for limit in limits)


def _last_reason(pod: Pod) -> str | None:
    ends = [s.last_state.terminated for s in pod.status.all_statuses if s.last_state.terminated]
    newest = max(ends, key=lambda e: e.finished_at.timestamp() if e.finished_at else 0.0, default=None)
    return (newest.reason or f"ExitCode:{newest.exit_code}") if newest else None


def ready_containers(pod: Pod) -> str:
    return f"{sum(s.ready for s in pod.status.container_statuses)}/{len(pod.spec.containers)}"


POD = KINDS.add(
    KindEntry(
        kind="Pod",
        plural="pods",
        group="",
        version="v1",
        category="Workloads",
        title="Pods",
        struct=Pod,
        status=pod_status,
        short_names=("po",),
        has_logs=True,
        refs=_refs,
        columns=(
            Column("ready", "Ready", "text", lambda p, w: ready_containers(p), description="Ready containers of all."),
            Column("restarts", "Restarts", "number", lambda p, w: p.restarts),
            Column("last_restart", "Last restart", "age", lambda p, w: _last_restart(p)),
            Column("cpu", "CPU used", "cpu", lambda p, w: _usage(p, w, "cpu"), description="metrics.k8s.io, cores."),
            Column("memory", "Memory used", "bytes", lambda p, w: _usage(p, w, "memory")),
            Column("cpu_request", "CPU request", "cpu", lambda p, w: w.requests_of(p)[0], hidden=True),
            Column("memory_request", "Memory request", "bytes", lambda p, w: w.requests_of(p)[1], hidden=True),
            Column("cpu_limit", "CPU limit", "cpu", lambda p, w: _limit(p, "cpu"), hidden=True),
            Column("memory_limit", "Memory limit", "bytes", lambda p, w: _limit(p, "memory"), hidden=True),
            Column(
                "last_reason",
                "Last end",
                "text",
                lambda p, w: _last_reason(p),
                hidden=True,
                description="Why the last ended container ended, e.g. OOMKilled.",
            ),
            Column("node", "Node", "text", lambda p, w: p.spec.node_name or None),
            Column("owner", "Owner", "ref", lambda p, w: w.owner_text(p)),
            Column("qos", "QoS", "text", lambda p, w: p.status.qos_class or None, hidden=True),
            Column("ip", "IP", "text", lambda p, w: p.status.pod_ip or None, hidden=True),
            Column("images", "Images", "list", lambda p, w: [c.image for c in p.spec.containers], hidden=True),
        ),
        words=("pod", "container"),
    )
)
