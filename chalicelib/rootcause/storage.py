"""Why a claim gets no volume, and pods that wait for claims."""

from __future__ import annotations

import re

from chalicelib.rootcause.case import DECISIVE, GOOD, HINT, STRONG, Case, Finding, blame
from chalicelib.rootcause.logs import quoted
from chalicelib.rootcause.look import Look, condition_pointer
from chalicelib.rootcause.registry import detector
from chalicelib.rootcause.scheduling import claims_of, scheduler_message
from chalicelib.rootcause.sightings import claim_pending
from chalicelib.rootcause.symptoms import pod_creating, pod_pending
from chalicelib.state.meta import Ref

_CLASS = re.compile(r"storageclass(?:\.storage\.k8s\.io)? \"([^\"]{1,253})\" not found", re.I)
_NO_ROOM = re.compile(
    r"too (?:large|big)|not (?:have )?enough (?:free )?(?:storage|space|capacity)|"
    r"insufficient (?:capacity|space|storage)|ResourceExhausted|out of (?:space|capacity)|"
    r"exceeds? (?:the )?(?:maximum|capacity|limit|available|quota)|"
    r"no space left|larger than|must be (?:between|at most|less)",
    re.I,
)
_CLAIM = re.compile(r"persistentvolumeclaim \"([^\"]{1,253})\" not found", re.I)


def users(claim: Ref, look: Look) -> list[Ref]:
    """Workloads whose pods mount a claim."""
    pods = [e.source for e in look.graph.into(claim, "mounts") if e.source.kind == "Pod"]
    return sorted({look.owner(p) for p in pods} | {e.source for e in look.graph.into(claim, "claims")})


@detector("pvc_storageclass_missing", symptom=claim_pending)
def storage_class_missing(case: Case, look: Look) -> Finding | None:
    """The claim names a StorageClass that does not exist, so nothing provisions a volume."""
    name = case.subject.spec.storage_class_name
    if name is None and not case.subject.spec.volume_name:
        return _no_default_class(case, look)
    if not name or case.subject.spec.volume_name:
        return None
    gone = look.absent("StorageClass", "", name)
    event = next((e for e in look.events(case.ref, "ProvisioningFailed") if _CLASS.search(e.message[:2000])), None)
    if gone is None and (event is None or look.snapshot.was_read("StorageClass")):
        return None
    if _static_volume(name, look):
        return None
    classes = ", ".join(c.metadata.name for c in look.snapshot.of("StorageClass")) or "there is none"
    waiting = users(case.ref, look)
    return blame(
        case.ref,
        f"claim {case.where} gets no volume: its StorageClass {name} does not exist",
        strength=DECISIVE if gone else STRONG,
        because=[
            look.at(case.subject, "/spec/storageClassName"),
            look.at(case.subject, "/status/phase"),
            gone,
            look.event(event),
        ],
        chain=(
            f"StorageClass {name} does not exist",
            f"claim {case.where} stays Pending",
            *(f"{w.kind} {w.namespace}/{w.name} waits for it" for w in waiting),
        ),
        explains=waiting,
        class_name=name,
        classes=classes,
        since=case.since,
    )


def _no_default_class(case: Case, look: Look) -> Finding | None:
    """The claim leaves the class to the cluster, and the cluster has no default class."""
    if not look.snapshot.was_read("StorageClass") or any(c.default for c in look.snapshot.of("StorageClass")):
        return None
    event = next(iter(look.events(case.ref, "FailedBinding")), None)
    return blame(
        case.ref,
        f"claim {case.where} gets no volume: it names no StorageClass and the cluster has no default one",
        strength=GOOD,
        because=[look.at(case.subject, "/status/phase"), look.event(event)],
        explains=users(case.ref, look),
        class_name="a default class",
        classes=", ".join(c.metadata.name for c in look.snapshot.of("StorageClass")) or "there is none",
        since=case.since,
    )


def _static_volume(class_name: str, look: Look) -> bool:
    """Whether volumes made by hand carry this class name; then no StorageClass object is needed."""
    return any(v.spec.storage_class_name == class_name for v in look.snapshot.of("PersistentVolume"))


