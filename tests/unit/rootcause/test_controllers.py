"""Workloads at zero, stuck rollouts, failed Jobs, idle CronJobs, autoscalers without metrics."""

from __future__ import annotations

import pytest

from chalicelib.rootcause.sightings import never_fires
from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import NOW, a_cluster, ago, condition, only, sure

CART = Ref("Deployment", "shop", "cart")


def scaled_down(cluster):
    cart = cluster.deployment("shop/cart", 0)
    cart.object["metadata"]["generation"] = 4
    cluster.service("shop/cart")
    return cart


def test_a_workload_scaled_to_zero_under_its_callers_is_named():
    cluster = a_cluster()
    scaled_down(cluster)
    caller = cluster.deployment("shop/front")
    caller.says(
        'level=error msg="call failed" err="Get \\"http://cart.shop.svc/\\": '
        'dial tcp 10.96.1.1:80: connect: connection refused"'
    )
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CART, "zero_replicas")
    assert caller.ref in problem.explains


def test_a_route_to_a_workload_at_zero_is_enough():
    cluster = a_cluster()
    scaled_down(cluster)
    backend = {"service": {"name": "cart", "port": {"number": 80}}}
    cluster.add(
        "Ingress",
        "shop/cart",
        {
            "spec": {
                "ingressClassName": "public",
                "rules": [{"host": "a.example", "http": {"paths": [{"path": "/", "backend": backend}]}}],
            }
        },
    )
    assert sure(cluster.diagnosis()) == [(CART, "zero_replicas")]


def test_zero_replicas_that_nothing_needs_is_no_fault():
    cluster = a_cluster()
    cluster.deployment("shop/cart", 0).object["metadata"]["generation"] = 4
    assert cluster.diagnosis().outcome == "no_fault"


def stuck(cluster, **container):
    cart = cluster.deployment("shop/cart", **container)
    cart.object["status"]["conditions"] = [
        condition("Progressing", "False", "ProgressDeadlineExceeded", 'ReplicaSet "cart-x" has timed out progressing.')
    ]
    return cart


def test_a_rollout_past_its_deadline_is_named_when_nothing_explains_it():
    cluster = a_cluster()
    probe = {"httpGet": {"path": "/ready", "port": 8080}}
    cart = stuck(cluster, readinessProbe=probe).not_ready(log='level=error msg="model missing in bucket"')
    cart.reported("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CART, "rollout_stuck")
    assert "model missing" in problem.summary


def test_a_rollout_that_is_stuck_for_a_known_reason_gives_way_to_it():
    cluster = a_cluster()
    stuck(cluster).waiting("ErrImagePull", "rpc error: code = NotFound desc = manifest unknown")
    assert sure(cluster.diagnosis()) == [(CART, "image_not_found")]


def test_a_strategy_that_may_neither_add_nor_remove_is_named():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart")
    cart.object["spec"]["strategy"] = {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "0%", "maxUnavailable": 0},
    }
    cart.object["status"]["updatedReplicas"] = 0
    assert sure(cluster.diagnosis()) == [(CART, "rollout_stuck")]


def failed_job(cluster, log='level=error msg="bucket refuses"', reason="BackoffLimitExceeded", minutes=20):
    job = cluster.add(
        "Job",
        "shop/export",
        {
            "spec": {},
            "status": {
                "failed": 3,
                "conditions": [
                    condition("Failed", "True", reason, "Job has reached the specified backoff limit", minutes)
                ],
            },
        },
    )
    owner = {"kind": "Job", "name": "export", "uid": job["metadata"]["uid"], "controller": True}
    pod = cluster.add(
        "Pod",
        "shop/export-x",
        {
            "metadata": {"ownerReferences": [owner]},
            "spec": {"containers": [{"name": "job"}], "nodeName": "node-0", "restartPolicy": "Never"},
            "status": {
                "phase": "Failed",
                "containerStatuses": [{"name": "job", "state": {"terminated": {"exitCode": 2, "reason": "Error"}}}],
            },
        },
    )
    cluster.log(pod, "job", log)
    return job, pod


def test_a_job_that_gave_up_is_named_with_its_first_error():
    cluster = a_cluster()
    failed_job(cluster)
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (Ref("Job", "shop", "export"), "job_backoff_limit")
    assert "bucket refuses" in problem.summary


def test_a_job_whose_pods_ran_out_of_memory_is_a_memory_problem():
    cluster = a_cluster()
    _, pod = failed_job(cluster)
    pod["status"]["containerStatuses"][0]["state"]["terminated"].update(exitCode=137, reason="OOMKilled")
    assert sure(cluster.diagnosis()) == [(Ref("Job", "shop", "export"), "oom_killed")]


def test_a_job_that_failed_last_week_is_the_past():
    cluster = a_cluster()
    failed_job(cluster, minutes=60 * 24 * 7)
    assert cluster.diagnosis().outcome == "no_fault"


def test_a_cron_job_suspended_after_it_was_in_use_is_named():
    cluster = a_cluster()
    cluster.add(
        "CronJob",
        "shop/bill",
        {
            "metadata": {"generation": 2},
            "spec": {"schedule": "5 2 * * *", "suspend": True},
            "status": {"lastScheduleTime": ago(3000)},
        },
    )
    problem = only(cluster.diagnosis())
    assert (problem.resource.kind, problem.mode) == ("CronJob", "cronjob_suspended_or_bad_schedule")


