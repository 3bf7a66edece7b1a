"""Measured signals of workloads and nodes, from whatever names the monitoring of a cluster gives them.

Series of known exporters and of our own store are brought to one set of signals and summed per workload or node. A
counter becomes a rate. Everything is optional: without metrics there are no vitals, and what is too short or has ended
before the end of the window says nothing.
"""

from __future__ import annotations

import itertools
import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from chalicelib.rootcause.look import Look
from chalicelib.state.evidence import Evidence, metric_evidence
from chalicelib.state.meta import Ref

Points = tuple[tuple[float, float], ...]
How = Literal["sum", "max"]
QUOTIENTS = (("latency_sum", "latency_count", "latency"), ("throttled_periods", "periods", "throttled"))
MAX_SERIES = 20_000
MAX_POINTS = 2_000
MIN_POINTS = 6
RECENT_POINTS = 3
ENDED_STEPS = 4
"""A series that stopped more steps than this before the end of the window is over."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What a metric name stands for: the signal, the factor to its unit, and how series of one object join."""

    name: str
    pattern: re.Pattern[str]
    how: How = "sum"
    factor: float = 1.0


def _signal(name: str, pattern: str, how: How = "sum", factor: float = 1.0) -> Signal:
    return Signal(name, re.compile(rf"^(?:{pattern})$", re.I), how, factor)


WAY = r"(?:rtt|round_?trip|ping|icmp|connectivity_latency|tcp_connect\w*|connect_duration|handshake)"
"""What measures the way to an object and not its work."""
SIGNALS = (
    _signal("cpu", r"cpu_usage_cores|container_cpu_usage_seconds_total|node_namespace_pod_container:.*cpu_usage.*"),
    _signal("cpu_limit", r"cpu_limits_cores"),
    _signal("throttled", r"cpu_throttled_ratio", "max"),
    _signal("throttled_periods", r"container_cpu_cfs_throttled_periods_total"),
    _signal("periods", r"container_cpu_cfs_periods_total"),
    _signal("memory", r"memory_working_set_bytes|container_memory_working_set_bytes"),
    _signal("rtt", rf".*{WAY}\w*_seconds", "max"),
    _signal("rtt", rf".*{WAY}\w*_(?:milliseconds|ms)", "max", 0.001),
    _signal("latency", r"latency_p\d\d_seconds|.*(?:latency|duration|response_time)\w*_seconds", "max"),
    _signal("latency", r".*(?:latency|duration|response_time)\w*_(?:milliseconds|ms)|.*p9\d.*_ms", "max", 0.001),
    _signal("latency_sum", r".*(?:latency|duration|response_time|request_time)\w*_seconds_sum"),
    _signal("latency_sum", r".*(?:latency|duration|response_time)\w*_(?:milliseconds|ms)_sum", factor=0.001),
    _signal("latency_count", r".*(?:latency|duration|response_time|request_time)\w*_count"),
    _signal("dropped", r".*(?:packets?_dropped|receive_drop|transmit_drop|drop)\w*_total|.*packet_loss\w*"),
    _signal("retransmitted", r".*(?:retrans|RetransSegs)\w*"),
    _signal("lag", r".*(?:consumer\w*_lag|lag_(?:sum|max|messages)|records_lag\w*)", "max"),
    _signal("lag", r".*(?:queue_messages\w*|queue_depth|backlog)", "max"),
    _signal("partitions", r"rabbitmq_\w*partitions|.*underreplicated_?partitions|.*offline_?partitions\w*", "max"),
    _signal("connections", r".*(?:pg_stat_activity_count|threads_connected|connected_clients|numbackends)"),
    _signal("slow_queries", r".*(?:slow_queries|max_tx_duration|lock_waits?|locks_waiting|deadlocks)\w*", "max"),
    _signal("clock", r"node_timex_offset_seconds|.*clock_(?:offset|skew|drift)\w*", "max"),
    _signal("disk_errors", r".*(?:disk|filesystem|storage)\w*_(?:io_)?errors?\w*|node_filesystem_device_error"),
    _signal("fsync", r".*(?:fsync|backend_commit)\w*duration_seconds", "max"),
    _signal("api_requests", r"apiserver_request_total|apiserver_current_inflight_requests"),
    _signal("errors", r"errors_per_second|.*(?:errors?|failures?|failed)\w*_(?:total|count|rate|per_second)"),
    _signal("requests", r"requests_per_second|.*(?:requests?|calls|rpcs?|hits)\w*_(?:total|count|rate|per_second)"),
)
"""In the order in which a name is tried; the first that fits counts."""
COUNTERS = re.compile(r"_(?:total|count|sum)$|RetransSegs$", re.I)
_STATUS = ("code", "status", "status_code", "response_code", "http_status_code", "http_response_status_code",
           "grpc_code", "rpc_grpc_status_code", "grpc_response_status")  # fmt: skip
