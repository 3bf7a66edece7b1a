"""The history under the names of cAdvisor, the kubelet and kube-state-metrics, as a file that promtool can backfill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO

import msgspec
import numpy as np

from infra.local.demo.server.api import Api
from infra.local.demo.server.clock import parse_time
from infra.local.demo.server.identity import safe_hash
from infra.local.demo.server.quantities import parse
from infra.local.demo.server.store import Object
from infra.local.demo.world.business import BUSINESS
from infra.local.demo.world.curves import Curves, Times
from infra.local.demo.world.machines import MACHINES
from infra.local.demo.world.manifests import App
from infra.local.demo.world.platform import PLATFORM
from infra.local.demo.world.series import RECEIVED_BYTES, SENT_BYTES, requests_of_one

DAYS = 30
STEP_S = 600
"""Between samples; a Prometheus over this history needs a lookback of more than that."""
_APPS = {(app.namespace, app.name): app for app in (*PLATFORM, *BUSINESS)}
Labels = dict[str, str]
Row = tuple[Labels, slice, Times]
"""A series: its labels, the part of all times that it covers, and its values there."""
CPU = "container_cpu_usage_seconds"
RECEIVED, SENT = "container_network_receive_bytes", "container_network_transmit_bytes"


class PodFacts(msgspec.Struct, frozen=True):
    """What the writer has to know of a pod; objects stay in the server's process."""

    namespace: str
    pod: str
    node: str
    app: str
    owner_kind: str
    owner: str
    since: float
    """When it was created, in seconds since the epoch."""
    until: float | None = None
    """When it was gone; None while it runs."""
    claims: tuple[str, ...] = ()

    @property
    def described(self) -> App:
        return _APPS[self.namespace, self.app]

    def lived(self, times: Times) -> slice:
        """Which of some ascending times fall into its life."""
        end = len(times) if self.until is None else int(np.searchsorted(times, self.until))
        return slice(int(np.searchsorted(times, self.since)), end)

    @property
    def load(self) -> str:
        """The name of its workload's curves."""
        return f"{self.namespace}/{self.app}"


class Plan(msgspec.Struct, frozen=True):
    """What a history is written from; left as a file for the processes that write it."""

    seed: int
    until: float
    """Whole seconds since the epoch."""
    pods: tuple[PodFacts, ...]


def plan_of(api: Api, seed: int) -> Plan:
    """The history of what runs now, up to this second."""
    return Plan(seed, float(int(api.clock.now().timestamp())), pods_of(api))


def read_plan(path: Path) -> Plan:
    return msgspec.json.decode(path.read_bytes(), type=Plan)


def pods_of(api: Api) -> tuple[PodFacts, ...]:
    """The running pods of described applications, and those that ran before them.

    Before a Deployment's or a DaemonSet's pods were created, others did their work: as many of them as the workload
    usually has, under names of an earlier ReplicaSet.
    """
    running = [facts for pod in api.list("Pod") if (facts := _facts(pod))]
    before: Counter[tuple[str, str]] = Counter()
    earlier = []
    for pod in sorted(running, key=lambda one: (one.since, one.pod)):
        app = pod.described
        before[app.namespace, app.name] += 1
        wanted = before[app.namespace, app.name] <= app.replicas or app.kind == "DaemonSet"
        if wanted and app.kind in ("Deployment", "DaemonSet"):
            earlier.append(_predecessor(pod))
    return (*running, *earlier)


def _facts(pod: Object) -> PodFacts | None:
    meta, spec = pod["metadata"], pod["spec"]
    app = (meta.get("labels") or {}).get("app.kubernetes.io/name", "")
    if (meta["namespace"], app) not in _APPS or (pod.get("status") or {}).get("phase") != "Running":
        return None
    owner = next(iter(meta.get("ownerReferences") or ()), {"kind": "", "name": ""})
    volumes = (volume.get("persistentVolumeClaim") for volume in spec.get("volumes") or ())
    return PodFacts(
        meta["namespace"],
        meta["name"],
        spec.get("nodeName", ""),
        app,
        owner["kind"],
        owner["name"],
        0.0
        if _APPS[meta["namespace"], app].kind == "StatefulSet"
        else parse_time(meta["creationTimestamp"]).timestamp(),
        claims=tuple(volume["claimName"] for volume in volumes if volume),
    )


def _predecessor(pod: PodFacts) -> PodFacts:
    """The pod that did a pod's work before it was created."""
    suffix = safe_hash(f"before {pod.pod}".encode())[:5]
    owner = f"{pod.app}-{safe_hash(f'before {pod.owner}'.encode())}" if pod.owner_kind == "ReplicaSet" else pod.owner
    return PodFacts(
        pod.namespace, f"{owner}-{suffix}", pod.node, pod.app, pod.owner_kind, owner, since=0.0, until=pod.since
    )


# -- labels, as kubelets and kube-state-metrics give them -------------------------------------------------------------


def of_container(namespace: str, pod: str, container: str, node: str) -> Labels:
    return {"job": "kubelet", "instance": node, "node": node, **_object(namespace, pod=pod, container=container)}


def of_state(namespace: str, **more: str) -> Labels:
    return {"job": "kube-state-metrics", "instance": "kube-state-metrics", **_object(namespace, **more)}


def of_volume(namespace: str, claim: str, node: str) -> Labels:
    return {"job": "kubelet", "instance": node, "node": node, **_object(namespace, persistentvolumeclaim=claim)}


def _object(namespace: str, **more: str) -> Labels:
    return {**({"namespace": namespace} if namespace else {}), **more}


def sample_name(name: str, labels: Labels) -> str:
    """One series in the text formats; values here need no escaping."""
    return name + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


# -- values ------------------------------------------------------------------------------------------------------------