def test_a_cron_job_suspended_with_a_reason_is_no_fault():
    cluster = a_cluster()
    meta = {"generation": 2, "annotations": {"example.com/suspended-by": "dana, until the migration is done"}}
    cluster.add(
        "CronJob", "shop/bill", {"metadata": meta, "spec": {"schedule": "5 2 * * *", "suspend": True}, "status": {}}
    )
    assert cluster.diagnosis().outcome == "no_fault"


def test_a_schedule_that_never_comes_is_named():
    cluster = a_cluster()
    cluster.add("CronJob", "shop/bill", {"spec": {"schedule": "0 0 31 2 *"}, "status": {}})
    assert [mode for _, mode in sure(cluster.diagnosis())] == ["cronjob_suspended_or_bad_schedule"]


@pytest.mark.parametrize(
    ("schedule", "never"),
    [
        ("*/5 * * * *", False),
        ("0 0 30 2 *", True),
        ("0 0 31 4,6 *", True),
        ("0 0 31 4 1", False),
        ("61 * * * *", True),
        ("@daily", False),
        ("0 9 * * mon-fri", False),
        ("0 0 29 feb *", False),
        ("CRON_TZ=Europe/Berlin 0 6 * * *", False),
        ("every day", True),
        ("0 0 */2 * ?", False),
    ],
)
def test_cron_expressions_are_read_as_the_controller_reads_them(schedule, never):
    assert never_fires(schedule) is never


def autoscaler(
    cluster,
    target="cart",
    message=(
        "failed to get cpu utilization: unable to get metrics for resource "
        "cpu: no metrics returned from resource metrics API"
    ),
):
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
    }
    return cluster.add(
        "HorizontalPodAutoscaler",
        f"shop/{target}",
        {
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": target}, "maxReplicas": 5, "metrics": [metric]},
            "status": {
                "conditions": [
                    condition("AbleToScale", "True"),
                    condition(
                        "ScalingActive",
                        "False",
                        "FailedGetResourceMetric",
                        f"the HPA was unable to compute the replica count: {message}",
                    ),
                ]
            },
        },
    )


def test_an_autoscaler_without_requests_to_measure_against_is_named():
    cluster = a_cluster()
    cluster.deployment("shop/cart")
    autoscaler(cluster)
    problem = only(cluster.diagnosis())
    assert (problem.resource.kind, problem.mode) == ("HorizontalPodAutoscaler", "hpa_no_metrics")
    assert "request" in problem.summary


def test_an_autoscaler_whose_pods_crash_is_explained_by_them():
    cluster = a_cluster()
    cluster.deployment("shop/cart", resources={"requests": {"cpu": "1"}}).crashing(137, "OOMKilled")
    autoscaler(cluster)
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CART, "oom_killed")
    assert Ref("HorizontalPodAutoscaler", "shop", "cart") in problem.explains


def test_an_autoscaler_that_gets_no_metrics_for_healthy_pods_is_named():
    cluster = a_cluster()
    cluster.deployment("shop/cart", resources={"requests": {"cpu": "1"}})
    autoscaler(cluster)
    assert [mode for _, mode in sure(cluster.diagnosis())] == ["hpa_no_metrics"]


def test_an_autoscaler_that_waits_for_the_first_metrics_of_new_pods_is_no_fault():
    cluster = a_cluster()
    cluster.deployment("shop/cart", resources={"requests": {"cpu": "1"}})
    hpa = autoscaler(cluster)
    for one in hpa["status"]["conditions"]:
        one["lastTransitionTime"] = ago(1)
    assert sure(cluster.diagnosis()) == []


def test_crashes_for_want_of_a_workload_scaled_to_zero_are_its_consequence():
    cluster = a_cluster()
    cluster.stateful_set("shop/ledger", 0, ports=[{"containerPort": 5432}])
    cluster.service("shop/ledger", port=5432, target=5432)
    refused = 'level=error err="dial tcp: ledger.shop.svc:5432: connect: connection refused"'
    cluster.deployment("shop/front").says(refused)
    cluster.deployment("shop/cart").crashing(1, log=refused)
    problem = only(cluster.diagnosis())
    assert (problem.resource.name, problem.mode) == ("ledger", "zero_replicas")
    assert CART in problem.explains


def test_an_autoscaler_switched_off_by_zero_replicas_is_no_fault():
    cluster = a_cluster()
    cluster.deployment("shop/cart", 0)
    hpa = autoscaler(cluster)
    hpa["status"]["conditions"] = [
        condition(
            "ScalingActive",
            "False",
            "ScalingDisabled",
            "scaling is disabled since the replica count of the target is zero",
        )
    ]
    assert cluster.diagnosis().outcome == "no_fault"


def test_times_are_those_of_the_snapshot():
    cluster = a_cluster()
    failed_job(cluster, minutes=30)
    (problem,) = cluster.diagnosis().problems
    assert problem.since is not None
    assert (NOW - problem.since).total_seconds() == 30 * 60


def test_a_job_that_failed_before_a_sibling_completed_is_the_past():
    cluster = a_cluster()
    owner = {"kind": "CronJob", "name": "sync", "uid": "u", "controller": True}
    cluster.add("CronJob", "shop/sync", {"spec": {"schedule": "@hourly"}, "status": {}})
    job, _ = failed_job(cluster, minutes=60)
    job["metadata"]["ownerReferences"] = [owner]
    done = {"succeeded": 1, "completionTime": ago(5), "conditions": [condition("Complete", "True")]}
    cluster.add("Job", "shop/sync-2", {"metadata": {"ownerReferences": [owner]}, "status": done})
    assert cluster.diagnosis().outcome == "no_fault"
