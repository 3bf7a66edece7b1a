"""Deployments: revisions, rolling updates, rollback, the deadline of progress, and status."""

from __future__ import annotations

import pytest

from infra.local.demo.controllers.deployments import HISTORY, REVISION, limits_of, share
from infra.local.demo.controllers.programs import Program
from tests.unit.demo.controllers.builders import SPACE, Sim, condition

DESIRED, MAX = "deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas"


READINESS = {"readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}}}


def revisions(sim: Sim) -> dict[str, int]:
    """Replicas wanted by revision."""
    sets = sim.api.list("ReplicaSet", SPACE)
    return {one["metadata"]["annotations"][REVISION]: one["spec"]["replicas"] for one in sets}


def test_a_new_deployment_gets_a_replica_set_named_by_its_templates_hash() -> None:
    sim = Sim()
    sim.deployment(replicas=3)
    sim.run(30)
    owner = sim.api.list("ReplicaSet", SPACE)[0]
    digest = owner["metadata"]["labels"]["pod-template-hash"]
    assert owner["metadata"]["name"] == f"cart-{digest}"
    assert owner["spec"]["selector"]["matchLabels"] == {"app": "cart", "pod-template-hash": digest}
    notes = owner["metadata"]["annotations"]
    assert (notes[REVISION], notes[DESIRED], notes[MAX]) == ("1", "3", "4")
    assert sim.get("Deployment")["metadata"]["annotations"][REVISION] == "1"
    assert sim.ready() == 3


def test_status_counts_pods_and_says_that_the_rollout_is_through() -> None:
    sim = Sim()
    sim.deployment(replicas=3)
    sim.run(30)
    status = sim.status("Deployment")
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "terminatingReplicas")
    assert [status[name] for name in counts] == [3, 3, 3, 3, 0]
    assert "unavailableReplicas" not in status
    assert condition(sim.get("Deployment"), "Progressing", "reason") == "NewReplicaSetAvailable"
    assert condition(sim.get("Deployment"), "Available", "reason") == "MinimumReplicasAvailable"


def test_a_rolling_update_never_leaves_its_limits_and_ends_on_the_new_revision() -> None:
    sim = Sim()
    sim.deployment(replicas=4)
    sim.run(30)
    seen: list[tuple[int, int]] = []
    sim.api.subscribe(lambda change: seen.append((sum(revisions(sim).values()), sim.ready())))
    sim.roll("2")
    sim.run(120)
    assert revisions(sim) == {"1": 0, "2": 4}
    assert max(total for total, _ in seen) == 5
    assert min(ready for _, ready in seen) >= 3
    assert {pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in sim.pods()} == {"2"}


def test_scaling_events_name_the_sets_and_both_sizes() -> None:
    sim = Sim()
    sim.deployment(replicas=2)
    sim.run(30)
    sim.scale("Deployment", "cart", 4)
    name = sim.api.list("ReplicaSet", SPACE)[0]["metadata"]["name"]
    assert sim.events("ScalingReplicaSet") == [
        f"Scaled up replica set {name} from 0 to 2",
        f"Scaled up replica set {name} from 2 to 4",
    ]


def test_an_old_template_that_comes_back_moves_its_revision_to_the_newest_number() -> None:
    sim = Sim()
    sim.deployment(replicas=2)
    for tag in ("2", "1"):
        sim.run(60)
        sim.roll(tag)
    sim.run(60)
    assert revisions(sim) == {"2": 0, "3": 2}
    found = next(one for one in sim.api.list("ReplicaSet", SPACE) if one["spec"]["replicas"])
    assert found["metadata"]["annotations"][HISTORY] == "1"
    assert len(sim.api.list("ReplicaSet", SPACE)) == 2


def test_a_rollout_that_makes_no_progress_exceeds_its_deadline_while_old_pods_serve() -> None:
    sim = Sim()
    sim.deployment(replicas=3, progressDeadlineSeconds=60, container=READINESS)
    sim.run(30)
    sim.roll("2", program=Program(listens=(8080,), crash=("boom",)))
    sim.run(50)
    assert condition(sim.get("Deployment"), "Progressing") == "True"
    sim.run(60)
    found = sim.get("Deployment")
    assert condition(found, "Progressing", "reason") == "ProgressDeadlineExceeded"
    assert condition(found, "Available") == "True"
    assert sim.ready() == 3


