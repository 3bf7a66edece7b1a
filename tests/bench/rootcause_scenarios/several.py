# ruff: noqa: E501  (messages stand as the cluster's parts write them)
"""Two faults at once, and one fault whose loudest symptom is elsewhere."""

from __future__ import annotations

from typing import Any

from tests.bench.heldout.dump import cond
from tests.bench.heldout.props import budget, hook, hpa, http, ingress, pull, quota
from tests.bench.rootcause_scenarios.case import CASES, Case, Fault, Scene, everywhere
from tests.bench.rootcause_scenarios.dependencies import env, store
from tests.bench.rootcause_scenarios.estate import DAY, at
from tests.bench.rootcause_scenarios.topologies import TOPOLOGIES

several = everywhere("several")

PAIRS = (
    ("repository_not_known", "above_the_maximum"),
    ("harbor_unauthorized", "key_renamed_in_configmap"),
    ("dns_server_misbehaving", "killed_at_its_limit"),
    ("crun_executable_not_found", "request_above_every_node"),
    ("jvm_option_unknown", "label_added_to_the_service_only"),
    ("flyway_validation", "port_of_the_version_before"),
    ("postgres_chmod", "left_suspended_for_weeks"),
    ("root_image_and_non_root_policy", "all_replicas_must_stay"),
    ("cilium_agent_gone", "phoenix_secret_key"),
    ("spring_port_in_use", "claim_was_never_made"),
    ("http_liveness_on_the_old_port", "class_with_a_typo"),
    ("http_readiness_on_the_debug_port", "namespace_waits_for_a_finalizer"),
    ("rust_panic", "requests_cpu_used_up"),
    ("java_validity_check", "pods_used_up"),
    ("leader_lock_forbidden", "export_tried_four_times"),
    ("mongo_scram_mismatch", "zone_without_nodes"),
    ("redis_maxmemory", "container_without_a_cpu_request"),
    ("postgres_cannot_extend", "gpu_where_there_is_none"),
    ("throttled_periods", "labels_that_no_volume_has"),
    ("receive_errors_of_a_card", "redis_maxmemory"),
    ("default_deny_of_the_namespace", "sqlalchemy_queue_pool"),
    ("mongo_collection_scan", "route_not_allowed_by_listeners"),
)  # fmt: skip


def _pair(first: str, second: str) -> Any:
    known = {case.name: case for case in CASES}

    def build(s: Scene) -> list[Fault]:
        return [*known[first].play(s), *known[second].play(s.other())]

    return build


def register_pairs() -> None:
    """The pairs, in both estates: the first breaks the first cast, the second the other, in another namespace."""
    for first, second in PAIRS:
        for where in TOPOLOGIES:
            CASES.append(Case(f"{first} and {second} ({where.name})", "several", "", _pair(first, second), where))


# Cascades


@several
def database_password_takes_its_clients_down(s: Scene) -> list[Fault]:
    db = s.d.app(
        s.space,
        "orbit-store",
        kind="StatefulSet",
        replicas=1,
        age=30,
        labels=s.labels("orbit-store"),
        c={"image": "docker.io/library/postgres:16.3", "ports": [{"containerPort": 5432}]},
    )
    text = 'Error: Database is uninitialized and superuser password is not specified.\n       You must specify POSTGRES_PASSWORD to a non-empty value for the\n       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".\n'
    db.crash(1, text)
    s.d.service(s.space, "orbit-store", selector=s.labels("orbit-store"), ports=[{"port": 5432, "targetPort": 5432}])
    s.victim(c=env(DB_ADDR="orbit-store:5432"))
    s.crash(1, "dial tcp 172.20.7.10:5432: connect: connection refused\ncannot reach orbit-store:5432\n")
    s.caller("503 from upstream\n" * 4)
    return s.fault("missing_env_var", "StatefulSet orbit-store")


