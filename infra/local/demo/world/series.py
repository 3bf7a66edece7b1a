"""The series of the small world: which there are, and their values at any times.

A pure function of (seed, series, time). Names and labels are those of the product's series; nothing asks a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from infra.local.demo.server.quantities import parse
from infra.local.demo.world.business import BUSINESS
from infra.local.demo.world.curves import Curves, Times, key_of
from infra.local.demo.world.machines import MACHINES
from infra.local.demo.world.manifests import App
from infra.local.demo.world.platform import PLATFORM

Values = Callable[[Times], Times]
REQUESTS_PER_CORE = 90.0
RECEIVED_BYTES, SENT_BYTES = 2_300.0, 6_100.0
"""Per request."""


@dataclass(frozen=True)
class Series:
    """One series. `values` takes seconds since the epoch and gives NaN where there is no sample."""

    name: str
    labels: dict[str, str]
    values: Values


def all_series(seed: int, cluster: str, end: float) -> Iterator[Series]:
    """Every series of the world; `end` is the present, where slowly filling volumes have their level."""
    curves = Curves(seed)
    for app in (*PLATFORM, *BUSINESS):
        yield from _of_workload(curves, cluster, app)
        if app.claim:
            yield from _of_claims(curves, cluster, app, end)
    for machine in MACHINES:
        yield from _of_node(curves, cluster, machine.name, machine.cpu, machine.memory_gib, end)


def replicas_of(app: App) -> int:
    """Pods of an application while it runs: one for each machine, or one at a time, or as many as it says."""
    return {"DaemonSet": len(MACHINES), "CronJob": 1}.get(app.kind, app.replicas)


def requests_of_one(curves: Curves, app: App, times: Times) -> Times:
    """Requests per second that one replica serves when the usual number of them runs."""
    mean = max(0.4 / max(replicas_of(app), 1), app.program.cpu * REQUESTS_PER_CORE)
    return curves.requests(f"{app.namespace}/{app.name}", app.shape, mean, times)


def runs(app: App, times: Times) -> Times:
    """1 while an application's program runs: always for servers, a few minutes after each start for CronJobs."""
    if app.kind != "CronJob":
        return np.ones_like(times)
    minute, hour = app.schedule.split()[:2]
    period = 86_400.0 if hour != "*" else float(minute[2:]) * 60 if minute.startswith("*/") else 3600.0
    offset = (float(hour) * 3600 if hour != "*" else 0) + (float(minute) * 60 if minute.isdigit() else 0)
    return np.asarray(((times - offset) % period < max(app.program.runs_s or 0, 300.0)).astype(float))


def _amount(text: str) -> float:
    return float(parse(text) or 0)


def _constant(value: float) -> Values:
    return lambda times: np.full_like(times, value)


def _of_workload(curves: Curves, cluster: str, app: App) -> Iterator[Series]:
    kind = app.kind
    labels = {"cluster": cluster, "namespace": app.namespace, "workload_kind": kind, "workload": app.name}
    inside = labels | {"container": app.name}
    name, count, program = f"{app.namespace}/{app.name}", replicas_of(app), app.program
    limit_mib, cores = _amount(app.memory_limit), _amount(app.cpu_limit) if app.cpu_limit else 0.0

    def cpu(times: Times) -> Times:
        return np.asarray(count * curves.cpu(name, app.shape, program.cpu, times) * runs(app, times))

    def memory(times: Times) -> Times:
        one = np.minimum(curves.memory(name, app.shape, program.memory_mib, times), limit_mib)
        return np.asarray(count * one * runs(app, times))

    def load(times: Times) -> Times:
        return count * requests_of_one(curves, app, times)

    yield Series("cpu_usage_cores", inside, cpu)
    yield Series("cpu_requests_cores", inside, _constant(count * _amount(app.cpu)))
    if cores:
        yield Series("cpu_limits_cores", inside, _constant(count * cores))
        yield Series("cpu_throttled_ratio", inside, lambda times: np.clip(cpu(times) / (count * cores) - 0.85, 0, 1))
    yield Series("memory_working_set_bytes", inside, memory)
    yield Series("memory_requests_bytes", inside, _constant(count * _amount(app.memory)))
    yield Series("memory_limits_bytes", inside, _constant(count * limit_mib))
    yield Series("restarts_total", inside, lambda times: _restarts(curves.seed, name, times))
    yield Series("pods", labels, lambda times: count * runs(app, times))
    yield Series("network_receive_bytes_per_second", labels, lambda times: load(times) * RECEIVED_BYTES)
    yield Series("network_transmit_bytes_per_second", labels, lambda times: load(times) * SENT_BYTES)
    if program.serves and kind == "Deployment":
        key = key_of(curves.seed, name, "errors")
        share = 0.0004 + 0.003 * float(key & np.uint64(255)) / 255
        yield Series("requests_per_second", labels, load)
        yield Series("errors_per_second", labels, lambda times: load(times) * share)
        base = 0.02 + 0.18 * float((key >> np.uint64(9)) & np.uint64(255)) / 255
        yield Series("latency_p95_seconds", labels, lambda times: curves.latency(name, app.shape, base, times))


def _restarts(seed: int, name: str, times: Times) -> Times:
    """A counter that moves every few weeks, at a moment of its own."""
    key = key_of(seed, name, "restarts")
    period = 86_400.0 * (9 + float(key & np.uint64(15)))
    offset = period * float(key >> np.uint64(11)) / float(1 << 53)
    base = np.floor((1.76e9 - 40 * 86_400 + offset) / period)
    return np.asarray(np.maximum(np.floor((times + offset) / period) - base, 0))


def _of_claims(curves: Curves, cluster: str, app: App, end: float) -> Iterator[Series]:
    capacity = _amount(app.claim)
    for ordinal in range(app.replicas):
        claim = f"data-{app.name}-{ordinal}"
        labels = {"cluster": cluster, "namespace": app.namespace, "claim": claim}

        def used(times: Times, key: str = f"{app.namespace}/{claim}") -> Times:
            return curves.growth(key, capacity, times, end)

        yield Series("fs_used_bytes", labels, used)
        yield Series("fs_capacity_bytes", labels, _constant(capacity))


def _of_node(curves: Curves, cluster: str, name: str, cores: int, memory_gib: int, end: float) -> Iterator[Series]:
    labels = {"cluster": cluster, "node": name}
    disk = 80.0 * 1024**3
    yield Series("cpu_usage_cores", labels, lambda t: np.minimum(curves.cpu(name, "consumer", cores * 0.27, t), cores))
    yield Series(
        "memory_working_set_bytes", labels, lambda t: curves.memory(name, "consumer", memory_gib * 1024 * 0.42, t)
    )
    yield Series("fs_used_bytes", labels, lambda t: curves.growth(name, disk, t, end))
    yield Series("fs_capacity_bytes", labels, _constant(disk))
    yield Series("pods", labels, _constant(15.0))
    yield Series("network_receive_bytes_per_second", labels, lambda t: curves.requests(name, "consumer", 410_000, t))
    yield Series("network_transmit_bytes_per_second", labels, lambda t: curves.requests(name, "consumer", 730_000, t))
