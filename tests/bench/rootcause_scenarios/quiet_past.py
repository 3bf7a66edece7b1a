# ruff: noqa: E501  (messages stand as the cluster's parts write them)
"""Clusters without a fault that look as if they had one: what is over."""

from __future__ import annotations

from typing import Any

from tests.bench.heldout.dump import cond
from tests.bench.heldout.props import hook, http
from tests.bench.rootcause_scenarios.case import Scene, everywhere
from tests.bench.rootcause_scenarios.estate import DAY, at, counter

quiet = everywhere("quiet")


def well(s: Scene, log: str = "listening\nserved 200\n", **made: Any) -> Any:
    app = s.victim(**{"age": 20 * DAY, **made})
    app.log(log)
    return app


# What is over


@quiet
def nothing_but_the_estate(s: Scene) -> None:
    s.d.call("a", "b")


@quiet
def a_healthy_pair(s: Scene) -> None:
    well(s)
    s.caller("INFO 200\n")


@quiet
def rollout_that_ended_well(s: Scene) -> None:
    s.victim(age=20 * DAY, c={"readinessProbe": http(s.port)})
    s.app.new_revision({"image": s.image(tag="5.3.0")}, pods=2, age=9)
    for pod in s.app.old_pods:
        s.d.objects["Pod"].remove(pod)
    s.app.old_pods = []
    s.app.event(
        "Unhealthy",
        f'Readiness probe failed: Get "http://10.244.0.31:{s.port}/healthz": dial tcp 10.244.0.31:{s.port}: connect: connection refused',
        ago=8.6,
        count=2,
    )
    s.app.log("started\nserved 200\n")


@quiet
def pending_for_a_while_then_scheduled(s: Scene) -> None:
    well(s, age=40)
    n = len(s.nodes)
    s.app.event(
        "FailedScheduling", f"0/{n} nodes are available: {n} Insufficient cpu.", ago=36, count=4, by="default-scheduler"
    )
    s.app.event(
        "TriggeredScaleUp",
        "pod triggered scale-up: [{general 4->5 (max: 9)}]",
        ago=36,
        count=1,
        type_="Normal",
        by="cluster-autoscaler",
    )


@quiet
def restarts_of_last_month(s: Scene) -> None:
    well(s, age=60 * DAY)
    for _, status in s.app.statuses(0):
        end = {"exitCode": 137, "reason": "OOMKilled", "startedAt": at(33 * DAY), "finishedAt": at(32 * DAY)}
        status.update(restartCount=14, lastState={"terminated": end}, state={"running": {"startedAt": at(32 * DAY)}})


@quiet
def one_restart_this_morning(s: Scene) -> None:
    well(s)
    _, status = s.app.statuses(0)[0]
    end = {"exitCode": 1, "reason": "Error", "startedAt": at(9 * DAY), "finishedAt": at(300)}
    status.update(restartCount=1, lastState={"terminated": end}, state={"running": {"startedAt": at(299)}})


@quiet
def job_that_needed_a_second_try(s: Scene) -> None:
    app = s.d.app(s.space, "plate-export", kind="Job", age=90, labels={}, spec={"restartPolicy": "Never"}, over={"spec": {"backoffLimit": 4}, "status": {
        "failed": 1, "succeeded": 1, "startTime": at(90), "completionTime": at(70), "conditions": [cond("Complete", "True", "", "", 70)]}})  # fmt: skip
    app.finished(False, 85, log="ERROR upstream answered 503, giving up this attempt\n")


@quiet
def image_was_slow_to_come(s: Scene) -> None:
    well(s, age=35)
    s.app.event(
        "Failed",
        f'Failed to pull image "{s.image()}": failed to resolve reference "{s.image()}": unexpected status from HEAD request: 503 Service Unavailable',
        ago=33,
        count=1,
    )
    s.app.event("Pulled", f'Successfully pulled image "{s.image()}" in 41.1s', ago=31, count=1, type_="Normal")


