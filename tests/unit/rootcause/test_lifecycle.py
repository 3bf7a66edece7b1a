# ruff: noqa: E501  (messages stand as the components write them)
"""Updates that never come, jobs that never end, absent scalers, pods pushed aside or altered."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import Cluster, a_cluster, ago, condition, only, sure

DB = Ref("StatefulSet", "shop", "db")
CART = Ref("Deployment", "shop", "cart")


def withheld(strategy: dict[str, Any], *, updated: int = 0, revision: str = "db-2", **meta: Any) -> Cluster:
    cluster = a_cluster()
    db = cluster.objects["StatefulSet"][0]
    db["metadata"].update(meta)
    db["spec"]["updateStrategy"] = strategy
    db["status"].update(currentRevision="db-1", updateRevision=revision, updatedReplicas=updated)
    return cluster


PARTITION = {"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}


@pytest.mark.parametrize("strategy", [{"type": "OnDelete"}, PARTITION])
def test_a_stateful_set_that_never_rolls_out_has_the_wrong_strategy(strategy: dict[str, Any]):
    problem = only(withheld(strategy).diagnosis())
    assert (problem.resource, problem.mode) == (DB, "statefulset_update_strategy_wrong")


@pytest.mark.parametrize(
    "cluster",
    [
        pytest.param(withheld({"type": "RollingUpdate"}), id="it is being rolled out"),
        pytest.param(withheld({"type": "OnDelete"}, revision="db-1"), id="there is nothing to roll out"),
        pytest.param(withheld({"type": "OnDelete"}, updated=1), id="all pods are updated"),
        pytest.param(
            withheld({"type": "OnDelete"}, ownerReferences=[{"kind": "Postgres", "name": "db"}]), id="an operator's way"
        ),
    ],
)
def test_a_stateful_set_that_is_updated_in_its_way_is_well(cluster: Cluster):
    assert sure(cluster.diagnosis()) == []


def job(*, sidecar: bool = True, minutes: float = 60, exit_code: int = 0) -> Cluster:
    cluster = a_cluster()
    cron = cluster.add("CronJob", "shop/report", {"spec": {"schedule": "0 * * * *", "jobTemplate": {}}})
    owner = [{"kind": "CronJob", "name": "report", "uid": cron["metadata"]["uid"], "controller": True}]
    run = cluster.add(
        "Job", "shop/report-1", {"metadata": {"ownerReferences": owner}, "spec": {}, "status": {"active": 1}}
    )
    ended = {"exitCode": exit_code, "reason": "Completed", "finishedAt": ago(minutes)}
    statuses = [{"name": "report", "ready": False, "restartCount": 0, "state": {"terminated": ended}}]
    if sidecar:
        statuses.append(
            {"name": "proxy", "ready": True, "restartCount": 0, "state": {"running": {"startedAt": ago(70)}}}
        )
    cluster.add(
        "Pod",
        "shop/report-1-abcde",
        {
            "metadata": {
                "ownerReferences": [
                    {"kind": "Job", "name": "report-1", "uid": run["metadata"]["uid"], "controller": True}
                ]
            },
            "spec": {
                "nodeName": "node-0",
                "restartPolicy": "Never",
                "containers": [{"name": s["name"]} for s in statuses],
            },
            "status": {"phase": "Running", "containerStatuses": statuses, "conditions": [condition("Ready", "False")]},
        },
    )
    return cluster


def test_a_sidecar_that_runs_on_keeps_a_job_from_completing():
    problem = only(job().diagnosis())
    assert (problem.resource, problem.mode) == (Ref("CronJob", "shop", "report"), "cronjob_never_completes")


@pytest.mark.parametrize("cluster", [job(minutes=2), job(sidecar=False)])
def test_a_job_that_has_just_ended_is_well(cluster: Cluster):
    assert "cronjob_never_completes" not in [m for _, m in sure(cluster.diagnosis())]


def test_a_controller_that_has_not_seen_the_last_change_is_named():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", 2)
    cart.object["spec"]["replicas"] = 5
    cart.object["metadata"]["generation"] = 4
    cart.object["status"]["observedGeneration"] = 3
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CART, "replicas_mismatch")


def test_a_paused_deployment_is_not_short_of_replicas():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", 2)
    cart.object["spec"].update(replicas=5, paused=True)
    assert "replicas_mismatch" not in [m for _, m in sure(cluster.diagnosis())]


def scaled(*, acted: bool) -> Cluster:
    cluster = a_cluster()
    status = {"conditions": [condition("Ready", "True", "ScaledObjectReady")]} if acted else {}
    cluster.add("ScaledObject", "shop/cart", {"status": status})
    return cluster


def test_a_scaled_object_that_nothing_acts_on_has_no_operator():
    problem = only(scaled(acted=False).diagnosis())
    assert (problem.resource, problem.mode) == (Ref("ScaledObject", "shop", "cart"), "keda_absent")


def test_a_scaled_object_with_conditions_is_well():
    assert sure(scaled(acted=True).diagnosis()) == []


def preempted(minutes: float = 5) -> Cluster:
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", resources={"requests": {"memory": "20Gi"}})
    gone = {"kind": "Pod", "metadata": {"name": "cart-5d8f7c9b4-gone1", "namespace": "shop", "uid": "gone"}}
    cluster.event(gone, "Preempted", "Preempted by pod 7d2b on node node-1", minutes=minutes, type_="Normal")
    cart.pending(
        "0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available: 3 No preemption victims found."
    )
    return cluster


def test_a_pod_that_was_pushed_aside_is_told_from_one_that_never_had_room():
    problem = only(preempted().diagnosis())
    assert (problem.resource, problem.mode) == (CART, "preempted_by_priority")
    assert only(preempted(minutes=200).diagnosis()).mode == "insufficient_memory", "stale"


def rewritten(limit: str = "16Mi", *, hook: bool = True, rules: list[str] | None = None) -> Cluster:
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart", resources={"limits": {"memory": "256Mi"}})
    for pod in cart.pods:
        container = {**pod["spec"]["containers"][0], "resources": {"limits": {"memory": limit}}}
        pod["spec"] = {**pod["spec"], "containers": [container]}
    if hook:
        one = {
            "name": "limits.example.com",
            "rules": [{"operations": ["CREATE"], "apiGroups": [""], "resources": rules or ["pods"]}],
        }
        cluster.add("MutatingWebhookConfiguration", "limits", {"webhooks": [one]})
    cart.crashing(137, reason="OOMKilled")
    return cluster


def test_limits_that_a_webhook_lowered_are_told_from_limits_that_were_chosen():
    problem = only(rewritten().diagnosis())
    hook = Ref("MutatingWebhookConfiguration", "", "limits")
    assert (problem.resource, problem.mode) == (hook, "limits_rewritten_by_webhook")
    assert CART in problem.explains
    assert only(rewritten("256Mi").diagnosis()).mode == "oom_killed"


def test_a_raised_limit_is_not_blamed():
    assert only(rewritten("512Mi").diagnosis()).mode == "oom_killed"
