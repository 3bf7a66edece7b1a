# ruff: noqa: E501  (messages stand as the cluster's parts write them)
"""Clusters without a fault that look as if they had one: what is meant, optional, under way, or merely loud."""

from __future__ import annotations

from tests.bench.heldout.dump import cond
from tests.bench.heldout.props import budget, hpa, http, ingress, quota
from tests.bench.rootcause_scenarios.case import Scene, everywhere
from tests.bench.rootcause_scenarios.estate import DAY, at, counter, jump, saw, steady
from tests.bench.rootcause_scenarios.quiet_past import well

quiet = everywhere("quiet")
MI = 1024 * 1024


# What is meant


@quiet
def parked_without_callers(s: Scene) -> None:
    s.victim(replicas=0, service=False, age=40 * DAY)


@quiet
def manual_cronjob_that_was_always_suspended(s: Scene) -> None:
    s.d.app(
        s.space,
        "restore-by-hand",
        kind="CronJob",
        age=200 * DAY,
        labels={},
        over={"metadata": {"generation": 1}, "spec": {"schedule": "0 0 1 1 *", "suspend": True}, "status": {}},
    )


@quiet
def autoscaler_at_its_minimum(s: Scene) -> None:
    well(s, c={"resources": {"requests": {"cpu": "100m"}}})
    hpa(
        s.d,
        s.space,
        s.name,
        "Deployment",
        [
            cond("AbleToScale", "True", "ReadyForNewScale", "", DAY),
            cond("ScalingActive", "True", "ValidMetricFound", "", DAY),
            cond(
                "ScalingLimited",
                "True",
                "TooFewReplicas",
                "the desired replica count is less than the minimum replica count",
                600,
            ),
        ],
    )


@quiet
def autoscaler_missed_one_metric(s: Scene) -> None:
    well(s, c={"resources": {"requests": {"cpu": "100m"}}})
    made = hpa(
        s.d,
        s.space,
        s.name,
        "Deployment",
        [
            cond("AbleToScale", "True", "ReadyForNewScale", "", DAY),
            cond("ScalingActive", "True", "ValidMetricFound", "", 40),
        ],
    )
    s.d.event(
        made,
        "FailedGetResourceMetric",
        "failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)",
        ago=41,
        count=2,
        by="horizontal-pod-autoscaler",
    )


@quiet
def budget_that_allows_one(s: Scene) -> None:
    well(s, replicas=3)
    budget(s.d, s.space, "plan-guard", s.labels(s.name), {"maxUnavailable": 1}, expected=3, desired=2, healthy=3)


@quiet
def claim_that_waits_for_its_first_pod(s: Scene) -> None:
    made = s.d.add(
        "PersistentVolumeClaim",
        s.space,
        "spare-disk",
        {
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "gp3",
                "resources": {"requests": {"storage": "5Gi"}},
            },
            "status": {"phase": "Pending"},
        },
        9 * DAY,
    )
    s.d.event(
        made,
        "WaitForFirstConsumer",
        "waiting for first consumer to be created before binding",
        type_="Normal",
        by="persistentvolume-controller",
        count=200,
    )


