"""What a Pod is asked to be: containers, probes, volumes, placement. Shared by Pods and every pod template."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from chalicelib.state.meta import (
    Api,
    IntOrString,
    LabelSelector,
    LocalReference,
    MatchExpression,
    ObjectMeta,
    Quantities,
)

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
    min_domains: int | None = None
    node_affinity_policy: str = "Honor"
    node_taints_policy: str = "Ignore"
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


class PodTemplate(Api):
    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()


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
