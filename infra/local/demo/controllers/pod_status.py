"""A pod's status as its kubelet writes it, from what the kubelet remembers."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from infra.local.demo.controllers.containers import ContainerRecord, Plan, PodRecord
from infra.local.demo.controllers.status import set_condition
from infra.local.demo.server.clock import parse_time, timestamp
from infra.local.demo.server.store import Object

if TYPE_CHECKING:
    from infra.local.demo.controllers.plane import ControlPlane


def host_ip(node: Object) -> str:
    return next((one["address"] for one in node["status"].get("addresses") or () if one["type"] == "InternalIP"), "")


def render(plane: ControlPlane, pod: Object, record: PodRecord, now: str) -> Object:
    """The whole status."""
    old = pod.get("status") or {}
    spec = pod["spec"]
    init = [
        _container(pod, one, record.containers.get(one["name"]), started=True)
        for one in spec.get("initContainers") or ()
    ]
    main = [_container(pod, one, record.containers.get(one["name"])) for one in spec["containers"]]
    phase = _phase(pod, record, main)
    status: Object = {"phase": phase}
    generation = pod["metadata"].get("generation")
    if generation:
        status["observedGeneration"] = generation
    status["conditions"] = _conditions(pod, record, old, main, phase, now)
    node = plane.api.find("Node", "", spec["nodeName"])
    address = host_ip(node) if node else ""
    status |= {"hostIP": address, "hostIPs": [{"ip": address}]}
    if record.ip:
        status |= {"podIP": record.ip, "podIPs": [{"ip": record.ip}]}
    status["startTime"] = timestamp(record.started_at)
    if init:
        status["initContainerStatuses"] = init
    status["containerStatuses"] = main
    status["qosClass"] = old.get("qosClass", "BestEffort")
    return status


def _phase(pod: Object, record: PodRecord, main: list[Object]) -> str:
    records = [record.containers.get(one["name"]) for one in pod["spec"]["containers"]]
    policy = pod["spec"].get("restartPolicy", "Always")
    if record.stage == "init":
        failed = any(
            (one := record.containers.get(entry["name"]))
            and one.state == "terminated"
            and one.plan.exit_code
            and policy == "Never"
            for entry in pod["spec"].get("initContainers") or ()
        )
        return "Failed" if failed else "Pending"
    if any(one is None or one.starts == 0 for one in records):
        return "Running" if any(one and one.starts for one in records) and len(records) > 1 else "Pending"
    if policy != "Always" and all(one and one.state == "terminated" for one in records):
        codes = [one.plan.exit_code for one in records if one]
        if all(code == 0 for code in codes):
            return "Succeeded"
        if policy == "Never":
            return "Failed"
    return "Running"


def _conditions(pod: Object, record: PodRecord, old: Object, main: list[Object], phase: str, now: str) -> list[Object]:
    conditions = list(old.get("conditions") or [])
    started = record.stage != "setup"
    initialized = started and record.stage != "init"
    generation = pod["metadata"].get("generation")
    wanted: list[Object] = [
        {
            "type": "PodReadyToStartContainers",
            "status": _word(started and phase not in ("Succeeded", "Failed")),
        }
    ]
    if initialized:
        done = {"type": "Initialized", "status": "True"}
        if phase == "Succeeded":
            done["reason"] = "PodCompleted"
        wanted.append(done)
    else:
        names = [
            one["name"]
            for one in pod["spec"].get("initContainers") or ()
            if not (entry := record.containers.get(one["name"]))
            or not (entry.completed or (entry.running and one.get("restartPolicy")))
        ]
        if names:
            text = f"containers with incomplete status: [{' '.join(names)}]"
            wanted.append(
                {
                    "type": "Initialized",
                    "status": "False",
                    "reason": "ContainersNotInitialized",
                    "message": text,
                }
            )
        else:
            wanted.append({"type": "Initialized", "status": "True"})
    unready = [one["name"] for one in main if not one["ready"]]
    for kind in ("Ready", "ContainersReady"):
        if not unready:
            wanted.append({"type": kind, "status": "True"})
        elif phase in ("Succeeded", "Failed"):
            wanted.append(
                {
                    "type": kind,
                    "status": "False",
                    "reason": "PodCompleted" if phase == "Succeeded" else "PodFailed",
                }
            )
        else:
            text = f"containers with unready status: [{' '.join(unready)}]"
            wanted.append({"type": kind, "status": "False", "reason": "ContainersNotReady", "message": text})
    for one in wanted:
        extra = {"observedGeneration": generation} if generation else {}
        conditions = set_condition(conditions, {**one, **extra, "lastProbeTime": None}, now)
    order = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    return sorted(conditions, key=lambda one: order.index(one["type"]) if one["type"] in order else 9)


def _word(value: bool) -> str:
    return "True" if value else "False"


def _container(pod: Object, container: Object, one: ContainerRecord | None, *, started: bool = False) -> Object:
    image = container["image"]
    if one is None:
        reason = "PodInitializing" if pod["spec"].get("initContainers") else "ContainerCreating"
        state: Object = {"waiting": {"reason": reason}}
        one = ContainerRecord(container["name"])
    else:
        state = _state(one)
    status: Object = {
        "name": container["name"],
        "state": state,
        "lastState": {"terminated": one.last} if one.last else {},
    }
    ready = one.completed if started and container.get("restartPolicy") != "Always" else one.ready
    status |= {
        "ready": bool(ready),
        "restartCount": one.restarts,
        "image": image,
        "imageID": image_id(image) if one.starts else "",
    }
    if one.starts:
        status["containerID"] = one.id
    status["started"] = bool(one.running and one.passed_startup)
    resources = {
        half: dict(values) for half, values in (container.get("resources") or {}).items() if values and half != "claims"
    }
    if resources.get("requests"):
        status["allocatedResources"] = resources["requests"]
    status["resources"] = resources
    if mounts := [_mount(one_mount) for one_mount in container.get("volumeMounts") or ()]:
        status["volumeMounts"] = mounts
    status["user"] = {"linux": {"uid": 1000, "gid": 1000, "supplementalGroups": [1000]}}
    return status


def _mount(mount: Object) -> Object:
    shown = {"name": mount["name"], "mountPath": mount["mountPath"]}
    if mount.get("readOnly"):
        shown |= {"readOnly": True, "recursiveReadOnly": "Disabled"}
    return shown


def _state(one: ContainerRecord) -> Object:
    if one.state == "running":
        assert one.started_at is not None
        return {"running": {"startedAt": timestamp(one.started_at)}}
    if one.state == "terminated":
        return {"terminated": one.terminated()}
    reason = one.reason if one.reason != "Pulling" else "ContainerCreating"
    if one.reason == "Pulling" and one.message:
        reason = "ErrImagePull" if "ErrImagePull" in one.message else reason
    waiting: Object = {"reason": reason}
    if one.message:
        waiting["message"] = one.message
    return {"waiting": waiting}


def image_id(image: str) -> str:
    repository = image.partition("@")[0].rpartition(":")[0] or image
    return f"{repository}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def adopted(pod: Object, now: datetime) -> PodRecord | None:
    """The memory of a pod whose status was there before this kubelet looked."""
    status = pod.get("status") or {}
    if not status.get("startTime") or not status.get("containerStatuses"):
        return None
    record = PodRecord(pod["metadata"]["uid"], parse_time(status["startTime"]), ip=status.get("podIP", ""))
    record.stage = "main" if record.ip else "setup"
    for listed in ("initContainerStatuses", "containerStatuses"):
        for shown in status.get(listed) or ():
            record.containers[shown["name"]] = _adopted_container(pod, shown, now)
    return record


def _adopted_container(pod: Object, shown: Object, now: datetime) -> ContainerRecord:
    one = ContainerRecord(shown["name"], restarts=shown.get("restartCount", 0), uid=pod["metadata"]["uid"])
    one.starts, one.last = (
        one.restarts + (1 if shown.get("containerID") else 0),
        (shown.get("lastState") or {}).get("terminated"),
    )
    one.ready, one.passed_startup = shown.get("ready", False), bool(shown.get("started"))
    state = shown.get("state") or {}
    if "running" in state:
        one.state, one.started_at = "running", parse_time(state["running"]["startedAt"])
        ok = one.ready
        one.probe_ok = {"startup": True, "liveness": ok, "readiness": ok}
    elif "terminated" in state:
        ended = state["terminated"]
        one.state, one.started_at = "terminated", parse_time(ended["startedAt"])
        one.finished_at = parse_time(ended["finishedAt"])
        one.plan = Plan(exit_code=ended["exitCode"], reason=ended.get("reason", "Error"))
    else:
        waiting = state.get("waiting") or {}
        one.reason, one.message = waiting.get("reason", "ContainerCreating"), waiting.get("message", "")
        one.backoff_s = one.pull_backoff_s = 300.0 if "BackOff" in one.reason else 0.0
        if "BackOff" in one.reason:
            from datetime import timedelta

            one.until, one.told_at = (
                now + timedelta(seconds=60 + sum(pod["metadata"]["uid"].encode()) % 240),
                now,
            )
    return one
