"""Servers outside the cluster that do not answer."""

from __future__ import annotations

import pytest

from chalicelib.state.meta import Ref
from tests.unit.rootcause.builders import a_cluster, only, sure

CART = Ref("Deployment", "shop", "cart")
FAILS = 'level=error msg="charge failed" target="api.acquirer.example:443" err="dial tcp 203.0.113.9:443: i/o timeout"'
SERVES = "level=info msg=served path=/ status=200"


def log(*lines: str) -> str:
    return "\n".join(lines) + "\n"


def test_a_running_workload_that_cannot_reach_a_server_outside_is_named():
    cluster = a_cluster()
    cluster.deployment("shop/cart", 2).says(log(SERVES, FAILS, SERVES, FAILS, FAILS))
    problem = only(cluster.diagnosis())
    assert (problem.resource, problem.mode, problem.severity) == (CART, "dependency_unreachable", "warning")
    assert "api.acquirer.example:443" in problem.summary


@pytest.mark.parametrize(
    ("what", "lines"),
    [
        ("once or twice is weather", (SERVES, FAILS, SERVES, FAILS, SERVES)),
        ("long over", (FAILS, FAILS, FAILS, FAILS, *[SERVES] * 15)),
        ("a Service of the cluster", [FAILS.replace("api.acquirer.example:443", "web.shop.svc:80")] * 5),
        ("an address says nothing", ['err="dial tcp 203.0.113.9:443: i/o timeout"'] * 5),
    ],
)
def test_what_is_no_outage_outside_is_not_called_one(what: str, lines: tuple[str, ...]):
    cluster = a_cluster()
    cluster.deployment("shop/cart").says(log(*lines))
    assert sure(cluster.diagnosis()) == [], what


def test_a_crash_for_want_of_a_server_outside_is_told_once():
    cluster = a_cluster()
    cluster.deployment("shop/cart").crashing(1, log=log(FAILS, FAILS, FAILS))
    assert sure(cluster.diagnosis()) == [(CART, "dependency_unreachable")]
