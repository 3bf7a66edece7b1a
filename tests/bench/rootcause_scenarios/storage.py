# ruff: noqa: E501  (messages stand as controllers, schedulers and drivers write them)
"""Claims that do not bind and volumes that do not attach: modes 63 to 71, and 121."""

from __future__ import annotations

from typing import Any

from tests.bench.heldout.dump import cond
from tests.bench.heldout.props import claim, volume
from tests.bench.rootcause_scenarios.case import Scene, incident
from tests.bench.rootcause_scenarios.estate import DAY, counter, jump

CLAIM = "plates-claim"
UNBOUND = "0/{n} nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/{n} nodes are available: {n} Preemption is not helpful for scheduling."
REFS = (f"PersistentVolumeClaim {CLAIM}",)


def waiting(
    s: Scene,
    reason: str,
    message: str,
    *,
    text: str = UNBOUND,
    kind: str = "Deployment",
    by: str = "persistentvolume-controller",
    **spec: Any,
) -> None:
    """A Pending claim with its event, and the pod that waits for it."""
    if spec.get("storageClassName") == "block-now":
        s.d.add("StorageClass", "", "block-now", {"provisioner": by.split("_")[0], "volumeBindingMode": "Immediate"})
    made = claim(s.d, s.space, CLAIM, **spec)
    if message:
        s.d.event(
            made,
            reason,
            message,
            by=by,
            type_="Normal" if reason in ("FailedBinding", "WaitForFirstConsumer") else "Warning",
            count=60,
        )
    s.victim(kind=kind, replicas=1, age=35, spec=volume(CLAIM))
    s.app.unscheduled(text.format(n=len(s.nodes)))


def pv(s: Scene, name: str, size: str = "20Gi", *, mode: str = "ReadWriteOnce", cls: str = "slow-nfs", phase: str = "Available",
       labels: dict[str, str] | None = None, **spec: Any) -> Any:  # fmt: skip
    return s.d.add("PersistentVolume", "", name, {"metadata": {"labels": labels or {}}, "spec": {
        "capacity": {"storage": size}, "accessModes": [mode], "storageClassName": cls, "volumeMode": "Filesystem",
        "persistentVolumeReclaimPolicy": "Retain", **spec}, "status": {"phase": phase}})  # fmt: skip


# No class


def _no_class(name: str, text: str, kind: str) -> Any:
    def build(s: Scene) -> None:
        waiting(s, "ProvisioningFailed", text, kind=kind, storageClassName=name)

    return build


for _name, _cls, _kind in (
    ("class_of_another_cloud", "premium-rwo", "StatefulSet"),
    ("class_with_a_typo", "gp33", "Deployment"),
    ("class_that_was_deleted", "fast-local", "Deployment"),
):
    incident("pvc_storageclass_missing", name=_name, refs=REFS)(
        _no_class(_cls, f'storageclass.storage.k8s.io "{_cls}" not found', _kind)
    )

# Claims and volumes that do not fit

NO_PV = "no persistent volumes available for this claim and no storage class is set"


@incident("pvc_capacity", refs=REFS)
def every_volume_is_smaller(s: Scene) -> None:
    pv(s, "shelf-a", "10Gi", cls="")
    pv(s, "shelf-b", "20Gi", cls="")
    waiting(s, "FailedBinding", NO_PV, storageClassName="", resources={"requests": {"storage": "100Gi"}})


@incident(
    "pvc_capacity",
    words="is too large for volume type",
    source="AWS EC2 CreateVolume, InvalidParameterValue",
    refs=REFS,
)
def driver_refuses_the_size(s: Scene) -> None:
    waiting(s, "ProvisioningFailed", 'failed to provision volume with StorageClass "block-now": rpc error: code = Internal desc = Could not create volume "pvc-5b1d": could not create volume in EC2: InvalidParameterValue: Volume of 65536GiB is too large for volume type gp3; maximum is 16384GiB', by="ebs.csi.aws.com_ebs-csi-controller",
            storageClassName="block-now", resources={"requests": {"storage": "64Ti"}})  # fmt: skip


@incident(
    "pvc_capacity",
    words="node(s) did not have enough free storage",
    source="kubernetes volumebinding plugin",
    refs=REFS,
)
def no_node_has_the_storage(s: Scene) -> None:
    waiting(s, "WaitForFirstConsumer", "waiting for first consumer to be created before binding", storageClassName="gp3", resources={"requests": {"storage": "9Ti"}},
            text="0/{n} nodes are available: {n} node(s) did not have enough free storage.")  # fmt: skip


