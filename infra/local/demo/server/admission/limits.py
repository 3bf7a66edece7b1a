"""LimitRanger: defaults and bounds for containers, pods and claims of a namespace."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from infra.local.demo.server.admission.request import Request
from infra.local.demo.server.errors import forbidden
from infra.local.demo.server.kinds.pod_spec import containers_of
from infra.local.demo.server.quantities import parse, total
from infra.local.demo.server.store import Object


def _items(request: Request, kind: str) -> Iterator[Object]:
    for stored in request.api.store.list(("", "limitranges"), request.namespace):
        for item in (stored.object.get("spec") or {}).get("limits") or ():
            if item.get("type") == kind:
                yield item


def apply_defaults(request: Request) -> None:
    """Fill in requests and limits, and note it in an annotation."""
    if not request.creates_pod or request.object is None:
        return
    notes: list[str] = []
    for item in _items(request, "Container"):
        for kind, listed in (("container", "containers"), ("init container", "initContainers")):
            for container in request.object["spec"].get(listed) or ():
                notes += _default_container(container, kind, item)
    if notes:
        meta = request.object["metadata"]
        text = "LimitRanger plugin set: " + "; ".join(notes)
        meta["annotations"] = {**(meta.get("annotations") or {}), "kubernetes.io/limit-ranger": text}


def _default_container(container: Object, kind: str, item: Object) -> list[str]:
    resources = container.setdefault("resources", {})
    notes = []
    for half, source, word in (("requests", "defaultRequest", "request"), ("limits", "default", "limit")):
        present = dict(resources.get(half) or {})
        added = sorted(name for name in item.get(source) or {} if name not in present)
        for name in added:
            present[name] = item[source][name]
        if added:
            resources[half] = present
            notes.append(f"{', '.join(added)} {word} for {kind} {container['name']}")
    return notes


def check(request: Request) -> None:
    """Bounds; ApiError 403 with every violation."""
    if request.operation != "CREATE" or request.object is None:
        return
    if request.creates_pod:
        problems = _pod_problems(request, request.object["spec"])
    elif request.resource.kind == "PersistentVolumeClaim":
        problems = _claim_problems(request, request.object["spec"])
    else:
        return
    if problems:
        text = problems[0] if len(problems) == 1 else "[" + ", ".join(problems) + "]"
        raise forbidden(request.resource.plural, "", request.name, text)


def _pod_problems(request: Request, spec: Object) -> list[str]:
    found: list[str] = []
    for item in _items(request, "Container"):
        for container in containers_of(spec):
            resources = container.get("resources") or {}
            found += _bounds("Container", resources.get("requests") or {}, resources.get("limits") or {}, item)
    for item in _items(request, "Pod"):
        requests, limits = _sums(spec, "requests"), _sums(spec, "limits")
        found += _bounds("Pod", requests, limits, item)
    return found


def _sums(spec: Object, half: str) -> dict[str, str]:
    names = {name for container in spec["containers"] for name in (container.get("resources") or {}).get(half) or {}}
    return {
        name: str(
            total(
                [((container.get("resources") or {}).get(half) or {}).get(name, 0) for container in spec["containers"]]
            )
        )
        for name in names
    }


def _claim_problems(request: Request, spec: Object) -> list[str]:
    found: list[str] = []
    requests = (spec.get("resources") or {}).get("requests") or {}
    for item in _items(request, "PersistentVolumeClaim"):
        found += _bounds("PersistentVolumeClaim", requests, requests, item)
    return found


def _bounds(kind: str, requests: Object, limits: Object, item: Object) -> list[str]:
    found = []
    for name, bound in (item.get("min") or {}).items():
        given = requests.get(name)
        if given is None:
            found.append(f"minimum {name} usage per {kind} is {bound}.  No request is specified")
        elif _number(given) < _number(bound):
            found.append(f"minimum {name} usage per {kind} is {bound}, but request is {given}")
    for name, bound in (item.get("max") or {}).items():
        given = limits.get(name)
        if given is None:
            found.append(f"maximum {name} usage per {kind} is {bound}.  No limit is specified")
        elif _number(given) > _number(bound):
            found.append(f"maximum {name} usage per {kind} is {bound}, but limit is {given}")
    for name, bound in (item.get("maxLimitRequestRatio") or {}).items():
        if name in limits and name in requests and _number(requests[name]):
            ratio = _number(limits[name]) / _number(requests[name])
            if ratio > _number(bound):
                found.append(
                    f"{name} max limit to request ratio per {kind} is {bound}, but provided ratio is {ratio:f}"
                )
    return found


def _number(amount: object) -> Decimal:
    return parse(amount) or Decimal(0)
