"""Quotas and limits: whether the pods that controllers will create are within what the namespace may have.

The API server counts a quota only when a pod is created, so scaling a Deployment over quota is accepted and then never
happens. What a pod counts follows kubernetes/pkg/quota/v1/evaluator/core/pods.go and the LimitRange defaults of
plugin/pkg/admission/limitranger.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chalicelib.safety.checks.registry import Proposal, check, say, unread, where
from chalicelib.safety.effects import NewPods
from chalicelib.safety.model import Check
from chalicelib.state.kinds.configuration import ResourceQuota, ScopeRequirement
from chalicelib.state.kinds.pod_spec import Container, PodSpec
from chalicelib.state.meta import Ref
from chalicelib.state.quantity import format_bytes, format_cores, quantity
from chalicelib.state.world import World

_PODS = ("pods", "count/pods")
_COMPUTE = ("cpu", "memory", "ephemeral-storage")


@check("quota")
def quota(proposal: Proposal) -> Iterator[Check]:
    """Is there room in the namespace's ResourceQuotas for the pods and claims that will be created?"""
    for namespace in proposal.namespaces:
        if gap := unread(proposal, "quota", "ResourceQuota", namespace=namespace):
            yield gap
            continue
        quotas = [q for q in proposal.world.snapshot.of("ResourceQuota") if q.metadata.namespace == namespace]
        demand = _demand(proposal, namespace)
        problems = [text for q in quotas for text in _exceeded(q, demand)]
        for text in problems:
            yield say(
                "quota", "block", text, "Ask for less, free quota in the namespace, or raise the quota.",
                namespace=namespace,
            )  # fmt: skip
        if quotas and not problems:
            yield say("quota", "ok", f"It fits into the {len(quotas)} quota{'s' * (len(quotas) > 1)} of {namespace}.")


@dataclass(slots=True)
class Rollout:
    """How one template's pods change what is used: each new pod, each old one, and how they alternate."""

    name: str
    spec: PodSpec
    new: dict[str, float]
    old: list[dict[str, float]]
    added: int
    surge: int
    unavailable: int
    best_effort: bool
    terminating: bool


@dataclass(slots=True)
class Demand:
    rollouts: list[Rollout] = field(default_factory=list)
    freed: list[tuple[PodSpec, dict[str, float]]] = field(default_factory=list)
    claims: int = 0
    storage: float = 0.0


def _demand(proposal: Proposal, namespace: str) -> Demand:
    world, found = proposal.world, Demand()
    for ref in proposal.all.lost:
        pod = world.snapshot.find(ref)
        if pod is not None and ref.namespace == namespace:
            found.freed.append((pod.spec, counted(pod.spec)))
    for start in proposal.starts_in(namespace):
        spec = with_defaults(world, namespace, start.template.spec)
        old = [counted(pod.spec) for pod in map(world.snapshot.find, start.old) if pod is not None]
        found.rollouts.append(
            Rollout(
                where(start.owner), spec, counted(spec), old, _count(proposal, start) - start.replaces,
                start.surge, start.unavailable, _best_effort(spec), _terminating(start),
            )
        )  # fmt: skip
        number, size = _claims(proposal, start)
        found.claims += number
        found.storage += size
    return found


def _count(proposal: Proposal, start: NewPods) -> int:
    if not start.per_node or start.replaces:
        return start.count
    return len(proposal.world.snapshot.of("Node"))


def _exceeded(quota: ResourceQuota, demand: Demand) -> Iterator[str]:
    hard = quota.status.hard or quota.spec.hard
    used = quota.status.used
    name = f"Quota {quota.metadata.namespace}/{quota.metadata.name}"
    rollouts = [r for r in demand.rollouts if in_scope(quota, r.spec, best_effort=r.best_effort, ends=r.terminating)]
    freed = [use for spec, use in demand.freed if in_scope(quota, spec, best_effort=_best_effort(spec), ends=False)]
    for resource, limit in sorted(hard.items()):
        room = quantity(limit) - quantity(used.get(resource)) + sum(_of(use, resource) for use in freed)
        if resource in ("persistentvolumeclaims", "count/persistentvolumeclaims"):
            if demand.claims > room:
                yield f"{name} leaves room for {room:g} claims, and {demand.claims} would be created."
            continue
        if resource == "requests.storage":
            if demand.storage > room + 1:
                size = format_bytes(demand.storage)
                yield f"{name} leaves {format_bytes(room)} of storage, and claims of {size} would be created."
            continue
        for rollout in rollouts:
            need = _needed(rollout, resource)
            if need is None:
                yield f"{name} limits {resource}, so every pod has to state it; those of {rollout.name} do not."
            elif need > room + 1e-6:
                left, whole = _shown(resource, room), _shown(resource, quantity(limit))
                more = _shown(resource, need)
                yield f"{name} leaves {left} of {whole} {resource}, and {rollout.name} would need {more} more."
            else:
                room -= max(need, 0.0)


