"""Pods that are not given what they need, or are told to do what they cannot."""

from __future__ import annotations

from infra.local.demo.scenarios.changes import Delete, Outside, Patch, Restart, set_container
from infra.local.demo.scenarios.model import Answer, Fault, register

_WRONG_PASSWORD = {"stringData": {"password": "rotated-by-the-wrong-script"}}

register(
    Fault(
        "missing-configmap",
        "A release that reads a ConfigMap nobody created",
        "configuration",
        (
            set_container(
                "Deployment", "booking", "storefront", envFrom=[{"configMapRef": {"name": "storefront-flags"}}]
            ),
        ),
        Answer("Deployment", "booking", "storefront", "missing_configmap"),
        ("CreateContainerConfigError on the new pod", "the rollout stands still", "old pods serve"),
        loudest="Pod of storefront",
        within_30s=("storefront", "storefront-flags"),
    ),
    Fault(
        "missing-secret",
        "A volume of a Secret that does not exist",
        "configuration",
        (
            set_container(
                "Deployment",
                "billing",
                "payments",
                pod={"volumes": [{"name": "mtls", "secret": {"secretName": "acquirer-mtls"}}]},
                volumeMounts=[{"name": "mtls", "mountPath": "/etc/mtls"}],
            ),
        ),
        Answer("Deployment", "billing", "payments", "missing_secret"),
        ("the new pod stays in ContainerCreating", "FailedMount events", "old pods serve"),
        loudest="Pod of payments",
        within_30s=("payments", "acquirer-mtls"),
        settles_s=400,
    ),
    Fault(
        "missing-key",
        "A key that the Secret does not have",
        "configuration",
        (
            set_container(
                "Deployment",
                "observability",
                "dashboards",
                env=[
                    {
                        "name": "GF_SECURITY_ADMIN_PASSWORD",
                        "valueFrom": {"secretKeyRef": {"name": "dashboards-admin", "key": "admin-password"}},
                    }
                ],
            ),
        ),
        Answer("Deployment", "observability", "dashboards", "missing_key_in_configmap_or_secret"),
        ("CreateContainerConfigError", "the rollout stands still"),
        loudest="Pod of dashboards",
        within_30s=("dashboards", "admin-password"),
    ),
    Fault(
        "missing-variable",
        "A variable dropped from the manifest",
        "configuration",
        (set_container("Deployment", "booking", "fares", env=[{"name": "CURRENCY_API_KEY", "$patch": "delete"}]),),
        Answer("Deployment", "booking", "fares", "missing_env_var"),
        ("the new pod crashes", "its log ends with a KeyError", "BackOff events", "old pods serve"),
        loudest="Pod of fares",
        within_30s=("fares", "CURRENCY_API_KEY"),
    ),
    Fault(
        "bad-command",
        "A command that is not in the image",
        "configuration",
        (set_container("Deployment", "fleet", "crew-roster", command=["/bin/rooster"]),),
        Answer("Deployment", "fleet", "crew-roster", "bad_command"),
        ("StartError, exit code 128", "CrashLoopBackOff", "no log at all"),
        loudest="Pod of crew-roster",
        within_30s=("crew-roster", "command"),
    ),
    Fault(
        "bad-argument",
        "A flag the program does not know",
        "configuration",
        (set_container("Deployment", "fleet", "dispatch", args=["--worker=4", "--region=us-west"]),),
        Answer("Deployment", "fleet", "dispatch", "script_or_args_error"),
        ("the new pod ends at once with exit code 2", "the log shows the usage text", "CrashLoopBackOff"),
        loudest="Pod of dispatch",
        within_30s=("dispatch", "--worker"),
    ),
    Fault(
        "run-as-root",
        "A policy of non-root against an image that is root",
        "configuration",
        (
            set_container(
                "Deployment", "billing", "statements", pod={"securityContext": {"runAsNonRoot": True, "runAsUser": 0}}
            ),
        ),
        Answer("Deployment", "billing", "statements", "security_context_invalid"),
        ("CreateContainerConfigError", "the rollout stands still"),
        loudest="Pod of statements",
        within_30s=("statements", "root"),
    ),
    Fault(
        "lost-rights",
        "Somebody removed a ClusterRoleBinding",
        "configuration",
        (Delete("ClusterRoleBinding", "", "trivy-operator"), Restart("observability", "trivy-operator")),
        Answer("Deployment", "observability", "trivy-operator", "rbac_forbidden"),
        ("the pod crashes after its restart", 'its log says "is forbidden"', "no new vulnerability reports"),
        loudest="Pod of trivy-operator",
        within_30s=("trivy-operator", "list pods"),
    ),
    Fault(
        "rotated-password",
        "A Secret was rotated, the database was not",
        "configuration",
        (
            Outside("passwords", ("billing", "pg-billing"), "demo-billing-1"),
            Patch("Secret", "billing", "pg-billing-app", _WRONG_PASSWORD, "merge"),
            Restart("billing", "invoices"),
        ),
        Answer(
            "Deployment", "billing", "invoices", "db_bad_credentials", also=(("Secret", "billing", "pg-billing-app"),)
        ),
        ("every pod of invoices crashes", "the database says authentication failed", "the Ingress answers 503"),
        loudest="Pods of invoices",
        within_30s=("invoices", "password authentication failed"),
    ),
)
