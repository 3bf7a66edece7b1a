"""One function per mechanism: it breaks the victim of an estate and says which object and mode are right.

Wordings are those of kubelet, scheduler, runtimes and applications of several years; sources stand beside them.
"""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.state.meta import Ref
from tests.bench.rootcause_scenarios.topologies import Estate
from tests.unit.rootcause.builders import Cluster, Plain, Workload, ago, condition

Answer = tuple[set[Ref], str]
Mechanism = Callable[[Cluster, Estate], Answer]
MECHANISMS: dict[str, Mechanism] = {}
NEEDS_LOGS: set[str] = set()
NEEDS_EVENTS: set[str] = set()


def mechanism(*, needs: str = "") -> Callable[[Mechanism], Mechanism]:
    """Register a mechanism; `needs` names evidence without which nobody could tell: `logs` or `events`."""

    def register(function: Mechanism) -> Mechanism:
        MECHANISMS[function.__name__] = function
        if needs == "logs":
            NEEDS_LOGS.add(function.__name__)
        if needs == "events":
            NEEDS_EVENTS.add(function.__name__)
        return function

    return register


def victim(c: Cluster, e: Estate, replicas: int = 2, **container: object) -> Workload:
    return c.deployment(
        e.where(e.victim), replicas, **{"ports": [{"name": "http", "containerPort": e.port}], **container}
    )


def deployment(e: Estate) -> set[Ref]:
    return {Ref("Deployment", e.space, e.victim)}


# Images


def _pull(c: Cluster, e: Estate, text: str) -> None:
    ill = victim(c, e, image="quay.example.org/team/app:7")
    ill.waiting("ImagePullBackOff", 'Back-off pulling image "quay.example.org/team/app:7"')
    ill.reported("Failed", f'Failed to pull image "quay.example.org/team/app:7": {text}')
    ill.reported("Failed", "Error: ErrImagePull")


@mechanism(needs="events")
def image_gone_from_quay(c: Cluster, e: Estate) -> Answer:
    # UKHomeOffice/kb8or issue 68
    _pull(
        c,
        e,
        "image pull failed for quay.example.org/team/app:7, details: (Tag 7 not found in repository quay.example.org/team/app)",
    )
    return deployment(e), "image_not_found"


@mechanism(needs="events")
def image_gone_from_artifactory(c: Cluster, e: Estate) -> Answer:
    _pull(
        c,
        e,
        "rpc error: code = NotFound desc = failed to pull and unpack image: failed to resolve reference: quay.example.org/team/app:7: not found",
    )
    return deployment(e), "image_not_found"


@mechanism(needs="events")
def image_login_expired(c: Cluster, e: Estate) -> Answer:
    # kubernetes issue 110675
    _pull(
        c,
        e,
        "failed to resolve reference: pulling from host quay.example.org failed with status code [manifests 7]: 401 Unauthorized",
    )
    return deployment(e), "image_pull_auth"


@mechanism(needs="events")
def image_token_refused(c: Cluster, e: Estate) -> Answer:
    # kastenhq/kubestr issue 66
    _pull(
        c,
        e,
        "rpc error: code = Unknown desc = error pulling image configuration: denied: unauthenticated: User cannot be authenticated with the token provided.",
    )
    return deployment(e), "image_pull_auth"


@mechanism(needs="events")
def registry_proxy_down(c: Cluster, e: Estate) -> Answer:
    _pull(
        c,
        e,
        'failed to do request: Head "https://quay.example.org/v2/team/app/manifests/7": proxyconnect tcp: dial tcp 10.4.4.4:3128: connect: connection refused',
    )
    return deployment(e), "registry_dns_or_network"


@mechanism(needs="events")
def registry_name_unresolved(c: Cluster, e: Estate) -> Answer:
    _pull(
        c,
        e,
        "Error response from daemon: Get https://quay.example.org/v2/: dial tcp: lookup quay.example.org: Temporary failure in name resolution",
    )
    return deployment(e), "registry_dns_or_network"


# Configuration


@mechanism()
def settings_renamed(c: Cluster, e: Estate) -> Answer:
    victim(c, e, envFrom=[{"configMapRef": {"name": "runtime-settings"}}]).waiting(
        "CreateContainerConfigError", 'configmap "runtime-settings" not found'
    )
    return deployment(e), "missing_configmap"