def _needed(rollout: Rollout, resource: str) -> float | None:
    """How much more of a resource has to be free for the rollout to come to its end; None when pods must state it.

    With maxUnavailable an old pod goes before its successor comes; with surge alone one new pod must fit beside all.
    """
    each = _of(rollout.new, resource)
    if _must_state(resource) and each == 0 and not _stated(rollout.spec, resource):
        return None
    grown = sum(each - _of(old, resource) for old in rollout.old)
    final = each * rollout.added + grown
    if not rollout.old:
        return final
    beside = each if not rollout.unavailable else each - max(_of(old, resource) for old in rollout.old)
    return max(final, beside + each * rollout.added)


def _must_state(resource: str) -> bool:
    return resource.removeprefix("requests.").removeprefix("limits.") in _COMPUTE


def _stated(spec: PodSpec, resource: str) -> bool:
    side, _, name = resource.rpartition(".")
    return all(
        (c.resources.limits if side == "limits" else c.resources.requests).get(name) is not None
        for c in spec.containers
    )


def _of(use: dict[str, float], resource: str) -> float:
    if resource in _PODS:
        return use["pods"]
    stated = resource if resource.startswith(("requests.", "limits.")) else f"requests.{resource}"
    return use.get(stated, 0.0)


def counted(spec: PodSpec) -> dict[str, float]:
    """What one pod counts: `requests.cpu`, `limits.memory`, ..., `pods`."""
    found: dict[str, float] = {"pods": 1.0}
    for side in ("requests", "limits"):
        names = {name for c in spec.all_containers for name in _side(c, side)}
        for name in names:
            running = sum(quantity(_side(c, side).get(name)) for c in spec.containers)
            sidecars = sum(
                quantity(_side(c, side).get(name)) for c in spec.init_containers if c.restart_policy == "Always"
            )
            first = max((quantity(_side(c, side).get(name)) for c in spec.init_containers), default=0.0)
            found[f"{side}.{name}"] = max(running + sidecars, first) + quantity(spec.overhead.get(name))
    return found


def _side(container: Container, side: str) -> dict[str, Any]:
    return container.resources.requests if side == "requests" else container.resources.limits


def with_defaults(world: World, namespace: str, spec: PodSpec) -> PodSpec:
    """A pod spec with the LimitRange defaults that admission will add; a limit without request is the request."""
    import msgspec

    items = [
        item
        for one in world.snapshot.of("LimitRange")
        if one.metadata.namespace == namespace
        for item in one.spec.limits
        if item.type == "Container"
    ]

    def filled(container: Container) -> Container:
        limits, requests = dict(container.resources.limits), dict(container.resources.requests)
        for name, value in limits.items():
            requests.setdefault(name, value)
        for item in items:
            for name, value in item.default.items():
                limits.setdefault(name, value)
            for name, value in {**item.default, **item.default_request}.items():
                requests.setdefault(name, value)
        resources = msgspec.structs.replace(container.resources, limits=limits, requests=requests)
        return msgspec.structs.replace(container, resources=resources)

    return msgspec.structs.replace(
        spec,
        containers=[filled(c) for c in spec.containers],
        init_containers=[filled(c) for c in spec.init_containers],
    )


