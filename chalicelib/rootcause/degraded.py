"""Workloads that are ready and serve badly: slow or failing requests that only alerts and metrics show.

The loudest is seldom the one at fault: every workload that calls a slow one is slow too. So the cause is looked for at
the deepest unhealthy callee, along the calls that a mesh, the environment and the logs show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.rootcause import logs
from chalicelib.rootcause.case import Case, SymptomType
from chalicelib.rootcause.complaining import grievances
from chalicelib.rootcause.logs import quoted
from chalicelib.rootcause.look import Look
from chalicelib.rootcause.references import references
from chalicelib.rootcause.vitals import Series, cite, subject_of, vitals, workload_named
from chalicelib.state.evidence import Evidence, metric_evidence
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Alert

workload_slow = SymptomType("workload_slow")
workload_erring = SymptomType("workload_erring")
workload_strained = SymptomType("workload_strained")
queue_behind = SymptomType("queue_behind")
packets_lost = SymptomType("packets_lost")
node_alerted = SymptomType("node_alerted")
node_slow = SymptomType("node_slow")

SLOWER = 3.0
SLOWER_BY_S = 0.1
ERROR_RATIO = 0.05
DEPTH = 6
FEW = timedelta(minutes=1)
_SILENT = re.compile(r"^(?:Watchdog|DeadMansSwitch|InfoInhibitor)$", re.I)
_CLASSES = (
    ("throttled", re.compile(r"throttl", re.I)),
    ("clock", re.compile(r"clock|ntp|time ?sync", re.I)),
    ("lag", re.compile(r"\blag|lag\b|backlog|queue.?(?:depth|size|length|growing)|consumer", re.I)),
    ("conntrack", re.compile(r"conntrack|file.?descriptor|open.?files", re.I)),
    ("partition", re.compile(r"partition|quorum|split.?brain|under.?replicated", re.I)),
    ("loss", re.compile(r"packet|retrans|checksum|csum|network.{0,20}(?:receive|transmit|error|drop|loss)", re.I)),
    ("latency", re.compile(r"latency|slow|response.?time|duration|p9\d|apdex", re.I)),
    (
        "errors",
        re.compile(r"error|5xx|fail(?:ed|ure|ing)? ?(?:rate|req)|success.?rate|availab|burn.?rate|budget", re.I),
    ),
    ("cpu", re.compile(r"cpu", re.I)),
    ("memory", re.compile(r"memory|oom", re.I)),
    ("disk", re.compile(r"disk|filesystem|fsync|\bio\b|storage", re.I)),
    ("api", re.compile(r"api.?server|kube.?api", re.I)),
)
"""What an alert is about, by its name; else by its summary."""
KUBE_STATE = re.compile(
    r"^Kube(?:Pod|Deployment|StatefulSet|DaemonSet|Job|Node|Hpa|Quota|Container|Persistent|Version|Client|CPU|Memory)"
)
"""Alerts that restate what the objects say."""


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that fires now and says something about an object."""

    alert: Alert
    about: str
    subject: Ref

    @property
    def name(self) -> str:
        return self.alert.labels.get("alertname", "alert")


def firing(look: Look) -> tuple[Firing, ...]:
    """Alerts that fire at the moment of the snapshot, by what they are about and whom."""
    return look.once("firing", Ref("", "", ""), lambda: tuple(_firing(look)))


def _firing(look: Look) -> Iterator[Firing]:
    for alert in look.snapshot.extras.alerts or ():
        name = alert.labels.get("alertname", "")
        over = alert.ends_at is not None and alert.starts_at is not None and alert.starts_at < alert.ends_at <= look.now
        if over or _SILENT.match(name) or alert.status.get("state", "active") not in ("active", "firing"):
            continue
        if alert.starts_at is not None and alert.starts_at - look.now > FEW:
            continue
        about, subject = about_of(alert), subject_of(alert.labels, look)
        if about and subject is not None:
            yield Firing(alert, about, subject)