@mechanism()
def settings_volume_absent(c: Cluster, e: Estate) -> Answer:
    ill = victim(c, e).having(volumes=[{"name": "conf", "configMap": {"name": "routes"}}]).waiting("ContainerCreating")
    ill.reported(
        "FailedMount",
        "Unable to attach or mount volumes: unmounted volumes=[conf], unattached volumes=[conf kube-api-access-x]: timed out waiting for the condition",
    )
    return deployment(e), "missing_configmap"


@mechanism()
def key_file_absent(c: Cluster, e: Estate) -> Answer:
    victim(c, e).having(volumes=[{"name": "keys", "secret": {"secretName": "signing-keys"}}]).waiting(
        "ContainerCreating"
    )
    return deployment(e), "missing_secret"


@mechanism()
def password_key_renamed(c: Cluster, e: Estate) -> Answer:
    c.add("ConfigMap", e.where("db"), {"data": {"user": "a", "passwd": "b"}})
    env = [{"name": "PGPASSWORD", "valueFrom": {"configMapKeyRef": {"name": "db", "key": "password"}}}]
    victim(c, e, env=env).waiting("CreateContainerConfigError", f"couldn't find key password in ConfigMap {e.space}/db")
    return deployment(e), "missing_key_in_configmap_or_secret"


@mechanism()
def entrypoint_typo(c: Cluster, e: Estate) -> Answer:
    text = 'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "/srv/strat.sh": stat /srv/strat.sh: no such file or directory: unknown'
    victim(c, e, command=["/srv/strat.sh"]).crashing(127, "StartError", message=text)
    return deployment(e), "bad_command"


# Crashes


@mechanism()
def cache_outgrows_limit(c: Cluster, e: Estate) -> Answer:
    victim(c, e, resources={"limits": {"memory": "192Mi"}}).crashing(137, "OOMKilled", log="warming cache: 81 %\n")
    return deployment(e), "oom_killed"


@mechanism(needs="logs")
def unhandled_rejection(c: Cluster, e: Estate) -> Answer:
    log = "server starting\n/srv/node_modules/pg/lib/client.js:55\n            throw err\n            ^\n\nTypeError: this.pool.query is not a function\n    at Store.load (/srv/store.js:40:22)\n    at async main (/srv/index.js:9:3)\n\nNode.js v20.11.1"
    victim(c, e).crashing(1, log=log)
    return deployment(e), "app_exception"


@mechanism(needs="logs")
def dotnet_exception(c: Cluster, e: Estate) -> Answer:
    log = "Unhandled exception. System.FormatException: The input string 'twelve' was not in a correct format.\n   at System.Number.ThrowFormatException[TChar]()\n   at Triage.Program.Main(String[] args) in /src/Program.cs:line 14"
    victim(c, e).crashing(134, log=log)
    return deployment(e), "app_exception"


@mechanism(needs="logs")
def kotlin_exception(c: Cluster, e: Estate) -> Answer:
    log = "2026-03-04 11:58:01.512 ERROR 1 --- [main] o.s.boot.SpringApplication : Application run failed\norg.springframework.beans.factory.BeanCreationException: Error creating bean with name 'routes'\nCaused by: java.lang.IllegalStateException: duplicate route /a\n\tat app.RoutesKt.main(Routes.kt:12)"
    victim(c, e).crashing(1, log=log)
    return deployment(e), "app_exception"


@mechanism(needs="logs")
def variable_lost_laravel(c: Cluster, e: Estate) -> Answer:
    victim(c, e, env=[{"name": "APP_ENV", "value": "prod"}]).crashing(
        1, log="In Config.php line 12:\n  Required environment variable BILLING_ENDPOINT is missing\n"
    )
    return deployment(e), "missing_env_var"


@mechanism(needs="logs")
def variable_lost_go(c: Cluster, e: Estate) -> Answer:
    victim(c, e).crashing(2, log='{"level":"fatal","ts":1.7e9,"msg":"config: BILLING_ENDPOINT must be provided"}')
    return deployment(e), "missing_env_var"


@mechanism(needs="logs")
def variable_lost_mysql_image(c: Cluster, e: Estate) -> Answer:
    log = "[Note] [Entrypoint]: Entrypoint script for MySQL Server started.\n[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified\n    You need to specify one of the following as an environment variable:\n    - MYSQL_ROOT_PASSWORD\n    - MYSQL_ALLOW_EMPTY_PASSWORD\n"
    victim(c, e).crashing(1, log=log)
    return deployment(e), "missing_env_var"


