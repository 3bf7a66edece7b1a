"""Pods that the scheduler placed and the kubelet refused: its own admission checks resources, ports and affinity again.

Reasons: pkg/kubelet/lifecycle/predicate.go (`OutOf<resource>`, `NodeAffinity`, `NodePorts`, `OutOfpods`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta

from chalicelib.rootcause.case import DECISIVE, Case, Finding, SymptomType, blame
from chalicelib.rootcause.logs import quoted
from chalicelib.rootcause.look import Look
from chalicelib.rootcause.registry import detector
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.meta import Ref

pod_rejected = SymptomType("pod_rejected")

LIFE = timedelta(hours=1)
MODES = {
    "OutOfcpu": "insufficient_cpu",
    "OutOfmemory": "insufficient_memory",
    "OutOfpods": "too_many_pods_on_node",
    "NodeAffinity": "node_affinity_mismatch",
    "NodePorts": "hostport_conflict",
    "HostPortConflict": "hostport_conflict",
    "OutOfephemeral-storage": "ephemeral_storage_or_disk_full",
    "UnexpectedAdmissionError": "insufficient_gpu_or_extended",
}


def mode_of(reason: str) -> str:
    """The mode of a kubelet's reason; any other `OutOf` is an extended resource."""
    known = MODES.get(reason, "")
    return known or ("insufficient_gpu_or_extended" if reason.startswith("OutOf") else "")


def rejected(look: Look) -> Iterator[Case]:
    """Workloads whose pods a kubelet refuses, while they have fewer ready pods than they want."""
    groups: dict[tuple[Ref, str], list[Pod]] = defaultdict(list)
    for pod in look.snapshot.of("Pod"):
        if pod.status.phase == "Failed" and mode_of(pod.status.reason):
            groups[look.owner(look.world.ref_of(pod)), pod.status.reason].append(pod)
    for (owner, reason), pods in sorted(groups.items(), key=lambda i: i[0]):
        newest = max(pods, key=lambda p: (p.metadata.creation_timestamp is not None, p.metadata.creation_timestamp))
        if look.age(newest.metadata.creation_timestamp) > LIFE or not _short(owner, look):
            continue
        members = tuple(look.world.ref_of(p) for p in pods)
        ref = look.world.ref_of(newest)
        text = f"{reason}: {newest.status.message}"
        yield Case(
            pod_rejected, owner, newest, ref, text, members, newest.status.start_time, workload=look.workload(owner)
        )


def _short(owner: Ref, look: Look) -> bool:
    workload = look.workload(owner)
    daemons = getattr(getattr(workload, "status", None), "desired_number_scheduled", 1)
    wanted: int = getattr(getattr(workload, "spec", None), "replicas", daemons)
    return sum(p.ready for p in look.world.pods_of(owner)) < wanted


def _detect(mode: str) -> None:
    def look_for(case: Case, look: Look) -> Finding | None:
        if mode_of(case.pod.status.reason) != mode:
            return None
        return blame(
            case.resource,
            f"{case.where}: the kubelet of node {case.pod.spec.node_name} refuses its pods "
            f"({quoted(case.pod.status.message, 160) or case.pod.status.reason})",
            strength=DECISIVE,
            because=[
                look.at(case.pod, "/status/reason"),
                look.at(case.pod, "/status/message") if case.pod.status.message else None,
                look.at(case.pod, "/spec/nodeName"),
            ],
            request="what it requests",
            resource_name=case.pod.status.reason.removeprefix("OutOf"),
            since=case.since,
        )

    look_for.__doc__ = f"The kubelet refuses the workload's pods: {mode}."
    detector(mode, symptom=pod_rejected)(look_for)


for _mode in sorted({*MODES.values()}):
    _detect(_mode)
