"""Claims and volumes: binding, provisioning, attaching, protection."""

from __future__ import annotations

from collections.abc import Iterable

from infra.local.demo.controllers.mounts import users_of
from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.status import write_object, write_status
from infra.local.demo.server.quantities import parse
from infra.local.demo.server.store import Change, Object

_SELECTED = "volume.kubernetes.io/selected-node"
_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
_WAIT_S = 15.0
DRIVER = "ebs.csi.aws.com"


class Volumes(Controller):
    name = "persistentvolume-controller"
    kinds = ("PersistentVolumeClaim", "PersistentVolume", "StorageClass", "Pod")

    def concerned(self, change: Change) -> Iterable[Key]:
        kind = change.key[1]
        if kind == "persistentvolumeclaims":
            return ((change.namespace, change.name),)
        if kind == "pods":
            if change.type != "DELETED" and change.before is not None:
                before, after = change.before.object, change.object
                if before["spec"].get("nodeName") == after["spec"].get("nodeName"):
                    return ()
            return [
                (change.namespace, one["persistentVolumeClaim"]["claimName"])
                for one in change.object["spec"].get("volumes") or ()
                if one.get("persistentVolumeClaim")
            ]
        claims = [
            (stored.object["metadata"]["namespace"], stored.object["metadata"]["name"])
            for stored in self.api.store.list(("", "persistentvolumeclaims"))
            if (stored.object.get("status") or {}).get("phase") != "Bound" or kind == "persistentvolumes"
        ]
        return [*claims, *([("", change.name)] if kind == "persistentvolumes" else [])]

    def reconcile(self, key: Key) -> None:
        if not key[0]:
            self._offer(key[1])
            return
        claim = self.api.find("PersistentVolumeClaim", *key)
        if claim is None:
            self._release(key)
            return
        users = [pod for pod in self.api.list("Pod", key[0]) if _uses(pod, key[1])]
        if claim["metadata"].get("deletionTimestamp") and not users:
            kept = [one for one in claim["metadata"].get("finalizers") or () if one != "kubernetes.io/pvc-protection"]
            self.api.update("PersistentVolumeClaim", {**claim, "metadata": {**claim["metadata"], "finalizers": kept}})
            self._release(key)
            return
        phase = (claim.get("status") or {}).get("phase")
        if phase == "Bound":
            self._keep(claim)
            self._attach(key, claim, users)
        elif claim["spec"].get("volumeName"):
            self._bind_named(claim)
        else:
            self._find_or_make(claim)

    def _offer(self, name: str) -> None:
        """A volume that nobody has claimed can be had."""
        volume = self.api.find("PersistentVolume", "", name)
        if volume is not None and not volume["spec"].get("claimRef"):
            status = volume.get("status") or {}
            if status.get("phase") != "Available":
                write_status(self.api, volume, {"phase": "Available", "lastPhaseTransitionTime": self.api.now()})

    def _keep(self, claim: Object) -> None:
        """A claim whose volume is gone is lost."""
        if self.api.find("PersistentVolume", "", claim["spec"]["volumeName"]) is None:
            self.event(
                claim,
                "Warning",
                "ClaimLost",
                "Bound claim has lost its PersistentVolume. Data on the volume is lost!",
            )
            write_status(self.api, claim, {"phase": "Lost"})

    def _bind_named(self, claim: Object) -> None:
        volume = self.api.find("PersistentVolume", "", claim["spec"]["volumeName"])
        if (volume is not None and not (volume["spec"].get("claimRef") or {}).get("uid")) or (
            volume is not None and (volume["spec"].get("claimRef") or {}).get("uid") == claim["metadata"]["uid"]
        ):
            self._bind(claim, volume)

    def _find_or_make(self, claim: Object) -> None:
        wanted = claim["spec"].get("storageClassName") or ""
        for volume in self.api.list("PersistentVolume"):
            if self._suits(claim, volume, wanted):
                self._bind(claim, volume)
                return
        meta = claim["metadata"]
        found = self.api.find("StorageClass", "", wanted) if wanted else None
        if found is None:
            if wanted:
                text = f'storageclass.storage.k8s.io "{wanted}" not found'
                self.event(claim, "Warning", "ProvisioningFailed", text)
            else:
                text = "no persistent volumes available for this claim and no storage class is set"
                self.event(claim, "Normal", "FailedBinding", text)
            self.wake((meta["namespace"], meta["name"]), _WAIT_S)
            return
        notes = meta.get("annotations") or {}
        if found.get("volumeBindingMode") == "WaitForFirstConsumer" and _SELECTED not in notes:
            text = "waiting for first consumer to be created before binding"
            self.event(claim, "Normal", "WaitForFirstConsumer", text)
            return
        if found["provisioner"] != DRIVER:
            text = (
                "Waiting for a volume to be created either by the external provisioner "
                f"'{found['provisioner']}' or manually by the system administrator. If volume "
                "creation is delayed, please verify that the provisioner is running and correctly "
                "registered."
            )
            self.event(claim, "Normal", "ExternalProvisioning", text)
            self.wake((meta["namespace"], meta["name"]), _WAIT_S)
            return
        self._provision(claim, found, notes.get(_SELECTED, ""))

    def _suits(self, claim: Object, volume: Object, wanted: str) -> bool:
        spec, reference = volume["spec"], volume["spec"].get("claimRef") or {}
        if reference and (reference.get("name"), reference.get("namespace")) != (
            claim["metadata"]["name"],
            claim["metadata"]["namespace"],
        ):
            return False
        if (
            reference.get("uid") not in (None, "", claim["metadata"]["uid"])
            or (volume.get("status") or {}).get("phase") == "Released"
        ):
            return False
        enough = (parse(spec["capacity"]["storage"]) or 0) >= (
            parse(claim["spec"]["resources"]["requests"]["storage"]) or 0
        )
        modes = set(claim["spec"]["accessModes"]) <= set(spec.get("accessModes") or ())
        return enough and modes and (spec.get("storageClassName") or "") == wanted

    def _provision(self, claim: Object, storage_class: Object, node_name: str) -> None:
        meta, spec = claim["metadata"], claim["spec"]
        name = f"pvc-{meta['uid']}"
        node = self.api.find("Node", "", node_name) if node_name else None
        zone = ((node or {}).get("metadata", {}).get("labels") or {}).get("topology.kubernetes.io/zone", "us-west-2a")
        expression = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}
        body = {
            "metadata": {
                "name": name,
                "annotations": {"pv.kubernetes.io/provisioned-by": DRIVER},
                "finalizers": ["kubernetes.io/pv-protection", "external-attacher/ebs-csi-aws-com"],
            },
            "spec": {
                "accessModes": list(spec["accessModes"]),
                "capacity": {"storage": spec["resources"]["requests"]["storage"]},
                "claimRef": _claim_reference(claim),
                "csi": {
                    "driver": DRIVER,
                    "fsType": "ext4",
                    "volumeHandle": f"vol-0{meta['uid'].replace('-', '')[:16]}",
                },
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}},
                "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy", "Delete"),
                "storageClassName": storage_class["metadata"]["name"],
                "volumeMode": "Filesystem",
            },
        }
        notes = {
            **(meta.get("annotations") or {}),
            _PROVISIONER: DRIVER,
            "volume.beta.kubernetes.io/storage-provisioner": DRIVER,
        }
        claim = write_object(self.api, {**claim, "metadata": {**meta, "annotations": notes}})
        source = f"{DRIVER}_ebs-csi-controller"
        self.plane.events.record(
            source, claim, "Normal", "ProvisioningSucceeded", f"Successfully provisioned volume {name}"
        )
        self._bind(claim, self.api.create("PersistentVolume", body, manager="csi-provisioner"))

    def _bind(self, claim: Object, volume: Object) -> None:
        now = self.api.now()
        reference = _claim_reference(claim)
        changed = {
            **volume,
            "spec": {**volume["spec"], "claimRef": reference},
            "metadata": dict(volume["metadata"]),
        }
        changed["status"] = {"phase": "Bound", "lastPhaseTransitionTime": now}
        write_object(self.api, changed)
        notes = dict(claim["metadata"].get("annotations") or {})
        notes |= {"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"}
        bound = {**claim, "metadata": {**claim["metadata"], "annotations": notes}}
        bound["spec"] = {**claim["spec"], "volumeName": volume["metadata"]["name"]}
        bound["status"] = {
            "phase": "Bound",
            "accessModes": volume["spec"]["accessModes"],
            "capacity": volume["spec"]["capacity"],
        }
        write_object(self.api, bound)

    def _attach(self, key: Key, claim: Object, users: list[Object]) -> None:
        """Attach the volume where its pods are; a node whose pods are all gone lets it go."""
        volume = claim["spec"]["volumeName"]
        nodes = {pod["spec"].get("nodeName") for pod in users if pod["spec"].get("nodeName")}
        held = [
            one
            for one in self.api.list("VolumeAttachment")
            if one["spec"]["source"].get("persistentVolumeName") == volume
        ]
        for one in held:
            if not users_of(self.plane, key[0], key[1], one["spec"]["nodeName"]):
                self.api.delete("VolumeAttachment", "", one["metadata"]["name"])
        left = [
            one
            for one in self.api.list("VolumeAttachment")
            if one["spec"]["source"].get("persistentVolumeName") == volume
        ]
        if left or not nodes:
            return
        node = sorted(nodes)[0]
        name = "csi-" + (claim["metadata"]["uid"].replace("-", "") * 2)
        body = {
            "metadata": {"name": name, "finalizers": []},
            "spec": {"attacher": DRIVER, "nodeName": node, "source": {"persistentVolumeName": volume}},
        }
        made = self.api.create("VolumeAttachment", body, manager="kube-controller-manager")
        write_status(self.api, made, {"attached": True, "attachmentMetadata": {"devicePath": "/dev/xvdaa"}})
        for pod in users:
            if pod["spec"].get("nodeName") == node:
                text = f'AttachVolume.Attach succeeded for volume "{volume}"'
                self.plane.events.record("attachdetach-controller", pod, "Normal", "SuccessfulAttachVolume", text)

    def _release(self, key: Key) -> None:
        for volume in self.api.list("PersistentVolume"):
            reference = volume["spec"].get("claimRef") or {}
            if (reference.get("namespace"), reference.get("name")) != key or (volume.get("status") or {}).get(
                "phase"
            ) == "Released":
                continue
            if volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
                self.api.store.remove(("", "persistentvolumes"), "", volume["metadata"]["name"])
            else:
                write_status(self.api, volume, {"phase": "Released", "lastPhaseTransitionTime": self.api.now()})


def _uses(pod: Object, claim: str) -> bool:
    if (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return False
    return any(
        (one.get("persistentVolumeClaim") or {}).get("claimName") == claim for one in pod["spec"].get("volumes") or ()
    )


def _claim_reference(claim: Object) -> Object:
    meta = claim["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "name": meta["name"],
        "namespace": meta["namespace"],
        "uid": meta["uid"],
    }
