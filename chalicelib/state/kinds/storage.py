"""Volumes: claims, volumes, classes, attachments, snapshots."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.state.kinds.pod_spec import NodeSelector, Resources
from chalicelib.state.kinds.registry import KINDS, Column, KindEntry, Related, Status
from chalicelib.state.meta import Api, Condition, LabelSelector, Object, ObjectReference, Quantities, Ref
from chalicelib.state.quantity import quantity

if TYPE_CHECKING:
    from chalicelib.state.world import World

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


class ClaimSpec(Api):
    access_modes: list[str] = []
    storage_class_name: str | None = None
    volume_name: str = ""
    volume_mode: str = ""
    resources: Resources = Resources()
    selector: LabelSelector | None = None


class ClaimStatus(Api):
    phase: str = ""
    capacity: Quantities = {}
    access_modes: list[str] = []
    conditions: list[Condition] = []


class PersistentVolumeClaim(Object):
    spec: ClaimSpec = ClaimSpec()
    status: ClaimStatus = ClaimStatus()


class VolumeNodeAffinity(Api):
    required: NodeSelector | None = None


class CsiSource(Api):
    driver: str = ""
    volume_handle: str = ""


class VolumeSpec(Api):
    capacity: Quantities = {}
    access_modes: list[str] = []
    storage_class_name: str = ""
    volume_mode: str = ""
    persistent_volume_reclaim_policy: str = ""
    claim_ref: ObjectReference | None = None
    node_affinity: VolumeNodeAffinity | None = None
    csi: CsiSource | None = None


class VolumeStatus(Api):
    phase: str = ""
    reason: str = ""
    message: str = ""


class PersistentVolume(Object):
    spec: VolumeSpec = VolumeSpec()
    status: VolumeStatus = VolumeStatus()


class StorageClass(Object):
    provisioner: str = ""
    reclaim_policy: str = ""
    volume_binding_mode: str = ""
    allow_volume_expansion: bool = False
    parameters: dict[str, str] = {}

    @property
    def default(self) -> bool:
        return self.metadata.annotations.get(DEFAULT_CLASS) == "true"


class AttachmentSource(Api):
    persistent_volume_name: str = ""


class AttachmentSpec(Api):
    attacher: str = ""
    node_name: str = ""
    source: AttachmentSource = AttachmentSource()


class AttachError(Api):
    message: str = ""
    time: datetime | None = None


class AttachmentStatus(Api):
    attached: bool = False
    attach_error: AttachError | None = None
    detach_error: AttachError | None = None


class VolumeAttachment(Object):
    spec: AttachmentSpec = AttachmentSpec()
    status: AttachmentStatus = AttachmentStatus()


class SnapshotSource(Api):
    persistent_volume_claim_name: str = ""


class SnapshotSpec(Api):
    source: SnapshotSource = SnapshotSource()
    volume_snapshot_class_name: str = ""


class SnapshotStatus(Api):
    ready_to_use: bool | None = None
    restore_size: str | int = ""
    creation_time: datetime | None = None
    error: AttachError | None = None


class VolumeSnapshot(Object):
    spec: SnapshotSpec = SnapshotSpec()
    status: SnapshotStatus = SnapshotStatus()


def _claim_refs(claim: PersistentVolumeClaim) -> Iterable[Related]:
    if claim.spec.volume_name:
        yield "bound_to", Ref("PersistentVolume", "", claim.spec.volume_name), ""
    if claim.spec.storage_class_name:
        yield "of_class", Ref("StorageClass", "", claim.spec.storage_class_name), ""


def _volume_refs(volume: PersistentVolume) -> Iterable[Related]:
    claim = volume.spec.claim_ref
    if claim:
        yield "claimed_by", Ref("PersistentVolumeClaim", claim.namespace, claim.name), ""
    if volume.spec.storage_class_name:
        yield "of_class", Ref("StorageClass", "", volume.spec.storage_class_name), ""


def _attachment_refs(attachment: VolumeAttachment) -> Iterable[Related]:
    if attachment.spec.source.persistent_volume_name:
        yield "attaches", Ref("PersistentVolume", "", attachment.spec.source.persistent_volume_name), ""
    yield "attached_to", Ref("Node", "", attachment.spec.node_name), ""


def _snapshot_refs(snapshot: VolumeSnapshot) -> Iterable[Related]:
    source = snapshot.spec.source.persistent_volume_claim_name
    if source:
        yield "snapshot_of", Ref("PersistentVolumeClaim", snapshot.metadata.namespace, source), ""


def _claim_status(claim: PersistentVolumeClaim, world: World) -> Status:
    phase = claim.status.phase
    if phase == "Bound":
        return Status("ok", "Bound")
    if phase == "Lost":
        return Status("crit", "Lost", "the bound volume does not exist any more")
    if phase == "Pending" and world.waits_for_first_consumer(claim):
        return Status("ok", "Waits for a pod", "its class binds when a pod uses it")
    return Status("warn", phase or "Unknown")


def _volume_status(volume: PersistentVolume, world: World) -> Status:
    level = {"Bound": "ok", "Available": "ok", "Released": "warn", "Failed": "crit"}.get(volume.status.phase, "unknown")
    return Status(level, volume.status.phase or "Unknown", volume.status.message)  # type: ignore[arg-type]


def _attachment_status(attachment: VolumeAttachment, world: World) -> Status:
    error = attachment.status.attach_error or attachment.status.detach_error
    if error:
        return Status("crit", "Error", error.message)
    return Status("ok", "Attached") if attachment.status.attached else Status("progress", "Attaching")


def _snapshot_status(snapshot: VolumeSnapshot, world: World) -> Status:
    if snapshot.status.error:
        return Status("crit", "Error", snapshot.status.error.message)
    return Status("ok", "Ready") if snapshot.status.ready_to_use else Status("progress", "Not ready")


def _consumers(claim: PersistentVolumeClaim, world: World) -> list[str]:
    ref = Ref("PersistentVolumeClaim", claim.metadata.namespace, claim.metadata.name)
    return sorted({e.source.name for e in world.graph.into(ref, "mounts") if e.source.kind == "Pod"})


def _size(claim: PersistentVolumeClaim) -> float | None:
    text = claim.status.capacity.get("storage") or claim.spec.resources.requests.get("storage")
    return quantity(text) if text is not None else None


def _storage(volume: PersistentVolume) -> float | None:
    text = volume.spec.capacity.get("storage")
    return quantity(text) if text is not None else None


KINDS.add(
    KindEntry(
        kind="PersistentVolumeClaim", plural="persistentvolumeclaims", group="", version="v1", category="Storage",
        title="Volume claims", struct=PersistentVolumeClaim, status=_claim_status, short_names=("pvc",),
        refs=_claim_refs,
        columns=(
            Column("size", "Size", "bytes", lambda c, w: _size(c)),
            Column("class", "Class", "text", lambda c, w: c.spec.storage_class_name),
            Column("access", "Access", "list", lambda c, w: c.spec.access_modes),
            Column("volume", "Volume", "text", lambda c, w: c.spec.volume_name or None, hidden=True),
            Column("consumers", "Used by", "list", _consumers),
        ),
        words=("volume claim", "persistent volume claim", "claim"),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="PersistentVolume", plural="persistentvolumes", group="", version="v1", category="Storage",
        title="Volumes", struct=PersistentVolume, namespaced=False, status=_volume_status, short_names=("pv",),
        refs=_volume_refs,
        columns=(
            Column("size", "Size", "bytes", lambda v, w: _storage(v)),
            Column("class", "Class", "text", lambda v, w: v.spec.storage_class_name or None),
            Column("reclaim", "Reclaim policy", "text", lambda v, w: v.spec.persistent_volume_reclaim_policy or None),
            Column("claim", "Claim", "text",
                   lambda v, w: f"{v.spec.claim_ref.namespace}/{v.spec.claim_ref.name}" if v.spec.claim_ref else None),
        ),
        words=("persistent volume", "volume"),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="StorageClass", plural="storageclasses", group="storage.k8s.io", version="v1", category="Storage",
        title="Storage classes", struct=StorageClass, namespaced=False, short_names=("sc",),
        status=lambda s, w: Status("ok", "Default" if s.default else "Present"),
        columns=(
            Column("provisioner", "Provisioner", "text", lambda s, w: s.provisioner),
            Column("default", "Default", "text", lambda s, w: "yes" if s.default else "no"),
            Column("expandable", "Expandable", "text", lambda s, w: "yes" if s.allow_volume_expansion else "no"),
            Column("binding", "Binding", "text", lambda s, w: s.volume_binding_mode or None),
        ),
        words=("storage class",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="VolumeAttachment", plural="volumeattachments", group="storage.k8s.io", version="v1", category="Storage",
        title="Volume attachments", struct=VolumeAttachment, namespaced=False, status=_attachment_status,
        refs=_attachment_refs,
        columns=(
            Column("attacher", "Attacher", "text", lambda a, w: a.spec.attacher),
            Column("node", "Node", "text", lambda a, w: a.spec.node_name),
            Column("volume", "Volume", "text", lambda a, w: a.spec.source.persistent_volume_name or None),
        ),
        words=("volume attachment",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="VolumeSnapshot", plural="volumesnapshots", group="snapshot.storage.k8s.io", version="v1",
        category="Storage", title="Volume snapshots", struct=VolumeSnapshot, optional=True, status=_snapshot_status,
        short_names=("vs",), refs=_snapshot_refs,
        columns=(
            Column("claim", "Source claim", "text",
                   lambda s, w: s.spec.source.persistent_volume_claim_name or None),
            Column("size", "Size", "bytes",
                   lambda s, w: quantity(s.status.restore_size) if s.status.restore_size else None),
        ),
        words=("volume snapshot",),
    )
)  # fmt: skip
