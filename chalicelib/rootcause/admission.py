"""Why pods are refused at creation: quota, LimitRange, ServiceAccount, Pod Security, webhooks.

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
from chalicelib.rootcause.sightings import closed_hook, endpoints, pods_not_created, webhook_down
from chalicelib.state.evidence import Evidence
from chalicelib.state.kinds.pod import Container, PodSpec
from chalicelib.state.meta import LabelSelector, Ref, condition
from chalicelib.state.quantity import quantity
from chalicelib.state.world import pod_requests

ENFORCE = "pod-security.kubernetes.io/enforce"
NAMESPACE_NAME = "kubernetes.io/metadata.name"

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
_WEBHOOK = re.compile(r"failed calling webhook \"([^\"]{1,253})\": ?(.{0,800})", re.I)
_URL = re.compile(r"https?://([a-z0-9-]{1,63})\.([a-z0-9-]{1,63})\.svc", re.I)
_TLS = re.compile(r"x509:|certificate|tls: ", re.I)


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
    found = _SECURITY.search(said) or _POLICY.search(said)
    space = look.snapshot.get("Namespace", "", case.ref.namespace)
    level = space.metadata.labels.get(ENFORCE, "") if space else ""
    if found:
        level, what, strength = found.group(1) or "of the policy", found.group(2), DECISIVE
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


# Webhooks


def _hook_of(name: str, host: tuple[str, str] | None, look: Look) -> tuple[Any, int] | None:
    """The configuration and index of a webhook by its name, else by the Service it calls."""
    for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        for configuration in look.snapshot.of(kind):
            for index, hook in enumerate(configuration.webhooks):
                target = hook.client_config.service
                if hook.name == name or (not name and target and host == (target.name, target.namespace)):
                    return configuration, index
    return None


def blocking_hook(case: Case, look: Look) -> tuple[Any, int] | None:
    """A webhook that fails closed, has no backend, and is asked about pods of this namespace."""
    space = look.snapshot.get("Namespace", "", case.ref.namespace)
    labels = {NAMESPACE_NAME: case.ref.namespace, **(space.metadata.labels if space else {})}
    for kind in ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        for configuration in look.snapshot.of(kind):
            index = closed_hook(configuration, look)
            if index is None:
                continue
            hook = configuration.webhooks[index]
            pods = any(
                set(r.resources) & {"pods", "*", "*/*"} and set(r.operations) & {"CREATE", "*"} for r in hook.rules
            )
            selector: LabelSelector | None = hook.namespace_selector
            if pods and (selector is None or selector.matches(labels)):
                return configuration, index
    return None


def _backend(configuration: Any, index: int, look: Look) -> tuple[Ref | None, list[Ref], list[Evidence]]:
    """(Service, workloads behind it, evidence that it does not serve) of one webhook."""
    target = configuration.webhooks[index].client_config.service
    if target is None:
        return None, [], []
    ref = Ref("Service", target.namespace, target.name)
    gone = look.absent("Service", target.namespace, target.name)
    if gone:
        return ref, [], [gone]
    service = look.snapshot.find(ref)
    if service is None:
        return ref, [], []
    ready, total = endpoints(service, look)
    evidence = [
        look.at(
            service,
            "/spec/selector",
            f"Service {target.namespace}/{target.name} has {ready} of {total} ready endpoints",
        )
    ]
    workloads = look.backing_refs(service)
    stopped = (w for r in workloads if (w := look.workload(r)) is not None and getattr(w.spec, "replicas", None) == 0)
    evidence.extend(look.at(workload, "/spec/replicas") for workload in stopped)
    return ref, workloads, evidence


def _blame_hook(
    configuration: Any,
    index: int,
    look: Look,
    *,
    strength: float,
    why: str,
    cited: list[Evidence],
    explains: list[Ref],
    case: Case,
) -> Finding:
    hook = configuration.webhooks[index]
    service, workloads, evidence = _backend(configuration, index, look)
    own = look.world.ref_of(configuration)
    resource = (
        workloads[0]
        if len(workloads) == 1
        else service
        if service and look.snapshot.find(service) and not workloads
        else own
    )
    stopped = next(
        (w for w in (look.workload(r) for r in workloads) if w is not None and getattr(w.spec, "replicas", None) == 0),
        None,
    )
    state = (
        f"{resource.kind} {_where(resource)} behind it is scaled to zero"
        if stopped is not None
        else f"{_where(service)} has no ready endpoint"
        if service
        else "it does not answer"
    )
    refused = f"; {', '.join(_where(r) for r in explains[:3])} cannot create pods" if explains else ""
    return blame(
        resource,
        f"admission webhook {hook.name} does not answer ({why or state}){refused}",
        strength=strength,
        because=[
            *cited,
            look.at(configuration, f"/webhooks/{index}/clientConfig/{'service' if service else 'url'}"),
            *evidence,
        ],
        chain=(state, f"webhook {hook.name} of {own.name} fails closed", "the API server refuses new pods"),
        explains=[*explains, own, *([service] if service else [])],
        upstream=[*workloads, *([service] if service else [])],
        backend=_where(service) if service else hook.client_config.url or "of the webhook",
        since=case.since,
        critical=True,
    )


def _where(ref: Ref | None) -> str:
    return f"{ref.namespace}/{ref.name}" if ref and ref.namespace else ref.name if ref else ""


@detector("webhook_unavailable_or_slow", symptom=pods_not_created)
def webhook_refuses(case: Case, look: Look) -> Finding | None:
    """Creation fails because an admission webhook cannot be reached or is too slow."""
    said, cited = refusal(case, look)
    found = _WEBHOOK.search(said)
    if found and _TLS.search(found.group(2)):
        return None
    if found:
        url = _URL.search(found.group(2))
        hook = _hook_of(found.group(1), (url.group(1), url.group(2)) if url else None, look)
        if hook:
            return _blame_hook(*hook, look, strength=DECISIVE, why="", cited=cited, explains=[case.resource], case=case)
        resource = Ref("Service", url.group(2), url.group(1)) if url else case.resource
        return blame(
            resource,
            f"admission webhook {quoted(found.group(1), 80)} does not answer; {case.where} cannot create pods",
            strength=STRONG,
            because=cited,
            explains=[case.resource],
            backend=quoted(found.group(1), 80),
            since=case.since,
            missing=("webhook configurations",),
        )
    hook = None if said else blocking_hook(case, look)
    if hook is None:
        return None
    return _blame_hook(*hook, look, strength=STRONG, why="", cited=cited, explains=[case.resource], case=case)


@detector("webhook_tls_mismatch", symptom=pods_not_created)
def webhook_certificate(case: Case, look: Look) -> Finding | None:
    """Creation fails because the API server does not trust the webhook's certificate."""
    said, cited = refusal(case, look)
    found = _WEBHOOK.search(said)
    if not found or not _TLS.search(found.group(2)):
        return None
    hook = _hook_of(found.group(1), None, look)
    resource = look.world.ref_of(hook[0]) if hook else case.resource
    return blame(
        resource,
        "the API server does not trust the certificate of webhook "
        f"{quoted(found.group(1), 80)}; {case.where} cannot create pods",
        strength=DECISIVE,
        because=cited,
        explains=[case.resource],
        since=case.since,
        critical=True,
    )


@detector("webhook_unavailable_or_slow", symptom=webhook_down)
def webhook_without_backend(case: Case, look: Look) -> Finding | None:
    """A webhook that fails closed has no backend: the next write that it guards will be refused."""
    index = closed_hook(case.subject, look)
    if index is None:
        return None
    return _blame_hook(case.subject, index, look, strength=LIKELY, why="", cited=[], explains=[], case=case)


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
