# ruff: noqa: E501  (messages stand as controllers write them)
"""Rollouts and jobs: modes 84 to 89."""

from __future__ import annotations

from typing import Any

from tests.bench.heldout.dump import cond
from tests.bench.heldout.props import http, ingress
from tests.bench.rootcause_scenarios.case import Scene, incident
from tests.bench.rootcause_scenarios.estate import DAY, at

# Zero, stuck, wrong strategies


@incident("zero_replicas")
def scaled_down_and_still_called(s: Scene) -> Any:
    app = s.victim(replicas=0, age=20 * DAY)
    s.d.event(
        app.obj,
        "ScalingReplicaSet",
        f"Scaled down replica set {s.name}-7f9c5d8b6 from 2 to 0",
        ago=31,
        count=1,
        type_="Normal",
        by="deployment-controller",
    )
    app.obj["metadata"]["generation"] = 5
    s.caller("dial tcp 172.20.9.10:80: connect: connection refused\n" * 5)
    return s.fault("zero_replicas", f"Deployment {s.name}", f"Service {s.name}")


@incident("zero_replicas")
def stateful_set_at_zero_behind_a_route(s: Scene) -> Any:
    s.victim(kind="StatefulSet", replicas=0, age=20 * DAY, over={"metadata": {"generation": 4}})
    s.d.add("IngressClass", "", "edge-proxy", {"spec": {"controller": "k8s.io/ingress-nginx"}})
    ingress(s.d, s.space, "public-plan", "plan.example.org", s.name, 80, cls="edge-proxy")
    return s.fault("zero_replicas", f"StatefulSet {s.name}", f"Service {s.name}")


@incident("zero_replicas")
def downscaled_for_the_night_and_never_back(s: Scene) -> Any:
    app = s.victim(replicas=0, age=20 * DAY, annotations={"downscaler/original-replicas": "2"})
    app.obj["metadata"]["generation"] = 9
    s.caller("503 no healthy upstream\n" * 5)
    return s.fault("zero_replicas", f"Deployment {s.name}", f"Service {s.name}")


@incident("rollout_stuck")
def new_pods_answer_503_for_good(s: Scene) -> None:
    s.victim(replicas=3, age=9 * DAY, c={"readinessProbe": http(s.port)})
    s.app.new_revision({"image": s.image(tag="5.3.0")}, pods=1, age=32)
    s.app.unready(
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
        log="INFO waiting for quorum of planners (1 of 3)\n",
    )


@incident("rollout_stuck")
def paused_in_the_middle(s: Scene) -> None:
    s.victim(replicas=3, age=9 * DAY)
    s.app.new_revision({"image": s.image(tag="5.3.0")}, pods=1, age=3 * DAY)
    s.app.obj["spec"]["paused"] = True
    s.app.obj["status"] = {"replicas": 4, "updatedReplicas": 1, "readyReplicas": 4, "availableReplicas": 4, "observedGeneration": 2, "conditions": [
        cond("Available", "True", "MinimumReplicasAvailable", ago=9 * DAY), cond("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", 3 * DAY)]}  # fmt: skip


@incident("rollout_stuck", words="waiting for 3 more successful checks", source="an application's readiness body")
def readiness_gate_of_the_rollout_never_turns(s: Scene) -> None:
    s.victim(replicas=2, age=9 * DAY, spec={"readinessGates": [{"conditionType": "port.example/promoted"}]})
    pods = s.app.new_revision({"image": s.image(tag="5.3.0")}, pods=1, age=32)
    for pod in pods:
        pod["status"]["conditions"].append(
            cond("port.example/promoted", "False", "Analysing", "waiting for 3 more successful checks", 32)
        )
        for c in pod["status"]["conditions"]:
            if c["type"] == "Ready":
                c.update(
                    status="False",
                    reason="ReadinessGatesNotReady",
                    message='the status of pod readiness gate "port.example/promoted" is not "True", but False',
                )


def _strategy(strategy: dict[str, Any], updated: int) -> Any:
    def build(s: Scene) -> None:
        s.victim(
            kind="StatefulSet",
            replicas=3,
            age=30 * DAY,
            over={"metadata": {"generation": 4}, "spec": {"updateStrategy": strategy}},
        )
        s.app.obj["status"] = {"replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "currentReplicas": 3 - updated, "updatedReplicas": updated, "observedGeneration": 4,
                               "currentRevision": f"{s.name}-5d4", "updateRevision": f"{s.name}-8c7f"}  # fmt: skip

    return build


