"""What mechanisms share: their registry, the victim, and the answer they give."""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.state.meta import Ref
from tests.bench.rootcause_scenarios.topologies import Estate
from tests.unit.rootcause.builders import Cluster, Plain, Workload

Answer = tuple[set[Ref], str]
Mechanism = Callable[[Cluster, Estate], Answer]
MECHANISMS: dict[str, Mechanism] = {}
NEEDS_LOGS: set[str] = set()
NEEDS_EVENTS: set[str] = set()


def mechanism(*, needs: str = "") -> Callable[[Mechanism], Mechanism]:
    """Register a mechanism; `needs` names evidence without which nobody could tell: `logs` or `events`."""

    def register(function: Mechanism) -> Mechanism:
        MECHANISMS[function.__name__] = function
        if needs == "logs":
            NEEDS_LOGS.add(function.__name__)
        if needs == "events":
            NEEDS_EVENTS.add(function.__name__)
        return function

    return register


def victim(c: Cluster, e: Estate, replicas: int = 2, **container: object) -> Workload:
    return c.deployment(
        e.where(e.victim), replicas, **{"ports": [{"name": "http", "containerPort": e.port}], **container}
    )


def deployment(e: Estate) -> set[Ref]:
    return {Ref("Deployment", e.space, e.victim)}


def http(port: int | str, **fields: object) -> Plain:
    return {"httpGet": {"path": "/live", "port": port}, **fields}
