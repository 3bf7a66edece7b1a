# ruff: noqa: E501  (messages stand as controllers write them)
"""Autoscalers, disruption budgets, deletion and counts: modes 90 to 95."""

from __future__ import annotations

from typing import Any

from tests.bench.heldout.dump import cond
from tests.bench.heldout.props import budget, hpa
from tests.bench.rootcause_scenarios.case import Scene, incident
from tests.bench.rootcause_scenarios.estate import DAY, at

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
