"""Whether what the new pods name exists: configuration, accounts, images."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.safety.checks.registry import Proposal, check, say, unread, where
from chalicelib.safety.effects import NewPods
from chalicelib.safety.model import Check
from chalicelib.state.kinds.pod_spec import pod_references
from chalicelib.state.meta import Ref
from chalicelib.state.world import World


@check("references")
def references(proposal: Proposal) -> Iterator[Check]:
    """Do the ConfigMaps, Secrets, ServiceAccounts and PriorityClasses that the new pods name exist?"""
    for start in proposal.all.starts:
        problems = list(_missing(proposal, start))
        yield from problems
        if not problems and _named(start):
            yield say("references", "ok", f"Everything that pods of {where(start.owner)} name exists.")


def _named(start: NewPods) -> list[tuple[str, str, str]]:
    """(kind, name, key) of what has to exist. A claim is judged with the volumes."""
    spec = start.template.spec
    found = [
        (kind, name, key if relation == "reads_env" else "")
        for relation, kind, name, key, optional in pod_references(spec)
        if not optional and kind != "PersistentVolumeClaim" and name
    ]
    if spec.service_account_name:
        found.append(("ServiceAccount", spec.service_account_name, ""))
    if spec.priority_class_name:
        found.append(("PriorityClass", spec.priority_class_name, ""))
    return list(dict.fromkeys(found))


def _missing(proposal: Proposal, start: NewPods) -> Iterator[Check]:
    world, namespace = proposal.world, start.owner.namespace
    created = {effect.ref for effect in proposal.effects if effect.before is None}
    for kind, name, key in _named(start):
        ref = Ref(kind, "" if kind == "PriorityClass" else namespace, name)
        if ref in created or name.startswith("system-"):
            continue
        if not world.snapshot.was_read(kind, namespace):
            if not _in_use(world, ref):
                yield _not_known(proposal, start, ref)
            continue
        obj = world.snapshot.find(ref)
        remedy = f"Create {kind} {name} first, or correct the name."
        if obj is None:
            text = f"Pods of {where(start.owner)} need {kind} {name}, which does not exist."
            yield say("references", "block", text, remedy)
        elif key and kind == "ConfigMap" and key not in obj.keys:
            text = f"Pods of {where(start.owner)} read key {key} of ConfigMap {name}, which it does not have."
            yield say("references", "block", text, f"Add the key to ConfigMap {name}.")


def _in_use(world: World, ref: Ref) -> bool:
    """Whether a pod that is ready names it too: then it is there, although it may not be read."""
    for edge in world.graph.into(ref):
        pod = world.snapshot.find(edge.source) if edge.source.kind == "Pod" else None
        if pod is not None and pod.ready:
            return True
    return False


def _not_known(proposal: Proposal, start: NewPods, ref: Ref) -> Check:
    gap = unread(proposal, "references", ref.kind, namespace=ref.namespace)
    text = f"Pods of {where(start.owner)} need {ref.kind} {ref.name}; whether it exists could not be read."
    remedy = "Check that it exists." if ref.kind == "Secret" else (gap.remedy if gap else "")
    return say("references", "unknown", text, remedy)


@check("image")
def image(proposal: Proposal) -> Iterator[Check]:
    """Is every image of the new pods known to this cluster, so that it can be pulled?"""
    for start in proposal.all.starts:
        running = _images_running(proposal.world)
        for container in start.template.spec.all_containers:
            if container.image in running:
                continue
            if failing := _failing(proposal.world, container.image):
                text = f"Image {container.image} fails to be pulled right now by pod {failing}."
                yield say("image", "block", text, "Correct the image, or the access to its registry.")
            else:
                text = f"Image {container.image} has not run in this cluster; whether it can be pulled is not known."
                yield say("image", "unknown", text, "Check that the tag exists and that the nodes may pull it.")
        if all(container.image in running for container in start.template.spec.all_containers):
            yield say("image", "ok", f"All images of {where(start.owner)} run in this cluster already.")


def _images_running(world: World) -> set[str]:
    return {
        container.image
        for pod in world.snapshot.of("Pod")
        for container, status in (
            (c, s) for c in pod.spec.all_containers for s in pod.status.all_statuses if s.name == c.name
        )
        if status.image_id
    }


def _failing(world: World, image_name: str) -> str:
    for pod in world.snapshot.of("Pod"):
        for container in pod.spec.all_containers:
            if container.image != image_name:
                continue
            for status in pod.status.all_statuses:
                waiting = status.state.waiting if status.state else None
                if status.name == container.name and waiting and waiting.reason in ("ErrImagePull", "ImagePullBackOff"):
                    return f"{pod.metadata.namespace}/{pod.metadata.name}"
    return ""
