"""Health scores: what lowers them, what does not, and that a reader can add them up."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.analytics.health import cluster_health, level_of, resource_health
from chalicelib.state.meta import Ref
from tests.unit.state.worlds import NOW, deployment, pod, world_of

NAMESPACE = {"kind": "Namespace", "metadata": {"name": "shop"}, "status": {"phase": "Active"}}


@dataclass
class Problem:
    resource: Ref
    severity: str = "critical"
    probability: float = 0.9
    summary: str = "it is broken"
    explains: list[Ref] = field(default_factory=list)


def health_of(kind, world, problems=()):
    return resource_health(kind, world.snapshot.of(kind)[0], world, problems)


def test_a_well_object_has_a_hundred_and_no_reasons():
    found = health_of("Pod", world_of(pod("a")))
    assert (found.score, found.level, found.reasons) == (100, "ok", [])


def test_a_score_is_a_hundred_less_what_its_factors_take_away():
    world = world_of(deployment("cart", 2, readyReplicas=0))
    found = health_of("Deployment", world, [Problem(Ref("Deployment", "shop", "cart"))])
    assert found.score == max(0, 100 - round(sum(f.score * f.weight for f in found.factors)))
    assert found.level == "crit"
    assert "it is broken" in found.reasons


def test_what_another_problem_explains_is_named_with_its_cause():
    cause = Problem(Ref("Node", "", "n1"), explains=[Ref("Pod", "shop", "a")])
    found = health_of("Pod", world_of(pod("a")), [cause])
    assert found.reasons == ["affected by Node n1"]
    assert found.score < 100


def test_a_namespace_is_as_well_as_what_runs_in_it():
    world = world_of(NAMESPACE)
    inside, elsewhere = Problem(Ref("Deployment", "shop", "cart")), Problem(Ref("Deployment", "dev", "cart"))
    assert health_of("Namespace", world, [inside]).score < 95
    assert health_of("Namespace", world, [elsewhere]).score == 100
    sick = world_of(NAMESPACE, *(pod(n, status={"phase": "Failed"}) for n in "ab"), pod("c"))
    assert health_of("Namespace", sick).level == "crit"


def test_old_restarts_cost_little_and_fresh_ones_more():
    def restarted(ago: timedelta):
        ended = {"exitCode": 1, "finishedAt": (NOW - ago).isoformat()}
        status = {
            "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {"name": "app", "restartCount": 9, "state": {"running": {}}, "lastState": {"terminated": ended}}
            ],
        }  # fmt: skip
        return health_of("Pod", world_of(pod("a", status=status))).score

    assert restarted(timedelta(minutes=5)) < restarted(timedelta(days=11)) < 100


def test_a_state_that_nobody_knows_is_unknown_and_not_well():
    found = health_of("Pod", world_of(pod("a", status={})))
    assert (found.score, found.level) == (None, "unknown")


def test_a_cluster_of_which_nothing_was_read_has_no_score():
    assert cluster_health(world_of(), []).score is None


def test_a_cluster_leaves_out_what_could_not_be_read():
    found = cluster_health(world_of(pod("a")), [])
    assert {f.name for f in found.factors} == {"pods", "problems"}
    assert found.score == 100


@given(st.integers(0, 100))
def test_every_score_has_a_level(score):
    assert level_of(score) == ("ok" if score > 80 else "warn" if score > 50 else "crit")


def test_a_cluster_is_healthier_the_more_of_it_runs():
    scores = [
        cluster_health(world_of(deployment("a", 1, readyReplicas=1), deployment("b", 1, readyReplicas=n)), []).score
        for n in (0, 1)
    ]
    assert scores[0] < scores[1]
