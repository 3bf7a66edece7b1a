"""Random clusters and random changes: whatever a preview calls safe has to come to a good end.

A cluster is drawn with quotas, limits, budgets, autoscalers, taints, affinities, volumes and several workloads, most of
them close to some bound. A change is drawn among all actions. Everything follows from one seed.
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass
from typing import Any

import yaml

from chalicelib.errors import KubiliticsError
from chalicelib.safety.canonical import changes_between
from chalicelib.safety.model import Change
from infra.local.demo.server.errors import ApiError
from tests.functional.safety.stage import TENANT, Stage

KINDS = ("Deployment", "Deployment", "Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True)
class Trial:
    """What came of one random change. `wrong`: it was called safe and did not end well."""

    seed: int
    action: str
    verdict: str
    status: str
    wrong: bool
    text: str = ""


def trial(seed: int) -> Trial:
    """Build a cluster, ask for a change, and when the preview calls it safe, do it."""
    draw = random.Random(seed)
    stage = a_stage(draw, seed)
    action, arguments = a_change(draw, stage)
    try:
        change = stage.ask(action, **arguments)
    except KubiliticsError as error:
        return Trial(seed, action, "refused", error.code, wrong=False)
    if change.preview.verdict != "safe" or not change.decision.allowed:
        return Trial(seed, action, change.preview.verdict, change.status, wrong=False)
    before = len(stage.written())
    ended = stage.work(stage.approve(change))
    good = ended.status == "succeeded" and ended.verification is not None and ended.verification.outcome == "verified"
    text = "" if good else _why(ended)
    if good and len(stage.written()) - before != len(change.operations):
        good, text = False, f"wrote {stage.written()[before:]}"
    return Trial(seed, action, "safe", ended.status, wrong=not good, text=text)


def _why(change: Change) -> str:
    said = change.verification.text if change.verification else ""
    error = change.execution.error if change.execution else ""
    return f"{change.summary}: {change.note} {error} {said}"


def a_stage(draw: random.Random, seed: int) -> Stage:
    """A cluster with something to trip over."""
    stage = Stage(
        nodes=draw.randint(1, 4), cpu=draw.choice(["1", "2", "4"]), memory=draw.choice(["2Gi", "4Gi", "8Gi"]), seed=seed
    )
    _mark_nodes(draw, stage)
    stage.namespace("shop", env="dev")
    stage.apply(yaml.safe_dump_all(_surroundings(draw)))
    for number in range(draw.randint(1, 4)):
        # Limits below requests are refused, as they would be on any cluster: then there is one workload less.
        with contextlib.suppress(ApiError):
            stage.apply(yaml.safe_dump_all(_workload(draw, f"app{number}")))
    stage.run_for(120)
    stage.refresh()
    return stage


def _mark_nodes(draw: random.Random, stage: Stage) -> None:
    for node in stage.api.list("Node"):
        body: dict[str, Any] = {"metadata": {"labels": {"pool": draw.choice(["a", "b"])}}}
        if draw.random() < 0.2:
            body["spec"] = {"taints": [{"key": "dedicated", "value": "x", "effect": "NoSchedule"}]}
        stage.api.patch("Node", "", node["metadata"]["name"], body, manager="kubectl")


def _surroundings(draw: random.Random) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if draw.random() < 0.5:
        hard = {"pods": str(draw.randint(3, 14))}
        if draw.random() < 0.7:
            hard["requests.cpu"] = draw.choice(["1", "2", "3"])
        if draw.random() < 0.4:
            hard["limits.memory"] = draw.choice(["1Gi", "2Gi", "4Gi"])
        found.append(_object("v1", "ResourceQuota", "quota", {"hard": hard}))
    if draw.random() < 0.5:
        limit = {
            "type": "Container", "defaultRequest": {"cpu": draw.choice(["50m", "200m"]), "memory": "64Mi"},
            "default": {"cpu": "500m", "memory": draw.choice(["128Mi", "256Mi"])},
        }  # fmt: skip
        if draw.random() < 0.5:
            limit["max"] = {"memory": draw.choice(["256Mi", "1Gi"])}
        found.append(_object("v1", "LimitRange", "limits", {"limits": [limit]}))
    found.append({**_object("v1", "ConfigMap", "settings", {}), "data": {"MODE": "live"}})
    del found[-1]["spec"]
    return found


def _workload(draw: random.Random, name: str) -> list[dict[str, Any]]:
    kind = draw.choice(KINDS)
    labels = {"app": name}
    spec: dict[str, Any] = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": _pod(draw, labels)},
    }
    replicas = draw.randint(1, 4)
    if kind != "DaemonSet":
        spec["replicas"] = replicas
    if kind == "Deployment" and draw.random() < 0.6:
        spec["strategy"] = draw.choice([
            {"type": "Recreate"},
            {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
            {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "50%", "maxUnavailable": "50%"}},
        ])  # fmt: skip
    if kind == "StatefulSet":
        spec["serviceName"] = name
    found = [_object("apps/v1", kind, name, spec, labels)]
    if draw.random() < 0.7:
        found.append(_object("v1", "Service", name, {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}))
    if draw.random() < 0.4:
        bound = draw.choice(
            [{"minAvailable": 1}, {"maxUnavailable": 1}, {"minAvailable": "100%"}, {"maxUnavailable": 0}]
        )
        found.append(_object("policy/v1", "PodDisruptionBudget", name, {"selector": {"matchLabels": labels}, **bound}))
    if kind == "Deployment" and draw.random() < 0.25:
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        metric = {
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
        }
        found.append(
            _object("autoscaling/v2", "HorizontalPodAutoscaler", name,
                    {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 5, "metrics": [metric]})
        )  # fmt: skip
    return found


def _pod(draw: random.Random, labels: dict[str, str]) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": "app", "image": f"registry.example.com/app:{draw.randint(1, 3)}.0", "ports": [{"containerPort": 8080}],
    }  # fmt: skip
    if draw.random() < 0.8:
        cpu, memory = draw.choice(["50m", "200m", "400m", "900m"]), draw.choice(["64Mi", "256Mi", "1Gi"])
        container["resources"] = {"requests": {"cpu": cpu, "memory": memory}}
        if draw.random() < 0.5:
            container["resources"]["limits"] = {"memory": draw.choice(["256Mi", "1Gi", "2Gi"]), "cpu": "1"}
    if draw.random() < 0.3:
        container["envFrom"] = [{"configMapRef": {"name": "settings"}}]
    pod: dict[str, Any] = {"terminationGracePeriodSeconds": 1, "containers": [container]}
    if draw.random() < 0.2:
        pod["nodeSelector"] = {"pool": draw.choice(["a", "b"])}
    if draw.random() < 0.2:
        pod["tolerations"] = [{"key": "dedicated", "operator": "Exists"}]
    if draw.random() < 0.25:
        term = {"labelSelector": {"matchLabels": labels}, "topologyKey": "kubernetes.io/hostname"}
        pod["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    elif draw.random() < 0.2:
        pod["topologySpreadConstraints"] = [
            {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule",
             "labelSelector": {"matchLabels": labels}}
        ]  # fmt: skip
    return pod


def _object(version: str, kind: str, name: str, spec: dict[str, Any], labels: Any = None) -> dict[str, Any]:
    meta = {"name": name, **({"labels": labels} if labels else {})}
    return {"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec}


def a_change(draw: random.Random, stage: Stage) -> tuple[str, dict[str, Any]]:
    """An action with arguments that make sense for the cluster, near its bounds as often as not."""
    workloads = [
        (kind, one["metadata"]["name"])
        for kind in ("Deployment", "StatefulSet", "DaemonSet")
        for one in stage.api.list(kind, "shop")
    ]
    if not workloads:
        return "cordon", {"name": "n1"}
    kind, name = draw.choice(workloads)
    where = {"namespace": "shop", "name": name}
    scalable = [w for w in workloads if w[0] != "DaemonSet"]
    roll = draw.random()
    if roll < 0.35 and scalable:
        kind, name = draw.choice(scalable)
        return "scale", {"kind": kind, "namespace": "shop", "name": name, "replicas": draw.randint(0, 9)}
    if roll < 0.55:
        return "restart", {"kind": kind, **where}
    if roll < 0.72:
        size = draw.choice(["50m", "300m", "700m", "1500m"])
        memory = draw.choice(["64Mi", "300Mi", "900Mi", "3Gi"])
        return "resize", {"kind": kind, **where, "cpu_request": size, "memory_request": memory,
                          **({"memory_limit": memory} if draw.random() < 0.5 else {})}  # fmt: skip
    node = draw.choice(stage.api.list("Node"))["metadata"]["name"]
    if roll < 0.80:
        return "cordon", {"name": node}
    if roll < 0.90:
        return "drain", {"name": node}
    pods = stage.api.list("Pod", "shop")
    if pods and roll < 0.95:
        return "delete", {"kind": "Pod", "namespace": "shop", "name": draw.choice(pods)["metadata"]["name"]}
    image = {"name": "app", "image": f"registry.example.com/app:{draw.randint(1, 3)}.0"}
    body = {"spec": {"template": {"spec": {"containers": [image]}}}}
    return "patch", {"kind": kind, **where, "type": "strategic", "patch": body}


# Undo


@dataclass(frozen=True)
class Undone:
    """What came of undoing a random change. `wrong`: it promised to put everything back and did not."""

    seed: int
    action: str
    outcome: str
    wrong: bool
    text: str = ""


def undo_trial(seed: int) -> Undone:
    """Do a random change that the rules allow, take it back, and compare the objects with what they were."""
    draw = random.Random(seed)
    stage = a_stage(draw, seed)
    action, arguments = a_reversible(draw, stage)
    try:
        change = stage.ask(action, **arguments)
    except KubiliticsError as error:
        return Undone(seed, action, error.code, wrong=False)
    if not change.decision.allowed:
        return Undone(seed, action, "refused", wrong=False)
    before = [_substance(stage, target.kind, target.namespace, target.name) for target in change.targets]
    done = stage.work(stage.approve(change))
    if done.status == "failed":  # it did not work: then it has been taken back by itself, or says why not
        after = [_substance(stage, target.kind, target.namespace, target.name) for target in change.targets]
        kept = done.undone_by or any("Not taken back" in notice for notice in notices(stage))
        return Undone(seed, action, "failed", wrong=not kept or (bool(done.undone_by) and after != before))
    try:
        undo = stage.safety.undo(stage.person(), done.id)
    except KubiliticsError as error:
        # An autoscaler may have put it back already; then there is nothing left to do.
        after = [_substance(stage, target.kind, target.namespace, target.name) for target in change.targets]
        return Undone(
            seed, action, error.code, wrong=done.preview.undo.possible and after != before, text=error.message
        )
    if not undo.decision.allowed:
        return Undone(seed, action, "undo refused", wrong=False, text=undo.decision.violations[0].text)
    stage.work(stage.approve(undo))
    after = [_substance(stage, target.kind, target.namespace, target.name) for target in change.targets]
    # Pods that were evicted are not promised to come back as they were.
    evicted = [operation.verb == "evict" for operation in change.operations]
    before = [state for state, gone in zip(before, evicted, strict=True) if not gone]
    after = [state for state, gone in zip(after, evicted, strict=True) if not gone]
    wrong = before != after
    return Undone(seed, action, "undone", wrong, _first_difference(before, after) if wrong else "")


def notices(stage: Stage) -> list[str]:
    return [str(one.body["title"]) for one in stage.store.documents.list(TENANT, "notice")]


_ANEW = ("uid", "creationTimestamp", "resourceVersion", "generation", "managedFields")


def _substance(stage: Stage, kind: str, namespace: str, name: str) -> Any:
    found = stage.api.find(kind, namespace, name)
    if found is None:
        return None
    meta = {key: value for key, value in found["metadata"].items() if key not in _ANEW}
    noted = meta.pop("annotations", None) or {}
    notes = {key: value for key, value in noted.items() if not key.startswith("deployment.kubernetes.io")}
    rest = {key: value for key, value in found.items() if key not in ("metadata", "status")}
    if kind == "Service":  # an address of its own is given anew
        rest["spec"] = {k: v for k, v in rest["spec"].items() if k not in ("clusterIP", "clusterIPs")}
    return {**rest, "metadata": {**meta, **({"annotations": notes} if notes else {})}}


def _first_difference(before: list[Any], after: list[Any]) -> str:
    for one, other in zip(before, after, strict=True):
        if one != other:
            changes, _ = changes_between(one, other)
            return "; ".join(f"{c.path}: {c.before!r} -> {c.after!r}" for c in changes[:4])
    return ""


def a_reversible(draw: random.Random, stage: Stage) -> tuple[str, dict[str, Any]]:
    """Any action, those that edit and delete objects among them."""
    roll = draw.random()
    if roll < 0.5:
        return a_change(draw, stage)
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "Service", "ConfigMap", "PodDisruptionBudget")
    objects = [(kind, one["metadata"]["name"]) for kind in kinds for one in stage.api.list(kind, "shop")]
    kind, name = draw.choice(objects)
    where = {"kind": kind, "namespace": "shop", "name": name}
    if roll < 0.65:
        meta = {"labels": {"owner": draw.choice(["a", "b"])}, "annotations": {"note": "x"}}
        return "patch", {**where, "patch": {"metadata": meta}}
    if roll < 0.8:
        return "delete", where
    manifest = {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": draw.choice(["settings", "fresh"])},
        "data": {"MODE": draw.choice(["live", "test"]), "EXTRA": "1"},
    }  # fmt: skip
    return "apply", {"manifest": yaml.safe_dump(manifest), "namespace": "shop", "take_over": True}