_FAILED = re.compile(r"^5\d\d$|^5xx$|error|unavailable|internal|deadline|unknown|^(?:2|4|8|13|14)$", re.I)
_WORKLOAD = ("workload", "destination_workload", "deployment", "statefulset", "daemonset", "service_name", "service",
             "destination_service_name", "app", "k8s_deployment_name", "job_name", "container", "job")  # fmt: skip
_NAMESPACE = ("namespace", "exported_namespace", "k8s_namespace_name", "kubernetes_namespace",
              "destination_workload_namespace", "destination_service_namespace", "service_namespace")  # fmt: skip
_POD = ("pod", "pod_name", "exported_pod", "k8s_pod_name", "kubernetes_pod_name")
_NODE = ("node", "node_name", "nodename", "k8s_node_name", "kubernetes_node", "instance", "host", "hostname")
KINDS_NAMED = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


def _first(labels: Mapping[str, Any], names: Iterable[str]) -> str:
    return next((str(labels[n]) for n in names if labels.get(n)), "")


def subject_of(labels: Mapping[str, Any], look: Look) -> Ref | None:
    """The workload or node that the labels of a series or an alert are about; None when none of them exists."""
    namespace, pod = _first(labels, _NAMESPACE), _first(labels, _POD)
    found = look.snapshot.get("Pod", namespace, pod) if pod else None
    if found is not None:
        return look.owner(look.world.ref_of(found))
    for name in (str(labels[n]) for n in _WORKLOAD if labels.get(n)):
        ref = workload_named(name, namespace, look)
        if ref is not None:
            return ref
    for name in (str(labels[n]) for n in _NODE if labels.get(n)):
        ref = node_named(name, look)
        if ref is not None:
            return ref
    return None


def workload_named(name: str, namespace: str, look: Look) -> Ref | None:
    """The workload of that name, or behind the Service of that name; without a namespace only if there is one."""
    if "/" in name:
        namespace, _, name = name.rpartition("/")
    name, _, rest = name.partition(".")
    if rest and not namespace:
        namespace = rest.split(".")[0]
    places = [namespace] if namespace else sorted(_places(look).get(name, ()))
    if len(places) != 1:
        return None
    for kind in KINDS_NAMED:
        if look.snapshot.get(kind, places[0], name) is not None:
            return Ref(kind, places[0], name)
    service = look.snapshot.get("Service", places[0], name)
    behind = look.backing_refs(service) if service is not None else []
    return behind[0] if len(behind) == 1 else None


def node_named(name: str, look: Look) -> Ref | None:
    """The node of that name or address, with or without a port."""
    bare = name.rpartition(":")[0] if re.search(r":\d{2,5}$", name) else name
    found = _addresses(look).get(bare)
    return Ref("Node", "", found) if found else None


