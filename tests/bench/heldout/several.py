# ruff: noqa: E501  (messages stand as kubelet, scheduler and runtimes write them)
"""Several independent faults at once, and cascades whose loudest symptom is elsewhere."""

from __future__ import annotations

from tests.bench.heldout.case import FIRST, Fault, fault
from tests.bench.heldout.dump import DAY, Dump, cond
from tests.bench.heldout.props import (
    budget,
    claim,
    hook,
    hpa,
    http,
    ingress,
    pull,
    quota,
    volume,
)

case = FIRST.case


@case("several", "eks", "v1.29.8-eks-a737599")
def pull_secret_and_a_missing_configmap(d: Dump) -> list[Fault]:
    """Two workloads of two namespaces with nothing in common."""
    pull(
        d.app("a", "one", c={"image": "ghcr.io/acme/one:1"}),
        'failed to pull and unpack image "ghcr.io/acme/one:1": failed to resolve reference "ghcr.io/acme/one:1": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=repository%3Aacme%2Fone%3Apull&service=ghcr.io: 401 Unauthorized',
    )
    b = d.app("b", "two", c={"envFrom": [{"configMapRef": {"name": "two-env"}}]})
    b.waiting("CreateContainerConfigError", 'configmap "two-env" not found').event(
        "Failed", 'Error: configmap "two-env" not found'
    )
    return [fault("image_pull_auth", "Deployment a/one"), fault("missing_configmap", "Deployment b/two")]


@case("several", "gke", "v1.30.3-gke.1969001")
def oom_and_selector_in_one_namespace(d: Dump) -> list[Fault]:
    """Same namespace, two causes: a leak in one app, a wrong selector before another."""
    d.app("shop", "images", age=2 * DAY).crash(137, reason="OOMKilled", ran=3, restarts=17)
    d.app("shop", "cart", age=2 * DAY)
    d.service("shop", "cart", selector={"app": "basket"})
    return [fault("oom_killed", "Deployment shop/images"), fault("service_selector_mismatch", "Service shop/cart")]


