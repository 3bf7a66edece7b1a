"""Work that ends: Job and CronJob."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.state.kinds.pod_spec import PodTemplate, pod_references
from chalicelib.state.kinds.registry import KINDS, Column, KindEntry, Related, Status
from chalicelib.state.kinds.workloads import template_refs
from chalicelib.state.meta import Api, Condition, LabelSelector, Object, ObjectMeta, ObjectReference, Ref, condition

if TYPE_CHECKING:
    from chalicelib.state.world import World


class JobSpec(Api):
    parallelism: int = 1
    completions: int | None = None
    backoff_limit: int = 6
    active_deadline_seconds: int | None = None
    suspend: bool = False
    template: PodTemplate = PodTemplate()
    selector: LabelSelector | None = None
    ttl_seconds_after_finished: int | None = None


class JobStatus(Api):
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    start_time: datetime | None = None
    completion_time: datetime | None = None
    conditions: list[Condition] = []


class Job(Object):
    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()


class JobTemplate(Api):
    metadata: ObjectMeta = ObjectMeta()
    spec: JobSpec = JobSpec()


class CronJobSpec(Api):
    schedule: str = ""
    time_zone: str = ""
    suspend: bool = False
    concurrency_policy: str = ""
    starting_deadline_seconds: int | None = None
    successful_jobs_history_limit: int = 3
    failed_jobs_history_limit: int = 1
    job_template: JobTemplate = JobTemplate()


class CronJobStatus(Api):
    active: list[ObjectReference] = []
    last_schedule_time: datetime | None = None
    last_successful_time: datetime | None = None


class CronJob(Object):
    spec: CronJobSpec = CronJobSpec()
    status: CronJobStatus = CronJobStatus()


def _job_status(job: Job, world: World) -> Status:
    failed = condition(job.status.conditions, "Failed")
    if failed and failed.true:
        return Status("crit", "Failed", failed.message or failed.reason)
    complete = condition(job.status.conditions, "Complete")
    if complete and complete.true:
        return Status("ok", "Complete")
    if job.spec.suspend:
        return Status("warn", "Suspended")
    if job.status.failed:
        return Status("warn", "Retrying", f"{job.status.failed} failed pods")
    return Status("progress", "Running")


def _cronjob_status(cron: CronJob, world: World) -> Status:
    if cron.spec.suspend:
        return Status("warn", "Suspended")
    if cron.status.active:
        return Status("progress", "Active")
    return Status("ok", "Scheduled")


def _cronjob_refs(cron: CronJob) -> Iterable[Related]:
    for relation, kind, name, detail, _ in pod_references(cron.spec.job_template.spec.template.spec):
        yield relation, Ref(kind, cron.metadata.namespace, name), detail


def _duration(job: Job, world: World) -> float | None:
    if not job.status.start_time:
        return None
    end = job.status.completion_time or (world.now if job.status.active else None)
    return (end - job.status.start_time).total_seconds() if end else None


KINDS.add(
    KindEntry(
        kind="Job", plural="jobs", group="batch", version="v1", category="Batch", title="Jobs", struct=Job,
        status=_job_status, has_logs=True, refs=template_refs,
        columns=(
            Column("completions", "Completions", "text",
                   lambda j, w: f"{j.status.succeeded}/{1 if j.spec.completions is None else j.spec.completions}"),
            Column("failed", "Failed", "number", lambda j, w: j.status.failed),
            Column("duration", "Duration", "duration", _duration),
            Column("owner", "Owner", "ref", lambda j, w: w.owner_text(j)),
        ),
        words=("job",),
    )
)  # fmt: skip
KINDS.add(
    KindEntry(
        kind="CronJob", plural="cronjobs", group="batch", version="v1", category="Batch", title="CronJobs",
        struct=CronJob, status=_cronjob_status, short_names=("cj",), refs=_cronjob_refs,
        columns=(
            Column("schedule", "Schedule", "text", lambda c, w: c.spec.schedule),
            Column("suspend", "Suspended", "text", lambda c, w: "yes" if c.spec.suspend else "no"),
            Column("active", "Active", "number", lambda c, w: len(c.status.active)),
            Column("last_schedule", "Last run", "age", lambda c, w: c.status.last_schedule_time),
            Column("last_success", "Last success", "age", lambda c, w: c.status.last_successful_time),
        ),
        words=("cron job", "scheduled job"),
    )
)  # fmt: skip