@incident("pvc_access_mode", refs=REFS)
def volumes_are_read_write_once(s: Scene) -> None:
    pv(s, "shelf-a", "50Gi", cls="")
    waiting(s, "FailedBinding", NO_PV, storageClassName="", accessModes=["ReadWriteMany"])


@incident(
    "pvc_access_mode",
    words="Only AccessModes[",
    source="kubernetes-sigs/aws-ebs-csi-driver pkg/driver/controller.go",
    refs=REFS,
)
def block_driver_asked_for_many_writers(s: Scene) -> None:
    waiting(s, "ProvisioningFailed", 'failed to provision volume with StorageClass "block-now": rpc error: code = InvalidArgument desc = Volume capabilities MULTI_NODE_MULTI_WRITER not supported. Only AccessModes[ReadWriteOnce] supported.',
            by="ebs.csi.aws.com_ebs-csi-controller", storageClassName="block-now", accessModes=["ReadWriteMany"])  # fmt: skip


@incident(
    "pvc_access_mode",
    words="NodePath only supports ReadWriteOnce",
    source="rancher/local-path-provisioner provisioner.go",
    refs=REFS,
)
def local_driver_asked_for_many_writers(s: Scene) -> None:
    waiting(s, "ProvisioningFailed", 'failed to provision volume with StorageClass "block-now": NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes',
            by="rancher.io/local-path_local-path-provisioner", storageClassName="block-now", accessModes=["ReadWriteMany"], kind="StatefulSet")  # fmt: skip


@incident("pvc_selector", refs=REFS)
def labels_that_no_volume_has(s: Scene) -> None:
    pv(s, "shelf-a", "50Gi", cls="", labels={"tier": "cold"})
    waiting(s, "FailedBinding", NO_PV, storageClassName="", selector={"matchLabels": {"tier": "warm"}})


@incident(
    "pvc_selector",
    words="claim Selector is not supported",
    source="sig-storage-lib-external-provisioner controller.go",
    refs=REFS,
)
def provisioner_does_not_take_selectors(s: Scene) -> None:
    waiting(s, "ProvisioningFailed", 'failed to provision volume with StorageClass "block-now": claim Selector is not supported', by="ebs.csi.aws.com_ebs-csi-controller",
            storageClassName="block-now", selector={"matchLabels": {"tier": "warm"}})  # fmt: skip


@incident("pvc_selector", refs=REFS)
def expression_excludes_every_volume(s: Scene) -> None:
    pv(s, "shelf-a", "50Gi", cls="", labels={"room": "a"})
    pv(s, "shelf-b", "50Gi", cls="", labels={"room": "b"})
    expression = {"key": "room", "operator": "NotIn", "values": ["a", "b"]}
    waiting(
        s, "FailedBinding", NO_PV, storageClassName="", kind="StatefulSet", selector={"matchExpressions": [expression]}
    )


def _taken(words: str) -> Any:
    def build(s: Scene) -> None:
        pv(
            s,
            "shelf-a",
            "10Gi",
            cls="",
            phase="Bound",
            claimRef={"kind": "PersistentVolumeClaim", "namespace": s.topology.casts[1].space, "name": "old-plates"},
        )
        claim(s.d, s.topology.casts[1].space, "old-plates", storageClassName="", volumeName="shelf-a")["status"][
            "phase"
        ] = "Bound"
        waiting(s, "FailedBinding", words, storageClassName="", volumeName="shelf-a")

    return build


incident(
    "pv_already_bound",
    name="named_volume_belongs_to_another_claim",
    words="already bound to a different claim",
    source="kubernetes pkg/controller/volume/persistentvolume",
    refs=REFS,
)(_taken('volume "shelf-a" already bound to a different claim.'))
incident("pv_already_bound", name="named_volume_is_taken_and_nothing_says_so", refs=REFS)(_taken(""))


@incident("pv_already_bound", refs=REFS)
def stateful_set_of_two_wants_one_volume(s: Scene) -> None:
    pv(
        s,
        "shelf-a",
        "10Gi",
        cls="",
        phase="Bound",
        claimRef={"kind": "PersistentVolumeClaim", "namespace": s.space, "name": "old-plates"},
    )
    claim(s.d, s.space, "old-plates", storageClassName="", volumeName="shelf-a")["status"]["phase"] = "Bound"
    waiting(
        s,
        "FailedBinding",
        'volume "shelf-a" already bound to a different claim.',
        storageClassName="",
        volumeName="shelf-a",
        kind="StatefulSet",
    )


# Absent, elsewhere, attached elsewhere, lost


def _absent(text: str, kind: str) -> Any:
    def build(s: Scene) -> None:
        s.victim(kind=kind, replicas=1, age=35, spec=volume(CLAIM))
        s.app.unscheduled(text.format(n=len(s.nodes)))

    return build