def test_without_a_readiness_probe_a_crashing_release_replaces_pods_that_serve() -> None:
    """What a real cluster does: a container that has started counts as ready."""
    sim = Sim()
    sim.deployment(replicas=3)
    sim.run(30)
    sim.roll("2", program=Program(listens=(8080,), crash=("boom",)))
    sim.run(60)
    assert revisions(sim)["2"] > 1


def test_a_rollout_past_its_deadline_is_forgiven_when_it_moves_again() -> None:
    sim = Sim()
    sim.deployment(replicas=2, progressDeadlineSeconds=30, container=READINESS)
    sim.run(30)
    sim.roll("2", program=Program(listens=(8080,), crash=("boom",)))
    sim.run(120)
    sim.roll("3")
    sim.run(60)
    assert condition(sim.get("Deployment"), "Progressing", "reason") == "NewReplicaSetAvailable"


def test_recreate_stops_all_old_pods_before_the_first_new_one() -> None:
    sim = Sim()
    sim.deployment(replicas=2, strategy={"type": "Recreate"})
    sim.run(30)
    both: list[set[str]] = []
    sim.api.subscribe(lambda change: both.append(tags(sim)) if change.key[1] == "pods" else None)
    sim.roll("2")
    sim.run(60)
    assert {"1", "2"} not in both
    assert tags(sim) == {"2"}


def tags(sim: Sim) -> set[str]:
    return {pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in sim.pods()}


def test_a_paused_deployment_rolls_out_nothing_until_it_is_resumed() -> None:
    sim = Sim()
    sim.deployment(replicas=2)
    sim.run(30)
    sim.patch("Deployment", "cart", {"spec": {"paused": True}})
    sim.roll("2")
    sim.run(60)
    assert tags(sim) == {"1"}
    sim.patch("Deployment", "cart", {"spec": {"paused": None}})
    sim.run(60)
    assert tags(sim) == {"2"}


def test_old_replica_sets_are_removed_beyond_the_history_limit() -> None:
    sim = Sim()
    sim.deployment(replicas=1, revisionHistoryLimit=1)
    for tag in ("2", "3", "4"):
        sim.run(40)
        sim.roll(tag)
    sim.run(40)
    assert sorted(revisions(sim)) == ["3", "4"]


def test_a_refused_pod_is_told_in_the_condition_of_the_deployment_too() -> None:
    sim = Sim()
    sim.create("ResourceQuota", "team", {"hard": {"pods": "1"}})
    sim.deployment(replicas=2)
    sim.run(10)
    assert condition(sim.get("Deployment"), "ReplicaFailure", "reason") == "FailedCreate"
    assert "exceeded quota: team" in condition(sim.get("Deployment"), "ReplicaFailure", "message")
    assert sim.status("Deployment")["unavailableReplicas"] == 1


def test_pods_on_their_way_out_are_counted_apart() -> None:
    sim = Sim()
    sim.deployment(replicas=3)
    sim.run(30)
    sim.scale("Deployment", "cart", 1)
    assert sim.status("Deployment")["replicas"] == 1
    assert sim.status("Deployment")["terminatingReplicas"] == 2
    sim.run(5)
    assert sim.status("Deployment")["terminatingReplicas"] == 0


@pytest.mark.parametrize(
    ("strategy", "limits"),
    [
        ({}, (1, 0)),
        ({"maxSurge": "50%", "maxUnavailable": "50%"}, (2, 1)),
        ({"maxSurge": 0, "maxUnavailable": 0}, (0, 1)),
        ({"maxSurge": 2, "maxUnavailable": 1}, (2, 1)),
    ],
)
def test_surge_is_rounded_up_and_unavailability_down(strategy: dict[str, object], limits: tuple[int, int]) -> None:
    spec = {"replicas": 3, "strategy": {"type": "RollingUpdate", "rollingUpdate": strategy}}
    assert limits_of({"spec": spec}) == limits


def test_a_share_is_a_count_or_a_percentage() -> None:
    assert [share("25%", 10, up=True), share("25%", 10, up=False), share(4, 10, up=True), share(None, 9, up=True)] == [
        3, 2, 4, 0,
    ]  # fmt: skip
