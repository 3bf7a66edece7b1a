"""Namespaces, nodes, volumes, classes, API services and custom resource definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.local.demo.server.errors import FieldError, field_forbidden, invalid_value, required
from infra.local.demo.server.kinds.workloads import immutable
from infra.local.demo.server.store import Object, copy_of
from infra.local.demo.server.strategies import Strategy, strategy

if TYPE_CHECKING:
    from infra.local.demo.server.api import Api


@strategy("Namespace")
class NamespaceStrategy(Strategy):
    def default(self, obj: Object) -> None:
        meta = obj.setdefault("metadata", {})
        if meta.get("name"):
            meta["labels"] = {**(meta.get("labels") or {}), "kubernetes.io/metadata.name": meta["name"]}
        obj.setdefault("spec", {})

    def prepare_create(self, api: Api, obj: Object) -> None:
        obj["spec"]["finalizers"] = ["kubernetes"]
        obj["status"] = {"phase": "Active"}

    def prepare_update(self, api: Api, obj: Object, old: Object) -> None:
        obj["spec"] = copy_of(old.get("spec") or {})


@strategy("Node")
class NodeStrategy(Strategy):
    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})

    def prepare_create(self, api: Api, obj: Object) -> None:
        status = obj.setdefault("status", {})
        status.setdefault("daemonEndpoints", {"kubeletEndpoint": {"Port": 0}})
        status.setdefault("nodeInfo", {})

    status_keeps_labels = True


@strategy("PersistentVolumeClaim")
class ClaimStrategy(Strategy):
    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("volumeMode", "Filesystem")
        spec.setdefault("resources", {})

    def prepare_create(self, api: Api, obj: Object) -> None:
        obj["status"] = {"phase": "Pending"}
        if "kubernetes.io/pvc-protection" not in (obj["metadata"].get("finalizers") or []):
            obj["metadata"]["finalizers"] = [*(obj["metadata"].get("finalizers") or []), "kubernetes.io/pvc-protection"]
        if "storageClassName" not in obj["spec"]:
            default = _default_class(api)
            if default:
                obj["spec"]["storageClassName"] = default

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        found = []
        if not obj["spec"].get("accessModes"):
            found.append(required("spec.accessModes", "at least 1 access mode is required"))
        if "storage" not in (obj["spec"]["resources"].get("requests") or {}):
            found.append(required("spec.resources[storage]"))
        return found

    def validate_update(self, api: Api, obj: Object, old: Object) -> list[FieldError]:
        kept = {key: value for key, value in obj["spec"].items() if key not in ("resources", "volumeName")}
        before = {key: value for key, value in old["spec"].items() if key not in ("resources", "volumeName")}
        if kept == before:
            return []
        text = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
        )
        return [field_forbidden("spec", text)]


def _default_class(api: Api) -> str:
    for stored in api.store.list(("storage.k8s.io", "storageclasses")):
        notes = stored.object["metadata"].get("annotations") or {}
        if notes.get("storageclass.kubernetes.io/is-default-class") == "true":
            return str(stored.object["metadata"]["name"])
    return ""


@strategy("PersistentVolume")
class VolumeStrategy(Strategy):
    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
        spec.setdefault("volumeMode", "Filesystem")

    def prepare_create(self, api: Api, obj: Object) -> None:
        obj["status"] = {"phase": "Pending"}
        obj["metadata"].setdefault("finalizers", ["kubernetes.io/pv-protection"])


@strategy("StorageClass")
class StorageClassStrategy(Strategy):
    def default(self, obj: Object) -> None:
        obj.setdefault("reclaimPolicy", "Delete")
        obj.setdefault("volumeBindingMode", "Immediate")

    def validate_update(self, api: Api, obj: Object, old: Object) -> list[FieldError]:
        fixed = ("parameters", "provisioner", "reclaimPolicy")
        found = [
            field_forbidden(name, f"updates to {name} are forbidden.")
            for name in fixed
            if obj.get(name) != old.get(name)
        ]
        return found + immutable("volumeBindingMode", obj.get("volumeBindingMode"), old.get("volumeBindingMode"))


@strategy("APIService")
class APIServiceStrategy(Strategy):
    def default(self, obj: Object) -> None:
        service = obj.setdefault("spec", {}).get("service")
        if service is not None:
            service.setdefault("port", 443)

    def prepare_create(self, api: Api, obj: Object) -> None:
        obj["status"] = {}


@strategy("CustomResourceDefinition")
class DefinitionStrategy(Strategy):
    generation = True

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        names = spec.setdefault("names", {})
        names.setdefault("singular", (names.get("kind") or "").lower())
        names.setdefault("listKind", (names.get("kind") or "") + "List")
        spec.setdefault("conversion", {"strategy": "None"})

    def prepare_create(self, api: Api, obj: Object) -> None:
        stored = [version["name"] for version in obj["spec"].get("versions") or () if version.get("storage")]
        names = {"plural": "", "kind": ""}
        obj["status"] = {"conditions": None, "acceptedNames": names, "storedVersions": stored}

    def validate(self, api: Api, obj: Object) -> list[FieldError]:
        spec = obj["spec"]
        found: list[FieldError] = []
        names = spec.get("names") or {}
        expected = f"{names.get('plural', '')}.{spec.get('group', '')}"
        name = obj["metadata"].get("name", "")
        if name != expected:
            text = 'must be spec.names.plural+"."+spec.group'
            found.append(invalid_value("metadata.name", name, text))
        found += [required(f"spec.{field}") for field in ("group", "scope") if not spec.get(field)]
        versions = spec.get("versions") or []
        if len([version for version in versions if version.get("storage")]) != 1:
            text = "must have exactly one version marked as storage version"
            found.append(invalid_value("spec.versions", versions, text))
        for index, version in enumerate(versions):
            if not (version.get("schema") or {}).get("openAPIV3Schema"):
                found.append(required(f"spec.versions[{index}].schema.openAPIV3Schema", "schemas are required"))
        return found
