# ruff: noqa: E501  (messages stand as controllers write them)
"""Controllers, jobs, autoscalers, budgets and deletion: modes 84 to 95."""

from __future__ import annotations

from typing import Any

from tests.bench.heldout.dump import cond
from tests.bench.heldout.props import budget, hpa, http, ingress
from tests.bench.rootcause_scenarios.case import Scene, incident
from tests.bench.rootcause_scenarios.estate import DAY, at

# Zero, stuck, wrong strategies


@incident("zero_replicas")
def scaled_down_and_still_called(s: Scene) -> Any:
    app = s.victim(replicas=0, age=20 * DAY)
    s.d.event(
        app.obj,
        "ScalingReplicaSet",
        f"Scaled down replica set {s.name}-7f9c5d8b6 from 2 to 0",
        ago=31,
        count=1,
        type_="Normal",
        by="deployment-controller",
    )
    app.obj["metadata"]["generation"] = 5
    s.caller("dial tcp 172.20.9.10:80: connect: connection refused\n" * 5)
    return s.fault("zero_replicas", f"Deployment {s.name}", f"Service {s.name}")


@incident("zero_replicas")
def stateful_set_at_zero_behind_a_route(s: Scene) -> Any:
    s.victim(kind="StatefulSet", replicas=0, age=20 * DAY)
    s.d.add("IngressClass", "", "edge-proxy", {"spec": {"controller": "k8s.io/ingress-nginx"}})
    ingress(s.d, s.space, "public-plan", "plan.example.org", s.name, 80, cls="edge-proxy")
    return s.fault("zero_replicas", f"StatefulSet {s.name}", f"Service {s.name}")


@incident("zero_replicas", words="Idling resource", source="openshift oc idle")
def idled_and_never_woken(s: Scene) -> Any:
    app = s.victim(replicas=0, age=20 * DAY, annotations={"idling.alpha.openshift.io/previous-scale": "2"})
    s.d.event(
        app.obj,
        "ScaledDown",
        "Idling resource: scaled from 2 to 0",
        ago=40,
        count=1,
        type_="Normal",
        by="unidling-controller",
    )
    s.caller("503 no healthy upstream\n" * 5)
    return s.fault("zero_replicas", f"Deployment {s.name}", f"Service {s.name}")


@incident("rollout_stuck")
def new_pods_answer_503_for_good(s: Scene) -> None:
    s.victim(replicas=3, age=9 * DAY, c={"readinessProbe": http(s.port)})
    s.app.new_revision({"image": s.image(tag="5.3.0")}, pods=1, age=32)
    s.app.unready(
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
        log="INFO waiting for quorum of planners (1 of 3)\n",
    )


@incident("rollout_stuck")
def paused_in_the_middle(s: Scene) -> None:
    s.victim(replicas=3, age=9 * DAY)
    s.app.new_revision({"image": s.image(tag="5.3.0")}, pods=1, age=3 * DAY)
    s.app.obj["spec"]["paused"] = True
    s.app.obj["status"] = {"replicas": 4, "updatedReplicas": 1, "readyReplicas": 4, "availableReplicas": 4, "observedGeneration": 2, "conditions": [
        cond("Available", "True", "MinimumReplicasAvailable", ago=9 * DAY), cond("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", 3 * DAY)]}  # fmt: skip


@incident("rollout_stuck", words="waiting for 3 more successful checks", source="an application's readiness body")
def readiness_gate_of_the_rollout_never_turns(s: Scene) -> None:
    s.victim(replicas=2, age=9 * DAY, spec={"readinessGates": [{"conditionType": "port.example/promoted"}]})
    pods = s.app.new_revision({"image": s.image(tag="5.3.0")}, pods=1, age=32)
    for pod in pods:
        pod["status"]["conditions"].append(
            cond("port.example/promoted", "False", "Analysing", "waiting for 3 more successful checks", 32)
        )
        for c in pod["status"]["conditions"]:
            if c["type"] == "Ready":
                c.update(
                    status="False",
                    reason="ReadinessGatesNotReady",
                    message='corresponding condition of pod readiness gate "port.example/promoted" does not exist.',
                )


