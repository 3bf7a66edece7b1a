# ruff: noqa: E501  (messages stand as kubelet, scheduler and runtimes write them)
"""Incidents of controllers, deletion, nodes and rights."""

from __future__ import annotations

from tests.bench.heldout.case import FIRST, Fault, fault
from tests.bench.heldout.dump import DAY, Dump, at, cond
from tests.bench.heldout.props import budget, evicted, hpa, ingress, pressure, role, sa

case = FIRST.case


# Controllers


@case("incident", "eks", "v1.29.8-eks-a737599")
def scaled_to_zero_while_callers_fail(d: Dump) -> list[Fault]:
    """Someone scaled the API to zero 20 minutes ago; its Service is called and refuses."""
    a = d.app("bank", "limits-api", replicas=0, age=12 * DAY)
    d.event(
        a.obj,
        "ScalingReplicaSet",
        "Scaled down replica set limits-api-7f9c5d8b6 to 0 from 3",
        ago=20,
        count=1,
        type_="Normal",
        by="deployment-controller",
    )
    d.service("bank", "limits-api")
    d.app("bank", "teller", c={"env": [{"name": "LIMITS_URL", "value": "http://limits-api.bank.svc.cluster.local"}]}).log(
        "WARN call to http://limits-api.bank.svc.cluster.local/v1/limit failed: connect: connection refused\n" * 5)  # fmt: skip
    return [fault("zero_replicas", "Deployment bank/limits-api", "Service bank/limits-api")]


@case("incident", "openshift", "v1.28.9+8ca3b3f")
def statefulset_at_zero_behind_an_ingress(d: Dump) -> list[Fault]:
    """A StatefulSet at zero replicas is the backend of a live Ingress."""
    d.app("cms", "ghost", kind="StatefulSet", replicas=0, age=60 * DAY)
    d.service("cms", "ghost")
    d.add("IngressClass", "", "nginx", {"spec": {"controller": "k8s.io/ingress-nginx"}})
    ingress(d, "cms", "blog", "blog.example.com", "ghost", 80)
    return [fault("zero_replicas", "StatefulSet cms/ghost", "Service cms/ghost")]


@case("incident", "gke", "v1.30.3-gke.1969001")
def rollout_with_a_readiness_that_answers_503(d: Dump) -> list[Fault]:
    """New pods answer 503 for good, the old serve: ProgressDeadlineExceeded and no nearer cause in sight."""
    probe = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5}
    a = d.app("reco", "blender", replicas=4, age=7 * DAY, c={"readinessProbe": probe})
    a.new_revision({"image": "quay.io/acme/blender:2025.3.1"}, pods=1)
    a.unready(
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
        log="WARN feature store warm-up at 0 of 14 shards\n",
    )
    return [fault("rollout_stuck", "Deployment reco/blender")]


@case("incident", "eks", "v1.27.13-eks-3af4770")
def job_of_a_migration_gave_up(d: Dump) -> list[Fault]:
    """BackoffLimitExceeded after four tries; a Helm hook's Job."""
    a = d.app("erp", "db-migrate", kind="Job", age=50, spec={"restartPolicy": "Never"}, over={"spec": {"backoffLimit": 3}, "status": {
        "failed": 4, "startTime": at(50), "conditions": [cond("Failed", "True", "BackoffLimitExceeded", "Job has reached the specified backoff limit", 30)]}})  # fmt: skip
    a.finished(
        False,
        31,
        log='flyway: ERROR: Migration V42__add_index.sql failed\nSQL State  : 42P07\nMessage    : ERROR: relation "idx_orders" already exists\n',
    )
    d.event(
        a.obj,
        "BackoffLimitExceeded",
        "Job has reached the specified backoff limit",
        ago=30,
        count=1,
        by="job-controller",
    )
    return [fault("job_backoff_limit", "Job erp/db-migrate")]


@case("incident", "gke", "v1.33.1-gke.1584000")
def indexed_job_of_a_cronjob_hits_its_deadline(d: Dump) -> list[Fault]:
    """A CronJob's last Jobs failed: DeadlineExceeded is not the backoff limit, BackoffLimitExceeded is what this one says."""
    cron = d.app(
        "dwh",
        "load",
        kind="CronJob",
        age=30 * DAY,
        over={
            "spec": {"schedule": "0 * * * *"},
            "status": {"lastScheduleTime": at(30), "lastSuccessfulTime": at(1530)},
        },
    )
    a = d.app("dwh", "load-29032141", kind="Job", age=30, owner=cron.obj, spec={"restartPolicy": "Never"}, over={"spec": {"backoffLimit": 1}, "status": {
        "failed": 2, "conditions": [cond("FailureTarget", "True", "BackoffLimitExceeded", "Job has reached the specified backoff limit", 22), cond("Failed", "True", "BackoffLimitExceeded", "Job has reached the specified backoff limit", 22)]}})  # fmt: skip
    a.finished(False, 23, code=3, log="ERROR source file s3://raw/2025/03/14/08.parquet has 0 rows, refusing to load\n")
    return [fault("job_backoff_limit", "CronJob dwh/load", "Job dwh/load-29032141")]


