"""Calls that a NetworkPolicy swallows."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import Cluster, a_cluster, only, sure

CART = Ref("Deployment", "shop", "cart")
POLICY = Ref("NetworkPolicy", "shop", "db-clients")
TIMES_OUT = (
    'level=warn msg="retrying" err="dial tcp 10.96.0.7:5432: i/o timeout"\n'
    'level=fatal msg="giving up" err="dial tcp 10.96.0.7:5432: i/o timeout"'
)


def app(name: str) -> dict[str, Any]:
    return {"podSelector": {"matchLabels": {"app": name}}}


def from_apps(*names: str, **more: Any) -> dict[str, Any]:
    return {"from": [app(name) for name in names], "ports": [{"port": 5432, "protocol": "TCP"}], **more}


def policy(cluster: Cluster, *rules: Any, name: str = "db-clients", of: str = "db", **spec: Any) -> None:
    given = {**app(of), "policyTypes": ["Ingress"], "ingress": list(rules), **spec}
    cluster.add("NetworkPolicy", f"shop/{name}", {"spec": given})


def a_shop(log: str = TIMES_OUT, **crash: Any) -> Cluster:
    """`cart` calls the database by the address of its Service and gives up."""
    cluster = a_cluster()
    next(s for s in cluster.objects["Service"] if s["metadata"]["name"] == "db")["spec"]["clusterIP"] = "10.96.0.7"
    cluster.deployment("shop/cart").crashing(1, log=log, **crash)
    return cluster


def test_a_policy_that_forgets_a_client_is_named_and_explains_the_crashes():
    cluster = a_shop()
    policy(cluster, from_apps("api"))
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode) == (POLICY, "networkpolicy_blocks")
    assert CART in problem.explains
    assert "cart" in problem.summary
    assert "5432" in problem.summary


def test_a_pod_that_does_not_get_ready_is_explained_as_well():
    cluster = a_cluster()
    cluster.deployment("shop/cart").not_ready(log='level=error err="dial tcp: db.shop.svc:5432: i/o timeout"')
    policy(cluster, from_apps("api"))
    assert [mode for _, mode in sure(cluster.diagnosis())] == ["networkpolicy_blocks"]


@pytest.mark.parametrize(
    "rule",
    [
        from_apps("api", "cart"),
        {"from": [], "ports": []},
        {"from": [{"podSelector": {}}], "ports": [{"port": 5000, "endPort": 6000}]},
        {"from": [{"namespaceSelector": {"matchLabels": {"team": "shop"}}}]},
        {"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.200.0.0/16"]}}]},
    ],
    ids=["by label", "everybody", "range of ports", "by namespace", "by address"],
)
def test_a_policy_with_a_rule_that_fits_is_not_blamed(rule: dict[str, Any]):
    cluster = a_shop()
    cluster.namespace("shop", team="shop")
    policy(cluster, rule)
    assert sure(cluster.diagnosis()) == [(CART, "dependency_unreachable")]


@pytest.mark.parametrize(
    "rule",
    [
        {"from": [app("cart")], "ports": [{"port": 5433}]},
        {"from": [{"namespaceSelector": {"matchLabels": {"team": "other"}}}]},
        {"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.244.0.0/16", "10.0.0.0/9"]}}]},
        {"from": [{"podSelector": {"matchLabels": {"app": "cart"}}, "namespaceSelector": {"matchLabels": {"x": "y"}}}]},
    ],
    ids=["another port", "another namespace", "an exception", "both selectors"],
)
def test_a_rule_that_misses_by_a_little_lets_nothing_pass(rule: dict[str, Any]):
    cluster = a_shop()
    cluster.namespace("shop", team="shop")
    policy(cluster, rule)
    assert [mode for _, mode in sure(cluster.diagnosis())] == ["networkpolicy_blocks"]


def test_rules_of_several_policies_add_up():
    cluster = a_shop()
    policy(cluster, from_apps("api"))
    policy(cluster, from_apps("cart"), name="more-clients")
    assert sure(cluster.diagnosis()) == [(CART, "dependency_unreachable")]


def test_a_refused_connection_has_met_no_policy():
    cluster = a_shop(TIMES_OUT.replace("i/o timeout", "connect: connection refused"))
    policy(cluster, from_apps("api"))
    assert "networkpolicy_blocks" not in [mode for _, mode in sure(cluster.diagnosis())]


def test_a_callers_own_egress_rules_are_seen():
    cluster = a_shop()
    rule = {"to": [app("api")], "ports": [{"port": 8080}]}
    policy(cluster, name="cart-egress", of="cart", policyTypes=["Egress"], egress=[rule])
    problem = only(cluster.diagnosis())
    assert (problem.resource.name, problem.mode) == ("cart-egress", "networkpolicy_blocks")


def test_policies_that_were_not_read_are_not_guessed_at():
    cluster = a_shop()
    policy(cluster, from_apps("api"))
    assert sure(cluster.without("NetworkPolicy").diagnosis()) == [(CART, "dependency_unreachable")]