def about_of(alert: Alert) -> str:
    name = alert.labels.get("alertname", "")
    said = " ".join(alert.annotations.get(k, "")[:500] for k in ("summary", "description", "message"))
    for text in (name, said):
        found = next((about for about, pattern in _CLASSES if pattern.search(text)), "")
        if found and not (KUBE_STATE.match(name) and found in ("errors", "memory")):
            return found
    return ""


def alert_evidence(found: Firing, look: Look) -> Evidence:
    alert = found.alert
    said = next((alert.annotations[k] for k in ("summary", "description", "message") if alert.annotations.get(k)), "")
    since = f" since {alert.starts_at:%H:%M}" if alert.starts_at else ""
    text = f"Alert {quoted(found.name, 80)} fires{since}{f': {quoted(said, 160)}' if said else ''}"
    pointer = f"alert:{quoted(found.name, 80)}"
    return metric_evidence(look.snapshot.cluster, found.subject, pointer, "firing", text, at=alert.starts_at)


# Who calls whom


def callees(ref: Ref, look: Look) -> tuple[Ref, ...]:
    """Workloads that a workload calls: by the recorded calls, its environment, and the failing calls of its log."""
    return look.once("callees", ref, lambda: tuple(sorted(_callees(ref, look) - {ref})))


def _callees(ref: Ref, look: Look) -> set[Ref]:
    found = set(_calls(look).get(ref, ()))
    pods = look.world.pods_of(ref)[:1]
    services = {r.service for pod in pods for r in references(pod, look) if r.service is not None}
    services |= {s for s, complaints in look.complaints_about.items() if any(c.caller == ref for c in complaints)}
    for name in services:
        service = look.snapshot.find(name)
        found.update(look.backing_refs(service) if service is not None else ())
    return found


def _calls(look: Look) -> dict[Ref, list[Ref]]:
    """Who calls whom, as a mesh or traces recorded it."""

    def make() -> dict[Ref, list[Ref]]:
        pairs: dict[Ref, list[Ref]] = {}
        for call in look.snapshot.extras.calls or ():
            source, target = workload_named(call.source, "", look), workload_named(call.target, "", look)
            if source is not None and target is None and "/" not in call.target:
                target = workload_named(call.target, source.namespace, look)
            if source is not None and target is not None:
                pairs.setdefault(source, []).append(target)
        return pairs

    return look.once("calls", Ref("", "", ""), make)


def below(ref: Ref, look: Look) -> tuple[Ref, ...]:
    """Everything that a workload calls, directly and through others, to a bounded depth."""
    seen: dict[Ref, None] = {}
    edge = [ref]
    for _ in range(DEPTH):
        edge = [t for one in edge for t in callees(one, look) if t != ref and t not in seen]
        seen.update(dict.fromkeys(edge))
    return tuple(seen)


def unhealthy(ref: Ref, look: Look) -> bool:
    """Whether a workload shows anything wrong now: pods not ready, a live complaint, or bad vitals."""
    pods = look.world.pods_of(ref)
    wanted = getattr(getattr(look.workload(ref), "spec", None), "replicas", 1)
    return (
        not all(p.ready or p.finished for p in pods)
        or (wanted == 0 and bool(look.services_of(ref)))
        or ref in bad(look)
        or any(g.sample.owner == ref for g in grievances(look))
    )


def bad(look: Look) -> dict[Ref, list[tuple[SymptomType, str, list[Evidence]]]]:
    """Workloads with bad vitals or a firing alert: per symptom its text and evidence."""
    return look.once("bad", Ref("", "", ""), lambda: _bad(look))


