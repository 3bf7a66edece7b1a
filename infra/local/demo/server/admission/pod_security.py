"""Pod Security admission: the baseline and restricted standards on labelled namespaces."""

from __future__ import annotations

from collections.abc import Callable

from infra.local.demo.server.admission.request import Request
from infra.local.demo.server.errors import forbidden
from infra.local.demo.server.kinds.pod_spec import CONTAINER_LISTS
from infra.local.demo.server.store import Object

_LABEL = "pod-security.kubernetes.io/"
_TEMPLATED = {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicationController"}
_BASELINE_CAPABILITIES = {
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
    "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}  # fmt: skip
_RESTRICTED_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret",
}  # fmt: skip

Violation = tuple[str, str]  # what is not allowed, and where


def check(request: Request) -> None:
    """Enforce on pods (ApiError 403); warn about pods and templates."""
    if request.operation != "CREATE" or request.object is None or request.subresource:
        return
    spec = _spec(request)
    if spec is None:
        return
    namespace = request.api.store.get(("", "namespaces"), "", request.namespace)
    labels = (namespace.object["metadata"].get("labels") or {}) if namespace else {}
    if request.creates_pod:
        level = labels.get(_LABEL + "enforce", "privileged")
        text = _sentence(spec, level)
        if text:
            version = labels.get(_LABEL + "enforce-version", "latest")
            raise forbidden("pods", "", request.name, f'violates PodSecurity "{level}:{version}": {text}')
    level = labels.get(_LABEL + "warn", "privileged")
    text = _sentence(spec, level)
    if text:
        version = labels.get(_LABEL + "warn-version", "latest")
        request.warn(f'would violate PodSecurity "{level}:{version}": {text}')


def _spec(request: Request) -> Object | None:
    if request.object is None:
        return None
    if request.creates_pod:
        spec: Object = request.object["spec"]
        return spec
    if request.resource.kind not in _TEMPLATED:
        return None
    spec = request.object.get("spec") or {}
    if request.resource.kind == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    return (spec.get("template") or {}).get("spec")


def _sentence(spec: Object, level: str) -> str:
    if level not in ("baseline", "restricted"):
        return ""
    checks = _BASELINE if level == "baseline" else [*_RESTRICTED_FIRST, *_BASELINE_IN_RESTRICTED, *_RESTRICTED_LAST]
    found = [violation for check_ in checks for violation in check_(spec)]
    found.sort(key=lambda violation: _ORDER.index(violation[0]) if violation[0] in _ORDER else len(_ORDER))
    return ", ".join(f"{what} ({where})" for what, where in found)


def _containers(spec: Object) -> list[Object]:
    return [container for listed in CONTAINER_LISTS for container in spec.get(listed) or ()]


def _where(names: list[str], text: str) -> str:
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"{'container' if len(names) == 1 else 'containers'} {quoted} {text}"


def _security(container: Object) -> Object:
    return container.get("securityContext") or {}


def _privileged(spec: Object) -> list[Violation]:
    names = [c["name"] for c in _containers(spec) if _security(c).get("privileged")]
    return [("privileged", _where(names, "must not set securityContext.privileged=true"))] if names else []


def _host_namespaces(spec: Object) -> list[Violation]:
    used = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    return [("host namespaces", ", ".join(used))] if used else []


def _host_path(spec: Object) -> list[Violation]:
    names = [f'"{volume["name"]}"' for volume in spec.get("volumes") or () if volume.get("hostPath") is not None]
    word = "volume" if len(names) == 1 else "volumes"
    return [("hostPath volumes", f"{word} {', '.join(names)}")] if names else []


def _host_ports(spec: Object) -> list[Violation]:
    found = []
    for container in _containers(spec):
        ports = [str(port["hostPort"]) for port in container.get("ports") or () if port.get("hostPort")]
        if ports:
            word = "hostPort" if len(ports) == 1 else "hostPorts"
            found.append(("hostPort", f'container "{container["name"]}" uses {word} {", ".join(ports)}'))
    return found


def _baseline_capabilities(spec: Object) -> list[Violation]:
    found = []
    for container in _containers(spec):
        added = (_security(container).get("capabilities") or {}).get("add") or ()
        extra = sorted(name for name in added if name not in _BASELINE_CAPABILITIES)
        if extra:
            quoted = ", ".join(f'"{name}"' for name in extra)
            where = f'container "{container["name"]}" must not include {quoted} in securityContext.capabilities.add'
            found.append(("non-default capabilities", where))
    return found


def _escalation(spec: Object) -> list[Violation]:
    names = [c["name"] for c in _containers(spec) if _security(c).get("allowPrivilegeEscalation") is not False]
    text = "must set securityContext.allowPrivilegeEscalation=false"
    return [("allowPrivilegeEscalation != false", _where(names, text))] if names else []


def _capabilities(spec: Object) -> list[Violation]:
    names = [
        c["name"]
        for c in _containers(spec)
        if "ALL" not in ((_security(c).get("capabilities") or {}).get("drop") or ())
    ]
    text = 'must set securityContext.capabilities.drop=["ALL"]'
    return [("unrestricted capabilities", _where(names, text))] if names else []


def _volume_types(spec: Object) -> list[Violation]:
    found = []
    for volume in spec.get("volumes") or ():
        types = [key for key in volume if key != "name" and key not in _RESTRICTED_VOLUMES]
        if types:
            found.append(f'volume "{volume["name"]}" uses restricted volume type "{types[0]}"')
    return [("restricted volume types", ", ".join(found))] if found else []


def _non_root(spec: Object) -> list[Violation]:
    pod = (spec.get("securityContext") or {}).get("runAsNonRoot")
    names = [
        c["name"] for c in _containers(spec)
        if _security(c).get("runAsNonRoot") is False or (_security(c).get("runAsNonRoot") is None and not pod)
    ]  # fmt: skip
    if not names:
        return []
    return [("runAsNonRoot != true", "pod or " + _where(names, "must set securityContext.runAsNonRoot=true"))]


def _seccomp(spec: Object) -> list[Violation]:
    allowed = ("RuntimeDefault", "Localhost")
    pod = ((spec.get("securityContext") or {}).get("seccompProfile") or {}).get("type") in allowed
    names = []
    for container in _containers(spec):
        own = (_security(container).get("seccompProfile") or {}).get("type")
        if own not in allowed and (own or not pod):
            names.append(container["name"])
    text = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    return [("seccompProfile", "pod or " + _where(names, text))] if names else []


Check = Callable[[Object], list[Violation]]
_BASELINE: list[Check] = [_baseline_capabilities, _host_namespaces, _host_path, _host_ports, _privileged]
_BASELINE_IN_RESTRICTED: list[Check] = [_host_namespaces, _host_path, _host_ports, _privileged]
_RESTRICTED_FIRST: list[Check] = [_escalation, _capabilities]
_RESTRICTED_LAST: list[Check] = [_volume_types, _non_root, _seccomp]
_ORDER = [
    "host namespaces", "hostPath volumes", "privileged", "hostPort", "allowPrivilegeEscalation != false",
    "non-default capabilities", "unrestricted capabilities", "restricted volume types", "runAsNonRoot != true",
    "seccompProfile",
]  # fmt: skip
