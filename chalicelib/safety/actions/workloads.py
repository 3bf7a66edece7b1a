"""Actions on workloads: scale, restart, roll back, resize, suspend."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from chalicelib.errors import InvalidRequest, NotFound
from chalicelib.safety.actions.registry import Draft, NamedArguments, action, nothing_to_do, patch
from chalicelib.safety.scene import Json, Scene
from chalicelib.state.meta import Ref
from chalicelib.state.quantity import parse_quantity

MOST_REPLICAS = 10_000
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
"""The annotation of `kubectl rollout restart`: people and dashboards know it."""
REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"
BEFORE_SLEEP = "kubilitics.ai/before-sleep"
"""Annotation in which a shut-down notes what was (replicas, or `running`), so that anybody can see and restore it."""


class ScaleArguments(NamedArguments):
    kind: Literal["Deployment", "StatefulSet", "ReplicaSet"] = "Deployment"
    replicas: int = Field(ge=0, le=MOST_REPLICAS)
    remember: bool = Field(False, description="at zero: note the number for waking up")


@action("scale", title="Scale a workload", arguments=ScaleArguments)
def scale(args: ScaleArguments, scene: Scene) -> Draft:
    """Set the number of replicas of a Deployment, StatefulSet or unowned ReplicaSet."""
    obj = scene.raw(args.kind, args.namespace, args.name)
    scene.not_owned(args.kind, obj)
    before = obj["spec"].get("replicas", 1)
    if before == args.replicas:
        raise nothing_to_do(f"{args.kind} {args.namespace}/{args.name} has {before} replicas already.")
    return Draft(
        f"Scale {args.kind} {args.namespace}/{args.name} from {before} to {args.replicas} replicas",
        (
            patch(
                scene.type_of(args.kind),
                obj,
                {"spec": {"replicas": args.replicas}, **_noted(obj, str(before), args.remember and not args.replicas)},
                "merge",
            ),
        ),
        Ref(args.kind, args.namespace, args.name),
    )


def _noted(obj: Json, before: str, asleep: bool) -> Json:
    """The annotation that goes with falling asleep, and without which one wakes up."""
    held = (obj["metadata"].get("annotations") or {}).get(BEFORE_SLEEP)
    if asleep:
        return {"metadata": {"annotations": {BEFORE_SLEEP: before}}}
    return {"metadata": {"annotations": {BEFORE_SLEEP: None}}} if held is not None else {}


class RestartArguments(NamedArguments):
    kind: Literal["Deployment", "StatefulSet", "DaemonSet"] = "Deployment"


@action("restart", title="Restart a workload", arguments=RestartArguments)
def restart(args: RestartArguments, scene: Scene) -> Draft:
    """Replace every pod of a workload, as gradually as its update strategy says."""
    obj = scene.raw(args.kind, args.namespace, args.name)
    if obj["spec"].get("paused"):
        raise InvalidRequest(
            f"Deployment {args.namespace}/{args.name} is paused: it would not restart.", code="rollout_paused",
            remedy="Resume it first (patch spec.paused to false).",
        )  # fmt: skip
    strategy = (obj["spec"].get("updateStrategy") or {}).get("type")
    if strategy == "OnDelete":
        raise InvalidRequest(
            f"{args.kind} {args.namespace}/{args.name} updates on deletion only: it would not restart.",
            code="update_on_delete", remedy="Delete its pods one by one instead.",
        )  # fmt: skip
    stamp = scene.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    body = {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: stamp}}}}}
    return Draft(
        f"Restart {args.kind} {args.namespace}/{args.name}",
        (patch(scene.type_of(args.kind), obj, body, "merge"),),
        Ref(args.kind, args.namespace, args.name),
    )


class RollbackArguments(NamedArguments):
    revision: int = Field(0, ge=0, description="0: the revision before the present one")


@action("rollback", title="Roll back a Deployment", arguments=RollbackArguments, kind="Deployment")
def rollback(args: RollbackArguments, scene: Scene) -> Draft:
    """Bring back the pod template of an earlier revision of a Deployment."""
    obj = scene.raw("Deployment", args.namespace, args.name)
    revisions = _revisions(scene, obj)
    present = int((obj["metadata"].get("annotations") or {}).get(REVISION) or 0)
    wanted = args.revision or max((number for number in revisions if number < present), default=0)
    if wanted == present and wanted:
        raise nothing_to_do(f"Deployment {args.namespace}/{args.name} is at revision {present} already.")
    if wanted not in revisions:
        known = ", ".join(str(number) for number in sorted(revisions)) or "none"
        raise NotFound(
            f"Deployment {args.namespace}/{args.name} has no revision {wanted or 'before the present one'}.",
            code="unknown_revision", remedy=f"Revisions that are kept: {known}.",
            details={"valid": sorted(revisions)},
        )  # fmt: skip
    template = _template_of(scene.raw("ReplicaSet", args.namespace, revisions[wanted]))
    if template == obj["spec"]["template"]:
        raise nothing_to_do(f"Revision {wanted} of {args.namespace}/{args.name} has the present template.")
    body = [{"op": "replace", "path": "/spec/template", "value": template}]
    return Draft(
        f"Roll back Deployment {args.namespace}/{args.name} from revision {present} to {wanted}",
        (patch(scene.type_of("Deployment"), obj, body, "json"),),
        Ref("Deployment", args.namespace, args.name),
    )


def _revisions(scene: Scene, obj: Json) -> dict[int, str]:
    """Name of the ReplicaSet of each revision that is kept."""
    uid = obj["metadata"]["uid"]
    return {
        one.revision: one.metadata.name
        for one in scene.world.snapshot.of("ReplicaSet")
        if one.revision and any(owner.uid == uid for owner in one.metadata.owner_references)
    }


def _template_of(replica_set: Json) -> Json:
    """A revision's pod template without the label that its ReplicaSet added."""
    template: Json = dict(replica_set["spec"]["template"])
    meta = dict(template.get("metadata") or {})
    meta["labels"] = {key: value for key, value in (meta.get("labels") or {}).items() if key != HASH}
    return {**template, "metadata": meta}


