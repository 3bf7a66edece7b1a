# ruff: noqa: E501  (messages stand as kubelet, scheduler and runtimes write them)
"""Clusters that are well and look ill: what a person on call would wave through."""

from __future__ import annotations

from tests.bench.heldout.case import FIRST, Fault
from tests.bench.heldout.dump import DAY, Dump, at, cond, merge
from tests.bench.heldout.props import budget, claim, hook, hpa, ingress, quota

case = FIRST.case


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


@case("healthy", "openshift", "v1.27.10+c79e5e2")
def quota_full_and_nothing_wants_more(d: Dump) -> list[Fault]:
    """A quota at its limit whose workloads all have their replicas."""
    quota(d, "lab", "cap", {"pods": "2", "requests.cpu": "200m"}, {"pods": "2", "requests.cpu": "200m"})
    d.app("lab", "svc", replicas=2, age=9 * DAY)
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
            "metadata": {"generation": 2},
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
