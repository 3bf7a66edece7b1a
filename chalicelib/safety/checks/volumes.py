"""Whether the new pods get their volumes."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.safety.checks.registry import Proposal, check, say, unread, where
from chalicelib.safety.effects import NewPods
from chalicelib.safety.model import Check
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.kinds.storage import PersistentVolumeClaim
from chalicelib.state.meta import Ref

_ONE_NODE = ("ReadWriteOnce",)
_ONE_POD = ("ReadWriteOncePod",)


@check("volumes")
def volumes(proposal: Proposal) -> Iterator[Check]:
    """Will the volumes of the new pods bind and attach?"""
    for start in proposal.all.starts:
        yield from _claims(proposal, start)
        yield from _templates(proposal, start)


def _claims(proposal: Proposal, start: NewPods) -> Iterator[Check]:
    namespace, world = start.owner.namespace, proposal.world
    for volume in start.template.spec.volumes:
        name = volume.persistent_volume_claim.claim_name if volume.persistent_volume_claim else ""
        if not name:
            continue
        if gap := unread(proposal, "volumes", "PersistentVolumeClaim", namespace=namespace):
            yield gap
            return
        claim = world.snapshot.get("PersistentVolumeClaim", namespace, name)
        if claim is None:
            yield say(
                "volumes", "block", f"Pods of {where(start.owner)} mount claim {name}, which does not exist.",
                "Create the claim first.",
            )  # fmt: skip
        elif claim.status.phase == "Lost":
            yield say("volumes", "block", f"The volume of claim {namespace}/{name} is lost.", "Restore it first.")
        elif claim.status.phase != "Bound" and not world.waits_for_first_consumer(claim):
            yield say("volumes", "block", f"Claim {namespace}/{name} is not bound.", "Find out why it does not bind.")
        else:
            yield from _shared(proposal, start, claim)


def _shared(proposal: Proposal, start: NewPods, claim: PersistentVolumeClaim) -> Iterator[Check]:
    """A volume for one node (or pod) that old and new pods, or several replicas, would want at the same time."""
    modes = set(claim.spec.access_modes)
    if not modes or not modes <= {*_ONE_NODE, *_ONE_POD}:
        return
    name = f"{claim.metadata.namespace}/{claim.metadata.name}"
    overlap = bool(start.replaces and start.surge)
    staying = [pod for pod in proposal.world.pods_of(start.owner) if not pod.finished and _ref(pod) not in start.old]
    several = start.count > 1 or bool(staying)
    if not overlap and not several:
        return
    single = modes <= set(_ONE_POD)
    remedy = "Use the Recreate strategy or maxSurge 0, or a volume that several nodes can mount."
    if single:
        yield say(
            "volumes", "block", f"Claim {name} admits one pod at a time; a second one would wait for ever.", remedy
        )
    elif len(proposal.world.snapshot.of("Node")) > 1:
        text = f"Claim {name} can be mounted on one node only: a new pod on another node would wait for it."
        yield say("volumes", "warn", text, remedy)


def _ref(pod: Pod) -> Ref:
    return Ref("Pod", pod.metadata.namespace, pod.metadata.name)


def _templates(proposal: Proposal, start: NewPods) -> Iterator[Check]:
    """Claims that a StatefulSet makes for new ordinals: their class has to exist."""
    effect = next((e for e in proposal.effects if e.ref == start.owner), None)
    spec = ((effect.after if effect else None) or {}).get("spec") or {}
    wanted = spec.get("replicas", 1) if start.owner.kind == "StatefulSet" else 0
    for template in spec.get("volumeClaimTemplates") or ():
        named = (template["metadata"]["name"], start.owner.name)
        fresh = [
            ordinal
            for ordinal in range(wanted)
            if proposal.world.snapshot.find(
                Ref("PersistentVolumeClaim", start.owner.namespace, "-".join((*named, str(ordinal))))
            )
            is None
        ]
        if not fresh:
            continue
        if gap := unread(proposal, "volumes", "StorageClass"):
            yield gap
            return
        name = template["spec"].get("storageClassName")
        classes = {c.metadata.name: c for c in proposal.world.snapshot.of("StorageClass")}
        found = classes.get(name) if name else next((c for c in classes.values() if c.default), None)
        if found is None and name != "":
            what = f"StorageClass {name} does not exist" if name else "no StorageClass is the default"
            text = f"{len(fresh)} new claims of {where(start.owner)} would not bind: {what}."
            yield say("volumes", "block", text, "Create the class, or name one that exists.")
        elif found is not None and found.provisioner == "kubernetes.io/no-provisioner":
            text = f"{len(fresh)} new claims of {where(start.owner)} need volumes that somebody makes by hand."
            yield say("volumes", "warn", text, "Make sure that enough free volumes of this class exist.")
