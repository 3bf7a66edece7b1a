"""Whether a change did what it was for: rollouts at their end, nothing newly broken, the symptom gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chalicelib.rootcause import Diagnosis, Problem, diagnose
from chalicelib.safety.model import Change, Check, Target, Verification
from chalicelib.safety.scene import Json, Scene
from chalicelib.state.meta import Ref

STEADY_FOR = timedelta(seconds=15)
"""How long it has to look well before it is called verified."""
GRACE = timedelta(seconds=45)
"""Pods may start badly and recover; a fault counts as new after this."""
LIKELY = 0.5
_HOPELESS = ("ProgressDeadlineExceeded",)


def baseline_of(scene: Scene, change: Change) -> tuple[str, ...]:
    """Problems that were there before, so that they are not blamed on the change."""
    return tuple(sorted(_key(problem) for problem in diagnose(scene.world).problems if problem.probability > LIKELY))


def _key(problem: Problem) -> str:
    return f"{problem.mode} {problem.resource}"


def verify(change: Change, scene: Scene, diagnosis: Diagnosis, now: datetime) -> Verification:
    """What is seen now. outcome "" means: look again later."""
    so_far = change.verification or Verification(started_at=now, until=now)
    checks = tuple(_as_restored(check, change) for check in _looked(change, scene, diagnosis, now, so_far))
    outcomes = {check.outcome for check in checks}
    waited = now - so_far.started_at
    if "block" in outcomes:
        return _ended(so_far, "failed", checks, now)
    if outcomes <= {"ok", "unknown"} or (outcomes <= {"ok", "unknown", "warn"} and _only_symptom(checks)):
        if waited < STEADY_FOR:
            return msgspec.structs.replace(so_far, checks=checks)
        return _ended(so_far, "verified" if outcomes == {"ok"} else "unclear", checks, now)
    if now >= so_far.until:
        return _ended(so_far, "unclear" if change.undo_of else "failed", checks, now)
    return msgspec.structs.replace(so_far, checks=checks)


def _as_restored(check: Check, change: Change) -> Check:
    """An undo is measured by what it put back: that state may not have been well either."""
    if change.undo_of and check.outcome == "block" and check.name != "state":
        return msgspec.structs.replace(check, outcome="unknown")
    return check


def _ended(so_far: Verification, outcome: Any, checks: tuple[Check, ...], now: datetime) -> Verification:
    worst = [check.text for check in checks if check.outcome != "ok"] or [check.text for check in checks]
    return msgspec.structs.replace(so_far, outcome=outcome, text=" ".join(worst)[:1000], checks=checks, finished_at=now)


def _only_symptom(checks: tuple[Check, ...]) -> bool:
    return all(check.name == "symptom" for check in checks if check.outcome == "warn")


def _looked(change: Change, scene: Scene, diagnosis: Diagnosis, now: datetime, so_far: Verification) -> Iterator[Check]:
    for operation, target in zip(change.operations, change.targets, strict=True):
        if operation.verb in ("delete", "evict"):
            yield _gone(scene, target)
        elif target.kind in _ROLLOUTS and _touches_pods(change, target):
            yield _rolled_out(scene, target, so_far.started_at)
        else:
            found = scene.find(target.kind, target.namespace, target.name)
            there = found is not None
            yield _check("state", "ok" if there else "block", f"{target} {'is there' if there else 'is gone'}.")
    yield _nothing_new(change, diagnosis, now, so_far)
    if change.symptom:
        yield _symptom(change, diagnosis)


def _touches_pods(change: Change, target: Target) -> bool:
    """Whether the change reaches the pods of a workload; a label on it does not."""
    for diff in change.preview.diffs:
        if (diff.target.kind, diff.target.namespace, diff.target.name) == (target.kind, target.namespace, target.name):
            return (
                diff.how == "created" or any(one.path.startswith("/spec") for one in diff.changes) or bool(diff.omitted)
            )
    return True


def _gone(scene: Scene, target: Target) -> Check:
    found = scene.find(target.kind, target.namespace, target.name)
    if found is None or found["metadata"].get("uid") != target.uid:
        return _check("state", "ok", f"{target} is gone.")
    held = found["metadata"].get("finalizers")
    why = f", held by {', '.join(held)}" if held else ""
    return _check("state", "warn", f"{target} is still there{why}.")


def _rolled_out(scene: Scene, target: Target, since: datetime) -> Check:
    obj = scene.find(target.kind, target.namespace, target.name)
    if obj is None:
        return _check("rollout", "block", f"{target} is gone.")
    status, wanted = obj.get("status") or {}, _ROLLOUTS[target.kind](obj)
    for condition in status.get("conditions") or ():
        hopeless = condition.get("type") == "Progressing" and condition.get("reason") in _HOPELESS
        if hopeless and _told_after(condition, since):
            return _check("rollout", "block", f"{target}: {condition.get('message', 'the rollout is stuck')}")
    if status.get("observedGeneration", 0) < obj["metadata"].get("generation", 0):
        return _check("rollout", "warn", f"{target} has not been looked at by its controller yet.")
    missing = [f"{have} of {want} {what}" for what, have, want in wanted if have != want]
    if missing:
        return _check("rollout", "warn", f"{target}: {', '.join(missing)}.")
    return _check("rollout", "ok", f"{target} is as it should be: all of its pods are there and ready.")


def _told_after(condition: Json, since: datetime) -> bool:
    """Whether a condition was written since the change, to the second; an older one speaks of an older rollout."""
    try:
        told = datetime.fromisoformat(str(condition.get("lastUpdateTime", "")).replace("Z", "+00:00"))
    except ValueError:
        return True
    return told >= since.replace(microsecond=0)


def _deployment(obj: Json) -> list[tuple[str, int, int]]:
    status, replicas = obj.get("status") or {}, _replicas(obj)
    if obj["spec"].get("paused"):
        return [("replicas", status.get("replicas", 0), replicas)]
    return [
        ("updated", status.get("updatedReplicas", 0), replicas),
        ("in all", status.get("replicas", 0), replicas),
        ("available", status.get("availableReplicas", 0), replicas),
    ]


def _stateful_set(obj: Json) -> list[tuple[str, int, int]]:
    status, replicas = obj.get("status") or {}, _replicas(obj)
    strategy = obj["spec"].get("updateStrategy") or {}
    found = [("ready", status.get("readyReplicas", 0), replicas), ("in all", status.get("replicas", 0), replicas)]
    partition = (strategy.get("rollingUpdate") or {}).get("partition") or 0
    if strategy.get("type") != "OnDelete" and status.get("updateRevision") != status.get("currentRevision"):
        found.append(("updated", status.get("updatedReplicas", 0), max(0, replicas - partition)))
    return found


def _daemon_set(obj: Json) -> list[tuple[str, int, int]]:
    status = obj.get("status") or {}
    wanted = status.get("desiredNumberScheduled", 0)
    found = [("available", status.get("numberAvailable", 0), wanted)]
    if (obj["spec"].get("updateStrategy") or {}).get("type") != "OnDelete":
        found.append(("updated", status.get("updatedNumberScheduled", 0), wanted))
    return found


def _replica_set(obj: Json) -> list[tuple[str, int, int]]:
    return [("ready", (obj.get("status") or {}).get("readyReplicas", 0), _replicas(obj))]


_ROLLOUTS = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "ReplicaSet": _replica_set,
}


def _replicas(obj: Json) -> int:
    found = obj["spec"].get("replicas")
    return 1 if found is None else int(found)


def _nothing_new(change: Change, diagnosis: Diagnosis, now: datetime, so_far: Verification) -> Check:
    """No fault that was not there before on what the change touches."""
    before = set(change.execution.baseline if change.execution else ())
    near = _near(change)
    fresh = [
        problem
        for problem in diagnosis.problems
        if problem.probability > LIKELY
        and problem.severity != "info"
        and _key(problem) not in before
        and (problem.resource in near or near.intersection(problem.explains) or _same_space(problem, change))
    ]
    if not fresh:
        return _check("new_faults", "ok", "The diagnosis finds nothing that was not there before.")
    told = "; ".join(problem.summary for problem in fresh[:3])
    if _only_takes_away(change):
        return _check("new_faults", "unknown", f"What was taken away is missed: {told}.")
    if now - so_far.started_at < GRACE:
        return _check("new_faults", "warn", f"New: {told}.")
    return _check("new_faults", "block", f"New since the change: {told}.")


def _only_takes_away(change: Change) -> bool:
    """Whether all that was asked for is that something goes; then what misses it was to be expected, and was shown."""
    zero = change.arguments.get("replicas") == 0
    return all(operation.verb in ("delete", "evict") or zero for operation in change.operations)


def _near(change: Change) -> set[Ref]:
    hits = {Ref(hit.kind, hit.namespace, hit.name) for hit in change.preview.blast.hits}
    return hits | {Ref(target.kind, target.namespace, target.name) for target in change.targets}


def _same_space(problem: Problem, change: Change) -> bool:
    spaces = {target.namespace for target in change.targets if target.namespace}
    return problem.resource.namespace in spaces


def _symptom(change: Change, diagnosis: Diagnosis) -> Check:
    still = next((p for p in diagnosis.problems if p.id == change.symptom and p.probability > LIKELY), None)
    if still is None:
        return _check("symptom", "ok", "The problem that it was for is gone.")
    return _check("symptom", "warn", f"The problem that it was for is still there: {still.summary}.")


def _check(name: str, outcome: Any, text: str) -> Check:
    return Check(name=name, outcome=outcome, text=text)