incident("statefulset_update_strategy_wrong", name="on_delete_leaves_the_old_revision")(
    _strategy({"type": "OnDelete"}, 0)
)
incident("statefulset_update_strategy_wrong", name="partition_above_the_replicas")(
    _strategy({"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}, 0)
)
incident("statefulset_update_strategy_wrong", name="partition_left_from_a_canary")(
    _strategy({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}, 1)
)

# Jobs


def job(
    s: Scene,
    name: str,
    status: dict[str, Any],
    *,
    age: float = 50,
    owner: Any = None,
    sidecars: Any = None,
    **spec: Any,
) -> Any:
    return s.d.app(s.space, name, kind="Job", age=age, labels={}, owner=owner, sidecars=sidecars, spec={"restartPolicy": "Never"},
                   c={"image": s.image(name)}, over={"spec": spec, "status": status})  # fmt: skip


def _gave_up(reason: str, message: str, code: int, log: str) -> Any:
    def build(s: Scene) -> Any:
        app = job(
            s,
            "plate-export",
            {"failed": 4, "startTime": at(50), "conditions": [cond("Failed", "True", reason, message, 30)]},
            backoffLimit=3,
        )
        app.finished(False, 31, code=code, log=log)
        s.d.event(app.obj, reason, message, ago=30, count=1, by="job-controller")
        return s.fault("job_backoff_limit", "Job plate-export", near=("app_exception",))

    return build


incident("job_backoff_limit", name="export_tried_four_times")(
    _gave_up(
        "BackoffLimitExceeded",
        "Job has reached the specified backoff limit",
        1,
        "ERROR bucket plates-archive answered 409, giving up\n",
    )
)
incident(
    "job_backoff_limit",
    name="pod_failure_policy_ends_it",
    words="matching FailJob rule at index",
    source="kubernetes pkg/controller/job/pod_failure_policy.go",
)(
    _gave_up(
        "PodFailurePolicy",
        "Container plate-export for pod plate-export-x2mvq failed with exit code 42 matching FailJob rule at index 0",
        42,
        "fatal: schema 7 is not supported\n",
    )
)
incident(
    "job_backoff_limit",
    name="too_many_failed_indexes",
    words="exceeded the specified maximal number of failed indexes",
    source="kubernetes pkg/controller/job/job_controller.go",
)(
    _gave_up(
        "MaxFailedIndexesExceeded",
        "Job has exceeded the specified maximal number of failed indexes",
        3,
        "index 4: input missing\n",
    )
)


def _cron(s: Scene, **over: Any) -> Any:
    return s.d.app(
        s.space,
        "night-catalogue",
        kind="CronJob",
        age=120 * DAY,
        labels={},
        c={"image": s.image("night-catalogue")},
        over=over,
    )


@incident("cronjob_suspended_or_bad_schedule")
def left_suspended_for_weeks(s: Scene) -> Any:
    _cron(
        s,
        metadata={"generation": 3},
        spec={"schedule": "30 1 * * *", "suspend": True},
        status={"lastScheduleTime": at(19 * DAY), "lastSuccessfulTime": at(19 * DAY)},
    )
    return s.fault("cronjob_suspended_or_bad_schedule", "CronJob night-catalogue")


@incident("cronjob_suspended_or_bad_schedule")
def thirty_first_of_april(s: Scene) -> Any:
    _cron(s, spec={"schedule": "0 2 31 4 *", "suspend": False}, status={})
    return s.fault("cronjob_suspended_or_bad_schedule", "CronJob night-catalogue")


@incident(
    "cronjob_suspended_or_bad_schedule",
    words="Missed scheduled time to start a job",
    source="kubernetes pkg/controller/cronjob/cronjob_controllerv2.go",
)
def deadline_of_a_second_is_always_missed(s: Scene) -> Any:
    spec = {"schedule": "*/20 * * * *", "suspend": False, "startingDeadlineSeconds": 1}
    made = _cron(s, spec=spec, status={"lastScheduleTime": at(3 * DAY), "lastSuccessfulTime": at(3 * DAY)})
    told = "Missed scheduled time to start a job: Fri, 14 Mar 2025 09:20:00 UTC"
    s.d.event(made.obj, "MissSchedule", told, by="cronjob-controller", count=3)
    return s.fault("cronjob_suspended_or_bad_schedule", "CronJob night-catalogue")


def _never_done(sidecar: dict[str, Any], proxy_log: str, policy: str = "Forbid") -> Any:
    def build(s: Scene) -> Any:
        started = 1500
        cron = _cron(s, spec={"schedule": "0 * * * *", "concurrencyPolicy": policy, "suspend": False},
                     status={"lastScheduleTime": at(started), "active": [{"kind": "Job", "name": "night-catalogue-29032480", "namespace": s.space}]})  # fmt: skip
        app = job(
            s,
            "night-catalogue-29032480",
            {"active": 1, "startTime": at(started)},
            age=started,
            owner=cron.obj,
            sidecars=[sidecar],
        )
        for _, status in app.statuses(0):
            status.update(
                ready=False,
                started=False,
                state={
                    "terminated": {
                        "exitCode": 0,
                        "reason": "Completed",
                        "startedAt": at(started),
                        "finishedAt": at(started - 4),
                    }
                },
            )
        app.not_ready(ago=started - 4)
        app.log("catalogue written, 48211 rows\n")
        app.log(proxy_log, container=sidecar["name"])
        s.d.event(
            cron.obj,
            "JobAlreadyActive",
            "Not starting job because prior execution is running and concurrency policy is Forbid",
            by="cronjob-controller",
            type_="Normal",
            count=24,
        )
        return s.fault("cronjob_never_completes", "CronJob night-catalogue", "Job night-catalogue-29032480")

    return build


for _name, _side, _log in (
    ("mesh_proxy_outlives_the_job", {"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.22.1"}, "info Envoy proxy is ready\n"),
    ("cloud_sql_proxy_outlives_the_job", {"name": "cloud-sql-proxy", "image": "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.11"}, "The proxy has started successfully and is ready for new connections!\n"),
    ("log_shipper_outlives_the_job", {"name": "shipper", "image": "docker.io/fluent/fluent-bit:3.0"}, "[engine] started (pid=1)\n"),
):  # fmt: skip
    incident("cronjob_never_completes", name=_name)(_never_done(_side, _log))
