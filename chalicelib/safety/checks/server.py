"""What the API server itself says: schema and admission by dry run, rights by access review, pods by trial."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from chalicelib.clusters.operations import Operation, WriteRefused
from chalicelib.errors import KubiliticsError
from chalicelib.safety.actions.nodes import POD
from chalicelib.safety.canonical import canonical
from chalicelib.safety.checks.registry import Proposal, check, say, where
from chalicelib.safety.effects import NewPods
from chalicelib.safety.model import Check


@check("server_dry_run")
def server_dry_run(proposal: Proposal) -> Iterator[Check]:
    """Does the API server accept every operation (schema, admission, conflicts)?"""
    refused = 0
    for index, effect in enumerate(proposal.effects):
        error = proposal.refusals.get(index)
        if error is None:
            continue
        refused += 1
        if not isinstance(error, WriteRefused):
            yield say("server_dry_run", "unknown", f"{effect.operation.what} could not be tried: {error.message}")
        elif effect.operation.verb == "evict" and error.server_status == 429:
            continue  # a budget is full at this moment: the check of budgets says what follows
        else:
            yield say("server_dry_run", "block", error.message, error.remedy, **dict(error.details))
    if not refused:
        count = len(proposal.effects)
        yield say(
            "server_dry_run", "ok", f"The API server accepts {'it' if count == 1 else f'all {count} operations'}."
        )


@check("permissions")
def permissions(proposal: Proposal) -> Iterator[Check]:
    """May this installation's credential do it?"""
    asked: dict[tuple[str, ...], Operation] = {}
    for effect in proposal.effects:
        operation = effect.operation
        asked.setdefault((*operation.rbac, operation.namespace), operation)
    for (verb, _, _, subresource, *_rest), operation in asked.items():
        right = f"{verb} {operation.resource.name}{f'/{subresource}' if subresource else ''}"
        allowed = proposal.scene.cluster.may(operation)
        if allowed:
            yield say("permissions", "ok", f"The credential may {right}.")
        elif allowed is None:
            yield say("permissions", "unknown", f"The access review for `{right}` was not answered.")
        else:
            place = f" in namespace {operation.namespace}" if operation.namespace else ""
            yield say(
                "permissions", "block", f"The credential of this cluster may not {right}{place}.",
                f"Grant `{right}` to the role of this installation, or change it by hand.", right=right,
            )  # fmt: skip


@check("pod_admission")
def pod_admission(proposal: Proposal) -> Iterator[Check]:
    """Would the API server admit one pod of each template that pods are made from?"""
    for start in proposal.all.starts:
        if start.owner.kind == "Pod":
            continue  # the dry run of the operation itself
        trial = _trial(start)
        allowed = proposal.scene.cluster.may(trial)
        if not allowed:
            yield say(
                "pod_admission", "warn",
                "No pod of the new template could be tried: the credential may not `create pods`.",
                "Grant `create pods` for a fuller preview; only dry runs are made with it.",
            )  # fmt: skip
            continue
        try:
            proposal.scene.cluster.perform(trial, dry_run=True)
        except WriteRefused as error:
            yield say(
                "pod_admission", "block", f"A pod of {start.owner} would be refused: {error.message}",
                "Correct the template, or the policy that refuses it.", **dict(error.details),
            )  # fmt: skip
        except KubiliticsError as error:
            yield say("pod_admission", "unknown", f"A pod of {start.owner} could not be tried: {error.message}")
        else:
            yield say("pod_admission", "ok", f"A pod of {where(start.owner)} is admitted.")


def _trial(start: NewPods) -> Operation:
    """A pod of a template under a name that nothing else has. It is only ever sent as a dry run."""
    digest = hashlib.sha256(canonical(start.raw)).hexdigest()[:10]
    meta = start.raw.get("metadata") or {}
    name = f"kubilitics-preview-{digest}"
    body = {
        "apiVersion": "v1", "kind": "Pod", "spec": start.raw.get("spec") or {},
        "metadata": {
            "name": name, "namespace": start.owner.namespace,
            **{key: meta[key] for key in ("labels", "annotations") if meta.get(key)},
        },
    }  # fmt: skip
    return Operation(verb="create", resource=POD, namespace=start.owner.namespace, name=name, body=body)
