"""The suite: every mechanism in two estates at four levels of evidence, pairs of mechanisms, and quiet clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from chalicelib.state.meta import Ref
from tests.bench.rootcause_scenarios.mechanisms import MECHANISMS, NEEDS_EVENTS, NEEDS_LOGS, Answer
from tests.bench.rootcause_scenarios.topologies import CLINIC, RAIL, Estate, estate
from tests.unit.rootcause.builders import Cluster

LEVELS = ("all", "no events", "no logs", "objects only")
UNRELATED = (
    ("cache_outgrows_limit", "class_of_another_cluster"),
    ("label_nobody_has", "night_job_suspended"),
    ("settings_renamed", "route_to_a_renamed_service"),
    ("entrypoint_typo", "disk_fills"),
    ("cpu_quota_full", "operator_removed_first"),
    ("claim_deleted", "kubelet_stopped"),
    ("readiness_on_old_port", "schedule_on_the_30th_of_february"),
    ("image_gone_from_quay", "drain_waits"),
    ("unhandled_rejection", "export_gave_up"),
    ("role_trimmed", "route_to_a_renamed_service"),
    ("injector_gone", "export_gave_up"),
    ("label_changed_under_service", "disk_fills"),
)


@dataclass(frozen=True)
class Scenario:
    """A cluster and what is right about it. `identifiable` is whether the evidence left can decide the mode."""

    name: str
    level: str
    make: Callable[[], tuple[Cluster, list[Answer]]]
    identifiable: bool = True
    faults: int = 1
    tags: tuple[str, ...] = field(default=())


def _thin(cluster: Cluster, level: str) -> None:
    if level in ("no events", "objects only"):
        cluster.without_events()
    if level in ("no logs", "objects only"):
        cluster.without_logs()


def _make(names: tuple[str, ...], where: Estate, level: str) -> Callable[[], tuple[Cluster, list[Answer]]]:
    def build() -> tuple[Cluster, list[Answer]]:
        cluster = estate(where)
        answers: list[tuple[set[Ref], str]] = [MECHANISMS[name](cluster, where) for name in names]
        _thin(cluster, level)
        return cluster, answers

    return build


def _decidable(name: str, level: str) -> bool:
    lacks_events = level in ("no events", "objects only") and name in NEEDS_EVENTS
    lacks_logs = level in ("no logs", "objects only") and name in NEEDS_LOGS
    return not (lacks_events or lacks_logs)


def scenarios() -> Iterator[Scenario]:
    """All scenarios, in a fixed order."""
    for where in (RAIL, CLINIC):
        for level in LEVELS:
            for name in MECHANISMS:
                yield Scenario(
                    f"{name} in {where.space}, {level}", level, _make((name,), where, level), _decidable(name, level)
                )
        for pair in UNRELATED:
            yield Scenario(f"{' and '.join(pair)} in {where.space}", "all", _make(pair, where, "all"), faults=2)
        for level in LEVELS:
            yield Scenario(f"quiet {where.space}, {level}", level, _make((), where, level), faults=0)
