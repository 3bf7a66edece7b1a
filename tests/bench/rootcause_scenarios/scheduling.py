# ruff: noqa: E501  (messages stand as schedulers, kubelets and autoscalers write them)
"""Pods that no node takes, because of resources, labels or taints: modes 50 to 58."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.bench.heldout.dump import cond
from tests.bench.rootcause_scenarios.case import Scene, incident
from tests.bench.rootcause_scenarios.estate import at

PREEMPTION = " preemption: 0/{n} nodes are available: {n} No preemption victims found for incoming pod."
PREEMPTION_NOT = " preemption: 0/{n} nodes are available: {n} Preemption is not helpful for scheduling."


def pending(text: str, *, prepare: Callable[[Scene], None] | None = None, extra: tuple[str, str, str] | None = None,
             pods: int = 0, **made: Any) -> Any:  # fmt: skip
    """`text` may use {n}, the number of nodes, and {m}, one less."""

    def build(s: Scene) -> None:
        if prepare:
            prepare(s)
        given = dict(made)
        app = s.victim(age=30, replicas=max(pods, 2), **given)
        chosen = app.pods[:pods] if pods else app.pods
        n = len(s.nodes)
        app.unscheduled(text.format(n=n, m=n - 1), chosen)
        if extra:
            reason, message, by = extra
            for pod in chosen:
                s.d.event(
                    pod,
                    reason,
                    message.format(n=n, m=n - 1),
                    by=by,
                    type_="Normal" if reason == "NotTriggerScaleUp" else "Warning",
                )

    return build


def rejected(reason: str, message: str, *, prepare: Callable[[Scene], None] | None = None, **given: Any) -> Any:
    """The template names its node, so no scheduler looks; the kubelet turns each pod away, its controller makes more."""

    def build(s: Scene) -> None:
        if prepare:
            prepare(s)
        made = dict(given)
        spec = {**made.pop("spec", {}), "nodeName": s.node()}
        app = s.victim(age=30, replicas=2, pods=6, spec=spec, **made)
        for pod in app.pods:
            pod["spec"]["nodeName"] = s.node()
            pod["status"] = {
                "phase": "Failed",
                "reason": reason,
                "message": message,
                "startTime": at(6),
                "conditions": [cond("PodScheduled", "True", ago=6)],
            }
            s.d.event(pod, reason, message.removeprefix("Pod was rejected: "), count=1, ago=6, first=6)

    return build


def need(**requests: str) -> dict[str, Any]:
    return {"c": {"resources": {"requests": requests, "limits": {}}}}


AUTOSCALER = "cluster-autoscaler"
incident("insufficient_cpu", name="request_above_every_node")(
    pending("0/{n} nodes are available: {n} Insufficient cpu." + PREEMPTION, **need(cpu="12", memory="1Gi"))
)
incident(
    "insufficient_cpu",
    name="autoscaler_at_its_maximum",
    words="max node group size reached",
    source="kubernetes/autoscaler cluster-autoscaler/core/scaleup",
)(
    pending(
        "0/{n} nodes are available: {n} Insufficient cpu." + PREEMPTION,
        extra=(
            "NotTriggerScaleUp",
            "pod didn't trigger scale-up: 2 max node group size reached, 1 Insufficient cpu",
            AUTOSCALER,
        ),
        **need(cpu="7800m"),
    )
)
incident(
    "insufficient_cpu",
    name="kubelet_out_of_cpu",
    words="Node didn't have enough resource: cpu",
    source="kubernetes pkg/kubelet/lifecycle/predicate.go",
)(
    rejected(
        "OutOfcpu",
        "Pod was rejected: Node didn't have enough resource: cpu, requested: 4000, used: 5900, capacity: 7910",
        **need(cpu="4"),
    )
)
incident("insufficient_memory", name="memory_above_every_node")(
    pending("0/{n} nodes are available: {n} Insufficient memory." + PREEMPTION, **need(memory="96Gi"))
)
incident(
    "insufficient_memory",
    name="karpenter_has_no_type",
    words="no instance type satisfied resources",
    source="karpenter pkg/controllers/provisioning/scheduling/nodeclaim.go",
)(
    pending(
        "0/{n} nodes are available: {n} Insufficient memory." + PREEMPTION,
        extra=(
            "FailedScheduling",
            'Failed to schedule pod, incompatible with nodepool "general", daemonset overhead={{"cpu":"210m","memory":"240Mi","pods":"5"}}, no instance type satisfied resources {{"cpu":"310m","memory":"520Gi","pods":"6"}} and requirements karpenter.sh/capacity-type In [on-demand]',
            "karpenter",
        ),
        **need(memory="520Gi"),
    )
)
incident(
    "insufficient_memory",
    name="kubelet_out_of_memory",
    words="Node didn't have enough resource: memory",
    source="kubernetes pkg/kubelet/lifecycle/predicate.go",
)(
    rejected(
        "OutOfmemory",
        "Pod was rejected: Node didn't have enough resource: memory, requested: 25769803776, used: 19327352832, capacity: 32212254720",
        **need(memory="24Gi"),
    )
)
for _name, _resource in (
    ("gpu_where_there_is_none", "nvidia.com/gpu"),
    ("fpga_where_there_is_none", "xilinx.com/fpga-u250"),
    ("hugepages_not_reserved", "hugepages-2Mi"),
):
    incident("insufficient_gpu_or_extended", name=_name)(
        pending(
            "0/{n} nodes are available: {n} Insufficient " + _resource + "." + PREEMPTION,
            c={"resources": {"requests": {_resource: "2"}, "limits": {_resource: "2"}}},
        )
    )

# Selectors and affinity

SELECTOR = "0/{n} nodes are available: {n} node(s) didn't match Pod's node affinity/selector." + PREEMPTION_NOT
incident("node_selector_mismatch", name="label_that_no_node_has")(
    pending(SELECTOR, spec={"nodeSelector": {"disk": "nvme"}})
)
incident(
    "node_selector_mismatch",
    name="label_with_another_value",
    words="preemption: not eligible due to preemptionPolicy=Never",
    source="kubernetes pkg/scheduler/framework/preemption",
)(
    pending(
        "0/{n} nodes are available: {n} node(s) didn't match Pod's node affinity/selector. preemption: not eligible due to preemptionPolicy=Never..",
        spec={"nodeSelector": {"kubernetes.io/os": "windows"}},
    )
)
incident(
    "node_selector_mismatch",
    name="words_of_old_schedulers",
    words="MatchNodeSelector (",
    source="kubernetes 1.9 plugin/pkg/scheduler/algorithm/predicates",
)(
    pending(
        "No nodes are available that match all of the predicates: MatchNodeSelector ({n}).",
        spec={"nodeSelector": {"pool": "retired"}},
    )
)


def affinity(key: str, *values: str, operator: str = "In") -> dict[str, Any]:
    expression = {"key": key, "operator": operator, **({"values": list(values)} if values else {})}
    return {
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [expression]}]
                }
            }
        }
    }


incident("node_affinity_mismatch", name="zone_without_nodes")(
    pending(SELECTOR, spec=affinity("topology.kubernetes.io/zone", "zone-z"))
)
incident("node_affinity_mismatch", name="instance_type_of_another_cloud")(
    pending(SELECTOR, spec=affinity("node.kubernetes.io/instance-type", "m7i.metal-24xl"))
)
incident(
    "node_affinity_mismatch",
    name="kubelet_refuses_the_affinity",
    words="Predicate NodeAffinity failed",
    source="kubernetes pkg/kubelet/lifecycle/predicate.go",
)(
    rejected(
        "NodeAffinity",
        "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
        spec=affinity("rack", operator="Exists"),
    )
)


def _anti(s: Scene) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": s.labels(s.name)}, "topologyKey": "kubernetes.io/hostname"}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def _apart(text: str, extra: int) -> Any:
    def build(s: Scene) -> None:
        n = len(s.nodes)
        app = s.victim(age=30, replicas=n + extra, spec=_anti(s))
        app.unscheduled(text.format(n=n), app.pods[n:])

    return build


incident("pod_anti_affinity", name="more_replicas_than_hosts")(
    _apart(
        "0/{n} nodes are available: {n} node(s) didn't match pod anti-affinity rules. preemption: 0/{n} nodes are available: {n} No preemption victims found for incoming pod.",
        1,
    )
)
incident(
    "pod_anti_affinity",
    name="words_of_older_schedulers",
    words="didn't match pod affinity/anti-affinity",
    source="kubernetes 1.20 interpodaffinity plugin",
)(
    _apart(
        "0/{n} nodes are available: {n} node(s) didn't match pod affinity/anti-affinity, {n} node(s) didn't satisfy existing pods anti-affinity rules.",
        2,
    )
)
incident(
    "pod_anti_affinity",
    name="rules_of_the_pods_that_are_there",
    words="didn't satisfy existing pods anti-affinity rules",
    source="kubernetes pkg/scheduler/framework/plugins/interpodaffinity",
)(
    _apart(
        "0/{n} nodes are available: {n} node(s) didn't satisfy existing pods anti-affinity rules. preemption: 0/{n} nodes are available: {n} No preemption victims found for incoming pod.",
        1,
    )
)


# Taints, cordons, absent nodes


def _taint(key: str) -> Callable[[Scene], None]:
    def prepare(s: Scene) -> None:
        for node in s.nodes:
            node["spec"]["taints"] = [{"key": key, "value": "yes", "effect": "NoSchedule"}]

    return prepare


incident("taint_not_tolerated", name="every_node_is_reserved")(
    pending(
        "0/{n} nodes are available: {n} node(s) had untolerated taint {{reserved: yes}}." + PREEMPTION_NOT,
        prepare=_taint("reserved"),
    )
)
incident(
    "taint_not_tolerated",
    name="words_before_1_24",
    words="that the pod didn't tolerate",
    source="kubernetes 1.23 tainttoleration plugin",
)(
    pending(
        "0/{n} nodes are available: {n} node(s) had taint {{fleet: yes}}, that the pod didn't tolerate.",
        prepare=_taint("fleet"),
    )
)
incident(
    "taint_not_tolerated",
    name="reserved_for_an_upgrade_window",
    words="node(s) had untolerated taint(s)",
    source="kubernetes 1.34 tainttoleration plugin",
)(
    pending(
        "0/{n} nodes are available: {n} node(s) had untolerated taint(s)." + PREEMPTION_NOT,
        prepare=_taint("upgrade-window"),
    )
)


def _cordon(count: int) -> Callable[[Scene], None]:
    def prepare(s: Scene) -> None:
        for node in s.nodes[:count] if count else s.nodes:
            node["spec"]["unschedulable"] = True
            node["spec"]["taints"] = [
                {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": at(50)}
            ]
            s.d.event(
                node,
                "NodeNotSchedulable",
                f"Node {node['metadata']['name']} status is now: NodeNotSchedulable",
                ago=50,
                count=1,
                type_="Normal",
            )

    return prepare


def _cordoned(s: Scene) -> list[Any]:
    nodes = [f"Node /{node['metadata']['name']}" for node in s.nodes]
    return s.fault("nodes_cordoned", f"Deployment {s.name}", *nodes)


def _cordon_case(text: str, count: int, **made: Any) -> Any:
    inner = pending(text, prepare=_cordon(count), **made)

    def build(s: Scene) -> Any:
        inner(s)
        return _cordoned(s)

    return build


incident("nodes_cordoned", name="all_cordoned_for_an_upgrade")(
    _cordon_case("0/{n} nodes are available: {n} node(s) were unschedulable." + PREEMPTION_NOT, 0)
)
incident("nodes_cordoned", name="all_but_one_cordoned_and_that_is_full")(
    _cordon_case(
        "0/{n} nodes are available: 1 Insufficient cpu, {m} node(s) were unschedulable.",
        -1,
        c={"resources": {"requests": {"cpu": "7"}}},
    )
)
incident(
    "nodes_cordoned",
    name="cordoned_as_a_taint",
    words="node.kubernetes.io/unschedulable: }",
    source="kubernetes tainttoleration plugin",
)(
    _cordon_case(
        "0/{n} nodes are available: {n} node(s) had untolerated taint {{node.kubernetes.io/unschedulable: }}."
        + PREEMPTION_NOT,
        0,
    )
)


@incident("node_name_absent")
def hostname_of_a_replaced_node(s: Scene) -> None:
    n = len(s.nodes)
    s.victim(age=30, spec={"nodeSelector": {"kubernetes.io/hostname": "ip-10-42-9-197.eu-west-1.compute.internal"}})
    s.app.unscheduled(SELECTOR.format(n=n))


@incident("node_name_absent")
def bound_by_hand_to_no_node(s: Scene) -> None:
    s.victim(age=30, replicas=1, spec={"nodeName": "rack-7-blade-2"})
    for pod in s.app.pods:
        pod["spec"]["nodeName"] = "rack-7-blade-2"
        pod["status"] = {"phase": "Pending", "qosClass": "Burstable"}


@incident(
    "node_name_absent",
    words="didn't satisfy plugin(s) [NodeAffinity]",
    source="kubernetes pkg/scheduler/schedule_one.go",
)
def affinity_by_the_name_of_no_node(s: Scene) -> None:
    n = len(s.nodes)
    field = {"key": "metadata.name", "operator": "In", "values": ["rack-7-blade-2"]}
    terms = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    s.victim(age=30, spec={"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}})
    s.app.unscheduled(
        f"0/{n} nodes are available: {n} node(s) didn't satisfy plugin(s) [NodeAffinity]." + PREEMPTION_NOT.format(n=n)
    )