def _strategy(strategy: dict[str, Any], updated: int) -> Any:
    def build(s: Scene) -> None:
        s.victim(
            kind="StatefulSet",
            replicas=3,
            age=30 * DAY,
            over={"metadata": {"generation": 4}, "spec": {"updateStrategy": strategy}},
        )
        s.app.obj["status"] = {"replicas": 3, "readyReplicas": 3, "availableReplicas": 3, "currentReplicas": 3 - updated, "updatedReplicas": updated, "observedGeneration": 4,
                               "currentRevision": f"{s.name}-5d4", "updateRevision": f"{s.name}-8c7f"}  # fmt: skip

    return build


incident("statefulset_update_strategy_wrong", name="on_delete_leaves_the_old_revision")(
    _strategy({"type": "OnDelete"}, 0)
)
incident("statefulset_update_strategy_wrong", name="partition_above_the_replicas")(
    _strategy({"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}, 0)
)
incident("statefulset_update_strategy_wrong", name="partition_left_from_a_canary")(
    _strategy({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}, 1)
)

# Jobs


def job(
    s: Scene,
    name: str,
    status: dict[str, Any],
    *,
    age: float = 50,
    owner: Any = None,
    sidecars: Any = None,
    **spec: Any,
) -> Any:
    return s.d.app(s.space, name, kind="Job", age=age, labels={}, owner=owner, sidecars=sidecars, spec={"restartPolicy": "Never"},
                   c={"image": s.image(name)}, over={"spec": spec, "status": status})  # fmt: skip


def _gave_up(reason: str, message: str, code: int, log: str) -> Any:
    def build(s: Scene) -> Any:
        app = job(
            s,
            "plate-export",
            {"failed": 4, "startTime": at(50), "conditions": [cond("Failed", "True", reason, message, 30)]},
            backoffLimit=3,
        )
        app.finished(False, 31, code=code, log=log)
        s.d.event(app.obj, reason, message, ago=30, count=1, by="job-controller")
        return s.fault("job_backoff_limit", "Job plate-export", near=("app_exception",))

    return build


incident("job_backoff_limit", name="export_tried_four_times")(
    _gave_up(
        "BackoffLimitExceeded",
        "Job has reached the specified backoff limit",
        1,
        "ERROR bucket plates-archive answered 409, giving up\n",
    )
)
incident(
    "job_backoff_limit",
    name="pod_failure_policy_ends_it",
    words="matching FailJob rule at index",
    source="kubernetes pkg/controller/job/pod_failure_policy.go",
)(
    _gave_up(
        "PodFailurePolicy",
        "Container plate-export for pod plate-export-x2mvq failed with exit code 42 matching FailJob rule at index 0",
        42,
        "fatal: schema 7 is not supported\n",
    )
)
incident(
    "job_backoff_limit",
    name="too_many_failed_indexes",
    words="exceeded the specified maximal number of failed indexes",
    source="kubernetes pkg/controller/job/job_controller.go",
)(
    _gave_up(
        "MaxFailedIndexesExceeded",
        "Job has exceeded the specified maximal number of failed indexes",
        3,
        "index 4: input missing\n",
    )
)


def _cron(s: Scene, **over: Any) -> Any:
    return s.d.app(
        s.space,
        "night-catalogue",
        kind="CronJob",
        age=120 * DAY,
        labels={},
        c={"image": s.image("night-catalogue")},
        over=over,
    )


@incident("cronjob_suspended_or_bad_schedule")
def left_suspended_for_weeks(s: Scene) -> Any:
    _cron(
        s,
        metadata={"generation": 3},
        spec={"schedule": "30 1 * * *", "suspend": True},
        status={"lastScheduleTime": at(19 * DAY), "lastSuccessfulTime": at(19 * DAY)},
    )
    return s.fault("cronjob_suspended_or_bad_schedule", "CronJob night-catalogue")


@incident("cronjob_suspended_or_bad_schedule")
def thirty_first_of_april(s: Scene) -> Any:
    _cron(s, spec={"schedule": "0 2 31 4 *", "suspend": False}, status={})
    return s.fault("cronjob_suspended_or_bad_schedule", "CronJob night-catalogue")


@incident(
    "cronjob_suspended_or_bad_schedule", words="too many missed start times", source="kubernetes pkg/controller/cronjob"
)
def too_many_missed_starts(s: Scene) -> Any:
    made = _cron(
        s,
        spec={"schedule": "*/5 * * * *", "suspend": False, "startingDeadlineSeconds": 3},
        status={"lastScheduleTime": at(3 * DAY), "lastSuccessfulTime": at(3 * DAY)},
    )
    s.d.event(
        made.obj,
        "TooManyMissedTimes",
        "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew",
        by="cronjob-controller",
        count=40,
    )
    return s.fault("cronjob_suspended_or_bad_schedule", "CronJob night-catalogue")


def _never_done(sidecar: dict[str, Any], proxy_log: str, policy: str = "Forbid") -> Any:
    def build(s: Scene) -> Any:
        started = 1500
        cron = _cron(s, spec={"schedule": "0 * * * *", "concurrencyPolicy": policy, "suspend": False},
                     status={"lastScheduleTime": at(started), "active": [{"kind": "Job", "name": "night-catalogue-29032480", "namespace": s.space}]})  # fmt: skip
        app = job(
            s,
            "night-catalogue-29032480",
            {"active": 1, "startTime": at(started)},
            age=started,
            owner=cron.obj,
            sidecars=[sidecar],
        )
        for _, status in app.statuses(0):
            status.update(
                ready=False,
                started=False,
                state={
                    "terminated": {
                        "exitCode": 0,
                        "reason": "Completed",
                        "startedAt": at(started),
                        "finishedAt": at(started - 4),
                    }
                },
            )
        app.not_ready(ago=started - 4)
        app.log("catalogue written, 48211 rows\n")
        app.log(proxy_log, container=sidecar["name"])
        s.d.event(
            cron.obj,
            "JobAlreadyActive",
            "Not starting job because prior execution is running and concurrency policy is Forbid",
            by="cronjob-controller",
            type_="Normal",
            count=24,
        )
        return s.fault("cronjob_never_completes", "CronJob night-catalogue", "Job night-catalogue-29032480")

    return build


for _name, _side, _log in (
    ("mesh_proxy_outlives_the_job", {"name": "istio-proxy", "image": "docker.io/istio/proxyv2:1.22.1"}, "info Envoy proxy is ready\n"),
    ("cloud_sql_proxy_outlives_the_job", {"name": "cloud-sql-proxy", "image": "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.11"}, "The proxy has started successfully and is ready for new connections!\n"),
    ("log_shipper_outlives_the_job", {"name": "shipper", "image": "docker.io/fluent/fluent-bit:3.0"}, "[engine] started (pid=1)\n"),
):  # fmt: skip
    incident("cronjob_never_completes", name=_name)(_never_done(_side, _log))

# Autoscalers


def _hpa(
    mode: str,
    reason: str,
    message: str,
    *,
    type_: str = "ScalingActive",
    request: bool = True,
    status: str = "False",
    refs: tuple[str, ...] = (),
    event: str = "",
    **more: Any,
) -> Any:
    def build(s: Scene) -> Any:
        resources = {"resources": {"requests": {} if not request else {"cpu": "100m"}, "limits": {}}}
        s.victim(age=20 * DAY, c=resources)
        if not request:
            for pod in (*s.app.pods, s.app.obj["spec"]["template"], s.app.rs["spec"]["template"]):
                pod["spec"]["containers"][0]["resources"] = {}
        told = message.format(name=s.name, ns=s.space, pod=s.app.pods[0]["metadata"]["name"])
        conditions = [
            cond(
                "AbleToScale",
                "True",
                "SucceededGetScale",
                "the HPA controller was able to get the target's current scale",
                9 * DAY,
            ),
            cond(type_, status, reason, told, 120),
        ]
        made = hpa(s.d, s.space, s.name, "Deployment", conditions, **more)
        if status == "False":
            s.d.event(made, event or reason, told, by="horizontal-pod-autoscaler", count=180, first=58)
        return s.fault(mode, f"HorizontalPodAutoscaler {s.name}", f"Deployment {s.name}", *refs)

    return build


incident("hpa_no_metrics", name="container_without_a_cpu_request")(
    _hpa(
        "hpa_no_metrics",
        "FailedGetResourceMetric",
        "the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in container {name} of Pod {pod}",
        request=False,
    )
)
incident(
    "hpa_no_metrics",
    name="metrics_api_not_installed",
    words="(get pods.metrics.k8s.io)",
    source="kubernetes pkg/controller/podautoscaler/metrics",
)(
    _hpa(
        "hpa_no_metrics",
        "FailedGetResourceMetric",
        "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)",
    )
)
incident(
    "hpa_no_metrics",
    name="custom_metric_has_no_adapter",
    words="unable to fetch metrics from custom metrics API",
    source="kubernetes pkg/controller/podautoscaler/metrics",
)(
    _hpa(
        "hpa_no_metrics",
        "FailedGetPodsMetric",
        "the HPA was unable to compute the replica count: unable to get metric requests_in_flight: unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered",
    )
)


@incident("hpa_maxed_or_target_missing")
def at_the_maximum_and_still_loaded(s: Scene) -> Any:
    s.victim(replicas=4, age=20 * DAY, c={"resources": {"requests": {"cpu": "100m"}}})
    metric = [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "current": {"averageUtilization": 214, "averageValue": "214m"}},
        }
    ]
    hpa(s.d, s.space, s.name, "Deployment", [cond("AbleToScale", "True", "ReadyForNewScale", "", DAY), cond("ScalingActive", "True", "ValidMetricFound", "", DAY), cond("ScalingLimited", "True", "TooManyReplicas", "the desired replica count is more than the maximum replica count", 180)],
        currentReplicas=4, desiredReplicas=4, currentMetrics=metric, spec={"maxReplicas": 4})  # fmt: skip
    return s.fault("hpa_maxed_or_target_missing", f"HorizontalPodAutoscaler {s.name}", f"Deployment {s.name}")


