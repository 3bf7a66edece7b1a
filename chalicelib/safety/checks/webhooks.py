"""Admission webhooks and custom controllers that the change meets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chalicelib.safety.checks.registry import Proposal, check, say
from chalicelib.safety.effects import Effect
from chalicelib.safety.model import Check
from chalicelib.state.kinds import KINDS
from chalicelib.state.meta import Ref

_CONFIGURATIONS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
_OPERATIONS = {"create": "CREATE", "apply": "UPDATE", "patch": "UPDATE", "replace": "UPDATE", "delete": "DELETE",
               "evict": "CREATE"}  # fmt: skip


@check("webhooks")
def webhooks(proposal: Proposal) -> Iterator[Check]:
    """Would an admission webhook that does not answer stop the change or the pods it leads to?"""
    asked = [(effect, effect.operation.resource.group, effect.operation.resource.plural, _verb(effect),
              effect.ref.namespace) for effect in proposal.effects]  # fmt: skip
    pods = [(None, "", "pods", "CREATE", namespace) for namespace in proposal.namespaces]
    seen: set[str] = set()
    for _, group, plural, verb, namespace in (*asked, *pods):
        for hook in _matching(proposal, group, plural, verb, namespace):
            backend = hook.client_config.service
            if hook.failure_policy != "Fail" or backend is None or hook.name in seen:
                continue
            counts = proposal.world.endpoint_counts(backend.namespace, backend.name)
            if counts is not None and counts[0] == 0:
                seen.add(hook.name)
                yield say(
                    "webhooks", "block",
                    f"Admission webhook {hook.name} would be asked, and its Service {backend.namespace}/{backend.name} "
                    f"has no ready endpoint: {plural} would be refused.",
                    "Bring the webhook's backend back first.", webhook=hook.name,
                )  # fmt: skip


def _verb(effect: Effect) -> str:
    return "CREATE" if effect.before is None else _OPERATIONS[effect.operation.verb]


def _matching(proposal: Proposal, group: str, plural: str, verb: str, namespace: str) -> Iterator[Any]:
    space = proposal.world.snapshot.get("Namespace", "", namespace) if namespace else None
    labels = space.metadata.labels if space is not None else {}
    for kind in _CONFIGURATIONS:
        for configuration in proposal.world.snapshot.of(kind):
            for hook in configuration.webhooks:
                selector = hook.namespace_selector
                if namespace and selector is not None and not selector.matches(labels):
                    continue
                if any(_covers(rule, group, plural, verb) for rule in hook.rules):
                    yield hook


def _covers(rule: Any, group: str, plural: str, verb: str) -> bool:
    def has(listed: list[str], value: str) -> bool:
        return value in listed or "*" in listed

    return (
        has(rule.operations, verb) and has(rule.api_groups, group)
        and (has(rule.resources, plural) or "*/*" in rule.resources)
    )  # fmt: skip


@check("custom_resources")
def custom_resources(proposal: Proposal) -> Iterator[Check]:
    """Is it a kind whose controller is not known here, so that what it does with the change is not known either?"""
    for effect in proposal.effects:
        kind = effect.operation.resource.kind
        if kind not in KINDS:
            yield say(
                "custom_resources", "warn",
                f"What the controller of {kind} does with this change is not known here.",
                "Ask whoever runs that controller.", kind=kind,
            )  # fmt: skip
        if kind == "CustomResourceDefinition" and effect.operation.verb != "delete":
            affected = proposal.world.snapshot.find(Ref("CustomResourceDefinition", "", effect.ref.name))
            if affected is not None:
                text = f"Every {affected.spec.names.kind} of the cluster is judged by the changed definition."
                yield say("custom_resources", "warn", text)