@quiet
def configmap_came_a_minute_late(s: Scene) -> None:
    s.d.add("ConfigMap", s.space, "tide-tables", {"data": {"a": "1"}}, age=33)
    well(s, age=35, spec={"volumes": [{"name": "tables", "configMap": {"name": "tide-tables"}}]})
    s.app.event(
        "FailedMount",
        'MountVolume.SetUp failed for volume "tables" : configmap "tide-tables" not found',
        ago=33.5,
        count=4,
    )


@quiet
def volume_moved_to_another_node(s: Scene) -> None:
    made = s.d.bound_claim(s.space, "plates-claim")
    well(
        s, age=30, replicas=1, spec={"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "plates-claim"}}]}
    )
    s.app.event(
        "FailedAttachVolume",
        f'Multi-Attach error for volume "{made["spec"]["volumeName"]}" Volume is already exclusively attached to one node and can\'t be attached to another',
        ago=28,
        count=1,
        by="attachdetach-controller",
    )
    s.app.event(
        "SuccessfulAttachVolume",
        f'AttachVolume.Attach succeeded for volume "{made["spec"]["volumeName"]}"',
        ago=24,
        count=1,
        type_="Normal",
        by="attachdetach-controller",
    )


@quiet
def evicted_last_week_and_replaced(s: Scene) -> None:
    well(s)
    old = s.d.add("Pod", s.space, f"{s.name}-7f9c5d8b6-ev1ct", {"metadata": {"labels": s.labels(s.name), "ownerReferences": s.app.pods[0]["metadata"]["ownerReferences"]}, "spec": s.app.pods[0]["spec"], "status": {
        "phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory. Threshold quantity: 100Mi, available: 48Mi. "}}, 8 * DAY)  # fmt: skip
    assert old


@quiet
def node_was_away_for_a_minute(s: Scene) -> None:
    well(s)
    s.d.event(
        s.nodes[1],
        "NodeNotReady",
        f"Node {s.node(1)} status is now: NodeNotReady",
        ago=52,
        count=1,
        type_="Normal",
        by="node-controller",
    )
    s.d.event(s.nodes[1], "NodeReady", f"Node {s.node(1)} status is now: NodeReady", ago=51, count=1, type_="Normal")


@quiet
def latency_peak_that_has_passed(s: Scene) -> None:
    well(s)
    s.d.metric(
        "latency_p95_seconds",
        lambda m: 2.9 if 38 < m < 50 else 0.04,
        namespace=s.space,
        workload_kind="Deployment",
        workload=s.name,
    )


@quiet
def batch_used_all_its_cpu_an_hour_ago(s: Scene) -> None:
    well(s)
    pod = s.app.pods[0]["metadata"]["name"]
    s.d.metric(
        "container_cpu_usage_seconds_total",
        counter(lambda m: 3.8 if m > 34 else 0.05),
        namespace=s.space,
        pod=pod,
        container=s.name,
    )


@quiet
def liveness_failed_once(s: Scene) -> None:
    well(s, c={"livenessProbe": http(s.port)})
    s.app.event(
        "Unhealthy",
        f'Liveness probe failed: Get "http://10.244.0.31:{s.port}/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
        ago=39,
        count=1,
    )


@quiet
def webhook_was_away_during_its_upgrade(s: Scene) -> None:
    far = s.topology.casts[1].space
    s.d.app(far, "cargo-guard", age=30, labels=s.labels("cargo-guard")).log("ready\n")
    s.d.service(far, "cargo-guard", selector=s.labels("cargo-guard"), ports=[{"port": 443, "targetPort": 8080}])
    hook(s.d, "Validating", "cargo-rules", "rules.cargo-guard.example", far, "cargo-guard", "/validate")
    well(s, age=40)
    s.d.event(
        s.app.rs,
        "FailedCreate",
        'Error creating: Internal error occurred: failed calling webhook "rules.cargo-guard.example": no endpoints available for service "cargo-guard"',
        ago=31,
        count=3,
        by="replicaset-controller",
    )
