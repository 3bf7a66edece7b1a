"""Deployments: revisions, rolling updates, progress and its deadline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.status import (
    condition_of,
    controller_key,
    owner_reference,
    set_condition,
    write_object,
    write_status,
)
from infra.local.demo.server.clock import parse_time
from infra.local.demo.server.identity import safe_hash
from infra.local.demo.server.store import Change, Object, copy_of

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
_HISTORY_CHARACTERS = 2000
_DESIRED, _MAX = "deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas"
_HASH = "pod-template-hash"
_NO_COPY = ("kubectl.kubernetes.io/last-applied-configuration", REVISION, HISTORY, _DESIRED, _MAX)


def share(value: Any, total: int, *, up: bool) -> int:
    """A count or a percentage of a total, rounded up or down."""
    if isinstance(value, str) and value.endswith("%"):
        product = int(value[:-1]) * total
        return -(-product // 100) if up else product // 100
    return int(value or 0)


def limits_of(deployment: Object) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods; both zero cannot be."""
    update = deployment["spec"].get("strategy") or {}
    if update.get("type") == "Recreate":
        return 0, deployment["spec"].get("replicas", 1)
    rolling, total = update.get("rollingUpdate") or {}, deployment["spec"].get("replicas", 1)
    surge = share(rolling.get("maxSurge", "25%"), total, up=True)
    unavailable = share(rolling.get("maxUnavailable", "25%"), total, up=False)
    return (surge, unavailable) if surge or unavailable else (0, 1)


def template_hash(template: Object) -> str:
    return safe_hash(orjson.dumps(template, option=orjson.OPT_SORT_KEYS))


