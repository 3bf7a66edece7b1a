"""Gateway API objects that their controller refuses, and routes that lead requests to the wrong Service."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from chalicelib.rootcause.case import DECISIVE, GOOD, LIKELY, Case, Finding, SymptomType, blame
from chalicelib.rootcause.complaining import goes_on
from chalicelib.rootcause.logs import Line, quoted
from chalicelib.rootcause.look import Look, Sample, condition_pointer
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.traffic import about
from chalicelib.state.meta import Condition, Ref

gateway_refused = SymptomType("gateway_refused")
path_not_found = SymptomType("path_not_found")
no_route = SymptomType("no_route")

ALL_LOST = 3
"""Requests below a path, all answered with 404, that make a route suspect."""

WANTED = ("Accepted", "ResolvedRefs", "Programmed", "Ready")
CONFLICTS = ("Conflicted", "OverlappingTLSConfig", "PartiallyInvalid")
_NOT_FOUND = re.compile(r"\"(?:GET|POST|PUT|DELETE|PATCH|HEAD) (/[^ \"?]{0,300})[^\"]{0,300}\" 404\b")
_NOT_FOUND_JSON = re.compile(
    r"(?=.{0,2000}\"(?:status|code|response_code|status_code)\": ?\"?404)"
    r".{0,1000}\"(?:path|uri|url|request_path)\": ?\"(/[^\"?]{0,300})"
)


def refused(look: Look) -> Iterator[Case]:
    """Gateways, listeners and routes with a condition that says they do not work."""
    for gateway in look.snapshot.of("Gateway"):
        if wrong_condition(gateway) is not None or _wrong_listener(gateway) is not None:
            yield about(gateway_refused, gateway, look, "its controller refuses it")
    for route in look.snapshot.of("HTTPRoute"):
        if _wrong_parent(route) is not None:
            yield about(gateway_refused, route, look, "its controller refuses it")


def _wrong(conditions: list[Condition]) -> int | None:
    """Index of the condition that is as it must not be."""
    for index, found in enumerate(conditions):
        if (found.type in WANTED and found.false) or (found.type in CONFLICTS and found.true):
            return index
    return None


def wrong_condition(gateway: Any) -> int | None:
    return _wrong(gateway.status.conditions)


def _wrong_listener(gateway: Any) -> tuple[int, int] | None:
    for index, listener in enumerate(gateway.status.listeners):
        own = _wrong(listener.conditions)
        if own is not None:
            return index, own
    return None


def _wrong_parent(route: Any) -> tuple[int, int] | None:
    for index, parent in enumerate(route.status.parents):
        own = _wrong(parent.conditions)
        if own is not None:
            return index, own
    return None


@detector("gateway_api_condition_false", symptom=gateway_refused)
def gateway_api_condition_false(case: Case, look: Look) -> Finding | None:
    """A condition of the Gateway, its listener or the route says why it does not work."""
    obj = case.subject
    if case.ref.kind == "HTTPRoute":
        place = _wrong_parent(obj)
        if place is None:
            return None
        found = obj.status.parents[place[0]].conditions[place[1]]
        pointer = f"/status/parents/{place[0]}/conditions/{place[1]}"
    elif (own := wrong_condition(obj)) is not None:
        found = obj.status.conditions[own]
        pointer = condition_pointer(obj, found.type)
    else:
        place = _wrong_listener(obj)
        if place is None:
            return None
        found = obj.status.listeners[place[0]].conditions[place[1]]
        pointer = f"/status/listeners/{place[0]}/conditions/{place[1]}"
    absent = [
        look.absent(e.target.kind, e.target.namespace, e.target.name)
        for e in look.graph.out(case.ref)
        if e.relation in ("routes_to", "attached_to", "terminates_tls_with")
    ]
    gateways = [e.target for e in look.graph.out(case.ref, "attached_to")]
    return blame(
        case.ref,
        f"{case.ref.kind} {case.where} does not work: {found.type} is {found.status} ({found.reason}: "
        f"{quoted(found.message, 140)})",
        strength=DECISIVE,
        because=[look.at(obj, pointer), *absent],
        explains=[e.target for e in look.graph.out(case.ref, "routes_to")],
        upstream=gateways,
        reason=found.reason,
        since=found.last_transition_time,
    )


# Requests that end at the wrong Service


def not_found(look: Look) -> Iterator[Case]:
    """Workloads that answer 404 again and again, up to now, for paths that a route leads to them."""
    seen: set[tuple[Ref, str]] = set()
    for sample in look.samples:
        if sample.previous:
            continue
        paths: dict[str, list[Line]] = defaultdict(list)
        for line in sample.lines:
            found = _NOT_FOUND.search(line.text) or _NOT_FOUND_JSON.match(line.text)
            if found:
                paths["/" + found.group(1).split("/")[1]].append(line)
        for path, lines in sorted(paths.items()):
            key = (sample.owner, path)
            led = misroutes(path, look) or proxied(path, sample, look)
            if key not in seen and goes_on(lines, sample.lines, look) and led:
                seen.add(key)
                pod = look.snapshot.find(sample.pod)
                text = f"404 for {path}"
                yield Case(
                    path_not_found, sample.owner, pod, sample.pod, text, (sample.pod,), container=sample.container
                )


_REQUEST = re.compile(r"\"(?:GET|POST|PUT|DELETE|PATCH|HEAD) (/[^ \"?]{0,300})[^\"]{0,300}\" (\d{3})\b")


def proxied(path: str, sample: Sample, look: Look) -> list[tuple[Any, str, str, str]]:
    """Like `misroutes`, for the log of a proxy: every request below the path of a rule is answered with 404.

    The Service that was meant is one that no route names, when there is only one with that port.
    """
    statuses = [m.group(2) for x in sample.lines if (m := _REQUEST.search(x.text)) and m.group(1).startswith(path)]
    if len(statuses) < ALL_LOST or set(statuses) != {"404"}:
        return []
    found = []
    for ingress in look.snapshot.of("Ingress"):
        for rule in ingress.spec.rules:
            for one in rule.http.paths if rule.http else ():
                backend = one.backend.service
                if backend is None or one.path.rstrip("/*") != path.rstrip("/"):
                    continue
                service = look.snapshot.get("Service", ingress.metadata.namespace, backend.name)
                if service is not None and sample.owner not in look.backing_refs(service):
                    found.append((ingress, one.path, backend.name, _unrouted(ingress.metadata.namespace, look)))
    return found


def _unrouted(namespace: str, look: Look) -> str:
    """A Service that no route leads to, when it is the only one: the likely target of a route that leads elsewhere."""
    free = [s for s in look.services_in.get(namespace, ()) if not look.graph.into(look.world.ref_of(s), "routes_to")]
    return free[0].metadata.name if len(free) == 1 else ""


def misroutes(path: str, look: Look) -> list[tuple[Any, str, str, str]]:
    """(Ingress, path, Service it names, Service that was probably meant) of rules for a path that lead elsewhere.

    A Service is probably meant when its name is the path's first segment.
    """
    first = path.strip("/").split("/")[0].lower()
    found = []
    for ingress in look.snapshot.of("Ingress"):
        for rule in ingress.spec.rules:
            for one in rule.http.paths if rule.http else ():
                backend = one.backend.service
                if backend is None or one.path.rstrip("/*") not in (path.rstrip("/"), ""):
                    continue
                meant = look.snapshot.get("Service", ingress.metadata.namespace, first)
                if meant is not None and backend.name != first:
                    found.append((ingress, one.path, backend.name, first))
    return found


@detector("ingress_or_gateway_misroute", symptom=path_not_found)
def ingress_or_gateway_misroute(case: Case, look: Look) -> Finding | None:
    """A route leads a path to a Service that does not know it, and another Service bears its name."""
    path = case.text.split()[-1]
    named_so = misroutes(path, look)
    sample = next((s for s in look.samples if s.pod == case.ref and not s.previous), None)
    rules = named_so or (proxied(path, sample, look) if sample else [])
    if not rules:
        return None
    ingress, pattern, named, meant = rules[0]
    ref = look.world.ref_of(ingress)
    exact = pattern.rstrip("/*") == path.rstrip("/")
    lines = [
        line
        for s in look.samples
        if s.pod == case.ref and not s.previous
        for line in s.lines
        if "404" in line.text and path in line.text
    ]
    return blame(
        ref,
        f"Ingress {ref.namespace}/{ref.name} leads {quoted(path, 80)} to Service {named}, which answers 404"
        f"{f'; Service {meant} was probably meant' if meant else ''}",
        strength=GOOD if exact and named_so else LIKELY,
        because=[
            look.at(ingress, "/spec/rules"),
            look.lines(case.ref, case.container, lines[-2:], f"{case.resource} answers 404 for {quoted(path, 80)}"),
        ],
        explains=[case.resource],
        right=meant or "that is meant",
    )


# A gateway that has no route

_NO_ROUTE = re.compile(
    r"\b(?:route_not_found|cluster_not_found)\b|\" 404 NR\b|no (?:matching )?route (?:found|matched)", re.I
)
_NAME = re.compile(r"\"([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,6})(?::\d{1,5})?\"", re.I)


def routeless(look: Look) -> Iterator[Case]:
    """Proxies that log again and again, up to now, that they have no route for a request."""
    for sample in look.samples:
        hits = [line for line in sample.lines if _NO_ROUTE.search(line.text)]
        if not sample.previous and goes_on(hits, sample.lines, look):
            pod = look.snapshot.find(sample.pod)
            text = "no route for its requests"
            yield Case(no_route, sample.owner, pod, sample.pod, text, (sample.pod,), container=sample.container)


@detector("ingress_or_gateway_misroute", symptom=no_route)
def no_route_for_host(case: Case, look: Look) -> Finding | None:
    """The gateway knows no route for a host that is asked for; a route for a like host exists."""
    sample = next((s for s in look.samples if s.pod == case.ref and not s.previous), None)
    hits = [line for line in sample.lines if _NO_ROUTE.search(line.text)] if sample else []
    hosts = {m.group(1).lower() for line in hits for m in _NAME.finditer(line.text)}
    routes = [r for r in look.snapshot.of("HTTPRoute") if not hosts & {h.lower() for h in r.spec.hostnames}]
    known = {h.lower(): r for r in routes for h in r.spec.hostnames}
    near = next((c for h in sorted(hosts) for c in difflib.get_close_matches(h, sorted(known), 1, 0.6)), "")
    subject = known.get(near) or next(iter(look.snapshot.of("Gateway")), None)
    if subject is None or not hits or sample is None:
        return None
    ref = look.world.ref_of(subject)
    return blame(
        ref,
        f"{case.where} has no route for {quoted(', '.join(sorted(hosts)), 100) or 'its requests'}"
        f"{f'; {ref} names {near}' if near else ''}",
        strength=GOOD if near else LIKELY,
        because=[
            look.at(subject, "/spec"),
            look.lines(case.ref, case.container, hits[-2:], f"{case.resource} logs: {quoted(hits[-1].text)}"),
        ],
        explains=[case.resource],
        right="for the host that is asked for",
    )