@quiet
def released_volume_that_nobody_wants(s: Scene) -> None:
    s.d.add("PersistentVolume", "", "shelf-old", {"spec": {"capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain", "storageClassName": "gp3",
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": s.space, "name": "gone-disk"}}, "status": {"phase": "Released"}}, 90 * DAY)  # fmt: skip


@quiet
def policies_that_let_the_caller_in(s: Scene) -> None:
    well(s)
    s.caller("INFO 200\n")
    s.d.add("NetworkPolicy", s.space, "deny-all", {"spec": {"podSelector": {}, "policyTypes": ["Ingress"]}})
    s.d.add(
        "NetworkPolicy",
        s.space,
        "let-callers-in",
        {"spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]}},
    )
    s.d.connect(s.space, s.name, 80)


@quiet
def optional_references_that_are_absent(s: Scene) -> None:
    well(s, c={"envFrom": [{"configMapRef": {"name": "extra-tuning", "optional": True}}, {"secretRef": {"name": "extra-keys", "optional": True}}]},
         spec={"volumes": [{"name": "ca", "secret": {"secretName": "extra-ca", "optional": True}}]})  # fmt: skip


@quiet
def variable_of_an_absent_service(s: Scene) -> None:
    well(
        s,
        c={
            "env": [
                {"name": "TRACER_URL", "value": "http://tracer.tracing.svc.cluster.local:4318"},
                {"name": "SMTP_HOST", "value": "smtp-relay"},
            ]
        },
    )


@quiet
def variable_set_twice_to_the_same_value(s: Scene) -> None:
    well(s, c={"env": [{"name": "MODE", "value": "live"}, {"name": "MODE", "value": "live"}]})


@quiet
def node_cordoned_with_nothing_to_place(s: Scene) -> None:
    well(s)
    s.nodes[-1]["spec"]["unschedulable"] = True
    s.nodes[-1]["spec"]["taints"] = [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]


@quiet
def reserved_node(s: Scene) -> None:
    well(s)
    s.nodes[-1]["spec"]["taints"] = [{"key": "only", "value": "ml", "effect": "NoSchedule"}]


@quiet
def quota_nearly_used_up(s: Scene) -> None:
    quota(s.d, s.space, "harbour-share", {"pods": "20", "requests.cpu": "8"}, {"pods": "19", "requests.cpu": "7900m"})
    well(s)


@quiet
def limits_defaulted_by_a_limit_range(s: Scene) -> None:
    s.d.add(
        "LimitRange",
        s.space,
        "berth-sizes",
        {
            "spec": {
                "limits": [{"type": "Container", "default": {"memory": "256Mi"}, "defaultRequest": {"memory": "64Mi"}}]
            }
        },
    )
    well(s)
    for pod in s.app.pods:
        pod["spec"]["containers"][0]["resources"] = {
            "requests": {"cpu": "100m", "memory": "128Mi"},
            "limits": {"memory": "256Mi"},
        }


@quiet
def mesh_injects_a_sidecar(s: Scene) -> None:
    well(s, sidecars=[{"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.22.1"}])
    template = s.app.obj["spec"]["template"]["spec"]
    template["containers"] = template["containers"][:1]
    s.app.log("info Envoy proxy is ready\n", container="istio-proxy")


@quiet
def canary_beside_the_stable_version(s: Scene) -> None:
    """One Service over two Deployments of one application, as a canary is made by hand."""
    well(s)
    canary = s.d.app(
        s.space,
        f"{s.name}-canary",
        replicas=1,
        age=DAY,
        labels={**s.labels(s.name), "track": "canary"},
        c={"image": s.image(tag="5.3.0"), "ports": [{"name": "http", "containerPort": s.port}]},
    )
    canary.log("listening\nserved 200\n")


@quiet
def on_delete_with_nothing_to_update(s: Scene) -> None:
    status = {"currentRevision": "r-5d4", "updateRevision": "r-5d4"}
    well(s, kind="StatefulSet", over={"spec": {"updateStrategy": {"type": "OnDelete"}}, "status": status})


@quiet
def services_without_selectors(s: Scene) -> None:
    s.d.add(
        "Service", s.space, "weather-api", {"spec": {"type": "ExternalName", "externalName": "api.weather.example"}}
    )
    s.d.add(
        "Service",
        s.space,
        "cold-archive",
        {"spec": {"clusterIP": "None", "ports": [{"port": 9000, "protocol": "TCP"}]}},
    )
    well(s)


@quiet
def headless_service_of_a_stateful_set(s: Scene) -> None:
    well(s, kind="StatefulSet", service=False)
    s.serve(clusterIP="None")


@quiet
def daemons_that_avoid_a_reserved_node(s: Scene) -> None:
    app = s.d.app(s.space, "tap-agent", kind="DaemonSet", age=30 * DAY, labels=s.labels("tap-agent"))
    last = app.pods.pop()
    s.d.objects["Pod"].remove(last)
    app.replicas -= 1
    s.nodes[-1]["spec"]["taints"] = [{"key": "only", "value": "ml", "effect": "NoSchedule"}]


@quiet
def gateway_in_order(s: Scene) -> None:
    well(s)
    s.d.add("Gateway", "edge-system", "front-gate", {"spec": {"gatewayClassName": "envoy", "listeners": [{"name": "web", "port": 80, "protocol": "HTTP"}]}, "status": {
        "conditions": [cond("Accepted", "True", "Accepted"), cond("Programmed", "True", "Programmed")], "listeners": [{"name": "web", "attachedRoutes": 1, "conditions": [cond("Accepted", "True", "Accepted"), cond("Conflicted", "False", "NoConflicts")]}]}})  # fmt: skip


@quiet
def ingress_with_the_default_class(s: Scene) -> None:
    well(s)
    s.d.add(
        "IngressClass",
        "",
        "edge-proxy",
        {
            "metadata": {"annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}},
            "spec": {"controller": "k8s.io/ingress-nginx"},
        },
    )
    ingress(s.d, s.space, "public-plan", "plan.example.org", s.name, 80, cls=None)


# What is under way


@quiet
def pods_that_just_begin(s: Scene) -> None:
    s.victim(age=20 * DAY, replicas=3)
    s.app.creating(s.app.new_revision({"image": s.image(tag="5.3.0")}, pods=1, age=0.4))


@quiet
def pod_that_is_ending_within_its_grace(s: Scene) -> None:
    well(s)
    s.app.pods[0]["metadata"].update(deletionTimestamp=at(-0.3), deletionGracePeriodSeconds=30)


@quiet
def job_at_work(s: Scene) -> None:
    app = s.d.app(
        s.space,
        "plate-export",
        kind="Job",
        age=6,
        labels={},
        spec={"restartPolicy": "Never"},
        over={"status": {"active": 1, "startTime": at(6)}},
    )
    app.log("exported 4 of 31 plates\n")


@quiet
def fresh_pod_that_is_not_ready_yet(s: Scene) -> None:
    s.victim(age=20 * DAY, replicas=3, c={"readinessProbe": http(s.port, initialDelaySeconds=60)})
    pods = s.app.new_revision({"image": s.image(tag="5.3.0")}, pods=1, age=0.7)
    s.app.not_ready(pods)
    for _, status in s.app.statuses(0, pods):
        status["ready"] = False


# What is merely loud


@quiet
def logs_full_of_retries_that_work(s: Scene) -> None:
    well(
        s,
        "WARN dial tcp 172.20.3.3:80: connect: connection refused, retrying in 1s\nINFO connected\nINFO served 200\n"
        * 4,
    )


@quiet
def business_errors_in_the_log(s: Scene) -> None:
    well(
        s,
        'level=error msg="cargo rejected" reason="weight above limit"\nlevel=error msg="card declined" code=51\nlevel=info errors=0 fatal=0\n'
        * 4,
    )


@quiet
def a_stack_trace_that_was_handled(s: Scene) -> None:
    well(
        s,
        'WARN could not parse optional header, using default\njava.lang.NumberFormatException: For input string: "abc"\n\tat java.base/java.lang.Integer.parseInt(Integer.java:652)\nINFO 200 GET /v1/plan\n'
        * 2,
    )


@quiet
def rights_denied_that_it_does_without(s: Scene) -> None:
    well(
        s,
        'W topology.go:44] cannot list nodes: nodes is forbidden: User "system:serviceaccount:'
        + s.space
        + ':default" cannot list resource "nodes" in API group "" at the cluster scope; continuing without zones\nINFO served 200\n',
    )


@quiet
def certificate_that_ends_next_month(s: Scene) -> None:
    well(s, "WARN certificate CN=plan.example.org expires in 27 days\nINFO served 200\n")


@quiet
def alerts_that_are_resolved_or_silenced(s: Scene) -> None:
    well(s)
    s.d.alert(
        "KubePodCrashLooping",
        f"Pod {s.space}/{s.name}-old is in waiting state.",
        namespace=s.space,
        pod=f"{s.name}-7f9c5d8b6-old4x",
    )
    s.d.alerts[-1].update(endsAt=at(12), startsAt=at(50))
    s.d.alert(
        "CPUThrottlingHigh",
        f"31% throttling of CPU in namespace {s.space} for container {s.name} in pod x on cluster .",
        severity="info",
        namespace=s.space,
        container=s.name,
    )
    s.d.alerts[-1]["status"] = {"state": "suppressed", "silencedBy": ["5b1d"], "inhibitedBy": []}


@quiet
def memory_of_a_cache_that_is_full_by_design(s: Scene) -> None:
    well(s, c={"resources": {"requests": {"memory": "400Mi"}, "limits": {"memory": "512Mi"}}})
    for pod in s.app.pods:
        s.measure("container_memory_working_set_bytes", steady(455 * MI), pod)


@quiet
def garbage_collected_heap(s: Scene) -> None:
    well(s, c={"resources": {"requests": {"memory": "400Mi"}, "limits": {"memory": "512Mi"}}})
    for pod in s.app.pods:
        s.measure("container_memory_working_set_bytes", saw(210 * MI, 330 * MI, 7), pod)


@quiet
def slight_throttling(s: Scene) -> None:
    well(s, c={"resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "500m"}}})
    for pod in s.app.pods:
        labels = {"namespace": s.space, "pod": pod["metadata"]["name"], "container": s.name}
        s.d.metric("container_cpu_cfs_periods_total", counter(steady(10)), **labels)
        s.d.metric("container_cpu_cfs_throttled_periods_total", counter(steady(0.3)), **labels)


@quiet
def more_traffic_and_all_is_well(s: Scene) -> None:
    well(s)
    s.d.metric("requests_per_second", jump(40, 95, 26), namespace=s.space, workload_kind="Deployment", workload=s.name)
    s.d.metric("latency_p95_seconds", steady(0.05), namespace=s.space, workload_kind="Deployment", workload=s.name)
