"""Why pods are refused at creation: quota, LimitRange, ServiceAccount, Pod Security.

The API server's message is kept in the controller's ReplicaFailure condition and in FailedCreate events. Where both are
gone, the same rules are evaluated on the pod template and the namespace's objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from chalicelib.rootcause.case import DECISIVE, GOOD, LIKELY, STRONG, Case, Finding, blame
from chalicelib.rootcause.logs import quoted
from chalicelib.rootcause.look import Look, condition_pointer, escape
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.sightings import pods_not_created
from chalicelib.state.evidence import Evidence
from chalicelib.state.kinds.pod_spec import Container, PodSpec
from chalicelib.state.meta import condition
from chalicelib.state.quantity import quantity
from chalicelib.state.world import pod_requests

ENFORCE = "pod-security.kubernetes.io/enforce"

_QUOTA = re.compile(
    r"exceeded quota: ([\w.-]{1,253}), requested: (.{1,500}?), used: (.{1,500}?), limited: (.{1,500})", re.I
)
_MUST_SPECIFY = re.compile(r"failed quota: ([\w.-]{1,253}): must specify (.{1,300})", re.I)
_LIMIT_RANGE = re.compile(
    r"(?:maximum|minimum) [\w./-]{1,80} usage per \w{1,20} is [^,\]]{1,60}(?:, but (?:limit|"
    r"request) is [^,\]]{1,40}|\. +No (?:limit|request) is specified)|"
    r"[\w./-]{1,80} max limit to request ratio per \w{1,20} is [^\]]{1,120}",
    re.I,
)
_ACCOUNT = re.compile(
    r"error looking up service account ([a-z0-9-]{1,63})/([^:\s]{1,253}):|"
    r"serviceaccounts? \"([^\"]{1,253})\" not found",
    re.I,
)
_SECURITY = re.compile(r"violates PodSecurity \"([\w:.-]{1,60})\": ?(.{0,600})", re.I)
_POLICY = re.compile(
    r"unable to (?:admit pod|"
    r"validate against any (?:pod )?security (?:context constraint|polic\w{1,3})):? ?()(.{0,600})",
    re.I,
)


_DENIED = re.compile(r"admission webhook \"([^\"]{1,253})\" denied the request: ?(.{0,600})", re.I | re.S)
_HARDENING = re.compile(
    r"privileged|privilege.?escalation|run.?as.?non.?root|run.?as.?user|root user|host.?(?:path|network|pid|ipc|port)|"
    r"capabilit|seccomp|read.?only.?root|security.?context|pod.?security",
    re.I,
)


def _denial(said: str) -> re.Match[str] | None:
    """A policy engine's denial that speaks of pod security; other denials have no failure mode of their own."""
    found = _DENIED.search(said)
    return found if found and _HARDENING.search(found.group(2)) else None


def refusal(case: Case, look: Look) -> tuple[str, list[Evidence]]:
    """What the API server answered to the controller, newest first: FailedCreate events, else the condition."""
    event = next(
        (e for e in look.events(case.ref, "FailedCreate") if "orbidden" in e.message or "rror" in e.message), None
    )
    cited: list[Evidence] = []
    said = ""
    if event is not None:
        said = event.message
        cited += [found] if (found := look.event(event)) else []
    for obj in (case.subject, case.workload):
        conditions = getattr(getattr(obj, "status", None), "conditions", [])
        failure = condition(conditions, "ReplicaFailure")
        if failure and failure.true:
            said = said or failure.message
            cited.append(look.at(obj, condition_pointer(obj, "ReplicaFailure", "/message")))
            break
    return said[:4000], cited


def _lacking(case: Case) -> str:
    ready = getattr(getattr(case.workload, "status", None), "ready_replicas", 0)
    return f"{case.text}" + (f", {ready} old ones still run" if ready else "")


# Quota


def _quota_key(resource: str) -> str:
    """The mode that a quota's resource name belongs to."""
    name = resource.lower()
    if name == "pods" or name.startswith(("count/pods", "count/replicasets", "count/jobs", "count/deployments")):
        return "quota_pods"
    if ("storage" in name and "ephemeral" not in name) or "persistentvolumeclaims" in name:
        return "quota_storage"
    if name.startswith(("services", "count/services")):
        return "quota_services"
    return "quota_memory" if name.endswith("memory") else "quota_cpu" if name.endswith("cpu") else "quota_pods"


