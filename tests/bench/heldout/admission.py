# ruff: noqa: E501  (messages stand as kubelet, scheduler and runtimes write them)
"""Incidents of what the API server refuses: quotas, limits, accounts, Pod Security, webhooks."""

from __future__ import annotations

from tests.bench.heldout.case import FIRST, Fault, fault
from tests.bench.heldout.dump import DAY, Dump
from tests.bench.heldout.props import hook, quota

case = FIRST.case


@case("incident", "eks", "v1.27.13-eks-3af4770")
def limits_cpu_quota_used_up(d: Dump) -> list[Fault]:
    """limits.cpu of the quota is used up; nothing of the Deployment was created."""
    quota(d, "qa", "compute", {"limits.cpu": "8", "requests.cpu": "8"}, {"limits.cpu": "7500m", "requests.cpu": "3"})
    a = d.app("qa", "load-gen", replicas=3, c={"resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "500m"}}})
    a.refused(
        'Error creating: pods "load-gen-7f9c5d8b6-k2v8x" is forbidden: exceeded quota: compute, requested: limits.cpu=1, used: limits.cpu=7500m, limited: limits.cpu=8'
    )
    return [fault("quota_cpu", "Deployment qa/load-gen", "ResourceQuota qa/compute")]


@case("incident", "openshift", "v1.26.13+77e61a2")
def memory_quota_blocks_a_statefulset(d: Dump) -> list[Fault]:
    """requests.memory used up, the second replica of a StatefulSet is refused."""
    quota(d, "team-b", "mem-cap", {"requests.memory": "8Gi"}, {"requests.memory": "6Gi"})
    a = d.app(
        "team-b",
        "hz",
        kind="StatefulSet",
        replicas=3,
        c={"resources": {"requests": {"memory": "3Gi"}, "limits": {"memory": "3Gi"}}},
    )
    a.refused(
        'create Pod hz-2 in StatefulSet hz failed error: pods "hz-2" is forbidden: exceeded quota: mem-cap, requested: requests.memory=3Gi, used: requests.memory=6Gi, limited: requests.memory=8Gi',
        keep=2,
    )
    return [fault("quota_memory", "StatefulSet team-b/hz", "ResourceQuota team-b/mem-cap")]


@case("incident", "gke", "v1.30.3-gke.1969001")
def pods_quota_blocks_a_job(d: Dump) -> list[Fault]:
    """The count of pods is limited to ten."""
    quota(d, "lab", "objects", {"pods": "10"}, {"pods": "10"})
    a = d.app(
        "lab",
        "sweep",
        kind="Job",
        over={"spec": {"parallelism": 4}, "status": {"active": 0}},
        spec={"restartPolicy": "Never"},
    )
    a.refused(
        'Error creating: pods "sweep-7xq2l" is forbidden: exceeded quota: objects, requested: pods=1, used: pods=10, limited: pods=10'
    )
    return [fault("quota_pods", "Job lab/sweep", "ResourceQuota lab/objects")]


@case("incident", "k3s", "v1.31.3+k3s1")
def count_quota_on_pods(d: Dump) -> list[Fault]:
    """The count/pods form of the object count quota."""
    quota(d, "edu", "student", {"count/pods": "4"}, {"count/pods": "4"})
    a = d.app("edu", "notebook", replicas=6)
    a.refused(
        'Error creating: pods "notebook-7f9c5d8b6-aaaaa" is forbidden: exceeded quota: student, requested: count/pods=1, used: count/pods=4, limited: count/pods=4',
        keep=4,
    )
    return [fault("quota_pods", "Deployment edu/notebook", "ResourceQuota edu/student")]


@case("incident", "eks", "v1.29.3-eks-adc7111")
def limit_range_minimum(d: Dump) -> list[Fault]:
    """Requests below the LimitRange's minimum."""
    d.add(
        "LimitRange",
        "apps",
        "bounds",
        {"spec": {"limits": [{"type": "Container", "min": {"memory": "64Mi"}, "max": {"memory": "2Gi"}}]}},
    )
    a = d.app(
        "apps", "cronlet", replicas=1, c={"resources": {"requests": {"memory": "32Mi"}, "limits": {"memory": "48Mi"}}}
    )
    a.refused(
        'Error creating: pods "cronlet-7f9c5d8b6-9sdfg" is forbidden: minimum memory usage per Container is 64Mi, but request is 32Mi'
    )
    return [fault("limitrange_violation", "Deployment apps/cronlet", "LimitRange apps/bounds")]


@case("incident", "openshift", "v1.29.8+632b078")
def limit_range_ratio(d: Dump) -> list[Fault]:
    """maxLimitRequestRatio: 'cpu max limit to request ratio per Container is 4, but provided ratio is 20.000000'."""
    d.add(
        "LimitRange",
        "quant",
        "ratio",
        {"spec": {"limits": [{"type": "Container", "maxLimitRequestRatio": {"cpu": "4"}}]}},
    )
    a = d.app("quant", "pricer", age=5 * DAY, replicas=2)
    a.new_revision({"resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "2"}}}, pods=1)
    a.refused(
        'Error creating: pods "pricer-65d9f7c4d4-t6k2v" is forbidden: cpu max limit to request ratio per Container is 4, but provided ratio is 20.000000'
    )
    return [fault("limitrange_violation", "Deployment quant/pricer", "LimitRange quant/ratio")]


@case("incident", "gke", "v1.28.3-gke.1203001")
def service_account_of_a_forgotten_chart(d: Dump) -> list[Fault]:
    """The ServiceAccount that the template names was never created; DaemonSet."""
    a = d.app("sec", "scanner", kind="DaemonSet", spec={"serviceAccountName": "scanner-sa"})
    a.refused(
        'Error creating: pods "scanner-" is forbidden: error looking up service account sec/scanner-sa: serviceaccount "scanner-sa" not found'
    )
    return [fault("service_account_missing", "DaemonSet sec/scanner", "ServiceAccount sec/scanner-sa")]


@case("incident", "eks", "v1.31.5-eks-5d632ec")
def restricted_namespace_refuses_the_rollout(d: Dump) -> list[Fault]:
    """enforce=restricted was set after the old pods were made; new ones violate it."""
    d.namespace("trade", {"pod-security.kubernetes.io/enforce": "restricted"})
    a = d.app("trade", "oms", replicas=3, age=20 * DAY)
    a.new_revision({"image": "quay.io/acme/oms:2025.3"}, pods=1)
    a.refused(
        'Error creating: pods "oms-65d9f7c4d4-4kq7z" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "oms" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "oms" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "oms" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "oms" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
    )
    return [fault("psa_rejects_recreate", "Deployment trade/oms", "Namespace trade")]


@case("incident", "k3s", "v1.25.16+k3s4")
def baseline_forbids_the_host_network_daemonset(d: Dump) -> list[Fault]:
    """A DaemonSet with hostNetwork in a baseline namespace is refused: no pod at all."""
    d.namespace(
        "cni-x",
        {"pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/enforce-version": "v1.25"},
    )
    a = d.app("cni-x", "speaker", kind="DaemonSet", spec={"hostNetwork": True})
    a.refused(
        'Error creating: pods "speaker-zq4wk" is forbidden: violates PodSecurity "baseline:v1.25": host namespaces (hostNetwork=true), hostPort (container "speaker" uses hostPort 7472)'
    )
    return [fault("psa_rejects_recreate", "DaemonSet cni-x/speaker", "Namespace cni-x")]


@case("incident", "eks", "v1.30.8-eks-2d5f260")
def istiod_down_blocks_injection(d: Dump) -> list[Fault]:
    """The sidecar injector's Service has no endpoints because istiod crashes... its own image is fine: scaled to none."""
    istiod = d.app("istio-system", "istiod", replicas=0, age=30 * DAY, labels={"app": "istiod"})
    d.service(
        "istio-system",
        "istiod",
        selector={"app": "istiod"},
        ports=[{"name": "https-webhook", "port": 443, "targetPort": 15017}],
    )
    hook(d, "Mutating", "istio-sidecar-injector", "namespace.sidecar-injector.istio.io", "istio-system", "istiod", "/inject",
         selector={"matchLabels": {"istio-injection": "enabled"}})  # fmt: skip
    d.namespace("pos", {"istio-injection": "enabled"})
    a = d.app("pos", "till", replicas=2)
    a.refused(
        'Error creating: Internal error occurred: failed calling webhook "namespace.sidecar-injector.istio.io": failed to call webhook: Post "https://istiod.istio-system.svc:443/inject?timeout=10s": no endpoints available for service "istiod"'
    )
    del istiod
    return [
        fault(
            "webhook_unavailable_or_slow",
            "MutatingWebhookConfiguration istio-sidecar-injector",
            "Deployment pos/till",
            "Service istio-system/istiod",
            "Deployment istio-system/istiod",
        )
    ]


@case("incident", "gke", "v1.31.1-gke.2008000")
def policy_webhook_by_url_times_out(d: Dump) -> list[Fault]:
    """A webhook by URL outside the cluster: context deadline exceeded."""
    d.add("ValidatingWebhookConfiguration", "", "corp-guard", {"webhooks": [{
        "name": "guard.corp.example", "clientConfig": {"url": "https://guard.corp.example:8443/validate"}, "failurePolicy": "Fail", "timeoutSeconds": 5,
        "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}]}]})  # fmt: skip
    a = d.app("hr", "payslip", replicas=2)
    a.refused(
        'Error creating: Internal error occurred: failed calling webhook "guard.corp.example": failed to call webhook: Post "https://guard.corp.example:8443/validate?timeout=5s": context deadline exceeded'
    )
    return [fault("webhook_unavailable_or_slow", "ValidatingWebhookConfiguration corp-guard", "Deployment hr/payslip")]


@case("incident", "openshift", "v1.27.10+c79e5e2")
def webhook_service_deleted(d: Dump) -> list[Fault]:
    """The webhook's Service was deleted with its namespace's chart: service not found."""
    hook(
        d,
        "Validating",
        "gatekeeper-validating",
        "validation.gatekeeper.sh",
        "gatekeeper-system",
        "gatekeeper-webhook-service",
        "/v1/admit",
    )
    d.namespace("gatekeeper-system")
    a = d.app("fin", "gl", kind="StatefulSet", replicas=1)
    a.refused(
        'create Pod gl-0 in StatefulSet gl failed error: Internal error occurred: failed calling webhook "validation.gatekeeper.sh": failed to call webhook: Post "https://gatekeeper-webhook-service.gatekeeper-system.svc:443/v1/admit?timeout=3s": service "gatekeeper-webhook-service" not found'
    )
    return [
        fault(
            "webhook_unavailable_or_slow",
            "ValidatingWebhookConfiguration gatekeeper-validating",
            "StatefulSet fin/gl",
            "Service gatekeeper-system/gatekeeper-webhook-service",
        )
    ]
