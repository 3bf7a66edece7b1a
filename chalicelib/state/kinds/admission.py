"""Admission webhooks: what may refuse or rewrite every write to the cluster."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from chalicelib.state.kinds.registry import KINDS, Column, KindEntry, Related, Status
from chalicelib.state.meta import Api, LabelSelector, Object, Ref

if TYPE_CHECKING:
    from chalicelib.state.world import World


class WebhookService(Api):
    name: str = ""
    namespace: str = ""
    path: str = ""
    port: int = 443


class ClientConfig(Api):
    service: WebhookService | None = None
    url: str = ""
    ca_bundle: str = ""


class WebhookRule(Api):
    operations: list[str] = []
    api_groups: list[str] = []
    api_versions: list[str] = []
    resources: list[str] = []
    scope: str = ""


class Webhook(Api):
    name: str = ""
    client_config: ClientConfig = ClientConfig()
    failure_policy: str = "Fail"
    timeout_seconds: int = 10
    rules: list[WebhookRule] = []
    namespace_selector: LabelSelector | None = None
    object_selector: LabelSelector | None = None


class ValidatingWebhookConfiguration(Object):
    webhooks: list[Webhook] = []


class MutatingWebhookConfiguration(Object):
    webhooks: list[Webhook] = []


def _refs(configuration: Any) -> Iterable[Related]:
    for hook in configuration.webhooks:
        service = hook.client_config.service
        if service:
            yield "calls", Ref("Service", service.namespace, service.name), hook.name


def _status(configuration: Any, world: World) -> Status:
    for hook in configuration.webhooks:
        service = hook.client_config.service
        if not service or hook.failure_policy != "Fail":
            continue
        counts = world.endpoint_counts(service.namespace, service.name)
        if counts is not None and counts[0] == 0:
            return Status("crit", "Backend down", f"{hook.name} fails closed and its Service has no ready endpoint")
    return Status("ok", "Registered")


def _columns() -> tuple[Column, ...]:
    return (
        Column("hooks", "Hooks", "number", lambda c, w: len(c.webhooks)),
        Column("failure_policy", "Failure policy", "list",
               lambda c, w: sorted({h.failure_policy for h in c.webhooks})),
        Column("timeout", "Timeout", "duration",
               lambda c, w: max((h.timeout_seconds for h in c.webhooks), default=None)),
        Column("services", "Services", "list", lambda c, w: sorted({
            f"{h.client_config.service.namespace}/{h.client_config.service.name}"
            for h in c.webhooks if h.client_config.service})),
    )  # fmt: skip


KINDS.add(
    KindEntry(
        kind="ValidatingWebhookConfiguration", plural="validatingwebhookconfigurations",
        group="admissionregistration.k8s.io", version="v1", category="Cluster", title="Validating webhooks",
        struct=ValidatingWebhookConfiguration, namespaced=False, status=_status, columns=_columns(), refs=_refs,
        words=("validating webhook", "webhook"),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="MutatingWebhookConfiguration", plural="mutatingwebhookconfigurations",
        group="admissionregistration.k8s.io", version="v1", category="Cluster", title="Mutating webhooks",
        struct=MutatingWebhookConfiguration, namespaced=False, status=_status, columns=_columns(), refs=_refs,
        words=("mutating webhook",),
    )
)  # fmt: skip
