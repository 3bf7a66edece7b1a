"""Failure modes as data: what each is called, how near it is to the root, and what to do about it.

`modes.json` maps the number of each mode to its id. A mode's `tier` orders explaining-away: a finding gives way to one
of a lower tier that accounts for the same symptom. 0 is a mechanism of its own, 1 a crash whose reason lies in the
application, 2 a rollout that does not finish, 3 endpoints that are not ready, 4 what watches or guards a workload.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

from chalicelib.rootcause.remedies import REMEDIES
from chalicelib.state.meta import Ref

TIERS = {
    "app_exception": 1, "script_or_args_error": 0, "job_backoff_limit": 1, "dependency_unreachable": 1,
    "app_feature_flag_or_bug": 1, "pod_network_delay": 1,
    "init_container_crash": 1, "init_container_hang": 1, "sandbox_create_failure": 1,
    "zero_replicas": 1, "rollout_stuck": 2, "replicas_mismatch": 2,
    "endpoints_not_ready": 3, "hpa_no_metrics": 4, "pdb_blocks_drain": 4,
}  # fmt: skip

TITLES = {
    "image_pull_auth": "Image pull not authorised", "registry_dns_or_network": "Registry cannot be reached",
    "image_arch_mismatch": "Image built for another CPU architecture", "missing_configmap": "ConfigMap missing",
    "missing_key_in_configmap_or_secret": "Key missing in ConfigMap or Secret", "oom_killed": "Out of memory",
    "app_exception": "Application error at run time", "missing_env_var": "Environment variable not set",
    "insufficient_cpu": "Not enough CPU on any node", "insufficient_memory": "Not enough memory on any node",
    "insufficient_gpu_or_extended": "Not enough of an extended resource", "taint_not_tolerated": "Taint not tolerated",
    "pvc_storageclass_missing": "StorageClass missing", "pvc_absent": "Volume claim missing",
    "quota_cpu": "CPU quota exhausted", "quota_memory": "Memory quota exhausted", "quota_pods": "Pod quota exhausted",
    "limitrange_violation": "LimitRange refuses the pod", "psa_rejects_recreate": "Pod Security refuses the pod",
    "webhook_unavailable_or_slow": "Admission webhook does not answer", "zero_replicas": "Scaled to zero",
    "job_backoff_limit": "Job failed", "cronjob_suspended_or_bad_schedule": "CronJob does not run",
    "hpa_no_metrics": "Autoscaler has no metrics", "pdb_blocks_drain": "Disruption budget blocks a drain",
    "finalizer_deadlock": "Deletion waits for a finalizer", "service_selector_mismatch": "Service selects no pod",
    "networkpolicy_blocks": "Network policy blocks traffic",
    "target_port_mismatch": "Service points at a wrong port", "endpoints_not_ready": "Not ready to serve",
    "ingress_backend_or_tls_missing": "Ingress backend or certificate missing", "kubelet_down": "Node does not report",
    "node_pressure_eviction": "Node under resource pressure", "rbac_forbidden": "Access refused by RBAC",
    "pod_ip_exhaustion": "No pod address left", "memory_leak": "Memory leak",
    "limits_rewritten_by_webhook": "Limits rewritten by a webhook", "cpu_throttling": "CPU limit too low",
    "cpu_overload": "CPU overload", "env_var_wrong_address": "Variable with a wrong address",
    "env_shadowed": "Variable set twice", "app_feature_flag_or_bug": "Application fails on its own",
    "db_wrong_port": "Database called on a wrong port", "db_read_only": "Database takes no writes",
    "db_slow_query_or_missing_index": "Slow queries or locks", "queue_lag_or_poison_message": "Queue not kept up with",
    "broker_partition": "Broker cluster parted", "secret_rotated_but_env_stale": "Old credentials after a rotation",
    "config_drift_after_deploy": "Worse since a change", "retry_storm": "Too many requests or retries",
    "preempted_by_priority": "Pushed aside by a higher priority", "pvc_access_mode": "No volume with the access mode",
    "pvc_selector": "No volume with the labels", "pv_already_bound": "Volume bound to another claim",
    "pv_released_failed": "Volume released, failed or lost", "quota_services": "Service quota exhausted",
    "mesh_mtls_or_authz_denies": "Service mesh denies", "keda_absent": "KEDA absent",
    "statefulset_update_strategy_wrong": "Update strategy keeps old pods", "replicas_mismatch": "Too few replicas",
    "cronjob_never_completes": "Job kept alive by a sidecar", "selector_too_broad": "Service selects foreign pods",
    "service_protocol_mismatch": "Service with the wrong protocol",
    "internal_traffic_policy_local": "Service answers on its node only",
    "ingress_or_gateway_misroute": "Route to the wrong Service", "gateway_api_condition_false": "Gateway refused",
    "pod_dns_policy_wrong": "Pod asks the wrong DNS", "coredns_misconfigured_or_stale": "Cluster DNS fails",
    "hostname_typo": "Host name misspelled", "pod_network_delay": "Slow, perhaps by the network",
    "node_network_delay": "Network of a node slow", "packet_loss_or_corruption": "Packets lost",
    "kube_proxy_down": "kube-proxy down", "clock_drift": "Clocks disagree",
    "apiserver_request_surge": "API server flooded", "storage_io_errors": "Storage fails",
    "db_bad_credentials": "Login refused", "db_connections_exhausted": "No database connection left",
    "cache_auth_or_memory": "Cache refuses", "fd_conntrack_ephemeral_port_exhaustion": "Files or ports used up",
    "ephemeral_storage_or_disk_full": "Disk full",
    "rwo_multi_attach": "Volume still attached elsewhere", "webhook_tls_mismatch": "Admission webhook certificate",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mode:
    """One failure mode. Remedy templates take the facts that its detector found."""

    id: str
    n: int
    title: str
    tier: int
    remedy: str
    command: str


class _Facts(dict[str, str]):
    """Facts for a template; a fact that no detector gave reads as an ellipsis, never as an error."""

    def __missing__(self, key: str) -> str:
        return "..."


@functools.cache
def modes() -> dict[str, Mode]:
    """All modes by id."""
    text = (resources.files("chalicelib.rootcause") / "modes.json").read_text(encoding="utf-8")
    found: dict[str, Mode] = {}
    for number, name in json.loads(text).items():
        remedy, command = REMEDIES.get(name, ("", ""))
        title = TITLES.get(name) or name.replace("_", " ").capitalize()
        found[name] = Mode(name, int(number), title, TIERS.get(name, 0), remedy, command)
    return found


def remedy_text(mode: Mode, resource: Ref, facts: dict[str, Any]) -> tuple[str, str | None]:
    """(text, command) of a mode's remedy for one object."""
    values = _Facts({key: str(value) for key, value in facts.items()})
    values.update(
        kind=resource.kind, namespace=resource.namespace, name=resource.name, lower=resource.kind.lower(),
        n=f" -n {resource.namespace}" if resource.namespace else "",
    )  # fmt: skip
    command = str(facts.get("command") or mode.command.format_map(values))
    return str(facts.get("remedy") or mode.remedy.format_map(values)), command or None