@mechanism()
def migration_fails(c: Cluster, e: Estate) -> Answer:
    victim(c, e).crashing(3, init="schema", log='applying 0007_rooms\nERROR: column "bed" already exists\n')
    return deployment(e), "init_container_crash"


# Probes


def _http(port: int | str, **fields: object) -> Plain:
    return {"httpGet": {"path": "/live", "port": port}, **fields}


@mechanism()
def liveness_on_metrics_port(c: Cluster, e: Estate) -> Answer:
    ill = victim(c, e, livenessProbe=_http(9999), readinessProbe=_http(e.port)).crashing(
        143, log=f"listening on 0.0.0.0:{e.port}\ngot SIGTERM, bye\n"
    )
    # wording of kubelets before 1.19
    ill.reported(
        "Unhealthy",
        "Liveness probe failed: Get http://10.1.0.3:9999/live: dial tcp 10.1.0.3:9999: getsockopt: connection refused",
    )
    return deployment(e), "liveness_wrong_port"


@mechanism()
def liveness_port_name_gone(c: Cluster, e: Estate) -> Answer:
    ill = victim(c, e, livenessProbe=_http("http-wh-metrics")).crashing(137)
    # mconfalonieri/external-dns-hetzner-webhook issue 33
    ill.reported("Unhealthy", 'Liveness probe errored: strconv.Atoi: parsing "http-wh-metrics": invalid syntax')
    return deployment(e), "liveness_wrong_port"


@mechanism()
def readiness_on_old_port(c: Cluster, e: Estate) -> Answer:
    ill = victim(c, e, readinessProbe={"tcpSocket": {"port": 8443}}).not_ready()
    ill.reported("Unhealthy", "Readiness probe failed: dial tcp 10.1.0.3:8443: connect: connection refused")
    return deployment(e), "readiness_wrong_port"


@mechanism(needs="events")
def liveness_speaks_tls(c: Cluster, e: Estate) -> Answer:
    probe = {"httpGet": {"path": "/live", "port": e.port, "scheme": "HTTPS"}}
    ill = victim(c, e, livenessProbe=probe).crashing(137)
    ill.reported(
        "Unhealthy",
        f'Liveness probe failed: Get "https://10.1.0.3:{e.port}/live": http: server gave HTTP response to HTTPS client',
    )
    return deployment(e), "liveness_wrong_protocol"


@mechanism(needs="events")
def readiness_speaks_http_to_grpc(c: Cluster, e: Estate) -> Answer:
    ill = victim(c, e, readinessProbe=_http(e.port)).not_ready()
    ill.reported(
        "Unhealthy",
        f'Readiness probe failed: Get "http://10.1.0.3:{e.port}/live": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\\x00\\x00\\x06\\x04"',
    )
    return deployment(e), "readiness_wrong_protocol"


@mechanism(needs="events")
def slow_start_is_killed(c: Cluster, e: Estate) -> Answer:
    ill = victim(
        c, e, livenessProbe=_http(e.port, initialDelaySeconds=3, periodSeconds=3, failureThreshold=2)
    ).crashing(143, log="compiling templates (31/240)\n")
    ill.reported(
        "Unhealthy",
        f'Liveness probe failed: Get "http://10.1.0.3:{e.port}/live": dial tcp 10.1.0.3:{e.port}: connect: connection refused',
    )
    ill.reported("Killing", f"Container {e.victim} failed liveness probe, will be restarted", type_="Normal")
    return deployment(e), "liveness_too_aggressive"


# Scheduling


@mechanism()
def cpu_wanted(c: Cluster, e: Estate) -> Answer:
    victim(c, e, resources={"requests": {"cpu": "12"}}).pending(
        "0/5 nodes are available: 1 node(s) had untolerated taint {only: heavy}, 4 Insufficient cpu. preemption: 0/5 nodes are available: 1 Preemption is not helpful for scheduling, 4 No preemption victims found for incoming pod."
    )
    return deployment(e), "insufficient_cpu"


