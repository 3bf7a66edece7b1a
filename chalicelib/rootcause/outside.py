"""Servers outside the cluster that do not answer: the only trace is the log of whoever calls them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from chalicelib.rootcause.case import GOOD, Case, Finding, SymptomType, blame
from chalicelib.rootcause.logs import FailedCall, quoted
from chalicelib.rootcause.look import Look
from chalicelib.rootcause.registry import detector
from chalicelib.state.meta import Ref

outside_silent = SymptomType("outside_silent")

REPEATED = 3
LATEST_LINES = 12
DNS_PORT = 53
"""A failure that is not among so many last lines is over."""
_NAME = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}", re.I)
_INSIDE = (".svc", ".local", ".internal", ".localdomain")
HOW = {"refused": "refuses the connection", "timeout": "does not answer", "unresolved": "cannot be resolved"}


def failing_calls(look: Look) -> dict[tuple[Ref, str], list[FailedCall]]:
    """Calls to names outside that fail again and again up to the end of a running pod's log, by caller and host."""
    found: dict[tuple[Ref, str], list[FailedCall]] = defaultdict(list)
    ends = {(s.pod, s.container): s.lines[-1].number for s in look.samples if not s.previous}
    for complaint in look.complaints:
        host = complaint.call.host.lower()
        outside = _NAME.fullmatch(host) and not host.endswith(_INSIDE)
        if outside and look.service_named(host, complaint.caller.namespace) is None:
            found[complaint.pod, host].append(complaint.call)
    return {
        key: calls
        for key, calls in found.items()
        if len({call.line.number for call in calls}) >= REPEATED
        and any(calls[-1].line.number > end - LATEST_LINES for (pod, _), end in ends.items() if pod == key[0])
    }


def _servers_of_names(look: Look) -> list[Ref]:
    """What answers names in the cluster: its trouble accounts for a name that cannot be resolved."""
    dns = [s for s in look.snapshot.of("Service") if s.spec.selector and any(p.port == DNS_PORT for p in s.spec.ports)]
    return sorted({ref for service in dns for ref in look.backing_refs(service)})


def outside_calls(look: Look) -> Iterator[Case]:
    """Ready pods whose calls to a server outside the cluster fail now."""
    seen: set[tuple[Ref, str]] = set()
    for pod, host in sorted(failing_calls(look)):
        owner, subject = look.owner(pod), look.snapshot.find(pod)
        if subject is None or not subject.ready or (owner, host) in seen:
            continue
        seen.add((owner, host))
        yield Case(outside_silent, owner, subject, pod, f"calls to {host} fail", (pod,), workload=look.workload(owner))


@detector("dependency_unreachable", symptom=outside_silent)
def outside_unreachable(case: Case, look: Look) -> Finding | None:
    """A running workload says that a server outside the cluster does not answer."""
    host = case.text.split()[2]
    calls = failing_calls(look).get((case.ref, host), [])
    sample = next((s for s in look.samples if s.pod == case.ref and not s.previous), None)
    if not calls or sample is None:
        return None
    last = calls[-1]
    where = f"{host}:{last.port}" if last.port else host
    return blame(
        case.resource,
        f"{case.where} cannot reach {quoted(where, 120)} outside the cluster: it {HOW[last.how]}; its pods run on",
        strength=GOOD,
        upstream=_servers_of_names(look) if last.how == "unresolved" else (),
        because=[
            look.lines(
                case.ref,
                sample.container,
                [last.line],
                f"{case.resource} logs: {quoted(last.line.text)}",
            )
        ],
        host=quoted(where, 120),
        container=sample.container,
        missing=("the state of the server outside",),
    )
