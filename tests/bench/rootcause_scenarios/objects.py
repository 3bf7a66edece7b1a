"""Mechanisms that break controllers, drains, Services, routes, nodes and rights.

Wordings are those of kubelet, scheduler, runtimes and applications of several years; sources stand beside them.
"""

from __future__ import annotations

from chalicelib.state.meta import Ref
from tests.bench.rootcause_scenarios.kit import Answer, deployment, http, mechanism, victim
from tests.bench.rootcause_scenarios.topologies import Estate
from tests.unit.rootcause.builders import Cluster, ago, condition

# Controllers


@mechanism()
def scaled_down_in_error(c: Cluster, e: Estate) -> Answer:
    ill = victim(c, e, 0)
    ill.object["metadata"]["generation"] = 5
    c.service(e.where(e.victim), target=e.port)
    c.event(
        ill.object, "ScalingReplicaSet", f"Scaled down replica set {e.victim}-6d5f7c9b84 to 0 from 2", type_="Normal"
    )
    caller = next(p for p in c.objects["Pod"] if p["metadata"]["name"].startswith(e.caller))
    c.log(caller, e.caller, f"ERROR upstream http://{e.victim}/next failed: connect ECONNREFUSED 10.96.3.3:80\n")
    return deployment(e), "zero_replicas"