def _bad(look: Look) -> dict[Ref, list[tuple[SymptomType, str, list[Evidence]]]]:
    found: dict[tuple[Ref, SymptomType], list[tuple[str, Evidence]]] = {}

    def add(ref: Ref, type_: SymptomType, text: str, evidence: Evidence) -> None:
        found.setdefault((ref, type_), []).append((text, evidence))

    for series in vitals(look).all("latency"):
        if series.subject.kind != "Node" and series.grew(SLOWER, SLOWER_BY_S):
            text = f"requests take {series.now:.2g} s, before {series.before:.2g} s"
            add(series.subject, workload_slow, text, cite(series, look, f"{series.subject}: {text}"))
    for series in vitals(look).all("rtt"):
        if series.subject.kind == "Node" and series.grew(SLOWER, 0.01):
            text = f"round trips take {series.now:.2g} s, before {series.before:.2g} s"
            add(series.subject, node_slow, text, cite(series, look, f"{series.subject}: {text}"))
    for series in vitals(look).all("errors"):
        ratio = error_ratio(series, look)
        if ratio is not None:
            add(series.subject, workload_erring, ratio, cite(series, look, f"{series.subject}: {ratio}"))
    for one in firing(look):
        type_ = {"latency": workload_slow, "errors": workload_erring, "throttled": workload_strained,
                 "cpu": workload_strained, "lag": queue_behind, "loss": packets_lost,
                 "partition": queue_behind, "conntrack": node_alerted}.get(one.about)  # fmt: skip
        if one.subject.kind == "Node" and type_ not in (packets_lost, None):
            type_ = node_slow if one.about == "latency" else node_alerted
        if type_ is not None:
            add(one.subject, type_, f"alert {quoted(one.name, 80)} fires", alert_evidence(one, look))
    by_ref: dict[Ref, list[tuple[SymptomType, str, list[Evidence]]]] = {}
    for (ref, type_), said in sorted(found.items(), key=lambda i: (i[0][0], i[0][1].name)):
        by_ref.setdefault(ref, []).append((type_, said[0][0], [e for _, e in said][:4]))
    return by_ref


def error_ratio(errors: Series, look: Look) -> str | None:
    """How many requests fail, in words, when they are many and more than before; None else."""
    requests = vitals(look).of("requests", errors.subject)
    if not errors.usable or errors.now <= 0:
        return None
    if requests is None or requests.now <= 0:
        return f"{errors.now:.2g} errors a second, before {errors.before:.2g}" if errors.grew(SLOWER, 0.05) else None
    now = errors.now / requests.now
    before = errors.before / requests.before if requests.before > 0 else 0.0
    if now < ERROR_RATIO or now < before * 2:
        return None
    return f"{min(now, 1):.0%} of its requests fail, before {min(before, 1):.0%}"


def degraded(look: Look) -> Iterator[Case]:
    """Live cases of workloads with bad vitals, and of nodes with alerts about them."""
    for ref, said in bad(look).items():
        pods = look.world.pods_of(ref)
        subject = look.workload(ref) if ref.kind == "Node" or not pods else pods[0]
        where = ref if ref.kind == "Node" or not pods else look.world.ref_of(pods[0])
        if subject is None:
            continue
        for type_, text, _ in said:
            yield Case(type_, ref, subject, where, text, (where,), _since(ref, look), workload=look.workload(ref))


def _since(ref: Ref, look: Look) -> datetime | None:
    starts = [f.alert.starts_at for f in firing(look) if f.subject == ref and f.alert.starts_at]
    return min(starts, default=None)


def shown(case: Case, look: Look) -> list[Evidence]:
    """What shows a case of this module."""
    return next((e for type_, _, e in bad(look).get(case.resource, ()) if type_ is case.type), [])


def error_lines(ref: Ref, look: Look) -> tuple[logs.Line, Ref, str] | None:
    """(line, pod, container) of the newest error that a workload's running containers logged."""
    for sample in look.samples:
        if sample.owner == ref and not sample.previous:
            wrong = logs.errors(list(sample.lines))
            if wrong:
                return wrong[-1], sample.pod, sample.container
    return None
