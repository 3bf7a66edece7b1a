# ruff: noqa: E501  (messages stand as kubelet, scheduler and runtimes write them)
"""Clusters that are well and look ill: what a person on call would wave through."""

from __future__ import annotations

from tests.bench.heldout.case import FIRST, Fault
from tests.bench.heldout.containers import http
from tests.bench.heldout.control import budget, evicted, hpa, ingress
from tests.bench.heldout.dump import DAY, Dump, at, cond, merge
from tests.bench.heldout.placement import claim, hook, quota

case = FIRST.case


def old_end(a, code: int, reason: str, restarts: int, ago: float) -> None:  # type: ignore[no-untyped-def]
    """Restarted long ago, well since."""
    for _, status in a.statuses(0):
        end = {"exitCode": code, "reason": reason, "startedAt": at(ago + 30), "finishedAt": at(ago)}
        status.update(
            restartCount=restarts, state={"running": {"startedAt": at(ago - 0.5)}}, lastState={"terminated": end}
        )


@case("healthy", "gke", "v1.28.14-gke.1175000")
def restarts_of_last_month(d: Dump) -> list[Fault]:
    """OOMKilled three times nine days ago; Ready since."""
    old_end(d.app("risk", "scorer", age=30 * DAY), 137, "OOMKilled", 3, 9 * DAY)
    old_end(d.app("risk", "rules", age=30 * DAY), 1, "Error", 14, 4 * DAY)
    return []


@case("healthy", "eks", "v1.31.5-eks-5d632ec")
def restarted_by_a_node_reboot(d: Dump) -> list[Fault]:
    """exit 255 Unknown for all pods of one node at its reboot 5 hours ago."""
    for name in ("a-svc", "b-svc", "c-svc"):
        old_end(d.app("core", name, age=30 * DAY), 255, "Unknown", 1, 300)
    return []


@case("healthy")
def jobs_that_ended(d: Dump) -> list[Fault]:
    """Completed Jobs, and one that failed once and then succeeded."""
    for i, failed in enumerate((0, 2)):
        a = d.app(
            "ops",
            f"report-2903{i}",
            kind="Job",
            age=200,
            spec={"restartPolicy": "Never"},
            over={
                "status": {
                    "succeeded": 1,
                    "failed": failed,
                    "completionTime": at(150),
                    "conditions": [cond("Complete", "True", ago=150)],
                }
            },
        )
        a.finished(True, 150)
    return []