@mechanism()
def rollout_without_end(c: Cluster, e: Estate) -> Answer:
    ill = victim(c, e, readinessProbe=http(e.port)).not_ready(
        log="WARN feature store snapshot missing, answering 503\n"
    )
    ill.object["status"]["conditions"] = [
        condition("Progressing", "False", "ProgressDeadlineExceeded", "ReplicaSet has timed out progressing.")
    ]
    ill.reported("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
    return deployment(e), "rollout_stuck"


@mechanism()
def export_gave_up(c: Cluster, e: Estate) -> Answer:
    job = c.add(
        "Job",
        e.where("export"),
        {
            "spec": {"backoffLimit": 2},
            "status": {
                "failed": 3,
                "conditions": [
                    condition("Failed", "True", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
                ],
            },
        },
    )
    owner = {"kind": "Job", "name": "export", "uid": job["metadata"]["uid"], "controller": True}
    pod = c.add(
        "Pod",
        e.where("export-k2x"),
        {
            "metadata": {"ownerReferences": [owner]},
            "spec": {"containers": [{"name": "run"}], "nodeName": "worker-0", "restartPolicy": "Never"},
            "status": {
                "phase": "Failed",
                "containerStatuses": [{"name": "run", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}],
            },
        },
    )
    c.log(pod, "run", "uploading part 3\nerror: quota of bucket reached\n")
    return {Ref("Job", e.space, "export")}, "job_backoff_limit"


@mechanism()
def night_job_suspended(c: Cluster, e: Estate) -> Answer:
    c.add(
        "CronJob",
        e.where("night"),
        {
            "metadata": {"generation": 4},
            "spec": {"schedule": "30 1 * * *", "suspend": True},
            "status": {"lastScheduleTime": ago(2900), "lastSuccessfulTime": ago(2890)},
        },
    )
    return {Ref("CronJob", e.space, "night")}, "cronjob_suspended_or_bad_schedule"


@mechanism()
def schedule_on_the_30th_of_february(c: Cluster, e: Estate) -> Answer:
    c.add("CronJob", e.where("leap"), {"spec": {"schedule": "0 12 30 2 *"}, "status": {}})
    return {Ref("CronJob", e.space, "leap")}, "cronjob_suspended_or_bad_schedule"


@mechanism()
def autoscaler_without_requests(c: Cluster, e: Estate) -> Answer:
    victim(c, e)
    metric = {
        "type": "Resource",
        "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 60}},
    }
    c.add(
        "HorizontalPodAutoscaler",
        e.where("auto"),
        {
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": e.victim}, "maxReplicas": 9, "metrics": [metric]},
            "status": {
                "conditions": [
                    condition("AbleToScale", "True"),
                    condition(
                        "ScalingActive",
                        "False",
                        "FailedGetResourceMetric",
                        (
                            "the HPA was unable to compute the replica count: missing request for "
                            f"memory in container {e.victim} of Pod {e.victim}-x"
                        ),
                    ),
                ]
            },
        },
    )
    return {Ref("HorizontalPodAutoscaler", e.space, "auto")}, "hpa_no_metrics"


# Disruption and deletion


@mechanism()
def drain_waits(c: Cluster, e: Estate) -> Answer:
    c.objects["Node"][0]["spec"].update(
        unschedulable=True, taints=[{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]
    )
    c.add(
        "PodDisruptionBudget",
        e.where("keep"),
        {
            "spec": {"minAvailable": "100%", "selector": {"matchLabels": {"app": e.neighbour}}},
            "status": {"disruptionsAllowed": 0, "currentHealthy": 2, "desiredHealthy": 2, "expectedPods": 2},
        },
    )
    return {Ref("PodDisruptionBudget", e.space, "keep")}, "pdb_blocks_drain"


@mechanism()
def operator_removed_first(c: Cluster, e: Estate) -> Answer:
    c.add(
        "Namespace",
        "retired",
        {
            "metadata": {"deletionTimestamp": ago(90), "labels": {}},
            "spec": {"finalizers": ["kubernetes"]},
            "status": {
                "phase": "Terminating",
                "conditions": [
                    condition(
                        "NamespaceFinalizersRemaining",
                        "True",
                        "SomeFinalizersRemain",
                        (
                            "Some content in the namespace has finalizers remaining: "
                            "db.example.org/backup in 3 resource instances"
                        ),
                    )
                ],
            },
        },
    )
    return {Ref("Namespace", "", "retired")}, "finalizer_deadlock"


# Services


def _complains(c: Cluster, e: Estate, text: str) -> None:
    for pod in c.objects["Pod"]:
        if pod["metadata"]["name"].startswith(e.caller):
            c.log(pod, e.caller, text)


@mechanism()
def label_changed_under_service(c: Cluster, e: Estate) -> Answer:
    victim(c, e)
    c.service(e.where(e.victim), {"app": e.victim, "release": "blue"}, target=e.port)
    _complains(
        c,
        e,
        f'ERROR gateway: Get "http://{e.victim}.{e.space}/next": dial tcp 10.96.3.3:80: connect: connection refused\n',
    )
    return {Ref("Service", e.space, e.victim)}, "service_selector_mismatch"


@mechanism()
def port_changed_under_service(c: Cluster, e: Estate) -> Answer:
    victim(c, e, readinessProbe=http(e.port))
    c.service(e.where(e.victim), target=e.port + 5)
    _complains(
        c,
        e,
        (
            f"org.apache.http.conn.HttpHostConnectException: Connect to {e.victim}:80 "
            f"[{e.victim}/10.96.3.3] failed: Connection refused\n"
        ),
    )
    return {Ref("Service", e.space, e.victim)}, "target_port_mismatch"


@mechanism(needs="logs")
def service_deleted(c: Cluster, e: Estate) -> Answer:
    victim(c, e)
    _complains(
        c,
        e,
        (
            "urllib3.exceptions.NameResolutionError: <urllib3.connection.HTTPConnection object at 0x7f>: Failed "
            f"to resolve '{e.victim}' ([Errno -2] Name or service not known)\n"
        ),
    )
    return {Ref("Service", e.space, e.victim), Ref("Deployment", e.space, e.caller)}, "service_missing"


@mechanism(needs="events")
def all_pods_refuse_traffic(c: Cluster, e: Estate) -> Answer:
    ill = victim(c, e, readinessProbe=http(e.port)).not_ready(
        log='level=error msg="replica lag 900 s, refusing traffic"\n'
    )
    ill.reported("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500")
    c.service(e.where(e.victim), target=e.port)
    return {Ref("Service", e.space, e.victim), *deployment(e)}, "endpoints_not_ready"


def _ingress(c: Cluster, e: Estate, service: str, class_name: str) -> None:
    backend = {"service": {"name": service, "port": {"number": 80}}}
    c.add(
        "Ingress",
        e.where("door"),
        {
            "spec": {
                "ingressClassName": class_name,
                "rules": [
                    {
                        "host": "door.example.org",
                        "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
                    }
                ],
            }
        },
    )


@mechanism()
def class_of_another_cluster(c: Cluster, e: Estate) -> Answer:
    _ingress(c, e, e.neighbour, "alb")
    return {Ref("Ingress", e.space, "door")}, "ingress_class_missing"


@mechanism()
def route_to_a_renamed_service(c: Cluster, e: Estate) -> Answer:
    _ingress(c, e, "old-name", "edge")
    return {Ref("Ingress", e.space, "door")}, "ingress_backend_or_tls_missing"


# Nodes and access


@mechanism()
def kubelet_stopped(c: Cluster, e: Estate) -> Answer:
    node = c.objects["Node"][1]
    node["status"]["conditions"] = [
        condition(t, "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
        for t in ("Ready", "DiskPressure", "MemoryPressure", "PIDPressure")
    ]
    node["spec"]["taints"] = [{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}]
    name = node["metadata"]["name"]
    c.add("Lease", f"kube-node-lease/{name}", {"spec": {"holderIdentity": name, "renewTime": ago(15)}})
    for pod in c.objects["Pod"]:
        if pod["spec"].get("nodeName") == name:
            pod["status"]["conditions"] = [condition("Ready", "False", minutes=15)]
    return {Ref("Node", "", name)}, "kubelet_down"


@mechanism()
def disk_fills(c: Cluster, e: Estate) -> Answer:
    node = c.objects["Node"][2]
    node["status"]["conditions"].append(
        condition("DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure")
    )
    node["spec"]["taints"] = [{"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}]
    return {Ref("Node", "", node["metadata"]["name"])}, "node_pressure_eviction"


@mechanism(needs="logs")
def role_trimmed(c: Cluster, e: Estate) -> Answer:
    victim(c, e).says(
        "W0304 11:58:00 reflector.go:561] failed to list *v1.Secret: secrets is forbidden: User "
        f'"system:serviceaccount:{e.space}:default" cannot list resource '
        '"secrets" in API group "" at the cluster scope\n'
    )
    return deployment(e), "rbac_forbidden"