def in_scope(quota: ResourceQuota, spec: PodSpec, *, best_effort: bool, ends: bool) -> bool:
    """Whether a quota counts a pod: all of its scopes have to hold."""
    selector = quota.spec.scope_selector
    wanted = [ScopeRequirement(scope_name=s, operator="Exists") for s in quota.spec.scopes]
    for scope in (*wanted, *(selector.match_expressions if selector else ())):
        match scope.scope_name:
            case "BestEffort":
                holds = best_effort
            case "NotBestEffort":
                holds = not best_effort
            case "Terminating":
                holds = ends
            case "NotTerminating":
                holds = not ends
            case "PriorityClass":
                name = spec.priority_class_name
                holds = _priority(scope, name)
            case "CrossNamespacePodAffinity":
                holds = False
            case _:
                holds = True
        if not holds:
            return False
    return True


def _priority(scope: ScopeRequirement, name: str) -> bool:
    if scope.operator == "In":
        return name in scope.values
    if scope.operator == "NotIn":
        return name not in scope.values
    return bool(name) if scope.operator in ("Exists", "") else not name


def _best_effort(spec: PodSpec) -> bool:
    return not any(c.resources.requests or c.resources.limits for c in spec.all_containers)


def _terminating(start: NewPods) -> bool:
    return (start.raw.get("spec") or {}).get("activeDeadlineSeconds") is not None


def _claims(proposal: Proposal, start: NewPods) -> tuple[int, float]:
    """(number, bytes) of claims that a StatefulSet makes for pods it did not have before."""
    if start.owner.kind != "StatefulSet":
        return 0, 0.0
    effect = next(e for e in proposal.effects if e.ref == start.owner)
    templates = (effect.after or {}).get("spec", {}).get("volumeClaimTemplates") or []
    wanted = (effect.after or {}).get("spec", {}).get("replicas", 1)
    number, size = 0, 0.0
    for template in templates:
        for ordinal in range(wanted):
            name = f"{template['metadata']['name']}-{start.owner.name}-{ordinal}"
            if proposal.world.snapshot.find(Ref("PersistentVolumeClaim", start.owner.namespace, name)) is None:
                number += 1
                size += quantity(((template["spec"].get("resources") or {}).get("requests") or {}).get("storage"))
    return number, size


def _shown(resource: str, value: float) -> str:
    if "cpu" in resource:
        return format_cores(max(value, 0.0)) or "0"
    if "memory" in resource or "storage" in resource:
        return format_bytes(max(value, 0.0))
    return f"{max(value, 0.0):g}"


@check("limit_range")
def limit_range(proposal: Proposal) -> Iterator[Check]:
    """Are the new pods' requests and limits within the namespace's LimitRanges?"""
    for start in proposal.all.starts:
        namespace = start.owner.namespace
        if gap := unread(proposal, "limit_range", "LimitRange", namespace=namespace):
            yield gap
            continue
        spec = with_defaults(proposal.world, namespace, start.template.spec)
        for one in proposal.world.snapshot.of("LimitRange"):
            if one.metadata.namespace != namespace:
                continue
            for item in one.spec.limits:
                for text in _violations(item, spec):
                    yield say(
                        "limit_range", "block",
                        f"LimitRange {one.metadata.name} would refuse pods of {where(start.owner)}: {text}.",
                        "Keep to its bounds, or change the LimitRange.",
                    )  # fmt: skip


def _violations(item: Any, spec: PodSpec) -> Iterator[str]:
    if item.type == "Container":
        subjects = [(f"container {c.name}", c.resources.requests, c.resources.limits) for c in spec.containers]
    elif item.type == "Pod":
        use = counted(spec)
        sides = [
            {name.partition(".")[2]: value for name, value in use.items() if name.startswith(f"{side}.")}
            for side in ("requests", "limits")
        ]
        subjects = [("the pod", sides[0], sides[1])]  # type: ignore[list-item]
    else:
        return
    for subject, requests, limits in subjects:
        for name, least in item.min.items():
            if name not in requests or quantity(requests[name]) < quantity(least):
                yield f"{subject} asks for less {name} than {least}"
        for name, most in item.max.items():
            if name not in limits or quantity(limits[name]) > quantity(most):
                yield f"{subject} has no {name} limit of at most {most}"
        for name, ratio in item.max_limit_request_ratio.items():
            asked = quantity(requests.get(name))
            if asked and quantity(limits.get(name)) / asked > quantity(ratio) + 1e-9:
                yield f"{subject} has a {name} limit more than {ratio} times its request"