def _no_target(kind: str, text: str) -> Any:
    def build(s: Scene) -> Any:
        made = hpa(
            s.d,
            s.space,
            "plan-scaler",
            kind,
            [cond("AbleToScale", "False", "FailedGetScale", text, 300)],
            currentReplicas=0,
            desiredReplicas=0,
        )
        s.d.event(made, "FailedGetScale", text, by="horizontal-pod-autoscaler", count=200, first=58)
        return s.fault("hpa_maxed_or_target_missing", "HorizontalPodAutoscaler plan-scaler")

    return build


incident("hpa_maxed_or_target_missing", name="target_deployment_renamed")(
    _no_target(
        "Deployment",
        'the HPA controller was unable to get the target\'s current scale: deployments.apps "plan-scaler" not found',
    )
)
incident(
    "hpa_maxed_or_target_missing",
    name="target_of_a_kind_that_is_not_there",
    words="no matches for kind",
    source="kubernetes apimachinery pkg/api/meta/errors.go",
)(
    _no_target(
        "Rollout",
        'the HPA controller was unable to get the target\'s current scale: no matches for kind "Rollout" in group "argoproj.io"',
    )
)


def _keda(text: str, reason: str = "FailedGetExternalMetric") -> Any:
    def build(s: Scene) -> Any:
        s.victim(age=20 * DAY)
        metric = {
            "type": "External",
            "external": {
                "metric": {
                    "name": "s0-kafka-plates",
                    "selector": {"matchLabels": {"scaledobject.keda.sh/name": s.name}},
                },
                "target": {"type": "AverageValue", "averageValue": "100"},
            },
        }
        told = text.format(ns=s.space, name=s.name)
        made = hpa(s.d, s.space, f"keda-hpa-{s.name}", "Deployment", [cond("AbleToScale", "True", "SucceededGetScale", "", 9 * DAY), cond("ScalingActive", "False", reason, told, 300)],
                   spec={"metrics": [metric], "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": s.name}})  # fmt: skip
        made["metadata"]["labels"] = {
            "app.kubernetes.io/managed-by": "keda-operator",
            "scaledobject.keda.sh/name": s.name,
        }
        made["metadata"]["ownerReferences"] = [
            {
                "apiVersion": "keda.sh/v1alpha1",
                "kind": "ScaledObject",
                "name": s.name,
                "uid": "so-1",
                "controller": True,
            }
        ]
        s.d.event(made, reason, told, by="horizontal-pod-autoscaler", count=200, first=58)
        return s.fault(
            "keda_absent",
            f"HorizontalPodAutoscaler keda-hpa-{s.name}",
            f"Deployment {s.name}",
            near=("hpa_no_metrics",),
        )

    return build