@case("incident", "k3s", "v1.28.4+k3s2", 2)
def cronjob_forgotten_suspended(d: Dump) -> list[Fault]:
    """Suspended for three weeks while its schedule is every night; its last runs were fine, nothing explains the pause."""
    d.app(
        "bkp",
        "pg-dump",
        kind="CronJob",
        age=200 * DAY,
        over={
            "metadata": {"generation": 2},
            "spec": {"schedule": "15 2 * * *", "suspend": True},
            "status": {"lastScheduleTime": at(21 * DAY), "lastSuccessfulTime": at(21 * DAY)},
        },
    )
    return [fault("cronjob_suspended_or_bad_schedule", "CronJob bkp/pg-dump")]


@case("incident", "eks", "v1.30.8-eks-2d5f260")
def cronjob_on_the_thirtieth_of_february(d: Dump) -> list[Fault]:
    """A schedule that never comes: 30 February."""
    d.app("fin", "close-month", kind="CronJob", age=90 * DAY, over={"spec": {"schedule": "0 3 30 2 *"}, "status": {}})
    return [fault("cronjob_suspended_or_bad_schedule", "CronJob fin/close-month")]


@case("incident", "openshift", "v1.29.8+632b078")
def hpa_without_cpu_request(d: Dump) -> list[Fault]:
    """Utilisation target, but a container has no cpu request: FailedGetResourceMetric 'missing request for cpu'."""
    a = d.app(
        "api",
        "gateway",
        age=9 * DAY,
        c={"resources": {"requests": {"cpu": "200m"}}},
        sidecars=[{"name": "oauth-proxy"}],
    )
    del a
    hpa(
        d,
        "api",
        "gateway",
        "Deployment",
        [
            cond("AbleToScale", "True", "SucceededGetScale"),
            cond(
                "ScalingActive",
                "False",
                "FailedGetResourceMetric",
                "the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in container oauth-proxy of Pod gateway-7f9c5d8b6-x2mvq",
            ),
        ],
    )
    return [fault("hpa_no_metrics", "HorizontalPodAutoscaler api/gateway")]


@case("incident", "kind", "v1.31.0", 2)
def hpa_without_metrics_server(d: Dump) -> list[Fault]:
    """metrics-server is not installed: the server could not find the requested resource."""
    d.app("demo", "php-apache", age=2 * DAY)
    text = "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)"
    h = hpa(
        d,
        "demo",
        "php-apache",
        "Deployment",
        [
            cond("AbleToScale", "True", "SucceededGetScale"),
            cond("ScalingActive", "False", "FailedGetResourceMetric", text),
        ],
    )
    d.event(h, "FailedGetResourceMetric", text.split(": ", 1)[1], by="horizontal-pod-autoscaler", count=160)
    return [fault("hpa_no_metrics", "HorizontalPodAutoscaler demo/php-apache")]


# Disruption and deletion


