"""Evidence for what a row says: the field of the object that shows it."""

from __future__ import annotations

from typing import Any

from chalicelib.state.evidence import Evidence, object_evidence
from chalicelib.state.kinds.pod import Pod
from chalicelib.state.meta import Ref
from chalicelib.state.world import World
from chalicelib.tools.detail import condition_level


def state_evidence(world: World, ref: Ref) -> Evidence | None:
    """The field that shows the state of an object best; None for one that is not in the snapshot."""
    obj = world.snapshot.find(ref)
    if obj is None:
        return None
    pointer, observed = telling_field(obj)
    status = world.status(ref.kind, obj)
    reason = f": {status.reason}" if status.reason else ""
    return object_evidence(world.snapshot.cluster, ref, obj, pointer, observed, f"{ref} is {status.word}{reason}"[:400])


def field_evidence(world: World, ref: Ref, pointer: str, observed: Any, text: str) -> Evidence | None:
    """One named field of an object; None for an object that is not in the snapshot."""
    obj = world.snapshot.find(ref)
    return None if obj is None else object_evidence(world.snapshot.cluster, ref, obj, pointer, observed, text[:400])


def telling_field(obj: Any) -> tuple[str, Any]:
    """(JSON pointer, value) of the field that says most about an object's state."""
    if isinstance(obj, Pod):
        for group, containers in (
            ("initContainerStatuses", obj.status.init_container_statuses),
            ("containerStatuses", obj.status.container_statuses),
        ):
            for index, container in enumerate(containers):
                waiting, ended = container.state.waiting, container.state.terminated
                if (waiting and waiting.reason != "PodInitializing") or (ended and ended.exit_code):
                    return f"/status/{group}/{index}/state", container.state
    status: Any = getattr(obj, "status", None)
    listed = getattr(status, "conditions", None) or []
    for index, condition in enumerate(listed):
        if condition_level(condition) != "ok":
            return f"/status/conditions/{index}", condition
    if getattr(status, "phase", ""):
        return "/status/phase", status.phase
    if listed:
        return "/status/conditions/0", listed[0]
    if hasattr(status, "ready_replicas"):
        return "/status/readyReplicas", status.ready_replicas
    return "/metadata/name", obj.metadata.name
