"""Where configuration differs from what it should be. Values of environment variables are compared and never shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from chalicelib.state.diff import diff
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.kinds.pod_spec import Container, PodSpec
from chalicelib.state.meta import Ref
from chalicelib.state.snapshot import Snapshot
from chalicelib.state.world import World
from chalicelib.tools.revisions import change_text, field_json

DriftType = Literal["pod_vs_template", "stale_config", "environments", "edited"]
ORDER: tuple[DriftType, ...] = ("pod_vs_template", "stale_config", "edited", "environments")
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
EDITABLE = (
    "Deployment", "StatefulSet", "DaemonSet", "CronJob", "Service", "Ingress", "NetworkPolicy", "ConfigMap",
    "HorizontalPodAutoscaler", "PodDisruptionBudget", "ResourceQuota", "LimitRange", "StorageClass", "Role",
    "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
)  # fmt: skip
MAX_TWINS = 200
Field = tuple[str, Any, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that differs from `other`, or from what it was. `fields` are (name, here, there)."""

    type: DriftType
    ref: Ref
    text: str
    fields: tuple[Field, ...] = ()
    other: Ref | None = None

    @property
    def other_namespace(self) -> str:
        return self.other.namespace if self.other else ""


def drifts(world: World, earlier: Snapshot | None) -> list[Difference]:
    """Every difference: what runs otherwise than it says first, then stale configuration, edits, environments."""
    found = [*_pods(world), *_stale(world, earlier), *_edited(world, earlier), *_environments(world)]
    return sorted(found, key=lambda d: (ORDER.index(d.type), d.ref, d.text))


def _pods(world: World) -> Iterator[Difference]:
    """Pods of the current revision that differ from their template: rewritten by a webhook, or edited by hand."""
    for kind in WORKLOADS:
        for obj in world.snapshot.of(kind):
            ref = Ref(kind, obj.metadata.namespace, obj.metadata.name)
            template: PodSpec = obj.spec.template.spec
            for pod in _current_pods(world, ref, obj):
                fields = tuple(_between(template.containers, pod.spec.containers))
                if fields:
                    said = ", ".join(f"{name} {here} instead of {there}" for name, here, there in fields[:3])
                    yield Difference("pod_vs_template", world.ref_of(pod), f"runs {said}", fields, other=ref)
                    break  # its siblings say the same


def _current_pods(world: World, ref: Ref, obj: Any) -> list[Pod]:
    if ref.kind != "Deployment":
        status = obj.status
        updated = getattr(status, "updated_replicas", getattr(status, "updated_number_scheduled", 0))
        return world.pods_of(ref) if updated else []
    sets = world.replica_sets_of(obj)
    return world.pods_of(world.ref_of(sets[0])) if sets else []


def _between(wanted: list[Container], found: list[Container]) -> Iterator[Field]:
    """Images and resources in which containers of a name differ; sidecars that were injected are no drift of these."""
    by_name = {c.name: c for c in found}
    for container in wanted:
        other = by_name.get(container.name)
        if other is None:
            continue
        if other.image != container.image:
            yield f"image of {container.name}", other.image, container.image
        for part in ("requests", "limits"):
            here, there = getattr(other.resources, part), getattr(container.resources, part)
            for name in sorted({*here, *there}):
                # A request that only the pod has is the LimitRange's default or the limit's copy.
                if here.get(name) != there.get(name) and there.get(name) is not None:
                    yield f"{name} {part} of {container.name}", here.get(name), there.get(name)


def _stale(world: World, earlier: Snapshot | None) -> Iterator[Difference]:
    """Pods that read a ConfigMap by environment and started before it changed: they still have the old values."""
    if earlier is None:
        return
    changed = {
        c.ref: c.at
        for c in diff(earlier, world.snapshot)
        if c.ref.kind in ("ConfigMap", "Secret") and c.what == "changed"
    }
    told: set[tuple[Ref, Ref]] = set()
    for ref in changed:
        for edge in world.graph.into(ref, "reads_env"):
            pod = world.snapshot.find(edge.source)
            owner = world.graph.owner_of(edge.source)
            if not isinstance(pod, Pod) or (owner, ref) in told or not _started_before(pod, earlier.taken_at):
                continue
            told.add((owner, ref))
            text = f"started before {ref} changed and reads it into its environment: restart it to take the new values"
            yield Difference("stale_config", owner, text, other=ref)