class ResizeArguments(NamedArguments):
    kind: Literal["Deployment", "StatefulSet", "DaemonSet"] = "Deployment"
    container: str = Field("", max_length=63, description="if several")
    cpu_request: str = Field("", max_length=32)
    cpu_limit: str = Field("", max_length=32)
    memory_request: str = Field("", max_length=32)
    memory_limit: str = Field("", max_length=32)

    @field_validator("cpu_request", "cpu_limit", "memory_request", "memory_limit")
    @classmethod
    def _is_quantity(cls, value: str) -> str:
        if value and value != "none" and parse_quantity(value) <= 0:
            raise ValueError("must be more than zero")
        return value


@action("resize", title="Resize a container", arguments=ResizeArguments)
def resize(args: ResizeArguments, scene: Scene) -> Draft:
    """Set cpu and memory requests and limits of a container in a workload's template; its pods are replaced. A limit of
    `none` is removed."""
    obj = scene.raw(args.kind, args.namespace, args.name)
    container = _container(obj, args)
    held = container.get("resources") or {}
    asked = {
        ("requests", "cpu"): args.cpu_request, ("limits", "cpu"): args.cpu_limit,
        ("requests", "memory"): args.memory_request, ("limits", "memory"): args.memory_limit,
    }  # fmt: skip
    change: dict[str, dict[str, Any]] = {}
    said = []
    for (side, resource), value in asked.items():
        before = (held.get(side) or {}).get(resource)
        after = None if value == "none" else value
        if value and before != after:
            change.setdefault(side, {})[resource] = after
            said.append(f"{resource} {side[:-1]} {before or 'none'} -> {after or 'none'}")
    if not change:
        raise nothing_to_do(f"Container {container['name']} has these requests and limits already.")
    entry = {"name": container["name"], "resources": change}
    body = {"spec": {"template": {"spec": {"containers": [entry]}}}}
    return Draft(
        f"Resize container {container['name']} of {args.kind} {args.namespace}/{args.name}: {', '.join(said)}",
        (patch(scene.type_of(args.kind), obj, body, "strategic"),),
        Ref(args.kind, args.namespace, args.name),
    )


def _container(obj: Json, args: ResizeArguments) -> Json:
    containers: list[Json] = obj["spec"]["template"]["spec"]["containers"]
    names = [one["name"] for one in containers]
    if not args.container and len(containers) == 1:
        return containers[0]
    for one in containers:
        if one["name"] == args.container:
            return one
    raise InvalidRequest(
        f"container: {args.name} has the containers {', '.join(names)}.", code="unknown_container",
        remedy=f"Name one of them: {', '.join(names)}.", details={"field": "container", "valid": names},
    )  # fmt: skip


class SuspendArguments(NamedArguments):
    suspend: bool = True
    remember: bool = Field(False, description="note in an annotation that it ran, for waking up")


@action("suspend", title="Suspend or resume a CronJob", arguments=SuspendArguments, kind="CronJob")
def suspend(args: SuspendArguments, scene: Scene) -> Draft:
    """Stop a CronJob from starting Jobs, or let it start them again. Running Jobs are left alone."""
    obj = scene.raw("CronJob", args.namespace, args.name)
    if bool(obj["spec"].get("suspend")) == args.suspend:
        raise nothing_to_do(f"CronJob {args.namespace}/{args.name} is {'' if args.suspend else 'not '}suspended.")
    return Draft(
        f"{'Suspend' if args.suspend else 'Resume'} CronJob {args.namespace}/{args.name}",
        (
            patch(
                scene.type_of("CronJob"),
                obj,
                {"spec": {"suspend": args.suspend}, **_noted(obj, "running", args.remember and args.suspend)},
                "merge",
            ),
        ),
        Ref("CronJob", args.namespace, args.name),
    )
