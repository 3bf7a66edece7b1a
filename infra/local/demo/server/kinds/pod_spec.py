"""Defaults and validation that pods and pod templates share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from infra.local.demo.server.errors import (
    FieldError,
    duplicate,
    field_forbidden,
    field_not_found,
    invalid_value,
    not_supported,
    required,
)
from infra.local.demo.server.metadata import LABEL, LABEL_TEXT
from infra.local.demo.server.quantities import FORMAT_TEXT, parse
from infra.local.demo.server.store import Object

CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


def containers_of(spec: Object) -> Iterator[Object]:
    """Init and ordinary containers."""
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()


def default_template(template: Object) -> None:
    """Defaults of a PodTemplateSpec."""
    template.setdefault("metadata", {})
    default_spec(template.setdefault("spec", {}))


def default_spec(spec: Object) -> None:
    """Defaults of a PodSpec, as core/v1/defaults.go sets them."""
    for listed in CONTAINER_LISTS:
        for container in spec.get(listed) or ():
            _default_container(container, host_network=bool(spec.get("hostNetwork")))
    for volume in spec.get("volumes") or ():
        _default_volume(volume)
    spec.setdefault("containers", None)
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for constraint in spec.get("topologySpreadConstraints") or ():
        constraint.setdefault("whenUnsatisfiable", "DoNotSchedule")


def _default_container(container: Object, *, host_network: bool) -> None:
    container.setdefault("resources", {})
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    if "imagePullPolicy" not in container:
        container["imagePullPolicy"] = _pull_policy(container.get("image") or "")
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if host_network and "containerPort" in port:
            port.setdefault("hostPort", port["containerPort"])
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference is not None:
            reference.setdefault("apiVersion", "v1")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name) is not None:
            _default_probe(container[name])
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict) and hook.get("httpGet") is not None:
            _default_http(hook["httpGet"])


def _pull_policy(image: str) -> str:
    last = image.rpartition("/")[2]
    if "@" in image:
        return "IfNotPresent"
    return "Always" if ":" not in last or last.endswith(":latest") else "IfNotPresent"


def _default_probe(probe: Object) -> None:
    if probe.get("httpGet") is not None:
        _default_http(probe["httpGet"])
    if probe.get("grpc") is not None:
        probe["grpc"].setdefault("service", "")
    probe.setdefault("timeoutSeconds", 1)
    probe.setdefault("periodSeconds", 10)
    probe.setdefault("successThreshold", 1)
    probe.setdefault("failureThreshold", 3)


def _default_http(action: Object) -> None:
    action.setdefault("path", "/")
    action.setdefault("scheme", "HTTP")


_WITH_MODE = ("configMap", "secret", "projected", "downwardAPI")


def _default_volume(volume: Object) -> None:
    sources = [key for key in volume if key != "name"]
    if not sources:
        volume["emptyDir"] = {}
    for key in _WITH_MODE:
        if volume.get(key) is not None:
            volume[key].setdefault("defaultMode", 420)
    if volume.get("hostPath") is not None:
        volume["hostPath"].setdefault("type", "")
    for item in (volume.get("downwardAPI") or {}).get("items") or ():
        if item.get("fieldRef") is not None:
            item["fieldRef"].setdefault("apiVersion", "v1")
    for source in (volume.get("projected") or {}).get("sources") or ():
        if source.get("serviceAccountToken") is not None:
            source["serviceAccountToken"].setdefault("expirationSeconds", 3600)
        for item in (source.get("downwardAPI") or {}).get("items") or ():
            if item.get("fieldRef") is not None:
                item["fieldRef"].setdefault("apiVersion", "v1")
    claim = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if claim is not None:
        claim.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")


_RESTART = ("Always", "OnFailure", "Never")
_PULL = ("Always", "IfNotPresent", "Never")
_DNS = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")


def validate_spec(spec: Object, path: str) -> list[FieldError]:
    """What is wrong with a PodSpec, in the order the real server says it."""
    found: list[FieldError] = []
    volumes = _volume_names(spec, path, found)
    if not spec.get("containers"):
        found.append(required(f"{path}.containers"))
    names: set[str] = set()
    for listed in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(listed) or ()):
            found += _container_findings(container, f"{path}.{listed}[{index}]", names, volumes)
    if spec.get("restartPolicy") not in _RESTART:
        found.append(not_supported(f"{path}.restartPolicy", spec.get("restartPolicy"), _RESTART))
    if spec.get("dnsPolicy") not in _DNS:
        found.append(not_supported(f"{path}.dnsPolicy", spec.get("dnsPolicy"), _DNS))
    grace = spec.get("terminationGracePeriodSeconds", 30)
    if grace < 0:
        found.append(
            invalid_value(f"{path}.terminationGracePeriodSeconds", grace, "must be greater than or equal to 0")
        )
    return found


def _volume_names(spec: Object, path: str, found: list[FieldError]) -> set[str]:
    names: set[str] = set()
    for index, volume in enumerate(spec.get("volumes") or ()):
        name = volume.get("name", "")
        where = f"{path}.volumes[{index}].name"
        if not name:
            found.append(required(where))
        elif not LABEL.match(name):
            found.append(invalid_value(where, name, LABEL_TEXT))
        elif name in names:
            found.append(duplicate(where, name))
        names.add(name)
    return names


_ENV_NAME = re.compile(r"^[^=]+$")


def _container_findings(container: Object, path: str, names: set[str], volumes: set[str]) -> list[FieldError]:
    found: list[FieldError] = []
    name = container.get("name", "")
    if not name:
        found.append(required(f"{path}.name"))
    elif not LABEL.match(name):
        found.append(invalid_value(f"{path}.name", name, LABEL_TEXT))
    elif name in names:
        found.append(duplicate(f"{path}.name", name))
    names.add(name)
    if not container.get("image"):
        found.append(required(f"{path}.image"))
    if container.get("imagePullPolicy") not in _PULL:
        found.append(not_supported(f"{path}.imagePullPolicy", container.get("imagePullPolicy"), _PULL))
    found += _port_findings(container, path)
    for index, variable in enumerate(container.get("env") or ()):
        if not variable.get("name"):
            found.append(required(f"{path}.env[{index}].name"))
        if variable.get("value") and variable.get("valueFrom"):
            text = "may not be specified when `value` is not empty"
            found.append(invalid_value(f"{path}.env[{index}].valueFrom", "", text))
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        if mount.get("name") not in volumes:
            found.append(field_not_found(f"{path}.volumeMounts[{index}].name", mount.get("name", "")))
        if not mount.get("mountPath"):
            found.append(required(f"{path}.volumeMounts[{index}].mountPath"))
    return found + resource_findings(container.get("resources") or {}, f"{path}.resources")


def _port_findings(container: Object, path: str) -> list[FieldError]:
    found = []
    for index, port in enumerate(container.get("ports") or ()):
        number = port.get("containerPort", 0)
        if not 0 < number < 65536:
            text = "must be between 1 and 65535, inclusive"
            found.append(invalid_value(f"{path}.ports[{index}].containerPort", number, text))
        if port.get("protocol") not in ("TCP", "UDP", "SCTP"):
            where = f"{path}.ports[{index}].protocol"
            found.append(not_supported(where, port.get("protocol"), ("SCTP", "TCP", "UDP")))
    return found


def resource_findings(resources: Object, path: str) -> list[FieldError]:
    """Quantities that cannot be read, and requests above limits."""
    found: list[FieldError] = []
    for half in ("limits", "requests"):
        for name, amount in (resources.get(half) or {}).items():
            value = parse(amount)
            if value is None:
                found.append(invalid_value(f"{path}.{half}[{name}]", amount, FORMAT_TEXT))
            elif value < 0:
                found.append(invalid_value(f"{path}.{half}[{name}]", amount, "must be greater than or equal to 0"))
    if found:
        return found
    limits = resources.get("limits") or {}
    for name, amount in (resources.get("requests") or {}).items():
        if name in limits and _number(amount) > _number(limits[name]):
            text = f"must be less than or equal to {name} limit of {limits[name]}"
            found.append(invalid_value(f"{path}.requests", str(amount), text))
    return found


def _number(amount: Any) -> Any:
    return parse(amount) or 0


def template_findings(
    template: Object, selector: Object | None, path: str, restart: tuple[str, ...] = ("Always",)
) -> list[FieldError]:
    """What is wrong with the template of a workload; its labels must be selected."""
    from infra.local.demo.server.selectors import selector_matches

    labels = (template.get("metadata") or {}).get("labels")
    found: list[FieldError] = []
    if not selector_matches(selector, labels or {}):
        where = f"{path}.metadata.labels"
        found.append(invalid_value(where, labels, "`selector` does not match template `labels`"))
    spec = template.get("spec") or {}
    found += validate_spec(spec, f"{path}.spec")
    if spec.get("restartPolicy") in _RESTART and spec["restartPolicy"] not in restart:
        found.append(not_supported(f"{path}.spec.restartPolicy", spec["restartPolicy"], restart))
    return found


def forbidden_change(text: str) -> FieldError:
    return field_forbidden("spec", text)
