"""Actions on nodes: cordon, uncordon, drain."""

from __future__ import annotations

from pydantic import Field

from chalicelib.clusters.operations import Operation, ResourceType
from chalicelib.errors import Conflict
from chalicelib.safety.actions.registry import NAME, Arguments, Draft, action, nothing_to_do, patch
from chalicelib.safety.scene import Scene
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.meta import Ref

MIRROR = "kubernetes.io/config.mirror"
POD = ResourceType(kind="Pod", group="", version="v1", plural="pods", namespaced=True)


class NodeArguments(Arguments):
    name: str = Field(pattern=NAME, description="one node; no patterns")


class CordonArguments(NodeArguments):
    cordoned: bool = True


@action("cordon", title="Cordon or uncordon a node", arguments=CordonArguments, kind="Node")
def cordon(args: CordonArguments, scene: Scene) -> Draft:
    """Keep new pods off a node, or let them on it again. Running pods are left alone."""
    obj = scene.raw("Node", "", args.name)
    if bool(obj["spec"].get("unschedulable")) == args.cordoned:
        raise nothing_to_do(f"Node {args.name} is {'cordoned' if args.cordoned else 'open'} already.")
    return Draft(
        f"{'Cordon' if args.cordoned else 'Uncordon'} node {args.name}",
        (_cordoning(scene, args.name, args.cordoned),),
        Ref("Node", "", args.name),
    )


def _cordoning(scene: Scene, name: str, cordoned: bool) -> Operation:
    obj = scene.raw("Node", "", name)
    return patch(scene.type_of("Node"), obj, {"spec": {"unschedulable": True if cordoned else None}}, "strategic")


class DrainArguments(NodeArguments):
    lose_local_data: bool = Field(False, description="evict pods with emptyDir volumes; what is in them is lost")
    delete_bare_pods: bool = Field(False, description="evict pods that nothing would start again")


@action("drain", title="Drain a node", arguments=DrainArguments, kind="Node")
def drain(args: DrainArguments, scene: Scene) -> Draft:
    """Cordon a node and evict its pods one by one, as disruption budgets allow. DaemonSet and static pods stay."""
    obj = scene.raw("Node", "", args.name)
    leaving = leaving_pods(scene, args.name)
    _refuse_losses(args, leaving)
    first = () if obj["spec"].get("unschedulable") else (_cordoning(scene, args.name, True),)
    evictions = tuple(
        Operation(
            verb="evict", resource=POD, namespace=pod.metadata.namespace, name=pod.metadata.name, uid=pod.metadata.uid
        )
        for pod in leaving
    )
    if not first and not evictions:
        raise nothing_to_do(f"Node {args.name} is cordoned, and no pod on it would have to leave.")
    return Draft(
        f"Drain node {args.name}: {len(leaving)} pods leave it", (*first, *evictions), Ref("Node", "", args.name)
    )


def leaving_pods(scene: Scene, node: str) -> list[Pod]:
    """Pods of a node that a drain evicts, as `kubectl drain --ignore-daemonsets` chooses them."""
    pods = scene.world.pods_by_node.get(node, ())
    return [pod for pod in pods if not pod.finished and not _stays(pod)]


def _stays(pod: Pod) -> bool:
    owner = pod.metadata.controller
    return MIRROR in pod.metadata.annotations or (owner is not None and owner.kind == "DaemonSet")


def _refuse_losses(args: DrainArguments, leaving: list[Pod]) -> None:
    bare = [pod for pod in leaving if pod.metadata.controller is None]
    if bare and not args.delete_bare_pods:
        raise _holds(args.name, bare, "that no controller would start again", "delete_bare_pods")
    local = [pod for pod in leaving if any(volume.empty_dir is not None for volume in pod.spec.volumes)]
    if local and not args.lose_local_data:
        raise _holds(args.name, local, "with emptyDir volumes, whose content would be lost", "lose_local_data")


def _holds(node: str, pods: list[Pod], which: str, flag: str) -> Conflict:
    names = [f"{pod.metadata.namespace}/{pod.metadata.name}" for pod in pods]
    return Conflict(
        f"Node {node} has {len(pods)} pods {which}: {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}.",
        code=f"needs_{flag}", remedy=f"Move them first, or say `{flag}: true` in the request.",
        details={"pods": names[:50]},
    )  # fmt: skip