incident(
    "keda_absent",
    name="no_external_metrics_api",
    words="no external metrics API",
    source="kubernetes metrics client pkg/external_metrics",
)(
    _keda(
        "unable to get external metric {ns}/s0-kafka-plates/&LabelSelector{{MatchLabels:map[string]string{{scaledobject.keda.sh/name: {name},}},}}: unable to fetch metrics from external metrics API: no external metrics API (external.metrics.k8s.io) registered"
    )
)
incident(
    "keda_absent",
    name="external_metrics_service_unavailable",
    words="the server is currently unable to handle the request (get s0-",
    source="kubernetes aggregated API error",
)(
    _keda(
        "the HPA was unable to compute the replica count: unable to get external metric {ns}/s0-kafka-plates/&LabelSelector{{MatchLabels:map[string]string{{scaledobject.keda.sh/name: {name},}},}}: unable to fetch metrics from external metrics API: the server is currently unable to handle the request (get s0-kafka-plates.external.metrics.k8s.io)"
    )
)


@incident("keda_absent")
def scaled_object_without_an_operator(s: Scene) -> Any:
    """The HPA of a ScaledObject polls a metric that its operator no longer serves; KEDA's namespace is empty."""
    s.d.namespace("keda")
    s.d.add(
        "CustomResourceDefinition",
        "",
        "scaledobjects.keda.sh",
        {
            "spec": {
                "group": "keda.sh",
                "scope": "Namespaced",
                "names": {"kind": "ScaledObject", "plural": "scaledobjects"},
            },
            "status": {"conditions": [cond("Established", "True")]},
        },
    )
    return _keda(
        "the HPA was unable to compute the replica count: unable to get external metric {ns}/s1-cron/&LabelSelector{{MatchLabels:map[string]string{{scaledobject.keda.sh/name: {name},}},}}: unable to fetch metrics from external metrics API: the server could not find the requested resource (get s1-cron.external.metrics.k8s.io)"
    )(s)


