"""Pulling images, and the errors of registries in the words of containerd."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infra.local.demo.controllers.programs import split_image
from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.controllers.plane import ControlPlane

_VALID = re.compile(
    r"^[a-z0-9][a-z0-9._:-]*(/[a-z0-9][a-z0-9._-]*)*(:[A-Za-z0-9_][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$"
)


def name_problem(image: str) -> str:
    """Why the reference itself cannot be parsed."""
    if _VALID.match(image):
        return ""
    return (
        f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": invalid reference format'
    )


def pull_problem(plane: ControlPlane, pod: Object, container: Object) -> str:
    """Why the pull of a container's image fails; empty when it works."""
    image = container["image"]
    repository, tag = split_image(image)
    environment = plane.environment
    resolve = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}"'
    prefix = f"rpc error: code = Unknown desc = {resolve}"
    if network := environment.registry_error(image):
        host = image.partition("/")[0]
        return (
            f"{prefix}: failed to do request: Head "
            f'"https://{host}/v2/{repository.partition("/")[2]}/manifests/{tag}": {network}'
        )
    if environment.needs_secret(repository) and not _has_pull_secret(plane, pod):
        host, path = image.partition("/")[0], repository.partition("/")[2]
        scope = f"https://{host}/token?scope=repository%3A{path.replace('/', '%2F')}%3Apull&service={host}"
        return (
            f"{prefix}: failed to authorize: failed to fetch oauth token: unexpected status from GET "
            f"request to {scope}: 401 Unauthorized"
        )
    if not environment.has_tag(repository, tag):
        return f"rpc error: code = NotFound desc = {resolve}: {image}: not found"
    arch = environment.single_arch.get(image)
    if arch and arch != _arch(plane, pod):
        return (
            f'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": no match '
            "for platform in manifest: not found"
        )
    return ""


def _arch(plane: ControlPlane, pod: Object) -> str:
    node = plane.api.find("Node", "", pod["spec"]["nodeName"])
    return str(((node or {}).get("metadata", {}).get("labels") or {}).get("kubernetes.io/arch", "amd64"))


def _has_pull_secret(plane: ControlPlane, pod: Object) -> bool:
    namespace = pod["metadata"]["namespace"]
    account = plane.api.find("ServiceAccount", namespace, pod["spec"].get("serviceAccountName", "default"))
    references = [
        *(pod["spec"].get("imagePullSecrets") or ()),
        *((account or {}).get("imagePullSecrets") or ()),
    ]
    for reference in references:
        stored = plane.api.find("Secret", namespace, reference["name"])
        if stored and stored.get("type") == "kubernetes.io/dockerconfigjson":
            return True
    return False


def pull_seconds(size_mb: int, image: str) -> float:
    """A steady guess by size, a little different for each image."""
    return round(0.4 + size_mb / 90 + sum(image.encode()) % 17 / 20, 3)