@case("healthy", "k3s", "v1.30.6+k3s1", 2)
def keda_scaled_to_zero(d: Dump) -> list[Fault]:
    """KEDA keeps an idle consumer at zero: its HPA has minReplicas 1, ScalingDisabled; the Service is not called."""
    d.app(
        "q", "worker", replicas=0, age=30 * DAY, over={"metadata": {"labels": {"scaledobject.keda.sh/name": "worker"}}}
    )
    h = hpa(
        d,
        "q",
        "keda-hpa-worker",
        "Deployment",
        [
            cond("AbleToScale", "True", "SucceededGetScale"),
            cond(
                "ScalingActive",
                "False",
                "ScalingDisabled",
                "scaling is disabled since the replica count of the target is zero",
            ),
        ],
        spec={"scaleTargetRef": {"kind": "Deployment", "name": "worker", "apiVersion": "apps/v1"}},
        currentReplicas=0,
        desiredReplicas=0,
    )
    h["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "keda-operator"}
    d.service("q", "worker")
    return []


@case("healthy", "eks", "v1.29.8-eks-a737599")
def dev_namespace_asleep(d: Dump) -> list[Fault]:
    """kube-downscaler has put a dev namespace to sleep; nobody calls it."""
    for name in ("api", "ui", "worker"):
        d.app("dev-team", name, replicas=0, age=50 * DAY, annotations={"downscaler/original-replicas": "2"})
        d.service("dev-team", name)
    return []


@case("healthy", "gke", "v1.31.1-gke.2008000")
def kueue_holds_a_job(d: Dump) -> list[Fault]:
    """Kueue suspends Jobs until there is quota."""
    d.app(
        "ml",
        "train-77",
        kind="Job",
        pods=0,
        age=90,
        over={
            "metadata": {"labels": {"kueue.x-k8s.io/queue-name": "gpu"}},
            "spec": {"suspend": True},
            "status": {"conditions": [cond("Suspended", "True", "JobSuspended", "Job suspended", 90)]},
        },
    )
    return []


@case("healthy", "openshift", "v1.28.9+8ca3b3f")
def rollout_paused_on_purpose(d: Dump) -> list[Fault]:
    """spec.paused with DeploymentPaused; all replicas available."""
    a = d.app("web", "shop", age=9 * DAY, over={"spec": {"paused": True}})
    a.obj["_conditions"] = []
    a.settle()
    a.obj["status"]["conditions"] = [
        cond("Available", "True", "MinimumReplicasAvailable"),
        cond("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused"),
    ]
    return []


@case("healthy", "eks", "v1.30.4-eks-a737599")
def blue_green_idle_colour(d: Dump) -> list[Fault]:
    """The preview Service selects the idle colour, which runs nothing; nobody routes to it."""
    d.app("bg", "site-blue", age=9 * DAY, labels={"app": "site", "color": "blue"})
    d.app("bg", "site-green", replicas=0, age=9 * DAY, labels={"app": "site", "color": "green"})
    d.service("bg", "site-active", selector={"app": "site", "color": "blue"})
    d.service("bg", "site-preview", selector={"app": "site", "color": "green"})
    return []


@case("healthy", "openshift", "v1.29.8+632b078")
def headless_services_of_operators(d: Dump) -> list[Fault]:
    """Operators make headless Services for sets that have no members now, and for instances by label."""
    d.service("es", "elastic-es-transport", selector={"common.k8s.elastic.co/type": "elasticsearch"}, clusterIP="None")
    d.service("pg", "acid-repl", selector={"cluster-name": "acid", "spilo-role": "replica"})
    a = d.app("pg", "acid", kind="StatefulSet", replicas=1, age=20 * DAY, labels={"cluster-name": "acid"})
    a.pods[0]["metadata"]["labels"]["spilo-role"] = "master"  # the operator sets roles on pods, never in templates
    return []


@case("healthy", "gke", "v1.30.3-gke.1969001")
def services_without_selector(d: Dump) -> list[Fault]:
    """ExternalName, and a Service with a hand-written EndpointSlice to a database outside."""
    d.service("ext", "saas", selector={}, type="ExternalName", externalName="api.vendor.example", clusterIP="")
    d.service("ext", "oracle", selector={}, ports=[{"name": "db", "port": 1521, "targetPort": 1521}])
    d.add(
        "EndpointSlice",
        "ext",
        "oracle-1",
        {
            "addressType": "IPv4",
            "metadata": {"labels": {"kubernetes.io/service-name": "oracle"}},
            "ports": [{"name": "db", "port": 1521, "protocol": "TCP"}],
            "endpoints": [{"addresses": ["10.9.0.4"], "conditions": {"ready": True}}],
        },
    )
    d.app(
        "ext",
        "reader",
        age=9 * DAY,
        c={"env": [{"name": "DB", "value": "oracle.ext.svc:1521"}, {"name": "API", "value": "http://saas"}]},
    )
    return []


@case("healthy", "eks", "v1.29.8-eks-a737599")
def webhook_for_an_uninstalled_operator(d: Dump) -> list[Fault]:
    """A leftover webhook whose Service is gone guards only CRDs of a group that no longer exists."""
    rules = [
        {
            "operations": ["CREATE", "UPDATE"],
            "apiGroups": ["tempo.grafana.com"],
            "apiVersions": ["v1alpha1"],
            "resources": ["tempostacks"],
        }
    ]
    hook(
        d,
        "Validating",
        "tempo-operator-validating",
        "vtempostack.kb.io",
        "tempo-system",
        "tempo-webhook",
        "/validate",
        rules=rules,
    )
    return []


@case("healthy", "k3s", "v1.31.3+k3s1", 2)
def webhook_that_may_fail(d: Dump) -> list[Fault]:
    """failurePolicy Ignore with an absent Service; pods are made all the same."""
    hook(d, "Mutating", "vpa-webhook-config", "vpa.k8s.io", "kube-system", "vpa-webhook", "/", policy="Ignore")
    d.app("web", "www", age=15)
    return []


@case("healthy", "kind", "v1.29.2", 1)
def budgets_of_single_replicas(d: Dump) -> list[Fault]:
    """PDBs with minAvailable 1 over single replicas in a dev cluster: no node is being drained."""
    for name in ("pg", "redis"):
        a = d.app("dev", name, kind="StatefulSet", replicas=1, age=9 * DAY)
        budget(d, "dev", name, a.labels, {"minAvailable": 1}, expected=1, desired=1, healthy=1)
    return []


@case("healthy", "eks", "v1.28.9-eks-036c24b")
def node_cordoned_for_maintenance(d: Dump) -> list[Fault]:
    """A node is cordoned; its pods moved, everything is well, its budget allows a disruption."""
    d.nodes[2]["spec"]["unschedulable"] = True
    d.nodes[2]["spec"]["taints"] = [
        {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": at(40)}
    ]
    a = d.app("web", "www", replicas=2, age=9 * DAY)
    budget(d, "web", "www", a.labels, {"maxUnavailable": 1}, expected=2, desired=1, healthy=2)
    return []


@case("healthy", "gke", "v1.29.9-gke.1541000")
def daemonset_stays_off_tainted_nodes(d: Dump) -> list[Fault]:
    """A DaemonSet does not tolerate the GPU pool's taint: desired is two of three, and that is meant."""
    d.nodes[2]["spec"]["taints"] = [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    a = d.app("mon", "node-exporter", kind="DaemonSet", age=9 * DAY, pods=2)
    a.replicas = 2
    return []


@case("healthy", "eks", "v1.26.15-eks-ae9a62a")
def deprecated_ingress_annotation(d: Dump) -> list[Fault]:
    """kubernetes.io/ingress.class: alb without any IngressClass object; the controller has given it an address."""
    d.app("web", "www", age=9 * DAY)
    d.service("web", "www")
    i = ingress(d, "web", "www", "www.example.com", "www", 80, cls=None)
    i["metadata"]["annotations"] = {"kubernetes.io/ingress.class": "alb"}
    return []


@case("healthy", "openshift", "v1.30.7+9a6e2d1")
def optional_references(d: Dump) -> list[Fault]:
    """Optional ConfigMap, Secret and key that do not exist."""
    env = [{"name": "EXTRA", "valueFrom": {"configMapKeyRef": {"name": "tuning", "key": "x", "optional": True}}}]
    d.app(
        "web",
        "www",
        age=9 * DAY,
        c={"env": env, "envFrom": [{"secretRef": {"name": "override", "optional": True}}]},
        spec={"volumes": [{"name": "ca", "configMap": {"name": "extra-ca", "optional": True}}]},
    )
    return []


@case("healthy", "gke", "v1.31.2-gke.1354000")
def young_load_balancer_and_young_pods(d: Dump) -> list[Fault]:
    """A Service of type LoadBalancer a minute old; pods ContainerCreating for 20 seconds with a big image."""
    d.app("new", "svc-ready", age=30)
    d.service("new", "lb", selector={"app.kubernetes.io/name": "svc-ready"}, type="LoadBalancer")["metadata"][
        "creationTimestamp"
    ] = at(1)
    a = d.app("new", "big", age=0.4).creating()
    a.event("Pulling", 'Pulling image "quay.io/acme/big:2024.11.3"', type_="Normal", ago=0.3, count=1)
    return []


@case("healthy", "k3s", "v1.28.4+k3s2", 2)
def one_failed_probe(d: Dump) -> list[Fault]:
    """A readiness probe failed twice while the pod started, and a liveness probe once under load; Ready, no restart."""
    a = d.app("web", "www", age=30, c={"readinessProbe": http(8080), "livenessProbe": http(8080)})
    a.event(
        "Unhealthy",
        'Readiness probe failed: Get "http://10.42.0.8:8080/healthz": dial tcp 10.42.0.8:8080: connect: connection refused',
        ago=29,
        count=2,
    )
    a.event(
        "Unhealthy",
        'Liveness probe failed: Get "http://10.42.0.8:8080/healthz": context deadline exceeded',
        ago=9,
        count=1,
    )
    return []


@case("healthy", "eks", "v1.29.3-eks-adc7111")
def evicted_pods_of_last_week(d: Dump) -> list[Fault]:
    """Failed Evicted pods lie around from six days ago; the node is well now."""
    a = d.app("log", "tailer", replicas=3, age=9 * DAY)
    for pod in list(a.pods[:2]):
        evicted(
            d,
            a,
            pod,
            "The node was low on resource: ephemeral-storage. Container tailer was using 21Gi, which exceeds its request of 0. ",
            6 * DAY,
        )
    return []


@case("healthy", "eks", "v1.30.8-eks-2d5f260")
def leases_of_removed_nodes(d: Dump) -> list[Fault]:
    """Leases of nodes that the autoscaler removed stay behind, stale; RemovingNode events."""
    for i in range(3):
        name = f"ip-10-42-9-{i}.eu-west-1.compute.internal"
        d.add(
            "Lease",
            "kube-node-lease",
            name,
            {"spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": at(25 + i)}},
        )
        node = {"_kind": "Node", "metadata": {"name": name, "uid": name}}
        d.event(
            node,
            "RemovingNode",
            f"Node {name} event: Removing Node {name} from Controller",
            type_="Normal",
            ago=20 + i,
            count=1,
            by="node-controller",
        )
        d.event(
            node,
            "NodeNotReady",
            f"Node {name} status is now: NodeNotReady",
            ago=24 + i,
            count=1,
            by="node-controller",
            type_="Normal",
        )
    return []


@case("healthy", "gke", "v1.30.5-gke.1014001")
def pods_waited_for_the_autoscaler(d: Dump) -> list[Fault]:
    """FailedScheduling ten minutes ago, TriggeredScaleUp, scheduled since and Ready."""
    a = d.app("web", "burst", replicas=3, age=12)
    a.event(
        "FailedScheduling",
        "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.",
        ago=10,
        first=12,
        count=3,
        by="default-scheduler",
    )
    a.event(
        "TriggeredScaleUp",
        "pod triggered scale-up: [{https://www.googleapis.com/compute/v1/projects/p/zones/z/instanceGroups/g 2->3 (max: 6)}]",
        type_="Normal",
        ago=11,
        by="cluster-autoscaler",
    )
    return []


@case("healthy", "openshift", "v1.27.10+c79e5e2")
def quota_full_and_nothing_wants_more(d: Dump) -> list[Fault]:
    """A quota at its limit whose workloads all have their replicas."""
    quota(d, "lab", "cap", {"pods": "2", "requests.cpu": "200m"}, {"pods": "2", "requests.cpu": "200m"})
    d.app("lab", "svc", replicas=2, age=9 * DAY)
    return []


@case("healthy", "eks", "v1.31.5-eks-5d632ec")
def stale_refusals_of_an_older_revision(d: Dump) -> list[Fault]:
    """FailedCreate of a ReplicaSet that a later rollout replaced; the Deployment is complete."""
    a = d.app("web", "www", age=9 * DAY)
    bad = a.replica_set("bad5c9f77", "1", 0, a.rs["spec"]["template"], 55) if a.rs else {}
    a.obj["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "2"
    if a.rs:
        a.rs["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "2"
    d.event(
        bad,
        "FailedCreate",
        'Error creating: pods "www-bad5c9f77-" is forbidden: error looking up service account web/www-sa: serviceaccount "www-sa" not found',
        ago=50,
        count=12,
        by="replicaset-controller",
    )
    return []


@case("healthy", "k3s", "v1.33.1+k3s1", 1)
def claim_waits_for_its_first_consumer(d: Dump) -> list[Fault]:
    """WaitForFirstConsumer claim that no pod mounts yet."""
    pvc = claim(d, "stash", "future", storageClassName="gp3")
    d.event(
        pvc,
        "WaitForFirstConsumer",
        "waiting for first consumer to be created before binding",
        type_="Normal",
        by="persistentvolume-controller",
        count=160,
    )
    return []


@case("healthy", "gke", "v1.28.3-gke.1203001")
def rights_denied_and_unneeded(d: Dump) -> list[Fault]:
    """A Ready exporter logs one forbidden list at its start and goes on without that metric."""
    d.app("mon", "ksm", replicas=1, age=9 * DAY).log(
        'W0305 09:00:01 reflector.go:539] failed to list *v1.VolumeAttachment: volumeattachments.storage.k8s.io is forbidden: User "system:serviceaccount:mon:default" cannot list resource "volumeattachments" in API group "storage.k8s.io" at the cluster scope\n'
        + "I0314 listening\n" * 30
    )
    return []


@case("healthy", "eks", "v1.29.8-eks-a737599")
def cronjob_suspended_with_a_reason(d: Dump) -> list[Fault]:
    """Suspended by an operator who says so; a seasonal job."""
    d.app(
        "fin",
        "xmas-report",
        kind="CronJob",
        age=200 * DAY,
        annotations={"acme.io/suspended-reason": "only in December"},
        over={
            "spec": {"schedule": "0 6 * 12 *", "suspend": True},
            "status": {"lastScheduleTime": at(75 * DAY), "lastSuccessfulTime": at(75 * DAY)},
        },
    )
    return []


@case("healthy", "openshift", "v1.28.13+2ca1a23")
def namespace_deleted_seconds_ago(d: Dump) -> list[Fault]:
    """A namespace and its objects are being deleted since 20 seconds."""
    ns = d.namespace("pr-4711")
    ns["metadata"]["deletionTimestamp"] = at(0.3)
    ns["status"] = {
        "phase": "Terminating",
        "conditions": [
            cond(
                "NamespaceContentRemaining",
                "True",
                "SomeResourcesRemain",
                "Some resources are remaining: pods. has 2 resource instances",
                0.2,
            )
        ],
    }
    a = d.app("pr-4711", "preview", age=300)
    for pod in a.pods:
        pod["metadata"].update(deletionTimestamp=at(0.3), deletionGracePeriodSeconds=30)
    return []


@case("healthy", "k3s", "v1.29.15+k3s1", 2)
def chatty_errors_of_a_ready_app(d: Dump) -> list[Fault]:
    """Stack traces and refused connections at low rate in the log of a Ready app; the callee is well."""
    d.app("web", "cart", age=9 * DAY)
    d.service("web", "cart")
    text = "\n".join(
        ["INFO request done"] * 80
        + [
            "ERROR java.net.ConnectException: Connection refused: cart/172.20.3.10:80",
            "\tat java.base/sun.nio.ch.Net.connect0(Native Method)",
        ]
        + ["INFO request done"] * 80
    )
    d.app("web", "www", age=9 * DAY, c={"env": [{"name": "CART", "value": "http://cart"}]}).log(text)
    return []


@case("healthy", "kind", "v1.34.0", 1)
def image_pull_failed_once_and_recovered(d: Dump) -> list[Fault]:
    """A registry hiccup 20 minutes ago (toomanyrequests, then i/o timeout); the image came at the third try."""
    a = d.app("web", "www", age=25)
    a.event(
        "Failed",
        'Failed to pull image "quay.io/acme/www:2024.11.3": failed to do request: Head "https://quay.io/v2/acme/www/manifests/2024.11.3": dial tcp: i/o timeout',
        ago=23,
        first=25,
        count=2,
    )
    a.event("Failed", "Error: ErrImagePull", ago=23, first=25, count=2)
    a.event("Pulled", 'Successfully pulled image "quay.io/acme/www:2024.11.3" in 2.1s', type_="Normal", ago=22, count=1)
    return []


@case("healthy", "eks", "v1.32.1-eks-5d632ec")
def finalizers_that_belong(d: Dump) -> list[Fault]:
    """Live objects carry finalizers; a claim in use is protected; nothing is being deleted for long."""
    pvc = claim(d, "db", "data", storageClassName="gp3", volumeName="pv-9")
    pvc["metadata"]["finalizers"] = ["kubernetes.io/pvc-protection"]
    pvc["status"]["phase"] = "Bound"
    d.add(
        "PersistentVolume",
        "",
        "pv-9",
        merge(
            {},
            {
                "metadata": {"finalizers": ["kubernetes.io/pv-protection"]},
                "spec": {"claimRef": {"namespace": "db", "name": "data"}},
                "status": {"phase": "Bound"},
            },
        ),
    )
    d.app(
        "db",
        "pg",
        kind="StatefulSet",
        replicas=1,
        age=9 * DAY,
        spec={"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]},
    )
    return []
