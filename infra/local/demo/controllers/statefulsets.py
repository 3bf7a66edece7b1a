"""StatefulSets: named pods in order, each with its claims."""

from __future__ import annotations

from collections.abc import Iterable

from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.replicasets import pod_from
from infra.local.demo.controllers.revisions import current_revision
from infra.local.demo.controllers.status import controller_key, is_ready, write_status
from infra.local.demo.server.errors import ApiError
from infra.local.demo.server.store import Change, Object, copy_of

_HASH = "controller-revision-hash"


class StatefulSets(Controller):
    name = "statefulset-controller"
    kinds = ("StatefulSet", "Pod")

    def concerned(self, change: Change) -> Iterable[Key]:
        if change.key[1] == "statefulsets":
            return ((change.namespace, change.name),)
        owner = controller_key(change.object, "StatefulSet")
        return (owner,) if owner else ()

    def reconcile(self, key: Key) -> None:
        found = self.api.find("StatefulSet", *key)
        if found is None or found["metadata"].get("deletionTimestamp"):
            return
        revision = current_revision(self.api, found)["metadata"]["name"]
        status = found.get("status") or {}
        current = status.get("currentRevision") or revision
        self._bring_in_order(key, found, revision)
        self._write_status(key, found, current, revision)

    def _pods(self, found: Object) -> dict[int, Object]:
        pods = self.plane.cache.pods_of(found["metadata"]["uid"])
        return {int(pod["metadata"]["name"].rpartition("-")[2]): pod for pod in pods}

    def _bring_in_order(self, key: Key, found: Object, revision: str) -> None:
        pods, spec = self._pods(found), found["spec"]
        ordered = spec.get("podManagementPolicy", "OrderedReady") == "OrderedReady"
        for ordinal in range(spec.get("replicas", 1)):
            pod = pods.get(ordinal)
            if pod is not None and (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded"):
                self.api.delete("Pod", key[0], pod["metadata"]["name"], grace_s=0)
                pod = None
            if pod is None:
                if not self._create(key, found, ordinal, revision):
                    return
                pod = self.api.find("Pod", key[0], f"{key[1]}-{ordinal}")
            if ordered and (pod is None or not is_ready(pod) or pod["metadata"].get("deletionTimestamp")):
                return
        for ordinal in sorted((number for number in pods if number >= spec.get("replicas", 1)), reverse=True):
            if not pods[ordinal]["metadata"].get("deletionTimestamp"):
                self._delete(found, pods[ordinal])
            if ordered:
                return
        self._update(found, revision)

    def _create(self, key: Key, found: Object, ordinal: int, revision: str) -> bool:
        name = f"{key[1]}-{ordinal}"
        self._create_claims(key, found, name)
        body = pod_from(found["spec"]["template"], found, f"{key[1]}-")
        body["metadata"]["name"] = name
        labels = {
            _HASH: revision,
            "apps.kubernetes.io/pod-index": str(ordinal),
            "statefulset.kubernetes.io/pod-name": name,
        }
        body["metadata"]["labels"] = dict(body["metadata"].get("labels") or {}) | labels
        body["spec"] |= {"hostname": name, "subdomain": found["spec"].get("serviceName", "")}
        mounted = [
            {
                "name": claim["metadata"]["name"],
                "persistentVolumeClaim": {"claimName": f"{claim['metadata']['name']}-{name}"},
            }
            for claim in found["spec"].get("volumeClaimTemplates") or ()
        ]
        if mounted:
            body["spec"]["volumes"] = [*mounted, *(body["spec"].get("volumes") or ())]
        try:
            self.api.create("Pod", body, namespace=key[0], manager="kube-controller-manager")
        except ApiError as error:
            text = f"create Pod {name} in StatefulSet {key[1]} failed error: {error.message}"
            self.event(found, "Warning", "FailedCreate", text)
            self.wake(key, 30)
            return False
        self.event(found, "Normal", "SuccessfulCreate", f"Create Pod {name} in StatefulSet {key[1]} successful")
        return True

    def _create_claims(self, key: Key, found: Object, pod: str) -> None:
        for template in found["spec"].get("volumeClaimTemplates") or ():
            name = f"{template['metadata']['name']}-{pod}"
            if self.api.find("PersistentVolumeClaim", key[0], name):
                continue
            labels = dict(found["spec"]["selector"].get("matchLabels") or {})
            body = {"metadata": {"name": name, "labels": labels}, "spec": copy_of(template["spec"])}
            self.api.create("PersistentVolumeClaim", body, namespace=key[0], manager="kube-controller-manager")
            text = f"Create Claim {name} Pod {pod} in StatefulSet {key[1]} success"
            self.event(found, "Normal", "SuccessfulCreate", text)

    def _delete(self, found: Object, pod: Object) -> None:
        meta = pod["metadata"]
        self.api.delete("Pod", meta["namespace"], meta["name"])
        text = f"Delete Pod {meta['name']} in StatefulSet {found['metadata']['name']} successful"
        self.event(found, "Normal", "SuccessfulDelete", text)

    def _update(self, found: Object, revision: str) -> None:
        """Replace one pod of an old revision, the highest number first, when all above it are ready."""
        update = found["spec"].get("updateStrategy") or {}
        if update.get("type") == "OnDelete":
            return
        partition = (update.get("rollingUpdate") or {}).get("partition", 0)
        pods = self._pods(found)
        for ordinal in sorted(pods, reverse=True):
            pod = pods[ordinal]
            if ordinal < partition:
                return
            if pod["metadata"]["labels"].get(_HASH) != revision:
                if not pod["metadata"].get("deletionTimestamp"):
                    self._delete(found, pod)
                return
            if not is_ready(pod):
                return

    def _write_status(self, key: Key, found: Object, current: str, revision: str) -> None:
        pods = list(self._pods(found).values())
        ready = sum(1 for pod in pods if is_ready(pod))
        updated = sum(1 for pod in pods if pod["metadata"]["labels"].get(_HASH) == revision)
        if updated == len(pods) and ready == len(pods) == found["spec"].get("replicas", 1):
            current = revision
        status = {
            "observedGeneration": found["metadata"].get("generation", 1),
            "replicas": len(pods),
            "readyReplicas": ready,
            "currentReplicas": sum(1 for pod in pods if pod["metadata"]["labels"].get(_HASH) == current),
            "updatedReplicas": updated,
            "currentRevision": current,
            "updateRevision": revision,
            "collisionCount": 0,
            "availableReplicas": ready,
        }
        write_status(self.api, found, {name: value for name, value in status.items() if value or name in _ZEROS})


_ZEROS = ("replicas", "availableReplicas", "collisionCount")
