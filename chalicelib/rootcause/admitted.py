"""Pods that others changed: pushed aside by a higher priority, or altered on their way in."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.rootcause.case import DECISIVE, GOOD, LIKELY, Case, Finding, blame
from chalicelib.rootcause.look import Look, condition_pointer, container_pointer
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.symptoms import container_crashing, pod_evicted, pod_not_ready, pod_pending
from chalicelib.state.kinds.admission import Webhook
from chalicelib.state.kinds.cluster import Event
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.meta import Ref, condition
from chalicelib.state.quantity import quantity

# Pods pushed aside


def preemption(workload: Ref, namespace: str, look: Look) -> Event | None:
    """The newest event that says that a pod of this workload was preempted; the pod itself may be gone."""
    events = look.once("preempted", Ref("", namespace, ""), lambda: _preemptions(namespace, look))
    for event in events:
        name = event.involved_object.name
        if look.owner(event.ref) == workload or name.startswith(f"{workload.name}-"):
            return event
    return None


def _preemptions(namespace: str, look: Look) -> list[Event]:
    found = [
        e
        for e in look.snapshot.of("Event")
        if e.reason in ("Preempted", "Preempting")
        and e.metadata.namespace == namespace
        and e.last_seen is not None
        and look.age(e.last_seen) < timedelta(hours=1)
    ]
    return sorted(found, key=lambda e: (e.last_seen is None, e.last_seen, e.metadata.name), reverse=True)


@detector("preempted_by_priority", symptom=(pod_pending, pod_evicted))
def preempted_by_priority(case: Case, look: Look) -> Finding | None:
    """Pods of a higher priority took the place of this workload's pods."""
    event = preemption(case.resource, case.ref.namespace, look)
    target = condition(case.pod.status.conditions, "DisruptionTarget")
    told = target is not None and target.true and target.reason == "PreemptionByScheduler"
    if event is None and not told and case.pod.status.reason != "Preempting":
        return None
    return blame(
        case.resource,
        f"{case.where} was pushed aside: pods of a higher priority took its place, and there is no room for it now",
        strength=DECISIVE,
        because=[
            look.event(event),
            look.at(case.pod, condition_pointer(case.pod, "DisruptionTarget")) if told else None,
            look.at(case.pod, "/spec/priority"),
        ],
        since=case.since,
    )


# Pods altered on their way in


def rewritten_limits(pod: Pod, container: str, look: Look) -> tuple[str, str, str] | None:
    """(resource, wanted, given) of a limit that is lower in the pod than in its template."""
    owner = pod.metadata.controller
    workload = look.snapshot.get(owner.kind, pod.metadata.namespace, owner.name) if owner else None
    template = look.template(workload) if workload is not None else None
    wanted = next((c for c in template.containers if c.name == container), None) if template else None
    given = next((c for c in pod.spec.containers if c.name == container), None)
    if wanted is None or given is None or "vpaUpdates" in pod.metadata.annotations:
        return None
    for resource in ("memory", "cpu"):
        before, after = wanted.resources.limits.get(resource), given.resources.limits.get(resource)
        lowered = after is not None and (before is None or quantity(after) < quantity(before))
        if lowered and not _defaulted(before, resource, pod, look):
            return resource, str(before if before is not None else "none"), str(after)
    return None


def _defaulted(before: object, resource: str, pod: Pod, look: Look) -> bool:
    """Whether a LimitRange gives containers without a limit one."""
    return before is None and any(
        resource in item.default
        for limits in look.snapshot.of("LimitRange")
        if limits.metadata.namespace == pod.metadata.namespace
        for item in limits.spec.limits
    )


def _alters(hook: Webhook, pod: Pod, look: Look) -> bool:
    """Whether a mutating webhook is called for a pod."""
    space = look.snapshot.get("Namespace", "", pod.metadata.namespace)
    return (
        any({"pods", "*", "*/*"} & set(rule.resources) for rule in hook.rules)
        and (hook.object_selector is None or hook.object_selector.matches(pod.metadata.labels))
        and (hook.namespace_selector is None or space is None or hook.namespace_selector.matches(space.metadata.labels))
    )


