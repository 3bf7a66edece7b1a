"""Who controls what: orphans are adopted, and what no longer matches is let go."""

from __future__ import annotations

from infra.local.demo.server.reading import controller_of
from tests.unit.demo.controllers.builders import SPACE, Sim, a_container


def sets(sim: Sim) -> list[str]:
    return [one["metadata"]["name"] for one in sim.api.list("ReplicaSet", SPACE)]


def owners(sim: Sim, name: str = "cart") -> set[str]:
    return {(controller_of(pod) or {}).get("name", "") for pod in sim.pods(name)}


def lone_pod(sim: Sim, name: str, **labels: str) -> None:
    sim.create("Pod", name, {"containers": [a_container()]}, labels=labels)


def test_a_deployment_made_again_takes_over_what_an_orphaning_deletion_left() -> None:
    sim = Sim()
    sim.deployment(replicas=2)
    sim.run(20)
    before, pods = sets(sim), {pod["metadata"]["uid"] for pod in sim.pods()}
    sim.api.delete("Deployment", SPACE, "cart", propagation="Orphan")
    sim.settle()
    orphan = sim.api.list("ReplicaSet", SPACE)[0]
    assert controller_of(orphan) is None
    sim.deployment(replicas=2)
    sim.run(20)
    assert sets(sim) == before
    assert {pod["metadata"]["uid"] for pod in sim.pods()} == pods
    assert controller_of(sim.api.list("ReplicaSet", SPACE)[0])["uid"] == sim.get("Deployment")["metadata"]["uid"]


def test_a_pod_whose_label_is_taken_away_is_let_go_and_replaced() -> None:
    sim = Sim()
    sim.deployment(replicas=2)
    sim.run(20)
    loose = sim.pods()[0]["metadata"]["name"]
    sim.api.patch("Pod", SPACE, loose, {"metadata": {"labels": {"app": "quarantine"}}})
    sim.run(20)
    assert controller_of(sim.get("Pod", loose)) is None
    assert sim.ready() == 2
    assert loose not in [pod["metadata"]["name"] for pod in sim.pods()]


def test_a_pod_that_gets_its_label_back_is_adopted_and_the_surplus_goes() -> None:
    sim = Sim()
    sim.deployment(replicas=2)
    sim.run(20)
    loose = sim.pods()[0]["metadata"]["name"]
    for value in ("quarantine", "cart"):
        sim.api.patch("Pod", SPACE, loose, {"metadata": {"labels": {"app": value}}})
        sim.run(20)
    assert owners(sim) == set(sets(sim))
    assert sim.ready() == 2


def test_a_lone_pod_that_a_new_set_selects_counts_as_one_of_its_pods() -> None:
    sim = Sim()
    lone_pod(sim, "early", app="cart")
    labels = {"app": "cart"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [a_container()]}}
    sim.create("ReplicaSet", "cart", {"replicas": 2, "selector": {"matchLabels": labels}, "template": template})
    sim.run(20)
    assert owners(sim) == {"cart"}
    assert len(sim.pods()) == 2
    assert "early" in [pod["metadata"]["name"] for pod in sim.pods()]


def test_a_stateful_set_adopts_only_pods_with_names_of_its_own() -> None:
    sim = Sim()
    lone_pod(sim, "other", app="cart")
    lone_pod(sim, "cart-0", app="cart")
    sim.workload("StatefulSet", replicas=1, serviceName="cart")
    sim.run(20)
    assert controller_of(sim.get("Pod", "other")) is None
    assert controller_of(sim.get("Pod", "cart-0"))["kind"] == "StatefulSet"


def test_ended_pods_and_pods_of_others_are_left_alone() -> None:
    sim = Sim()
    sim.create("Pod", "done", {"restartPolicy": "Never", "containers": [a_container(command=["sh", "-c", "sleep 1"])]})
    sim.run(20)
    sim.api.patch("Pod", SPACE, "done", {"metadata": {"labels": {"app": "cart"}}})
    sim.deployment(replicas=1)
    sim.run(20)
    assert controller_of(sim.get("Pod", "done")) is None
    assert sim.ready() == 1


def test_an_owner_on_its_way_out_adopts_nobody() -> None:
    sim = Sim()
    labels = {"app": "cart"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [a_container()]}}
    meta = {"name": "cart", "finalizers": ["example.com/wait"]}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    sim.api.create("ReplicaSet", {"metadata": meta, "spec": spec}, namespace=SPACE)
    sim.api.delete("ReplicaSet", SPACE, "cart", propagation="Background")
    lone_pod(sim, "late", app="cart")
    sim.run(5)
    assert controller_of(sim.get("Pod", "late")) is None