# Budgets, deletion, counts


def _budget(spec: dict[str, Any], replicas: int, *, healthy: int | None = None, event: str = "") -> Any:
    def build(s: Scene) -> Any:
        s.victim(replicas=replicas, age=20 * DAY)
        budget(
            s.d,
            s.space,
            "plan-guard",
            s.labels(s.name),
            spec,
            expected=replicas,
            desired=replicas,
            healthy=replicas if healthy is None else healthy,
        )
        node = next(n for n in s.nodes if n["metadata"]["name"] == s.app.pods[0]["spec"]["nodeName"])
        node["spec"]["unschedulable"] = True
        node["spec"]["taints"] = [
            {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": at(55)}
        ]
        s.d.event(
            node,
            "NodeNotSchedulable",
            f"Node {node['metadata']['name']} status is now: NodeNotSchedulable",
            ago=55,
            count=1,
            type_="Normal",
        )
        if event:
            s.d.event(
                node,
                "FailedDrain",
                event.format(pod=s.app.pods[0]["metadata"]["name"], ns=s.space),
                by="machine-controller",
                count=12,
            )
        return s.fault(
            "pdb_blocks_drain",
            "PodDisruptionBudget plan-guard",
            f"Deployment {s.name}",
            f"Node /{node['metadata']['name']}",
        )

    return build


incident("pdb_blocks_drain", name="all_replicas_must_stay")(_budget({"minAvailable": "100%"}, 2))
incident(
    "pdb_blocks_drain",
    name="single_replica_must_stay",
    words="Cannot evict pod as it would violate",
    source="kubernetes pkg/registry/core/pod/storage/eviction.go",
)(
    _budget(
        {"minAvailable": 1},
        1,
        event='error when evicting pods/"{pod}" -n "{ns}" (will retry after 5s): Cannot evict pod as it would violate the pod\'s disruption budget.',
    )
)
incident("pdb_blocks_drain", name="none_may_be_unavailable", words="DisruptionBlocked", source="karpenter pkg/events")(
    _budget({"maxUnavailable": 0}, 3, event="DisruptionBlocked: PDB {ns}/plan-guard prevents pod evictions of {pod}")
)


@incident("finalizer_deadlock")
def namespace_waits_for_a_finalizer(s: Scene) -> Any:
    made = s.d.namespace("old-survey")
    made["metadata"]["deletionTimestamp"] = at(900)
    made["status"] = {"phase": "Terminating", "conditions": [
        cond("NamespaceContentRemaining", "True", "SomeResourcesRemain", "Some resources are remaining: surveys.port.example has 2 resource instances", 900),
        cond("NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: port.example/cleanup in 2 resource instances", 900)]}  # fmt: skip
    return s.fault("finalizer_deadlock", "Namespace /old-survey")


@incident("finalizer_deadlock")
def deployment_waits_for_a_controller_that_is_gone(s: Scene) -> Any:
    s.victim(
        age=20 * DAY,
        over={
            "metadata": {
                "deletionTimestamp": at(700),
                "deletionGracePeriodSeconds": 0,
                "finalizers": ["billing.port.example/settle"],
            }
        },
    )
    return s.fault("finalizer_deadlock", f"Deployment {s.name}")


@incident("finalizer_deadlock")
def claim_waits_for_a_backup_operator(s: Scene) -> Any:
    made = s.d.bound_claim(s.space, "old-plates")
    made["metadata"].update(deletionTimestamp=at(800), finalizers=["snapshot.port.example/keep"])
    return s.fault("finalizer_deadlock", "PersistentVolumeClaim old-plates")


def _count(kind: str, wanted: int, present: int, observed: int) -> Any:
    def build(s: Scene) -> None:
        s.victim(kind=kind, replicas=wanted, pods=present, age=20 * DAY, over={"metadata": {"generation": 6}})
        ready = {
            "replicas": present,
            "readyReplicas": present,
            "availableReplicas": present,
            "updatedReplicas": present,
            "observedGeneration": observed,
        }
        if kind == "Deployment":
            s.app.rs["spec"]["replicas"] = present
            s.app.rs["status"].update(ready)
            ready["conditions"] = [
                cond("Available", "True", "MinimumReplicasAvailable", ago=20 * DAY),
                cond("Progressing", "True", "NewReplicaSetAvailable", ago=20 * DAY),
            ]
        s.app.obj["status"] = ready

    return build


incident("replicas_mismatch", name="replica_set_stays_at_two_of_five")(_count("Deployment", 5, 2, 5))
incident("replicas_mismatch", name="stateful_set_stays_at_one_of_three")(_count("StatefulSet", 3, 1, 5))
incident("replicas_mismatch", name="controller_has_not_seen_the_change")(_count("Deployment", 6, 3, 4))
