"""Which logs a collector should read so that a diagnosis can decide: bounded, the sick first."""

from __future__ import annotations

from collections import defaultdict

from chalicelib.rootcause.look import Look
from chalicelib.rootcause.symptoms import (
    container_crashing,
    pod_cases,
    pod_creating,
    pod_not_ready,
)
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import LogKey
from chalicelib.state.world import World

LIMIT = 60
PODS_PER_CASE = 2


def logs_wanted(world: World) -> tuple[LogKey, ...]:
    """Logs worth reading, most telling first, at most 60: crashed containers' last words, then unready pods, failed
    Jobs, and one running pod of each workload, because only callers and controllers know what is refused to them."""
    look = Look(world)
    found: dict[LogKey, None] = {}
    for case in pod_cases(look):
        if case.type is pod_creating:
            for init in case.pod.status.init_container_statuses:
                if init.state.running:
                    found[LogKey(case.ref.namespace, case.ref.name, init.name)] = None
        if case.type not in (container_crashing, pod_not_ready):
            continue
        for member in case.members[:PODS_PER_CASE]:
            if case.type is container_crashing:
                found[LogKey(member.namespace, member.name, case.container, True)] = None
            found[LogKey(member.namespace, member.name, case.container)] = None
    for pod in world.snapshot.of("Pod"):
        if pod.status.phase == "Failed" and pod.metadata.controller and pod.metadata.controller.kind == "Job":
            for container in pod.spec.containers[:1]:
                found[LogKey(pod.metadata.namespace, pod.metadata.name, container.name)] = None
    seen: dict[Ref, int] = defaultdict(int)
    for pod in world.snapshot.of("Pod"):
        if len(found) >= LIMIT:
            break
        owner = look.owner(world.ref_of(pod))
        if pod.ready and pod.status.phase == "Running" and not seen[owner] and pod.spec.containers:
            seen[owner] += 1
            found[LogKey(pod.metadata.namespace, pod.metadata.name, pod.spec.containers[0].name)] = None
    return tuple(found)[:LIMIT]
