"""Nodes that stopped reporting or run out of something, and what they drag along."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import NOW, a_cluster, ago, condition, only, sure

NODE = Ref("Node", "", "node-0")


def silent(cluster):
    node = cluster.objects["Node"][0]
    node["status"]["conditions"] = [
        condition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
    ]
    return node


def test_a_node_that_stopped_reporting_is_named_and_explains_its_pods():
    cluster = a_cluster()
    silent(cluster)
    cluster.add("Lease", "kube-node-lease/node-0", {"spec": {"holderIdentity": "node-0", "renewTime": ago(20)}})
    for pod in cluster.objects["Pod"]:
        if pod["spec"]["nodeName"] == "node-0":
            pod["status"]["conditions"] = [condition("Ready", "False")]
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (NODE, "kubelet_down")
    assert Ref("Deployment", "shop", "web") in problem.explains


def test_states_that_a_silent_kubelet_left_behind_are_the_past():
    cluster = a_cluster()
    silent(cluster)
    cluster.deployment("shop/cart").crashing(1)
    assert sure(cluster.diagnosis()) == [(NODE, "kubelet_down")]


def test_a_release_that_crashes_on_other_nodes_is_not_a_dead_nodes_doing():
    cluster = a_cluster()
    silent(cluster)
    cart = cluster.deployment("shop/cart", 3)
    lost, *rest = cart.pods
    cart.pods = rest
    cart.crashing(1, log="Traceback (most recent call last):\nValueError: rule 14 has no field 'origin'\n")
    lost["spec"]["nodeName"] = "node-0"
    lost["status"]["conditions"] = [condition("Ready", "False")]
    for pod in rest:
        pod["spec"]["nodeName"] = "node-1"
    assert sorted(mode for _, mode in sure(cluster.diagnosis())) == ["app_exception", "kubelet_down"]


def test_a_node_that_reports_a_dead_runtime_is_told_apart():
    cluster = a_cluster()
    cluster.objects["Node"][0]["status"]["conditions"] = [
        condition(
            "Ready",
            "False",
            "KubeletNotReady",
            "[container runtime is down, PLEG is not healthy: pleg was last seen active 5m ago]",
        )
    ]
    assert sure(cluster.diagnosis()) == [(NODE, "container_runtime_down")]


def test_a_node_that_joins_is_given_time():
    cluster = a_cluster()
    cluster.node("node-9", ready="False")["metadata"]["creationTimestamp"] = (NOW - timedelta(seconds=40)).isoformat()
    assert cluster.diagnosis().outcome == "no_fault"


def test_pressure_on_a_node_is_named():
    cluster = a_cluster()
    cluster.node(
        "node-9", conditions=[condition("DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure")]
    )
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (Ref("Node", "", "node-9"), "node_pressure_eviction")


def evicted(cluster, minutes):
    cart = cluster.deployment("shop/cart")
    return cluster.add(
        "Pod",
        "shop/cart-old",
        {
            "metadata": {"ownerReferences": [cart.owner], "labels": cart.labels},
            "spec": {**cart.spec, "nodeName": "node-0"},
            "status": {
                "phase": "Failed",
                "reason": "Evicted",
                "message": "The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi.",
                "startTime": ago(9000),
                "conditions": [condition("DisruptionTarget", "True", "TerminationByKubelet", minutes=minutes)],
            },
        },
    )


def test_an_eviction_of_yesterday_is_the_past():
    cluster = a_cluster()
    evicted(cluster, 60 * 24)
    assert cluster.diagnosis().outcome == "no_fault"


def test_an_eviction_under_present_pressure_is_the_nodes():
    cluster = a_cluster()
    evicted(cluster, 5)
    cluster.objects["Node"][0]["status"]["conditions"].append(condition("MemoryPressure", "True"))
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (NODE, "node_pressure_eviction")
    assert Ref("Deployment", "shop", "cart") in problem.explains


def test_a_network_plugin_that_is_not_ready_is_told_apart_from_a_dead_runtime():
    cluster = a_cluster()
    said = (
        "container runtime network not ready: NetworkReady=false "
        "reason:NetworkPluginNotReady message:cni plugin not initialized"
    )
    cluster.objects["Node"][0]["status"]["conditions"] = [condition("Ready", "False", "KubeletNotReady", said)]
    assert sure(cluster.diagnosis()) == [(NODE, "cni_route_broken")]


def test_an_eviction_for_want_of_node_disk_is_not_the_pods_own_limit():
    cluster = a_cluster()
    pod = evicted(cluster, 5)
    pod["status"]["message"] = (
        "The node was low on resource: ephemeral-storage. Container cart was using 5Gi, which exceeds its request of 0."
    )
    cluster.objects["Node"][0]["status"]["conditions"].append(condition("DiskPressure", "True"))
    assert sure(cluster.diagnosis()) == [(NODE, "node_pressure_eviction")]


def test_a_pod_evicted_for_its_own_limit_is_the_workloads_problem():
    cluster = a_cluster()
    evicted(cluster, 5)["status"]["message"] = (
        "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. "
    )
    assert sure(cluster.diagnosis()) == [(Ref("Deployment", "shop", "cart"), "ephemeral_storage_or_disk_full")]
