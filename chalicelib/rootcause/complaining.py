"""Live symptoms of containers that run on and complain: errors that repeat up to the end of a log."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.rootcause import logs
from chalicelib.rootcause.case import Case, SymptomType
from chalicelib.rootcause.logs import Line
from chalicelib.rootcause.look import Look, Sample
from chalicelib.rootcause.signatures import ONLY_AT_START, SIGNATURES, Signature
from chalicelib.state.meta import Ref

errors_logged = SymptomType("errors_logged")
calls_failing = SymptomType("calls_failing")

REPEATED = 3
LATEST_LINES = 40
"""A failure that is not among so many last lines is over, where lines carry no time."""
LATEST = timedelta(minutes=15)
"""One that is older than this is over, where they do."""
_STAMP = re.compile(r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d{1,9})?(Z|[+-]\d\d:?\d\d)")
STAMP_WITHIN = 200
_OVER = re.compile(
    r"\bre-?connected\b|re-?established|\brecovered\b|connection restored|back to normal|succeeded after|"
    r"(?:successfully|now) connected|came back",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Grievance:
    """Lines of one log that fit a signature, up to its end."""

    signature: Signature
    sample: Sample
    lines: tuple[Line, ...]


def time_of(line: Line) -> datetime | None:
    """The time that a line carries with its zone (RFC 3339 or alike); without a zone it cannot be compared."""
    found = _STAMP.search(line.text[:STAMP_WITHIN])
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(g) for g in found.groups()[:6])
    zone = found.group(7)
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    if zone != "Z":
        digits = zone[1:].replace(":", "")
        shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        moment += -shift if zone[0] == "+" else shift
    return moment


def goes_on(hits: Sequence[Line], lines: Sequence[Line], look: Look) -> bool:
    """Whether what these lines say is repeated and not over at the end of the log."""
    if len({line.number for line in hits}) < REPEATED:
        return False
    last = hits[-1]
    if any(line.number > last.number and _OVER.search(line.text) for line in lines):
        return False
    moment = time_of(last)
    if moment is not None:
        return look.now - moment < LATEST
    return last.number > lines[-1].number - LATEST_LINES


def grievances(look: Look) -> tuple[Grievance, ...]:
    """What running containers complain about now; a line counts for the first signature that it fits."""
    return look.once("grievances", Ref("", "", ""), lambda: tuple(_grievances(look)))


def _grievances(look: Look) -> Iterator[Grievance]:
    for sample in look.samples:
        pod = look.snapshot.find(sample.pod)
        if sample.previous or pod is None or pod.finished:
            continue
        left = [line for line in sample.lines if not logs.is_harmless(line)]
        for signature in SIGNATURES:
            if signature.mode in ONLY_AT_START:
                continue
            hits = [line for line in left if signature.pattern.search(line.text)]
            told = {line.number for line in hits}
            left = [line for line in left if line.number not in told]
            if goes_on(hits, sample.lines, look):
                yield Grievance(signature, sample, tuple(hits))


def complaining(look: Look) -> Iterator[Case]:
    """Workloads whose running containers log a known failure again and again, one case per workload and container."""
    seen: set[tuple[Ref, str]] = set()
    for grievance in grievances(look):
        sample = grievance.sample
        if (sample.owner, sample.container) in seen:
            continue
        seen.add((sample.owner, sample.container))
        yield _case(errors_logged, sample, f"logs errors: {grievance.signature.says}", look)


def failing(look: Look) -> Iterator[Case]:
    """Running workloads whose calls to something inside the cluster fail up to the end of their log."""
    seen: set[tuple[Ref, Ref]] = set()
    for sample in look.samples:
        pod = look.snapshot.find(sample.pod)
        if sample.previous or pod is None or pod.finished:
            continue
        calls = logs.failed_calls(list(sample.lines))
        for host in sorted({call.host for call in calls}):
            service = look.service_named(host, sample.owner.namespace)
            own = [call.line for call in calls if call.host == host]
            if service is None or (sample.owner, service) in seen or not goes_on(own, sample.lines, look):
                continue
            seen.add((sample.owner, service))
            yield _case(calls_failing, sample, f"calls to {host} fail", look)


def _case(type_: SymptomType, sample: Sample, text: str, look: Look) -> Case:
    pod, workload = look.snapshot.find(sample.pod), look.workload(sample.owner)
    return Case(
        type_, sample.owner, pod, sample.pod, text, (sample.pod,), container=sample.container, workload=workload
    )
