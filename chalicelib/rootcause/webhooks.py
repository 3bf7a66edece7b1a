"""Admission webhooks that do not answer, or whose certificate the API server does not trust."""

from __future__ import annotations

import re
from typing import Any

from chalicelib.rootcause.admission import refusal
from chalicelib.rootcause.case import DECISIVE, LIKELY, STRONG, Case, Finding, blame
from chalicelib.rootcause.logs import quoted
from chalicelib.rootcause.look import Look
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.sightings import closed_hook, pods_not_created, webhook_down
from chalicelib.rootcause.traffic import endpoints
from chalicelib.state.evidence import Evidence
from chalicelib.state.meta import LabelSelector, Ref

NAMESPACE_NAME = "kubernetes.io/metadata.name"

_WEBHOOK = re.compile(r"failed calling webhook \"([^\"]{1,253})\": ?(.{0,800})", re.I)
_URL = re.compile(r"https?://([a-z0-9-]{1,63})\.([a-z0-9-]{1,63})\.svc", re.I)
_TLS = re.compile(r"x509:|certificate|tls: ", re.I)


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
        f"admission webhook {hook.name} does not answer ({state}){refused}",
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


def _behind(service: Ref, look: Look) -> list[Ref]:
    found = look.snapshot.find(service)
    return look.backing_refs(found) if found is not None else []


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
            return _blame_hook(*hook, look, strength=DECISIVE, cited=cited, explains=[case.resource], case=case)
        behind = _behind(Ref("Service", url.group(2), url.group(1)), look) if url else []
        resource = (
            behind[0] if len(behind) == 1 else Ref("Service", url.group(2), url.group(1)) if url else case.resource
        )
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
    return _blame_hook(*hook, look, strength=STRONG, cited=cited, explains=[case.resource], case=case)


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
    return _blame_hook(case.subject, index, look, strength=LIKELY, cited=[], explains=[], case=case)
