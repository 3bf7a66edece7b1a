"""kubectl cordons and drains under disruption budgets, and asks who may do what."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.functional.demo.kubectl.commands import Kubectl
from tests.functional.demo.kubectl.conftest import User, eventually
from tests.functional.demo.kubectl.manifests import BUDGET

NODES = ("n1", "n2", "n3")


@pytest.fixture
def nodes(web: Kubectl) -> Iterator[Kubectl]:
    """All nodes take pods again afterwards."""
    yield web
    web("uncordon", *NODES)


def test_a_cordoned_node_takes_no_pods_and_a_dry_run_does_not_cordon(nodes: Kubectl) -> None:
    assert "cordoned (server dry run)" in nodes("cordon", "n1", "--dry-run=server").out
    assert "unschedulable" not in nodes.object("node", "n1")["spec"]
    assert nodes("cordon", "n1").out == "node/n1 cordoned\n"
    assert nodes("get", "node", "n1").table()[0]["STATUS"] == "Ready,SchedulingDisabled"
    nodes("scale", "deploy", "web", "--replicas=6")
    nodes("rollout", "status", "deploy/web", "--timeout=60s")
    young = [row for row in nodes("get", "pods", "-o", "wide").table() if row["NODE"] == "n1"]
    assert len(young) <= 2  # those from before
    assert nodes("uncordon", "n1").out == "node/n1 uncordoned\n"
    assert nodes("get", "node", "n1").table()[0]["STATUS"] == "Ready"


def test_a_drain_is_held_up_by_a_budget_until_its_time_is_over(nodes: Kubectl) -> None:
    nodes("apply", "-f", "-", stdin=BUDGET)
    assert eventually(lambda: nodes.object("pdb", "web").get("status", {}).get("currentHealthy") == 2)
    before = set(nodes("get", "pods", "-o", "name").lines)
    held = nodes("drain", *NODES, "--pod-selector=app=web", "--timeout=3s", code=1)
    assert "Cannot evict pod as it would violate the pod's disruption budget" in held.err
    assert set(nodes("get", "pods", "-o", "name").lines) == before


def test_a_drain_without_a_budget_moves_the_pods(nodes: Kubectl) -> None:
    node = nodes("get", "pods", "-o", "wide").table()[0]["NODE"]
    said = nodes("drain", node, "--pod-selector=app=web", "--timeout=60s")
    assert said.lines[-1] == f"node/{node} drained"
    assert "evicted" in said.out
    nodes("rollout", "status", "deploy/web", "--timeout=60s")
    assert node not in {row["NODE"] for row in nodes("get", "pods", "-o", "wide").table()}


def test_can_i_answers_for_each_user(kubectl: Kubectl, user: User) -> None:
    assert kubectl("auth", "can-i", "delete", "nodes").out.strip() == "yes"
    viewer, editor = user("viewer"), user("editor")
    assert viewer("auth", "can-i", "list", "pods").out.strip() == "yes"
    assert viewer("auth", "can-i", "delete", "pods", code=1).out.strip() == "no"
    assert viewer("auth", "can-i", "get", "secrets", code=1).out.strip() == "no"
    assert editor("auth", "can-i", "patch", "deployments.apps").out.strip() == "yes"
    rules = {row["Resources"]: row["Verbs"] for row in viewer("auth", "can-i", "--list").table()}
    assert rules["pods"] == "[get list watch]"
    assert "secrets" not in rules
    who = viewer("auth", "whoami", "-o", "json").json
    assert who["status"]["userInfo"]["username"] == "viewer"


def test_what_a_user_may_not_do_is_forbidden_also_dry(web: Kubectl, user: User) -> None:
    viewer, editor = user("viewer"), user("editor")
    assert len(viewer("get", "pods").table()) == 2
    for extra in ((), ("--dry-run=server",)):
        refused = viewer("delete", "deploy", "web", *extra, code=1)
        assert 'User "viewer" cannot delete resource "deployments" in API group "apps"' in refused.err
    assert editor("label", "deploy", "web", "by=editor").out == "deployment.apps/web labeled\n"
    assert 'User "editor" cannot get resource "nodes"' in editor("cordon", "n1", code=1).err
    assert web.object("deploy", "web")["metadata"]["labels"] == {"app": "web", "by": "editor"}


def test_an_unknown_token_is_unauthorized(kubectl: Kubectl) -> None:
    refused = kubectl("--token=nonsense", "get", "pods", code=None)
    # The kubeconfig's own token wins over none; with the flag kubectl sends the flag's.
    assert refused.code == 1
    assert "must be logged in" in refused.err or "Unauthorized" in refused.err