@detector("pvc_capacity", symptom=claim_pending)
def claim_waits(case: Case, look: Look) -> Finding | None:
    """The claim is Pending and its class exists; what the provisioner says decides."""
    event = next(iter(look.events(case.ref, "ProvisioningFailed", "FailedBinding")), None)
    pods = [p for p in look.world.pods_in(case.ref.namespace) if case.ref.name in claims_of(p)]
    waits = next((m for p in pods if _NO_ROOM.search(m := scheduler_message(p, look)[:4000])), "")
    room = bool(waits) or (event is not None and _NO_ROOM.search(event.message[:4000]) is not None)
    said = f": {quoted(waits or event.message, 140)}" if waits or event else ""  # type: ignore[union-attr]
    return blame(
        case.ref,
        f"claim {case.where} gets no volume{said}",
        strength=STRONG if room else HINT,
        because=[look.at(case.subject, "/status/phase"), look.event(event)],
        explains=users(case.ref, look),
        missing=() if event else ("events of the claim", "log of the volume provisioner"),
        since=case.since,
    )


@detector("pvc_capacity", symptom=pod_pending)
def unread_claim_waits(case: Case, look: Look) -> Finding | None:
    """The scheduler says that a claim is not bound, and claims were not read."""
    names = claims_of(case.pod)
    namespace = case.pod.metadata.namespace
    said = scheduler_message(case.pod, look)[:4000]
    if "unbound" not in said or not names or look.snapshot.was_read("PersistentVolumeClaim", namespace):
        return None
    claim = Ref("PersistentVolumeClaim", namespace, names[0])
    return blame(
        claim,
        f"claim {namespace}/{claim.name} gets no volume, and {case.where} waits for it",
        strength=HINT,
        because=[look.at(case.pod, condition_pointer(case.pod, "PodScheduled", "/message"))],
        explains=[case.resource],
        missing=("volume claims", "storage classes"),
        since=case.since,
    )


@detector("pvc_absent", symptom=(pod_pending, pod_creating))
def pvc_absent(case: Case, look: Look) -> Finding | None:
    """The pod mounts a claim that does not exist."""
    namespace = case.pod.metadata.namespace
    said = _CLAIM.search(scheduler_message(case.pod, look)[:4000])
    for index, volume in enumerate(case.pod.spec.volumes):
        source = volume.persistent_volume_claim
        if source is None:
            continue
        gone = look.absent("PersistentVolumeClaim", namespace, source.claim_name)
        spoken = bool(said and said.group(1) == source.claim_name)
        if gone is None and (not spoken or look.snapshot.was_read("PersistentVolumeClaim", namespace)):
            continue
        return blame(
            case.resource,
            f"{case.where} cannot be scheduled: volume claim {source.claim_name} does not exist",
            strength=DECISIVE,
            because=[
                look.at(case.pod, f"/spec/volumes/{index}/persistentVolumeClaim/claimName"),
                gone,
                look.event(next(iter(look.events(case.ref, "FailedScheduling", "FailedMount")), None)),
            ],
            claim=source.claim_name,
            since=case.since,
        )
    return None


@detector("rwo_multi_attach", symptom=pod_creating)
def volume_attached_elsewhere(case: Case, look: Look) -> Finding | None:
    """The volume can be attached to one node only, and another still has it."""
    event = look.saying(
        case.members[:5],
        "multi-attach error",
        "already exclusively attached",
        "already used by",
        "already attached",
        "currently attached",
        "volumeinuse",
        "is attached to",
        reasons=("FailedAttachVolume",),
    )
    if event is None:
        return None
    return blame(
        case.resource,
        f"{case.where} cannot start: a volume it mounts is still attached to another node",
        strength=STRONG,
        because=[look.event(event)],
        since=case.since,
    )


def pending_claims(case: Case, look: Look) -> tuple[Ref, ...]:
    """Claims of a pod that are Pending: their trouble accounts for the pod's."""
    namespace = case.pod.metadata.namespace
    refs = (Ref("PersistentVolumeClaim", namespace, name) for name in claims_of(case.pod))
    return tuple(r for r in refs if (found := look.snapshot.find(r)) is not None and found.status.phase == "Pending")
