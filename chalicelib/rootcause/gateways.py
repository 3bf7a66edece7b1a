"""Gateway API objects that their controller refuses, and routes that lead requests to the wrong Service."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from chalicelib.rootcause.case import DECISIVE, GOOD, LIKELY, Case, Finding, SymptomType, blame
from chalicelib.rootcause.complaining import goes_on
from chalicelib.rootcause.logs import Line, quoted
from chalicelib.rootcause.look import Look, condition_pointer
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.traffic import about
from chalicelib.state.meta import Condition, Ref

gateway_refused = SymptomType("gateway_refused")
path_not_found = SymptomType("path_not_found")

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
            if key not in seen and goes_on(lines, sample.lines, look) and misroutes(path, look):
                seen.add(key)
                pod = look.snapshot.find(sample.pod)
                text = f"404 for {path}"
                yield Case(
                    path_not_found, sample.owner, pod, sample.pod, text, (sample.pod,), container=sample.container
                )


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
    rules = misroutes(path, look)
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
        f"Ingress {ref.namespace}/{ref.name} leads {quoted(path, 80)} to Service {named}, which answers 404; Service "
        f"{meant} was probably meant",
        strength=GOOD if exact else LIKELY,
        because=[
            look.at(ingress, "/spec/rules"),
            look.lines(case.ref, case.container, lines[-2:], f"{case.resource} answers 404 for {quoted(path, 80)}"),
        ],
        explains=[case.resource],
        right=meant,
    )