def _quota_refusal(case: Case, look: Look) -> tuple[str, str, str, float, list[Evidence]] | None:
    """(mode, quota, explanation, strength, evidence) of a refusal by quota, said or computed."""
    said, cited = refusal(case, look)
    found = _QUOTA.search(said)
    if found:
        name, wanted, used, limited = found.groups()
        first = wanted.split("=")[0].split(",")[-1].strip()
        text = (
            f"quota {name} is used up (requested {quoted(wanted, 80)}, used "
            f"{quoted(used, 80)} of {quoted(limited, 80)})"
        )
        return _quota_key(first), name, text, DECISIVE, cited + _quota_evidence(case, look, name, first)
    must = _MUST_SPECIFY.search(said)
    if must:
        name, what = must.groups()
        first = re.split(r"[,; ]", what.strip())[0]
        return (
            _quota_key(first),
            name,
            f"quota {name} demands that every container specifies {quoted(what, 80)}",
            STRONG,
            cited,
        )
    if said:
        return None
    return _computed_quota(case, look)


def _quota_evidence(case: Case, look: Look, name: str, resource: str) -> list[Evidence]:
    quota = look.snapshot.get("ResourceQuota", case.ref.namespace, name)
    if quota is None:
        return []
    return [
        look.at(quota, f"/status/{part}/{escape(resource)}")
        for part, values in (("hard", quota.status.hard), ("used", quota.status.used))
        if resource in values
    ]


def _computed_quota(case: Case, look: Look) -> tuple[str, str, str, float, list[Evidence]] | None:
    spec = look.template(case.subject)
    if spec is None:
        return None
    cpu, memory = pod_requests(spec)
    need = {
        "requests.cpu": cpu,
        "cpu": cpu,
        "requests.memory": memory,
        "memory": memory,
        "pods": 1.0,
        "count/pods": 1.0,
    }
    need["limits.cpu"] = sum(quantity(c.resources.limits.get("cpu")) for c in spec.containers)
    need["limits.memory"] = sum(quantity(c.resources.limits.get("memory")) for c in spec.containers)
    for quota in look.snapshot.of("ResourceQuota"):
        if quota.metadata.namespace != case.ref.namespace or quota.spec.scopes:
            continue
        for resource, hard in sorted(quota.status.hard.items()):
            used = quantity(quota.status.used.get(resource))
            if need.get(resource, 0.0) > 0 and used + need[resource] > quantity(hard) + 1e-9:
                name = quota.metadata.name
                text = (
                    f"quota {name} has no {resource} left for one more pod "
                    f"({quota.status.used.get(resource)} of {hard} used)"
                )
                return _quota_key(resource), name, text, STRONG, _quota_evidence(case, look, name, resource)
    return None


def _quota(case: Case, look: Look, mode: str) -> Finding | None:
    found = look.once("quota", case.ref, lambda: _quota_refusal(case, look))
    if found is None or found[0] != mode:
        return None
    _, name, text, strength, cited = found
    return blame(
        case.resource,
        f"{case.where} cannot create pods: {text}; {_lacking(case)}",
        strength=strength,
        because=cited,
        quota=name,
        since=case.since,
    )


@detector("quota_cpu", symptom=pods_not_created)
def quota_cpu(case: Case, look: Look) -> Finding | None:
    """The namespace's quota has no CPU left for another pod."""
    return _quota(case, look, "quota_cpu")


@detector("quota_memory", symptom=pods_not_created)
def quota_memory(case: Case, look: Look) -> Finding | None:
    """The namespace's quota has no memory left for another pod."""
    return _quota(case, look, "quota_memory")


@detector("quota_pods", symptom=pods_not_created)
def quota_pods(case: Case, look: Look) -> Finding | None:
    """The namespace's quota allows no further pod."""
    return _quota(case, look, "quota_pods")


@detector("quota_storage", symptom=pods_not_created)
def quota_storage(case: Case, look: Look) -> Finding | None:
    """The namespace's quota allows no further volume claim for the next replica."""
    return _quota(case, look, "quota_storage")


def full_of_services(quota: Any) -> str:
    """The resource name of a quota on Services that is used up; empty when there is none."""
    hard, used = quota.status.hard or quota.spec.hard, quota.status.used
    return next(
        (
            name
            for name in sorted(hard)
            if name in ("services", "count/services") and quantity(used.get(name)) >= quantity(hard[name])
        ),
        "",
    )


# LimitRange, ServiceAccount, Pod Security


@detector("limitrange_violation", symptom=pods_not_created)
def limitrange_violation(case: Case, look: Look) -> Finding | None:
    """A container's resources lie outside what a LimitRange allows."""
    said, cited = refusal(case, look)
    found = _LIMIT_RANGE.search(said)
    if found:
        text, strength = quoted(found.group(0), 140), DECISIVE
    elif said:
        return None
    else:
        computed = next(_outside_limits(case, look), None)
        if computed is None:
            return None
        text, evidence = computed
        strength, cited = STRONG, [evidence]
    ranges = [r.metadata.name for r in look.snapshot.of("LimitRange") if r.metadata.namespace == case.ref.namespace]
    return blame(
        case.resource,
        f"{case.where} cannot create pods: the namespace's LimitRange refuses them ({text}); {_lacking(case)}",
        strength=strength,
        because=cited,
        limit_range=", ".join(ranges) or "of the namespace",
        since=case.since,
    )


