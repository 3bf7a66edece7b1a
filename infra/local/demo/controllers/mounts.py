"""What a container is given: its environment, its volumes, and why it cannot have them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.controllers.plane import ControlPlane


class ConfigError(Exception):
    """A container cannot be created; the text is the kubelet's."""


def environment_of(plane: ControlPlane, pod: Object, container: Object) -> dict[str, str]:
    """Variables of a container; raises ConfigError where a required reference leads nowhere."""
    found: dict[str, str] = {}
    namespace = pod["metadata"]["namespace"]
    for source in container.get("envFrom") or ():
        for kind, name in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            reference = source.get(name)
            if reference:
                values = _data(plane, kind, namespace, reference)
                found |= {source.get("prefix", "") + key: value for key, value in (values or {}).items()}
    for variable in container.get("env") or ():
        value = variable.get("value", "")
        origin = variable.get("valueFrom") or {}
        for kind, name in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
            reference = origin.get(name)
            if reference:
                value = _key(plane, kind, namespace, reference)
        if origin.get("fieldRef"):
            value = str(_field(pod, origin["fieldRef"]["fieldPath"]))
        found[variable["name"]] = value
    return found


def _field(pod: Object, path: str) -> object:
    value: object = pod
    for part in path.split("."):
        value = value.get(part, "") if isinstance(value, dict) else ""
    return value


def _data(plane: ControlPlane, kind: str, namespace: str, reference: Object) -> dict[str, str] | None:
    stored = plane.api.find(kind, namespace, reference["name"])
    if stored is None:
        if reference.get("optional"):
            return None
        raise ConfigError(f'{kind.lower()} "{reference["name"]}" not found')
    values = dict(stored.get("data") or {})
    if kind == "Secret":
        values = {key: base64.b64decode(value).decode(errors="replace") for key, value in values.items()}
    return values


def _key(plane: ControlPlane, kind: str, namespace: str, reference: Object) -> str:
    values = _data(plane, kind, namespace, reference)
    if values is None:
        return ""
    if reference["key"] not in values:
        if reference.get("optional"):
            return ""
        raise ConfigError(f"couldn't find key {reference['key']} in {kind} {namespace}/{reference['name']}")
    return values[reference["key"]]


def user_problem(plane: ControlPlane, pod: Object, container: Object) -> str:
    """Why the container may not run as the user its image has."""
    security = {**(pod["spec"].get("securityContext") or {}), **(container.get("securityContext") or {})}
    if not security.get("runAsNonRoot"):
        return ""
    meta = pod["metadata"]
    where = f'(pod: "{meta["name"]}_{meta["namespace"]}({meta["uid"]})", container: {container["name"]})'
    user = security.get("runAsUser")
    if user == 0:
        return f"container's runAsUser breaks non-root policy {where}"
    if user is None and plane.programs.of(container).root:
        return f"container has runAsNonRoot and image will run as root {where}"
    return ""


def mount_problem(plane: ControlPlane, pod: Object) -> tuple[str, str]:
    """(event reason, text) of the first volume that cannot be set up; empty when all can."""
    namespace = pod["metadata"]["namespace"]
    for volume in pod["spec"].get("volumes") or ():
        for field, kind, named in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
            source = volume.get(field)
            if not source or source.get("optional"):
                continue
            stored = plane.api.find(kind, namespace, source.get(named, ""))
            if stored is None:
                text = (
                    f'MountVolume.SetUp failed for volume "{volume["name"]}" : {kind.lower()} '
                    f'"{source.get(named)}" not found'
                )
                return "FailedMount", text
            lost = [item["key"] for item in source.get("items") or () if item["key"] not in (stored.get("data") or {})]
            if lost:
                text = (
                    f'MountVolume.SetUp failed for volume "{volume["name"]}" : references '
                    f"non-existent {kind.lower()} key: {lost[0]}"
                )
                return "FailedMount", text
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim and (problem := _attach_problem(plane, pod, claim)):
            return "FailedAttachVolume", problem
    return "", ""


def _attach_problem(plane: ControlPlane, pod: Object, claim_name: str) -> str:
    claim = plane.api.find("PersistentVolumeClaim", pod["metadata"]["namespace"], claim_name)
    volume = ((claim or {}).get("spec") or {}).get("volumeName")
    if not volume or "ReadWriteMany" in (claim["spec"].get("accessModes") or ()):  # type: ignore[index]
        return ""
    node = pod["spec"]["nodeName"]
    for attachment in plane.api.list("VolumeAttachment"):
        if attachment["spec"]["source"].get("persistentVolumeName") != volume or attachment["spec"]["nodeName"] == node:
            continue
        users = users_of(plane, pod["metadata"]["namespace"], claim_name, attachment["spec"]["nodeName"])
        if users:
            return f'Multi-Attach error for volume "{volume}" Volume is already used by pod(s) ' + ", ".join(
                one["metadata"]["name"] for one in users
            )
        return (
            f'Multi-Attach error for volume "{volume}" Volume is already exclusively attached to one '
            "node and can't be attached to another"
        )
    return ""


def users_of(plane: ControlPlane, namespace: str, claim: str, node: str) -> list[Object]:
    """Pods on a node that use a claim and have not ended."""
    return [
        pod
        for pod in plane.cache.pods_on(node)
        if pod["metadata"]["namespace"] == namespace
        and any(
            (one.get("persistentVolumeClaim") or {}).get("claimName") == claim
            for one in pod["spec"].get("volumes") or ()
        )
    ]
