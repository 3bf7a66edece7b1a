"""Too little memory, too little room, too little quota."""

from __future__ import annotations

from infra.local.demo.controllers.programs import Program
from infra.local.demo.scenarios.changes import Patch, Publish, set_container, set_image
from infra.local.demo.scenarios.model import Answer, Fault, register
from infra.local.demo.world.manifests import REGISTRY

_SEAT_MAP = f"{REGISTRY}/booking/seat-map"


def _resources(cpu: str = "", memory: str = "", limit: str = "", **more: str) -> dict[str, dict[str, str]]:
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    limits = {"memory": limit} if limit else {}
    return {"requests": requests | more, "limits": limits | more}


register(
    Fault(
        "memory-limit",
        "A memory limit below what the service needs",
        "resources",
        (set_container("Deployment", "booking", "availability", resources=_resources(memory="128Mi", limit="160Mi")),),
        Answer("Deployment", "booking", "availability", "oom_killed"),
        ("OOMKilled, exit code 137", "CrashLoopBackOff", "the autoscaler misses metrics of the new pod"),
        loudest="Pod of availability",
        within_30s=(),
    ),
    Fault(
        "database-memory",
        "A database that runs out of memory takes its clients along",
        "resources",
        (set_container("StatefulSet", "billing", "pg-billing", resources=_resources(memory="256Mi", limit="320Mi")),),
        Answer("StatefulSet", "billing", "pg-billing", "oom_killed"),
        (
            "pg-billing is killed again and again",
            "its Service has no endpoints",
            "invoices crash: connection refused",
            "the Ingress loses a backend",
        ),
        loudest="Pods of invoices",
        within_30s=("pg-billing", "320Mi"),
        settles_s=900,
        at_start=True,
    ),
    Fault(
        "memory-leak",
        "A release that leaks",
        "resources",
        (
            Publish(f"{_SEAT_MAP}:2.3.0", Program("seat-map", listens=(8080,), memory_mib=90, leaks_mib_per_hour=4200)),
            set_image("booking", "seat-map", f"{_SEAT_MAP}:2.3.0"),
        ),
        Answer("Deployment", "booking", "seat-map", "memory_leak", also_modes=("oom_killed",)),
        ("memory rises to the limit in minutes", "OOMKilled at a steady interval", "restarts rise"),
        loudest="Pods of seat-map",
        within_30s=(),
        settles_s=900,
    ),
    Fault(
        "insufficient-cpu",
        "A request that no node can meet",
        "resources",
        (
            set_container(
                "Deployment",
                "analytics",
                "report-builder",
                resources=_resources(cpu="5500m", memory="1Gi", limit="2Gi"),
            ),
            Patch("ResourceQuota", "analytics", "analytics", {"spec": {"hard": {"requests.cpu": "60"}}}, "merge"),
            set_container(
                "Deployment", "analytics", "report-builder", resources=_resources(cpu="12", memory="1Gi", limit="2Gi")
            ),
        ),
        Answer("Deployment", "analytics", "report-builder", "insufficient_cpu"),
        ("a pod stays Pending", "FailedScheduling: Insufficient cpu", "the rollout stands still"),
        loudest="Pod of report-builder",
        within_30s=("report-builder", "12 of cpu"),
    ),
    Fault(
        "insufficient-memory",
        "A memory request that no node can meet",
        "resources",
        (
            set_container(
                "Deployment", "fleet", "vessel-positions", resources=_resources(cpu="100m", memory="48Gi", limit="48Gi")
            ),
        ),
        Answer("Deployment", "fleet", "vessel-positions", "insufficient_memory"),
        ("a pod stays Pending", "FailedScheduling: Insufficient memory", "old pods serve"),
        loudest="Pod of vessel-positions",
        within_30s=("vessel-positions", "48Gi"),
    ),
    Fault(
        "no-gpu",
        "A GPU is asked for where there is none",
        "resources",
        (
            set_container(
                "Deployment",
                "analytics",
                "ingest",
                resources={"requests": {"nvidia.com/gpu": "1"}, "limits": {"nvidia.com/gpu": "1"}},
            ),
        ),
        Answer("Deployment", "analytics", "ingest", "insufficient_gpu_or_extended"),
        ("a pod stays Pending", "FailedScheduling: Insufficient nvidia.com/gpu"),
        loudest="Pod of ingest",
        within_30s=("ingest", "nvidia.com/gpu"),
    ),
    Fault(
        "quota-cpu",
        "A team scales beyond its CPU quota",
        "resources",
        (
            set_container(
                "Deployment", "sandbox", "preview-web", resources=_resources(cpu="600m", memory="128Mi", limit="256Mi")
            ),
            Patch("Deployment", "sandbox", "preview-web", {"spec": {"replicas": 4}}),
        ),
        Answer("Deployment", "sandbox", "preview-web", "quota_cpu"),
        ("fewer pods than wanted", "FailedCreate events on the ReplicaSet", "condition ReplicaFailure"),
        loudest="ReplicaSet of preview-web",
        within_30s=("preview-web", "requests.cpu"),
        at_start=True,
    ),
    Fault(
        "quota-pods",
        "More pods than the namespace may have",
        "resources",
        (Patch("Deployment", "sandbox", "demo-api", {"spec": {"replicas": 14}}),),
        Answer("Deployment", "sandbox", "demo-api", "quota_pods"),
        ("fewer pods than wanted", "FailedCreate events on the ReplicaSet"),
        loudest="ReplicaSet of demo-api",
        within_30s=("demo-api", "pods=12"),
    ),
    Fault(
        "quota-memory",
        "Memory requests beyond the quota",
        "resources",
        (
            set_container(
                "Deployment", "sandbox", "lab", resources=_resources(cpu="250m", memory="3900Mi", limit="3900Mi")
            ),
        ),
        Answer("Deployment", "sandbox", "lab", "quota_memory"),
        ("no new pod comes", "FailedCreate events on the ReplicaSet"),
        loudest="ReplicaSet of lab",
        within_30s=("lab", "requests.memory"),
    ),
    Fault(
        "limit-range",
        "A limit above what the namespace allows",
        "resources",
        (set_container("Deployment", "sandbox", "lab", resources=_resources(cpu="250m", memory="512Mi", limit="6Gi")),),
        Answer("Deployment", "sandbox", "lab", "limitrange_violation"),
        ("no new pod comes", "FailedCreate: maximum memory usage per Container is 4Gi"),
        loudest="ReplicaSet of lab",
        within_30s=("lab", "6Gi"),
    ),
)
