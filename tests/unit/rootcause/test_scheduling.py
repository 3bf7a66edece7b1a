"""Pods that get no node, judged by the nodes themselves, by the scheduler's words of several versions, and by both."""

from __future__ import annotations

import pytest

from chalicelib.rootcause.placement import parse_refusal
from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import a_cluster, only, sure

CART = Ref("Deployment", "shop", "cart")
GPU = {"key": "dedicated", "value": "ml", "effect": "NoSchedule"}


def requests(**amounts):
    return {"requests": amounts}


def wants_cpu(c):
    return c.deployment("shop/cart", resources=requests(cpu="8"))


def wants_memory(c):
    return c.deployment("shop/cart", resources=requests(memory="64Gi"))


def wants_gpu(c):
    return c.deployment("shop/cart", resources={"limits": {"nvidia.com/gpu": 1}})


def wants_label(c):
    return c.deployment("shop/cart").having(nodeSelector={"disk": "nvme"})


def wants_affinity(c):
    term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["z9"]}]}
    return c.deployment("shop/cart").having(
        affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}
    )


def wants_distance(c):
    term = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "cloud"}
    for node in c.objects["Node"]:
        node["metadata"]["labels"]["cloud"] = "one"
    return c.deployment("shop/cart").having(
        affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    )


def wants_dedicated(c):
    c.node("gpu-0", labels={"pool": "ml"}, taints=[GPU])
    return c.deployment("shop/cart").having(nodeSelector={"pool": "ml"})


def all_cordoned(c):
    for node in c.objects["Node"]:
        node["spec"]["unschedulable"] = True
    return c.deployment("shop/cart")


def wants_host(c):
    return c.deployment("shop/cart").having(nodeSelector={"kubernetes.io/hostname": "node-77"})


CASES = [
    (wants_cpu, "insufficient_cpu", "3 Insufficient cpu."),
    (wants_memory, "insufficient_memory", "3 Insufficient memory."),
    (wants_gpu, "insufficient_gpu_or_extended", "3 Insufficient nvidia.com/gpu."),
    (wants_label, "node_selector_mismatch", "3 node(s) didn't match Pod's node affinity/selector."),
    (wants_affinity, "node_affinity_mismatch", "3 node(s) didn't match Pod's node affinity."),
    (wants_distance, "pod_anti_affinity", "3 node(s) didn't match pod anti-affinity rules."),
    (
        wants_dedicated,
        "taint_not_tolerated",
        "1 node(s) had untolerated taint {dedicated: ml}, 3 node(s) didn't match Pod's node affinity/selector.",
    ),
    (all_cordoned, "nodes_cordoned", "3 node(s) were unschedulable."),
    (wants_host, "node_name_absent", "3 node(s) didn't match Pod's node affinity/selector."),
]
TAIL = " preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."


@pytest.mark.parametrize("said", [True, False], ids=["with the scheduler's message", "from objects alone"])
@pytest.mark.parametrize(("make", "mode", "words"), CASES, ids=[mode for _, mode, _ in CASES])
def test_the_reason_that_keeps_a_pod_pending_is_named(make, mode, words, said):
    cluster = a_cluster()
    make(cluster).pending(f"0/3 nodes are available: {words}{TAIL}" if said else "")
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (CART, mode)
    assert problem.evidence


@pytest.mark.parametrize(
    ("make", "mode", "words"), [c for c in CASES if c[1] not in ("taint_not_tolerated", "node_name_absent")]
)
def test_the_message_decides_where_nodes_were_not_read(make, mode, words):
    cluster = a_cluster()
    make(cluster).pending(f"0/3 nodes are available: {words}{TAIL}")
    cluster.without("Node", reason="forbidden")
    assert sure(cluster.diagnosis()) == [(CART, mode)]


def test_a_dedicated_node_does_not_hide_that_open_nodes_are_full():
    cluster = a_cluster()
    cluster.node("gpu-0", cpu="64", taints=[GPU])
    wants_cpu(cluster).pending(
        "0/4 nodes are available: 1 node(s) had untolerated taint {dedicated: ml}, 3 Insufficient cpu."
    )
    assert sure(cluster.diagnosis()) == [(CART, "insufficient_cpu")]


def test_cpu_that_other_pods_hold_counts():
    cluster = a_cluster()
    cluster.deployment("shop/hog", 3, resources=requests(cpu="3500m"))
    cluster.deployment("shop/cart", resources=requests(cpu="1")).pending()
    assert sure(cluster.diagnosis()) == [(CART, "insufficient_cpu")]


