"""What the product sees of a demo world: a snapshot with the logs the engine asks for, and its diagnosis."""

from __future__ import annotations

from chalicelib.rootcause import Diagnosis, diagnose, logs_wanted
from chalicelib.state.decode import decode_items, sorted_objects
from chalicelib.state.kinds import KINDS
from chalicelib.state.snapshot import Gap, LogKey, Snapshot, Usage
from chalicelib.state.world import World as ReadWorld
from infra.local.demo.server import rbac
from infra.local.demo.server.access import User
from infra.local.demo.world.build import World

READER = User.service_account("kubilitics", "kubilitics-reader")


def snapshot_of(world: World) -> Snapshot:
    """Every kind that the product's own account may list, read in process; the others are gaps, as in a live read."""
    api, objects, gaps = world.api, {}, []
    for entry in KINDS:
        resource = api.resources.of_kind(entry.group, entry.version, entry.kind)
        if resource is None or not resource.stored:
            continue
        if not rbac.authorize(api, READER, rbac.Attributes("list", entry.group, resource.plural)).allowed:
            gaps.append(Gap(kind=entry.kind, reason="forbidden"))
            continue
        items, rejected = decode_items((stored.object for stored in api.store.list(resource)), entry)
        assert not rejected, rejected
        objects[entry.kind] = sorted_objects(items)
    pods = {
        (pod["metadata"]["namespace"], pod["metadata"]["name"]): Usage(
            cpu=sum(one.cpu for one in usage.values()), memory=sum(one.memory for one in usage.values())
        )
        for pod in api.list("Pod")
        if (usage := world.usage.pod(pod))
    }
    nodes = {
        node["metadata"]["name"]: Usage(cpu=usage.cpu, memory=usage.memory)
        for node in api.list("Node")
        if (usage := world.usage.node(node))
    }
    return Snapshot(
        "demo",
        world.clock.now(),
        dict(sorted(objects.items())),
        version="v1.36.2-sim",
        gaps=tuple(gaps),
        pod_usage=pods,
        node_usage=nodes,
    )


def _log(world: World, key: LogKey) -> str | None:
    pod = world.api.find("Pod", key.namespace, key.pod)
    assert world.api.logs is not None
    lines = world.api.logs.lines(pod, key.container, key.previous) if pod else None
    return None if lines is None else "".join(f"{line.text}\n" for line in lines)


def diagnosis_of(world: World) -> Diagnosis:
    """Read, fetch the logs wanted, and diagnose, as the worker does."""
    snapshot = snapshot_of(world)
    wanted = logs_wanted(ReadWorld(snapshot))
    logs = {key: text for key in wanted if (text := _log(world, key)) is not None}
    return diagnose(ReadWorld(snapshot.replace(logs=logs)))