incident("pvc_absent", name="claim_was_never_made", refs=REFS)(
    _absent(
        '0/{n} nodes are available: persistentvolumeclaim "plates-claim" not found. preemption: 0/{n} nodes are available: {n} Preemption is not helpful for scheduling.',
        "Deployment",
    )
)
incident("pvc_absent", name="claim_of_a_stateful_set_deleted", refs=REFS)(
    _absent('0/{n} nodes are available: {n} persistentvolumeclaim "plates-claim" not found.', "StatefulSet")
)


@incident("pvc_absent", refs=REFS)
def claim_is_in_another_namespace(s: Scene) -> None:
    s.d.bound_claim(s.topology.casts[1].space, CLAIM)
    s.victim(replicas=1, age=35, spec=volume(CLAIM))
    s.app.unscheduled(
        f'0/{len(s.nodes)} nodes are available: {len(s.nodes)} persistentvolumeclaim "plates-claim" not found.'
    )


def _elsewhere(text: str, **more: Any) -> Any:
    def build(s: Scene) -> None:
        terms = [{"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-d"]}]}]
        s.d.bound_claim(s.space, CLAIM, nodeAffinity={"required": {"nodeSelectorTerms": terms}})
        s.victim(kind="StatefulSet", replicas=1, age=35, spec={**volume(CLAIM), **more})
        s.app.unscheduled(text.format(n=len(s.nodes), m=len(s.nodes) - 1))

    return build


incident("pv_node_affinity_conflict", name="disk_in_a_zone_without_nodes", refs=REFS)(
    _elsewhere(
        "0/{n} nodes are available: {n} node(s) had volume node affinity conflict. preemption: 0/{n} nodes are available: {n} Preemption is not helpful for scheduling."
    )
)
incident("pv_node_affinity_conflict", name="disk_in_a_zone_and_one_node_full", refs=REFS)(
    _elsewhere("0/{n} nodes are available: 1 Insufficient memory, {n} node(s) had volume node affinity conflict.")
)
incident(
    "pv_node_affinity_conflict",
    name="words_of_the_zone_predicate",
    words="NoVolumeZoneConflict",
    source="kubernetes 1.9 plugin/pkg/scheduler/algorithm/predicates",
    refs=REFS,
)(_elsewhere("No nodes are available that match all of the predicates: NoVolumeZoneConflict ({n})."))


def _attached(reason: str, text: str, by: str = "attachdetach-controller", *, holder: bool = True) -> Any:
    def build(s: Scene) -> None:
        made = s.d.bound_claim(s.space, CLAIM)
        name = made["spec"]["volumeName"]
        app = s.victim(replicas=2 if holder else 1, age=35, spec=volume(CLAIM))
        waiting_pods = app.pods[1:] if holder else app.pods
        app.creating(waiting_pods)
        first = app.pods[0]["metadata"]["name"]
        s.d.add(
            "VolumeAttachment",
            "",
            "csi-77aa",
            {
                "spec": {
                    "attacher": "ebs.csi.aws.com",
                    "nodeName": s.node(0 if holder else 2),
                    "source": {"persistentVolumeName": name},
                },
                "status": {"attached": True},
            },
        )
        for pod in waiting_pods:
            s.d.event(pod, reason, text.format(pv=name, pod=first, node=s.node(2)), by=by, count=18)

    return build


incident("rwo_multi_attach", name="two_replicas_one_disk", refs=REFS)(
    _attached("FailedAttachVolume", 'Multi-Attach error for volume "{pv}" Volume is already used by pod(s) {pod}')
)
incident("rwo_multi_attach", name="attached_to_a_node_that_is_gone", refs=REFS)(
    _attached(
        "FailedAttachVolume",
        'Multi-Attach error for volume "{pv}" Volume is already exclusively attached to one node and can\'t be attached to another',
        holder=False,
    )
)
incident(
    "rwo_multi_attach",
    name="driver_says_attached_elsewhere",
    words="is currently attached to instance",
    source="kubernetes legacy-cloud-providers/aws/aws.go",
    refs=REFS,
)(
    _attached(
        "FailedAttachVolume",
        'AttachVolume.Attach failed for volume "{pv}" : error attaching EBS volume "vol-0d1" to instance "i-0bb41": "VolumeInUse: vol-0d1 is already attached to an instance". The volume is currently attached to instance "i-0aa77"',
    )
)


