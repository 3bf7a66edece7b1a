"""Jobs: pods until enough have succeeded, or too many have failed."""

from __future__ import annotations

from collections.abc import Iterable

from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.replicasets import pod_from
from infra.local.demo.controllers.status import controller_key, set_condition, write_status
from infra.local.demo.server.clock import parse_time
from infra.local.demo.server.errors import ApiError
from infra.local.demo.server.store import Change, Object

_BACKOFF_S, _LONGEST_S = 10.0, 600.0


class Jobs(Controller):
    name = "job-controller"
    kinds = ("Job", "Pod")

    def __init__(self, plane: object) -> None:
        super().__init__(plane)  # type: ignore[arg-type]
        self._not_before: dict[str, float] = {}

    def concerned(self, change: Change) -> Iterable[Key]:
        if change.key[1] == "jobs":
            return ((change.namespace, change.name),)
        owner = controller_key(change.object, "Job")
        return (owner,) if owner else ()

    def reconcile(self, key: Key) -> None:
        job = self.api.find("Job", *key)
        if job is None or job["metadata"].get("deletionTimestamp"):
            return
        status = dict(job.get("status") or {})
        if any(
            one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in status.get("conditions") or ()
        ):
            self._expire(key, job, status)
            return
        spec = job["spec"]
        if spec.get("suspend"):
            condition = {
                "type": "Suspended",
                "status": "True",
                "reason": "JobSuspended",
                "message": "Job suspended",
            }
            status["conditions"] = set_condition(
                status.get("conditions") or [], condition | {"lastProbeTime": self.api.now()}, self.api.now()
            )
            write_status(self.api, job, status)
            return
        status.setdefault("startTime", self.api.now())
        pods = self.plane.cache.pods_of(job["metadata"]["uid"])
        done = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Succeeded"]
        failed = [pod for pod in pods if (pod.get("status") or {}).get("phase") == "Failed"]
        active = [
            pod
            for pod in pods
            if pod not in done and pod not in failed and not pod["metadata"].get("deletionTimestamp")
        ]
        restarts = (
            sum(
                one.get("restartCount", 0)
                for pod in active
                for one in (pod.get("status") or {}).get("containerStatuses") or ()
            )
            if spec["template"]["spec"].get("restartPolicy") == "OnFailure"
            else 0
        )
        wanted = spec.get("completions", 1)
        if len(done) >= wanted:
            self._complete(job, status, done, failed)
            return
        if len(failed) > spec.get("backoffLimit", 6) or (restarts and restarts > spec.get("backoffLimit", 6)):
            self._fail(
                job,
                status,
                failed,
                active,
                "BackoffLimitExceeded",
                "Job has reached the specified backoff limit",
            )
            return
        deadline = spec.get("activeDeadlineSeconds")
        if deadline is not None:
            left = deadline - (self.now() - parse_time(status["startTime"])).total_seconds()
            if left <= 0:
                self._fail(
                    job,
                    status,
                    failed,
                    active,
                    "DeadlineExceeded",
                    "Job was active longer than specified deadline",
                )
                return
            self.wake(key, left)
        self._run(key, job, status, active, done, failed)

    def _run(
        self,
        key: Key,
        job: Object,
        status: Object,
        active: list[Object],
        done: list[Object],
        failed: list[Object],
    ) -> None:
        spec = job["spec"]
        room = min(spec.get("parallelism", 1), spec.get("completions", 1) - len(done)) - len(active)
        if failed and room > 0:
            last = max(parse_time(_ended(pod)) for pod in failed)
            wait = min(_BACKOFF_S * 2 ** (len(failed) - 1), _LONGEST_S) - (self.now() - last).total_seconds()
            if wait > 0:
                self.wake(key, wait)
                room = 0
        for _ in range(max(0, room)):
            body = pod_from(spec["template"], job, f"{key[1]}-")
            try:
                pod = self.api.create("Pod", body, namespace=key[0], manager="kube-controller-manager")
            except ApiError as error:
                self.event(job, "Warning", "FailedCreate", f"Error creating: {error.message}")
                self.wake(key, 30)
                break
            active = [*active, pod]
            self.event(job, "Normal", "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")
        self._write(job, status, active, done, failed)

    def _write(
        self, job: Object, status: Object, active: list[Object], done: list[Object], failed: list[Object]
    ) -> Object:
        for name, pods in (("active", active), ("succeeded", done), ("failed", failed)):
            status.pop(name, None)
            if pods:
                status[name] = len(pods)
        ready = sum(
            1
            for pod in active
            for one in (pod.get("status") or {}).get("conditions") or ()
            if one["type"] == "Ready" and one["status"] == "True"
        )
        status |= {"ready": ready, "terminating": 0, "uncountedTerminatedPods": {}}
        return write_status(
            self.api, self.api.get("Job", job["metadata"]["namespace"], job["metadata"]["name"]), status
        )

    def _complete(self, job: Object, status: Object, done: list[Object], failed: list[Object]) -> None:
        now, text = self.api.now(), "Reached expected number of succeeded pods"
        self._conclude(status, ("SuccessCriteriaMet", "Complete"), "CompletionsReached", text)
        status["completionTime"] = now
        made = self._write(job, status, [], done, failed)
        self.event(made, "Normal", "Completed", "Job completed")
        self._expire((job["metadata"]["namespace"], job["metadata"]["name"]), made, status)

    def _fail(
        self, job: Object, status: Object, failed: list[Object], active: list[Object], reason: str, text: str
    ) -> None:
        for pod in active:
            self.api.delete("Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
        self._conclude(status, ("FailureTarget", "Failed"), reason, text)
        made = self._write(job, status, [], [], failed or active)
        self.event(made, "Warning", reason, text)

    def _conclude(self, status: Object, kinds: tuple[str, str], reason: str, text: str) -> None:
        now = self.api.now()
        conditions = status.get("conditions") or []
        for kind in kinds:
            condition = {
                "type": kind,
                "status": "True",
                "reason": reason,
                "message": text,
                "lastProbeTime": now,
            }
            conditions = set_condition(conditions, condition, now)
        status["conditions"] = conditions

    def _expire(self, key: Key, job: Object, status: Object) -> None:
        limit = job["spec"].get("ttlSecondsAfterFinished")
        if limit is None:
            return
        ended = status.get("completionTime") or status["conditions"][-1]["lastTransitionTime"]
        left = limit - (self.now() - parse_time(ended)).total_seconds()
        if left > 0:
            self.wake(key, left)
        else:
            self.api.delete("Job", *key, propagation="Background")


def _ended(pod: Object) -> str:
    times = [
        one["state"]["terminated"]["finishedAt"]
        for one in pod["status"].get("containerStatuses") or ()
        if "terminated" in one["state"]
    ]
    return max(times, default=pod["metadata"]["creationTimestamp"])