def rewritten_requests(pod: Pod, look: Look) -> tuple[str, str, str, str] | None:
    """(container, resource, wanted, given) of a request that is higher in the pod than in its template."""
    owner = pod.metadata.controller
    workload = look.snapshot.get(owner.kind, pod.metadata.namespace, owner.name) if owner else None
    template = look.template(workload) if workload is not None else None
    wanted = {c.name: c for c in template.containers} if template is not None else {}
    for given in pod.spec.containers if "vpaUpdates" not in pod.metadata.annotations else ():
        for resource in ("cpu", "memory") if given.name in wanted else ():
            before = wanted[given.name].resources.requests.get(resource)
            before = wanted[given.name].resources.limits.get(resource) if before is None else before
            after = given.resources.requests.get(resource)
            if before is not None and after is not None and quantity(after) > quantity(before):
                return given.name, resource, str(before), str(after)
    return None


@detector("limits_rewritten_by_webhook", symptom=pod_pending)
def requests_rewritten_by_webhook(case: Case, look: Look) -> Finding | None:
    """The pod requests more than its template: a mutating webhook raised it on admission, and no node has that much."""
    found = rewritten_requests(case.pod, look)
    hooks = [
        look.world.ref_of(c)
        for c in look.snapshot.of("MutatingWebhookConfiguration")
        if any(_alters(hook, case.pod, look) for hook in c.webhooks)
    ]
    if found is None:
        return None
    container, resource, wanted, given = found
    hook = hooks[0] if len(hooks) == 1 else None
    name = f"webhook {hook.name}" if hook else "a mutating webhook"
    return blame(
        hook or case.resource,
        f"{case.where} requests {given} of {resource} instead of {wanted}: {name} rewrites it on admission",
        strength=DECISIVE if hooks else LIKELY,
        because=[
            look.at(case.pod, container_pointer(case.pod.spec, container, f"/resources/requests/{resource}")),
            look.at(look.snapshot.find(hook), "/webhooks") if hook else None,
        ],
        explains=[case.resource],
        container=container,
        webhook=hook.name if hook else "",
        since=case.since,
        missing=() if hooks else ("mutating webhook configurations",),
    )


@detector("limits_rewritten_by_webhook", symptom=(container_crashing, pod_not_ready))
def limits_rewritten_by_webhook(case: Case, look: Look) -> Finding | None:
    """The pod's limits are not those of its template: a mutating webhook lowered them on admission."""
    found = rewritten_limits(case.pod, case.container, look)
    if found is None:
        return None
    resource, wanted, given = found
    ended = case.status.last_state.terminated or case.status.state.terminated
    by_memory = resource == "memory" and ended is not None and ended.exit_code == 137
    hooks = [
        look.world.ref_of(c)
        for c in look.snapshot.of("MutatingWebhookConfiguration")
        if any(_alters(hook, case.pod, look) for hook in c.webhooks)
    ]
    hook = hooks[0] if len(hooks) == 1 else None
    name = f"webhook {hook.name}" if hook else "a mutating webhook"
    return blame(
        hook or case.resource,
        f"{case.where} runs with a {resource} limit of {given} instead of {wanted}: {name} rewrites it on admission",
        strength=DECISIVE if by_memory and hooks else GOOD if by_memory else LIKELY,
        because=[
            look.at(case.pod, container_pointer(case.pod.spec, case.container, f"/resources/limits/{resource}")),
            look.at(look.snapshot.find(hook), "/webhooks") if hook else None,
            look.at(case.pod, "/metadata/ownerReferences"),
        ],
        chain=(
            f"{name} sets the {resource} limit of container {case.container} to {given}",
            "the container needs more than that",
            f"{case.where} is killed again and again",
        ),
        explains=[case.resource],
        container=case.container,
        webhook=hook.name if hook else "",
        since=case.since,
        missing=() if hooks else ("mutating webhook configurations",),
    )