def cpu_total(curves: Curves, pod: PodFacts, times: Times) -> Times:
    """Seconds of CPU since the first of the times."""
    app = pod.described
    return np.asarray(np.cumsum(curves.cpu(pod.load, app.shape, app.program.cpu, times) * STEP_S))


def memory(curves: Curves, pod: PodFacts, times: Times) -> Times:
    app = pod.described
    held = curves.memory(pod.load, app.shape, app.program.memory_mib, times)
    return np.asarray(np.minimum(held, float(parse(app.memory_limit) or np.inf)))


def traffic_total(curves: Curves, pod: PodFacts, bytes_each: float, times: Times) -> Times:
    """Bytes since the first of the times."""
    return np.asarray(np.cumsum(requests_of_one(curves, pod.described, times) * bytes_each * STEP_S))


def history_times(until: float, days: int = DAYS) -> Times:
    """The times of the samples; the last one is the end itself."""
    return np.arange(until - days * 86_400, until + 1, STEP_S, dtype=np.float64).round()


# -- families ----------------------------------------------------------------------------------------------------------


def _each(plan: Plan, times: Times, values: Callable[[PodFacts, Times], Times]) -> Iterator[Row]:
    for pod in plan.pods:
        lived = pod.lived(times)
        yield of_container(pod.namespace, pod.pod, pod.app, pod.node), lived, values(pod, times[lived])


def _constant(pod: PodFacts, labels: Labels, value: float, times: Times) -> Row:
    lived = pod.lived(times)
    return labels, lived, np.full_like(times[lived], value)


def resources(pod: PodFacts, half: str) -> Iterator[tuple[Labels, float]]:
    """The requests or limits of a pod's container, with kube-state-metrics' labels."""
    app = pod.described
    amounts = {"cpu": app.cpu, "memory": app.memory}
    if half == "limits":
        amounts = {"cpu": app.cpu_limit, "memory": app.memory_limit}
    for name, amount in amounts.items():
        if amount:
            unit = "core" if name == "cpu" else "byte"
            named = of_state(pod.namespace, pod=pod.pod, container=pod.app, node=pod.node, resource=name, unit=unit)
            yield named, float(parse(amount) or 0)


def _resources(plan: Plan, half: str, times: Times) -> Iterator[Row]:
    return (_constant(pod, labels, amount, times) for pod in plan.pods for labels, amount in resources(pod, half))


def _owners(plan: Plan, times: Times) -> Iterator[Row]:
    for pod in plan.pods:
        labels = of_state(pod.namespace, pod=pod.pod, owner_kind=pod.owner_kind, owner_name=pod.owner)
        yield _constant(pod, labels, 1.0, times)


def _volumes(curves: Curves, plan: Plan, times: Times, *, used: bool) -> Iterator[Row]:
    for pod in plan.pods:
        capacity = float(parse(pod.described.claim) or 0) if pod.described.claim else 0.0
        for claim in pod.claims if capacity else ():
            labels, lived = of_volume(pod.namespace, claim, pod.node), pod.lived(times)
            level = curves.growth(f"{pod.namespace}/{claim}", capacity, times[lived], plan.until)
            yield (labels, lived, level) if used else _constant(pod, labels, capacity, times)


def _nodes(times: Times) -> Iterator[Row]:
    for machine in MACHINES:
        for name, unit, amount in (
            ("cpu", "core", machine.cpu - 0.08),
            ("memory", "byte", machine.memory_gib * 1024**3 - 1_309_696_000),
        ):
            labels = of_state("", node=machine.name, resource=name, unit=unit)
            yield labels, slice(0, len(times)), np.full_like(times, amount)


def write_openmetrics(path: Path, plan: Plan, *, days: int = DAYS) -> int:
    """Write the file, one metric family after the other as the format wants it; returns the number of samples."""
    curves, times = Curves(plan.seed), history_times(plan.until, days)
    stamps = [f"{moment:.0f}" for moment in times]

    def traffic(each: float) -> Iterator[Row]:
        return _each(plan, times, lambda pod, when: traffic_total(curves, pod, each, when))

    families: list[tuple[str, str, Iterable[Row]]] = [
        (CPU, "counter", _each(plan, times, lambda pod, when: cpu_total(curves, pod, when))),
        (
            "container_memory_working_set_bytes",
            "gauge",
            _each(plan, times, lambda pod, when: memory(curves, pod, when)),
        ),
        (RECEIVED, "counter", traffic(RECEIVED_BYTES)),
        (SENT, "counter", traffic(SENT_BYTES)),
        ("kubelet_volume_stats_used_bytes", "gauge", _volumes(curves, plan, times, used=True)),
        ("kubelet_volume_stats_capacity_bytes", "gauge", _volumes(curves, plan, times, used=False)),
        ("kube_pod_container_resource_requests", "gauge", _resources(plan, "requests", times)),
        ("kube_pod_container_resource_limits", "gauge", _resources(plan, "limits", times)),
        ("kube_pod_owner", "gauge", _owners(plan, times)),
        ("kube_node_status_allocatable", "gauge", _nodes(times)),
    ]
    with path.open("w") as out:
        count = sum(_family(out, name, kind, rows, stamps) for name, kind, rows in families)
        out.write("# EOF\n")
    return count


def _family(out: TextIO, name: str, kind: str, rows: Iterable[Row], stamps: list[str]) -> int:
    out.write(f"# TYPE {name} {kind}\n")
    full, form, count = name + ("_total" if kind == "counter" else ""), "%.2f" if kind == "counter" else "%.10g", 0
    for labels, lived, values in rows:
        head, when = sample_name(full, labels), stamps[lived]
        out.write("".join(f"{head} {form % value} {at}\n" for value, at in zip(values.tolist(), when, strict=True)))
        count += len(when)
    return count
