"""What a change adds to or takes from what is requested, and what that is at list price."""

from __future__ import annotations

from chalicelib.safety.checks.registry import Proposal
from chalicelib.safety.model import CostDelta
from chalicelib.state.world import pod_requests

GIB = 1024.0**3


def cost_of(proposal: Proposal) -> CostDelta | None:
    """Requested cores and GiB after the change less before; None when no pods come or go.

    A restart changes nothing. Prices of nodes are not known to this version, so no dollars are claimed.
    """
    cpu = memory = 0.0
    if not proposal.all.starts and not proposal.all.lost:
        return None
    for start in proposal.all.starts:
        one = pod_requests(start.template.spec)
        cpu, memory = cpu + one[0] * start.count, memory + one[1] * start.count
        for ref in start.old:
            pod = proposal.world.snapshot.find(ref)
            old = pod_requests(pod.spec) if pod is not None else (0.0, 0.0)
            cpu, memory = cpu - old[0], memory - old[1]
    for ref in proposal.all.lost:
        pod = proposal.world.snapshot.find(ref)
        old = pod_requests(pod.spec) if pod is not None else (0.0, 0.0)
        cpu, memory = cpu - old[0], memory - old[1]
    return CostDelta(
        cpu_cores=round(cpu, 4), memory_gib=round(memory / GIB, 4),
        note="Requested resources; the prices of these nodes are not known.",
    )  # fmt: skip