@case("several", "k3s", "v1.28.4+k3s2", 2)
def node_down_and_a_bad_command(d: Dump) -> list[Fault]:
    """A lost node, and an app elsewhere that never worked."""
    d.app("web", "www", replicas=2, age=9 * DAY)
    d.node_down(d.nodes[1], "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    text = 'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "/entrypoint.sh": stat /entrypoint.sh: no such file or directory: unknown'
    b = d.app("tool", "sync", replicas=1)
    b.crash(128, reason="StartError", message=text, ran=0).event("Failed", f"Error: {text}")
    return [
        fault("kubelet_down", f"Node {d.nodes[1]['metadata']['name']}"),
        fault("bad_command", "Deployment tool/sync"),
    ]


@case("several", "openshift", "v1.29.8+632b078")
def two_pods_pending_for_two_reasons(d: Dump) -> list[Fault]:
    """One lacks CPU, the other its StorageClass."""
    d.app("p", "big", replicas=1, c={"resources": {"requests": {"cpu": "32"}}}).unscheduled(
        "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."
    )
    pvc = claim(d, "q", "data-db-0", storageClassName="rook-ceph-block")
    d.event(
        pvc,
        "ProvisioningFailed",
        'storageclass.storage.k8s.io "rook-ceph-block" not found',
        by="persistentvolume-controller",
    )
    d.app("q", "db", kind="StatefulSet", replicas=1, spec=volume("data-db-0")).unscheduled(
        "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    return [
        fault("insufficient_cpu", "Deployment p/big"),
        fault("pvc_storageclass_missing", "PersistentVolumeClaim q/data-db-0", "StatefulSet q/db"),
    ]


@case("several", "eks", "v1.31.5-eks-5d632ec")
def quota_and_budget(d: Dump) -> list[Fault]:
    """A full quota in one namespace, a budget that blocks a drain in another."""
    quota(d, "qa", "cap", {"requests.memory": "4Gi"}, {"requests.memory": "4Gi"})
    d.app("qa", "e2e", replicas=1, c={"resources": {"requests": {"memory": "1Gi"}}}).refused(
        'Error creating: pods "e2e-7f9c5d8b6-qqqqq" is forbidden: exceeded quota: cap, requested: requests.memory=1Gi, used: requests.memory=4Gi, limited: requests.memory=4Gi'
    )
    a = d.app("auth", "kc", kind="StatefulSet", replicas=2, age=9 * DAY)
    d.nodes[0]["spec"]["unschedulable"] = True
    budget(d, "auth", "kc", a.labels, {"minAvailable": 2}, expected=2, desired=2, healthy=2)
    return [
        fault("quota_memory", "Deployment qa/e2e", "ResourceQuota qa/cap"),
        fault("pdb_blocks_drain", "PodDisruptionBudget auth/kc"),
    ]


@case("several", "gke", "v1.32.2-gke.1182003")
def wrong_liveness_and_suspended_backup(d: Dump) -> list[Fault]:
    """A probe fault, and a backup that has not run for weeks."""
    d.app("x", "svc", c={"livenessProbe": http(9999)}).killed_by_probe(
        'Liveness probe failed: Get "http://10.8.0.3:9999/healthz": dial tcp 10.8.0.3:9999: connect: connection refused',
        log="listening on 8080\n",
    )
    d.app(
        "y",
        "backup",
        kind="CronJob",
        age=90 * DAY,
        over={
            "metadata": {"generation": 2},
            "spec": {"schedule": "0 1 * * *", "suspend": True},
            "status": {"lastScheduleTime": "2025-02-20T01:00:00Z", "lastSuccessfulTime": "2025-02-20T01:04:00Z"},
        },
    )
    return [
        fault("liveness_wrong_port", "Deployment x/svc"),
        fault("cronjob_suspended_or_bad_schedule", "CronJob y/backup"),
    ]


@case("several", "eks", "v1.30.8-eks-2d5f260")
def database_config_takes_four_services_down(d: Dump) -> list[Fault]:
    """Cascade: the database StatefulSet lacks its Secret; four clients crash with refused connections, an Ingress answers 503."""
    db = d.app(
        "core",
        "mysql",
        kind="StatefulSet",
        replicas=1,
        age=40,
        c={
            "env": [
                {
                    "name": "MYSQL_ROOT_PASSWORD",
                    "valueFrom": {"secretKeyRef": {"name": "mysql-root", "key": "password"}},
                }
            ],
            "ports": [{"name": "mysql", "containerPort": 3306}],
        },
    )
    db.waiting("CreateContainerConfigError", 'secret "mysql-root" not found').event(
        "Failed", 'Error: secret "mysql-root" not found', count=150
    )
    d.service("core", "mysql", ports=[{"name": "mysql", "port": 3306, "targetPort": 3306}])
    for name in ("users", "orders", "billing", "search"):
        d.app("core", name, age=9 * DAY, c={"env": [{"name": "DB_HOST", "value": "mysql.core.svc"}]}).crash(
            1,
            "Error: connect ECONNREFUSED 172.20.8.10:3306 (mysql.core.svc)\n    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1595:16)\n",
            ran=0.3,
        )
        d.service("core", name)
    d.add("IngressClass", "", "nginx", {"spec": {"controller": "k8s.io/ingress-nginx"}})
    ingress(d, "core", "api", "api.example.com", "users", 80)
    return [fault("missing_secret", "StatefulSet core/mysql")]


@case("several", "k3s", "v1.31.3+k3s1", 2)
def oom_starves_hpa_and_service(d: Dump) -> list[Fault]:
    """Cascade: all pods OOM; the HPA has no metrics, the Service no endpoints, the front end logs 503."""
    a = d.app("api", "core", age=3 * DAY)
    a.crash(137, reason="OOMKilled", ran=1, restarts=30)
    d.service("api", "core")
    hpa(
        d,
        "api",
        "core",
        "Deployment",
        [
            cond("AbleToScale", "True", "SucceededGetScale"),
            cond(
                "ScalingActive",
                "False",
                "FailedGetResourceMetric",
                "the HPA was unable to compute the replica count: failed to get cpu utilization: no metrics returned from resource metrics API",
            ),
        ],
    )
    d.app("api", "front", age=9 * DAY, c={"env": [{"name": "CORE", "value": "http://core"}]}).log(
        "ERROR GET http://core/v1 -> 503\n" * 30
    )
    return [fault("oom_killed", "Deployment api/core")]


@case("several", "openshift", "v1.28.13+2ca1a23", 3)
def node_loss_seen_as_many_unready_apps(d: Dump) -> list[Fault]:
    """Cascade: one node is lost; replicas of six apps are not ready, one Service has no endpoint left."""
    for i in range(5):
        d.app("apps", f"svc-{i}", replicas=3, age=9 * DAY)
        d.service("apps", f"svc-{i}")
    single = d.app("apps", "lone", replicas=1, age=9 * DAY)
    single.pods[0]["spec"]["nodeName"] = d.nodes[2]["metadata"]["name"]
    d.service("apps", "lone")
    d.node_down(d.nodes[2], "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    return [fault("kubelet_down", f"Node {d.nodes[2]['metadata']['name']}")]


@case("several", "gke", "v1.28.14-gke.1175000")
def readiness_fault_shows_as_ingress_errors(d: Dump) -> list[Fault]:
    """Cascade: the readiness port is wrong, hence no endpoints, hence 503 at the Ingress and a stuck rollout."""
    a = d.app("web", "api", c={"readinessProbe": http(8888)})
    a.unready(
        'Readiness probe failed: Get "http://10.8.1.2:8888/healthz": dial tcp 10.8.1.2:8888: connect: connection refused',
        log="started on :8080\n",
    )
    d.service("web", "api")
    d.add("IngressClass", "", "gce", {"spec": {"controller": "k8s.io/ingress-gce"}})
    ingress(d, "web", "api", "api.example.com", "api", 80, cls="gce")
    return [fault("readiness_wrong_port", "Deployment web/api")]


@case("several", "eks", "v1.33.2-eks-931bdca")
def dead_webhook_blocks_three_namespaces(d: Dump) -> list[Fault]:
    """Cascade: the policy engine's only pod cannot pull its image; every namespace's new pods are refused."""
    k = d.app(
        "kyverno", "admission", replicas=1, labels={"app": "kyverno"}, c={"image": "ghcr.io/kyverno/kyverno:v9.9.9"}
    )
    pull(
        k,
        'failed to pull and unpack image "ghcr.io/kyverno/kyverno:v9.9.9": failed to resolve reference "ghcr.io/kyverno/kyverno:v9.9.9": ghcr.io/kyverno/kyverno:v9.9.9: not found',
        "ImagePullBackOff",
    )
    d.service(
        "kyverno",
        "kyverno-svc",
        selector={"app": "kyverno"},
        ports=[{"name": "https", "port": 443, "targetPort": 9443}],
    )
    hook(
        d,
        "Validating",
        "kyverno-resource-validating",
        "validate.kyverno.svc-fail",
        "kyverno",
        "kyverno-svc",
        "/validate/fail",
    )
    for ns in ("a", "b", "c"):
        d.app(ns, "app", replicas=2, age=20).refused(
            'Error creating: Internal error occurred: failed calling webhook "validate.kyverno.svc-fail": failed to call webhook: Post "https://kyverno-svc.kyverno.svc:443/validate/fail?timeout=10s": no endpoints available for service "kyverno-svc"'
        )
    return [fault("image_not_found", "Deployment kyverno/admission")]