@mechanism()
def memory_wanted(c: Cluster, e: Estate) -> Answer:
    # argoproj/argo-workflows issue 190: words of schedulers before 1.10
    victim(c, e, resources={"requests": {"memory": "48Gi"}}).pending(
        "No nodes are available that match all of the following predicates:: Insufficient memory (4), PodToleratesNodeTaints (1)."
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
        "0/5 nodes are available: 1 node(s) had untolerated taint {only: heavy}, 4 node(s) didn't match pod anti-affinity rules."
    )
    return deployment(e), "pod_anti_affinity"


@mechanism()
def heavy_pool_closed(c: Cluster, e: Estate) -> Answer:
    victim(c, e).having(nodeSelector={"pool": "heavy"}).pending(
        "0/5 nodes are available: 1 node(s) had taint {only: heavy}, that the pod didn't tolerate, 4 node(s) didn't match node selector."
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
        'Internal error occurred: failed calling webhook "inject.mesh.example.org": Post https://injector.mesh.svc:443/mutate?timeout=30s: net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)'
    )
    return {
        Ref("Deployment", "mesh", "injector"),
        Ref("MutatingWebhookConfiguration", "", "sidecars"),
        *deployment(e),
    }, "webhook_unavailable_or_slow"


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
    ill = victim(c, e, readinessProbe=_http(e.port)).not_ready(
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
    pod = c.add("Pod", e.where("export-k2x"), {"metadata": {"ownerReferences": [owner]}, "spec": {"containers": [{"name": "run"}], "nodeName": "worker-0", "restartPolicy": "Never"},
                                               "status": {"phase": "Failed", "containerStatuses": [{"name": "run", "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}})  # fmt: skip
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
    c.add("HorizontalPodAutoscaler", e.where("auto"), {
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": e.victim}, "maxReplicas": 9, "metrics": [metric]},
        "status": {"conditions": [condition("AbleToScale", "True"), condition("ScalingActive", "False", "FailedGetResourceMetric", f"the HPA was unable to compute the replica count: missing request for memory in container {e.victim} of Pod {e.victim}-x")]}})  # fmt: skip
    return {Ref("HorizontalPodAutoscaler", e.space, "auto")}, "hpa_no_metrics"


# Disruption and deletion


@mechanism()
def drain_waits(c: Cluster, e: Estate) -> Answer:
    c.objects["Node"][0]["spec"].update(
        unschedulable=True, taints=[{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]
    )
    c.add("PodDisruptionBudget", e.where("keep"), {"spec": {"minAvailable": "100%", "selector": {"matchLabels": {"app": e.neighbour}}},
                                                   "status": {"disruptionsAllowed": 0, "currentHealthy": 2, "desiredHealthy": 2, "expectedPods": 2}})  # fmt: skip
    return {Ref("PodDisruptionBudget", e.space, "keep")}, "pdb_blocks_drain"


@mechanism()
def operator_removed_first(c: Cluster, e: Estate) -> Answer:
    c.add("Namespace", "retired", {"metadata": {"deletionTimestamp": ago(90), "labels": {}}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Terminating", "conditions": [
        condition("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: db.example.org/backup in 3 resource instances")]}})  # fmt: skip
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
    victim(c, e, readinessProbe=_http(e.port))
    c.service(e.where(e.victim), target=e.port + 5)
    _complains(
        c,
        e,
        f"org.apache.http.conn.HttpHostConnectException: Connect to {e.victim}:80 [{e.victim}/10.96.3.3] failed: Connection refused\n",
    )
    return {Ref("Service", e.space, e.victim)}, "target_port_mismatch"


@mechanism(needs="logs")
def service_deleted(c: Cluster, e: Estate) -> Answer:
    victim(c, e)
    _complains(
        c,
        e,
        f"urllib3.exceptions.NameResolutionError: <urllib3.connection.HTTPConnection object at 0x7f>: Failed to resolve '{e.victim}' ([Errno -2] Name or service not known)\n",
    )
    return {Ref("Service", e.space, e.victim), Ref("Deployment", e.space, e.caller)}, "service_missing"


@mechanism(needs="events")
def all_pods_refuse_traffic(c: Cluster, e: Estate) -> Answer:
    ill = victim(c, e, readinessProbe=_http(e.port)).not_ready(
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
        f'W0304 11:58:00 reflector.go:561] failed to list *v1.Secret: secrets is forbidden: User "system:serviceaccount:{e.space}:default" cannot list resource "secrets" in API group "" at the cluster scope\n'
    )
    return deployment(e), "rbac_forbidden"
