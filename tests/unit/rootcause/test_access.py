"""Requests that the API server refuses to a workload."""

from __future__ import annotations

import pytest

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import a_cluster, only, sure

OPERATOR = Ref("Deployment", "shop", "operator")
REFUSALS = {
    "namespaced": (
        "E0304 11:59:00 reflector.go:150] failed to list *v1.Pod: pods is forbidden: User "
        '"system:serviceaccount:shop:default" cannot list resource "pods" in API group "" in the namespace "shop"'
    ),
    "cluster": (
        'failed to watch: nodes is forbidden: User "system:serviceaccount:shop:default" cannot '
        'watch resource "nodes" in API group "" at the cluster scope'
    ),
    "quoted": (
        '{"level":"error","error":"leases.coordination.k8s.io \\"lock\\" is forbidden: User '
        '\\"system:serviceaccount:shop:default\\" cannot update resource \\"leases\\" in API '
        'group \\"coordination.k8s.io\\" in the namespace \\"shop\\""}'
    ),
}


@pytest.mark.parametrize("text", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refused_request_that_no_role_allows_is_named(text):
    cluster = a_cluster()
    cluster.deployment("shop/operator").says(text)
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (OPERATOR, "rbac_forbidden")
    assert problem.probability > 0.9


def test_without_roles_to_read_it_is_less_sure_and_says_so():
    cluster = a_cluster().without("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", reason="forbidden")
    cluster.deployment("shop/operator").says(REFUSALS["namespaced"])
    problem = only(cluster.diagnosis())
    assert problem.mode == "rbac_forbidden"
    assert problem.probability < 0.9
    assert problem.missing


@pytest.mark.parametrize(
    "subject",
    [
        {"kind": "ServiceAccount", "name": "default", "namespace": "shop"},
        {"kind": "Group", "name": "system:serviceaccounts:shop"},
    ],
)
def test_a_request_that_a_role_allows_now_is_the_past(subject):
    cluster = a_cluster()
    cluster.deployment("shop/operator").says(REFUSALS["cluster"])
    cluster.add("ClusterRole", "watcher", {"rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["nodes"]}]})
    cluster.add(
        "ClusterRoleBinding", "watcher", {"roleRef": {"kind": "ClusterRole", "name": "watcher"}, "subjects": [subject]}
    )
    assert cluster.diagnosis().outcome == "no_fault"


def test_a_crash_for_want_of_rights_is_one_problem():
    cluster = a_cluster()
    cluster.deployment("shop/operator").crashing(1, log=f"panic: {REFUSALS['namespaced']}\n\ngoroutine 1 [running]:")
    assert sure(cluster.diagnosis()) == [(OPERATOR, "rbac_forbidden")]
