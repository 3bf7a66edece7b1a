"""Mechanisms that keep pods from a node, a volume, or the API server's consent.

Wordings are those of kubelet, scheduler, runtimes and applications of several years; sources stand beside them.
"""

from __future__ import annotations

from chalicelib.state.meta import Ref
from tests.bench.rootcause_scenarios.kit import Answer, deployment, mechanism, victim
from tests.bench.rootcause_scenarios.topologies import Estate
from tests.unit.rootcause.builders import Cluster, Workload

# Scheduling


@mechanism()
def cpu_wanted(c: Cluster, e: Estate) -> Answer:
    victim(c, e, resources={"requests": {"cpu": "12"}}).pending(
        "0/5 nodes are available: 1 node(s) had untolerated taint {only: heavy}, 4 Insufficient cpu. "
        "preemption: 0/5 nodes are available: 1 Preemption is not helpful for "
        "scheduling, 4 No preemption victims found for incoming pod."
    )
    return deployment(e), "insufficient_cpu"


@mechanism()
def memory_wanted(c: Cluster, e: Estate) -> Answer:
    # argoproj/argo-workflows issue 190: words of schedulers before 1.10
    victim(c, e, resources={"requests": {"memory": "48Gi"}}).pending(
        "No nodes are available that match all of the following predicates:: "
        "Insufficient memory (4), PodToleratesNodeTaints (1)."
    )
    return deployment(e), "insufficient_memory"


@mechanism()
def gpu_wanted(c: Cluster, e: Estate) -> Answer:
    victim(c, e, resources={"limits": {"amd.com/gpu": "2"}}).pending(
        "0/5 nodes are available: 5 Insufficient amd.com/gpu."
    )
    return deployment(e), "insufficient_gpu_or_extended"


@mechanism()
def label_nobody_has(c: Cluster, e: Estate) -> Answer:
    victim(c, e).having(nodeSelector={"pool": "general", "arch-gen": "v4"}).pending(
        "0/5 nodes are available: 5 node(s) didn't match Pod's node affinity/selector."
    )
    return deployment(e), "node_selector_mismatch"