class Deployments(Controller):
    name = "deployment-controller"
    kinds = ("Deployment", "ReplicaSet")

    def concerned(self, change: Change) -> Iterable[Key]:
        if change.key[1] == "deployments":
            return ((change.namespace, change.name),)
        owner = controller_key(change.object, "Deployment")
        return (owner,) if owner else ()

    def reconcile(self, key: Key) -> None:
        found = self.api.find("Deployment", *key)
        if found is None:
            return
        sets = self.api.owned_by("ReplicaSet", found)
        wanted = template_hash(found["spec"]["template"])
        new = next((one for one in sets if one["metadata"]["labels"].get(_HASH) == wanted), None)
        if found["spec"].get("paused") or found["metadata"].get("deletionTimestamp"):
            self._write_status(found, sets, new)
            return
        if new is None:
            new = self._create_set(found, sets, wanted)
        else:
            new = self._keep_revision(found, sets, new)
        if new is None:
            return
        found = self._note_revision(found, new)
        old = [one for one in sets if one["metadata"]["uid"] != new["metadata"]["uid"]]
        if (found["spec"].get("strategy") or {}).get("type") == "Recreate":
            self._recreate(found, new, old)
        else:
            self._roll(found, new, old)
        fresh = self.api.owned_by("ReplicaSet", found)
        current = self.api.find("ReplicaSet", key[0], new["metadata"]["name"])
        self._write_status(found, fresh, current)
        self._clean_up(found, fresh, new)

    # -- revisions ------------------------------------------------------------------------------------------------

    def _create_set(self, found: Object, sets: list[Object], wanted: str) -> Object | None:
        meta, spec = found["metadata"], found["spec"]
        template = copy_of(spec["template"])
        labels = dict(template["metadata"].get("labels") or {}) | {_HASH: wanted}
        template["metadata"]["labels"] = labels
        selector = copy_of(spec["selector"])
        selector["matchLabels"] = dict(selector.get("matchLabels") or {}) | {_HASH: wanted}
        surge, _ = limits_of(found)
        total = sum(one["spec"].get("replicas", 0) for one in sets)
        room = max(0, spec["replicas"] + surge - total) if sets else spec["replicas"]
        recreate = (spec.get("strategy") or {}).get("type") == "Recreate"
        replicas = 0 if recreate and total else min(room, spec["replicas"])
        notes = {name: value for name, value in (meta.get("annotations") or {}).items() if name not in _NO_COPY}
        notes |= {
            _DESIRED: str(spec["replicas"]),
            _MAX: str(spec["replicas"] + surge),
            REVISION: self._next(sets),
        }
        body = {
            "metadata": {
                "name": f"{meta['name']}-{wanted}",
                "labels": labels,
                "annotations": notes,
                "ownerReferences": [owner_reference(found)],
            },
            "spec": {"replicas": replicas, "selector": selector, "template": template},
        }
        if spec.get("minReadySeconds"):
            body["spec"]["minReadySeconds"] = spec["minReadySeconds"]
        made = self.api.create("ReplicaSet", body, namespace=meta["namespace"], manager="kube-controller-manager")
        if replicas:
            self._scaled(found, made, 0, replicas)
        message = f'Created new replica set "{made["metadata"]["name"]}"'
        self._progress(found, "True", "NewReplicaSetCreated", message)
        return made

    def _next(self, sets: list[Object]) -> str:
        return str(
            1 + max((int((one["metadata"].get("annotations") or {}).get(REVISION, 0)) for one in sets), default=0)
        )

    def _keep_revision(self, found: Object, sets: list[Object], new: Object) -> Object:
        """A template that was used before gets the newest revision number when it comes back (rollback)."""
        others = [one for one in sets if one["metadata"]["uid"] != new["metadata"]["uid"]]
        highest = int(self._next(others)) - 1
        notes = dict(new["metadata"].get("annotations") or {})
        surge, _ = limits_of(found)
        if int(notes.get(REVISION, 0)) <= highest and others:
            if REVISION in notes:
                notes[HISTORY] = _with_history(notes)
            notes[REVISION] = str(highest + 1)
            message = f'Found new replica set "{new["metadata"]["name"]}"'
            self._progress(found, "True", "FoundNewReplicaSet", message)
        notes |= {_DESIRED: str(found["spec"]["replicas"]), _MAX: str(found["spec"]["replicas"] + surge)}
        if notes == new["metadata"].get("annotations"):
            return new
        return write_object(self.api, {**new, "metadata": {**new["metadata"], "annotations": notes}})

    def _note_revision(self, found: Object, new: Object) -> Object:
        found = self.api.get("Deployment", found["metadata"]["namespace"], found["metadata"]["name"])
        revision = (new["metadata"].get("annotations") or {}).get(REVISION, "1")
        notes = dict(found["metadata"].get("annotations") or {})
        if notes.get(REVISION) == revision:
            return found
        notes[REVISION] = revision
        return write_object(self.api, {**found, "metadata": {**found["metadata"], "annotations": notes}})

    # -- scaling --------------------------------------------------------------------------------------------------

    def _roll(self, found: Object, new: Object, old: list[Object]) -> None:
        replicas = found["spec"]["replicas"]
        surge, unavailable = limits_of(found)
        active = [one for one in old if one["spec"].get("replicas", 0)]
        have = new["spec"].get("replicas", 0)
        if not active or have > replicas:
            if have != replicas:
                self._scale(found, new, replicas)
            if not active:
                return
        total = have + sum(one["spec"]["replicas"] for one in active)
        if have < replicas and total < replicas + surge:
            have = min(replicas, have + replicas + surge - total)
            new = self._scale(found, new, have)
        self._shrink_old(found, new, active, max(0, replicas - unavailable))

    def _shrink_old(self, found: Object, new: Object, active: list[Object], needed: int) -> None:
        """Scale old sets down, their unhealthy pods first, as long as enough pods stay available."""
        ready = (new.get("status") or {}).get("availableReplicas", 0)
        total = new["spec"]["replicas"] + sum(one["spec"]["replicas"] for one in active)
        room = total - needed - (new["spec"]["replicas"] - ready)
        left: list[Object] = []
        for one in sorted(active, key=lambda one: one["metadata"]["creationTimestamp"]):
            size, healthy = one["spec"]["replicas"], (one.get("status") or {}).get("availableReplicas", 0)
            drop = min(size - min(healthy, size), max(room, 0))
            if drop:
                one, room = self._scale(found, one, size - drop), room - drop
            left.append(one)
        available = ready + sum((one.get("status") or {}).get("availableReplicas", 0) for one in left)
        spare = available - needed
        for one in left:
            drop = min(one["spec"]["replicas"], spare, max(room, 0))
            if drop > 0:
                self._scale(found, one, one["spec"]["replicas"] - drop)
                spare, room = spare - drop, room - drop

    def _recreate(self, found: Object, new: Object, old: list[Object]) -> None:
        for one in old:
            if one["spec"].get("replicas", 0):
                self._scale(found, one, 0)
        if all(not self.plane.cache.pods_of(one["metadata"]["uid"]) for one in old):
            if new["spec"].get("replicas", 0) != found["spec"]["replicas"]:
                self._scale(found, new, found["spec"]["replicas"])
        else:
            self.wake((found["metadata"]["namespace"], found["metadata"]["name"]), 2)

    def _scale(self, found: Object, one: Object, replicas: int) -> Object:
        before = one["spec"].get("replicas", 0)
        if before == replicas:
            return one
        generation = one["metadata"].get("generation", 1) + 1
        changed = {**one, "metadata": {**one["metadata"], "generation": generation}}
        changed["spec"] = {**one["spec"], "replicas": replicas}
        made = write_object(self.api, changed)
        self._scaled(found, made, before, replicas)
        return made

    def _scaled(self, found: Object, one: Object, before: int, after: int) -> None:
        way = "up" if after > before else "down"
        message = f"Scaled {way} replica set {one['metadata']['name']} from {before} to {after}"
        self.event(found, "Normal", "ScalingReplicaSet", message)

    def _clean_up(self, found: Object, sets: list[Object], new: Object) -> None:
        keep = found["spec"].get("revisionHistoryLimit", 10)
        idle = [
            one
            for one in sets
            if one["metadata"]["uid"] != new["metadata"]["uid"]
            and not one["spec"].get("replicas")
            and not (one.get("status") or {}).get("replicas")
        ]
        idle.sort(key=lambda one: int((one["metadata"].get("annotations") or {}).get(REVISION, 0)))
        for one in idle[: max(0, len(idle) - keep)]:
            self.api.delete("ReplicaSet", one["metadata"]["namespace"], one["metadata"]["name"])

    # -- status ---------------------------------------------------------------------------------------------------

    def _progress(self, found: Object, status: str, reason: str, message: str) -> None:
        found = self.api.get("Deployment", found["metadata"]["namespace"], found["metadata"]["name"])
        new = {"type": "Progressing", "status": status, "reason": reason, "message": message}
        conditions = (found.get("status") or {}).get("conditions") or []
        changed = set_condition(conditions, new, self.api.now(), extra=("lastUpdateTime",))
        write_status(self.api, found, {**(found.get("status") or {}), "conditions": changed})

    def _write_status(self, found: Object, sets: list[Object], new: Object | None) -> None:
        found = self.api.get("Deployment", found["metadata"]["namespace"], found["metadata"]["name"])
        counts = _counts(found, sets, new)
        status: Object = {"observedGeneration": found["metadata"].get("generation", 1)}
        status |= {name: value for name, value in counts.items() if value or name == "terminatingReplicas"}
        conditions = list((found.get("status") or {}).get("conditions") or [])
        now = self.api.now()
        _, unavailable = limits_of(found)
        enough = counts["availableReplicas"] >= found["spec"]["replicas"] - unavailable
        conditions = set_condition(conditions, _available(enough), now, extra=("lastUpdateTime",))
        if new is not None:
            conditions = self._with_progress(found, counts, new, conditions)
        failure = next((c for one in sets for c in [condition_of(one, "ReplicaFailure")] if c), None)
        if failure:
            told = {key: failure[key] for key in ("type", "status", "reason", "message")}
            conditions = set_condition(conditions, told, now, extra=("lastUpdateTime",))
        else:
            conditions = [one for one in conditions if one["type"] != "ReplicaFailure"]
        status["conditions"] = conditions
        write_status(self.api, found, status)

    def _with_progress(
        self, found: Object, counts: dict[str, int], new: Object, conditions: list[Object]
    ) -> list[Object]:
        replicas, now, name = found["spec"]["replicas"], self.api.now(), new["metadata"]["name"]
        before = (found.get("status") or {}).copy()
        complete = (
            counts["updatedReplicas"] == replicas == counts["replicas"] and counts["availableReplicas"] == replicas
        )
        old = next((one for one in conditions if one["type"] == "Progressing"), None)
        if complete:
            if old and old["reason"] == "NewReplicaSetAvailable" and f'"{name}"' in old["message"]:
                return conditions
            message = f'ReplicaSet "{name}" has successfully progressed.'
            done = {
                "type": "Progressing",
                "status": "True",
                "reason": "NewReplicaSetAvailable",
                "message": message,
            }
            return set_condition(conditions, done, now, extra=("lastUpdateTime",))
        if old and old["reason"] == "NewReplicaSetAvailable":
            return conditions  # scaled, or pods lost: no rollout is going on
        moved = (
            counts["updatedReplicas"] > before.get("updatedReplicas", 0)
            or counts["readyReplicas"] > before.get("readyReplicas", 0)
            or counts["availableReplicas"] > before.get("availableReplicas", 0)
            or counts["replicas"] - counts["updatedReplicas"]
            < before.get("replicas", 0) - before.get("updatedReplicas", 0)
        )
        if moved or old is None:
            told = {
                "type": "Progressing",
                "status": "True",
                "reason": "ReplicaSetUpdated",
                "message": f'ReplicaSet "{name}" is progressing.',
            }
            rest = [one for one in conditions if one["type"] != "Progressing"]
            stamp = {"lastUpdateTime": now, "lastTransitionTime": old["lastTransitionTime"] if old else now}
            if old and old["status"] != "True":
                stamp["lastTransitionTime"] = now
            self._watch_deadline(found, now)
            return [*rest, {**told, **stamp}]
        return self._judge_deadline(found, conditions, old, name)

    def _watch_deadline(self, found: Object, since: str) -> None:
        left = found["spec"].get("progressDeadlineSeconds", 600) + 1
        left -= (self.now() - parse_time(since)).total_seconds()
        self.wake((found["metadata"]["namespace"], found["metadata"]["name"]), left)

    def _judge_deadline(self, found: Object, conditions: list[Object], old: Object, name: str) -> list[Object]:
        deadline = found["spec"].get("progressDeadlineSeconds", 600)
        quiet = (self.now() - parse_time(old["lastUpdateTime"])).total_seconds()
        if old["status"] != "True":
            return conditions
        if quiet <= deadline:
            self._watch_deadline(found, old["lastUpdateTime"])
            return conditions
        message = f'ReplicaSet "{name}" has timed out progressing.'
        late = {
            "type": "Progressing",
            "status": "False",
            "reason": "ProgressDeadlineExceeded",
            "message": message,
        }
        return set_condition(conditions, late, self.api.now(), extra=("lastUpdateTime",))


def _counts(found: Object, sets: list[Object], new: Object | None) -> dict[str, int]:
    def total(name: str) -> int:
        return sum((one.get("status") or {}).get(name, 0) for one in sets)

    replicas, available = total("replicas"), total("availableReplicas")
    wanted = sum(one["spec"].get("replicas", 0) for one in sets)
    return {
        "replicas": replicas,
        "updatedReplicas": ((new or {}).get("status") or {}).get("replicas", 0),
        "readyReplicas": total("readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, wanted - available),
        "terminatingReplicas": total("terminatingReplicas"),
    }


def _with_history(notes: dict[str, str]) -> str:
    """The revisions a ReplicaSet has had before, its present one last; old ones fall out of a long list."""
    numbers = [*filter(None, notes.get(HISTORY, "").split(",")), notes[REVISION]]
    while len(",".join(numbers)) > _HISTORY_CHARACTERS:
        numbers.pop(0)
    return ",".join(numbers)


def _available(enough: bool) -> Object:
    if enough:
        text = "Deployment has minimum availability."
        return {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": text}
    text = "Deployment does not have minimum availability."
    return {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable", "message": text}