@incident("pv_released_failed", refs=("PersistentVolume /shelf-a", *REFS))
def claim_has_lost_its_volume(s: Scene) -> None:
    made = claim(s.d, s.space, CLAIM, storageClassName="gp3", volumeName="shelf-a")
    made["status"] = {"phase": "Lost"}
    s.d.event(
        made,
        "ClaimLost",
        "Bound claim has lost its PersistentVolume. Data on the volume is lost!",
        by="persistentvolume-controller",
        count=3,
    )
    s.victim(kind="StatefulSet", replicas=1, age=35, spec=volume(CLAIM))
    s.app.unscheduled(
        f'0/{len(s.nodes)} nodes are available: persistentvolumeclaim "{CLAIM}" bound to non-existent persistentvolume "shelf-a".'
    )


@incident("pv_released_failed", refs=("PersistentVolume /shelf-a", *REFS))
def released_volume_is_wanted_again(s: Scene) -> None:
    before = {"kind": "PersistentVolumeClaim", "namespace": s.space, "name": CLAIM, "uid": "the-claim-of-before"}
    pv(s, "shelf-a", "10Gi", cls="", phase="Released", claimRef=before)
    waiting(
        s,
        "FailedBinding",
        'volume "shelf-a" already bound to a different claim.',
        storageClassName="",
        volumeName="shelf-a",
    )


@incident(
    "pv_released_failed",
    words="is still attached to node",
    source="kubernetes-csi/external-provisioner pkg/controller/controller.go",
    refs=("PersistentVolume /shelf-a", *REFS),
)
def volume_whose_deletion_failed(s: Scene) -> None:
    before = {"kind": "PersistentVolumeClaim", "namespace": s.space, "name": CLAIM, "uid": "the-claim-of-before"}
    told = f"persistentvolume shelf-a is still attached to node {s.node(1)}"
    made = pv(s, "shelf-a", "10Gi", cls="", phase="Failed", claimRef=before, persistentVolumeReclaimPolicy="Delete")
    made["status"].update(reason="VolumeFailedDelete", message=told)
    s.d.event(made, "VolumeFailedDelete", told, by="ebs.csi.aws.com_ebs-csi-controller")
    waiting(
        s,
        "FailedBinding",
        'volume "shelf-a" already bound to a different claim.',
        storageClassName="",
        volumeName="shelf-a",
    )


# Devices that fail


def _device(
    log: str, event: tuple[str, str] | None, condition: tuple[str, str, str] | None, *, metric: bool = False
) -> Any:
    def build(s: Scene) -> Any:
        made = s.d.bound_claim(s.space, CLAIM)
        s.victim(kind="StatefulSet", replicas=1, age=9 * DAY, spec=volume(CLAIM))
        s.crash(1, log)
        node = s.nodes[0]
        if event:
            s.d.event(node, *event, by="kernel-monitor", count=9)
        if condition:
            type_, reason, message = condition
            node["status"]["conditions"].append(cond(type_, "True", reason, message, 20))
        if metric:
            s.d.metric(
                "node_disk_io_errors_total",
                counter(jump(0, 3, 22)),
                node=s.node(),
                instance="10.42.1.11:9100",
                device="nvme1n1",
            )
        return s.fault(
            "storage_io_errors",
            f"StatefulSet {s.name}",
            f"Node /{s.node()}",
            f"PersistentVolume /{made['spec']['volumeName']}",
            *REFS,
            near=("app_exception", "volume_permission_denied"),
        )

    return build


incident(
    "storage_io_errors",
    needs="logs",
    name="postgres_cannot_fsync",
    words="could not fsync file",
    source="postgres src/backend/storage/sync/sync.c",
)(
    _device(
        'PANIC:  could not fsync file "base/16384/2619": Input/output error\nLOG:  database system was interrupted\n',
        None,
        None,
        metric=True,
    )
)
incident(
    "storage_io_errors",
    name="ext4_error_of_the_kernel",
    words="EXT4-fs error (device",
    source="Linux fs/ext4/super.c; node-problem-detector",
)(
    _device(
        "sqlite3.OperationalError: disk I/O error\n",
        (
            "Ext4Error",
            "EXT4-fs error (device nvme1n1): ext4_find_entry:1612: inode #2: comm solver: reading directory lblock 0",
        ),
        None,
    )
)
incident(
    "storage_io_errors",
    name="filesystem_turned_read_only",
    words="Remounting filesystem read-only",
    source="node-problem-detector config/readonly-monitor.json",
)(
    _device(
        "java.io.IOException: Read-only file system\n",
        ("FilesystemIsReadOnly", "Node condition ReadonlyFilesystem is now: True, reason: FilesystemIsReadOnly"),
        ("ReadonlyFilesystem", "FilesystemIsReadOnly", "EXT4-fs (nvme1n1): Remounting filesystem read-only"),
    )
)
