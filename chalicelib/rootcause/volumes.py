"""Why a claim does not bind to any of the volumes there are: each volume is compared with the claim."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.rootcause.case import DECISIVE, GOOD, STRONG, Case, Finding, SymptomType, blame
from chalicelib.rootcause.look import Look
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.sightings import claim_pending
from chalicelib.rootcause.storage import users
from chalicelib.rootcause.traffic import about
from chalicelib.state.kinds.storage import PersistentVolume, PersistentVolumeClaim
from chalicelib.state.quantity import quantity

claim_lost = SymptomType("claim_lost")
_ACCESS = re.compile(
    r"(?:unsupported|not supported|only support\w*|invalid|incompatible).{0,80}access ?mode|"
    r"access ?modes?.{0,80}(?:not supported|unsupported|invalid|incompatible)|MULTI_NODE_MULTI_WRITER|"
    r"ReadWriteMany.{0,60}(?:not supported|unsupported)|only ReadWriteOnce",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Misfit:
    """A volume that would serve a claim but for the reasons named."""

    volume: PersistentVolume
    reasons: tuple[str, ...]


def misfits(claim: PersistentVolumeClaim, look: Look) -> list[Misfit]:
    """Volumes that the claim could be meant for, with what keeps each from it; the nearest first."""
    named = claim.spec.volume_name
    found = []
    for volume in look.snapshot.of("PersistentVolume"):
        if volume.metadata.name == named or (not named and _same_class(claim, volume)):
            reasons = tuple(_reasons(claim, volume, look))
            if reasons:
                found.append(Misfit(volume, reasons))
    return sorted(found, key=lambda m: (len(m.reasons), m.volume.metadata.name))


def _same_class(claim: PersistentVolumeClaim, volume: PersistentVolume) -> bool:
    mine, theirs = claim.spec.storage_class_name, volume.spec.storage_class_name
    reserved = volume.spec.claim_ref
    ours = reserved is not None and (reserved.namespace, reserved.name) == (
        claim.metadata.namespace,
        claim.metadata.name,
    )
    return ours or (mine or "") == theirs


def _reasons(claim: PersistentVolumeClaim, volume: PersistentVolume, look: Look) -> Iterator[str]:
    holder = volume.spec.claim_ref
    own = holder is not None and (holder.namespace, holder.name) == (claim.metadata.namespace, claim.metadata.name)
    if volume.status.phase in ("Released", "Failed"):
        yield "released"
    elif (volume.status.phase == "Bound" or holder is not None) and not own:
        yield "bound"
    if not set(claim.spec.access_modes) <= set(volume.spec.access_modes):
        yield "access"
    if claim.spec.selector is not None and not claim.spec.selector.matches(volume.metadata.labels):
        yield "selector"
    if quantity(claim.spec.resources.requests.get("storage")) > quantity(volume.spec.capacity.get("storage")):
        yield "capacity"


def _provisioned(claim: PersistentVolumeClaim, look: Look) -> bool:
    """Whether volumes are made for the claim on demand, so that those there are decide nothing."""
    name = claim.spec.storage_class_name
    found = look.snapshot.get("StorageClass", "", name) if name else None
    return found is not None and found.provisioner != "kubernetes.io/no-provisioner" and not claim.spec.volume_name


def _misfit(case: Case, look: Look, reason: str) -> Finding | None:
    claim: PersistentVolumeClaim = case.subject
    if not look.snapshot.was_read("PersistentVolume") or (_provisioned(claim, look) and claim.spec.selector is None):
        return None
    found = misfits(claim, look)
    if not found or reason not in found[0].reasons:
        return None
    alone = len(found[0].reasons) == 1
    if not alone and found[0].reasons[0] != reason:
        return None
    # A bound volume of somebody else is the rule; it is news only when the claim asks for that very volume.
    if reason == "bound" and not claim.spec.volume_name and len(look.snapshot.of("PersistentVolume")) > 1:
        alone = False
    volume = found[0].volume
    ref = look.world.ref_of(volume)
    pointer = {
        "bound": "/spec/claimRef", "released": "/status/phase", "access": "/spec/accessModes",
        "selector": "/metadata/labels", "capacity": "/spec/capacity",
    }[reason]  # fmt: skip
    mine = {
        "bound": "/spec/volumeName", "released": "/spec/storageClassName", "access": "/spec/accessModes",
        "selector": "/spec/selector", "capacity": "/spec/resources/requests",
    }[reason]  # fmt: skip
    waiting = users(case.ref, look)
    return blame(
        case.ref,
        f"claim {case.where} gets no volume: {ref.name} {_SAYS[reason]}",
        strength=DECISIVE if alone else GOOD,
        because=[look.at(claim, mine), look.at(volume, pointer), look.at(claim, "/status/phase")],
        chain=(f"{ref} {_SAYS[reason]}", f"claim {case.where} stays Pending", *(f"{w} waits for it" for w in waiting)),
        explains=waiting,
        volume=ref.name,
        since=case.since,
    )


_SAYS = {
    "bound": "is bound to another claim",
    "released": "is not free again: it was released by an earlier claim or has failed",
    "access": "does not offer the access modes that are asked for",
    "selector": "does not carry the labels that the claim selects",
    "capacity": "is smaller than what is asked for",
}


@detector("pv_already_bound", symptom=claim_pending)
def pv_already_bound(case: Case, look: Look) -> Finding | None:
    """The volume that the claim asks for belongs to another claim."""
    return _misfit(case, look, "bound")


@detector("pv_released_failed", symptom=claim_pending)
def pv_released_failed(case: Case, look: Look) -> Finding | None:
    """The volume still carries the claim that left it, or its recycling failed."""
    return _misfit(case, look, "released")


@detector("pvc_access_mode", symptom=claim_pending)
def pvc_access_mode(case: Case, look: Look) -> Finding | None:
    """No volume offers the access modes of the claim, or its provisioner says so."""
    event = next(
        (e for e in look.events(case.ref, "ProvisioningFailed") if _ACCESS.search(e.message[:2000])),
        None,
    )
    if event is not None:
        return blame(
            case.ref,
            f"claim {case.where} gets no volume: its class does not offer {', '.join(case.subject.spec.access_modes)}",
            strength=DECISIVE,
            because=[look.at(case.subject, "/spec/accessModes"), look.event(event)],
            explains=users(case.ref, look),
            volume="its class",
            since=case.since,
        )
    return _misfit(case, look, "access")


@detector("pvc_selector", symptom=claim_pending)
def pvc_selector(case: Case, look: Look) -> Finding | None:
    """No volume carries the labels that the claim selects."""
    return _misfit(case, look, "selector") or _selects_nothing(case, look)


def _selects_nothing(case: Case, look: Look) -> Finding | None:
    """A claim with a selector is never provisioned dynamically, so without a matching volume it waits for ever."""
    selector = case.subject.spec.selector
    volumes = look.snapshot.of("PersistentVolume")
    if selector is None or selector.empty or not look.snapshot.was_read("PersistentVolume"):
        return None
    if any(selector.matches(v.metadata.labels) for v in volumes):
        return None
    return blame(
        case.ref,
        f"claim {case.where} gets no volume: none of {len(volumes)} carries the labels it selects",
        strength=STRONG,
        because=[look.at(case.subject, "/spec/selector"), look.at(case.subject, "/status/phase")],
        explains=users(case.ref, look),
        volume="no volume",
        since=case.since,
    )


@detector("pvc_capacity", symptom=claim_pending)
def pvc_too_large(case: Case, look: Look) -> Finding | None:
    """Every volume that is free is smaller than the claim."""
    return _misfit(case, look, "capacity")


# Claims that lost their volume


def lost_claims(look: Look) -> Iterator[Case]:
    for claim in look.snapshot.of("PersistentVolumeClaim"):
        if claim.status.phase == "Lost" and claim.metadata.deletion_timestamp is None:
            yield about(claim_lost, claim, look, "Lost: its volume is gone")


@detector("pv_released_failed", symptom=claim_lost)
def volume_gone(case: Case, look: Look) -> Finding | None:
    """The volume that the claim was bound to does not exist any more or is bound to another."""
    name = case.subject.spec.volume_name
    waiting = users(case.ref, look)
    return blame(
        case.ref,
        f"claim {case.where} is Lost: its volume {name or '(unknown)'} is gone, and with it the data",
        strength=DECISIVE,
        because=[look.at(case.subject, "/status/phase"), look.absent("PersistentVolume", "", name) if name else None],
        chain=(f"volume {name} is gone", f"claim {case.where} is Lost", *(f"{w} waits for it" for w in waiting)),
        explains=waiting,
        volume=name,
        since=case.since,
        critical=True,
    )
