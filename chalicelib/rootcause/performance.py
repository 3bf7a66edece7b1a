"""Why ready workloads are slow or fail: processor, memory, network, data, a change, or the application itself.

Network delay, packet loss and an overloaded processor cannot be told from objects and logs; where no measurement shows
them, the symptom is claimed below one half and what would decide is named.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from chalicelib.rootcause import logs
from chalicelib.rootcause.case import GOOD, HINT, LIKELY, STRONG, WEAK, Case, Finding, SymptomType, blame
from chalicelib.rootcause.degraded import (
    bad,
    below,
    error_lines,
    firing,
    node_alerted,
    node_slow,
    packets_lost,
    queue_behind,
    shown,
    unhealthy,
    workload_erring,
    workload_slow,
    workload_strained,
)
from chalicelib.rootcause.logs import quoted
from chalicelib.rootcause.look import Look, container_pointer
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.signatures import BROKERS, DATABASES
from chalicelib.rootcause.symptoms import container_crashing
from chalicelib.rootcause.vitals import cite, vitals
from chalicelib.state.evidence import Evidence
from chalicelib.state.kinds.pod_spec import Container
from chalicelib.state.meta import Ref
from chalicelib.state.quantity import quantity

memory_climbing = SymptomType("memory_climbing")

SERVES_BADLY = (workload_slow, workload_erring)
THROTTLED = 0.25
SATURATED = 0.9
CPU_SURGE = 3.0
REQUEST_SURGE = 2.0
ROLLOUT_WINDOW = timedelta(minutes=30)
_FLAG = re.compile(r"feature.?flag|flagd|\bflag\b.{0,60}(?:enabled|on|true)|toggle", re.I)


def climbing(look: Look) -> Iterator[Case]:
    """Workloads whose memory rises in a line over the whole window."""
    for series in vitals(look).all("memory"):
        workload = look.workload(series.subject)
        pods = look.world.pods_of(series.subject)
        if series.subject.kind != "Node" and workload is not None and pods and series.rises_steadily:
            text = f"memory rose from {series.values[0] / 2**20:.0f} to {series.now / 2**20:.0f} MiB"
            ref = look.world.ref_of(pods[0])
            yield Case(memory_climbing, series.subject, pods[0], ref, text, (ref,), workload=workload)


def _deepest(case: Case, look: Look, strength: float) -> tuple[float, tuple[Ref, ...]]:
    """(strength, upstream): a workload that calls an unhealthy one, directly or not, is hardly the cause itself."""
    called = below(case.resource, look)
    guilty = any(unhealthy(ref, look) for ref in called)
    return (min(strength, HINT), called) if guilty else (strength, ())


def limit_of(workload: Ref, resource: str, look: Look) -> tuple[float, Container | None]:
    """(sum of the limits of all pods, the container with the least), 0 where there is none."""
    pods = [p for p in look.world.pods_of(workload) if not p.finished]
    limited = [c for p in pods for c in p.spec.containers if resource in c.resources.limits]
    least = min(limited, key=lambda c: quantity(c.resources.limits[resource]), default=None)
    return sum(quantity(c.resources.limits[resource]) for c in limited), least


def _limit_evidence(case: Case, container: Container | None, look: Look) -> Evidence | None:
    pods = look.world.pods_of(case.resource)
    if container is None or not pods:
        return None
    return look.at(pods[0], container_pointer(pods[0].spec, container.name, "/resources/limits/cpu"))


# Processor


@detector("cpu_throttling", symptom=(*SERVES_BADLY, workload_strained))
def cpu_throttling(case: Case, look: Look) -> Finding | None:
    """The kernel holds the containers back: they use up their CPU limit early in most periods."""
    series = vitals(look).of("throttled", case.resource)
    share = series.now if series is not None and series.usable else 0.0
    alerted = any(f.about == "throttled" and f.subject == case.resource for f in firing(look))
    total, least = limit_of(case.resource, "cpu", look)
    if (share < THROTTLED and not alerted) or not total:
        return None
    suffers = any(type_ in SERVES_BADLY for type_ in _types(case.resource, look))
    strength, guilty = _deepest(case, look, STRONG if suffers and share >= THROTTLED else GOOD if suffers else LIKELY)
    how = f"in {share:.0%} of the periods" if share else "says an alert"
    return blame(
        case.resource,
        f"{case.where} is throttled {how}: its CPU limit is too low for what it does",
        strength=strength,
        because=[
            cite(series, look, f"{case.resource} is throttled {how}") if series is not None else None,
            _limit_evidence(case, least, look),
            *shown(case, look),
        ],
        upstream=guilty,
        container=least.name if least else "",
        limit=least.resources.limits["cpu"] if least else "",
        since=case.since,
        missing=() if share else ("throttled periods of its containers",),
    )


def _types(ref: Ref, look: Look) -> list[SymptomType]:
    return [type_ for type_, _, _ in bad(look).get(ref, ())]


@detector("cpu_overload", symptom=(*SERVES_BADLY, workload_strained))
def cpu_overload(case: Case, look: Look) -> Finding | None:
    """The workload uses all the CPU it may have, or several times what it used before."""
    series = vitals(look).of("cpu", case.resource)
    total, least = limit_of(case.resource, "cpu", look)
    alerted = any(f.about == "cpu" and f.subject == case.resource for f in firing(look))
    measured = series is not None and series.usable
    full = series is not None and measured and total > 0 and series.now >= SATURATED * total
    surged = series is not None and measured and series.grew(CPU_SURGE, 0.1)
    throttled = vitals(look).of("throttled", case.resource)
    held = throttled is not None and throttled.usable and throttled.now >= THROTTLED
    if not (full or surged or alerted):
        return None
    strength, guilty = _deepest(case, look, WEAK if held else GOOD if full or surged else LIKELY)
    use = f"{series.now:.2g} cores, before {series.before:.2g}" if series is not None else "much CPU"
    return blame(
        case.resource,
        f"{case.where} is overloaded: it uses {use}{f' of {total:.2g}' if total else ''}, and {case.text}",
        strength=strength,
        because=[
            cite(series, look, f"{case.resource} uses {use}") if series is not None else None,
            _limit_evidence(case, least, look),
            *shown(case, look),
        ],
        upstream=guilty,
        since=case.since,
        missing=() if measured else ("CPU use of its containers",),
    )


# Memory


@detector("memory_leak", symptom=(memory_climbing, container_crashing))
def memory_leak(case: Case, look: Look) -> Finding | None:
    """Memory rises in a line towards the limit, however much is served."""
    series = vitals(look).of("memory", case.resource)
    if series is None or not series.leaks:
        return None
    requests = vitals(look).of("requests", case.resource)
    if requests is not None and requests.grew(1.5, 0.0):
        return None
    limit, _ = limit_of(case.resource, "memory", look)
    near = limit > 0 and max(series.values) >= 0.8 * limit
    ended = case.type is container_crashing
    killed = ended and bool(case.status.last_state.terminated) and "OOM" in _end(case)
    if ended and not killed:
        return None
    return blame(
        case.resource,
        f"{case.where} leaks memory: it rose steadily to {series.now / 2**20:.0f} MiB"
        f"{f' of {limit / 2**20:.0f}' if limit else ''}{' and is killed when it is used up' if killed else ''}",
        strength=STRONG if near else LIKELY,
        because=[cite(series, look, f"{case.resource}: memory rises steadily")],
        since=case.since,
        critical=False,
    )


def _end(case: Case) -> str:
    ended = case.status.last_state.terminated or case.status.state.terminated
    return ended.reason if ended else ""


# Data


@detector("db_slow_query_or_missing_index", symptom=(workload_slow, workload_strained))
def slow_database(case: Case, look: Look) -> Finding | None:
    """A database is slow: its own measurements say so, or only callers of it are slow and nothing else of theirs is."""
    if not _serves_any(case.resource, DATABASES, look):
        return None
    slow = vitals(look).of("slow_queries", case.resource)
    grew = slow is not None and slow.grew(2.0, 1.0)
    return blame(
        case.resource,
        f"{case.where} answers slowly: {case.text}{'; slow queries and waits for locks rise' if grew else ''}",
        strength=GOOD if grew else LIKELY,
        because=[cite(slow, look, f"{case.resource}: slow queries") if slow is not None else None, *shown(case, look)],
        since=case.since,
        missing=() if grew else ("slow query log and lock waits of the database",),
    )


def _serves_any(ref: Ref, ports: frozenset[int], look: Look) -> bool:
    pods = look.world.pods_of(ref)[:1]
    services = look.services_of(ref)
    return any(p.container_port in ports for pod in pods for c in pod.spec.containers for p in c.ports) or any(
        p.port in ports for s in services for p in s.spec.ports
    )


@detector("queue_lag_or_poison_message", symptom=queue_behind)
def queue_lags(case: Case, look: Look) -> Finding | None:
    """Messages pile up faster than they are consumed."""
    series = vitals(look).of("lag", case.resource)
    lags = series is not None or any(f.subject == case.resource and f.about == "lag" for f in firing(look))
    if not lags:
        return None
    strength, guilty = _deepest(case, look, GOOD)
    return blame(
        case.resource,
        f"{case.where} does not keep up with its queue: {case.text}",
        strength=strength,
        because=[cite(series, look, f"{case.resource}: lag") if series is not None else None, *shown(case, look)],
        upstream=guilty,
        since=case.since,
    )


def lagging(look: Look) -> Iterator[Case]:
    """Consumers whose lag grows, and brokers that measure a partition of their cluster."""
    for series in (*vitals(look).all("lag"), *vitals(look).all("partitions")):
        parted = series.signal == "partitions" and series.usable and series.now > 0
        pods = look.world.pods_of(series.subject)
        if pods and (parted or (series.signal == "lag" and series.grew(3.0, 100.0))):
            ref = look.world.ref_of(pods[0])
            what = "partitions of the cluster" if parted else "lag"
            text = f"{what} {series.now:.0f}, before {series.before:.0f}"
            yield Case(queue_behind, series.subject, pods[0], ref, text, (ref,), workload=look.workload(series.subject))


@detector("broker_partition", symptom=queue_behind)
def broker_parted(case: Case, look: Look) -> Finding | None:
    """The broker itself measures that members of its cluster cannot see each other."""
    series = vitals(look).of("partitions", case.resource)
    measured = series is not None and series.usable and series.now > 0
    alerted = any(f.subject == case.resource and f.about == "partition" for f in firing(look))
    if not (measured or alerted) or not _serves_any(case.resource, BROKERS, look):
        return None
    return blame(
        case.resource,
        f"{case.where}: members of its cluster do not see each other ({case.text})",
        strength=STRONG,
        because=[
            cite(series, look, f"{case.resource}: {case.text}") if series is not None else None,
            *shown(case, look),
        ],
        since=case.since,
        critical=True,
    )


# Too many requests


@detector("retry_storm", symptom=SERVES_BADLY)
def retry_storm(case: Case, look: Look) -> Finding | None:
    """Requests multiply while they fail: callers repeat what does not come through."""
    requests, errors = (vitals(look).of(s, case.resource) for s in ("requests", "errors"))
    if requests is None or errors is None or not requests.grew(REQUEST_SURGE, 1.0) or errors.now < 0.2 * requests.now:
        return None
    strength, guilty = _deepest(case, look, STRONG)
    text = f"{requests.now:.3g} requests a second, before {requests.before:.3g}, and {errors.now:.3g} of them fail"
    return blame(
        case.resource,
        f"{case.where} is under a storm of retries: {text}",
        strength=strength,
        because=[cite(requests, look, text), cite(errors, look, text)],
        upstream=guilty,
        since=case.since,
    )


# Network


@detector("packet_loss_or_corruption", symptom=(*SERVES_BADLY, packets_lost))
def packet_loss(case: Case, look: Look) -> Finding | None:
    """Packets are lost: interfaces drop them, or TCP sends them again and again."""
    hosts = [case.resource, *(Ref("Node", "", n) for n in _nodes_of(case.resource, look))]
    found = [
        s for h in hosts for n in ("retransmitted", "dropped") if (s := vitals(look).of(n, h)) and s.grew(3.0, 0.2)
    ]
    alerted = case.type is packets_lost
    if not found and not alerted:
        return None
    strength, guilty = _deepest(case, look, GOOD if found else LIKELY)
    on_node = bool(found) and all(s.subject.kind == "Node" for s in found)
    resource = found[0].subject if on_node else case.resource
    return blame(
        resource,
        f"packets of {case.where} are lost: {case.text}",
        strength=strength,
        because=[*(cite(s, look, f"{s.subject}: {s.signal} packets rise") for s in found[:2]), *shown(case, look)],
        explains=[case.resource],
        upstream=guilty,
        since=case.since,
        missing=() if found else ("retransmissions and drops by interface",),
    )


def _nodes_of(ref: Ref, look: Look) -> list[str]:
    if ref.kind == "Node":
        return [ref.name]
    return sorted({p.spec.node_name for p in look.world.pods_of(ref) if p.spec.node_name})


@detector("pod_network_delay", symptom=workload_slow)
def pod_network_delay(case: Case, look: Look) -> Finding | None:
    """Slow without using more CPU and without a slow callee: the way to it may be delayed."""
    rtt = vitals(look).of("rtt", case.resource)
    grew = rtt is not None and rtt.grew(3.0, 0.01)
    cpu = vitals(look).of("cpu", case.resource)
    idle = cpu is not None and cpu.usable and not cpu.grew(1.5, 0.02)
    strength, guilty = _deepest(case, look, GOOD if grew else WEAK if idle else HINT)
    return blame(
        case.resource,
        f"{case.where} is slow ({case.text}) and {'round trips to it take longer' if grew else 'nothing shows why'}",
        strength=strength,
        because=[cite(rtt, look, f"{case.resource}: round trips") if rtt is not None else None, *shown(case, look)],
        upstream=guilty,
        since=case.since,
        missing=() if grew else ("round-trip times to its pods", "traces of its slow requests"),
    )


@detector("node_network_delay", symptom=workload_slow)
def node_network_delay(case: Case, look: Look) -> Finding | None:
    """Everything slow runs on one node, and nothing of other nodes is slow."""
    slow = {ref for ref, said in bad(look).items() if any(t is workload_slow for t, _, _ in said)}
    places = {ref: _nodes_of(ref, look) for ref in slow}
    shared = {n for nodes in places.values() for n in nodes if len(nodes) == 1}
    if len(slow) < 3 or len(shared) != 1 or any(len(nodes) != 1 for nodes in places.values()):
        return None
    node = Ref("Node", "", shared.pop())
    if len(look.snapshot.of("Node")) < 2:
        return None
    return blame(
        node,
        f"the {len(slow)} slow workloads all run on node {node.name}, and nothing on other nodes is slow",
        strength=LIKELY,
        because=[look.at(case.pod, "/spec/nodeName"), *shown(case, look)],
        explains=sorted(slow),
        since=case.since,
        missing=("round-trip times between nodes",),
    )


@detector("node_network_delay", symptom=node_slow)
def way_to_node_slow(case: Case, look: Look) -> Finding | None:
    """Round trips to the node take several times as long as before."""
    series = vitals(look).of("rtt", case.resource)
    grew = series is not None and series.grew(3.0, 0.01)
    pods = look.world.pods_by_node.get(case.resource.name, ())
    return blame(
        case.resource,
        f"the way to node {case.resource.name} is slow: {case.text}",
        strength=STRONG if grew else LIKELY,
        because=shown(case, look),
        explains=sorted({look.owner(look.world.ref_of(p)) for p in pods}),
        since=case.since,
        missing=() if grew else ("round-trip times between nodes",),
    )


@detector("fd_conntrack_ephemeral_port_exhaustion", symptom=node_alerted)
def node_tables_full(case: Case, look: Look) -> Finding | None:
    """The node's connection table, or its file descriptors, are used up."""
    if not any(f.subject == case.resource and f.about == "conntrack" for f in firing(look)):
        return None
    pods = look.world.pods_by_node.get(case.resource.name, ())
    return blame(
        case.resource,
        f"node {case.resource.name} runs out of connections or files: {case.text}",
        strength=GOOD,
        because=shown(case, look),
        explains=sorted({look.owner(look.world.ref_of(p)) for p in pods}),
        since=case.since,
    )


