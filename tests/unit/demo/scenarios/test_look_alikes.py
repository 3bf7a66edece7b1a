"""What looks like a fault and is none must be there, and must not be reported."""

from __future__ import annotations

import pytest

from infra.local.demo.scenarios.catalog import Faults
from infra.local.demo.scenarios.lookalikes import LOOK_ALIKES, LookAlike
from infra.local.demo.world.build import World
from tests.unit.demo.scenarios.observed import diagnosis_of
from tests.unit.demo.scenarios.playing import claims

TRACES = {
    "rolled-back": ("preview-web", "Failed"),
    "scaled-and-back": ("dispatch", "ScalingReplicaSet"),
    "late-secret": ("label-printer", "FailedMount"),
    "manual-job": ("dunning", "UnexpectedJob"),
    "second-try": ("import-depots", "SuccessfulCreate"),
    "slow-start": ("fares", "Unhealthy"),
    "waited-for-room": ("geo-index", "FailedScheduling"),
}
"""Events of the last hour that each look-alike has left."""


def test_there_are_at_least_ten() -> None:
    assert len(LOOK_ALIKES) >= 10
    assert len({one.name for one in LOOK_ALIKES}) == len(LOOK_ALIKES)


def test_the_healthy_world_has_no_problem(healthy: tuple[World, Faults]) -> None:
    assert claims(diagnosis_of(healthy[0])) == []


@pytest.mark.parametrize("one", LOOK_ALIKES, ids=lambda one: one.name)
def test_a_look_alike_is_there(one: LookAlike, healthy: tuple[World, Faults]) -> None:
    world, (kind, namespace, name) = healthy[0], one.where
    found = world.api.list(kind, namespace)
    assert [item for item in found if name in item["metadata"]["name"] or name in str(item["metadata"].get("labels"))]


@pytest.mark.parametrize("name", TRACES)
def test_a_look_alike_has_left_its_events(name: str, healthy: tuple[World, Faults]) -> None:
    about, reason = TRACES[name]
    events = healthy[0].api.list("Event")
    assert [one for one in events if one["reason"] == reason and one["involvedObject"]["name"].startswith(about)]


def test_old_accidents_are_still_in_the_numbers(healthy: tuple[World, Faults]) -> None:
    pod = healthy[0].api.list("Pod", "tracking", labels={"app.kubernetes.io/name": "geo-index"})[0]
    status = pod["status"]["containerStatuses"][0]
    assert (status["restartCount"], status["lastState"]["terminated"]["reason"], status["ready"]) == (
        3,
        "OOMKilled",
        True,
    )


def test_what_is_scaled_to_zero_on_purpose_says_so(healthy: tuple[World, Faults]) -> None:
    rig = healthy[0].api.get("Deployment", "sandbox", "load-rig")
    assert rig["spec"]["replicas"] == 0
    assert "on purpose" in str(rig["metadata"]["annotations"])
