# ruff: noqa: E501  (messages stand as kubelet, scheduler and runtimes write them)
"""Half of the evidence is missing: say less, not something else."""

from __future__ import annotations

from tests.bench.heldout.case import FIRST, Fault, fault
from tests.bench.heldout.dump import DAY, Dump
from tests.bench.heldout.props import (
    http,
    ingress,
    pull,
    volume,
)

case = FIRST.case


@case("partial", "eks", "v1.29.8-eks-a737599")
def crash_loop_without_logs(d: Dump) -> list[Fault]:
    """Exit 1 in a loop and no log was recorded: an exception, a missing variable, a bad address; nobody can tell."""
    d.app("x", "svc").crash(1)
    return [fault("app_exception", "Deployment x/svc")]


@case("partial", "gke", "v1.30.3-gke.1969001")
def pending_without_events(d: Dump) -> list[Fault]:
    """The events are gone and the condition has no message."""
    d.app("x", "svc").unscheduled("", event=False)
    d.forbid("Event")
    return [fault("insufficient_cpu", "Deployment x/svc")]


@case("partial", "k3s", "v1.28.4+k3s2")
def image_back_off_without_events(d: Dump) -> list[Fault]:
    """Only ImagePullBackOff is left: not found, no rights or no network."""
    d.app("x", "svc").waiting("ImagePullBackOff", 'Back-off pulling image "quay.io/acme/svc:2024.11.3"')
    d.forbid("Event")
    return [fault("image_not_found", "Deployment x/svc")]


@case("partial", "openshift", "v1.29.8+632b078")
def creating_while_secrets_are_forbidden(d: Dump) -> list[Fault]:
    """ContainerCreating for 40 minutes; Secrets and Events could not be read: the mount may be it."""
    d.app("x", "svc", spec={"volumes": [{"name": "t", "secret": {"secretName": "tls"}}]}).creating()
    d.forbid("Event", "Secret", "ConfigMap")
    return [fault("missing_secret", "Deployment x/svc")]


@case("partial", "eks", "v1.31.5-eks-5d632ec")
def tls_secret_unknowable(d: Dump) -> list[Fault]:
    """Secrets were not readable: that the TLS secret is absent cannot be said. Nothing else is wrong."""
    d.add("IngressClass", "", "nginx", {"spec": {"controller": "k8s.io/ingress-nginx"}})
    d.app("web", "www", age=9 * DAY)
    d.service("web", "www")
    ingress(d, "web", "www", "www.example.com", "www", 80)["spec"]["tls"] = [
        {"hosts": ["www.example.com"], "secretName": "www-tls"}
    ]
    d.forbid("Secret")
    return []


@case("partial", "gke", "v1.29.9-gke.1541000")
def services_not_recorded(d: Dump) -> list[Fault]:
    """cluster-info dump alone: no EndpointSlices, Ingress backends unknowable, no ConfigMaps. All is well."""
    d.app("web", "www", age=9 * DAY, c={"envFrom": [{"configMapRef": {"name": "conf"}}]})
    d.service("web", "www")
    d.app("web", "idle", replicas=0, age=9 * DAY, annotations={"note": "disabled on purpose"})
    d.forbid(
        "EndpointSlice",
        "ConfigMap",
        "Secret",
        "Ingress",
        "IngressClass",
        "ServiceAccount",
        "StorageClass",
        "PersistentVolumeClaim",
        "PersistentVolume",
        "Lease",
        reason="not_recorded",
    )
    return []


@case("partial", "kind", "v1.27.3", 1)
def claim_kinds_not_readable(d: Dump) -> list[Fault]:
    """Pending with a claim, PVCs forbidden, and a message that only says unbound."""
    d.app("db", "pg", kind="StatefulSet", replicas=1, spec=volume("data")).unscheduled(
        "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )
    d.forbid("PersistentVolumeClaim", "StorageClass", "PersistentVolume")
    return [fault("pvc_storageclass_missing", "StatefulSet db/pg", "PersistentVolumeClaim db/data")]


@case("partial", "k3s", "v1.26.15+k3s1")
def unready_without_events_or_logs(d: Dump) -> list[Fault]:
    """Running, not ready, a readiness probe on a declared port: the reason is not in this recording."""
    d.app("x", "svc", c={"readinessProbe": http(8080)}).not_ready()
    d.objects["Pod"][-1]["status"]["containerStatuses"][0]["ready"] = False
    d.forbid("Event")
    return [fault("rollout_stuck", "Deployment x/svc")]


@case("partial", "eks", "v1.28.9-eks-036c24b")
def nodes_not_readable(d: Dump) -> list[Fault]:
    """A namespace-scoped reader: Nodes forbidden; the scheduler's message names a selector mismatch, the pod has both fields."""
    term = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
    spec = {
        "nodeSelector": {"pool": "x"},
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}},
    }
    d.app("x", "svc", spec=spec).unscheduled(
        "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )
    d.forbid("Node", "Lease", "StorageClass", "PersistentVolume", "Namespace")
    return [
        fault("node_affinity_mismatch", "Deployment x/svc"),
    ]


@case("partial", "openshift", "v1.30.7+9a6e2d1")
def docker_hub_does_not_say_which(d: Dump) -> list[Fault]:
    """Docker Hub's denial names both: the repository may not exist or may need a login."""
    pull(
        d.app("x", "svc", c={"image": "docker.io/acmee/svc:1"}),
        'failed to pull and unpack image "docker.io/acmee/svc:1": failed to resolve reference "docker.io/acmee/svc:1": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
        "ImagePullBackOff",
    )
    return [fault("image_not_found", "Deployment x/svc")]


@case("partial", "gke", "v1.31.2-gke.1354000")
def killed_with_137_but_no_reason(d: Dump) -> list[Fault]:
    """Exit 137 with reason Error: a SIGKILL from somewhere, no OOMKilled, no probe event, no log."""
    d.app("x", "svc", age=2 * DAY).crash(137, ran=9, restarts=5)
    d.forbid("Event")
    return [fault("oom_killed", "Deployment x/svc")]
