"""Jobs, schedules, autoscalers, admission, and what does not go away."""

from __future__ import annotations

from infra.local.demo.scenarios.changes import Create, Delete, Patch, Restart, set_container
from infra.local.demo.scenarios.model import Answer, Fault, register
from infra.local.demo.world.manifests import REGISTRY, obj

_REINDEX = obj(
    "Job",
    "reindex-parcels",
    "tracking",
    api="batch/v1",
    spec={
        "backoffLimit": 2,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "containers": [
                    {
                        "name": "reindex",
                        "image": f"{REGISTRY}/tracking/reindex:1.0.0",
                        "command": ["/bin/sh", "-c", "exit 1"],
                        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
                    }
                ],
            }
        },
    },
)
_HOOK = obj(
    "ValidatingWebhookConfiguration",
    "image-policy",
    api="admissionregistration.k8s.io/v1",
    webhooks=[
        {
            "name": "images.policy.harborline.example",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": 3,
            "clientConfig": {"service": {"namespace": "edge", "name": "policy-gate", "path": "/validate"}},
            "namespaceSelector": {"matchLabels": {"environment": "production"}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        }
    ],
)
_LEFTOVER = (
    obj("Namespace", "migration-2025", labels={"environment": "production"}),
    obj("ConfigMap", "cutover-plan", "migration-2025", data={"step": "7"}),
)

register(
    Fault(
        "job-fails",
        "A one-off Job that fails every time",
        "controllers",
        (Create((_REINDEX,)),),
        Answer("Job", "tracking", "reindex-parcels", "job_backoff_limit"),
        ("three pods fail", "the Job gives up: BackoffLimitExceeded"),
        loudest="Pods of reindex-parcels",
        within_30s=("reindex-parcels",),
    ),
    Fault(
        "schedule-suspended",
        "A CronJob somebody suspended",
        "controllers",
        (Patch("CronJob", "analytics", "partition-prune", {"spec": {"suspend": True}}, "merge"),),
        Answer("CronJob", "analytics", "partition-prune", "cronjob_suspended_or_bad_schedule"),
        ("no Job is made at the next time", "the last run gets older"),
        loudest="nothing",
        within_30s=("partition-prune", "suspended"),
        settles_s=2600,
    ),
    Fault(
        "autoscaler-blind",
        "An autoscaler without requests to measure against",
        "controllers",
        (set_container("Deployment", "booking", "availability", resources={"requests": {"cpu": None}}),),
        Answer("HorizontalPodAutoscaler", "booking", "availability", "hpa_no_metrics"),
        ("ScalingActive is False", "FailedGetResourceMetric: missing request for cpu", "pods are well"),
        loudest="HorizontalPodAutoscaler availability",
        within_30s=("availability", "cpu request"),
        settles_s=420,
    ),
    Fault(
        "autoscaler-target",
        "An autoscaler of a workload that does not exist",
        "controllers",
        (
            Patch(
                "HorizontalPodAutoscaler",
                "tracking",
                "parcel-tracker",
                {"spec": {"scaleTargetRef": {"name": "parcel-tracking"}}},
                "merge",
            ),
        ),
        Answer("HorizontalPodAutoscaler", "tracking", "parcel-tracker", "hpa_maxed_or_target_missing"),
        ("AbleToScale is False", "FailedGetScale"),
        loudest="HorizontalPodAutoscaler parcel-tracker",
        within_30s=("parcel-tracking", "does not exist"),
    ),
    Fault(
        "account-missing",
        "A service account that was never created",
        "controllers",
        (
            set_container(
                "Deployment",
                "analytics",
                "ingest",
                pod={"serviceAccountName": "ingest-writer", "serviceAccount": "ingest-writer"},
            ),
        ),
        Answer("Deployment", "analytics", "ingest", "service_account_missing"),
        ("no new pod comes", "FailedCreate: serviceaccount not found", "old pods serve"),
        loudest="ReplicaSet of ingest",
        within_30s=("ingest", "ingest-writer"),
    ),
    Fault(
        "pod-security",
        "A pod that the namespace's policy forbids",
        "controllers",
        (set_container("Deployment", "billing", "payments", pod={"hostNetwork": True}),),
        Answer("Deployment", "billing", "payments", "psa_rejects_recreate"),
        ("no new pod comes", 'FailedCreate: violates PodSecurity "baseline:latest"', "old pods serve"),
        loudest="ReplicaSet of payments",
        within_30s=("payments", "hostNetwork"),
    ),
    Fault(
        "webhook-down",
        "An admission webhook without a server",
        "controllers",
        (
            Patch("Deployment", "edge", "policy-gate", {"spec": {"replicas": 0}}),
            Create((_HOOK,)),
            Restart("booking", "seat-map"),
        ),
        Answer(
            "ValidatingWebhookConfiguration",
            "",
            "image-policy",
            "webhook_unavailable_or_slow",
            also=(
                ("Deployment", "edge", "policy-gate"),
                ("Service", "edge", "policy-gate"),
                ("Deployment", "booking", "seat-map"),
            ),
            also_modes=("zero_replicas",),
        ),
        ("no pod can be created in production", "FailedCreate: failed calling webhook", "seat-map has fewer pods"),
        loudest="ReplicaSet of seat-map",
        within_30s=("images.policy.harborline.example",),
    ),
    Fault(
        "stuck-namespace",
        "A namespace that does not go away",
        "controllers",
        (
            Create(_LEFTOVER),
            Patch(
                "ConfigMap",
                "migration-2025",
                "cutover-plan",
                {"metadata": {"finalizers": ["migration.harborline.example/archive"]}},
                "merge",
            ),
            Delete("Namespace", "", "migration-2025", lets_go=False),
        ),
        Answer(
            "Namespace",
            "",
            "migration-2025",
            "finalizer_deadlock",
            also=(("ConfigMap", "migration-2025", "cutover-plan"),),
        ),
        ("the namespace is Terminating", "one ConfigMap has a finalizer nobody handles"),
        loudest="Namespace migration-2025",
        within_30s=("migration-2025", "migration.harborline.example/archive"),
    ),
)
