# ruff: noqa: E501  (messages stand as schedulers, kubelets and autoscalers write them)
"""Pods that no node takes, because of ports, counts, priorities or spread: modes 59 to 62."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.bench.heldout.dump import cond
from tests.bench.rootcause_scenarios.case import Scene, incident
from tests.bench.rootcause_scenarios.estate import at
from tests.bench.rootcause_scenarios.scheduling import AUTOSCALER, PREEMPTION, PREEMPTION_NOT, pending, rejected

# Ports, counts, preemption, spread


def _host_port(s: Scene) -> None:
    agent = s.d.app(
        s.topology.casts[1].space,
        "tap-agent",
        kind="DaemonSet",
        age=20 * 1440,
        labels=s.labels("tap-agent"),
        c={"ports": [{"containerPort": 9600, "hostPort": 9600}]},
    )
    agent.log("capturing\n")


HOST_PORT: dict[str, Any] = {
    "c": {"ports": [{"name": "tap", "containerPort": 9600, "hostPort": 9600}]},
    "prepare": _host_port,
}
incident("hostport_conflict", name="host_port_taken_on_every_node")(
    pending(
        "0/{n} nodes are available: {n} node(s) didn't have free ports for the requested pod ports." + PREEMPTION,
        **HOST_PORT,
    )
)
incident(
    "hostport_conflict",
    name="kubelet_refuses_the_port",
    words="Predicate NodePorts failed",
    source="kubernetes pkg/kubelet/lifecycle/predicate.go",
)(
    rejected(
        "NodePorts",
        "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
        **HOST_PORT,
    )
)
incident(
    "hostport_conflict",
    name="old_words_for_host_ports",
    words="PodFitsHostPorts (",
    source="kubernetes 1.9 plugin/pkg/scheduler/algorithm/predicates",
)(pending("No nodes are available that match all of the predicates: PodFitsHostPorts ({n}).", **HOST_PORT))


def _few_pods(s: Scene) -> None:
    for node in s.nodes:
        node["status"]["allocatable"]["pods"] = node["status"]["capacity"]["pods"] = "5"
    for number in range(5):
        name = f"buoy-{number}"
        s.d.app(s.topology.casts[1].space, name, replicas=len(s.nodes), age=10 * 1440, labels=s.labels(name))


incident("too_many_pods_on_node", name="pod_slots_used_up")(
    pending("0/{n} nodes are available: {n} Too many pods." + PREEMPTION, prepare=_few_pods)
)
incident(
    "too_many_pods_on_node",
    name="kubelet_out_of_pods",
    words="Node didn't have enough resource: pods",
    source="kubernetes pkg/kubelet/lifecycle/predicate.go",
)(
    rejected(
        "OutOfpods",
        "Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: 5, capacity: 5",
        prepare=_few_pods,
    )
)
incident(
    "too_many_pods_on_node",
    name="autoscaler_sees_too_many_pods",
    words="pod didn't trigger scale-up: 1 Too many pods",
    source="kubernetes/autoscaler cluster-autoscaler/core/scaleup",
)(
    pending(
        "0/{n} nodes are available: {n} Too many pods." + PREEMPTION,
        prepare=_few_pods,
        extra=("NotTriggerScaleUp", "pod didn't trigger scale-up: 1 Too many pods", AUTOSCALER),
    )
)


def _preempted(message: str, kubelet: str = "") -> Any:
    """Another workload of higher priority took the place; what is made anew finds none."""

    def build(s: Scene) -> None:
        n = len(s.nodes)
        app = s.victim(age=9 * 1440, replicas=2, spec={"priority": 0}, c={"resources": {"requests": {"cpu": "6"}}})
        high = {
            "priority": 2000001000 if kubelet else 100000,
            "priorityClassName": "system-node-critical" if kubelet else "survey-first",
        }
        boss = s.d.app(
            s.topology.casts[1].space,
            "survey-batch",
            age=12,
            replicas=n,
            labels=s.labels("survey-batch"),
            spec=high,
            c={"resources": {"requests": {"cpu": "5"}}},
        )
        boss.log("surveying\n")
        by = boss.pods[0]["metadata"]
        told = message.format(by=by["name"], ns=boss.ns, uid=by["uid"], node=s.node())
        for number, pod in enumerate(app.pods):
            if kubelet:
                old = s.d.add("Pod", s.space, f"{pod['metadata']['name'][:-5]}old{number}x", {"metadata": {"labels": pod["metadata"]["labels"], "ownerReferences": pod["metadata"]["ownerReferences"]}, "spec": pod["spec"], "status": {
                    "phase": "Failed", "reason": "Preempting", "message": kubelet, "conditions": [cond("DisruptionTarget", "True", "TerminationByKubelet", kubelet, 11)]}}, 9 * 1440)  # fmt: skip
                s.d.event(old, "Preempting", kubelet, count=1, ago=11, first=11)
            else:
                s.d.event(pod, "Preempted", told, by="default-scheduler", count=1, ago=11, first=11)
            fresh = {"name": f"{s.name}-7f9c5d8b6-np{number}q4", "uid": s.d.uid(), "creationTimestamp": at(11)}
            pod["metadata"] = {**pod["metadata"], **fresh}
        app.unscheduled(f"0/{n} nodes are available: {n} Insufficient cpu." + PREEMPTION.format(n=n))

    return build


incident("preempted_by_priority", near=("insufficient_cpu",), name="preempted_by_a_pod_uid")(
    _preempted("Preempted by pod {uid} on node {node}")
)
incident("preempted_by_priority", near=("insufficient_cpu",), name="preempted_by_a_named_pod")(
    _preempted("Preempted by {ns}/{by} on node {node}")
)
incident(
    "preempted_by_priority",
    near=("insufficient_cpu",),
    name="kubelet_admits_a_critical_pod_instead",
    words="Preempted in order to admit critical pod",
    source="kubernetes pkg/kubelet/preemption/preemption.go",
)(_preempted("", "Preempted in order to admit critical pod"))


def _uneven(key: str, text: str, prepare: Callable[[Scene], None] | None = None) -> Any:
    """Three replicas that must be even over a topology; the node that would be next does not take the third."""

    def build(s: Scene) -> None:
        if prepare:
            prepare(s)
        labels = {"matchLabels": s.labels(s.name)}
        rule = {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": labels}
        count = len(s.nodes) if key.endswith("hostname") else 3
        resources = {"resources": {"requests": {"memory": "2Gi"}}}
        app = s.victim(age=30, replicas=count, spec={"topologySpreadConstraints": [rule]}, c=resources)
        sick = app.pods if key.endswith("rack") else app.pods[2:3]
        n = len(s.nodes)
        app.unscheduled(text.format(n=n, m=n - 1), sick)

    return build


def _reserve_third(s: Scene) -> None:
    s.nodes[2]["spec"]["taints"] = [{"key": "only", "value": "ml", "effect": "NoSchedule"}]


def _fill_third(s: Scene) -> None:
    app = s.d.app(
        s.topology.casts[1].space,
        "chart-cache",
        replicas=1,
        age=20 * 1440,
        labels=s.labels("chart-cache"),
        c={"resources": {"requests": {"memory": "29Gi"}, "limits": {"memory": "29Gi"}}},
    )
    app.pods[0]["spec"]["nodeName"] = s.node(2)


UNEVEN = "{m} node(s) didn't match pod topology spread constraints."
incident("topology_spread", name="the_third_zone_is_reserved")(
    _uneven(
        "topology.kubernetes.io/zone",
        "0/{n} nodes are available: 1 node(s) had untolerated taint {{only: ml}}, " + UNEVEN + PREEMPTION_NOT,
        _reserve_third,
    )
)
incident(
    "topology_spread",
    name="no_node_has_the_topology_label",
    words="(missing required label)",
    source="kubernetes podtopologyspread plugin",
)(
    _uneven(
        "topology.example/rack",
        "0/{n} nodes are available: {n} node(s) didn't match pod topology spread constraints (missing required label)."
        + PREEMPTION_NOT,
    )
)
incident("topology_spread", name="the_third_host_is_full")(
    _uneven(
        "kubernetes.io/hostname",
        "0/{n} nodes are available: 1 Insufficient memory, " + UNEVEN + PREEMPTION,
        _fill_third,
    )
)
