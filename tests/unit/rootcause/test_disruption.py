"""Drains that wait for a budget, deletions that wait for a finalizer."""

from __future__ import annotations

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import a_cluster, ago, condition, only, sure


def budget(cluster, *, allowed=0, healthy=2, needed=2, **spec):
    return cluster.add(
        "PodDisruptionBudget",
        "shop/api",
        {
            "spec": {"selector": {"matchLabels": {"app": "api"}}, **(spec or {"maxUnavailable": 0})},
            "status": {
                "disruptionsAllowed": allowed,
                "currentHealthy": healthy,
                "desiredHealthy": needed,
                "expectedPods": 2,
            },
        },
    )


def test_a_budget_that_holds_up_a_drain_is_named():
    cluster = a_cluster()
    budget(cluster)
    cluster.objects["Node"][0]["spec"]["unschedulable"] = True
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (Ref("PodDisruptionBudget", "shop", "api"), "pdb_blocks_drain")
    assert "node-0" in problem.summary


def test_a_budget_that_allows_a_disruption_lets_the_drain_go_on():
    cluster = a_cluster()
    budget(cluster, allowed=1, maxUnavailable=1)
    cluster.objects["Node"][0]["spec"]["unschedulable"] = True
    assert cluster.diagnosis().outcome == "no_fault"


def test_a_cordoned_node_without_a_guarded_pod_waits_for_no_budget():
    cluster = a_cluster()
    budget(cluster)
    cluster.node("node-9", cordoned=True)
    assert cluster.diagnosis().outcome == "no_fault"


def test_a_budget_exhausted_by_crashing_pods_is_explained_by_them():
    cluster = a_cluster()
    cluster.deployment("shop/cart", 2).crashing(137, "OOMKilled")
    cluster.add(
        "PodDisruptionBudget",
        "shop/cart",
        {
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "cart"}}},
            "status": {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 1, "expectedPods": 2},
        },
    )
    cluster.objects["Node"][0]["spec"]["unschedulable"] = True
    assert sure(cluster.diagnosis()) == [(Ref("Deployment", "shop", "cart"), "oom_killed")]


def terminating(cluster, minutes=40):
    return cluster.add(
        "Namespace",
        "old",
        {
            "metadata": {"deletionTimestamp": ago(minutes)},
            "spec": {"finalizers": ["kubernetes"]},
            "status": {
                "phase": "Terminating",
                "conditions": [
                    condition(
                        "NamespaceContentRemaining",
                        "True",
                        "SomeResourcesRemain",
                        "Some resources are remaining: things.example.com has 1 resource instances",
                    ),
                    condition(
                        "NamespaceFinalizersRemaining",
                        "True",
                        "SomeFinalizersRemain",
                        (
                            "Some content in the namespace has finalizers remaining: "
                            "example.com/cleanup in 1 resource instances"
                        ),
                    ),
                ],
            },
        },
    )


def test_a_namespace_that_waits_for_a_finalizer_is_named():
    cluster = a_cluster()
    terminating(cluster)
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (Ref("Namespace", "", "old"), "finalizer_deadlock")
    assert "example.com/cleanup" in problem.summary


def test_a_namespace_that_was_just_deleted_is_given_time():
    cluster = a_cluster()
    terminating(cluster, minutes=0.3)
    assert cluster.diagnosis().outcome == "no_fault"


def test_an_object_of_any_kind_that_keeps_its_finalizer_is_named():
    cluster = a_cluster()
    cluster.add(
        "ConfigMap", "shop/state", {"metadata": {"deletionTimestamp": ago(30), "finalizers": ["example.com/hold"]}}
    )
    assert sure(cluster.diagnosis()) == [(Ref("ConfigMap", "shop", "state"), "finalizer_deadlock")]


def test_objects_of_a_namespace_that_goes_are_part_of_it():
    cluster = a_cluster()
    terminating(cluster)
    cluster.add(
        "ConfigMap", "old/state", {"metadata": {"deletionTimestamp": ago(30), "finalizers": ["example.com/cleanup"]}}
    )
    assert sure(cluster.diagnosis()) == [(Ref("Namespace", "", "old"), "finalizer_deadlock")]