# The application


@detector("config_drift_after_deploy", symptom=SERVES_BADLY)
def worse_since_rollout(case: Case, look: Look) -> Finding | None:
    """It went wrong when a new revision came."""
    if case.resource.kind != "Deployment" or case.workload is None:
        return None
    sets = look.world.replica_sets_of(case.workload)
    created = sets[0].metadata.creation_timestamp if len(sets) > 1 else None
    began = case.since or look.now
    if created is None or not timedelta(minutes=-5) <= began - created <= ROLLOUT_WINDOW or not sets[0].spec.replicas:
        return None
    strength, guilty = _deepest(case, look, GOOD if case.since else LIKELY)
    return blame(
        case.resource,
        f"{case.where} got worse with revision {sets[0].revision}, rolled out at {created:%H:%M}: {case.text}",
        strength=strength,
        because=[look.at(sets[0], "/metadata/creationTimestamp"), *shown(case, look)],
        upstream=guilty,
        revision=sets[1].revision,
        since=created,
    )


@detector("app_feature_flag_or_bug", symptom=SERVES_BADLY)
def application_fails(case: Case, look: Look) -> Finding | None:
    """Requests fail in a workload whose pods, processor and callees are well: the application itself."""
    said = error_lines(case.resource, look)
    flag = said is not None and bool(_FLAG.search(said[0].text))
    failing = bool(said and logs.failed_calls([said[0]]))
    base = WEAK if case.type is workload_slow else GOOD if flag else LIKELY if said and not failing else WEAK
    strength, guilty = _deepest(case, look, base)
    line = f": {quoted(said[0].text, 140)}" if said else ""
    return blame(
        case.resource,
        f"{case.where} fails by itself: {case.text}, and nothing that it calls is unhealthy{line}",
        strength=strength,
        because=[
            *shown(case, look),
            look.lines(said[1], said[2], [said[0]], f"{case.resource} logs: {quoted(said[0].text)}") if said else None,
        ],
        upstream=guilty,
        since=case.since,
        missing=() if said else ("its log", "error rate by path"),
    )