def _started_before(pod: Pod, moment: datetime) -> bool:
    started = pod.status.start_time or pod.metadata.creation_timestamp
    return started is not None and started <= moment


def _edited(world: World, earlier: Snapshot | None) -> Iterator[Difference]:
    """Specifications that were changed, added or removed since an earlier reading."""
    if earlier is None:
        return
    for change in diff(earlier, world.snapshot):
        if change.ref.kind not in EDITABLE or (change.what == "changed" and not change.spec_changed):
            continue
        fields = [f for f in change.fields if not f.pointer.startswith(("/status", "/metadata"))]
        if change.what == "changed" and not fields:
            continue
        shown = [field_json(f) for f in fields]
        told = tuple((f["pointer"], f["after"], f["before"]) for f in shown)
        yield Difference("edited", change.ref, f"{change.what}{': ' + change_text(fields) if fields else ''}", told)


def _environments(world: World) -> Iterator[Difference]:
    """Workloads of one kind and name in several namespaces: how each differs from the first."""
    groups: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for kind in ("Deployment", "StatefulSet"):
        for obj in world.snapshot.of(kind):
            groups[kind, obj.metadata.name].append(obj)
    for (kind, name), objects in sorted(groups.items())[:MAX_TWINS]:
        first, *others = sorted(objects, key=lambda o: str(o.metadata.namespace))
        for other in others:
            fields = tuple(_compared(other, first))
            if fields:
                here, there = Ref(kind, other.metadata.namespace, name), Ref(kind, first.metadata.namespace, name)
                said = ", ".join(f for f, _, _ in fields[:4])
                yield Difference("environments", here, f"differs from {there.namespace} in {said}", fields, other=there)


def _compared(one: Any, other: Any) -> Iterator[Field]:
    if one.spec.replicas != other.spec.replicas:
        yield "replicas", one.spec.replicas, other.spec.replicas
    mine = {c.name: c for c in one.spec.template.spec.containers}
    theirs = {c.name: c for c in other.spec.template.spec.containers}
    for name in sorted({*mine, *theirs}):
        here, there = mine.get(name), theirs.get(name)
        if here is None or there is None:
            yield f"container {name}", "present" if here else "absent", "present" if there else "absent"
            continue
        yield from _containers(here, there)


def _containers(here: Container, there: Container) -> Iterator[Field]:
    name = here.name
    if here.image != there.image:
        yield f"image of {name}", here.image, there.image
    for part in ("requests", "limits"):
        one, other = getattr(here.resources, part), getattr(there.resources, part)
        for resource in sorted({*one, *other}):
            if one.get(resource) != other.get(resource):
                yield f"{resource} {part} of {name}", one.get(resource), other.get(resource)
    for probe in ("readiness_probe", "liveness_probe", "startup_probe"):
        if getattr(here, probe) != getattr(there, probe):
            words = ["set" if getattr(c, probe) is not None else "none" for c in (here, there)]
            yield f"{probe.replace('_', ' ')} of {name}", words[0], words[1]
    yield from _variables(here, there)


def _variables(here: Container, there: Container) -> Iterator[Field]:
    """Names of variables that only one has, or whose values differ; a value may be a secret and is not shown."""
    one, other = ({e.name: (e.value, e.value_from) for e in c.env} for c in (here, there))
    for name in sorted({*one, *other}):
        if one.get(name) == other.get(name):
            continue
        words = ["absent" if name not in side else "another value" for side in (one, other)]
        yield f"variable {name} of {here.name}", words[0], words[1]