def _outside_limits(case: Case, look: Look) -> Iterator[tuple[str, Evidence]]:
    spec = look.template(case.subject)
    for limits in look.snapshot.of("LimitRange"):
        if limits.metadata.namespace != case.ref.namespace or spec is None:
            continue
        for index, item in enumerate(limits.spec.limits):
            for container in spec.containers if item.type == "Container" else ():
                yield from _container_outside(container, limits, item, index, look)


def _container_outside(
    container: Container, limits: Any, item: Any, index: int, look: Look
) -> Iterator[tuple[str, Evidence]]:
    for resource, most in sorted(item.max.items()):
        limit = container.resources.limits.get(resource)
        if limit is not None and quantity(limit) > quantity(most):
            yield (
                f"maximum {resource} per Container is {most}, but limit is {limit}",
                look.at(limits, f"/spec/limits/{index}/max/{escape(resource)}"),
            )
    for resource, least in sorted(item.min.items()):
        request = container.resources.requests.get(resource)
        if request is not None and quantity(request) < quantity(least):
            yield (
                f"minimum {resource} per Container is {least}, but request is {request}",
                look.at(limits, f"/spec/limits/{index}/min/{escape(resource)}"),
            )


@detector("service_account_missing", symptom=pods_not_created)
def service_account_missing(case: Case, look: Look) -> Finding | None:
    """The pod template names a ServiceAccount that does not exist."""
    spec = look.template(case.subject)
    said, cited = refusal(case, look)
    found = _ACCOUNT.search(said)
    name = (spec.service_account_name if spec else "") or ((found.group(2) or found.group(3)) if found else "")
    if not name or (name == "default" and not found):
        return None
    gone = look.absent("ServiceAccount", case.ref.namespace, name)
    if gone is None and (not found or look.snapshot.was_read("ServiceAccount", case.ref.namespace)):
        return None
    if said and not found:
        return None
    pointer = (
        "/spec/template/spec/serviceAccountName"
        if spec and spec.service_account_name and case.subject.__class__.__name__ != "Job"
        else ""
    )
    return blame(
        case.resource,
        f"{case.where} cannot create pods: its ServiceAccount {quoted(name, 80)} does not exist; {_lacking(case)}",
        strength=DECISIVE if found else STRONG,
        because=[look.at(case.subject, pointer) if pointer else None, gone, *(cited if found else [])],
        account=name,
        since=case.since,
    )


@detector("psa_rejects_recreate", symptom=pods_not_created)
def psa_rejects(case: Case, look: Look) -> Finding | None:
    """Pod Security admission of the namespace forbids what the pod template asks for; running pods stay."""
    said, cited = refusal(case, look)
    found = _SECURITY.search(said) or _POLICY.search(said) or _denial(said)
    space = look.snapshot.get("Namespace", "", case.ref.namespace)
    level = space.metadata.labels.get(ENFORCE, "") if space else ""
    if found:
        level, what = found.group(1) or "of the policy", found.group(2)
        strength = GOOD if found.re is _DENIED else DECISIVE
    elif said or level not in ("baseline", "restricted"):
        return None
    else:
        spec = look.template(case.subject)
        what = ", ".join(baseline_violations(spec)) if spec else ""
        strength = STRONG
        if not what:
            return None
    label = (
        look.at(space, f"/metadata/labels/{escape(ENFORCE)}") if space and ENFORCE in space.metadata.labels else None
    )
    return blame(
        case.resource,
        f"{case.where} cannot create pods: Pod Security level {level} forbids "
        f"them ({quoted(what, 120)}); {_lacking(case)}",
        strength=strength,
        because=[*cited, label],
        level=level,
        violations=quoted(what, 160),
        since=case.since,
    )


def baseline_violations(spec: PodSpec) -> list[str]:
    """What of a pod template the baseline level forbids, among the fields that are read."""
    found = [
        f"{name}=true"
        for name, used in (("hostNetwork", spec.host_network), ("hostPID", spec.host_pid), ("hostIPC", spec.host_ipc))
        if used
    ]
    found += [f"hostPath volume {v.name}" for v in spec.volumes if v.host_path]
    for container in spec.all_containers:
        context = container.security_context
        if context and context.privileged:
            found.append(f"privileged container {container.name}")
        if any(p.host_port for p in container.ports):
            found.append(f"hostPort of container {container.name}")
    return found


@detector("rollout_stuck", symptom=pods_not_created)
def creation_refused(case: Case, look: Look) -> Finding | None:
    """Pods are refused for a reason of its own, such as a policy's denial."""
    said, cited = refusal(case, look)
    if not said:
        return None
    strength = GOOD if "denied the request" in said else LIKELY
    return blame(
        case.resource,
        f"{case.where} cannot create pods: {quoted(said, 180)}; {_lacking(case)}",
        strength=strength,
        because=cited,
        since=case.since,
    )
