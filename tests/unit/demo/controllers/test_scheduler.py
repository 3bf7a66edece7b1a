"""The scheduler: where pods go, and the words of refusals."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.demo.controllers.scheduler import Scheduler
from infra.local.demo.world.machines import Machine
from tests.unit.demo.controllers.builders import MACHINES, SPACE, Sim, a_container, condition

ARM = Machine("10.0.3.14", "m7g.xlarge", "c", 4, 16, 58, pool="arm", arch="arm64", taint="arch=arm64:NoSchedule")
HOST = "kubernetes.io/hostname"
TAIL = "no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."


def pod(sim: Sim, name: str = "p", container: dict[str, Any] | None = None, **spec: Any) -> None:
    sim.create("Pod", name, {"containers": [a_container(**(container or {}))], **spec}, labels={"app": name})


def asks(**requests: str) -> dict[str, Any]:
    return {"resources": {"requests": {name.replace("_", "."): value for name, value in requests.items()}}}


def verdict(sim: Sim, name: str = "p") -> str:
    found = sim.get("Pod", name)
    assert condition(found, "PodScheduled", "reason") == "Unschedulable"
    return str(condition(found, "PodScheduled", "message"))


def node_of(sim: Sim, name: str = "p") -> str:
    return str(sim.get("Pod", name)["spec"].get("nodeName", ""))


def anti_affinity(name: str) -> dict[str, Any]:
    term = {"topologyKey": HOST, "labelSelector": {"matchLabels": {"app": name}}}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def test_pods_of_one_owner_spread_over_nodes_and_zones() -> None:
    sim = Sim()
    sim.deployment(replicas=3)
    sim.run(10)
    assert len({one["spec"]["nodeName"] for one in sim.pods()}) == 3
    name = sim.pods()[0]["metadata"]["name"]
    assert sim.events("Scheduled", name) == [
        f"Successfully assigned {SPACE}/{name} to {sim.pods()[0]['spec']['nodeName']}"
    ]


def test_a_request_no_node_can_ever_meet() -> None:
    sim = Sim()
    pod(sim, container=asks(cpu="12"))
    assert verdict(sim) == f"0/3 nodes are available: 3 Insufficient cpu. {TAIL}"


def test_nodes_that_are_only_full_might_be_helped_by_preemption() -> None:
    sim = Sim()
    sim.deployment(replicas=3, container=asks(cpu="3"))
    sim.run(10)
    pod(sim, container=asks(cpu="2"))
    assert verdict(sim).endswith("0/3 nodes are available: 3 No preemption victims found for incoming pod.")


def test_reasons_are_counted_and_sorted_as_text() -> None:
    sim = Sim(machines=(*MACHINES, ARM))
    sim.api.patch("Node", "", sim.nodes[0], {"spec": {"unschedulable": True}})
    pod(sim, container=asks(memory="64Gi"))
    assert verdict(sim).startswith(
        "0/4 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, "
        "2 Insufficient memory. no new claims to deallocate,"
    )


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"nodeSelector": {"pool": "gpu"}}, "3 node(s) didn't match Pod's node affinity/selector"),
        ({"nodeSelector": {"pool": "general"}}, ""),
        ({"nodeSelector": {"pool": "arm"}}, "1 node(s) had untolerated taint(s), 3 node(s) didn't match"),
        ({"nodeSelector": {"pool": "arm"}, "tolerations": [{"key": "arch", "operator": "Exists"}]}, ""),
    ],
)
def test_selectors_and_taints(spec: dict[str, Any], reason: str) -> None:
    arm = "arm" in str(spec)
    sim = Sim(machines=(*MACHINES, ARM) if arm else MACHINES)
    pod(sim, **spec)
    if reason:
        assert reason in verdict(sim)
        assert "arch=arm64" not in verdict(sim)
    else:
        assert node_of(sim)


def test_anti_affinity_allows_one_pod_for_each_node() -> None:
    sim = Sim()
    sim.deployment(replicas=4, pod={"affinity": anti_affinity("cart")})
    sim.run(10)
    waiting = next(one for one in sim.pods() if not one["spec"].get("nodeName"))
    assert "3 node(s) didn't match pod anti-affinity rules" in verdict(sim, waiting["metadata"]["name"])


def test_spread_constraints_keep_zones_even() -> None:
    sim = Sim()
    rule = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}
    spread = [{**rule, "labelSelector": {"matchLabels": {"app": "cart"}}}]
    sim.api.patch("Node", "", sim.nodes[2], {"spec": {"unschedulable": True}})
    sim.deployment(replicas=4, pod={"topologySpreadConstraints": spread})
    sim.run(10)
    waiting = [one["metadata"]["name"] for one in sim.pods() if not one["spec"].get("nodeName")]
    assert len(waiting) == 2
    assert "2 node(s) didn't match pod topology spread constraints" in verdict(sim, waiting[0])


def test_a_missing_claim_is_named_with_the_tail_of_1_36() -> None:
    sim = Sim()
    pod(sim, volumes=[{"name": "d", "persistentVolumeClaim": {"claimName": "nothere"}}])
    assert verdict(sim) == '0/3 nodes are available: persistentvolumeclaim "nothere" not found. not found'


def test_a_refusal_is_one_event_of_the_newer_kind_and_counts_as_a_series() -> None:
    sim = Sim()
    pod(sim, nodeSelector={"pool": "gpu"})
    event = next(one for one in sim.api.list("Event") if one["reason"] == "FailedScheduling")
    assert (event.get("count"), event["firstTimestamp"]) == (None, None)
    assert "series" not in event
    sim.run(330)
    event = next(one for one in sim.api.list("Event") if one["reason"] == "FailedScheduling")
    assert event["series"]["count"] == 2


def test_a_waiting_pod_is_placed_when_room_comes_but_not_tried_at_every_change() -> None:
    sim = Sim()
    sim.deployment(replicas=3, container=asks(cpu="3"))
    pod(sim, "big", container=asks(cpu="3"))
    pod(sim, "picky", nodeSelector={"pool": "gpu"})
    sim.run(20)
    tried = len(sim.events("FailedScheduling", "picky")), sim.api.now()
    sim.scale("Deployment", "cart", 2)
    sim.run(20)
    assert node_of(sim, "big")
    event = next(one for one in sim.api.list("Event") if one["involvedObject"]["name"] == "picky")
    assert tried[0] == 1
    assert "series" not in event, "a pod that goes does not help one that no node's labels suit"


def test_attempts_back_off() -> None:
    sim = Sim()
    sim.deployment(replicas=3, container=asks(cpu="3"))
    pod(sim, "big", container=asks(cpu="3"))
    for number in range(8):
        pod(sim, f"short-{number}", container=asks(cpu="10m"))
        sim.api.delete("Pod", SPACE, f"short-{number}", grace_s=0)
        sim.run(1)
    event = next(one for one in sim.api.list("Event") if one["involvedObject"]["name"] == "big")
    assert event["series"]["count"] < 6


def test_a_more_important_pod_takes_the_place_of_a_lesser_one() -> None:
    sim = Sim()
    sim.api.create("PriorityClass", {"metadata": {"name": "high"}, "value": 1000})
    sim.deployment(replicas=3, container=asks(cpu="3"))
    sim.run(10)
    pod(sim, "vip", container=asks(cpu="3"), priorityClassName="high")
    sim.run(20)
    assert node_of(sim, "vip")
    assert len(sim.events("Preempted")) == 1


def test_a_stopped_scheduler_says_nothing_and_goes_on_later() -> None:
    sim = Sim()
    scheduler = sim.plane.find(Scheduler)
    assert isinstance(scheduler, Scheduler)
    scheduler.stopped = True
    pod(sim)
    sim.run(60)
    assert (node_of(sim), sim.events("FailedScheduling", "p")) == ("", [])
    scheduler.stopped = False
    scheduler.look_again()
    sim.run(5)
    assert node_of(sim)


def test_a_large_cluster_is_searched_in_turns() -> None:
    sim = Sim(machines=tuple(Machine(f"10.0.9.{n}", "m7i.xlarge", "abc"[n % 3], 4, 16, 58) for n in range(1, 181)))
    for number in range(3):
        pod(sim, f"p{number}")
    assert len({node_of(sim, f"p{number}") for number in range(3)}) == 3
