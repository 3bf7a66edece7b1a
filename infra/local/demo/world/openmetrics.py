"""The same history under the names cAdvisor and kube-state-metrics use, as a text file that promtool can backfill."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TextIO

import numpy as np

from infra.local.demo.server.api import Api
from infra.local.demo.server.quantities import parse
from infra.local.demo.world.business import BUSINESS
from infra.local.demo.world.curves import Curves, Times
from infra.local.demo.world.machines import MACHINES
from infra.local.demo.world.manifests import App
from infra.local.demo.world.platform import PLATFORM

STEP_S = 300
_SLOW_STEP_S = 300
_APPS = {(app.namespace, app.name): app for app in (*PLATFORM, *BUSINESS)}


def pods_listed(api: Api) -> list[dict[str, Any]]:
    """What the writer needs to know of the running pods; Api objects stay in the server's process."""
    listed = []
    for pod in api.list("Pod"):
        meta = pod["metadata"]
        name = (meta.get("labels") or {}).get("app.kubernetes.io/name", "")
        if (meta["namespace"], name) not in _APPS or (pod.get("status") or {}).get("phase") != "Running":
            continue
        owner = next((one for one in meta.get("ownerReferences") or ()), {})
        listed.append(
            {
                "namespace": meta["namespace"],
                "pod": meta["name"],
                "node": pod["spec"].get("nodeName", ""),
                "app": name,
                "uid": meta["uid"],
                "created": meta["creationTimestamp"],
                "owner_kind": owner.get("kind", ""),
                "owner": owner.get("name", ""),
            }
        )
    return listed


def write_openmetrics(path: Path, pods: list[dict[str, Any]], *, seed: int, until: float, days: int) -> int:
    """Write the file, one metric family after the other as the format wants it; returns the number of samples."""
    times = np.arange(until - days * 86_400, until, STEP_S, dtype=np.float64).round()
    stamps = [f"{moment:.0f}" for moment in times]
    curves, count = Curves(seed), 0
    with path.open("w") as out:
        count += _family(
            out, "container_cpu_usage_seconds", "counter", _cpu(curves, pods, times), stamps, suffix="_total"
        )
        count += _family(out, "container_memory_working_set_bytes", "gauge", _memory(curves, pods, times), stamps)
        slow = np.arange(until - days * 86_400, until, _SLOW_STEP_S, dtype=np.float64).round()
        marks = [f"{moment:.0f}" for moment in slow]
        for name, half in (("requests", "requests"), ("limits", "limits")):
            family = f"kube_pod_container_resource_{name}"
            count += _family(out, family, "gauge", _resources(pods, half, slow), marks)
        count += _family(out, "kube_pod_owner", "gauge", _owners(pods, slow), marks)
        count += _family(out, "kube_node_status_allocatable", "gauge", _nodes(slow), marks)
        out.write("# EOF\n")
    return count


_Rows = list[tuple[str, list[str]]]


def _family(out: TextIO, name: str, kind: str, rows: _Rows, stamps: list[str], *, suffix: str = "") -> int:
    out.write(f"# TYPE {name} {kind}\n")
    for labels, values in rows:
        head = f"{name}{suffix}{{{labels}}} "
        out.write("".join(f"{head}{value} {stamp}\n" for value, stamp in zip(values, stamps, strict=True)))
    return sum(len(values) for _, values in rows)


def _app(pod: dict[str, Any]) -> App:
    return _APPS[pod["namespace"], pod["app"]]


def _labels(pod: dict[str, Any]) -> str:
    return f'namespace="{pod["namespace"]}",pod="{pod["pod"]}",container="{pod["app"]}",node="{pod["node"]}"'


def _cpu(curves: Curves, pods: list[dict[str, Any]], times: Times) -> _Rows:
    rows = []
    for pod in pods:
        app = _app(pod)
        rate = curves.cpu(f"{app.namespace}/{app.name}", app.shape, app.program.cpu, times)
        rows.append((_labels(pod), [f"{value:.2f}" for value in np.cumsum(rate * STEP_S).tolist()]))
    return rows


def _memory(curves: Curves, pods: list[dict[str, Any]], times: Times) -> _Rows:
    rows = []
    for pod in pods:
        app = _app(pod)
        held = curves.memory(f"{app.namespace}/{app.name}", app.shape, app.program.memory_mib, times)
        rows.append(
            (_labels(pod), [f"{value:.0f}" for value in np.minimum(held, float(parse(app.memory_limit) or 0)).tolist()])
        )
    return rows


def _resources(pods: list[dict[str, Any]], half: str, times: Times) -> _Rows:
    rows = []
    for pod in pods:
        app = _app(pod)
        amounts = (
            {"cpu": app.cpu, "memory": app.memory}
            if half == "requests"
            else {"cpu": app.cpu_limit, "memory": app.memory_limit}
        )
        for name, amount in amounts.items():
            if amount:
                unit = "core" if name == "cpu" else "byte"
                labels = f'{_labels(pod)},resource="{name}",unit="{unit}"'
                rows.append((labels, [f"{float(parse(amount) or 0):g}"] * len(times)))
    return rows


def _owners(pods: list[dict[str, Any]], times: Times) -> _Rows:
    return [
        (
            f'namespace="{pod["namespace"]}",pod="{pod["pod"]}",owner_kind="{pod["owner_kind"]}",owner_name="{pod["owner"]}"',
            ["1"] * len(times),
        )
        for pod in pods
    ]


def _nodes(times: Times) -> _Rows:
    rows: _Rows = []
    for machine in MACHINES:
        for name, unit, amount in (
            ("cpu", "core", machine.cpu - 0.08),
            ("memory", "byte", machine.memory_gib * 1024**3 - 1_309_696_000),
        ):
            rows.append((f'node="{machine.name}",resource="{name}",unit="{unit}"', [f"{amount:g}"] * len(times)))
    return rows
