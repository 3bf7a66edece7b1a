"""What can be read to test a hypothesis: each a call of a tool that only reads, made for one object.

Adding one is one entry here and its name in templates.toml.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref

Arguments = dict[str, Any]
WITH_PODS = ("Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob")
ROLLED_OUT = ("Deployment", "StatefulSet", "DaemonSet")
CHANGED_SINCE = "2h"


@dataclass(frozen=True, slots=True)
class Read:
    """One kind of reading. `arguments` gives None where it says nothing about an object."""

    name: str
    title: str
    tool: str
    arguments: Callable[[Ref], Arguments | None]


def _object(ref: Ref) -> Arguments | None:
    return {"kind": ref.kind, "name": ref.name, "namespace": ref.namespace} if ref.kind in KINDS else None


def _only(*kinds: str) -> Callable[[Ref], Arguments | None]:
    return lambda ref: _object(ref) if ref.kind in kinds else None


def _previous_logs(ref: Ref) -> Arguments | None:
    named = _only(*WITH_PODS)(ref)
    return {**named, "previous": True} if named else None


def _in_namespace(ref: Ref) -> Arguments | None:
    namespace = ref.name if ref.kind == "Namespace" else ref.namespace
    return {"namespace": namespace} if namespace else None


def _changes(ref: Ref) -> Arguments | None:
    return {"since": CHANGED_SINCE, **(_in_namespace(ref) or {})}


def _nodes(ref: Ref) -> Arguments | None:
    return {"name": ref.name} if ref.kind == "Node" else {}


READS = {
    read.name: read
    for read in (
        Read("object", "Look at the object", "observe_resource", _object),
        Read("events", "Read its events", "observe_events", _object),
        Read("logs", "Read its logs", "observe_pod_logs", _only(*WITH_PODS, "Service")),
        Read("patterns", "Look for telling lines in its logs", "analyze_log_patterns", _only(*WITH_PODS)),
        Read("previous_logs", "Read the logs before its restart", "observe_pod_logs", _previous_logs),
        Read("rollout", "Compare its revisions", "observe_rollout_history", _only(*ROLLED_OUT)),
        Read("changes", "Look for changes before it began", "observe_recent_changes", _changes),
        Read("endpoints", "Look at the endpoints", "observe_service_endpoints", _in_namespace),
        Read("ingress", "Look at the ingress rules", "observe_ingress_rules", _in_namespace),
        Read("claims", "Look at the volume claims", "observe_pvc_bindings", _in_namespace),
        Read("quotas", "Look at the quotas", "observe_namespace_quotas", _in_namespace),
        Read("config", "Look at the ConfigMaps it uses", "observe_configmap_usage", _in_namespace),
        Read("node", "Look at the nodes", "observe_node_status", _nodes),
        Read("metrics", "Read what it uses", "observe_metrics", _in_namespace),
        Read("dependencies", "Follow what it needs", "analyze_dependency_chains", _object),
        Read("correlation", "Look for what happened together", "analyze_correlation_patterns", _in_namespace),
    )
}
"""All readings by name."""