@case("incident", "gke", "v1.29.9-gke.1541000")
def drain_blocked_by_max_unavailable_zero(d: Dump) -> list[Fault]:
    """maxUnavailable 0 while a node is cordoned for an upgrade."""
    a = d.app("mq", "rabbit", kind="StatefulSet", replicas=3, age=40 * DAY)
    d.nodes[1]["spec"]["unschedulable"] = True
    d.nodes[1]["spec"]["taints"] = [
        {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": at(300)}
    ]
    budget(d, "mq", "rabbit-pdb", a.labels, {"maxUnavailable": 0}, expected=3, desired=3, healthy=3)
    d.event(
        a.pods[1],
        "EvictionBlocked",
        "Cannot evict pod as it would violate the pod's disruption budget.",
        by="node-upgrade",
        count=50,
    )
    return [fault("pdb_blocks_drain", "PodDisruptionBudget mq/rabbit-pdb")]


@case("incident", "eks", "v1.31.5-eks-5d632ec")
def karpenter_cannot_consolidate(d: Dump) -> list[Fault]:
    """minAvailable equals the replicas; Karpenter has tainted the node and reports the budget."""
    a = d.app("login", "sso", replicas=2, age=40 * DAY)
    d.nodes[0]["spec"]["taints"] = [{"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}]
    d.nodes[0]["spec"]["unschedulable"] = True
    budget(d, "login", "sso", a.labels, {"minAvailable": "100%"}, expected=2, desired=2, healthy=2)
    d.event(
        d.nodes[0],
        "FailedDraining",
        'Failed to drain node, 1 pods are waiting to be evicted: pdb "login/sso" prevents pod evictions',
        by="karpenter",
        count=30,
    )
    return [fault("pdb_blocks_drain", "PodDisruptionBudget login/sso")]


@case("incident", "openshift", "v1.28.13+2ca1a23")
def namespace_waits_for_a_custom_resource(d: Dump) -> list[Fault]:
    """The operator is gone, its finalizer keeps one resource and thereby the namespace."""
    ns = d.namespace("old-kafka")
    ns["metadata"]["deletionTimestamp"] = at(400)
    ns["status"] = {"phase": "Terminating", "conditions": [
        cond("NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered"), cond("NamespaceContentRemaining", "True", "SomeResourcesRemain", "Some resources are remaining: kafkatopics.kafka.strimzi.io has 12 resource instances", 399),
        cond("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: strimzi.io/topic-operator in 12 resource instances", 399)]}  # fmt: skip
    return [fault("finalizer_deadlock", "Namespace old-kafka")]


@case("incident", "k3s", "v1.30.6+k3s1", 2)
def claim_stays_terminating_without_user(d: Dump) -> list[Fault]:
    """A claim is being deleted for days; a snapshot controller that no longer exists left its finalizer."""
    d.add("PersistentVolumeClaim", "media", "library", {"metadata": {"deletionTimestamp": at(3 * DAY), "finalizers": ["snapshot.storage.kubernetes.io/pvc-as-source-protection"]},
          "spec": {"accessModes": ["ReadWriteOnce"], "volumeName": "pv-1", "storageClassName": "gp3"}, "status": {"phase": "Bound"}})  # fmt: skip
    d.add(
        "PersistentVolume",
        "",
        "pv-1",
        {
            "spec": {"claimRef": {"namespace": "media", "name": "library"}, "storageClassName": "gp3"},
            "status": {"phase": "Bound"},
        },
    )
    return [fault("finalizer_deadlock", "PersistentVolumeClaim media/library")]


@case("incident", "eks", "v1.26.15-eks-ae9a62a")
def pod_with_a_foreign_finalizer(d: Dump) -> list[Fault]:
    """A pod terminates for hours because a gone controller's finalizer is on it."""
    a = d.app("spark", "driver-3", kind="Pod", age=2 * DAY)
    a.obj["metadata"].update(
        deletionTimestamp=at(300), deletionGracePeriodSeconds=30, finalizers=["sparkoperator.k8s.io/cleanup"]
    )
    a.finished(True, 299)
    return [fault("finalizer_deadlock", "Pod spark/driver-3")]


# Nodes


@case("incident", "gke", "v1.30.5-gke.1014001")
def node_stopped_posting(d: Dump) -> list[Fault]:
    """Ready Unknown, lease stale, its pods NotReady and one stuck Terminating."""
    a = d.app("chat", "hub", replicas=3, age=4 * DAY)
    d.node_down(d.nodes[1], "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    a.pods[1]["metadata"].update(deletionTimestamp=at(8), deletionGracePeriodSeconds=30)
    d.event(
        a.pods[1],
        "TaintManagerEviction",
        "Marking for deletion Pod chat/" + a.pods[1]["metadata"]["name"],
        by="taint-eviction-controller",
        type_="Normal",
        ago=8,
        count=1,
    )
    return [fault("kubelet_down", f"Node {d.nodes[1]['metadata']['name']}")]


@case("incident", "k3s", "v1.25.16+k3s4", 2)
def single_agent_lost_with_unreachable_taint(d: Dump) -> list[Fault]:
    """An agent lost power; a StatefulSet pod waits on it and cannot be replaced."""
    d.app("home", "assistant", kind="StatefulSet", replicas=2, age=40 * DAY)
    d.node_down(d.nodes[1], "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", ago=45)
    return [fault("kubelet_down", f"Node {d.nodes[1]['metadata']['name']}")]


@case("incident", "eks", "v1.29.8-eks-a737599")
def disk_pressure_evicts(d: Dump) -> list[Fault]:
    """DiskPressure now, pods evicted over the last half hour: low on ephemeral-storage."""
    a = d.app("log", "tailer", replicas=3, age=2 * DAY)
    pressure(d, d.nodes[2], "DiskPressure", "KubeletHasDiskPressure", "kubelet has disk pressure")
    evicted(
        d,
        a,
        a.pods[2],
        "The node was low on resource: ephemeral-storage. Threshold quantity: 8577182679, available: 6113220Ki. Container tailer was using 21Gi, request is 0, has larger consumption of ephemeral-storage. ",
        12,
    )
    d.event(d.nodes[2], "EvictionThresholdMet", "Attempting to reclaim ephemeral-storage", count=40)
    return [fault("node_pressure_eviction", f"Node {d.nodes[2]['metadata']['name']}", "Deployment log/tailer")]


@case("incident", "openshift", "v1.27.16+03a907c")
def memory_pressure_evicts_best_effort(d: Dump) -> list[Fault]:
    """MemoryPressure; a best effort pod was evicted minutes ago."""
    a = d.app("lab", "jup", replicas=2, age=2 * DAY, c={"resources": {"requests": {}, "limits": {}}})
    pressure(
        d, d.nodes[1], "MemoryPressure", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available"
    )
    evicted(
        d,
        a,
        a.pods[1],
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 84532Ki. Container jup was using 11324032Ki, request is 0, has larger consumption of memory. ",
        5,
    )
    return [fault("node_pressure_eviction", f"Node {d.nodes[1]['metadata']['name']}", "Deployment lab/jup")]


# Rights


@case("incident", "eks", "v1.31.5-eks-5d632ec")
def controller_may_not_list_across_the_cluster(d: Dump) -> list[Fault]:
    """A controller-runtime operator crashes on cache sync: reflector is forbidden to list."""
    sa(d, "ops", "cert-bot")
    a = d.app("ops", "cert-bot", replicas=1, spec={"serviceAccountName": "cert-bot"})
    a.crash(
        1,
        'W0314 09:25:01.44 1 reflector.go:547] pkg/mod/k8s.io/client-go@v0.30.1/tools/cache/reflector.go:232: failed to list *v1.Ingress: ingresses.networking.k8s.io is forbidden: User "system:serviceaccount:ops:cert-bot" cannot list resource "ingresses" in API group "networking.k8s.io" at the cluster scope\nE0314 09:27:01.45 1 main.go:88] "problem running manager" err="failed to wait for ingress caches to sync: timed out waiting for cache to be synced"\n',
        ran=2,
    )
    return [fault("rbac_forbidden", "Deployment ops/cert-bot", "ServiceAccount ops/cert-bot")]


@case("incident", "gke", "v1.28.3-gke.1203001")
def python_client_forbidden(d: Dump) -> list[Fault]:
    """kubernetes Python client: ApiException (403) with the Status body; a CronJob's pod fails."""
    sa(d, "jobs", "janitor")
    role(d, "jobs", "janitor", "janitor", ["pods"], ["get", "list"])
    a = d.app("jobs", "janitor", replicas=1, spec={"serviceAccountName": "janitor"})
    a.crash(
        1,
        'Traceback (most recent call last):\n  File "/janitor.py", line 31, in <module>\n    api.delete_namespaced_pod(p.metadata.name, NS)\nkubernetes.client.exceptions.ApiException: (403)\nReason: Forbidden\nHTTP response body: {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"pods \\"job-17-x\\" is forbidden: User \\"system:serviceaccount:jobs:janitor\\" cannot delete resource \\"pods\\" in API group \\"\\" in the namespace \\"jobs\\"","reason":"Forbidden","code":403}\n',
    )
    return [fault("rbac_forbidden", "Deployment jobs/janitor", "ServiceAccount jobs/janitor", "Role jobs/janitor")]


@case("incident", "openshift", "v1.30.7+9a6e2d1")
def java_fabric8_forbidden_without_crash(d: Dump) -> list[Fault]:
    """fabric8 client logs Forbidden! every poll; the pod runs but is not ready because discovery fails."""
    sa(d, "msg", "discovery")
    probe = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5}
    a = d.app(
        "msg",
        "hazel",
        kind="StatefulSet",
        replicas=2,
        spec={"serviceAccountName": "discovery"},
        c={"readinessProbe": probe},
    )
    a.unready(
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
        log='io.fabric8.kubernetes.client.KubernetesClientException: Failure executing: GET at: https://172.30.0.1/api/v1/namespaces/msg/endpoints/hazel. Message: Forbidden!Configured service account doesn\'t have access. Service account may have been revoked. endpoints "hazel" is forbidden: User "system:serviceaccount:msg:discovery" cannot get resource "endpoints" in API group "" in the namespace "msg".\n'
        * 3,
    )
    return [fault("rbac_forbidden", "StatefulSet msg/hazel", "ServiceAccount msg/discovery")]