@mechanism()
def zone_nobody_has(c: Cluster, e: Estate) -> Answer:
    term = {"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["z7"]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
    victim(c, e).having(affinity=affinity).pending("0/5 nodes are available: 5 node(s) didn't match node selector.")
    return deployment(e), "node_affinity_mismatch"


@mechanism()
def one_per_host(c: Cluster, e: Estate) -> Answer:
    term = {"labelSelector": {"matchLabels": {"crowd": "yes"}}, "topologyKey": "kubernetes.io/hostname"}
    crowd = c.deployment(e.where("crowd"), 5)
    for number, pod in enumerate(crowd.pods):
        pod["metadata"]["labels"]["crowd"] = "yes"
        pod["spec"]["nodeName"] = [n["metadata"]["name"] for n in c.objects["Node"]][number]
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    victim(c, e, 1).having(affinity=affinity).pending(
        "0/5 nodes are available: 1 node(s) had untolerated taint {only: heavy}, "
        "4 node(s) didn't match pod anti-affinity rules."
    )
    return deployment(e), "pod_anti_affinity"


@mechanism()
def heavy_pool_closed(c: Cluster, e: Estate) -> Answer:
    victim(c, e).having(nodeSelector={"pool": "heavy"}).pending(
        "0/5 nodes are available: 1 node(s) had taint {only: heavy}, that the pod "
        "didn't tolerate, 4 node(s) didn't match node selector."
    )
    return deployment(e), "taint_not_tolerated"


@mechanism()
def maintenance_left_on(c: Cluster, e: Estate) -> Answer:
    for node in c.objects["Node"][:4]:
        node["spec"]["unschedulable"] = True
    victim(c, e).pending(
        "0/5 nodes are available: 1 node(s) had untolerated taint {only: heavy}, 4 node(s) were unschedulable."
    )
    return deployment(e), "nodes_cordoned"


@mechanism()
def pinned_to_a_dead_host(c: Cluster, e: Estate) -> Answer:
    victim(c, e).having(nodeSelector={"kubernetes.io/hostname": "worker-99"}).pending(
        "0/5 nodes are available: 5 node(s) didn't match Pod's node affinity/selector."
    )
    return deployment(e), "node_name_absent"


# Storage


@mechanism()
def class_never_installed(c: Cluster, e: Estate) -> Answer:
    claim = c.add(
        "PersistentVolumeClaim",
        e.where("archive"),
        {"spec": {"storageClassName": "nvme-ha"}, "status": {"phase": "Pending"}},
    )
    c.event(claim, "ProvisioningFailed", 'storageclass.storage.k8s.io "nvme-ha" not found')
    victim(c, e, 1).having(volumes=[{"name": "a", "persistentVolumeClaim": {"claimName": "archive"}}]).pending(
        "0/5 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    )
    return {Ref("PersistentVolumeClaim", e.space, "archive"), *deployment(e)}, "pvc_storageclass_missing"


@mechanism()
def claim_deleted(c: Cluster, e: Estate) -> Answer:
    victim(c, e, 1).having(volumes=[{"name": "a", "persistentVolumeClaim": {"claimName": "archive"}}]).pending(
        '0/5 nodes are available: 5 persistentvolumeclaim "archive" not found.'
    )
    return deployment(e), "pvc_absent"


# Admission


def _refused(c: Cluster, e: Estate, text: str, **container: object) -> Workload:
    return victim(c, e, **container).not_created(f'pods "{e.victim}-6d5f7c9b84-q" is forbidden: {text}')


@mechanism()
def cpu_quota_full(c: Cluster, e: Estate) -> Answer:
    c.add(
        "ResourceQuota",
        e.where("team"),
        {"spec": {}, "status": {"hard": {"requests.cpu": "4"}, "used": {"requests.cpu": "3600m"}}},
    )
    _refused(
        c,
        e,
        "exceeded quota: team, requested: requests.cpu=500m, used: requests.cpu=3600m, limited: requests.cpu=4",
        resources={"requests": {"cpu": "500m"}},
    )
    return deployment(e), "quota_cpu"


@mechanism()
def memory_quota_full(c: Cluster, e: Estate) -> Answer:
    c.add(
        "ResourceQuota",
        e.where("team"),
        {"spec": {}, "status": {"hard": {"limits.memory": "8Gi"}, "used": {"limits.memory": "7680Mi"}}},
    )
    _refused(
        c,
        e,
        "exceeded quota: team, requested: limits.memory=1Gi, used: limits.memory=7680Mi, limited: limits.memory=8Gi",
        resources={"limits": {"memory": "1Gi"}},
    )
    return deployment(e), "quota_memory"


@mechanism()
def pod_quota_full(c: Cluster, e: Estate) -> Answer:
    c.add("ResourceQuota", e.where("team"), {"spec": {}, "status": {"hard": {"pods": "12"}, "used": {"pods": "12"}}})
    _refused(c, e, "exceeded quota: team, requested: pods=1, used: pods=12, limited: pods=12")
    return deployment(e), "quota_pods"


@mechanism()
def below_the_minimum(c: Cluster, e: Estate) -> Answer:
    c.add("LimitRange", e.where("sizes"), {"spec": {"limits": [{"type": "Container", "min": {"cpu": "200m"}}]}})
    _refused(
        c, e, "minimum cpu usage per Container is 200m, but request is 50m", resources={"requests": {"cpu": "50m"}}
    )
    return deployment(e), "limitrange_violation"


@mechanism()
def account_deleted(c: Cluster, e: Estate) -> Answer:
    ill = _refused(c, e, f'error looking up service account {e.space}/runner: serviceaccount "runner" not found')
    ill.having(serviceAccountName="runner")
    return deployment(e), "service_account_missing"


@mechanism()
def namespace_hardened(c: Cluster, e: Estate) -> Answer:
    c.namespace(e.space, **{"pod-security.kubernetes.io/enforce": "baseline"})
    ill = _refused(c, e, 'violates PodSecurity "baseline:v1.31": hostPath volumes (volume "sock")')
    ill.having(volumes=[{"name": "sock", "hostPath": {"path": "/run/x.sock"}}])
    return deployment(e), "psa_rejects_recreate"


@mechanism()
def injector_gone(c: Cluster, e: Estate) -> Answer:
    rule = {"operations": ["CREATE"], "apiGroups": [""], "resources": ["pods"]}
    service = {"name": "injector", "namespace": "mesh", "port": 443}
    c.add(
        "MutatingWebhookConfiguration",
        "sidecars",
        {
            "webhooks": [
                {
                    "name": "inject.mesh.example.org",
                    "failurePolicy": "Fail",
                    "rules": [rule],
                    "clientConfig": {"service": service},
                }
            ]
        },
    )
    stopped = c.deployment("mesh/injector", 0)
    stopped.object["metadata"]["generation"] = 2
    c.service("mesh/injector", port=443, target=8443)
    # unclerayray in stackrox/admission-controller-webhook-demo issue 6
    victim(c, e).not_created(
        'Internal error occurred: failed calling webhook "inject.mesh.example.org": Post https://'
        "injector.mesh.svc:443/mutate?timeout=30s: net/http: request canceled while waiting for "
        "connection (Client.Timeout exceeded while awaiting headers)"
    )
    return {
        Ref("Deployment", "mesh", "injector"),
        Ref("MutatingWebhookConfiguration", "", "sidecars"),
        *deployment(e),
    }, "webhook_unavailable_or_slow"
