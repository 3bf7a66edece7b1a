"""A healthy cluster, and the harmless things that look like faults."""

from __future__ import annotations

import pytest

from tests.unit.rootcause.builders import Cluster, a_cluster, ago, condition


def test_a_healthy_cluster_has_no_fault():
    diagnosis = a_cluster().diagnosis()
    assert diagnosis.outcome == "no_fault"
    assert diagnosis.problems == ()
    assert diagnosis.symptoms == ()


def old_restarts(c: Cluster) -> None:
    c.deployment("shop/search", 2).restarted_long_ago()


def completed_job(c: Cluster) -> None:
    c.add("Job", "shop/done", {"spec": {}, "status": {"succeeded": 1, "conditions": [condition("Complete", "True")]}})
    c.add(
        "Pod",
        "shop/done-x",
        {
            "spec": {"containers": [{"name": "j"}], "nodeName": "node-0"},
            "status": {
                "phase": "Succeeded",
                "containerStatuses": [{"name": "j", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}],
            },
        },
    )


def parked_with_a_note(c: Cluster) -> None:
    parked = c.deployment("shop/history", 0)
    parked.object["metadata"].update(generation=2, annotations={"example.com/scale-policy": "office hours only"})
    c.service("shop/history")


def created_at_zero(c: Cluster) -> None:
    c.deployment("shop/spare", 0)
    c.service("shop/spare")


def unexpected_job_event(c: Cluster) -> None:
    cron = c.add("CronJob", "shop/report", {"spec": {"schedule": "*/10 * * * *"}, "status": {}})
    c.event(cron, "UnexpectedJob", "Saw a job that the controller did not create or forgot: report-manual")


def cron_job_created_suspended(c: Cluster) -> None:
    c.add("CronJob", "shop/yearly", {"spec": {"schedule": "0 1 1 1 *", "suspend": True}, "status": {}})


def events_of_a_rolled_back_pod(c: Cluster) -> None:
    gone = {"kind": "Pod", "metadata": {"namespace": "shop", "name": "web-77d-abcde", "uid": "gone"}}
    c.event(
        gone, "Failed", 'Failed to pull image "registry.local/web:9.9": rpc error: code = NotFound desc = not found'
    )
    c.event(gone, "Failed", "Error: ErrImagePull")


def dedicated_node(c: Cluster) -> None:
    c.node("gpu-0", taints=[{"key": "dedicated", "value": "ml", "effect": "NoSchedule"}])


def service_without_selector(c: Cluster) -> None:
    c.add("Service", "default/kubernetes", {"spec": {"ports": [{"port": 443, "targetPort": 6443}]}})


def budget_that_allows_nothing_without_a_drain(c: Cluster) -> None:
    c.add(
        "PodDisruptionBudget",
        "shop/db",
        {
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "db"}}},
            "status": {"currentHealthy": 1, "desiredHealthy": 1, "disruptionsAllowed": 0, "expectedPods": 1},
        },
    )


def cordoned_node_that_nobody_waits_for(c: Cluster) -> None:
    c.node("node-9", cordoned=True)


def environment_that_names_an_absent_service(c: Cluster) -> None:
    c.deployment("shop/mailer", env=[{"name": "SMTP_HOST", "value": "smtp-relay.shop.svc"}])


def optional_config_map(c: Cluster) -> None:
    c.deployment("shop/flags", envFrom=[{"configMapRef": {"name": "overrides", "optional": True}}])


def undeclared_metrics_port(c: Cluster) -> None:
    c.objects["Service"][0]["spec"]["ports"].append({"name": "metrics", "port": 9100, "targetPort": 9100})


def claim_that_waits_for_its_first_pod(c: Cluster) -> None:
    c.add("StorageClass", "late", {"volumeBindingMode": "WaitForFirstConsumer"})
    c.add("PersistentVolumeClaim", "shop/later", {"spec": {"storageClassName": "late"}, "status": {"phase": "Pending"}})


def pod_that_was_just_created(c: Cluster) -> None:
    c.deployment("shop/fresh").waiting("ContainerCreating", minutes=0.2)


def full_quota_that_stops_nobody(c: Cluster) -> None:
    c.add(
        "ResourceQuota",
        "shop/limits",
        {"spec": {"hard": {"pods": "5"}}, "status": {"hard": {"pods": "5"}, "used": {"pods": "5"}}},
    )


def readiness_that_failed_while_starting(c: Cluster) -> None:
    web = c.deployment("shop/started", readinessProbe={"httpGet": {"path": "/", "port": 8080}})
    web.reported(
        "Unhealthy",
        'Readiness probe failed: Get "http://10.1.0.9:8080/": dial tcp 10.1.0.9:8080: connect: connection refused',
        minutes=40,
    )


def job_that_failed_before_a_success(c: Cluster) -> None:
    c.add("CronJob", "shop/sync", {"spec": {"schedule": "@hourly"}, "status": {"lastSuccessfulTime": ago(5)}})
    c.add(
        "Job",
        "shop/sync-1",
        {
            "metadata": {"ownerReferences": [{"kind": "CronJob", "name": "sync", "uid": "u", "controller": True}]},
            "spec": {},
            "status": {"failed": 7, "conditions": [condition("Failed", "True", "BackoffLimitExceeded", minutes=65)]},
        },
    )


def old_denials_that_are_allowed_now(c: Cluster) -> None:
    c.deployment("shop/operator").says(
        'E0304 pods is forbidden: User "system:serviceaccount:shop:default" cannot list '
        'resource "pods" in API group "" in the namespace "shop"'
    )
    c.add("Role", "shop/reader", {"rules": [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}]})
    c.add(
        "RoleBinding",
        "shop/reader",
        {
            "roleRef": {"kind": "Role", "name": "reader"},
            "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "shop"}],
        },
    )


HARMLESS = [
    old_restarts,
    completed_job,
    parked_with_a_note,
    created_at_zero,
    unexpected_job_event,
    cron_job_created_suspended,
    events_of_a_rolled_back_pod,
    dedicated_node,
    service_without_selector,
    budget_that_allows_nothing_without_a_drain,
    cordoned_node_that_nobody_waits_for,
    environment_that_names_an_absent_service,
    optional_config_map,
    undeclared_metrics_port,
    claim_that_waits_for_its_first_pod,
    pod_that_was_just_created,
    full_quota_that_stops_nobody,
    readiness_that_failed_while_starting,
    job_that_failed_before_a_success,
    old_denials_that_are_allowed_now,
]


@pytest.mark.parametrize("noise", HARMLESS, ids=lambda f: f.__name__)
def test_harmless_noise_is_not_reported(noise):
    cluster = a_cluster()
    noise(cluster)
    diagnosis = cluster.diagnosis()
    assert [(str(p.resource), p.mode, p.probability) for p in diagnosis.problems if p.probability > 0.5] == []
    assert diagnosis.outcome == "no_fault"


def test_all_noise_at_once_is_not_reported():
    cluster = a_cluster()
    for noise in HARMLESS:
        noise(cluster)
    assert [p.mode for p in cluster.diagnosis().problems if p.probability > 0.5] == []


def test_pods_that_could_not_be_read_are_not_taken_for_pods_that_were_not_created():
    cluster = a_cluster()
    cluster.stateful_set("shop/queue", replicas=3).having(serviceAccountName="gone")
    cluster.without("Pod", reason="forbidden")
    assert cluster.diagnosis().problems == ()