def _places(look: Look) -> dict[str, set[str]]:
    """Namespaces in which a workload or Service of a name exists."""

    def make() -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for kind in (*KINDS_NAMED, "Service"):
            for obj in look.snapshot.of(kind):
                found[obj.metadata.name].add(obj.metadata.namespace)
        return found

    return look.once("places", Ref("", "", ""), make)


def _addresses(look: Look) -> dict[str, str]:
    """Names of nodes by their name and addresses."""

    def make() -> dict[str, str]:
        nodes = look.snapshot.of("Node")
        found = {a.address: n.metadata.name for n in nodes for a in n.status.addresses}
        return found | {n.metadata.name: n.metadata.name for n in nodes}

    return look.once("addresses", Ref("", "", ""), make)


# Series


@dataclass(frozen=True, slots=True)
class Series:
    """One signal of one object over the window: (Unix seconds, value), oldest first."""

    signal: str
    subject: Ref
    points: Points
    metric: str
    live: bool

    @property
    def values(self) -> list[float]:
        return [value for _, value in self.points]

    @property
    def now(self) -> float:
        """The median of the last points."""
        return statistics.median(self.values[-RECENT_POINTS:])

    @property
    def before(self) -> float:
        """The median of the first half of the window."""
        return statistics.median(self.values[: max(1, len(self.points) // 2)])

    @property
    def usable(self) -> bool:
        return self.live and len(self.points) >= MIN_POINTS

    def grew(self, ratio: float, least: float) -> bool:
        """Whether it is now at least `ratio` times what it was, and by at least `least`."""
        return self.usable and self.now >= self.before * ratio and self.now - self.before >= least

    @property
    def rises_steadily(self) -> bool:
        """Whether it has risen over most of the window in a line (Kendall's tau of a thinned series above 0.8)."""
        values = self.values[:: max(1, len(self.points) // 24)]
        pairs = [(a, b) for i, a in enumerate(values) for b in values[i + 1 :]]
        if not self.usable or not pairs:
            return False
        tau = sum((b > a) - (b < a) for a, b in pairs) / len(pairs)
        return tau > 0.8 and self.now >= 1.3 * self.values[0] > 0

    @property
    def sawtooth(self) -> bool:
        """Whether it climbs to a like height and falls back again and again: a leak that the kernel ends each time."""
        values = self.values
        tops = [values[i - 1] for i in range(1, len(values)) if values[i] < 0.5 * values[i - 1]]
        return self.usable and len(tops) >= 2 and min(tops) >= 0.7 * max(tops)

    @property
    def leaks(self) -> bool:
        return self.rises_steadily or self.sawtooth


class Vitals:
    """All signals of a snapshot by object."""

    def __init__(self, found: dict[tuple[str, Ref], Series]) -> None:
        self._found = found

    def __bool__(self) -> bool:
        return bool(self._found)

    def of(self, signal: str, subject: Ref) -> Series | None:
        return self._found.get((signal, subject))

    def all(self, signal: str) -> list[Series]:
        return [s for (name, _), s in sorted(self._found.items(), key=lambda i: i[0]) if name == signal]


def vitals(look: Look) -> Vitals:
    """The vitals of a snapshot; empty without metrics."""
    return look.once("vitals", Ref("", "", ""), lambda: _vitals(look))


def _vitals(look: Look) -> Vitals:
    parts: dict[tuple[str, Ref], list[tuple[Points, str, How]]] = defaultdict(list)
    end = 0.0
    for raw in (look.snapshot.extras.metrics or ())[:MAX_SERIES]:
        for labels, name, points in _series(raw):
            signal = signal_of(name)
            subject = subject_of(labels, look) if signal else None
            if signal is None or subject is None or not points or _is_total(name, labels):
                continue
            end = max(end, points[-1][0])
            if COUNTERS.search(name):
                points = rate(points)
            if signal.factor != 1.0:
                points = tuple((t, v * signal.factor) for t, v in points)
            kinds = [signal.name]
            if signal.name == "requests" and _FAILED.search(_first(labels, _STATUS) or "ok"):
                kinds.append("errors")
            for kind in kinds:
                parts[kind, subject].append((points, name, signal.how))
    joined = {key: _join(key, found, end) for key, found in parts.items()}
    return Vitals(joined | _derived(joined))


def _is_total(name: str, labels: Mapping[str, Any]) -> bool:
    """Whether cAdvisor's series is the sum over a pod, or its sandbox, whose containers are series of their own."""
    return name.startswith("container_") and labels.get("container", "one") in ("", "POD")


def signal_of(name: str) -> Signal | None:
    return next((s for s in SIGNALS if s.pattern.match(name)), None)


def _series(raw: Any) -> Iterator[tuple[dict[str, Any], str, Points]]:
    """Series of one entry: a matrix series, or a whole answer of the query API that holds some."""
    if not isinstance(raw, dict):
        return
    data = raw.get("data")
    inner = raw.get("result") or (data.get("result") if isinstance(data, dict) else None)
    if isinstance(inner, list):
        named = str(raw.get("name") or raw.get("query") or "")
        for one in inner:
            for labels, name, points in _series(one):
                yield labels, name or named, points
        return
    labels = raw.get("metric") or raw.get("labels") or {}
    values = raw.get("values")
    if isinstance(labels, dict) and isinstance(values, list):
        name = str(labels.get("__name__") or raw.get("name") or "")
        yield labels, name, tuple(_points(values[-MAX_POINTS:]))


def _points(values: Sequence[Any]) -> Iterator[tuple[float, float]]:
    for pair in values:
        try:
            moment, value = float(pair[0]), float(pair[1])
        except (TypeError, ValueError, IndexError, KeyError):
            continue
        if value == value and abs(value) != float("inf"):
            yield moment, value


def rate(points: Points) -> Points:
    """Per-second increase of a counter; a reset counts from zero."""
    found = []
    for (t0, v0), (t1, v1) in itertools.pairwise(points):
        if t1 > t0:
            found.append((t1, (v1 - v0 if v1 >= v0 else v1) / (t1 - t0)))
    return tuple(found)


def _join(key: tuple[str, Ref], found: list[tuple[Points, str, How]], end: float) -> Series:
    how = found[0][2]
    at: dict[float, float] = {}
    for points, _, _ in found:
        for moment, value in points:
            at[moment] = value + at.get(moment, 0.0) if how == "sum" else max(value, at.get(moment, value))
    points = tuple(sorted(at.items()))
    steps = [b - a for (a, _), (b, _) in itertools.pairwise(points)]
    step = statistics.median(steps) if steps else 60.0
    live = bool(points) and end - points[-1][0] <= max(step, 15.0) * ENDED_STEPS
    return Series(key[0], key[1], points, found[0][1], live)


def _derived(found: dict[tuple[str, Ref], Series]) -> dict[tuple[str, Ref], Series]:
    """Signals that are quotients of two others: mean latency, throttled share."""
    made: dict[tuple[str, Ref], Series] = {}
    for over, under, name in (
        ("latency_sum", "latency_count", "latency"),
        ("throttled_periods", "periods", "throttled"),
    ):
        for (signal, subject), series in found.items():
            base = found.get((under, subject))
            if signal != over or base is None or (name, subject) in found:
                continue
            counts = dict(base.points)
            points = tuple((t, v / counts[t]) for t, v in series.points if counts.get(t))
            if points:
                made[name, subject] = Series(name, subject, points, series.metric, series.live and base.live)
    return made


def cite(series: Series, look: Look, text: str) -> Evidence:
    """A measured change, with the numbers."""
    observed = {"before": round(series.before, 6), "now": round(series.now, 6), "points": len(series.points)}
    return metric_evidence(look.snapshot.cluster, series.subject, series.metric, observed, text, at=look.now)
