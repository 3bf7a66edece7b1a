"""Jobs and CronJobs."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from infra.local.demo.controllers.cronjobs import next_run
from tests.unit.demo.controllers.builders import SPACE, Sim, a_container, condition


def template(command: str, policy: str = "Never") -> dict[str, Any]:
    container = a_container(command=["/bin/sh", "-c", command])
    return {"spec": {"restartPolicy": policy, "containers": [container]}}


def job(sim: Sim, command: str, **spec: Any) -> None:
    sim.create("Job", "task", {"template": template(command), **spec})


def cron(sim: Sim, command: str = "sleep 20", schedule: str = "*/10 * * * *", **spec: Any) -> None:
    body = {"schedule": schedule, "jobTemplate": {"spec": {"template": template(command)}}, **spec}
    sim.create("CronJob", "tick", body)


def jobs(sim: Sim) -> list[str]:
    return [one["metadata"]["name"] for one in sim.api.list("Job", SPACE)]


def pods(sim: Sim) -> list[dict[str, Any]]:
    return sim.api.list("Pod", SPACE)


def test_a_job_runs_to_completion_and_says_so_as_1_36_does() -> None:
    sim = Sim()
    job(sim, "sleep 10")
    sim.run(5)
    assert sim.status("Job", "task")["active"] == 1
    sim.run(30)
    found = sim.get("Job", "task")
    assert (found["status"]["succeeded"], "active" in found["status"]) == (1, False)
    assert condition(found, "SuccessCriteriaMet", "reason") == condition(found, "Complete", "reason")
    assert condition(found, "Complete", "message") == "Reached expected number of succeeded pods"
    assert sim.events("Completed") == ["Job completed"]
    assert pods(sim)[0]["status"]["phase"] == "Succeeded"


def test_completions_run_as_many_at_a_time_as_parallelism_allows() -> None:
    sim = Sim()
    job(sim, "sleep 30", completions=4, parallelism=2)
    sim.run(5)
    assert sim.status("Job", "task")["active"] == 2
    sim.run(180)
    assert sim.status("Job", "task")["succeeded"] == 4


def test_a_failing_job_backs_off_longer_each_time_and_gives_up() -> None:
    sim = Sim()
    job(sim, "exit 1", backoffLimit=2)
    sim.run(300)
    starts = sorted(pod["metadata"]["creationTimestamp"] for pod in pods(sim))
    gaps = [(time(b) - time(a)).total_seconds() for a, b in pairwise(starts)]
    assert len(starts) == 3
    assert gaps[0] >= 10
    assert gaps[1] >= gaps[0] + 9
    assert condition(sim.get("Job", "task"), "Failed", "reason") == "BackoffLimitExceeded"
    assert sim.status("Job", "task")["failed"] == 3


def time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_a_job_past_its_deadline_is_ended() -> None:
    sim = Sim()
    job(sim, "sleep 500", activeDeadlineSeconds=60)
    sim.run(90)
    assert condition(sim.get("Job", "task"), "Failed", "reason") == "DeadlineExceeded"
    assert all(pod["metadata"].get("deletionTimestamp") for pod in pods(sim)) or not pods(sim)


def test_a_finished_job_goes_after_its_time_to_live() -> None:
    sim = Sim()
    job(sim, "sleep 5", ttlSecondsAfterFinished=60)
    sim.run(40)
    assert jobs(sim) == ["task"]
    sim.run(60)
    assert (jobs(sim), pods(sim)) == ([], [])


def test_a_cron_job_names_its_jobs_by_the_minute_and_keeps_a_short_history() -> None:
    sim = Sim()
    cron(sim, successfulJobsHistoryLimit=2)
    sim.run(45 * 60)
    minutes = [int(name.rpartition("-")[2]) for name in jobs(sim)]
    assert minutes == [int(datetime(2026, 3, 4, 9, m, tzinfo=UTC).timestamp()) // 60 for m in (30, 40)]
    assert sim.status("CronJob", "tick")["lastScheduleTime"] == "2026-03-04T09:40:00Z"
    assert sim.status("CronJob", "tick")["lastSuccessfulTime"] > "2026-03-04T09:40:00Z"
    assert len(sim.events("SawCompletedJob")) == 4


@pytest.mark.parametrize(("policy", "running"), [("Allow", 2), ("Forbid", 1), ("Replace", 1)])
def test_the_concurrency_policy_decides_over_a_run_that_is_not_over(policy: str, running: int) -> None:
    sim = Sim()
    cron(sim, "sleep 900", concurrencyPolicy=policy)
    sim.run(21 * 60)
    active = [one for one in sim.api.list("Job", SPACE) if not one["metadata"].get("deletionTimestamp")]
    assert len(active) == running
    assert bool(sim.events("JobAlreadyActive")) == (policy == "Forbid")


def test_a_suspended_cron_job_starts_nothing_and_catches_up_once() -> None:
    sim = Sim()
    cron(sim, suspend=True)
    sim.run(3600)
    assert jobs(sim) == []
    sim.patch("CronJob", "tick", {"spec": {"suspend": False}})
    sim.run(30)
    assert len(jobs(sim)) == 1


def test_a_job_made_by_hand_from_a_cron_job_raises_a_warning() -> None:
    sim = Sim()
    cron(sim)
    owner = sim.get("CronJob", "tick")
    reference = {"apiVersion": "batch/v1", "kind": "CronJob", "name": "tick", "uid": owner["metadata"]["uid"]}
    meta = {"name": "by-hand", "ownerReferences": [{**reference, "controller": True}]}
    sim.api.create("Job", {"metadata": meta, "spec": {"template": template("sleep 5")}}, namespace=SPACE)
    sim.run(5)
    assert sim.events("UnexpectedJob") == ["Saw a job that the controller did not create or forgot: by-hand"]


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("*/15 * * * *", "2026-03-04T09:15"),
        ("5 * * * *", "2026-03-04T10:05"),
        ("0 2 * * *", "2026-03-05T02:00"),
        ("0 0 * * 0", "2026-03-08T00:00"),
        ("30 4 1,15 * 5", "2026-03-06T04:30"),
        ("@monthly", "2026-04-01T00:00"),
        ("0 0 31 2 *", None),
    ],
)
def test_the_next_run_of_a_schedule(schedule: str, expected: str | None) -> None:
    found = next_run(schedule, datetime(2026, 3, 4, 9, 7, tzinfo=UTC))
    assert (found.isoformat()[:16] if found else None) == expected