@several
def memory_limit_starves_route_and_autoscaler(s: Scene) -> list[Fault]:
    s.victim(c={"resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "96Mi"}}})
    s.crash(137, "warming\n", reason="OOMKilled")
    s.d.add("IngressClass", "", "edge-proxy", {"spec": {"controller": "k8s.io/ingress-nginx"}})
    ingress(s.d, s.space, "public-plan", "plan.example.org", s.name, 80, cls="edge-proxy")
    s.caller("GET /v1/plan 503\n" * 5)
    return s.fault("oom_killed")


@several
def wrong_readiness_port_seen_as_gateway_errors(s: Scene) -> list[Fault]:
    s.victim(c={"readinessProbe": http(6161)}, age=9 * DAY)
    s.app.unready(
        'Readiness probe failed: Get "http://10.244.0.31:6161/healthz": dial tcp 10.244.0.31:6161: connect: connection refused',
        log=f"listening on :{s.port}\n",
    )
    s.caller("no endpoints available, 503\n" * 5)
    s.d.alert(
        "HighErrorRate",
        f"{s.cast.caller} answers 5xx for 99% of requests.",
        namespace=s.space,
        service=s.cast.caller,
        severity="critical",
    )
    return s.fault("readiness_wrong_port")


@several
def lost_node_takes_the_only_database(s: Scene) -> list[Fault]:
    db = store(s, "orbit-store", "docker.io/library/postgres:16.3", 5432, "ready\n")
    db.pods[0]["spec"]["nodeName"] = s.node(2)
    s.victim(c=env(DB_ADDR="orbit-store:5432"), age=9 * DAY)
    for index, pod in enumerate(s.app.pods):
        pod["spec"]["nodeName"] = s.node(index)
    s.app.unready(
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
        log="connect orbit-store:5432: i/o timeout\n" * 6,
    )
    s.d.node_down(s.nodes[2], "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", ago=22)
    s.d.node_service(s.nodes[2], "kubelet", False, "inactive", ago=23)
    return s.fault("kubelet_down", f"Node /{s.node(2)}")


@several
def dead_guard_keeps_new_pods_out(s: Scene) -> list[Fault]:
    far = s.topology.casts[1].space
    guard = s.d.app(
        far,
        "cargo-guard",
        replicas=1,
        age=40,
        labels=s.labels("cargo-guard"),
        c={"image": s.image("cargo-guard", "9.9.9")},
    )
    pull(
        guard,
        f'failed to resolve reference "{s.image("cargo-guard", "9.9.9")}": {s.image("cargo-guard", "9.9.9")}: not found',
        "ImagePullBackOff",
    )
    s.d.service(far, "cargo-guard", selector=s.labels("cargo-guard"), ports=[{"port": 443, "targetPort": 8080}])
    hook(s.d, "Validating", "cargo-rules", "rules.cargo-guard.example", far, "cargo-guard", "/validate")
    s.victim(age=30)
    s.app.refused(
        'Error creating: Internal error occurred: failed calling webhook "rules.cargo-guard.example": failed to call webhook: Post "https://cargo-guard.x.svc:443/validate?timeout=10s": no endpoints available for service "cargo-guard"'
    )
    return s.fault("image_not_found", f"Deployment {far}/cargo-guard")


@several
def service_lost_its_pods_and_three_callers_cry(s: Scene) -> list[Fault]:
    s.victim(age=20 * DAY, service=False)
    s.app.log("listening\n")
    s.serve(selector={**s.labels(s.name), "track": "stable"})
    s.caller("connect: connection refused http://" + s.name + "\n" * 2)
    for number in range(2):
        other = s.d.app(
            s.space,
            f"relay-{number}",
            age=20 * DAY,
            labels=s.labels(f"relay-{number}"),
            c=env(PLAN_URL=f"http://{s.name}"),
        )
        other.log(f"POST http://{s.name}/v1/plan: dial tcp 172.20.9.10:80: connect: connection refused\n" * 6)
    return s.fault("service_selector_mismatch", f"Service {s.name}")


@several
def cache_at_zero_and_everything_slow(s: Scene) -> list[Fault]:
    cache = s.d.app(
        s.space,
        "tide-cache",
        replicas=0,
        age=30 * DAY,
        labels=s.labels("tide-cache"),
        c={"image": "docker.io/library/redis:7.2"},
    )
    cache.obj["metadata"]["generation"] = 4
    s.d.event(
        cache.obj,
        "ScalingReplicaSet",
        "Scaled down replica set tide-cache-7f9c5d8b6 from 1 to 0",
        ago=26,
        count=1,
        type_="Normal",
        by="deployment-controller",
    )
    s.d.service(s.space, "tide-cache", selector=s.labels("tide-cache"), ports=[{"port": 6379, "targetPort": 6379}])
    s.victim(c=env(CACHE_ADDR="tide-cache:6379"))
    s.crash(1, "redis.exceptions.ConnectionError: Error 111 connecting to tide-cache:6379. Connection refused.\n")
    return s.fault("zero_replicas", "Deployment tide-cache", "Service tide-cache")


@several
def broken_claim_takes_the_store_and_its_client(s: Scene) -> list[Fault]:
    made = s.d.add(
        "PersistentVolumeClaim",
        s.space,
        "orbit-disk",
        {
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "premium-zrs",
                "resources": {"requests": {"storage": "8Gi"}},
            },
            "status": {"phase": "Pending"},
        },
        40,
    )
    s.d.event(
        made,
        "ProvisioningFailed",
        'storageclass.storage.k8s.io "premium-zrs" not found',
        by="persistentvolume-controller",
        count=50,
    )
    db = s.d.app(
        s.space,
        "orbit-store",
        kind="StatefulSet",
        replicas=1,
        age=40,
        labels=s.labels("orbit-store"),
        c={"ports": [{"containerPort": 5432}]},
        spec={"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "orbit-disk"}}]},
    )
    db.unscheduled(f"0/{len(s.nodes)} nodes are available: pod has unbound immediate PersistentVolumeClaims.")
    s.d.service(s.space, "orbit-store", selector=s.labels("orbit-store"), ports=[{"port": 5432, "targetPort": 5432}])
    s.victim(c=env(DB_ADDR="orbit-store:5432"))
    s.crash(1, 'connection to server at "orbit-store" (172.20.7.10), port 5432 failed: Connection refused\n')
    return s.fault("pvc_storageclass_missing", "PersistentVolumeClaim orbit-disk", "StatefulSet orbit-store")


@several
def quota_stops_the_rollout_of_a_fix(s: Scene) -> list[Fault]:
    quota(s.d, s.space, "harbour-share", {"pods": "9"}, {"pods": "9"})
    s.victim(replicas=2, age=35)
    s.app.refused(
        'Error creating: pods "x" is forbidden: exceeded quota: harbour-share, requested: pods=1, used: pods=9, limited: pods=9'
    )
    s.caller("no healthy upstream\n" * 4)
    return s.fault("quota_pods", f"Deployment {s.name}", "ResourceQuota harbour-share")


@several
def missing_secret_and_its_autoscaler(s: Scene) -> list[Fault]:
    ref = {"secretKeyRef": {"name": "pilot-token", "key": "value"}}
    s.victim(c={"env": [{"name": "PILOT_TOKEN", "valueFrom": ref}], "resources": {"requests": {"cpu": "100m"}}})
    s.app.waiting("CreateContainerConfigError", 'secret "pilot-token" not found')
    s.app.event("Failed", 'Error: secret "pilot-token" not found', count=40)
    told = "the HPA was unable to compute the replica count: failed to get cpu utilization: no metrics returned from resource metrics API"
    made = hpa(
        s.d,
        s.space,
        s.name,
        "Deployment",
        [
            cond("AbleToScale", "True", "SucceededGetScale", "", 40),
            cond("ScalingActive", "False", "FailedGetResourceMetric", told, 40),
        ],
    )
    s.d.event(made, "FailedGetResourceMetric", told, by="horizontal-pod-autoscaler", count=100)
    return s.fault("missing_secret", f"Deployment {s.name}", "Secret pilot-token")


@several
def two_faults_of_one_workload(s: Scene) -> list[Fault]:
    s.victim(
        service=False, c={"resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "96Mi"}}}
    )
    s.crash(137, "warming\n", reason="OOMKilled")
    s.serve(ports=[{"name": "http", "port": 80, "targetPort": "http-admin"}])
    return [*s.fault("oom_killed"), *s.fault("target_port_mismatch", f"Service {s.name}")]


@several
def bad_rollout_while_a_node_is_drained(s: Scene) -> list[Fault]:
    s.victim(replicas=2, age=9 * DAY)
    pods = s.app.new_revision({"image": s.image(tag="5.3.0-rc1")}, pods=1, age=25)
    s.app.pods = pods
    pull(
        s.app,
        f'failed to resolve reference "{s.image(tag="5.3.0-rc1")}": {s.image(tag="5.3.0-rc1")}: not found',
        "ImagePullBackOff",
    )
    far = s.other()
    far.victim(replicas=1, age=30 * DAY)
    budget(s.d, far.space, "tariff-guard", far.labels(far.name), {"minAvailable": 1}, expected=1, desired=1, healthy=1)
    node = next(n for n in s.nodes if n["metadata"]["name"] == far.app.pods[0]["spec"]["nodeName"])
    node["spec"]["unschedulable"] = True
    node["spec"]["taints"] = [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": at(55)}]
    return [
        *s.fault("image_not_found"),
        *far.fault(
            "pdb_blocks_drain",
            "PodDisruptionBudget tariff-guard",
            f"Deployment {far.name}",
            f"Node /{node['metadata']['name']}",
        ),
    ]
