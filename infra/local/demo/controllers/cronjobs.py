"""CronJobs: Jobs at the times of a schedule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from infra.local.demo.controllers.plane import Controller, Key
from infra.local.demo.controllers.status import controller_key, owner_reference, write_status
from infra.local.demo.server.clock import parse_time, timestamp
from infra.local.demo.server.errors import ApiError
from infra.local.demo.server.store import Change, Object, copy_of

_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


@lru_cache(maxsize=512)
def _values(field: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if first in ("*", "?"):
            start, end = low, high
        else:
            start = int(first)
            end = int(last) if last else (high if step else start)
        found |= set(range(start, end + 1, int(step or 1)))
    return frozenset(found)


def next_run(schedule: str, after: datetime) -> datetime | None:
    """The first time of a schedule after a moment; None if there is none within four years."""
    fields = _NAMED.get(schedule, schedule).split()
    minutes, hours, days, months, weekdays = (
        _values(field, *bounds) for field, bounds in zip(fields, _BOUNDS, strict=True)
    )
    at = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    limit = after + timedelta(days=1500)
    either = fields[2] != "*" and fields[4] != "*"
    while at < limit:
        weekday = (at.weekday() + 1) % 7
        day = at.day in days or weekday in weekdays if either else at.day in days and weekday in weekdays
        if at.month not in months or not day:
            at = at.replace(hour=0, minute=0) + timedelta(days=1)
        elif at.hour not in hours:
            at = at.replace(minute=0) + timedelta(hours=1)
        elif at.minute not in minutes:
            at += timedelta(minutes=1)
        else:
            return at
    return None


class CronJobs(Controller):
    name = "cronjob-controller"
    kinds = ("CronJob", "Job")

    def __init__(self, plane: object) -> None:
        super().__init__(plane)  # type: ignore[arg-type]
        self._done: set[str] = set()

    def concerned(self, change: Change) -> Iterable[Key]:
        if change.key[1] == "cronjobs":
            return ((change.namespace, change.name),)
        owner = controller_key(change.object, "CronJob")
        return (owner,) if owner else ()

    def reconcile(self, key: Key) -> None:
        cron = self.api.find("CronJob", *key)
        if cron is None or cron["metadata"].get("deletionTimestamp"):
            return
        jobs = self.api.owned_by("Job", cron)
        status = self._look_at_jobs(cron, jobs)
        write_status(self.api, cron, status)
        if cron["spec"].get("suspend"):
            return
        zone = ZoneInfo(cron["spec"].get("timeZone") or "UTC")
        last = status.get("lastScheduleTime") or cron["metadata"]["creationTimestamp"]
        due = next_run(cron["spec"]["schedule"], parse_time(last).astimezone(zone))
        if due is None:
            return
        now = self.now()
        if due > now:
            self.wake(key, (due - now).total_seconds())
            return
        while (later := next_run(cron["spec"]["schedule"], due)) and later <= now:
            due = later  # runs that were missed are not made up for
        self._run(key, cron, status, due)

    def _run(self, key: Key, cron: Object, status: Object, due: datetime) -> None:
        policy = cron["spec"].get("concurrencyPolicy", "Allow")
        active = status.get("active") or []
        current = self.api.get("CronJob", *key)
        if active and policy == "Forbid":
            text = "Not starting job because prior execution is running and concurrency policy is Forbid"
            self.event(current, "Normal", "JobAlreadyActive", text)
            self.wake(key, 60)
            return
        if active and policy == "Replace":
            for one in active:
                self.api.delete("Job", key[0], one["name"], propagation="Background")
            active = []
        template = copy_of(cron["spec"]["jobTemplate"])
        meta = template.get("metadata") or {}
        name = f"{key[1]}-{int(due.timestamp()) // 60}"
        notes = {
            **(meta.get("annotations") or {}),
            "batch.kubernetes.io/cronjob-scheduled-timestamp": timestamp(due),
        }
        body = {
            "metadata": {
                **meta,
                "name": name,
                "annotations": notes,
                "ownerReferences": [owner_reference(cron)],
            },
            "spec": template["spec"],
        }
        try:
            job = self.api.create("Job", body, namespace=key[0], manager="kube-controller-manager")
        except ApiError as error:
            if error.reason != "AlreadyExists":
                self.event(current, "Warning", "FailedCreate", f"Error creating job: {error.message}")
                self.wake(key, 60)
                return
            job = self.api.get("Job", key[0], name)
        self.event(current, "Normal", "SuccessfulCreate", f"Created job {name}")
        reference = {
            "kind": "Job",
            "namespace": key[0],
            "name": name,
            "uid": job["metadata"]["uid"],
            "apiVersion": "batch/v1",
            "resourceVersion": job["metadata"]["resourceVersion"],
        }
        changed = {**status, "active": [*active, reference], "lastScheduleTime": timestamp(due)}
        write_status(self.api, self.api.get("CronJob", *key), changed)

    def _look_at_jobs(self, cron: Object, jobs: list[Object]) -> Object:
        status = dict(cron.get("status") or {})
        ended: dict[str, list[Object]] = {"Complete": [], "Failed": []}
        for job in jobs:
            kind = next(
                (
                    one["type"]
                    for one in (job.get("status") or {}).get("conditions") or ()
                    if one["type"] in ended and one["status"] == "True"
                ),
                "",
            )
            if not kind:
                self._unexpected(cron, status, job)
                continue
            ended[kind].append(job)
            name, uid = job["metadata"]["name"], job["metadata"]["uid"]
            listed = status.get("active") or []
            if any(one["uid"] == uid for one in listed):
                status["active"] = [one for one in listed if one["uid"] != uid]
                self.event(cron, "Normal", "SawCompletedJob", f"Saw completed job: {name}, condition: {kind}")
                if kind == "Complete":
                    status["lastSuccessfulTime"] = job["status"]["completionTime"]
        if not status.get("active"):
            status.pop("active", None)
        for kind, limit in (("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")):
            self._forget(cron, ended[kind], cron["spec"].get(limit, 3))
        return status

    def _unexpected(self, cron: Object, status: Object, job: Object) -> None:
        """A running Job of this CronJob that it did not start (made by hand)."""
        meta = job["metadata"]
        scheduled = "batch.kubernetes.io/cronjob-scheduled-timestamp" in (meta.get("annotations") or {})
        if not scheduled and all(one["uid"] != meta["uid"] for one in status.get("active") or ()):
            text = f"Saw a job that the controller did not create or forgot: {meta['name']}"
            self.event(cron, "Warning", "UnexpectedJob", text)

    def _forget(self, cron: Object, jobs: list[Object], keep: int) -> None:
        old = sorted(jobs, key=lambda job: job["metadata"]["creationTimestamp"])
        for job in old[: max(0, len(old) - keep)]:
            name = job["metadata"]["name"]
            self.api.delete("Job", job["metadata"]["namespace"], name, propagation="Background")
            self.event(cron, "Normal", "SuccessfulDelete", f"Deleted job {name}")