def test_one_cordoned_node_is_not_the_reason_while_others_are_full():
    cluster = a_cluster()
    cluster.objects["Node"][0]["spec"]["unschedulable"] = True
    cluster.deployment("shop/hog", 3, resources=requests(cpu="3500m"))
    cluster.deployment("shop/cart", resources=requests(cpu="1")).pending(
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu."
    )
    assert sure(cluster.diagnosis()) == [(CART, "insufficient_cpu")]


def test_a_node_name_that_does_not_exist_is_named():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart").pending()
    for pod in cart.pods:
        pod["spec"]["nodeName"] = "node-77"
        pod["status"] = {"phase": "Pending"}
    assert sure(cluster.diagnosis()) == [(CART, "node_name_absent")]


def test_a_tolerated_taint_is_no_reason():
    cluster = a_cluster()
    cluster.node("gpu-0", labels={"pool": "ml"}, taints=[GPU])
    cluster.deployment("shop/cart", resources=requests(cpu="9")).having(
        nodeSelector={"pool": "ml"}, tolerations=[{"key": "dedicated", "operator": "Exists"}]
    ).pending()
    assert sure(cluster.diagnosis()) == [(CART, "insufficient_cpu")]


def test_a_gated_pod_is_no_fault():
    cluster = a_cluster()
    cluster.deployment("shop/cart").having(schedulingGates=[{"name": "example.com/wait"}]).pending()
    assert cluster.diagnosis().outcome == "no_fault"


WORDINGS = {
    "0/5 nodes are available: 2 node(s) had taint {dedicated: ml}, that the pod didn't tolerate, 3 Insufficient cpu.": {
        "taint": 2,
        "cpu": 3,
    },
    (
        "0/5 nodes are available: 2 node(s) had untolerated taint(s), 3 Insufficient memory. no new claims to "
        "deallocate, preemption: 0/5 nodes are available: 5 Insufficient cpu."
    ): {
        "taint": 2,
        "memory": 3,
    },
    (
        "0/4 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/"
        "not-ready: }, 3 node(s) didn't match node selector."
    ): {
        "sick": 1,
        "selection": 3,
    },
    (
        "0/4 nodes are available: 4 Insufficient amd.com/gpu. preemption: 0/4 nodes are "
        "available: 4 No preemption victims found for incoming pod."
    ): {"extended": 4},
    (
        "0/9 nodes are available: 3 node(s) didn't satisfy existing pods "
        "anti-affinity rules, 6 node(s) were unschedulable."
    ): {
        "anti_affinity": 3,
        "cordoned": 6,
    },
    "0/2 nodes are available: 1 Too many pods, 1 node(s) didn't have free ports for the requested pod ports.": {
        "pods": 1,
        "ports": 1,
    },
}


@pytest.mark.parametrize(("message", "counts"), WORDINGS.items())
def test_scheduler_messages_of_all_versions_are_counted_per_reason(message, counts):
    assert parse_refusal(message).counts == counts


def test_pods_that_fit_only_on_silent_nodes_are_explained_by_the_node():
    cluster = a_cluster()
    node = cluster.node("gpu-0", ready="Unknown", labels={"pool": "ml"})
    node["spec"]["taints"] = [{"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}]
    cluster.deployment("shop/cart").having(nodeSelector={"pool": "ml"}).pending()
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (Ref("Node", "", "gpu-0"), "kubelet_down")
    assert CART in problem.explains


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        ("3 Too many pods.", "too_many_pods_on_node"),
        ("3 node(s) didn't have free ports for the requested pod ports.", "hostport_conflict"),
        ("3 node(s) didn't match pod topology spread constraints.", "topology_spread"),
        ("3 node(s) had volume node affinity conflict.", "pv_node_affinity_conflict"),
    ],
)
def test_rarer_filters_are_named_by_the_schedulers_word(words, mode):
    cluster = a_cluster()
    cluster.deployment("shop/cart").pending(f"0/3 nodes are available: {words}")
    assert sure(cluster.diagnosis()) == [(CART, mode)]


def test_a_pod_that_no_scheduler_speaks_of_is_told_with_what_is_missing():
    cluster = a_cluster()
    cart = cluster.deployment("shop/cart").pending()
    for pod in cart.pods:
        pod["status"] = {"phase": "Pending"}
    (problem,) = cluster.diagnosis().problems
    assert problem.mode == "scheduler_down"
    assert problem.missing


def test_a_selector_and_a_taint_are_not_told_apart_without_the_nodes():
    cluster = a_cluster().without("Node")
    said = (
        "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 "
        "node(s) didn't match Pod's node affinity/selector."
    )
    wants_label(cluster).pending(said)
    (problem,) = cluster.diagnosis().problems
    assert problem.probability < 0.5
    assert any("nodes" in m for m in problem.missing)
