"""Admission webhooks: nothing runs in this cluster that could answer one, so only their failure is real."""

from __future__ import annotations

from infra.local.demo.server.admission.request import Request
from infra.local.demo.server.errors import ApiError, internal
from infra.local.demo.server.selectors import selector_matches
from infra.local.demo.server.store import Object


def call(request: Request, *, mutating: bool) -> None:
    """Fail, as the real server does, where a webhook with failurePolicy Fail has no endpoints."""
    group = "admissionregistration.k8s.io"
    if request.resource.group == group:
        return
    plural = "mutatingwebhookconfigurations" if mutating else "validatingwebhookconfigurations"
    for stored in request.api.store.list((group, plural)):
        for hook in stored.object.get("webhooks") or ():
            if _concerns(hook, request) and hook.get("failurePolicy") == "Fail":
                raise _failure(request, hook)


def _concerns(hook: Object, request: Request) -> bool:
    if not any(_rule_matches(rule, request) for rule in hook.get("rules") or ()):
        return False
    labels: Object = {}
    if request.namespace:
        namespace = request.api.store.get(("", "namespaces"), "", request.namespace)
        labels = (namespace.object["metadata"].get("labels") or {}) if namespace else {}
        if not selector_matches(hook.get("namespaceSelector") or {}, labels):
            return False
    subject = request.object or request.old or {}
    return selector_matches(hook.get("objectSelector") or {}, (subject.get("metadata") or {}).get("labels") or {})


def _rule_matches(rule: Object, request: Request) -> bool:
    plural = request.resource.plural + (f"/{request.subresource}" if request.subresource else "")
    resources = rule.get("resources") or ()
    scope = rule.get("scope", "*")
    return (
        _listed(rule.get("operations"), request.operation)
        and _listed(rule.get("apiGroups"), request.resource.group)
        and _listed(rule.get("apiVersions"), request.resource.version)
        and (plural in resources or "*/*" in resources or ("*" in resources and not request.subresource))
        and (scope == "*" or (scope == "Namespaced") == request.resource.namespaced)
    )


def _listed(values: list[str] | None, wanted: str) -> bool:
    return "*" in (values or ()) or wanted in (values or ())


def _failure(request: Request, hook: Object) -> ApiError:
    client, name = hook.get("clientConfig") or {}, hook["name"]
    service = client.get("service")
    if service is None:
        url = client.get("url", "")
        host = url.partition("://")[2].partition("/")[0]
        called = f"{url}?timeout={hook['timeoutSeconds']}s"
        why = f'failed to call webhook: Post "{called}": dial tcp: lookup {host}: no such host'
        return internal(f'failed calling webhook "{name}": {why}')
    namespace, target, port = service["namespace"], service["name"], service.get("port", 443)
    url = f"https://{target}.{namespace}.svc:{port}{service.get('path', '/')}?timeout={hook['timeoutSeconds']}s"
    if request.api.store.get(("", "services"), namespace, target) is None:
        why = f'service "{target}" not found'
    else:
        why = f'no endpoints available for service "{target}"'
    return internal(f'failed calling webhook "{name}": failed to call webhook: Post "{url}": {why}')
