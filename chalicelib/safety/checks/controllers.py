"""Other controllers that want the same fields: autoscalers, GitOps, owners. What they own, they put back."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.safety.canonical import changes_between
from chalicelib.safety.checks.registry import Proposal, check, say, unread, where
from chalicelib.safety.effects import Effect
from chalicelib.safety.model import Check
from chalicelib.safety.scene import Json
from chalicelib.state.meta import Ref, condition

_KEDA = "keda.sh"
_ARGO_LABELS = ("argocd.argoproj.io/instance",)
_ARGO_NOTES = ("argocd.argoproj.io/tracking-id",)
_FLUX = ("kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name")
_HELM = "Helm"
_MANAGERS = {
    "argocd-controller": "Argo CD", "argocd-application-controller": "Argo CD", "kustomize-controller": "Flux",
    "helm-controller": "Flux", "fleet": "Fleet", "fleetagent": "Fleet",
}  # fmt: skip
_RUNTIME_ONLY = ("restart", "cordon", "drain")
"""Actions whose fields no repository holds: nothing reverts them."""


@check("autoscaler")
def autoscaler(proposal: Proposal) -> Iterator[Check]:
    """Would a HorizontalPodAutoscaler, KEDA or a VerticalPodAutoscaler put back what is changed?"""
    for effect in proposal.effects:
        replicas = _replicas_changed(effect)
        if replicas is not None:
            yield from _horizontal(proposal, effect.ref, replicas)
        if _resources_changed(effect):
            yield from _vertical(proposal, effect.ref)


def _replicas_changed(effect: Effect) -> int | None:
    """The number of replicas asked for, where the operation changes it."""
    before, after = (((one or {}).get("spec") or {}).get("replicas") for one in (effect.before, effect.after))
    return int(after) if effect.before is not None and after is not None and before != after else None


def _horizontal(proposal: Proposal, ref: Ref, replicas: int) -> Iterator[Check]:
    if gap := unread(proposal, "autoscaler", "HorizontalPodAutoscaler", namespace=ref.namespace):
        yield gap
        return
    for edge in proposal.world.graph.into(ref, "scales"):
        hpa = proposal.world.snapshot.find(edge.source)
        if hpa is None:
            continue
        least, most = hpa.spec.min_replicas, hpa.spec.max_replicas
        owner = next((o for o in hpa.metadata.owner_references if o.api_version.startswith(_KEDA)), None)
        name = f"ScaledObject {owner.name} (KEDA)" if owner else f"autoscaler {hpa.metadata.name}"
        active = condition(hpa.status.conditions, "ScalingActive")
        if replicas == 0:
            text = f"Zero replicas switch {name} off until somebody scales up again."
            yield say("autoscaler", "warn", text, "Scale up again by hand afterwards.")
        elif active is not None and not active.true and active.reason != "ScalingDisabled":
            text = f"{name} targets this workload and cannot scale now ({active.reason}); it may later."
            yield say("autoscaler", "warn", text.capitalize())
        elif not least <= replicas <= most:
            text = f"{name} keeps {least} to {most} replicas and would put {replicas} back at once."
            remedy = f"Change the bounds of {name} instead."
            yield say("autoscaler", "block", text.capitalize(), remedy, overridable=True)
        else:
            text = f"{name} scales this workload between {least} and {most} and may change {replicas} soon."
            yield say("autoscaler", "warn", text.capitalize(), f"To keep it, raise the minimum of {name}.")


def _resources_changed(effect: Effect) -> bool:
    def resources(obj: Json | None) -> list[object]:
        spec = (((obj or {}).get("spec") or {}).get("template") or {}).get("spec") or {}
        return [container.get("resources") for container in spec.get("containers") or ()]

    return (
        effect.before is not None and effect.after is not None and resources(effect.before) != resources(effect.after)
    )


def _vertical(proposal: Proposal, ref: Ref) -> Iterator[Check]:
    for edge in proposal.world.graph.into(ref, "resizes"):
        vpa = proposal.world.snapshot.find(edge.source)
        mode = vpa.spec.update_policy.update_mode if vpa is not None and vpa.spec.update_policy else "Auto"
        if vpa is not None and mode not in ("Off", "Initial"):
            text = f"Vertical autoscaler {vpa.metadata.name} sets these requests by itself (mode {mode})."
            yield say("autoscaler", "block", text, "Change its bounds, or set it to Off first.", overridable=True)


@check("gitops")
def gitops(proposal: Proposal) -> Iterator[Check]:
    """Is the object kept by Argo CD, Flux or Helm, which would put back what is changed here?"""
    for effect in proposal.effects:
        if effect.before is None or effect.operation.verb == "evict":
            continue
        keeper = keeper_of(effect.before)
        if not keeper:
            continue
        if proposal.action in _RUNTIME_ONLY:
            yield say("gitops", "ok", f"{keeper} keeps {where(effect.ref)}, and this changes nothing that it keeps.")
        elif keeper.startswith(_HELM):
            text = f"{keeper} installed {where(effect.ref)}: its next upgrade would put this back."
            yield say(
                "gitops", "warn", text, "Change the values of the release as well.", patch=_for_repository(effect)
            )
        else:
            yield say(
                "gitops", "block", f"{keeper} keeps {where(effect.ref)} and would put this back.",
                "Make the change in the repository instead; `patch` is what to write there.", overridable=True,
                patch=_for_repository(effect),
            )  # fmt: skip


def keeper_of(obj: Json) -> str:
    """Who keeps an object in step with a repository: "Argo CD (app)", "Flux (name)", "Helm (release)", or nothing."""
    meta = obj.get("metadata") or {}
    labels, notes = meta.get("labels") or {}, meta.get("annotations") or {}
    for key in _ARGO_NOTES:
        if key in notes:
            return f"Argo CD ({str(notes[key]).partition(':')[0]})"
    for key in _ARGO_LABELS:
        if key in labels:
            return f"Argo CD ({labels[key]})"
    for key in _FLUX:
        if key in labels:
            return f"Flux ({labels[key]})"
    for entry in meta.get("managedFields") or ():
        if entry.get("manager") in _MANAGERS and entry.get("operation") == "Apply":
            return _MANAGERS[entry["manager"]]
    if labels.get("app.kubernetes.io/managed-by") == _HELM and "meta.helm.sh/release-name" in notes:
        return f"Helm ({notes['meta.helm.sh/release-name']})"
    return ""


def _for_repository(effect: Effect) -> list[dict[str, object]]:
    """The fields to write in the repository: JSON pointer and value."""
    changes, _ = changes_between(effect.before, effect.after)
    return [{"path": change.path, "value": change.after} for change in changes[:50]]


@check("owner")
def owner(proposal: Proposal) -> Iterator[Check]:
    """Does a controller own the object, so that it makes it anew from its own template?"""
    for effect in proposal.effects:
        if effect.before is None or effect.operation.verb in ("evict", "delete"):
            continue
        owners = [o for o in effect.before["metadata"].get("ownerReferences") or () if o.get("controller")]
        for one in owners:
            text = f"{effect.ref} belongs to {one['kind']} {one['name']}, which may put this back."
            yield say("owner", "block", text, f"Change {one['kind']} {one['name']} instead.", overridable=True)
