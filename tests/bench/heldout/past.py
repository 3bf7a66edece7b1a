# ruff: noqa: E501  (messages stand as kubelet, scheduler and runtimes write them)
"""Clusters that were ill and are well again: traces of what is over."""

from __future__ import annotations

from tests.bench.heldout.case import FIRST, Fault
from tests.bench.heldout.dump import DAY, Dump, at, cond
from tests.bench.heldout.props import evicted, http

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
