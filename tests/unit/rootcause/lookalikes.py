# ruff: noqa: E501  (messages stand as kubelet, scheduler and runtimes write them)
"""For each failure mode a cluster that resembles it and must not be called so.

Some are well, some have another fault. What is checked is only that the mode they resemble is not claimed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.bench.heldout.dump import DAY, Dump, at, cond
from tests.bench.heldout.props import budget, claim, evicted, hook, hpa, http, ingress, pressure, pull, quota, volume

LOOKALIKES: dict[str, Callable[[Dump], None]] = {}
ONE_TERM = "requiredDuringSchedulingIgnoredDuringExecution"


def resembles(mode: str) -> Callable[[Callable[[Dump], None]], Callable[[Dump], None]]:
    def register(build: Callable[[Dump], None]) -> Callable[[Dump], None]:
        LOOKALIKES[mode] = build
        return build

    return register


def nodes(text: str) -> str:
    return f"0/3 nodes are available: {text}. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."


def asks(**requests: str) -> dict[str, Any]:
    return {"resources": {"requests": {k.replace("__", "/").replace("_", "."): v for k, v in requests.items()}}}


# Images and configuration


@resembles("image_not_found")
def registry_host_not_found(d: Dump) -> None:
    pull(
        d.app("a", "b", c={"image": "reg.local/b:1"}),
        'failed to resolve reference "reg.local/b:1": failed to do request: Head "https://reg.local/v2/b/manifests/1": dial tcp: lookup reg.local on 10.0.0.2:53: no such host',
    )


@resembles("image_pull_auth")
def tag_not_found_with_a_good_secret(d: Dump) -> None:
    d.add("Secret", "a", "regcred", {"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": ""}})
    a = d.app("a", "b", c={"image": "reg.local/b:9"}, spec={"imagePullSecrets": [{"name": "regcred"}]})
    pull(
        a,
        'rpc error: code = NotFound desc = failed to pull and unpack image "reg.local/b:9": failed to resolve reference "reg.local/b:9": reg.local/b:9: not found',
    )


@resembles("registry_dns_or_network")
def a_pull_that_came_through(d: Dump) -> None:
    a = d.app("a", "b", age=20)
    a.event(
        "Failed", 'Failed to pull image "quay.io/acme/b:2024.11.3": dial tcp 1.2.3.4:443: i/o timeout', ago=18, count=2
    )
    a.event("Pulled", 'Successfully pulled image "quay.io/acme/b:2024.11.3" in 3s', ago=17, type_="Normal", count=1)


@resembles("missing_configmap")
def optional_configmap(d: Dump) -> None:
    a = d.app("a", "b", c={"envFrom": [{"configMapRef": {"name": "extra", "optional": True}}]})
    a.crash(1, "panic: assignment to entry in nil map\n\ngoroutine 1 [running]:\nmain.main()\n")


@resembles("missing_secret")
def optional_secret_of_a_pod_that_waits_for_something_else(d: Dump) -> None:
    a = d.app(
        "a",
        "b",
        spec={"volumes": [{"name": "t", "secret": {"secretName": "tls", "optional": True}}]},
        c={"envFrom": [{"configMapRef": {"name": "env"}}]},
    )
    a.waiting("CreateContainerConfigError", 'configmap "env" not found').event(
        "Failed", 'Error: configmap "env" not found'
    )


@resembles("missing_key_in_configmap_or_secret")
def optional_key(d: Dump) -> None:
    d.add("ConfigMap", "a", "conf", {"data": {"x": "1"}})
    d.app(
        "a",
        "b",
        c={"env": [{"name": "Y", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "y", "optional": True}}}]},
    )


@resembles("bad_command")
def program_that_misses_its_file(d: Dump) -> None:
    d.app("a", "b").crash(1, 'level=fatal msg="open /etc/app/config.yaml: no such file or directory"\n')


# Crashes and rights


@resembles("init_container_crash")
def init_container_that_came_through(d: Dump) -> None:
    a = d.app("a", "b", init=[{"name": "wait"}])
    for pod in a.pods:
        pod["status"]["initContainerStatuses"][0]["restartCount"] = 2
        d.event(pod, "BackOff", "Back-off restarting failed container wait in pod b", ago=38, count=3)


@resembles("oom_killed")
def killed_by_its_probe(d: Dump) -> None:
    a = d.app("a", "b", c={"livenessProbe": http(8081)})
    a.killed_by_probe(
        'Liveness probe failed: Get "http://10.1.1.1:8081/healthz": dial tcp 10.1.1.1:8081: connect: connection refused',
        log="listening on 8080\n",
    )


@resembles("app_exception")
def stack_trace_in_a_ready_app(d: Dump) -> None:
    d.app("a", "b", age=DAY).log(
        'Traceback (most recent call last):\n  File "/a.py", line 3, in f\nValueError: bad input\nGET /x 400\n' * 9
    )


@resembles("missing_env_var")
def variable_with_a_default(d: Dump) -> None:
    d.app("a", "b", age=DAY).log("WARN environment variable CACHE_SIZE is not set, using 128\nINFO ready\n")


@resembles("rbac_forbidden")
def forbidden_by_somebody_else(d: Dump) -> None:
    d.app("a", "b", age=DAY).log(
        "botocore.exceptions.ClientError: An error occurred (403) when calling the HeadObject operation: Forbidden\n"
        * 4
    )


# Probes


@resembles("liveness_wrong_port")
def slow_start_on_the_right_port(d: Dump) -> None:
    a = d.app("a", "b", c={"livenessProbe": http(8080, initialDelaySeconds=3)})
    a.killed_by_probe(
        'Liveness probe failed: Get "http://10.1.1.1:8080/healthz": dial tcp 10.1.1.1:8080: connect: connection refused',
        code=143,
        log="loading model\n",
    )


@resembles("liveness_wrong_protocol")
def app_that_answers_500(d: Dump) -> None:
    a = d.app("a", "b", c={"livenessProbe": http(8080)})
    a.killed_by_probe(
        "Liveness probe failed: HTTP probe failed with statuscode: 500", log="ERROR deadlock detected in worker pool\n"
    )


@resembles("liveness_too_aggressive")
def memory_behind_a_failing_probe(d: Dump) -> None:
    a = d.app("a", "b", c={"livenessProbe": http(8080)})
    a.crash(137, reason="OOMKilled", ran=2).event(
        "Unhealthy", 'Liveness probe failed: Get "http://10.1.1.1:8080/healthz": context deadline exceeded', count=2
    )


@resembles("readiness_wrong_port")
def declared_port_not_open_yet(d: Dump) -> None:
    a = d.app("a", "b", c={"readinessProbe": http(8080)})
    a.unready(
        'Readiness probe failed: Get "http://10.1.1.1:8080/healthz": dial tcp 10.1.1.1:8080: connect: connection refused',
        log="loading 12 GB index\n",
    )


@resembles("readiness_wrong_protocol")
def ready_endpoint_answers_503(d: Dump) -> None:
    d.app("a", "b", c={"readinessProbe": http(8080)}).unready(
        "Readiness probe failed: HTTP probe failed with statuscode: 503"
    )


# Scheduling


@resembles("insufficient_cpu")
def scheduled_since_the_scale_up(d: Dump) -> None:
    a = d.app("a", "b", age=10)
    a.event("FailedScheduling", nodes("3 Insufficient cpu"), ago=9, by="default-scheduler")


@resembles("insufficient_memory")
def wrong_label_and_full_nodes(d: Dump) -> None:
    d.app("a", "b", c=asks(memory="20Gi"), spec={"nodeSelector": {"pool": "none"}}).unscheduled(
        nodes("3 node(s) didn't match Pod's node affinity/selector")
    )


@resembles("insufficient_gpu_or_extended")
def taint_named_like_the_resource(d: Dump) -> None:
    for node in d.nodes:
        node["spec"]["taints"] = [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
    d.app("a", "b").unscheduled(nodes("3 node(s) had untolerated taint {nvidia.com/gpu: present}"))


@resembles("node_selector_mismatch")
def affinity_alone_rules_all_out(d: Dump) -> None:
    d.app("a", "b", spec=affinity("gpu", "yes")).unscheduled(
        nodes("3 node(s) didn't match Pod's node affinity/selector")
    )


@resembles("node_affinity_mismatch")
def preference_beside_a_wrong_selector(d: Dump) -> None:
    soft = {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 1, "preference": {"matchExpressions": [{"key": "x", "operator": "Exists"}]}}
        ]
    }
    d.app("a", "b", spec={"nodeSelector": {"pool": "none"}, "affinity": {"nodeAffinity": soft}}).unscheduled(
        nodes("3 node(s) didn't match Pod's node affinity/selector")
    )


@resembles("pod_anti_affinity")
def preferred_spread_and_no_cpu(d: Dump) -> None:
    soft = {
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {
                    "weight": 9,
                    "podAffinityTerm": {
                        "topologyKey": "kubernetes.io/hostname",
                        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "b"}},
                    },
                }
            ]
        }
    }
    d.app("a", "b", c=asks(cpu="30"), spec={"affinity": soft}).unscheduled(nodes("3 Insufficient cpu"))


@resembles("taint_not_tolerated")
def control_plane_taint_beside_full_workers(d: Dump) -> None:
    d.nodes[0]["spec"]["taints"] = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    d.app("a", "b", c=asks(cpu="30")).unscheduled(
        nodes("1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient cpu")
    )


@resembles("nodes_cordoned")
def one_cordoned_node_beside_full_ones(d: Dump) -> None:
    d.nodes[0]["spec"]["unschedulable"] = True
    d.app("a", "b", c=asks(cpu="30")).unscheduled(nodes("1 node(s) were unschedulable, 2 Insufficient cpu"))


@resembles("node_name_absent")
def named_node_is_tainted(d: Dump) -> None:
    name = d.nodes[0]["metadata"]["name"]
    d.nodes[0]["spec"]["taints"] = [{"key": "team", "value": "x", "effect": "NoSchedule"}]
    d.app("a", "b", spec={"nodeSelector": {"kubernetes.io/hostname": name}}).unscheduled(
        nodes("1 node(s) had untolerated taint {team: x}, 2 node(s) didn't match Pod's node affinity/selector")
    )


def affinity(key: str, value: str) -> dict[str, Any]:
    term = {"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}
    return {"affinity": {"nodeAffinity": {ONE_TERM: {"nodeSelectorTerms": [term]}}}}


# Storage, quota, admission


@resembles("pvc_storageclass_missing")
def class_exists_and_nobody_consumes(d: Dump) -> None:
    claim(d, "a", "later", storageClassName="gp3")


@resembles("pvc_absent")
def claim_exists_without_its_class(d: Dump) -> None:
    claim(d, "a", "data", storageClassName="fast")
    d.app("a", "b", replicas=1, spec=volume("data")).unscheduled(
        nodes("pod has unbound immediate PersistentVolumeClaims")
    )


@resembles("quota_cpu")
def memory_is_what_the_quota_lacks(d: Dump) -> None:
    quota(
        d,
        "a",
        "q",
        {"requests.cpu": "2", "requests.memory": "1Gi"},
        {"requests.cpu": "1900m", "requests.memory": "1Gi"},
    )
    d.app("a", "b").refused(
        'Error creating: pods "b-x" is forbidden: exceeded quota: q, requested: requests.memory=128Mi, used: requests.memory=1Gi, limited: requests.memory=1Gi'
    )


@resembles("quota_memory")
def full_quota_and_all_replicas(d: Dump) -> None:
    quota(d, "a", "q", {"requests.memory": "256Mi"}, {"requests.memory": "256Mi"})
    d.app("a", "b", age=DAY)


@resembles("quota_pods")
def pods_at_the_quota_and_refused_by_policy(d: Dump) -> None:
    quota(d, "a", "q", {"pods": "50"}, {"pods": "2"})
    d.app("a", "b").refused(
        'Error creating: pods "b-x" is forbidden: error looking up service account a/b: serviceaccount "b" not found'
    )


@resembles("limitrange_violation")
def within_the_limit_range(d: Dump) -> None:
    d.add("LimitRange", "a", "r", {"spec": {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]}})
    d.app("a", "b", age=DAY)


@resembles("service_account_missing")
def account_exists_and_quota_refuses(d: Dump) -> None:
    d.add("ServiceAccount", "a", "runner")
    quota(d, "a", "q", {"pods": "2"}, {"pods": "2"})
    d.app("a", "b", spec={"serviceAccountName": "runner"}).refused(
        'Error creating: pods "b-x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2'
    )


@resembles("psa_rejects_recreate")
def a_warning_level_only(d: Dump) -> None:
    d.namespace(
        "a", {"pod-security.kubernetes.io/warn": "restricted", "pod-security.kubernetes.io/audit": "restricted"}
    )
    d.app("a", "b", age=DAY, spec={"hostNetwork": True})


@resembles("webhook_unavailable_or_slow")
def webhook_that_may_fail(d: Dump) -> None:
    hook(d, "Mutating", "w", "w.example.com", "gone", "gone", "/", policy="Ignore")
    d.app("a", "b")


# Controllers, disruption, deletion


@resembles("zero_replicas")
def idle_half_of_blue_and_green(d: Dump) -> None:
    d.app("a", "web-blue", age=DAY, labels={"app": "web", "slot": "blue"})
    idle = d.app("a", "web-green", replicas=0, age=DAY, labels={"app": "web", "slot": "green"})
    idle.obj["metadata"]["generation"] = 9
    d.service("a", "web-preview", selector={"app": "web", "slot": "green"})


@resembles("rollout_stuck")
def rollout_on_its_way(d: Dump) -> None:
    a = d.app("a", "b", age=DAY, replicas=3)
    a.not_ready(a.new_revision({"image": "quay.io/acme/b:2"}, pods=1, age=0.2), ago=0.2)


@resembles("job_backoff_limit")
def job_that_succeeded_at_the_second_try(d: Dump) -> None:
    a = d.app(
        "a",
        "j",
        kind="Job",
        age=60,
        over={"status": {"failed": 1, "succeeded": 1, "conditions": [cond("Complete", "True")]}},
    )
    a.finished(True, 30)


@resembles("cronjob_suspended_or_bad_schedule")
def suspended_with_a_note(d: Dump) -> None:
    d.app(
        "a",
        "c",
        kind="CronJob",
        age=99 * DAY,
        annotations={"acme.io/paused-by": "ops"},
        over={"spec": {"schedule": "0 1 * * *", "suspend": True}, "status": {"lastScheduleTime": at(9 * DAY)}},
    )


@resembles("hpa_no_metrics")
def autoscaler_of_something_at_zero(d: Dump) -> None:
    d.app("a", "b", replicas=0, age=DAY)
    hpa(
        d,
        "a",
        "b",
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
    )


@resembles("pdb_blocks_drain")
def budget_without_a_drain(d: Dump) -> None:
    a = d.app("a", "b", replicas=1, age=DAY)
    budget(d, "a", "b", a.labels, {"minAvailable": 1}, expected=1, desired=1, healthy=1)


@resembles("finalizer_deadlock")
def deleted_a_moment_ago(d: Dump) -> None:
    d.add(
        "PersistentVolumeClaim",
        "a",
        "data",
        {
            "metadata": {"deletionTimestamp": at(0.5), "finalizers": ["kubernetes.io/pvc-protection"]},
            "status": {"phase": "Bound"},
        },
    )


# Services and nodes


@resembles("service_selector_mismatch")
def service_of_something_asleep(d: Dump) -> None:
    d.app("a", "b", replicas=0, age=DAY, annotations={"sleep.example.com/until": "monday"})
    d.service("a", "b")


@resembles("target_port_mismatch")
def container_that_declares_no_port(d: Dump) -> None:
    d.app("a", "b", age=DAY, c={"ports": []})
    d.service("a", "b", ports=[{"name": "http", "port": 80, "targetPort": 9090}])


@resembles("service_missing")
def host_of_somebody_else(d: Dump) -> None:
    d.app("a", "b").crash(
        1,
        "Error: getaddrinfo ENOTFOUND api.payments.example.com\n    at GetAddrInfoReqWrap.onlookup (node:dns:107:26)\n",
    )


@resembles("endpoints_not_ready")
def pods_that_just_started(d: Dump) -> None:
    a = d.app("a", "b", age=0.2, c={"readinessProbe": http(8080, initialDelaySeconds=20)})
    a.not_ready(ago=0.2)
    d.service("a", "b")


@resembles("ingress_class_missing")
def legacy_annotation(d: Dump) -> None:
    d.app("a", "b", age=DAY)
    d.service("a", "b")
    ingress(d, "a", "b", "b.example.com", "b", 80, cls=None)["metadata"]["annotations"] = {
        "kubernetes.io/ingress.class": "nginx"
    }


@resembles("ingress_backend_or_tls_missing")
def external_backend_and_secrets_that_were_not_read(d: Dump) -> None:
    d.add("IngressClass", "", "nginx", {"spec": {"controller": "k8s.io/ingress-nginx"}})
    d.service(
        "a",
        "out",
        selector={},
        type="ExternalName",
        externalName="www.example.org",
        clusterIP="",
        ports=[{"port": 443}],
    )
    ingress(d, "a", "b", "b.example.com", "out", 8443)["spec"]["tls"] = [{"secretName": "b-tls"}]
    d.forbid("Secret")


@resembles("kubelet_down")
def kubelet_reports_a_dead_runtime(d: Dump) -> None:
    d.node_down(
        d.nodes[0],
        "False",
        "KubeletNotReady",
        "[container runtime is down, PLEG is not healthy: pleg was last seen active 8m3s ago; threshold is 3m0s]",
    )


@resembles("node_pressure_eviction")
def pressure_that_has_gone(d: Dump) -> None:
    a = d.app("a", "b", replicas=3, age=9 * DAY)
    pressure(d, d.nodes[0], "DiskPressure", "KubeletHasDiskPressure", "kubelet has disk pressure")
    evicted(d, a, a.pods[0], "The node was low on resource: ephemeral-storage. ", 2 * DAY)
    for c in d.nodes[0]["status"]["conditions"]:
        if c["type"] == "DiskPressure":
            c.update(status="False", reason="KubeletHasNoDiskPressure")
    d.nodes[0]["spec"]["taints"] = []
